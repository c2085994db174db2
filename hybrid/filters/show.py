"""How is a tree written? As an expression that reads as the same tree, and as JSON that does."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hybrid.filters.tree import And, Compare, Exists, Filter, Moment, Not, OneOf, Or, Value
from hybrid.model import Json
from hybrid.schema import iso

_WORDS = frozenset({"and", "or", "not", "in", "exists", "true", "false"})


def show(tree: Filter) -> str:
    """The expression of a filter, in one line."""
    match tree:
        case And(parts):
            return _joined(" AND ", parts) or "NOT id IN []"
        case Or(parts):
            return _joined(" OR ", parts) or "id IN []"
        case Not(part):
            return f"NOT {_inside(part)}"
        case Exists(field):
            return f"exists({_name(field)})"
        case Compare(field, order, value):
            return f"{_name(field)} {order} {_written(value)}"
        case OneOf(field, values):
            listed = f"IN [{', '.join(map(_written, values))}]"
            return f"{_name(field)} {listed if len(values) != 1 else f'= {_written(values[0])}'}"


def _joined(by: str, parts: Sequence[Filter]) -> str:
    return by.join(map(_inside, parts))


def _inside(part: Filter) -> str:
    return f"({show(part)})" if isinstance(part, And | Or) else show(part)


def _written(value: Value) -> str:
    return iso(value) if isinstance(value, Moment) else json.dumps(value, ensure_ascii=False)


def _name(field: str) -> str:
    return f"`{field}`" if field.lower() in _WORDS else field


def to_json(tree: Filter) -> Json:
    """The filter as a JSON tree."""
    match tree:
        case And(parts):
            return {"and": [to_json(part) for part in parts]}
        case Or(parts):
            return {"or": [to_json(part) for part in parts]}
        case Not(part):
            return {"not": to_json(part)}
        case Exists(field):
            return {"exists": field}
        case Compare(field, order, value):
            return {"field": field, "op": str(order), "value": _plain(value)}
        case OneOf(field, values):
            if len(values) == 1:
                return {"field": field, "op": "=", "value": _plain(values[0])}
            return {"field": field, "op": "in", "value": [_plain(value) for value in values]}


def _plain(value: Value) -> Json:
    return iso(value) if isinstance(value, Moment) else value
