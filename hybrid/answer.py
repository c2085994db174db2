"""What is the answer? Rankings fused, the page's documents fetched, and every retriever's part told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import orjson

from hybrid.filters import show
from hybrid.fusion import Column, FusedRanking, combine
from hybrid.hydrate import Hydrated, Shelf, hydrated
from hybrid.model import Json, Ranking, RetrieverReport, Status, Stored
from hybrid.plan import RETRIEVERS, TEXT, VECTOR, Plan
from hybrid.result import Counts, Facets, Hit, Integrity, Passage, Total
from hybrid.schema import Schema
from hybrid.search import Answer
from hybrid.shaping.order import Order, ordered

_BYTES_LIKE_ONE = 100
"""Characters of a request that take as much room as a document of a ranking."""


@dataclass(frozen=True, slots=True)
class Found:
    """All that a search found, before documents are fetched: what the pages of its answer are cut from.

    answers: by retriever that was asked. order: in which the documents come, the fused one until it is arranged.
    steps: how those steps after fusion went that can fail.
    """

    plan: Plan
    answers: Mapping[str, Answer]
    fused: FusedRanking
    total: Total
    facets: Facets | None
    order: Order
    steps: Mapping[str, RetrieverReport] = field(default_factory=dict)

    @property
    def good(self) -> Mapping[str, Answer]:
        """The answers of the retrievers that answered."""
        return {name: answer for name, answer in self.answers.items() if answer.report.status is Status.OK}

    @property
    def degraded(self) -> bool:
        """Whether a retriever that was asked, or a step after fusion, did not do its part."""
        return len(self.good) < len(self.answers) or any(of.status is not Status.OK for of in self.steps.values())

    @property
    def full(self) -> bool:
        """Whether a retriever returned as many documents as it was asked for, so that there may be more."""
        return any(len(answer.ranking) >= self.plan.window for answer in self.good.values())

    @property
    def size(self) -> int:
        """About how much room it takes, in documents: what a filter, texts and facets take counts as so many more."""
        plan = self.plan
        counted = 0 if self.facets is None else sum(map(len, self.facets.found.values()))
        texts = [plan.query, *plan.queries, "" if plan.filter is None else show(plan.filter)]
        said = sum(map(len, texts)) + len(orjson.dumps(plan.shaping.to_dict()))
        return len(self.order.ids) + counted + said // _BYTES_LIKE_ONE

    def reports(self) -> dict[str, RetrieverReport]:
        """How each retriever's part went, those that were not asked too."""
        left_out = dict(self.plan.left_out)
        idle = {
            name: RetrieverReport(Status.SKIPPED, 0.0, 0, left_out.get(name, "not asked"))
            for name in RETRIEVERS
            if name not in self.answers
        }
        asked = {
            name: replace(of.report, spent_ms=of.ranking.spent, evidence=self._evidence(name))
            for name, of in self.answers.items()
        }
        return {name: (asked | idle)[name] for name in RETRIEVERS}

    def _evidence(self, name: str) -> Mapping[str, float]:
        shares = self.fused.shares.get(name)
        return {} if shares is None or self.plan.browses else shares.facts


@dataclass(frozen=True, slots=True)
class Page:
    """A part of an answer with its documents. skipped: those that were deleted after they were found."""

    hits: tuple[Hit, ...]
    skipped: int


def found(plan: Plan, answers: Mapping[str, Answer], counted: Answer | None) -> Found:
    """What the retrievers found, fused. answers: at least one of them OK. counted: facets that were asked apart."""
    good = {name: answer for name, answer in answers.items() if answer.report.status is Status.OK}
    columns = {name: column(answer.ranking, plan.window) for name, answer in good.items()}
    fused = combine(columns, plan.fusion)
    total, facets = _total(plan, good, fused), _facets(plan, good, counted)
    return Found(plan, answers, fused, total, facets, ordered(fused.ids, fused.scores))


def column(of: Ranking, window: int) -> Column:
    """A retriever's ranking as fusion takes it. window: documents that were asked for."""
    return Column(of.ids, of.scores, of.background, of.unit, len(of) >= window)


def _total(plan: Plan, good: Mapping[str, Answer], fused: FusedRanking) -> Total:
    counts = Counts.TEXT_MATCHES if TEXT in good and not plan.browses else Counts.FILTER_MATCHES
    for answer in good.values():  # the text retriever's first
        if answer.ranking.total is not None:
            return Total(answer.ranking.total, answer.ranking.exact, counts)
    full = any(len(answer.ranking) >= plan.window for answer in good.values())
    return Total(len(fused), not full, Counts.WINDOW)


def _facets(plan: Plan, good: Mapping[str, Answer], counted: Answer | None) -> Facets | None:
    if not plan.facets:
        return None
    if TEXT in good:
        return Facets(good[TEXT].ranking.facets, Counts.FILTER_MATCHES if plan.browses else Counts.TEXT_MATCHES)
    if counted is not None and counted.report.status is Status.OK:
        return Facets(counted.ranking.facets, Counts.FILTER_MATCHES)
    return Facets({}, Counts.NOTHING)


def page(of: Found, offset: int, limit: int, stores: Mapping[str, Shelf], schema: Schema) -> Page:
    """The documents from `offset`, from 0, as hits. Raises SearchUnavailable where they cannot be fetched."""
    ids = of.order.ids[offset : offset + limit]
    failed = of.answers.keys() - of.good.keys()  # not worth another time-out
    order = sorted(stores.keys() - failed, key=lambda name: (name not in of.good, name != VECTOR))
    hydrate = hydrated(ids, [stores[name] for name in order])
    hits = tuple(_hits(of, offset, ids, hydrate, schema))
    return Page(hits, len(ids) - len(hits))


def _hits(of: Found, offset: int, ids: Sequence[str], hydrate: Hydrated, schema: Schema) -> Iterable[Hit]:
    for position, one in enumerate(ids, offset):
        stored = hydrate.documents.get(one)
        if stored is None:
            continue
        explain = explained(of, one)
        rows = {name: of.answers[name].ranking for name, part in explain.items() if part["status"] == "hit"}
        places = {name: explain[name]["rank"] - 1 for name in rows}
        versions = {ranking.versions[places[name]] for name, ranking in rows.items()} | {stored.version}
        number = rows[VECTOR].passages[places[VECTOR]] if VECTOR in rows else None
        yield Hit(
            id=one,
            rank=position + 1,
            score=0.0 if of.plan.browses else of.order.scores[one],
            document=stored.source,
            explain=explain,
            passage=_passage(stored, number, schema),
            integrity=_integrity(versions, one in hydrate.lacking),
            shaping=of.order.notes.get(one, {}),
        )


def _integrity(versions: set[int], lacking: bool) -> Integrity:
    """What this search saw of a document's two stores: different versions, or one of them without it."""
    if lacking:
        return Integrity.MISSING
    return Integrity.TORN if len(versions) > 1 else Integrity.OK


def explained(of: Found, document_id: str) -> dict[str, dict[str, Json]]:
    """Every retriever's part of a hit: hit or not_found of those that answered, failed or skipped of the others."""
    parts = of.fused.explain(document_id)
    if of.plan.browses:
        parts = {name: {"status": "hit", "rank": part["rank"], "contribution": 0.0} for name, part in parts.items()}
    rest = {
        name: {"status": "failed" if name in of.answers else "skipped", "contribution": 0.0}
        for name in RETRIEVERS
        if name not in parts
    }
    return {name: (parts | rest)[name] for name in RETRIEVERS}


def best_passage(of: Found, stored: Stored, schema: Schema) -> str:
    """The text of a document's best passage, where a vector found it, else of its first."""
    ranking = of.answers[VECTOR].ranking if VECTOR in of.answers else None
    place = of.fused.place(VECTOR, stored.id)
    number = 0 if ranking is None or place is None else ranking.passages[place]
    found = _passage(stored, number, schema)
    return schema.embedded_text(stored.source) if found is None else found.text


def _passage(stored: Stored, number: int | None, schema: Schema) -> Passage | None:
    """The best passage of a document that has several; None for one that has one."""
    if number is None or len(stored.passages) < 2 or number >= len(stored.passages):  # or rewritten since, shorter
        return None
    start, end = stored.passages[number]
    return Passage(number, schema.embedded_text(stored.source)[start:end])
