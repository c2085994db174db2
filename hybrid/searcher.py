"""How is a collection searched? A request is planned, run where the collection lies, and its answer cut in pages."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import numpy as np

from hybrid import bounds, explain, filters, integrity, like, presets, queries, retrieve, suggest, synonyms
from hybrid import plan as planning
from hybrid.answer import Found, found, page
from hybrid.arrange import arranged
from hybrid.batch import AtHand
from hybrid.bounded import Bounded, at_once
from hybrid.embedding.reranker import LazyReranker
from hybrid.errors import CollectionNotFound, CursorError, StoreError, StoreReplyError
from hybrid.highlight import Highlight
from hybrid.highlighted import highlighted, terms
from hybrid.hydrate import hydrated
from hybrid.location import Location
from hybrid.model import Json, Ranking, Stored
from hybrid.pages import Pages
from hybrid.place import Place
from hybrid.plan import TEXT, VECTOR, Defaults, Explain, Plan, Request
from hybrid.policy import Policy
from hybrid.recall import Recall
from hybrid.result import Hit, SearchResult
from hybrid.search import FAIR_S, Answer, run, settle
from hybrid.settings import Settings
from hybrid.shaping.wishes import Rerank
from hybrid.standing import Standing, hit_of, standing
from hybrid.stores.base import Store, VectorQuery, check_query
from hybrid.suggest import Suggestions
from hybrid.wording import Tongue

_GONE = frozenset({CollectionNotFound.code, StoreReplyError.code})
"""Why a retriever fails whose collection was moved or deleted by another process."""

FETCHING_S = 0.25
"""Seconds that a store may take for the documents of a page at least: an answer that is found is not thrown away
because a retriever took all the time there was."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the stores said to a plan. started: when, by `time.perf_counter`. counted: facets that were asked apart."""

    started: float
    answers: Mapping[str, Answer]
    counted: Answer | None = None

    @property
    def lost(self) -> bool:
        """Whether a store does not have the collection, which may have been moved."""
        return any(answer.report.reason in _GONE for answer in self.answers.values())

    def left(self, plan: Plan) -> float:
        """Seconds until the plan's deadline; below 0 after it."""
        return self.started + max(of for _, of in plan.deadlines) - time.perf_counter()

    def span(self, plan: Plan) -> Span:
        """The part of the answer that the plan wants."""
        return Span(plan.offset, plan.limit, self.left(plan))


_HIGHLIGHTING = "highlighting"
"""The call that asks the model for the nearest sentences, which is none either."""


@dataclass(frozen=True, slots=True)
class Span:
    """Which part of an answer is wanted, in how many seconds, and under which key the answer is kept; None: not yet."""

    offset: int
    limit: int
    left_s: float
    key: bytes | None = None


class Searcher:
    """Searches of one collection. Thread-safe."""

    def __init__(self, settings: Settings, location: Location, reranker: LazyReranker) -> None:
        self._settings = settings
        self._location = location
        self._reranker = reranker
        self._synonyms = synonyms.read(settings.synonyms)
        self.preset = presets.chosen(settings)
        self.pools = location.pools
        self.recall = Recall(settings.remembered)
        self._pages: Pages[Found] = Pages()

    def plan(self, request: Request) -> Plan:
        """The plan of a search, checked and complete, not run. Raises QueryError, FilterError or FusionError."""
        place = self._location.opened()
        collection = place.catalog.collection
        request = like.resolved(request, place, self.stores(place, self._settings.deadline_s))
        defaults = Defaults(
            window=self.preset.window,
            deadline_s=self._settings.deadline_s,
            languages=place.languages,
            rerank=self._rerank(),
            synonyms=self._synonyms,
            fusion=self.preset.fusion,
            fields=self.preset.fields,
        )
        plan = planning.make(request, collection.schema, defaults)
        if plan.vector is not None:
            check_query(VectorQuery(np.asarray(plan.vector, np.float32), plan.window), collection)
        return plan

    def _rerank(self) -> Rerank | None:
        of, name = self._settings.rerank, self._reranker.name
        return Rerank(name, of.limit, of.deadline_s) if name else None

    def render(self, plan: Plan) -> dict[str, Json]:
        """The plan, and, for each retriever that it asks, exactly what its store is asked. Nothing is sent."""
        place = self._location.opened()
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
        """Where a plan was run, and its answer. timeline: milliseconds spent already, which count to the deadline.

        Raises SearchUnavailable.
        """
        place, began = self._location.place, time.perf_counter()
        before = self._generation(place) if self.recall.is_on else None
        known = self.recall.find((plan.key, before)) if before else None
        if known is not None:
            span = Asked(began, {}).span(plan)
            page = self.page(place, replace(known, plan=plan), span, {**(timeline or {}), "recall": _since(began)})
            return place, replace(page, remembered=True)
        asked = self._asked(place, plan, sum((timeline or {}).values()) / 1000)
        if asked.lost and self._location.moved(place):
            return self.run(plan, timeline)
        of, spent = self.found(place, plan, asked)
        if before and not of.degraded and self._generation(place) == before:
            self.recall.keep((plan.key, before), of)
        return place, self.page(place, of, asked.span(plan), {**(timeline or {}), **spent})

    def _generation(self, place: Place) -> str | None:
        """What names the state of both stores that searches see; None where it is not known in a while."""
        within = self._settings.deadline_s / 4
        said, errors = at_once(place.stores, lambda store: store.generation(), self.pools, within, place.here)
        return None if errors else "|".join((place.settings.collection, *(said[name] for name in sorted(said))))

    def followed(self, place: Place) -> Place | None:
        """Where the collection lies now, where it was moved from this place; None where it was not."""
        return self._location.place if self._location.moved(place) else None

    def rankings(self, plan: Plan) -> dict[str, Ranking]:
        """What each retriever finds, by name. Raises SearchUnavailable where one does not answer."""
        asked = self._asked(self._location.place, plan, 0.0)
        settle(asked.answers, Policy.FAIL, ())
        return {name: answer.ranking for name, answer in asked.answers.items()}

    def found(self, place: Place, plan: Plan, asked: Asked) -> tuple[Found, dict[str, float]]:
        """All that a plan found, in the order of its pages, and the milliseconds that went into it.

        Raises SearchUnavailable.
        """
        waited = time.perf_counter()
        settle(asked.answers, plan.policy, plan.require)
        of = found(plan, asked.answers, asked.counted)
        spent = {"wait": (waited - asked.started) * 1000, "fuse": _since(waited)}
        if plan.shaping:
            began = time.perf_counter()
            schema, stores = place.catalog.collection.schema, self.stores(place, asked.left(plan))
            of = arranged(of, schema, stores, self.pools, self._reranker)
            spent["arrange"] = _since(began)
        return of, spent

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
        return place, self.page(place, of, Span(offset, limit, max(dict(of.plan.deadlines).values()), key), {})

    def suggest(self, text: str, filter: str | Mapping[str, Json] | None, limit: int) -> Suggestions:
        """What the documents of the filter suggest for a text. Raises QueryError, FilterError, StoreError."""
        place, within = self._location.opened(), self._settings.deadline_s
        tree = filters.read(filter, place.catalog.collection.schema)
        typed, wanted = bounds.query_text(text), bounds.whole("limit", limit, 0, suggest.MOST_SUGGESTED)
        store = Bounded(place.text, TEXT, self.pools, within, TEXT in place.here)

        def asked(_: Store) -> Suggestions:
            place.catalog.store(TEXT)
            tongue = Tongue(place.catalog.collection.schema.spoken, self._synonyms)
            return suggest.suggestions(place.text, typed, tree, wanted, within, tongue)

        try:
            return store.ask(asked)
        except (CollectionNotFound, StoreReplyError):
            if not self._location.moved(place):
                raise
            return self.suggest(text, filter, limit)

    def standing(self, request: Request, document_id: str) -> Standing:
        """How a request's search sees one document. Raises as `plan` and `run` do."""
        plan, place = self.plan(replace(request, explain=True, cursor=None)), self._location.place
        asked = self._asked(place, plan, 0.0)
        of, _ = self.found(place, plan, asked)
        stores = self.stores(place, asked.left(plan))
        stored = hydrated([document_id], (stores[VECTOR], stores[TEXT])).documents.get(document_id)
        if stored is None:
            return Standing(document_id, exists=False)
        (hit,) = _explained(place, stores, of, (hit_of(of, stored),))
        return standing(of, hit, place.catalog.collection.schema)

    def stores(self, place: Place, left_s: float) -> dict[str, Bounded]:
        """By retriever its store, which takes no more than half of the seconds left, so that the other can fill in."""
        within = max(FETCHING_S, left_s / 2)
        return {
            name: Bounded(store, name, self.pools, within, name in place.here) for name, store in place.stores.items()
        }

    def circuits(self) -> dict[str, Json]:
        """By retriever that was asked, whether its store is asked now, as JSON."""
        return self.pools.circuits()

    def close(self) -> None:
        """Ends the threads."""
        self.pools.close()

    def _asked(self, place: Place, plan: Plan, spent_s: float) -> Asked:
        """What the stores say to a plan.

        spent_s: seconds of the deadline that are gone; a quarter of it is left to the retrievers, come what may.
        """
        if VECTOR in plan.retrievers and plan.vector is None:
            place.warm()  # before the clock starts: loading a model takes longer than a search may
        calls = {TEXT: partial(retrieve.by_text, place, plan), VECTOR: partial(retrieve.by_vector, place, plan)}
        calls = {name: calls[name] for name in plan.retrievers}
        deadlines = {name: max(of - spent_s, of / 4) for name, of in plan.deadlines}
        counts = queries.counting(plan) is not None  # then the text retriever is not asked, and its store is free
        if counts:
            calls[TEXT], deadlines[TEXT] = partial(retrieve.facets, place, plan), max(deadlines.values())
        started = time.perf_counter()
        fair_s = min(FAIR_S, self._settings.deadline_s)
        answers = run(calls, self.pools, deadlines, place.computing(plan), fair_s=fair_s)
        return Asked(started, answers, answers.pop(TEXT) if counts else None)

    def page(
        self,
        place: Place,
        of: Found,
        span: Span,
        timeline: dict[str, float],
        documents: Mapping[str, Stored] = MappingProxyType({}),
    ) -> SearchResult:
        """A part of an answer. timeline: milliseconds spent already. documents: those that are at hand, by id."""
        plan, end = of.plan, span.offset + span.limit
        stores = self.stores(place, span.left_s)
        started = time.perf_counter()
        shelves = {name: AtHand(store, documents) for name, store in stores.items()} if documents else stores
        cut = page(of, span.offset, span.limit, shelves, place.catalog.collection.schema)
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
            next_cursor=self._next(of, span.key, end) if span.limit and end < len(of.order) else None,
            window_exhausted=end >= len(of.order) and of.full,
            skipped=cut.skipped,
            timeline=timeline,
            steps=of.steps,
        )
        return _confirmed(place, stores, result) if plan.verify else result

    def _highlighted(
        self, place: Place, plan: Plan, how: Highlight, hits: tuple[Hit, ...], left_s: float
    ) -> tuple[Hit, ...]:
        asking = Bounded(place.vector, _HIGHLIGHTING, self.pools, max(FETCHING_S, left_s))

        def near(texts: Sequence[str]) -> Sequence[float]:
            return asking.ask(lambda _: retrieve.nearness(place, plan, texts))

        return highlighted(hits, terms(plan), how, place.catalog.collection.schema, near)

    def _next(self, of: Found, key: bytes | None, place: int) -> str:
        return self._pages.cursor(self._pages.keep(of, of.size) if key is None else key, place)


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
    return store.ask(lambda _: retrieve.scores(place, store.retriever, plan, ids))


def _trees(place: Place, store: Bounded, plan: Plan, ids: Sequence[str]) -> Mapping[str, Json]:
    try:
        return store.ask(lambda _: retrieve.explained(place, plan, ids))
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
