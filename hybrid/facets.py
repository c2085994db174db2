"""What is counted beside the hits? Facets of a search, as values that each text store counts by itself.

Each facet counts documents that match the query and the facet's own filter, all of them, not only a window's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from hybrid.bounds import nearest
from hybrid.errors import QueryError
from hybrid.filters.show import show
from hybrid.filters.tree import Filter, Moment, without
from hybrid.model import Json
from hybrid.schema import FieldType, Schema, iso, moment

MAX_FACETS = 20
MAX_BUCKETS = 1000
"""Buckets of one facet at most."""


class Step(StrEnum):
    """The length of a date histogram's buckets, which begin at midnight UTC, on the first of a month or of a year."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Terms:
    """The `size` values of a keyword or boolean field that most documents have: most first, equal counts by value.

    A document with several values counts for each. JSON: [{"value": …, "count": …}].
    """

    field: str
    size: int = 10


@dataclass(frozen=True, slots=True)
class Ranges:
    """Documents by range of a number or date field: from (inclusive) to (exclusive), None: open. Ranges may overlap.

    JSON, in the order asked, empty ones too: [{"from": …, "to": …, "count": …}].
    """

    field: str
    ranges: tuple[tuple[int | float | None, int | float | None], ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Documents by bucket of a number or date field: value // interval × interval, or the day, month or year (UTC).

    JSON, ascending, only buckets with documents: [{"value": where the bucket begins, "count": …}].
    """

    field: str
    interval: float | Step


@dataclass(frozen=True, slots=True)
class Extent:
    """The least and greatest value of a number or date field. JSON: {"min": …, "max": …, "count": documents that have
    one}; min and max are null where none has."""

    field: str


Kind: TypeAlias = Terms | Ranges | Histogram | Extent


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet by name, counted under `filter`: the search's own, or, where it is disjunctive, less the part on its
    own field. In answers, dates are ISO 8601 strings (UTC, milliseconds where there are any)."""

    name: str
    kind: Kind
    filter: Filter | None = None


Counts: TypeAlias = list[dict[str, Json]] | dict[str, Json]
"""What a facet counted, as JSON."""


_COUNTED_BY_VALUE = (FieldType.KEYWORD, FieldType.BOOLEAN)
_KEYS = {
    "terms": {"size"},
    "ranges": {"ranges"},
    "histogram": {"interval"},
    "extent": set[str](),
}


def read(given: Sequence[Any], schema: Schema, tree: Filter | None, *, disjunctive: bool) -> tuple[Facet, ...]:
    """The facets that a request asks for.

    given: of each facet the field's name (its terms, or, of numbers and dates, their extent), or a dict:
    {"field": …, "type": "terms", "size": 10}, {…, "type": "ranges", "ranges": [[null, 100], [100, 500]]},
    {…, "type": "histogram", "interval": 50 or "month"}, {…, "type": "extent"}, each with a "name" where it is not
    to have the field's. disjunctive: a facet is counted without the filter's conditions on its own field alone.
    Raises QueryError.
    """
    asked = [given] if isinstance(given, str | Mapping) else list(given)
    if len(asked) > MAX_FACETS:
        raise _wrong(f"{len(asked)} facets; {MAX_FACETS} are the most")
    kinds = {one.name: one.type for one in schema.fields if one.type is not FieldType.TEXT}
    made = [_facet({"field": one} if isinstance(one, str) else one, kinds) for one in asked]
    names = [name for name, _ in made]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise _wrong(f'two facets are named {doubled!r}; give one of them another "name"')
    return tuple(Facet(name, kind, without(tree, kind.field) if disjunctive else tree) for name, kind in made)


def _facet(given: Any, kinds: Mapping[str, FieldType]) -> tuple[str, Kind]:
    if not isinstance(given, Mapping):
        raise _wrong(f"{given!r} is no facet; give a field's name, or a dict with it")
    field = str(given.get("field"))
    if field not in kinds:
        raise _wrong(f"there is nothing to count by {field!r}; there is: {', '.join(nearest(field, kinds))}")
    by_value = kinds[field] in _COUNTED_BY_VALUE
    kind = given.get("type") or _implied(given, by_value)
    allowed = ["terms"] if by_value else ["ranges", "histogram", "extent"]
    if kind not in allowed:
        raise _wrong(f"{field!r} is {kinds[field]} and takes a facet of type {' or '.join(allowed)}, not {kind!r}")
    strangers = given.keys() - _KEYS[kind] - {"field", "type", "name"}
    if strangers:
        raise _wrong(f"a facet of type {kind} has no {', '.join(sorted(map(str, strangers)))}")
    name = given.get("name", field)
    if not isinstance(name, str) or not name:
        raise _wrong(f"a facet's name is a string, not {name!r}")
    return name, _READ[kind](field, given, kinds[field])


def _implied(given: Mapping[str, Any], by_value: bool) -> str:
    """The type that a facet without one has: that of the key it brings, or of its field."""
    return next(
        (kind for kind in ("ranges", "histogram") if _KEYS[kind] & given.keys()), "terms" if by_value else "extent"
    )


def _terms(field: str, given: Mapping[str, Any], _: FieldType) -> Terms:
    size = given.get("size", 10)
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_BUCKETS:
        raise _wrong(f"the size of {field!r} is {size!r}; it is a whole number from 1 to {MAX_BUCKETS}")
    return Terms(field, size)


def _ranges(field: str, given: Mapping[str, Any], kind: FieldType) -> Ranges:
    listed = given.get("ranges")
    if not isinstance(listed, list | tuple) or not 1 <= len(listed) <= MAX_BUCKETS:
        raise _wrong(f"the ranges of {field!r} are {listed!r}; give a list such as [[null, 100], [100, null]]")
    return Ranges(field, tuple(_range(field, one, kind) for one in listed))


def _range(field: str, given: Any, kind: FieldType) -> tuple[int | float | None, int | float | None]:
    pair = [given.get("from"), given.get("to")] if isinstance(given, Mapping) else given
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise _wrong(f"{given!r} is no range of {field!r}; write [from, to], null where it is open")
    low, high = (_bound(field, one, kind) for one in pair)
    if low is not None and high is not None and low > high:
        raise _wrong(f"the range {given!r} of {field!r} ends before it begins")
    return low, high


def _bound(field: str, given: Any, kind: FieldType) -> int | float | None:
    if given is None:
        return None
    if kind is FieldType.DATE:
        milliseconds = moment(given) if isinstance(given, str) else None
        if milliseconds is None:
            raise _wrong(f"{given!r} is no date, as {field!r} is; write one such as 2024-01-31")
        return Moment(milliseconds)
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise _wrong(f"{given!r} is no number, as {field!r} is")
    return given


def _histogram(field: str, given: Mapping[str, Any], kind: FieldType) -> Histogram:
    interval = given.get("interval")
    if kind is FieldType.DATE:
        if interval not in [*Step]:
            raise _wrong(f"the interval of {field!r}, a date, is {interval!r}; it is one of: {', '.join(Step)}")
        return Histogram(field, Step(str(interval)))
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < math.inf:
        raise _wrong(f"the interval of {field!r} is {interval!r}; it is a number above 0")
    return Histogram(field, float(interval))


_READ: dict[str, Callable[[str, Mapping[str, Any], FieldType], Kind]] = {
    "terms": _terms,
    "ranges": _ranges,
    "histogram": _histogram,
    "extent": lambda field, *_: Extent(field),
}


def _wrong(said: str) -> QueryError:
    return QueryError(f"facets: {said}", field="facets")


def to_json(facet: Facet) -> dict[str, Json]:
    """The facet as JSON: its name, kind, the kind's parts, and the filter it is counted under."""
    parts = {name: _plain(value) for name, value in asdict(facet.kind).items()}
    tree = None if facet.filter is None else show(facet.filter)
    return {"name": facet.name, "type": type(facet.kind).__name__.lower(), **parts, "filter": tree}


def _plain(value: Any) -> Json:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return iso(value) if isinstance(value, Moment) else value
