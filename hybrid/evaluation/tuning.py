"""Which fusion is best here, and by how much, honestly? A search of methods, judged on queries it did not see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import InputError
from hybrid.evaluation.comparison import chance, described, shown, signed
from hybrid.evaluation.measures import DEPTH, PRIMARY, Rankings, measured
from hybrid.evaluation.retrieval import Kept
from hybrid.evaluation.significance import FEWEST, Difference, difference
from hybrid.fusion import Fusion, methods, registered
from hybrid.fusion.base import BY_RANK, DEFAULT_K
from hybrid.match import Boosts
from hybrid.model import Json
from hybrid.plan import STANDARD, TEXT, VECTOR
from hybrid.presets import Preset
from hybrid.schema import Schema

FOLDS = 5
ROUNDS = 10
"""Times that the queries are split anew into folds, so that no one split decides."""

_SEED = 11
_WEIGHTS = (0.25, 0.5, 0.75, 1.5, 2.0, 4.0)
"""Of the vector retriever, where text has 1."""

_CONSTANTS = (2.0, 10.0, 20.0, 120.0)
_WINDOWS = (20, 50)
_TWICE = "combsum"
"""The same as `weighted`, so it is not tried again."""

_MORE = 3.0
"""What one field counts where the others count 1."""

_MOST_FIELDS = 4
"""Fields that are tried so."""

_BY_NORMALIZER = ("weighted", "combmnz")
"""Methods that are tried with every normalizer."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a search of candidates found.

    best: chosen on all queries. seen: its mean on those same queries, which flatters it. gain: over the default,
    on queries that took no part in the choice: what to expect of further ones. tried: candidates.
    """

    dataset: str
    best: Preset
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
        return (
            f"best of {self.tried} on all {self.queries} queries: {described(self.best.fusion)}, window "
            f"{self.best.window}{_named(self.best.fields)}: nDCG@10 {shown(self.seen)}, "
            f"the default has {shown(self.default)}"
        )

    def verdict(self) -> str:
        """What was found, in one sentence."""
        told = f"{signed(self.gain.mean)} on queries that took no part in the choice, {chance(self.gain.p)}"
        if self.better:
            return f"better than the default: {told}"
        how = "not better than the default beyond noise" if self.gain.mean > 0 else "not better than the default"
        return f"{how} ({told}): keep the default"

    def preset(self) -> Preset:
        """The best candidate, with how it came about. Raises InputError where it is not better beyond noise."""
        if not self.better:
            raise InputError(f"there is nothing to keep: {self.verdict()}")
        return self.best

    def to_dict(self) -> dict[str, Json]:
        """What was found, as JSON: the best candidate's options, figures and verdict."""
        gain = {"mean": self.gain.mean, "low": self.gain.low, "high": self.gain.high, "p": self.gain.p}
        counts = {"tried": self.tried, "queries": self.queries}
        means = {f"{PRIMARY} of the best": self.seen, f"{PRIMARY} of the default": self.default}
        verdict = {"better": self.better, "verdict": self.verdict()}
        return {"dataset": self.dataset, "best": self.best.options(), **means, "gain": gain, **counts, **verdict}


def _named(fields: Boosts) -> str:
    return "".join(f", {name} × {boost:g}" for name, boost in fields)


def fields_tried(schema: Schema) -> list[Boosts]:
    """Boosts of single fields that are tried: all alike, and each of the first four alone above the others.

    Empty where fewer than two fields lie by themselves.
    """
    names = schema.alone
    if len(names) < 2:
        return []
    raised = [None, *names[:_MOST_FIELDS]]
    return [tuple((name, _MORE if name == one else 1.0) for name in names) for one in raised]


def candidates(window: int, fields: Sequence[Boosts] = ()) -> list[Preset]:
    """What is tried, the default first: methods by every normalizer, weights, constants of rrf, smaller windows; and,
    for each choice of fields, methods and weights alone, so that few candidates are added."""
    found = [Preset(fusion, size) for fusion, size in dict.fromkeys(_candidates(window))]
    plain = [
        one.fusion for one in found if one.window == window and one.fusion.k == DEFAULT_K and not one.fusion.normalizer
    ]
    return found + [Preset(fusion, window, fields=one) for one in fields for fusion in plain]


def _candidates(window: int) -> Iterator[tuple[Fusion, int]]:
    yield STANDARD, window
    windows = (window, *(one for one in _WINDOWS if one < window))
    tried = [name for name in methods() if name != _TWICE]
    for method, vector, size in product(tried, (1.0, *_WEIGHTS), windows):
        weights = () if vector == 1.0 else ((TEXT, 1.0), (VECTOR, vector))
        constants = (DEFAULT_K, *_CONSTANTS) if method == BY_RANK else (DEFAULT_K,)
        normalizers = registered(Fusion(method)).normalizers if method in _BY_NORMALIZER else ("",)
        for k, normalizer in product(constants, normalizers):
            yield Fusion(method, k, weights, normalizer), size


def tuned(kept: Kept, tried: Sequence[Preset], told: Callable[[int], None] = lambda _: None) -> Tuned:
    """The best of the candidates, the first of which is the default, and how much better it is.

    The gain is that of a choice made without the queries it is measured on (Varma, Simon: "Bias in error estimation
    when using cross-validation for model selection", 2006): in each of five folds, the best on the other four is
    taken; a query's value is the mean over ten splits into folds. Candidates have nothing to be trained, so the inner
    loop of the nested cross-validation is a mean. told: called with 1 for each candidate that was measured.
    Raises InputError for fewer than 20 queries.
    """
    count = len(kept.dataset.judgements)
    if count < FEWEST:
        raise InputError(f"{kept.dataset.name} has {count} judged queries; tuning takes {FEWEST} or more. Judge more")
    values = _values(kept, tried, told)
    gain = difference(unseen(values), values[0])
    best = _best(values)
    facts = {"dataset": kept.dataset.name, "queries": count, "measure": PRIMARY, "tried": len(tried)}
    facts |= {"gain": round(gain.mean, 4), "p": round(gain.p, 4)}
    return Tuned(
        dataset=kept.dataset.name,
        best=replace(tried[best], tuned=facts),
        seen=float(values[best].mean()),
        default=float(values[0].mean()),
        gain=gain,
        tried=len(tried),
        queries=count,
    )


def unseen(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each query (column), what the candidates (rows) that are best without it make of it, on average."""
    count = values.shape[1]
    total = np.zeros(count)
    random = np.random.default_rng(_SEED)
    for _ in range(ROUNDS):
        for fold in np.array_split(random.permutation(count), FOLDS):
            rest = np.setdiff1d(np.arange(count), fold)
            total[fold] += values[_best(values[:, rest]), fold]
    return total / ROUNDS


def _values(kept: Kept, tried: Sequence[Preset], told: Callable[[int], None]) -> NDArray[np.float64]:
    """The measure of every candidate (row) and query (column)."""
    wanted = dict.fromkeys((one.fields, one.window) for one in tried)
    cut = {(fields, window): kept.in_fields(fields).within(window) for fields, window in wanted}
    rows = []
    for one in tried:
        rows.append(_measure(cut[one.fields, one.window].searched(one.fusion), kept))
        told(1)
    return np.array(rows)


def _measure(rankings: Rankings, kept: Kept) -> NDArray[np.float64]:
    first = {query: ids[:DEPTH] for query, ids in rankings.items()}  # no more is looked at, and there are many
    return measured(first, kept.dataset.judgements, [PRIMARY])[PRIMARY]


def _best(values: NDArray[np.float64]) -> int:
    """The row of the greatest mean; the first of equals, so that the default is left only for something better."""
    return int(np.argmax(np.round(values.mean(axis=1), 12)))
