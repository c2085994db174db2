"""Sums of normalised scores, and their relatives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hybrid.fusion.base import Column, Fusion, Shares, method
from hybrid.fusion.normalizers import NORMALIZERS, Normalizer

_CHOICE = tuple(NORMALIZERS)


def shared(columns: Mapping[str, Column], fusion: Fusion, usual: str = "min_max") -> dict[str, Shares]:
    """Shares of weight × normalised score, by the normalizer that the fusion names, or the usual one."""
    return {name: by(NORMALIZERS[fusion.normalizer or usual], of, fusion.weight(name)) for name, of in columns.items()}


def by(normalizer: Normalizer, column: Column, weight: float) -> Shares:
    """A ranking's shares by one normalizer."""
    normalized = normalizer(column)
    return Shares(normalized, [weight * value for value in normalized])


@method(normalizers=_CHOICE)
def weighted(columns: Mapping[str, Column], fusion: Fusion) -> dict[str, Shares]:
    """Shares of the weighted sum: score = Σ weight × normalised score; min_max where no normalizer is named.

    min_max: (s − min) / (max − min), within each ranking. The worst row of a ranking gets 0, like a document that is
    not in it; where all rows have one score, each gets 1. As `linear` with `minmax` in Elasticsearch. `k` is not
    looked at.

    By min_max raising one document's score in one ranking never lowers its fused rank, up to rounding: its own value
    stays or rises, and all others' stay or fall, whether it passes the best or leaves the worst place.
    """
    return shared(columns, fusion)


@method(normalizers=_CHOICE)
def combsum(columns: Mapping[str, Column], fusion: Fusion) -> dict[str, Shares]:
    """Shares of CombSUM: the sum of normalised scores, min_max where none is named (Fox and Shaw, "Combination of
    Multiple Searches", TREC-2, 1994; Lee, 1997, for the normalisation). The same as `weighted`, by its other name."""
    return shared(columns, fusion)


def _times_found(parts: Sequence[float]) -> float:
    return len(parts) * math.fsum(parts)


@method(gather=_times_found, normalizers=_CHOICE)
def combmnz(columns: Mapping[str, Column], fusion: Fusion) -> dict[str, Shares]:
    """Shares of CombMNZ: the sum of normalised scores times the number of retrievers that found the document (Fox and
    Shaw, 1994). Not additive. Raising a score never lowers its rank by min_max, as in `weighted`."""
    return shared(columns, fusion)


@method(gather=max, normalizers=_CHOICE)
def combmax(columns: Mapping[str, Column], fusion: Fusion) -> dict[str, Shares]:
    """Shares of CombMAX: the largest normalised score of any retriever (Fox and Shaw, 1994). Not additive."""
    return shared(columns, fusion)


@method
def dbsf(columns: Mapping[str, Column], fusion: Fusion) -> dict[str, Shares]:
    """Shares of distribution-based score fusion: Σ weight × the place between mean − 3 and mean + 3 deviations of each
    ranking (Mazzeschi, "Distribution-Based Score Fusion", 2023). Raising a score moves mean and deviation, so it may
    lower others of its ranking, and, where it makes the deviation large, its own share."""
    return shared(columns, fusion, "dbsf")


@method
def relative_score(columns: Mapping[str, Column], fusion: Fusion) -> dict[str, Shares]:
    """Shares of relative score fusion: Σ weight × min_max, Weaviate's name for it (since 1.24)."""
    return shared(columns, fusion)


@method(bounded=False)
def log_odds(columns: Mapping[str, Column], fusion: Fusion) -> dict[str, Shares]:
    """Shares of the log-odds sum: score = Σ weight × ln(p / (1 − p)), p = the chance that a score is relevant, from the
    evidence above the collection's background, or above the ranking's own mean: ln(p / (1 − p)) = its z.

    Naive Bayes over independent retrievers, even odds before; what no retriever found has 0. After Lucene's
    LogOddsFusionQuery (apache/lucene #15948). Scores may be below 0.
    """
    return shared(columns, fusion, "standardised")
