"""The weighted sum of min-max scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hybrid.fusion.base import Column, Fusion, Shares, method


@method
def weighted(columns: Mapping[str, Column], fusion: Fusion) -> dict[str, Shares]:
    """Shares of the weighted sum: score = Σ weight × (s − min) / (max − min), within each ranking.

    The worst row of a ranking gets 0, like a document that is not in it; where all rows have one
    score, each gets 1. As `linear` with `minmax` in Elasticsearch. `k` is not looked at.

    Raising one document's score in one ranking never lowers its fused rank, up to rounding: its own value
    stays or rises, and all others' stay or fall, whether it passes the best or leaves the worst place.
    """
    shares = {}
    for name, column in columns.items():
        weight = fusion.weight(name)
        normalized = min_max(column.scores)
        shares[name] = Shares(normalized, [weight * value for value in normalized])
    return shares


def min_max(scores: Sequence[float]) -> list[float]:
    """Each score's place between the worst (0) and the best (1); all 1 where they are equal."""
    if not scores:
        return []
    low, high = min(scores), max(scores)
    if low == high:
        return [1.0] * len(scores)
    if math.isinf(high - low):  # of huge scores: halves, so that the range stays finite
        return [(score / 2 - low / 2) / (high / 2 - low / 2) for score in scores]
    return [(score - low) / (high - low) for score in scores]
