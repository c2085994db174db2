"""What does a filter mean? Whether a plain document satisfies it: the reference for every store."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from hybrid.filters.tree import ID, And, Compare, Exists, Filter, Not, OneOf, Or, Order, Value
from hybrid.model import Json
from hybrid.schema import FieldType, Schema, moment

Facts: TypeAlias = Mapping[str, tuple[Value, ...]]
"""By field that a document has a value of, the values as filters see them; of text fields an empty tuple."""

_COMPARES: dict[Order, Callable[[Any, Any], bool]] = {
    Order.BELOW: operator.lt,
    Order.AT_MOST: operator.le,
    Order.ABOVE: operator.gt,
    Order.AT_LEAST: operator.ge,
}

_SEEN: dict[FieldType, tuple[type | tuple[type, ...], Callable[[Any], Value | None]]] = {
    FieldType.KEYWORD: (str, str),
    FieldType.LONG: ((int, float), int),
    FieldType.DOUBLE: ((int, float), lambda value: float(value) + 0.0),  # −0.0 and 0.0 are one number
    FieldType.BOOLEAN: (bool, bool),
    FieldType.DATE: (str, moment),
}
"""By type of a field, what its values are in a document, and how a filter sees one."""


def facts(document_id: str, source: Mapping[str, Json], schema: Schema) -> dict[str, tuple[Value, ...]]:
    """What filters see of a document: its id, and the values of those fields of the schema that it has.

    A value that does not fit its field, which the schema's own check refuses, is no value.
    """
    seen: dict[str, tuple[Value, ...]] = {ID: (document_id,)}
    for one in schema.fields:
        value = source.get(one.name)
        if value is not None and value != []:
            seen[one.name] = _values(value, one.type)
    return seen


def _values(value: Json, kind: FieldType) -> tuple[Value, ...]:
    if kind is FieldType.TEXT:
        return ()
    given, seen = _SEEN[kind]
    fitting = (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, given))
    return tuple(one for one in dict.fromkeys(map(seen, fitting)) if one is not None)


def matches(tree: Filter, of: Facts) -> bool:
    """Whether the document of these facts satisfies the filter."""
    match tree:
        case OneOf(field, values):
            return any(one in values for one in of.get(field, ()))
        case Compare(field, order, value):
            return any(_COMPARES[order](one, value) for one in of.get(field, ()))
        case Exists(field):
            return field in of
        case Not(part):
            return not matches(part, of)
        case And(parts):
            return all(matches(part, of) for part in parts)
        case Or(parts):
            return any(matches(part, of) for part in parts)
