"""What is the answer? Rankings fused, the page's documents fetched, and every retriever's part told."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence

from hybrid.errors import CollectionNotFound, HybridError, SearchUnavailable, StoreError
from hybrid.fusion import Column, FusedRanking, combine
from hybrid.model import Hit, Json, Passage, RetrieverReport, SearchResult, Status, Stored
from hybrid.plan import RETRIEVERS, VECTOR, Plan
from hybrid.schema import Schema
from hybrid.search import Answer
from hybrid.stores.base import Store

_log = logging.getLogger(__name__)


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
    sources = hydrated(
        page, [stores[name] for name in sorted(stores, key=lambda name: (name not in good, name != VECTOR))]
    )
    passages = _best_passages(good.get(VECTOR))
    return SearchResult(
        query=plan.query,
        took_ms=(time.perf_counter() - started) * 1000,
        degraded=len(good) < len(plan.retrievers),
        fusion=plan.fusion_facts(),
        retrievers={name: _report(answers.get(name)) for name in RETRIEVERS},
        hits=tuple(_hits(page, fused, answers, sources, passages, schema)),
    )


def hydrated(ids: Sequence[str], stores: Iterable[Store]) -> dict[str, Stored]:
    """The documents of these ids from the first store that has them; deleted ones are left out.

    Raises SearchUnavailable where documents are missing and a store did not answer.
    """
    found: dict[str, Stored] = {}
    failures: dict[str, HybridError] = {}
    for store in stores:
        missing = [one for one in ids if one not in found]
        if not missing:
            break
        try:
            found |= store.fetch(missing)
        except (StoreError, CollectionNotFound) as error:  # the latter where one store lost its collection
            _log.warning("documents could not be fetched: %s", error)
            failures[store.name] = error
    if failures and len(found) < len(ids):
        codes = {name: error.code for name, error in failures.items()}
        raise SearchUnavailable(codes, {name: str(error) for name, error in failures.items()})
    return found


def _hits(
    page: Sequence[str],
    fused: FusedRanking,
    answers: Mapping[str, Answer],
    sources: Mapping[str, Stored],
    passages: Mapping[str, int],
    schema: Schema,
) -> Iterable[Hit]:
    scores = dict(zip(fused.ids, fused.scores, strict=True))
    there = [one for one in page if one in sources]
    for rank, one in enumerate(there, 1):
        stored = sources[one]
        yield Hit(
            id=one,
            rank=rank,
            score=scores[one],
            document=stored.source,
            explain=_explained(fused.explain(one), answers),
            passage=_passage(stored, passages.get(one), schema),
        )


def _explained(parts: dict[str, dict[str, Json]], answers: Mapping[str, Answer]) -> dict[str, dict[str, Json]]:
    """Every retriever's part of a hit: hit or not_found of those that answered, failed or skipped of the others."""
    rest = {
        name: {"status": "failed" if name in answers else "skipped", "contribution": 0.0}
        for name in RETRIEVERS
        if name not in parts
    }
    return {name: (parts | rest)[name] for name in RETRIEVERS}


def _best_passages(vector: Answer | None) -> dict[str, int]:
    return dict(zip(vector.ranking.ids, vector.ranking.passages, strict=True)) if vector else {}


def _passage(stored: Stored, number: int | None, schema: Schema) -> Passage | None:
    """The best passage of a document that has several; None for one that has one."""
    if number is None or len(stored.passages) < 2 or number >= len(stored.passages):  # or rewritten since, shorter
        return None
    start, end = stored.passages[number]
    return Passage(number, schema.embedded_text(stored.source)[start:end])


def _report(answer: Answer | None) -> RetrieverReport:
    return answer.report if answer else RetrieverReport(Status.SKIPPED, 0.0, 0, "not asked")
