"""How are rankings merged? One file a family of methods; `fuse` merges plain lists, dicts and other libraries' hits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybrid.errors import FusionError
from hybrid.fusion import compat as _compat  # noqa: F401 (registers the methods, as those below)
from hybrid.fusion import exotic as _exotic  # noqa: F401
from hybrid.fusion import rrf, standard, weighted
from hybrid.fusion.base import (
    BY_RANK,
    DEFAULT_K,
    Column,
    FusedRanking,
    Fusion,
    checked,
    combine,
    engines,
    method,
    methods,
    registered,
)
from hybrid.fusion.inputs import column

__all__ = [
    "Column",
    "FusedRanking",
    "Fusion",
    "checked",
    "combine",
    "engines",
    "fuse",
    "method",
    "methods",
    "registered",
    "rrf",
    "standard",
    "weighted",
]


def fuse(
    rankings: Mapping[str, Any],
    method: str = BY_RANK,
    *,
    k: float = DEFAULT_K,
    weights: Mapping[str, float] | None = None,
    normalizer: str = "",
    compat: str = "",
) -> FusedRanking:
    """The rankings fused into one, best first.

    rankings: by retriever name, each what `hybrid.fusion.inputs.column` takes; scores: higher is better. method: see
    `hybrid.fusion.methods()`. k: rank constant of methods by rank. weights: by retriever name, 1 where none is given.
    normalizer: for methods that let it be chosen. compat: another engine, whose formula of this name is meant.
    Raises FusionError for an unknown method, normalizer or engine, weights or k that cannot be, a weight for a
    retriever that has no ranking, an id twice in one ranking, a score that is no number, or a list without scores
    where the method needs them.
    """
    if not isinstance(rankings, Mapping):
        raise FusionError(
            f'the rankings are a {type(rankings).__name__}; give them by name, such as {{"text": […], "vector": […]}}'
        )
    given = weights or {}
    strangers = sorted(given.keys() - rankings.keys())
    if strangers:
        raise FusionError(f"weights name {', '.join(strangers)}, but the rankings are: {', '.join(sorted(rankings))}")
    fusion = checked(Fusion(method, k, tuple(sorted(given.items())), normalizer, compat), rankings.keys())
    by_rank = registered(fusion).by_rank
    return combine({name: column(name, of, by_rank=by_rank) for name, of in rankings.items()}, fusion)
