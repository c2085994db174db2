"""Which fusion is best here, and by how much, honestly? A search of methods, with nested cross-validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import InputError
from hybrid.evaluation.comparison import chance, shown, signed
from hybrid.evaluation.measures import DEPTH, PRIMARY, Rankings, measured
from hybrid.evaluation.retrieval import Kept
from hybrid.evaluation.significance import FEWEST, Difference, difference
from hybrid.fusion import Fusion, methods
from hybrid.fusion.base import DEFAULT_K, registered
from hybrid.presets import Preset

FOLDS = 5
_SEED = 11
_WEIGHTS = (0.25, 0.5, 0.75, 1.5, 2.0, 4.0)
"""Of the vector retriever, where text has 1."""

_CONSTANTS = (2.0, 10.0, 20.0, 120.0)
_WINDOWS = (20, 50)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to fuse that is tried."""

    fusion: Fusion
    window: int


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a search of candidates found.

    best: chosen on all queries. seen: its mean on those same queries, which flatters it. gain: over the default,
    on queries that took no part in the choice: what to expect.
    """

    best: Candidate
    seen: float
    default: float
    gain: Difference
    tried: int
    queries: int

    @property
    def better(self) -> bool:
        """Whether the gain over the default is beyond noise."""
        return self.gain.sure and self.gain.mean > 0

    def told(self) -> str:
        """The best candidate and what it scores, in one sentence."""
        fusion = self.best.fusion
        weights = "".join(f", {name} × {weight:g}" for name, weight in fusion.weights)
        k = f", k = {fusion.k:g}" if fusion.method == "rrf" else ""
        by = f" by {fusion.normalizer}" if fusion.normalizer else ""
        how = f"{fusion.method}{by}{k}{weights}, window {self.best.window}"
        return (
            f"best of {self.tried} on all {self.queries} queries: {how}: nDCG@10 {shown(self.seen)}, "
            f"the default has {shown(self.default)}"
        )

    def verdict(self) -> str:
        """What was found, in one sentence."""
        told = f"{signed(self.gain.mean)} on queries that took no part in the choice, {chance(self.gain.p)}"
        if self.better:
            return f"better than the default: {told}"
        return f"not better than the default beyond noise ({told}): keep the default"

    def preset(self, dataset: str) -> Preset:
        """The best candidate as a preset, with how it came about."""
        gain = {name: round(value, 4) for name, value in (("gain", self.gain.mean), ("p", self.gain.p))}
        facts = {"dataset": dataset, "queries": self.queries, "measure": PRIMARY, "tried": self.tried}
        return Preset(self.best.fusion, self.best.window, facts | gain)


def candidates(window: int) -> list[Candidate]:
    """What is tried, the default first: every method, with weights; constants for rrf; smaller windows."""
    return list(dict.fromkeys(_candidates(window)))


def _candidates(window: int) -> Iterator[Candidate]:
    default = Candidate(Fusion(), window)
    yield default
    windows = (window, *(one for one in _WINDOWS if one < window))
    for method, vector, size in product(methods(), (1.0, *_WEIGHTS), windows):
        weights = () if vector == 1.0 else (("text", 1.0), ("vector", vector))
        yield Candidate(Fusion(method, DEFAULT_K, weights), size)
        for normalizer in registered(Fusion(method)).normalizers if method == "weighted" else ():
            yield Candidate(Fusion(method, DEFAULT_K, weights, normalizer), size)
        for k in _CONSTANTS if method == "rrf" else ():
            yield Candidate(Fusion(method, k, weights), size)


def tuned(kept: Kept, tried: Sequence[Candidate]) -> Tuned:
    """The best of the candidates, the first of which is the default, and how much better it is.

    The gain is that of a choice made without the queries it is measured on: in each of five folds the best on the
    other four is taken (Varma, Simon: "Bias in error estimation when using cross-validation for model selection",
    2006). Raises InputError for fewer than 20 queries.
    """
    count = len(kept.dataset.judgements)
    if count < FEWEST:
        raise InputError(f"{kept.dataset.name} has {count} judged queries; tuning takes {FEWEST} or more. Judge more")
    values = _values(kept, tried)
    chosen = np.empty(count)
    for fold in _folds(count):
        rest = np.setdiff1d(np.arange(count), fold)
        chosen[fold] = values[_best(values[:, rest]), fold]
    best = _best(values)
    return Tuned(
        best=tried[best],
        seen=float(values[best].mean()),
        default=float(values[0].mean()),
        gain=difference(chosen, values[0]),
        tried=len(tried),
        queries=count,
    )


def _values(kept: Kept, tried: Sequence[Candidate]) -> NDArray[np.float64]:
    """The measure of every candidate (row) and query (column)."""
    cut = {window: kept.within(window) for window in {one.window for one in tried}}
    rows = [_measure(cut[one.window].searched(one.fusion), kept) for one in tried]
    return np.array(rows)


def _measure(rankings: Rankings, kept: Kept) -> NDArray[np.float64]:
    first = {query: ids[:DEPTH] for query, ids in rankings.items()}  # no more is looked at, and there are many
    return measured(first, kept.dataset.judgements, [PRIMARY])[PRIMARY]


def _best(values: NDArray[np.float64]) -> int:
    """The row of the greatest mean; the first of equals, so that the default is left only for something better."""
    return int(np.argmax(np.round(values.mean(axis=1), 12)))


def _folds(count: int) -> list[NDArray[np.int64]]:
    order = np.random.default_rng(_SEED).permutation(count)
    return np.array_split(order, FOLDS)
