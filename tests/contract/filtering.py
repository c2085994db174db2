"""Random collections, documents and filters, always the same for a seed; and what hostile people put into strings."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np

from hybrid.filters.meaning import Facts, facts
from hybrid.filters.tree import ID, And, Compare, Exists, Filter, Moment, Not, OneOf, Or, Order, Value
from hybrid.model import Record
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec, iso
from tests.contract.records import make_record

HOSTILE = [
    "",
    " ",
    "a b",
    " a",
    "A",
    "a",
    "é",
    "e\u0301",
    "한국어 노트북",
    '"',
    "'",
    "\\",
    "\\\\",
    "{x}",
    "}{",
    "(x | y)",
    "|",
    "x|@secret:{*}",
    "@price:[0 1]",
    "$k",
    "*",
    "x*",
    "%x%",
    "-x",
    "~x",
    "a,b",
    "a;b",
    "a\x1fb",
    "a\0b",
    "\n\r\t",
    "true",
    "null",
    "NaN",
    "0",
    "\u202ertl",
    "👩‍💻",
    "'; DROP TABLE records; --",
    "<script>",
    "../../etc/passwd",
    "=>[KNN 10 @_vec $vector]",
    "ab" * 700,
]
NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.1, 0.30000000000000004, 5e-324, -5e-324, 1e308, -1e308, 799.99, 800.0, 1e15 + 0.3]
WHOLES = [0, 1, -1, 7, 800, 2**53, 2**53 - 1, -(2**53), 10**9]
DATES = [0, 1, -1, 86_400_000, 1_704_067_200_000, 1_704_067_200_001, -62_135_596_800_000, 253_402_300_799_999]

KINDS = [FieldType.KEYWORD, FieldType.LONG, FieldType.DOUBLE, FieldType.BOOLEAN, FieldType.DATE]


def collection(name: str, seed: int) -> Collection:
    """A collection of two to eight filterable fields, one of each kind at least where there is room."""
    random = Random(seed)
    kinds = [*KINDS, *random.choices(KINDS, k=3)][: random.randint(5, 8)]
    fields = tuple(Field(f"f{number}", kind) for number, kind in enumerate(kinds))
    return Collection(name, Schema((Field("text", FieldType.TEXT), *fields)), VectorSpec(3), model="none")


def records(of: Collection, seed: int, count: int = 60) -> list[Record]:
    """Documents that have each field three times in four."""
    random = Random(seed)
    return [make_record(_id(number, random), number + 1, **_source(of.schema, random)) for number in range(count)]


def _id(number: int, random: Random) -> str:
    return f"{number} {random.choice(HOSTILE)}"[:100].translate({code: "_" for code in range(32)})


def _source(schema: Schema, random: Random) -> dict[str, Any]:
    there = [one for one in schema.fields if one.type is not FieldType.TEXT and random.random() < 0.75]
    return {one.name: _written(one.type, random) for one in there}


def _written(kind: FieldType, random: Random) -> Any:
    if kind is FieldType.KEYWORD:
        return random.choice([random.choice(HOSTILE), random.sample(HOSTILE, 3), []])
    value = _value(kind, random)
    return iso(int(value)) if isinstance(value, Moment) else value


def _value(kind: FieldType, random: Random) -> Value:
    match kind:
        case FieldType.KEYWORD:
            return random.choice(HOSTILE)
        case FieldType.LONG:
            return random.choice(WHOLES)
        case FieldType.DOUBLE:
            return random.choice(NUMBERS) + 0.0
        case FieldType.BOOLEAN:
            return random.random() < 0.5
        case _:
            return Moment(random.choice(DATES))


def tree(of: Collection, ids: list[str], random: Random, depth: int = 3) -> Filter:
    """A filter of at most so many levels."""
    if depth and random.random() < 0.6:
        parts = tuple(tree(of, ids, random, depth - 1) for _ in range(random.randint(0, 3)))
        return random.choice([And(parts), Or(parts), Not(tree(of, ids, random, depth - 1))])
    one = random.choice(of.schema.fields)
    if one.type is FieldType.TEXT or random.random() < 0.15:
        return random.choice([Exists(one.name), Exists(ID), OneOf(ID, tuple(random.sample(ids, 2)))])
    if one.type in (FieldType.KEYWORD, FieldType.BOOLEAN) or random.random() < 0.4:
        values = dict.fromkeys(_value(one.type, random) for _ in range(random.randint(0, 3)))
        return OneOf(one.name, tuple(values))
    value = _value(one.type, random)
    assert not isinstance(value, str | bool)
    return Compare(one.name, random.choice([*Order]), value)


def facts_of(of: Collection, record: Record) -> Facts:
    return facts(record.id, record.source, of.schema)


def vector() -> Any:
    return np.array([1, 2, 3], np.float32)
