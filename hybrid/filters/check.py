"""Does a filter fit a schema? Conditions as they were written become a tree whose values have their fields' types."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from hybrid.bounds import nearest
from hybrid.filters.grammar import MAX_CONDITIONS, MAX_VALUES, Condition, Literal, Parsed
from hybrid.filters.tree import ID, And, Compare, Exists, Filter, Moment, Not, OneOf, Or, Order
from hybrid.schema import EXACT_INTEGER, MAX_KEYWORD_BYTES, FieldType, Schema, moment

MAX_LEVELS = 20
"""Levels of AND, OR and NOT, each a `bool` of Elasticsearch, which takes 30 in one another."""

_ORDERED = (FieldType.LONG, FieldType.DOUBLE, FieldType.DATE)


def checked(given: Parsed, schema: Schema) -> Filter:
    """The filter's tree. Raises FilterError at the place of what does not fit."""
    conditions = list(_conditions(given))
    if len(conditions) > MAX_CONDITIONS:
        said = f"it has {len(conditions)} conditions, and {MAX_CONDITIONS} are the most; IN takes many values at once"
        raise conditions[MAX_CONDITIONS].place.error(said)
    kinds = {ID: FieldType.KEYWORD} | {one.name: one.type for one in schema.fields}
    tree = _tree(given, kinds)
    if _levels(tree) > MAX_LEVELS:
        raise conditions[0].place.error(f"AND, OR and NOT are nested more than {MAX_LEVELS} deep; write it flatter")
    return tree


def _levels(tree: Filter) -> int:
    match tree:
        case Not(part):
            return 1 + _levels(part)
        case And(parts) | Or(parts):
            return 1 + max(map(_levels, parts), default=0)
        case _:
            return 0


def _conditions(given: Parsed) -> Iterator[Condition]:
    if isinstance(given, Condition):
        yield given
    else:
        for part in given.parts:
            yield from _conditions(part)


def _tree(given: Parsed, kinds: dict[str, FieldType]) -> Filter:
    if isinstance(given, Condition):
        return _condition(given, kinds)
    parts = [_tree(part, kinds) for part in given.parts]
    if given.by == "not":
        return Not(parts[0])
    kind = And if given.by == "and" else Or
    flat = tuple(one for part in parts for one in (part.parts if isinstance(part, kind) else (part,)))
    return flat[0] if len(flat) == 1 else kind(flat)


def _condition(given: Condition, kinds: dict[str, FieldType]) -> Filter:
    kind = kinds.get(given.field)
    if kind is None:
        raise given.place.error(
            f"there is no field {given.field!r}; there is: {', '.join(nearest(given.field, kinds))}"
        )
    if given.asked == "exists":
        return Exists(given.field)
    if kind is FieldType.TEXT:
        keywords = ", ".join(name for name, of in kinds.items() if of is FieldType.KEYWORD)
        raise given.place.error(
            f"{given.field!r} is text, which is searched and not filtered by; keyword fields are: {keywords}"
        )
    if given.asked in ("=", "in"):
        if len(given.values) > MAX_VALUES:
            raise given.sign.error(f"the list has {len(given.values)} values; {MAX_VALUES} are the most")
        values = (_CONVERTED[kind](one) for one in given.values)
        return OneOf(given.field, tuple(dict.fromkeys(one for one in values if one is not None)))
    if kind not in _ORDERED:
        raise given.sign.error(f"{given.field!r} is {kind}, which is compared by = != IN and NOT IN alone")
    return _compared(given.field, Order(given.asked), given.values[0], kind)


def _compared(field: str, order: Order, given: Literal, kind: FieldType) -> Filter:
    if kind is not FieldType.LONG:
        return Compare(field, order, _CONVERTED[kind](given))
    whole, bound = _whole(given), _number(given)
    if whole is not None:
        return Compare(field, order, whole)
    if order in (Order.BELOW, Order.AT_MOST):  # between two whole numbers: up to the lower, or from the higher
        return Compare(field, Order.AT_MOST, math.floor(bound))
    return Compare(field, Order.AT_LEAST, math.ceil(bound))


def _keyword(given: Literal) -> str:
    value = given.value
    if not isinstance(value, str) or given.dated:
        raise given.place.error(f"{value!r} is no string; write it in quotes")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise given.place.error("this string is not valid Unicode (a lone surrogate)")
    if len(value.encode()) > MAX_KEYWORD_BYTES:
        raise given.place.error(f"this string has more than {MAX_KEYWORD_BYTES} bytes, and no keyword has")
    return value


def _boolean(given: Literal) -> bool:
    if not isinstance(given.value, bool):
        raise given.place.error(f"{given.value!r} is not true or false")
    return given.value


def _number(given: Literal) -> int | float:
    value = given.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise given.place.error(f"{value!r} is no number")
    try:
        finite = math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        finite = False
    if not finite:
        raise given.place.error("this number is infinite, or larger than a field's value can be")
    return value


def _double(given: Literal) -> float:
    return float(_number(given)) + 0.0  # −0.0 and 0.0 are one number


def _whole(given: Literal) -> int | None:
    """The whole number; None for one with a fraction, which no value of the field equals."""
    value = _number(given)
    if abs(value) > EXACT_INTEGER:
        raise given.place.error("this is beyond ±2^53, where whole numbers are not exact any more")
    return int(value) if value == int(value) else None


def _date(given: Literal) -> Moment:
    milliseconds = moment(given.value) if isinstance(given.value, str) else None
    if milliseconds is None:
        raise given.place.error(f"{given.value!r} is no date; write one such as 2024-01-31 or 2024-01-31T12:00:00Z")
    return Moment(milliseconds)


_CONVERTED: dict[FieldType, Callable[[Literal], Any]] = {
    FieldType.KEYWORD: _keyword,
    FieldType.BOOLEAN: _boolean,
    FieldType.LONG: _whole,
    FieldType.DOUBLE: _double,
    FieldType.DATE: _date,
}
