"""How are many searches answered at once? Planned one by one, asked together, cut in pages from one fetch."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from time import perf_counter

from hybrid.answer import Found
from hybrid.batch import together
from hybrid.errors import HybridError, SearchUnavailable
from hybrid.hydrate import hydrated
from hybrid.model import Stored
from hybrid.place import Place
from hybrid.plan import TEXT, VECTOR, Plan, Request
from hybrid.queries import counting
from hybrid.result import SearchResult
from hybrid.searcher import Asked, Searcher

_log = logging.getLogger(__name__)

Answered = tuple[Place, SearchResult] | HybridError
"""Where a request was answered, and the answer; or why there is none."""


def answers(searcher: Searcher, place: Place, requests: Sequence[Request]) -> list[Answered]:
    """The answer to each request, the same as to it alone. What cannot be asked together is asked alone.

    place: where the collection lies. A request that fails, fails alone.
    """
    plans = {number: _planned(searcher, request) for number, request in enumerate(requests)}
    batch = {number: plan for number, plan in plans.items() if isinstance(plan, Plan) and _goes_together(plan)}
    found = _found(searcher, place, batch) if batch else {}
    if any(asked.lost for _, asked in found.values()) and (there := searcher.followed(place)) is not None:
        return answers(searcher, there, requests)
    documents = _documents(searcher, place, [of for of, _ in found.values() if not isinstance(of, HybridError)])
    said: list[Answered] = []
    for number, request in enumerate(requests):
        plan = plans[number]
        if number in found:
            said.append(_page(searcher, place, *found[number], documents))
        else:
            said.append(plan if isinstance(plan, HybridError) else _alone(searcher, request))
    return said


def _planned(searcher: Searcher, request: Request) -> Plan | HybridError | None:
    if request.cursor is not None:
        return None
    try:
        return searcher.plan(request)
    except HybridError as error:
        return error


def _goes_together(plan: Plan) -> bool:
    return not (plan.browses or plan.queries) and counting(plan) is None


def _alone(searcher: Searcher, request: Request) -> Answered:
    try:
        return searcher.answer(request)
    except HybridError as error:
        return error


_Found = dict[int, tuple[Found | HybridError, Asked]]


def _found(searcher: Searcher, place: Place, batch: Mapping[int, Plan]) -> _Found:
    if any(VECTOR in plan.retrievers and plan.vector is None for plan in batch.values()):
        place.warm()
    started = perf_counter()
    answers = together(place, list(batch.values()), searcher.pools)
    found: _Found = {}
    for (number, plan), of in zip(batch.items(), answers, strict=True):
        asked = Asked(started, of)
        try:
            found[number] = searcher.found(place, plan, asked)[0], asked
        except HybridError as error:
            found[number] = error, asked
    return found


def _documents(searcher: Searcher, place: Place, several: Sequence[Found]) -> Mapping[str, Stored]:
    """The documents of all pages, in one call a store; what is not there is fetched with its page."""
    ids = dict.fromkeys(one for of in several for one in of.order.ids[of.plan.offset : of.plan.offset + of.plan.limit])
    stores = searcher.stores(place, max((max(dict(of.plan.deadlines).values()) for of in several), default=0.0))
    try:
        return hydrated(list(ids), (stores[VECTOR], stores[TEXT])).documents
    except SearchUnavailable as error:
        _log.warning("documents are fetched page by page: %s", error)
        return {}


def _page(
    searcher: Searcher, place: Place, of: Found | HybridError, asked: Asked, documents: Mapping[str, Stored]
) -> Answered:
    if isinstance(of, HybridError):
        return of
    try:
        return place, searcher.page(
            place, of, asked.span(of.plan), {"wait": (perf_counter() - asked.started) * 1000}, documents
        )
    except HybridError as error:
        return error
