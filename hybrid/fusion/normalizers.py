"""How are scores of different retrievers made comparable? Pure functions from one ranking's scores, best first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import fmean, pstdev, stdev

from hybrid.fusion.base import Column

_LARGEST = 1e150
"""Scores beyond have no deviation here."""

Normalizer = Callable[[Column], list[float]]


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


def theoretical(column: Column) -> list[float]:
    """(s − floor) / (best − floor), with the floor that is known: 0 of BM25, −1 of cosines; else the least score.

    Bruch et al., "An Analysis of Fusion Functions for Hybrid Retrieval", 2023 (theoretical min-max).
    """
    scores = column.scores
    known = 0.0 if column.unit is not None else -1.0 if column.background is not None else None
    if known is None or not scores or not min(scores) >= known or not max(scores) > known:
        return min_max(scores)
    return [(score - known) / (max(scores) - known) for score in scores]


def by_best(scores: Sequence[float]) -> list[float]:
    """Each score by the best one; all 1 where the best is not above 0, and 0 for scores below 0."""
    best = max(scores, default=0.0)
    return [max(0.0, score / best) if best > 0 else 1.0 for score in scores]


def l2(scores: Sequence[float]) -> list[float]:
    """Each score by the length of them all, √Σs²; 0 where all are 0."""
    most = max(map(abs, scores), default=0.0)
    if not most:
        return [0.0] * len(scores)
    length = math.sqrt(math.fsum((score / most) ** 2 for score in scores))
    return [score / most / length for score in scores]


def z_score(scores: Sequence[float]) -> list[float]:
    """(s − mean) / deviation of the ranking's own scores (n − 1), also "zmuv"; 0 where they are equal or too far apart
    for their spread to be a number."""
    spread = _spread(scores)
    return [(score - fmean(scores)) / spread for score in scores] if spread else [0.0] * len(scores)


def standardised(column: Column) -> list[float]:
    """(s − mean) / deviation against the whole collection where its background is known, else of the ranking alone."""
    of = column.background
    if of is None or not of.deviation > 0:
        return z_score(column.scores)
    return [(score - of.mean) / of.deviation for score in column.scores]


def three_sigma(scores: Sequence[float]) -> list[float]:
    """The place between three deviations (n − 1) below the mean (0) and above it (1), cut off there; ½ where scores
    are equal. Distribution-based score fusion (Mazzeschi, 2023)."""
    spread = _spread(scores)
    if not spread:
        return [0.5] * len(scores)
    mean = fmean(scores)
    return [min(1.0, max(0.0, (score - mean) / (6 * spread) + 0.5)) for score in scores]


def population_three_sigma(scores: Sequence[float]) -> list[float]:
    """As `three_sigma`, with the population's deviation (n), not cut off; 0 where scores are equal."""
    spread = _spread(scores, pstdev)
    return [(score - fmean(scores)) / (6 * spread) + 0.5 for score in scores] if spread else [0.0] * len(scores)


def _spread(scores: Sequence[float], deviation: Callable[[Sequence[float]], float] = stdev) -> float:
    """The deviation; 0 where scores are equal, alone, or too large for their sums and squares to be numbers."""
    if len(scores) < 2 or min(scores) == max(scores) or max(map(abs, scores)) > _LARGEST:
        return 0.0
    return deviation(scores)


NORMALIZERS: dict[str, Normalizer] = {
    "min_max": lambda column: min_max(column.scores),
    "theoretical": theoretical,
    "max": lambda column: by_best(column.scores),
    "l2": lambda column: l2(column.scores),
    "z_score": lambda column: z_score(column.scores),
    "standardised": standardised,
    "dbsf": lambda column: three_sigma(column.scores),
    "none": lambda column: list(column.scores),
}
"""By name."""
