"""How is a filter said in JSON? Objects of one condition each, read into the same conditions as expressions are.

    {"and": [{"field": "brand", "op": "=", "value": "acer"}, {"not": {"exists": "ean"}}]}

Values are JSON's own; dates are strings. "in" and "not in" take a list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hybrid.filters.grammar import MAX_DEPTH, Condition, Joined, Literal, Parsed, Place

OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "in", "not in")


def parsed(given: Any, pointer: str = "", depth: int = 0) -> Parsed:
    """The conditions of a JSON tree. Raises FilterError with the JSON pointer of what is wrong."""
    place = Place(pointer=pointer)
    if depth > MAX_DEPTH:
        raise place.error(f"it is nested more than {MAX_DEPTH} deep; write it flatter")
    if not isinstance(given, Mapping):
        raise place.error('a condition is an object, such as {"field": "brand", "op": "=", "value": "acer"}')
    for by in ("and", "or"):
        if given.keys() == {by}:
            return Joined(by, _parts(given[by], f"{pointer}/{by}", depth))
    if given.keys() == {"not"}:
        return Joined("not", (parsed(given["not"], f"{pointer}/not", depth + 1),))
    if given.keys() == {"exists"}:
        at = Place(pointer=f"{pointer}/exists")
        return Condition(_name(given["exists"], at), "exists", (), at, at)
    if given.keys() == {"field", "op", "value"}:
        return _condition(given, pointer)
    raise place.error('its keys are {"and"}, {"or"}, {"not"}, {"exists"}, or {"field", "op", "value"}')


def _parts(given: Any, pointer: str, depth: int) -> tuple[Parsed, ...]:
    if not isinstance(given, list):
        raise Place(pointer=pointer).error("it is a list of conditions")
    return tuple(parsed(one, f"{pointer}/{number}", depth + 1) for number, one in enumerate(given))


def _condition(given: Mapping[str, Any], pointer: str) -> Parsed:
    at, sign = Place(pointer=f"{pointer}/field"), Place(pointer=f"{pointer}/op")
    name, operator = _name(given["field"], at), given["op"]
    operator = operator.lower() if isinstance(operator, str) else operator
    if operator not in OPERATORS:
        raise sign.error(f"the operator {operator!r} is none; there is {', '.join(OPERATORS)}")
    values = _values(given["value"], operator, f"{pointer}/value")
    negated = operator in ("!=", "not in")
    asked = {"!=": "=", "not in": "in"}.get(operator, operator)
    condition = Condition(name, asked, values, at, sign)
    return Joined("not", (condition,)) if negated else condition


def _values(given: Any, operator: str, pointer: str) -> tuple[Literal, ...]:
    many = operator in ("in", "not in")
    if isinstance(given, list) != many:
        raise Place(pointer=pointer).error(f"{operator} takes {'a list of values' if many else 'one value'}")
    if not many:
        return (Literal(given, Place(pointer=pointer)),)
    return tuple(Literal(one, Place(pointer=f"{pointer}/{number}")) for number, one in enumerate(given))


def _name(given: Any, place: Place) -> str:
    if not isinstance(given, str):
        raise place.error("a field's name is a string")
    return given
