"""How is a collection searched? A request is planned, run where the collection lies, and its answer cut in pages."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from hybrid import bounds, explain, filters, integrity, queries, suggest
from hybrid import plan as planning
from hybrid.answer import Found, found, page
from hybrid.bounded import Bounded
from hybrid.errors import CollectionNotFound, CursorError, StoreError, StoreReplyError
from hybrid.highlight import Highlight
from hybrid.highlighted import highlighted
from hybrid.location import Location
from hybrid.model import Hit, Json, SearchResult
from hybrid.pages import Pages
from hybrid.place import Place
from hybrid.plan import RETRIEVERS, TEXT, VECTOR, Defaults, Explain, Plan, Request
from hybrid.search import Answer, Pools, run, settle
from hybrid.settings import Settings
from hybrid.stores.base import Store, VectorQuery, check_query
from hybrid.suggest import Suggestions

_GONE = frozenset({CollectionNotFound.code, StoreReplyError.code})
"""Why a retriever fails whose collection was moved or deleted by another process."""

FETCHING_S = 0.25
"""Seconds that a store may take for the documents of a page at least: an answer that is found is not thrown away
because a retriever took all the time there was."""

_COUNTING = "counting"
"""The call that only counts, which is no retriever."""

_HIGHLIGHTING = "highlighting"
"""The call that asks the model for the nearest sentences, which is none either."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Which part of an answer is wanted, in how many seconds, and under which key the answer is kept; None: not yet."""

    offset: int
    limit: int
    left_s: float
    key: bytes | None = None


class Searcher:
    """Searches of one collection. Thread-safe."""

    def __init__(self, settings: Settings, location: Location) -> None:
        self._settings = settings
        self._location = location
        self._pools = Pools()
        self._pages: Pages[Found] = Pages()

    def plan(self, request: Request) -> Plan:
        """The plan of a search, checked and complete, not run. Raises QueryError, FilterError or FusionError."""
        place = self._location.place
        collection = place.catalog.collection
        defaults = Defaults(self._settings.window, self._settings.deadline_s, place.languages)
        plan = planning.make(request, collection.schema, defaults)
        if plan.vector is not None:
            check_query(VectorQuery(np.asarray(plan.vector, np.float32), plan.window), collection)
        return plan

    def render(self, plan: Plan) -> dict[str, Json]:
        """The plan, and, for each retriever that it asks, exactly what its store is asked. Nothing is sent."""
        place = self._location.place
        body: dict[str, Json] = {"plan": plan.to_dict(), "key": plan.key}
        if TEXT in plan.retrievers:
            body[TEXT] = place.text.render(queries.text(plan))
        if VECTOR in plan.retrievers:
            shape = np.ones(place.catalog.collection.vector.dim, np.float32)  # shown by its length alone
            body[VECTOR] = place.vector.render(queries.vector(plan, shape))
        return body

    def answer(self, request: Request) -> tuple[Place, SearchResult]:
        """Where a request was answered, and the answer, or the page of it that the request's cursor names.

        Raises as `plan`, `run` and `go_on` do.
        """
        if request.cursor is not None:
            return self.go_on(request)
        started = time.perf_counter()
        plan = self.plan(request)
        return self.run(plan, {"plan": _since(started)})

    def run(self, plan: Plan, timeline: Mapping[str, float] | None = None) -> tuple[Place, SearchResult]:
        """Where a plan was run, and its answer. timeline: milliseconds spent already. Raises SearchUnavailable."""
        place = self._location.place
        started, answers, counted = self._asked(place, plan)
        if any(answer.report.reason in _GONE for answer in answers.values()) and self._location.moved(place):
            return self.run(plan, timeline)
        waited = time.perf_counter()
        settle(answers, plan.policy, plan.require)
        of = found(plan, answers, counted)
        spent = {**(timeline or {}), "wait": (waited - started) * 1000, "fuse": _since(waited)}
        left = max(dict(plan.deadlines).values()) - (time.perf_counter() - started)
        return place, self._page(place, of, _Span(plan.offset, plan.limit, left), spent)

    def go_on(self, request: Request) -> tuple[Place, SearchResult]:
        """Where an answer was found, and the page of it that a request's cursor names.

        Raises CursorError where the request asks for another search than the cursor's, and CursorGone.
        """
        key, of, offset = self._pages.find(request.cursor or "")
        alone = replace(Request(cursor=request.cursor, limit=request.limit), explain=request.explain)
        alone = replace(alone, highlight=request.highlight)  # all pages have what the first one's request asked for
        if request != alone:
            asked = self.plan(replace(request, cursor=None))
            if asked.key != of.plan.key:
                raise CursorError(
                    "the cursor belongs to another search than the one that is asked; "
                    "repeat that search, or give the cursor alone"
                )
        limit = bounds.whole("limit", request.limit, 0, bounds.MAX_LIMIT)
        place = self._location.place
        return place, self._page(place, of, _Span(offset, limit, max(dict(of.plan.deadlines).values()), key), {})

    def suggest(self, text: str, filter: str | Mapping[str, Json] | None, limit: int) -> Suggestions:
        """What the documents of the filter suggest for a text. Raises QueryError, FilterError, StoreError."""
        place, within = self._location.place, self._settings.deadline_s
        tree = filters.read(filter, place.catalog.collection.schema)
        typed, wanted = bounds.query_text(text), bounds.whole("limit", limit, 0, suggest.MOST_SUGGESTED)
        store = Bounded(place.text, TEXT, self._pools, within, TEXT in place.here)

        def asked(_: Store) -> Suggestions:
            place.catalog.store(TEXT)
            return suggest.suggestions(place.text, typed, tree, wanted, within)

        try:
            return store.ask(asked)
        except (CollectionNotFound, StoreReplyError):
            if not self._location.moved(place):
                raise
            return self.suggest(text, filter, limit)

    def stores(self, place: Place, left_s: float) -> dict[str, Bounded]:
        """By retriever its store, which takes no more than half of the seconds left, so that the other can fill in."""
        within = max(FETCHING_S, left_s / 2)
        return {
            name: Bounded(store, name, self._pools, within, name in place.here) for name, store in place.stores.items()
        }

    def circuits(self) -> dict[str, Json]:
        """By retriever that was asked, whether its store is asked now, as JSON."""
        return {name: state for name, state in self._pools.circuits().items() if name in RETRIEVERS}

    def close(self) -> None:
        """Ends the threads."""
        self._pools.close()

    def _asked(self, place: Place, plan: Plan) -> tuple[float, dict[str, Answer], Answer | None]:
        """When the clock started, each retriever's answer, and what was counted apart."""
        if VECTOR in plan.retrievers and plan.vector is None:
            place.warm()  # before the clock starts: loading a model takes longer than a search may
        calls = {TEXT: partial(place.search_text, plan), VECTOR: partial(place.search_vector, plan)}
        calls = {name: calls[name] for name in plan.retrievers}
        deadlines = dict(plan.deadlines)
        if queries.counting(plan) is not None:
            calls[_COUNTING], deadlines[_COUNTING] = partial(place.count_facets, plan), max(deadlines.values())
        started = time.perf_counter()
        answers = run(calls, self._pools, deadlines, place.computing(plan))
        return started, answers, answers.pop(_COUNTING, None)

    def _page(self, place: Place, of: Found, span: _Span, timeline: dict[str, float]) -> SearchResult:
        plan, end = of.plan, span.offset + span.limit
        stores = self.stores(place, span.left_s)
        started = time.perf_counter()
        cut = page(of, span.offset, span.limit, stores, place.catalog.collection.schema)
        timeline["hydrate"] = _since(started)
        started = time.perf_counter()
        hits = _explained(place, stores, of, cut.hits)
        if hits is not cut.hits:
            timeline["explain"] = _since(started)
        if plan.highlight is not None:
            started = time.perf_counter()
            hits = self._highlighted(place, plan, plan.highlight, hits, span.left_s)
            timeline["highlight"] = _since(started)
        result = SearchResult(
            query=plan.query,
            took_ms=sum(timeline.values()),
            degraded=of.degraded,
            fusion=plan.fusion_facts(),
            retrievers=of.reports(),
            hits=hits,
            total=of.total,
            facets=of.facets,
            next_cursor=self._next(of, span.key, end) if span.limit and end < len(of.fused) else None,
            window_exhausted=end >= len(of.fused) and of.full,
            skipped=cut.skipped,
            timeline=timeline,
        )
        return _confirmed(place, stores, result) if plan.verify else result

    def _highlighted(
        self, place: Place, plan: Plan, how: Highlight, hits: tuple[Hit, ...], left_s: float
    ) -> tuple[Hit, ...]:
        asking = Bounded(place.vector, _HIGHLIGHTING, self._pools, max(FETCHING_S, left_s))

        def near(texts: Sequence[str]) -> Sequence[float]:
            return asking.ask(lambda _: place.nearness(plan, texts))

        return highlighted(hits, plan.query, how, place.catalog.collection.schema, near)

    def _next(self, of: Found, key: bytes | None, place: int) -> str:
        return self._pages.cursor(self._pages.keep(of, len(of.fused)) if key is None else key, place)


def _explained(place: Place, stores: Mapping[str, Bounded], of: Found, hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
    plan = of.plan
    if plan.explain is Explain.NO or plan.browses:
        return hits
    for name in of.good:
        scores = partial(_scores, place, stores[name], plan)
        hits = explain.merged(hits, name, explain.absences(hits, stores[name], name, scores))
    if plan.explain is Explain.FULL and TEXT in of.good:
        trees = _trees(place, stores[TEXT], plan, [hit.id for hit in hits])
        hits = explain.merged(hits, TEXT, {one: {"explanation": tree} for one, tree in trees.items()})
    return hits


def _scores(place: Place, store: Bounded, plan: Plan, ids: Sequence[str]) -> Mapping[str, float]:
    return store.ask(lambda _: place.scores(store.retriever, plan, ids))


def _trees(place: Place, store: Bounded, plan: Plan, ids: Sequence[str]) -> Mapping[str, Json]:
    try:
        return store.ask(lambda _: place.explain_text(plan, ids))
    except StoreError:  # as where the store says no
        return {}


def _confirmed(place: Place, stores: Mapping[str, Bounded], result: SearchResult) -> SearchResult:
    for store in stores.values():
        _opened(place, store)
    return integrity.confirmed(result, stores.values())


def _opened(place: Place, store: Bounded) -> Store:
    """The store, open on the collection. Raises StoreError where it does not answer."""
    return store.ask(lambda _: place.catalog.store(store.retriever))


def _since(started: float) -> float:
    """Milliseconds since a moment of `time.perf_counter`."""
    return (time.perf_counter() - started) * 1000
