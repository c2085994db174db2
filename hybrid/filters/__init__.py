"""Which documents may match? Expression text ⇄ tree, and what a tree means."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from hybrid.errors import FilterError
from hybrid.filters import grammar, jsontree
from hybrid.filters.check import checked
from hybrid.filters.show import show, to_json
from hybrid.filters.tree import Filter
from hybrid.schema import Schema

__all__ = ["Filter", "read", "show", "to_json"]


def read(given: str | Mapping[str, Any] | None, schema: Schema) -> Filter | None:
    """The tree of a filter, given as an expression or as JSON; None where there is none, or only blanks.

    Raises FilterError, with the place of what cannot be read or does not fit the schema.
    """
    if given is None:
        return None
    if isinstance(given, str):
        return _read(given, schema) if given.strip() else None
    if isinstance(given, Mapping):
        return checked(jsontree.parsed(given), schema)
    raise FilterError(f"the filter is {given!r}; give an expression, such as 'price < 800', or its tree as JSON")


@lru_cache(maxsize=256)
def _read(text: str, schema: Schema) -> Filter:
    return checked(grammar.parsed(text), schema)
