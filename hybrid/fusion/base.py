"""How are rankings merged? The pieces every fusion method shares.

A method is a pure function: from each retriever's ranking and the weights it makes, for each
retriever, a normalised value and a contribution for every row. The fused score of a document is what the
method gathers from its contributions: their sum for methods that are additive. Rankings and weights are keyed by
retriever name, so a retriever that is absent changes no other's weight.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from operator import neg
from typing import Any, TypeAlias, TypeVar, overload

from hybrid.display import contributions_html, frame
from hybrid.errors import FusionError
from hybrid.model import Background, Json

DEFAULT_METHOD = "standard"
"""What searches are fused by: on judged collections the best with one setting for all."""

BY_RANK = "rrf"
"""The method that looks at ranks alone, and has a rank constant."""

DEFAULT_K = 60.0


@dataclass(frozen=True, slots=True)
class Column:
    """One retriever's ranking, best first. scores: higher is better, not increasing; ids: none twice.

    background, unit: as of `hybrid.model.Ranking`. full: there are as many rows as were asked for, so that there may
    be more documents below the last.
    """

    ids: Sequence[str]
    scores: Sequence[float]
    background: Background | None = None
    unit: float | None = None
    full: bool = True


@dataclass(frozen=True, slots=True)
class Fusion:
    """How to fuse: a method's name and its parameters.

    k: the rank constant of methods by rank, at least 0; None for the method's own. weights: by retriever name, at
    least 0; 1 where none is given. normalizer: what makes scores comparable, for methods that let it be chosen; empty
    for the method's own. compat: whose formula it is; empty for this package's.
    """

    method: str = DEFAULT_METHOD
    k: float = DEFAULT_K
    weights: tuple[tuple[str, float], ...] = ()
    normalizer: str = ""
    compat: str = ""

    @property
    def name(self) -> str:
        """The name that the method is registered under."""
        return f"{self.compat}/{self.method}" if self.compat else self.method

    def weight(self, retriever: str) -> float:
        """The weight of a retriever; 1 where none was given."""
        return dict(self.weights).get(retriever, 1.0)


@dataclass(frozen=True, slots=True)
class Shares:
    """What a method makes of one ranking, row by row: contribution = weight × normalised value. facts: what it went
    by, of the ranking as a whole."""

    normalized: Sequence[float]
    contributions: Sequence[float]
    facts: Mapping[str, float] = field(default_factory=dict)


Method: TypeAlias = Callable[[Mapping[str, Column], Fusion], Mapping[str, Shares]]
Gather: TypeAlias = Callable[[Sequence[float]], float]

_Function = TypeVar("_Function", bound=Method)


@dataclass(frozen=True, slots=True)
class Registered:
    """A method: its function, what makes a score of a document's contributions, and which normalizers it takes.

    additive: scores are the sums of contributions. bounded: normalised values lie between 0 and 1. by_rank:
    scores are not looked at, and the rank constant counts.
    """

    function: Method
    gather: Gather = math.fsum
    normalizers: tuple[str, ...] = ()
    bounded: bool = True
    by_rank: bool = False

    @property
    def additive(self) -> bool:
        return self.gather is math.fsum


_METHODS: dict[str, Registered] = {}


@overload
def method(function: _Function) -> _Function: ...


@overload
def method(
    *,
    name: str = "",
    gather: Gather = math.fsum,
    normalizers: tuple[str, ...] = (),
    bounded: bool = True,
    by_rank: bool = False,
) -> Callable[[_Function], _Function]: ...


def method(
    function: _Function | None = None,
    *,
    name: str = "",
    gather: Gather = math.fsum,
    normalizers: tuple[str, ...] = (),
    bounded: bool = True,
    by_rank: bool = False,
) -> Any:
    """The function itself, now registered as a fusion method: `@method`, or `@method(name=…, gather=max)`.

    name: its own where none is given; "compat/method" for another engine's formula. A user's function joins alike.
    """

    def registered(function: _Function) -> _Function:
        _METHODS[name or function.__name__] = Registered(function, gather, normalizers, bounded, by_rank)
        return function

    return registered if function is None else registered(function)


def methods(compat: str = "") -> tuple[str, ...]:
    """The names of all methods of this package, or of another engine, sorted."""
    parted = (name.rpartition("/") for name in _METHODS)
    return tuple(sorted(own for engine, _, own in parted if engine == compat))


def engines() -> tuple[str, ...]:
    """The names of the engines whose formulas there are, sorted."""
    return tuple(sorted({name.partition("/")[0] for name in _METHODS if "/" in name}))


def registered(fusion: Fusion) -> Registered:
    """The method of a fusion that was checked."""
    return _METHODS[fusion.name]


def checked(fusion: Fusion, retrievers: Collection[str]) -> Fusion:
    """The fusion itself. Raises FusionError for an unknown method, k below 0 or weights that cannot be.

    retrievers: whose rankings are to be fused; at least one of them needs a weight above 0.
    """
    of = _registered(fusion)
    if fusion.normalizer not in ("", *of.normalizers):
        there = ", ".join(of.normalizers) or "none to choose"
        raise FusionError(f"{fusion.name} has no normalizer {fusion.normalizer!r}; there is: {there}")
    if not _from_zero(fusion.k):
        raise FusionError(f"k is {fusion.k!r}; the rank constant is a number from 0, usually 60")
    for name, weight in fusion.weights:
        if not _from_zero(weight):
            raise FusionError(f"the weight of {name!r} is {weight!r}; a weight is a number from 0, and 1 is neutral")
    if retrievers and not any(fusion.weight(name) for name in retrievers):
        raise FusionError("all weights are 0, so nothing could be ranked; give at least one retriever a weight above 0")
    return fusion


def _registered(fusion: Fusion) -> Registered:
    if isinstance(fusion.method, str) and "/" not in fusion.method and fusion.name in _METHODS:
        return registered(fusion)
    if not isinstance(fusion.compat, str) or fusion.compat not in ("", *engines()):
        raise FusionError(f"there are no formulas of {fusion.compat!r}; there are those of: {', '.join(engines())}")
    whose = f" of {fusion.compat}" if fusion.compat else ""
    raise FusionError(f"there is no fusion {fusion.method!r}{whose}; there is: {', '.join(methods(fusion.compat))}")


def _from_zero(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and bool(0 <= float(value) < math.inf)


@dataclass(frozen=True, slots=True)
class FusedRanking:
    """A fused ranking, best first, with what each retriever contributed.

    ids and scores: parallel, scores higher is better. Order: score, then best rank in any
    retriever, then id.
    """

    ids: tuple[str, ...]
    scores: tuple[float, ...]
    fusion: Fusion
    columns: Mapping[str, Column]
    shares: Mapping[str, Shares]
    _positions: Mapping[str, Mapping[str, int]] = field(repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    def place(self, retriever: str, document_id: str) -> int | None:
        """Where a document stands in a retriever's ranking, from 0; None where it does not."""
        return self._positions.get(retriever, {}).get(document_id)

    def explain(self, document_id: str) -> dict[str, dict[str, Json]]:
        """For each retriever: status (hit or not_found) and contribution; for a hit also rank (from 1),
        raw_score, normalized and weight."""
        return {name: self._part(name, document_id) for name in self.columns}

    def _part(self, name: str, document_id: str) -> dict[str, Json]:
        position = self._positions[name].get(document_id)
        if position is None:
            return {"status": "not_found", "contribution": 0.0}
        shares = self.shares[name]
        return {
            "status": "hit",
            "rank": position + 1,
            "raw_score": self.columns[name].scores[position],
            "normalized": shares.normalized[position],
            "weight": self.fusion.weight(name),
            "contribution": shares.contributions[position],
        }

    def rows(self) -> list[dict[str, Json]]:
        """One flat dict a document: rank, id, score, and each retriever's rank, raw score and contribution."""
        return [
            self._row(rank, one, score) for rank, (one, score) in enumerate(zip(self.ids, self.scores, strict=True), 1)
        ]

    def _row(self, rank: int, document_id: str, score: float) -> dict[str, Json]:
        row: dict[str, Json] = {"rank": rank, "id": document_id, "score": score}
        for name, part in self.explain(document_id).items():
            row |= {f"{name}_{key}": part.get(key) for key in ("rank", "raw_score", "contribution")}
        return row

    def to_pandas(self) -> Json:
        """A pandas DataFrame of `rows()`. Raises MissingExtra without pandas."""
        return frame(self.rows())

    def _repr_html_(self) -> str:
        parts = (
            (rank, one, score, {name: part["contribution"] for name, part in self.explain(one).items()})
            for rank, (one, score) in enumerate(zip(self.ids, self.scores, strict=True), 1)
        )
        return contributions_html(parts, list(self.columns))


def combine(columns: Mapping[str, Column], fusion: Fusion) -> FusedRanking:
    """The columns fused. Contributions are summed exactly (fsum), so their order changes nothing; a method that is not
    additive gathers them in its own way."""
    of = registered(fusion)
    shares = of.function(columns, fusion)
    scores: dict[str, float] = {}
    best: dict[str, int] = {}
    many: dict[str, list[float]] = {}
    positions: dict[str, dict[str, int]] = {}
    for name, column in columns.items():
        where = positions[name] = dict(zip(column.ids, range(len(column.ids)), strict=True))
        for (one, position), contribution in zip(where.items(), shares[name].contributions, strict=True):
            if one not in scores:
                scores[one], best[one] = contribution, position
                continue
            best[one] = min(best[one], position)
            many.setdefault(one, [scores[one]]).append(contribution)
    if of.additive:
        scores.update((one, math.fsum(parts)) for one, parts in many.items())
    else:
        scores = {one: of.gather(many.get(one, [score])) for one, score in scores.items()}
    order = tuple(one for *_, one in sorted(zip(map(neg, scores.values()), best.values(), scores, strict=True)))
    return FusedRanking(order, tuple(map(scores.__getitem__, order)), fusion, columns, shares, positions)
