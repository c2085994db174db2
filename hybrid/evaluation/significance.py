"""Is it chance? Paired bootstrap: queries are drawn again and again, with what every method made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
FEWEST = 20
"""Queries below which nothing can be said."""

_SEED = 20_090_719
_CELLS = 4_000_000
"""Drawn numbers held at once."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the bounds that hold 95 % of its bootstrap values."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean of paired differences with its 95 % interval. p: two-sided, at least 2 / (resamples + 1)."""

    mean: float
    low: float
    high: float
    p: float

    @property
    def sure(self) -> bool:
        """Whether chance alone would give so large a difference in fewer than one case in twenty."""
        return self.p < 0.05


def interval(values: NDArray[np.float64]) -> Interval:
    """The mean of one value a query, with its 95 % percentile bootstrap interval. The same each time."""
    drawn = _means([values])
    low, high = np.percentile(drawn, (2.5, 97.5))
    return Interval(float(values.mean()), float(low), float(high))


def difference(better: NDArray[np.float64], worse: NDArray[np.float64]) -> Difference:
    """How much `better` is above `worse`, query by query (paired): Efron's percentile bootstrap.

    p is twice the smaller share of resampled means on either side of 0. After Sakai, "Evaluating Evaluation Metrics
    based on the Bootstrap", SIGIR 2006. The same each time.
    """
    return over_sets([better - worse])


def over_sets(differences: Sequence[NDArray[np.float64]]) -> Difference:
    """The mean over data sets of each one's mean difference; queries are drawn within their set.

    Every set counts the same, however many queries it has.
    """
    drawn = _means(differences)
    low, high = np.percentile(drawn, (2.5, 97.5))
    below, above = int((drawn <= 0).sum()), int((drawn >= 0).sum())
    p = min(1.0, 2 * (min(below, above) + 1) / (len(drawn) + 1))
    mean = float(np.mean([of.mean() for of in differences]))
    return Difference(mean, float(low), float(high), p)


def _means(samples: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Bootstrap values of the mean over samples of each one's mean."""
    random = np.random.default_rng(_SEED)
    total = np.zeros(RESAMPLES)
    for values in samples:
        size = len(values)
        step = max(1, _CELLS // size)
        for start in range(0, RESAMPLES, step):
            count = min(step, RESAMPLES - start)
            total[start : start + count] += values[random.integers(0, size, (count, size))].mean(axis=1)
    means: NDArray[np.float64] = total / len(samples)
    return means
