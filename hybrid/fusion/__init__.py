"""How are rankings merged? One file a family of methods; `fuse` merges plain lists and dicts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import TypeAlias

from hybrid.errors import FusionError
from hybrid.fusion import rrf, standard, weighted  # registers the methods
from hybrid.fusion.base import BY_RANK, DEFAULT_K, Column, FusedRanking, Fusion, checked, combine, methods

__all__ = [
    "Column",
    "FusedRanking",
    "Fusion",
    "Scores",
    "checked",
    "combine",
    "fuse",
    "methods",
    "rrf",
    "standard",
    "weighted",
]

Scores: TypeAlias = Mapping[str, float] | Sequence[tuple[str, float]] | Sequence[str]
"""A ranking: {id: score}, [(id, score), …] in any order, or [id, …] best first."""


def fuse(
    rankings: Mapping[str, Scores],
    method: str = BY_RANK,
    *,
    k: float = DEFAULT_K,
    weights: Mapping[str, float] | None = None,
) -> FusedRanking:
    """The rankings fused into one, best first.

    rankings: by retriever name; scores: higher is better. method: see `hybrid.fusion.methods()`.
    k: rank constant of rrf. weights: by retriever name, 1 where none is given.
    Raises FusionError for an unknown method, weights or k that cannot be, a weight for a retriever
    that has no ranking, an id twice in one ranking, a score that is no number, or a list
    without scores where the method needs them.
    """
    given = weights or {}
    strangers = sorted(given.keys() - rankings.keys())
    if strangers:
        raise FusionError(f"weights name {', '.join(strangers)}, but the rankings are: {', '.join(sorted(rankings))}")
    fusion = checked(Fusion(method, k, tuple(sorted(given.items()))), rankings.keys())
    return combine({name: _column(name, scores, fusion.method) for name, scores in rankings.items()}, fusion)


def _column(name: str, scores: Scores, method: str) -> Column:
    if isinstance(scores, str):
        raise FusionError(f"ranking {name!r} is a string; give a list of ids, (id, score) pairs, or a dict")
    pairs: list[object] = list(scores.items()) if isinstance(scores, Mapping) else list(scores)
    if pairs and all(isinstance(pair, str) for pair in pairs):
        if method != BY_RANK:
            raise FusionError(
                f"ranking {name!r} has no scores, which {method!r} needs; give (id, score) pairs or use rrf"
            )
        pairs = [(one, float(-position)) for position, one in enumerate(pairs)]
    checked_pairs = [_pair(name, pair) for pair in pairs]
    ordered = sorted(checked_pairs, key=lambda pair: (-pair[1], pair[0]))
    ids = tuple(one for one, _ in ordered)
    if len(set(ids)) < len(ids):
        doubled = next(one for one in ids if ids.count(one) > 1)
        raise FusionError(f"ranking {name!r} has the id {doubled!r} twice; keep the better of the two")
    return Column(ids, tuple(score for _, score in ordered))


def _pair(name: str, pair: object) -> tuple[str, float]:
    if not (isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str)):
        raise FusionError(f"ranking {name!r} has {pair!r}; a row is a pair (id, score) with a string id")
    one, score = pair
    if isinstance(score, bool) or not isinstance(score, Real):
        raise FusionError(f"ranking {name!r}: the score of {one!r} is {score!r}, not a number")
    try:
        finite = math.isfinite(float(score))
    except OverflowError:  # a whole number beyond all floats
        finite = False
    if not finite:
        raise FusionError(f"ranking {name!r}: the score of {one!r} is {score!r}; leave out what has no score")
    return one, float(score)
