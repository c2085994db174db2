"""What is wanted after fusion? Read from a request and checked, as a value of the plan."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, TypeVar

from hybrid import bounds, filters
from hybrid.errors import FilterError, QueryError
from hybrid.model import Json
from hybrid.schema import FieldType, Schema, iso, moment
from hybrid.shaping.boosts import Boost, Decay, Favour, Growth, Modifier, Slope
from hybrid.sorting import Sort

_NUMBERS = (FieldType.LONG, FieldType.DOUBLE)
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)")

MOST_BOOSTS, MOST_PINNED = 16, 100
_LAST_MS = 253_402_300_799_999
"""The last millisecond of 9999, after which a number is no date."""

_Choice = TypeVar("_Choice", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Rerank:
    """The first `limit` documents are put in a new order by the operator's cross-encoder, in `within_s` seconds;
    those it scores below `min_score` are left out. model: its name."""

    model: str
    limit: int
    within_s: float
    min_score: float | None = None


@dataclass(frozen=True, slots=True)
class Shaping:
    """What is done with a fused ranking, in the order of these fields.

    min_score: a document's least score, boosts included. knee: the answer ends where scores fall off. sort: by
    fields, of the documents that were found. collapse: a field of whose values each counts once. diversity: from 0,
    by score alone, to 1, by unlikeness alone. pinned: ids that come first, where the filter lets them through.
    """

    boosts: tuple[Boost, ...] = ()
    rerank: Rerank | None = None
    min_score: float | None = None
    knee: bool = False
    sort: tuple[Sort, ...] = ()
    collapse: str | None = None
    diversity: float | None = None
    pinned: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != NOTHING

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps that are wanted, in the order in which they are done."""
        return tuple(one.name for one in fields(self) if getattr(self, one.name) != one.default)

    def to_dict(self) -> dict[str, Json]:
        """What is wanted, as JSON; what is not has no key."""
        body: dict[str, Json] = {name: getattr(self, name) for name in self.steps}
        if self.boosts:
            body["boosts"] = [_shown(one) for one in self.boosts]
        if self.sort:
            body["sort"] = list(map(str, self.sort))
        if self.rerank:
            body["rerank"] = {one.name: getattr(self.rerank, one.name) for one in fields(self.rerank)}
        if self.pinned:
            body["pinned"] = list(self.pinned)
        return body


NOTHING = Shaping()
"""The fused ranking as it is."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """The part of a request that speaks of what comes after fusion, as it was given."""

    boosts: Sequence[Mapping[str, Any]] = ()
    min_score: float | None = None
    knee: bool = False
    collapse: str | None = None
    diversity: float | None = None
    pinned: Sequence[str] = ()
    rerank: bool | Mapping[str, Any] = False


def read(wishes: Wishes, sort: tuple[Sort, ...], schema: Schema, reranker: Rerank | None, query: str) -> Shaping:
    """What is wanted of an answer to a query, checked. reranker: the operator's, with its limit and time.

    Raises QueryError and FilterError.
    """
    shaping = Shaping(
        boosts=_boosts(wishes.boosts, schema),
        rerank=_rerank(wishes.rerank, reranker, query),
        min_score=None if wishes.min_score is None else bounds.number("min_score", wishes.min_score),
        knee=bounds.flag("knee", wishes.knee),
        sort=sort,
        collapse=_collapse(wishes.collapse, schema),
        diversity=None if wishes.diversity is None else bounds.number("diversity", wishes.diversity, 0, 1),
        pinned=_pinned(wishes.pinned),
    )
    _check(shaping)
    return shaping


_CLASHES: tuple[tuple[str, str, str], ...] = (
    ("sort", "diversity", "both say in which order documents come; collapse goes with sort"),
    ("sort", "rerank", "both say in which order documents come; leave one of them out"),
    ("sort", "boosts", "the order by a field does not look at scores; leave one of them out"),
    ("knee", "rerank", "scores do not fall in the order of a cross-encoder; give rerank a min_score instead"),
)


def _check(shaping: Shaping) -> None:
    for one, other, why in _CLASHES:
        if getattr(shaping, one) and getattr(shaping, other) not in (None, ()):
            raise QueryError(f"{one} and {other} do not go together: {why}", field=other)


def refuse_scores(wishes: Wishes) -> None:
    """Returns where nothing is wanted that looks at scores: of documents that are listed there are none.

    Raises QueryError.
    """
    given = [name for name in ("boosts", "min_score", "knee", "diversity", "rerank") if _is_given(wishes, name)]
    if given:
        raise QueryError(
            f"{' and '.join(given)} look at scores, and documents that are listed have none; "
            "give a query or a vector, or sort by a field",
            field=given[0],
        )


def _is_given(wishes: Wishes, name: str) -> bool:
    return getattr(wishes, name) not in (None, False, (), [])


def _boosts(given: Any, schema: Schema) -> tuple[Boost, ...]:
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) > MOST_BOOSTS:
        raise QueryError(f"boosts are {given!r}; give a list of at most {MOST_BOOSTS} of them", field="boosts")
    return tuple(_boost(number, one, schema) for number, one in enumerate(given))


def _boost(number: int, given: Any, schema: Schema) -> Boost:
    if not isinstance(given, Mapping):
        raise QueryError(
            f"a boost is {given!r}; give a dict such as {{'field': 'rating', 'modifier': 'log1p'}}", field="boosts"
        )
    kind: Callable[..., Boost] = _favour if "filter" in given else _decay if "scale" in given else _growth
    known = {_favour: _FAVOUR, _decay: _DECAY, _growth: _GROWTH}[kind]
    strangers = sorted(str(name) for name in given.keys() - set(known))
    if strangers:
        raise QueryError(f"a boost has {', '.join(strangers)}; this kind has: {', '.join(known)}", field="boosts")
    try:
        return kind(given, schema)
    except FilterError as error:
        error.field, error.within = "boosts", ("boosts", number, "filter")
        raise


_FAVOUR = ("filter", "weight")
_GROWTH = ("field", "modifier", "factor", "missing", "weight")
_DECAY = ("field", "slope", "origin", "scale", "offset", "decay", "weight")


def _favour(given: Mapping[str, Any], schema: Schema) -> Favour:
    tree = filters.read(given["filter"], schema)
    if tree is None:
        raise QueryError("a boost has an empty filter; say which documents it is for", field="boosts")
    return Favour(tree, _factor(given, "weight", 1.0))


def _growth(given: Mapping[str, Any], schema: Schema) -> Growth:
    return Growth(
        _field(given, schema, _NUMBERS),
        bounds.choice("boosts.modifier", given.get("modifier", Modifier.NONE), Modifier),
        bounds.number("boosts.factor", given.get("factor", 1.0)),
        bounds.number("boosts.missing", given.get("missing", 1.0)),
        _factor(given, "weight", 1.0),
    )


def _decay(given: Mapping[str, Any], schema: Schema) -> Decay:
    name = _field(given, schema, (*_NUMBERS, FieldType.DATE))
    dated = any(one.name == name and one.type is FieldType.DATE for one in schema.fields)
    distance = _milliseconds if dated else bounds.number
    origin = given.get("origin", "now" if dated else None)
    scale = distance("boosts.scale", given["scale"])
    if scale <= 0:
        raise QueryError(f"boosts.scale is {given['scale']!r}; it must be above 0", field="boosts")
    return Decay(
        name,
        bounds.choice("boosts.slope", given.get("slope", Slope.GAUSS), Slope),
        _moment(origin) if dated else bounds.number("boosts.origin", origin),
        scale,
        distance("boosts.offset", given.get("offset", "0ms" if dated else 0.0)),
        _between("boosts.decay", given.get("decay", 0.5)),
        _factor(given, "weight", 1.0),
    )


def _field(given: Mapping[str, Any], schema: Schema, types: Sequence[FieldType]) -> str:
    known = [one.name for one in schema.fields if one.type in types]
    name = given.get("field")
    if name not in known:
        there = ", ".join(bounds.nearest(str(name), known)) or "none in this collection"
        raise QueryError(f"a boost is by field {name!r}; of {' and '.join(types)} there is: {there}", field="boosts")
    return str(name)


def _factor(given: Mapping[str, Any], name: str, usual: float) -> float:
    return bounds.number(f"boosts.{name}", given.get(name, usual), 0)


def _between(name: str, value: Any) -> float:
    number = bounds.number(name, value, 0, 1)
    if number in (0, 1):
        raise QueryError(f"{name} is {value!r}; it must be between 0 and 1", field="boosts")
    return number


def _milliseconds(name: str, value: Any) -> float:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise QueryError(f"{name} is {value!r}; give a time such as '30d', '12h' or '90s'", field="boosts")
    return float(found[1]) * _UNITS[found[2]]


def _moment(value: Any) -> float:
    at = time.time() * 1000 if value == "now" else moment(value) if isinstance(value, str) else None
    if at is None:
        raise QueryError(f"boosts.origin is {value!r}; give 'now' or a date such as '2026-01-31'", field="boosts")
    return float(int(at))


def _rerank(given: Any, reranker: Rerank | None, query: str) -> Rerank | None:
    if given is False:
        return None
    if given is not True and not isinstance(given, Mapping):
        raise QueryError(f"rerank is {given!r}; it is true, or a dict with limit and min_score", field="rerank")
    if reranker is None:
        raise QueryError(
            "there is no model to rerank with; the operator sets one: [rerank] model = … in hybrid.toml. "
            "Boosts and diversity need none",
            field="rerank",
        )
    if not query.strip():
        raise QueryError("rerank compares documents with the query's words, and there are none", field="rerank")
    wanted = given if isinstance(given, Mapping) else {}
    strangers = sorted(str(name) for name in wanted.keys() - {"limit", "min_score"})
    if strangers:
        raise QueryError(f"rerank has {', '.join(strangers)}; it has: limit, min_score", field="rerank")
    least = wanted.get("min_score")
    return Rerank(
        reranker.model,
        bounds.whole("rerank.limit", wanted.get("limit", reranker.limit), 1, reranker.limit),
        reranker.within_s,
        None if least is None else bounds.number("rerank.min_score", least),
    )


def _collapse(name: Any, schema: Schema) -> str | None:
    if name is None:
        return None
    known = [one.name for one in schema.fields if one.type is not FieldType.TEXT]
    if name not in known:
        there = ", ".join(bounds.nearest(str(name), known)) or "no field but text in this collection"
        raise QueryError(f"there is no collapsing by {name!r}; there is: {there}", field="collapse")
    return str(name)


def _pinned(given: Any) -> tuple[str, ...]:
    listed = [given] if isinstance(given, str) else list(given)
    if len(listed) > MOST_PINNED or not all(isinstance(one, str) for one in listed):
        raise QueryError(f"pinned are {listed!r:.200}; give at most {MOST_PINNED} ids, as strings", field="pinned")
    return tuple(dict.fromkeys(listed))


def _shown(boost: Boost) -> dict[str, Json]:
    body = {one.name: getattr(boost, one.name) for one in fields(boost)}
    if isinstance(boost, Favour):
        return body | {"filter": filters.show(boost.filter)}
    if isinstance(boost, Decay) and boost.scale >= 1 and 1e11 < boost.origin <= _LAST_MS:
        return body | {"origin": iso(int(boost.origin))}
    return body
