"""How do settings differ on one query? The same rankings fused in several ways, side by side, and how alike they are.

What the retrievers found is asked once; each way of fusing is worked out from it by the fusion that searches use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hybrid.answer import column
from hybrid.errors import QueryError
from hybrid.fusion import Fusion, checked, combine
from hybrid.model import Json, Ranking

MOST = 4
"""Settings that are compared at most."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way: which retrievers, how their rankings are fused, and how much of each is looked at."""

    retrievers: tuple[str, ...]
    fusion: Fusion
    window: int


@dataclass(frozen=True, slots=True)
class Side:
    """What one setting makes of the query. ids: best first; scores: parallel, higher is better. contributions: by id,
    what each retriever added. moves: by id, its rank in the first setting less its rank here: above 0, it is further
    up here; None where the first one does not have it."""

    ids: tuple[str, ...]
    scores: tuple[float, ...]
    contributions: Mapping[str, Mapping[str, float]]
    moves: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Alike:
    """How alike the first ids of two sides are, from 0 (none in common) to 1 (the same). rbo: with p = .9."""

    jaccard: float
    rbo: float

    def to_dict(self) -> dict[str, Json]:
        """Both numbers as JSON."""
        return {"jaccard": round(self.jaccard, 4), "rbo": round(self.rbo, 4)}


def compared(rankings: Mapping[str, Ranking], settings: Sequence[Setting], limit: int) -> list[Side]:
    """What each setting makes of the rankings, its best `limit` documents. Raises QueryError and FusionError."""
    if not 1 <= len(settings) <= MOST:
        raise QueryError(f"{len(settings)} settings are compared; from 1 to {MOST} can be")
    sides: list[Side] = []
    for one in settings:
        fusion = checked(one.fusion, one.retrievers)
        columns = {name: column(_cut(rankings[name], one.window), one.window) for name in one.retrievers}
        fused = combine(columns, fusion)
        ids = fused.ids[:limit]
        first = {document: rank for rank, document in enumerate(sides[0].ids if sides else ids)}
        moves = {document: first[document] - rank if document in first else None for rank, document in enumerate(ids)}
        parts = {document: fused.explain(document) for document in ids}
        shares = {
            document: {name: float(part["contribution"]) for name, part in of.items()} for document, of in parts.items()
        }
        sides.append(Side(ids, fused.scores[:limit], shares, moves))
    return sides


def alike(one: Sequence[str], other: Sequence[str]) -> Alike:
    """How alike two lists of ids are, best first, none twice."""
    return Alike(jaccard(one, other), rbo(one, other))


def jaccard(one: Sequence[str], other: Sequence[str]) -> float:
    """The part of all ids that both have; 1 where there are none."""
    union = {*one, *other}
    return len({*one} & {*other}) / len(union) if union else 1.0


def rbo(one: Sequence[str], other: Sequence[str], p: float = 0.9) -> float:
    """Rank-biased overlap, extrapolated: agreement at each depth, the first places counting most; 1 for equal lists.

    p: from 0 to 1, how far down one looks: the first 10 places have 86 % of the weight with .9. Of lists of different
    lengths, too (Webber, Moffat, Zobel 2010, equation 32). 1 where both are empty, 0 where one is.
    """
    short, long = sorted((one, other), key=len)
    if not short:
        return float(not long)
    seen_short: set[str] = set()
    seen_long: set[str] = set()
    overlaps: list[int] = []
    for depth in range(len(long)):
        seen_long.add(long[depth])
        if depth < len(short):
            seen_short.add(short[depth])
        overlaps.append(len(seen_short & seen_long))
    s, l = len(short), len(long)  # noqa: E741 (as in the paper)
    at_s, at_l = overlaps[s - 1], overlaps[l - 1]
    agreed = sum(overlaps[d - 1] / d * p**d for d in range(1, l + 1))
    beyond = sum(at_s * (d - s) / (s * d) * p**d for d in range(s + 1, l + 1))
    return (1 - p) / p * (agreed + beyond) + ((at_l - at_s) / l + at_s / s) * p**l


def _cut(of: Ranking, window: int) -> Ranking:
    return replace(of, ids=of.ids[:window], scores=of.scores[:window])
