"""What is Redis asked? FT.SEARCH commands of dialect 2, as plain values.

A filter stands before the KNN, so that the nearest are chosen among the documents that satisfy it. No value of a
request stands in a query as it was given: tags are encoded to letters, digits and a few safe signs, numbers are
written anew, vectors are parameters, and the names of fields come from the schema.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from hybrid.filters.tree import ID, And, Compare, Exists, Filter, Not, OneOf, Or, Order, Value
from hybrid.model import Vector
from hybrid.schema import VectorAlgorithm, VectorSpec
from hybrid.stores.redis_layout import HAS_TAG, ID_TAG, LACKS_TAG, Argument, as_name, encode_tag, number, prefix, rows

EVERYTHING = "@_kind:{d|p}"
"""All hashes that have a vector: documents and their further passages."""

NOTHING = "@_kind:{none}"
_RANGES = {
    Order.BELOW: "[-inf ({}]",
    Order.AT_MOST: "[-inf {}]",
    Order.ABOVE: "[({} +inf]",
    Order.AT_LEAST: "[{} +inf]",
}
_OPPOSITE = {
    Order.BELOW: Order.AT_LEAST,
    Order.AT_MOST: Order.ABOVE,
    Order.ABOVE: Order.AT_MOST,
    Order.AT_LEAST: Order.BELOW,
}
_SIGNS = re.compile("[=#%]")


def filtered(tree: Filter) -> str:
    """The hashes that satisfy a filter; in brackets where it has parts.

    RediSearch 2.10 loses documents where, within a union, a NOT stands before something with parts or an intersection
    holds nothing else. So negations are carried down to single conditions and said positively: a number, date or flag
    that is not so is another one, or none. NOT is left for keywords alone.
    """
    return _rendered(_carried(tree, negated=False))


def _carried(tree: Filter, *, negated: bool) -> Filter:
    """The filter, or its complement, with no And in an And, and Not before single conditions alone."""
    match tree:
        case Not(part):
            return _carried(part, negated=not negated)
        case And(parts) | Or(parts):
            carried = [_carried(part, negated=negated) for part in parts]
            if isinstance(tree, Or) != negated:
                return Or(tuple(carried))
            return And(tuple(one for part in carried for one in (part.parts if isinstance(part, And) else (part,))))
        case _:
            return Not(tree) if negated else tree


def _rendered(tree: Filter) -> str:
    match tree:
        case And(parts):
            barred = [one.part for one in parts if isinstance(one, Not) and _is_keyword(one.part)]
            texts = [_rendered(one) for one in parts if not (isinstance(one, Not) and _is_keyword(one.part))]
            texts += [f"-({'|'.join(map(_rendered, barred))})"] if barred else []
            return f"({' '.join(texts)})" if texts else EVERYTHING
        case Or(parts):
            return f"({'|'.join(map(_rendered, parts))})" if parts else NOTHING
        case Not(part):
            return f"(-{_rendered(part)})" if _is_keyword(part) else _other(part)
        case Exists(field):
            return EVERYTHING if field == ID else _tagged(HAS_TAG, (field,))
        case Compare(field, order, value):
            return _range(field, order, value)
        case OneOf(field, values):
            return _one_of(field, values) if values else NOTHING


def _is_keyword(tree: Filter) -> bool:
    return isinstance(tree, OneOf) and bool(tree.values) and isinstance(tree.values[0], str)


def _other(tree: Filter) -> str:
    """The hashes that do not satisfy a condition on a number, date or flag, or on whether there is a value."""
    match tree:
        case Exists(field):
            return NOTHING if field == ID else _tagged(LACKS_TAG, (field,))
        case OneOf(field, values) if values and isinstance(values[0], bool):
            rest = _one_of(field, tuple({True, False} - set(values)))
        case Compare(field, order, value):
            rest = _range(field, _OPPOSITE[order], value)
        case OneOf(field, values) if values:
            rest = _between(field, sorted(values))
        case _:
            return EVERYTHING
    return f"({_tagged(LACKS_TAG, (field,))}|{rest})" if rest else _tagged(LACKS_TAG, (field,))


def _between(field: str, values: Sequence[Any]) -> str:
    """The hashes whose number is none of these, which ascend."""
    inner = (f"@{field}:[({number(low)} ({number(high)}]" for low, high in pairwise(values))
    return "|".join([_range(field, Order.BELOW, values[0]), *inner, _range(field, Order.ABOVE, values[-1])])


def _range(field: str, order: Order, value: float) -> str:
    return f"@{field}:{_RANGES[order].format(number(value))}"


def _one_of(field: str, values: Sequence[Any]) -> str:
    if not values:
        return ""
    if isinstance(values[0], bool | str):
        return _tagged(ID_TAG if field == ID else field, values)
    return f"({'|'.join(f'@{field}:[{number(value)} {number(value)}]' for value in values)})"


def _tagged(field: str, values: Sequence[Value]) -> str:
    """The hashes with any of these tags; the few signs in them that would mean something are escaped."""
    tags = (_SIGNS.sub(r"\\\g<0>", encode_tag(as_name(value))) for value in values)
    return f"@{field}:{{{'|'.join(tags)}}}"


def search_command(
    name: str, vector: Vector, k: int, timeout_s: float, spec: VectorSpec, tree: Filter | None = None
) -> list[Argument]:
    """The FT.SEARCH command for the k vectors nearest to `vector`, (dim,), which took at most `timeout_s` seconds."""
    hnsw = spec.algorithm is VectorAlgorithm.HNSW
    params: dict[str, Argument] = {"k": k, "vector": rows(vector[np.newaxis], spec)[0].tobytes()}
    if hnsw:
        params["ef"] = spec.ef_runtime
    given = [part for pair in params.items() for part in pair]
    among = "*" if tree is None else f"({EVERYTHING} {filtered(tree)})"
    nearest = f"{among}=>[KNN $k @_vec $vector{' EF_RUNTIME $ef' if hnsw else ''} AS _distance]"
    command: list[Argument] = ["FT.SEARCH", f"{prefix(name)}idx", nearest, "PARAMS", len(given), *given]
    command += ["SORTBY", "_distance", "RETURN", 2, "_distance", "_v", "LIMIT", 0, k]
    return [*command, "TIMEOUT", max(1, int(timeout_s * 1000)), "DIALECT", 2]


def count_command(name: str, kind: str, tree: Filter | None = None) -> list[Argument]:
    """The FT.SEARCH command that counts hashes of one kind: d, p or t."""
    among = f"@_kind:{{{kind}}}" if tree is None else f"(@_kind:{{{kind}}} {filtered(tree)})"
    return ["FT.SEARCH", f"{prefix(name)}idx", among, "LIMIT", 0, 0, "DIALECT", 2]


def shown(command: Sequence[Argument], dim: int) -> list[str]:
    """The command as it can be read: the vector by its length alone."""
    return [f"<{dim} float32>" if isinstance(part, bytes) else str(part) for part in command]
