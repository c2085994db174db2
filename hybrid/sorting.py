"""In which order are documents listed? By fields, the first that differs deciding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hybrid import bounds
from hybrid.errors import QueryError
from hybrid.filters.tree import ID
from hybrid.schema import FieldType, Schema


@dataclass(frozen=True, slots=True)
class Sort:
    """By the value of a field of any type but text, or by `id`. Documents without a value come last, either way.

    Of several keywords the least counts, or, descending, the greatest; strings go by code point.
    """

    field: str
    descending: bool = False

    def __str__(self) -> str:
        return f"-{self.field}" if self.descending else self.field


def sorts(given: Any, schema: Schema) -> tuple[Sort, ...]:
    """The orders by which documents are listed. Raises QueryError."""
    orders = [given] if isinstance(given, str) else list(given)
    sortable = [ID, *(one.name for one in schema.fields if one.type is not FieldType.TEXT)]
    return tuple(_order(one, sortable) for one in orders)


def _order(given: Any, sortable: Sequence[str]) -> Sort:
    name = given.removeprefix("-") if isinstance(given, str) else given
    if name not in sortable:
        known = ", ".join(bounds.nearest(str(name), sortable))
        raise QueryError(f"there is no sorting by {name!r}; there is: {known}, and -NAME descending", field="sort")
    return Sort(name, descending=given.startswith("-"))
