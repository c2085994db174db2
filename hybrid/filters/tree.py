"""What is a filter? A tree of conditions whose values have the types of a collection's fields.

Two filters that are written differently and mean the same may still differ; equal trees always mean the same.
A filter that was checked against a schema (`hybrid.filters.check`) holds, for a field of type

    keyword   str          long      int, within ±2^53     boolean   bool
    date      Moment, milliseconds since 1970, UTC         double    float, finite, never −0.0

`id` is the document's own id, a keyword that every document has.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

ID = "id"
"""The name by which a filter speaks of the document's id."""

Value: TypeAlias = str | bool | int | float


class Moment(int):
    """The value of a date: milliseconds since 1970, UTC. A whole number that is written as a date."""


class Order(StrEnum):
    """How a value compares with that of a condition."""

    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class OneOf:
    """The documents one of whose values of the field is among these; without values: none. `=` is a list of one."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """The documents that have a value of the field which compares so. Numbers and dates only."""

    field: str
    order: Order
    value: int | float


@dataclass(frozen=True, slots=True)
class Exists:
    """The documents that have a value of the field, whatever it is. An empty list is no value; "" is one."""

    field: str


@dataclass(frozen=True, slots=True)
class Not:
    """All documents but those of the part: a document without the field is among them."""

    part: Filter


@dataclass(frozen=True, slots=True)
class And:
    """The documents of all parts; without parts: all documents."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """The documents of any part; without parts: none."""

    parts: tuple[Filter, ...]


Filter: TypeAlias = OneOf | Compare | Exists | Not | And | Or


def both(first: Filter | None, second: Filter | None) -> Filter | None:
    """The documents of both filters; None stands for all documents."""
    if first is None or second is None:
        return first if second is None else second
    parts = [one.parts if isinstance(one, And) else (one,) for one in (first, second)]
    return And((*parts[0], *parts[1]))


def fields(tree: Filter) -> frozenset[str]:
    """The names of the fields that a filter looks at."""
    match tree:
        case Not(part):
            return fields(part)
        case And(parts) | Or(parts):
            return frozenset().union(*map(fields, parts))
        case _:
            return frozenset((tree.field,))


def without(tree: Filter | None, field: str) -> Filter | None:
    """The filter less those of its conditions, joined by AND, that look at this one field and no other.

    What a facet of the field is counted under, so that choosing one of its values does not hide the others.
    """
    if tree is None:
        return None
    parts = tree.parts if isinstance(tree, And) else (tree,)
    left = tuple(one for one in parts if fields(one) != {field})
    return None if not left else left[0] if len(left) == 1 else And(left)
