"""How does an address narrow a search? Values chosen of a field and ranges, as arguments that people can read.

    f.brand=acer&f.brand=lg     one of these values       from.price=100&to.price=500    from 100 to 500
    f.in_stock=true                                       to.released=2024-01-31         that day included

They become part of the one filter that the engine knows. An argument may be given more than once only for `f.`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hybrid import filters
from hybrid.bounds import nearest
from hybrid.errors import FilterError, QueryError
from hybrid.filters.tree import And, Compare, Filter, Moment, OneOf, Order, Value
from hybrid.schema import Field, FieldType, Schema, moment

CHOSEN, FROM, TO = "f.", "from.", "to."

MOST_CHOSEN = 100
"""Values and ends of ranges that an address may choose."""

_DAY_MS = 86_400_000
_LAST_DAY_MS = 253_402_214_400_000
"""9999-12-31, after which there is no date that can be written."""

_BY_VALUE = frozenset({FieldType.KEYWORD, FieldType.BOOLEAN})
_BY_RANGE = frozenset({FieldType.LONG, FieldType.DOUBLE, FieldType.DATE})


def narrows(name: str) -> bool:
    """Whether an argument of this name narrows the search."""
    return name.startswith((CHOSEN, FROM, TO))


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What is chosen, as it stands in the address. values: of each field; low, high: by field. conditions: by the
    argument that they come from."""

    values: Mapping[str, tuple[str, ...]]
    low: Mapping[str, str]
    high: Mapping[str, str]
    conditions: Mapping[str, Filter]

    def tree(self, but: str = "") -> Filter | None:
        """The filter that it amounts to, less the condition of one argument; None where nothing is left."""
        parts = tuple(one for name, one in self.conditions.items() if name != but)
        return None if not parts else parts[0] if len(parts) == 1 else And(parts)


def by_value(schema: Schema) -> list[Field]:
    """The fields of which values can be chosen."""
    return [one for one in schema.fields if one.type in _BY_VALUE]


def by_range(schema: Schema) -> list[Field]:
    """The fields of which a range can be chosen."""
    return [one for one in schema.fields if one.type in _BY_RANGE]


def read(arguments: Iterable[tuple[str, str]], schema: Schema) -> Narrowing:
    """What the arguments of an address choose; empty ones choose nothing. Raises QueryError."""
    values: dict[str, tuple[str, ...]] = {}
    ends: dict[str, dict[str, str]] = {FROM: {}, TO: {}}
    chosen = [one for one in arguments if narrows(one[0]) and one[1]]
    if len(chosen) > MOST_CHOSEN:
        raise QueryError(
            f"{len(chosen)} values are chosen; {MOST_CHOSEN} are the most. Write a filter, with IN",
            field=chosen[MOST_CHOSEN][0],
        )
    for name, value in chosen:
        start = next(one for one in (CHOSEN, FROM, TO) if name.startswith(one))
        field = name.removeprefix(start)
        if start == CHOSEN:
            values[field] = tuple(dict.fromkeys((*values.get(field, ()), value)))
        elif field in ends[start]:
            raise QueryError(f"the argument {name!r} is given twice; give it once", field=name)
        else:
            ends[start][field] = value
    return Narrowing(values, ends[FROM], ends[TO], dict(_checked(_conditions(values, ends, schema), schema)))


def _checked(conditions: Iterable[tuple[str, Filter]], schema: Schema) -> Iterator[tuple[str, Filter]]:
    """The conditions. Raises QueryError for one that no filter may say, which names its argument."""
    for name, condition in conditions:
        try:
            filters.read(filters.to_json(condition), schema)
        except FilterError as error:
            raise QueryError(f"{name}: {error}", field=name) from error
        yield name, condition


def _conditions(
    values: Mapping[str, tuple[str, ...]], ends: Mapping[str, Mapping[str, str]], schema: Schema
) -> Iterator[tuple[str, Filter]]:
    chosen = {one.name: one for one in by_value(schema)}
    ranged = {one.name: one for one in by_range(schema)}
    for name, of in values.items():
        field = _known(CHOSEN, name, chosen)
        yield CHOSEN + name, OneOf(name, tuple(_value(field, one) for one in of))
    for name, text in ends[FROM].items():
        yield FROM + name, Compare(name, Order.AT_LEAST, _number(FROM, _known(FROM, name, ranged), text))
    for name, text in ends[TO].items():
        field = _known(TO, name, ranged)
        end = _number(TO, field, text)
        if field.type is FieldType.DATE and end % _DAY_MS == 0 and "T" not in text:
            yield TO + name, _through(name, int(end))
        else:
            yield TO + name, Compare(name, Order.AT_MOST, end)


def _through(name: str, day: int) -> Filter:
    """The whole of a day and what is before it."""
    if day == _LAST_DAY_MS:
        return Compare(name, Order.AT_MOST, Moment(day + _DAY_MS - 1))
    return Compare(name, Order.BELOW, Moment(day + _DAY_MS))


def _known(start: str, name: str, fields: Mapping[str, Field]) -> Field:
    if name not in fields:
        there = ", ".join(nearest(name, fields)) or "none"
        raise QueryError(
            f"{start}{name} narrows nothing; the fields that can be chosen so: {there}", field=start + name
        )
    return fields[name]


def _value(field: Field, text: str) -> Value:
    if field.type is not FieldType.BOOLEAN:
        return text
    if text not in ("true", "false"):
        raise QueryError(f"{CHOSEN}{field.name} is {text!r}; it is true or false", field=CHOSEN + field.name)
    return text == "true"


def _number(start: str, field: Field, text: str) -> int | float:
    if field.type is FieldType.DATE:
        at = moment(text)
        if at is None:
            raise QueryError(
                f"{start}{field.name} is {text!r}; write a date such as 2024-01-31", field=start + field.name
            )
        return Moment(at)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise QueryError(f"{start}{field.name} is {text!r}; write a number", field=start + field.name)
    if field.type is FieldType.LONG:  # of whole numbers, those from 2.5 on are those from 3 on
        return math.ceil(value) if start == FROM else math.floor(value)
    return value + 0.0
