"""What is the answer? Rankings fused, the page's documents fetched, and every retriever's part told."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence

from hybrid.errors import SearchUnavailable
from hybrid.fusion import Column, FusedRanking, combine
from hybrid.hydrate import Hydrated, hydrated
from hybrid.model import Hit, Integrity, Json, Passage, RetrieverReport, SearchResult, Status, Stored
from hybrid.plan import RETRIEVERS, VECTOR, Plan
from hybrid.schema import Schema
from hybrid.search import Answer
from hybrid.stores.base import Store


def answered(
    plan: Plan, answers: Mapping[str, Answer], stores: Mapping[str, Store], schema: Schema, started: float
) -> SearchResult:
    """The answer to a plan from what its retrievers found; started: `time.perf_counter()` of the search.

    Raises SearchUnavailable where no retriever answered or the documents cannot be fetched.
    """
    good = {name: answer for name, answer in answers.items() if answer.report.status is Status.OK}
    if not good:
        reasons = {name: answer.report.reason for name, answer in answers.items()}
        raise SearchUnavailable(reasons, {name: answer.detail for name, answer in answers.items()})
    columns = {name: Column(answer.ranking.ids, answer.ranking.scores) for name, answer in good.items()}
    fused = combine(columns, plan.fusion)
    page = fused.ids[: plan.limit]
    order = sorted(stores, key=lambda name: (name not in good, name != VECTOR))
    hydrate = hydrated(page, [stores[name] for name in order])
    return SearchResult(
        query=plan.query,
        took_ms=(time.perf_counter() - started) * 1000,
        degraded=len(good) < len(plan.retrievers),
        fusion=plan.fusion_facts(),
        retrievers={name: _report(answers.get(name)) for name in RETRIEVERS},
        hits=tuple(_hits(page, fused, answers, hydrate, schema)),
    )


def _hits(
    page: Sequence[str], fused: FusedRanking, answers: Mapping[str, Answer], hydrate: Hydrated, schema: Schema
) -> Iterable[Hit]:
    there = [(one, score) for one, score in zip(page, fused.scores, strict=False) if one in hydrate.documents]
    for rank, (one, score) in enumerate(there, 1):
        stored = hydrate.documents[one]
        explain = _explained(fused.explain(one), answers)
        rows = {name: answers[name].ranking for name, part in explain.items() if part["status"] == "hit"}
        places = {name: explain[name]["rank"] - 1 for name in rows}
        versions = {ranking.versions[places[name]] for name, ranking in rows.items()} | {stored.version}
        number = rows[VECTOR].passages[places[VECTOR]] if VECTOR in rows else None
        yield Hit(
            id=one,
            rank=rank,
            score=score,
            document=stored.source,
            explain=explain,
            passage=_passage(stored, number, schema),
            integrity=_integrity(versions, one in hydrate.lacking),
        )


def _integrity(versions: set[int], lacking: bool) -> Integrity:
    """What this search saw of a document's two stores: different versions, or one of them without it."""
    if lacking:
        return Integrity.MISSING
    return Integrity.TORN if len(versions) > 1 else Integrity.OK


def _explained(parts: dict[str, dict[str, Json]], answers: Mapping[str, Answer]) -> dict[str, dict[str, Json]]:
    """Every retriever's part of a hit: hit or not_found of those that answered, failed or skipped of the others."""
    rest = {
        name: {"status": "failed" if name in answers else "skipped", "contribution": 0.0}
        for name in RETRIEVERS
        if name not in parts
    }
    return {name: (parts | rest)[name] for name in RETRIEVERS}


def _passage(stored: Stored, number: int | None, schema: Schema) -> Passage | None:
    """The best passage of a document that has several; None for one that has one."""
    if number is None or len(stored.passages) < 2 or number >= len(stored.passages):  # or rewritten since, shorter
        return None
    start, end = stored.passages[number]
    return Passage(number, schema.embedded_text(stored.source)[start:end])


def _report(answer: Answer | None) -> RetrieverReport:
    return answer.report if answer else RetrieverReport(Status.SKIPPED, 0.0, 0, "not asked")
