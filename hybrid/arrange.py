"""What becomes of an answer before pages are cut from it? The steps after fusion, with what each of them needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from hybrid.answer import Found, best_passage
from hybrid.bounded import Bounded
from hybrid.embedding.reranker import Reranker
from hybrid.errors import HybridError
from hybrid.filters.meaning import Facts, facts, matches
from hybrid.hydrate import hydrated
from hybrid.model import Ranking, RetrieverReport, Status, Stored
from hybrid.plan import VECTOR
from hybrid.schema import Schema
from hybrid.search import Pools, run
from hybrid.shaping.boosts import boosted
from hybrid.shaping.cut import before_knee, from_score
from hybrid.shaping.groups import collapsed, diverse
from hybrid.shaping.order import Order
from hybrid.shaping.wishes import Shaping
from hybrid.stores.counting import ordered as by_fields

RERANK, DIVERSITY = "rerank", "diversity"
"""The steps that need more than documents, and can fail."""


@dataclass(slots=True)
class _Work:
    """An answer whose order is being made. documents: at hand, by id, and what filters see of each. steps: how those
    steps went that can fail."""

    of: Found
    shaping: Shaping
    schema: Schema
    vectors: Bounded
    pools: Pools
    reranker: Reranker
    documents: Mapping[str, Stored]
    seen: Mapping[str, Facts]
    order: Order
    steps: dict[str, RetrieverReport] = field(default_factory=dict)


def arranged(of: Found, schema: Schema, stores: Mapping[str, Bounded], pools: Pools, reranker: Reranker) -> Found:
    """The answer with its documents in the order that the plan's shaping makes of the fused one.

    A step that fails leaves the order as it was, and says so. Raises SearchUnavailable where documents that a step
    must look at cannot be fetched.
    """
    shaping = of.plan.shaping
    ids = (*of.order.ids, *(one for one in shaping.pinned if one not in of.order.scores))
    order = sorted(of.good.keys() & stores.keys(), key=lambda name: name != VECTOR)
    at_hand = hydrated(ids, [stores[name] for name in order]).documents
    seen = {one: facts(one, stored.source, schema) for one, stored in at_hand.items()}
    work = _Work(of, shaping, schema, stores[VECTOR], pools, reranker, at_hand, seen, of.order)
    for name in shaping.steps:
        _STEPS[name](work)
    return replace(of, order=work.order, steps=work.steps)


def _boost(work: _Work) -> None:
    work.order = boosted(work.order, work.shaping.boosts, work.seen)


def _cut(work: _Work) -> None:
    work.order = from_score(work.order, work.shaping.min_score or 0.0)


def _end_at_knee(work: _Work) -> None:
    work.order = before_knee(work.order)


def _sort(work: _Work) -> None:
    ids, sorts = work.order.ids, work.shaping.sort
    columns = [[tuple(work.seen.get(one, {}).get(sort.field, ())) for one in ids] for sort in sorts]
    work.order = replace(work.order, ids=tuple(ids[at] for at in by_fields(ids, columns, sorts)))


def _collapse(work: _Work) -> None:
    work.order = collapsed(work.order, work.shaping.collapse or "", work.seen)


def _rerank(work: _Work) -> None:
    """The first documents by the cross-encoder's scores, those below the least one left out."""
    wanted = work.shaping.rerank
    if wanted is None:
        return
    ids = [one for one in work.order.ids[: wanted.limit] if one in work.documents]
    texts = [best_passage(work.of, work.documents[one], work.schema) for one in ids]
    scores: list[float] = []

    def call() -> Ranking:
        scores.extend(work.reranker.score(work.of.plan.spoken[0], texts))
        return Ranking()

    answer = run({RERANK: call}, work.pools, {RERANK: wanted.within_s})[RERANK]
    work.steps[RERANK] = replace(answer.report, returned=len(ids) if answer.report.status is Status.OK else 0)
    if answer.report.status is not Status.OK:
        return
    by_id = dict(zip(ids, scores, strict=True))
    before = {one: rank for rank, one in enumerate(work.order.ids, 1)}
    first = sorted(by_id, key=lambda one: (-by_id[one], before[one]))
    if wanted.min_score is not None:
        first = [one for one in first if by_id[one] >= wanted.min_score]
        rest: list[str] = []  # what was not read cannot be said to be good enough
    else:
        rest = [one for one in work.order.ids if one not in by_id]
    said = {one: {"score": by_id[one], "rank_before": before[one]} for one in first}
    work.order = replace(work.order, ids=(*first, *rest)).noted(RERANK, said)


def _diversify(work: _Work) -> None:
    started = time.perf_counter()
    try:
        records = work.vectors.ask(lambda of: of.records(work.order.ids))
    except HybridError as error:
        work.steps[DIVERSITY] = RetrieverReport(Status.FAILED, _since(started), 0, error.code)
        return
    vectors = {one: record.vectors for one, record in records.items()}
    work.order = diverse(work.order, work.shaping.diversity or 0.0, vectors)
    work.steps[DIVERSITY] = RetrieverReport(Status.OK, _since(started), len(vectors))


def _pin(work: _Work) -> None:
    """The pinned documents that are there and that the filter lets through, then all others."""
    tree, seen = work.of.plan.filter, work.seen
    first = [one for one in work.shaping.pinned if one in seen and (tree is None or matches(tree, seen[one]))]
    rest = [one for one in work.order.ids if one not in first]
    scores = dict.fromkeys(first, 0.0) | dict(work.order.scores)
    work.order = Order((*first, *rest), scores, work.order.notes).noted("pinned", {one: {} for one in first})


_STEPS: dict[str, Callable[[_Work], None]] = {
    "boosts": _boost,
    "rerank": _rerank,
    "min_score": _cut,
    "knee": _end_at_knee,
    "sort": _sort,
    "collapse": _collapse,
    "diversity": _diversify,
    "pinned": _pin,
}
"""By field of a Shaping, what is done where it is wanted."""


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
