"""How does a collection lie in Redis? Keys, hashes, index and query, all as plain values.

    hs:{<collection>}:meta          the collection as JSON
    hs:{<collection>}:idx           the search index over the two kinds of hashes
    hs:{<collection>}:d:<id>        a document: its first vector, source, version and filterable fields
    hs:{<collection>}:p:<n>:<id>    its further passages, n from 1: vector, version, filterable fields
    hs:{<collection>}:sync          counts what is written to learn whether what came before it is on the disk
    hs:{<collection>}:tally         how many documents there are, and vectors of them; every write keeps it
    hs:{<collection>}:writers       the last writer's number; outlives the collection

The braces are a hash tag: in a cluster, all of a collection is in one slot. A hash's own fields begin
with an underscore: _kind (d, p, or t for a tombstone), _v (version, 20 digits), _h (content hash),
_n (passages), _src (source), _pas (spans), _vec (vector), _id (the id, as a tag), _has and _lacks
(the fields of the schema that it has a value of, and those that it has not).
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import orjson
from numpy.typing import NDArray

from hybrid import sample
from hybrid.errors import DocumentError
from hybrid.filters.meaning import facts
from hybrid.filters.tree import ID, Value
from hybrid.model import Json, Ranking, Record, Vector
from hybrid.schema import (
    Collection,
    Field,
    FieldType,
    Metric,
    Schema,
    VectorAlgorithm,
    VectorSpec,
    VectorType,
)

Argument: TypeAlias = str | bytes | int

SEPARATOR = "\x1f"
LONGEST_TAG = 1000
"""Bytes of an encoded tag; a longer one is stored as its SHA-256."""

ID_TAG, HAS_TAG, LACKS_TAG = "_id", "_has", "_lacks"
LEVEL = "_z"
"""The level at which a document is in the sample of the collection."""


SHORTEST, LONGEST = 1e-12, 1e12
"""Lengths of vectors whose direction the index finds by itself."""

_LEAST, _MOST = SHORTEST**2, LONGEST**2
"""Squares of these."""

_UNSAFE = re.compile(rb"[^A-Za-z0-9_]")


def prefix(name: str) -> str:
    """What all keys of the collection begin with."""
    return f"hs:{{{name}}}:"


def document_key(name: str, document_id: str) -> str:
    """The key of a document's own hash."""
    return f"{prefix(name)}d:{document_id}"


def document_keys(name: str, ids: Iterable[str]) -> list[str]:
    """The keys of the documents' own hashes."""
    before = document_key(name, "")
    return [before + one for one in ids]


def passage_key(name: str, document_id: str, number: int) -> str:
    """The key of the hash of passage `number`, from 1."""
    return f"{prefix(name)}p:{number}:{document_id}"


def around_number(name: str, document_id: str) -> tuple[str, str]:
    """What stands before and after the number in the keys of a document's passages."""
    before, _, after = passage_key(name, document_id, 0).partition(":0:")
    return f"{before}:", f":{after}"


def around_ids(name: str) -> tuple[str, int]:
    """What stands before the number in passages' keys, and where in a document's key its id begins, from 1."""
    return f"{prefix(name)}p:", len(document_key(name, "").encode()) + 1


def tally_key(name: str) -> str:
    """The key of the hash that counts documents and vectors."""
    return f"{prefix(name)}tally"


def encode_tag(value: str) -> str:
    """The value as a tag that is exact whatever it holds: letters, digits, _, % and a leading = or #.

    RediSearch would trim blanks, cut at NUL, part at the separator and not find the empty string.
    """
    encoded = "=" + _UNSAFE.sub(lambda found: b"%%%02X" % found[0][0], value.encode()).decode()
    if len(encoded) <= LONGEST_TAG:
        return encoded
    return "#" + hashlib.sha256(value.encode()).hexdigest()


def version_digits(version: int) -> str:
    """The version as 20 digits, so that strings compare as numbers do: Lua's own numbers lose the low bits."""
    return f"{version:020d}"


def filterable(document_id: str, source: Mapping[str, Json], schema: Schema) -> dict[str, str]:
    """The hash fields by which a document can be filtered; text fields and missing values have none."""
    seen = facts(document_id, source, schema)
    own = _tags(seen.pop(ID))
    lacking = tuple(one.name for one in schema.fields if one.name not in seen)
    named = {ID_TAG: own, HAS_TAG: _names(tuple(seen)), LACKS_TAG: _names(lacking)}
    encoded = {name: encoded_values(values) for name, values in seen.items() if values}
    return {name: value for name, value in (encoded | named).items() if value}


def encoded_values(values: Sequence[Value]) -> str:
    """The values of a field as its hash field holds them."""
    return _tags(map(as_name, values)) if isinstance(values[0], bool | str) else number(values[0])


def as_name(value: Value) -> str:
    """A keyword as it is; a boolean as true or false."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def number(value: float) -> str:
    """A number so that Redis reads the very same."""
    return str(int(value)) if isinstance(value, int) else repr(value)


def _tags(values: Iterable[Any]) -> str:
    return SEPARATOR.join(dict.fromkeys(map(encode_tag, values)))


_names = lru_cache(maxsize=1000)(_tags)


def rows(vectors: Vector, spec: VectorSpec) -> NDArray[np.floating[Any]]:
    """The vectors, (n, dim), as they are kept and searched by: as given, little-endian.

    Under COSINE the index divides by the length itself, but not where it, or its square, is beyond float32:
    such a vector is made one of unit length.
    """
    exact = vectors.astype("<f8")
    if spec.metric is Metric.COSINE and not (len(exact) == 1 and _LEAST < exact[0].dot(exact[0]) < _MOST):
        lengths = np.linalg.norm(exact, axis=1, keepdims=True)
        exact = np.where((lengths > SHORTEST) & (lengths < LONGEST), exact, exact / lengths)
    return exact if spec.type is VectorType.FLOAT64 else exact.astype("<f4")


def hashes(record: Record, collection: Collection) -> dict[str, dict[str, Argument]]:
    """What the record is stored as, by key: first its own hash, then its further passages.

    Raises DocumentError where the source cannot be said in JSON.
    """
    own: dict[str, Argument] = {
        "_v": version_digits(record.version),
        "_h": record.hash,
        "_n": len(record.vectors),
    }
    key = document_key(collection.name, record.id)
    if record.deleted:
        return {key: own | {"_kind": "t", "_n": 0}}
    shared = filterable(record.id, record.source, collection.schema) | {LEVEL: str(sample.level(record.id))}
    blobs = [row.tobytes() for row in rows(record.vectors, collection.vector)]
    kept = {"_src": _source(record), "_pas": orjson.dumps(record.passages)}
    stored: dict[str, dict[str, Argument]] = {key: {**shared, **own, **kept, "_kind": "d", "_vec": blobs[0]}}
    for number, blob in enumerate(blobs[1:], start=1):
        passage: dict[str, Argument] = {**shared, "_kind": "p", "_v": own["_v"], "_vec": blob}
        stored[passage_key(collection.name, record.id, number)] = passage
    return stored


def record(document_id: str, held: Sequence[Any], spec: VectorSpec) -> Record | None:
    """The record that was stored; None where there is none, or not all its passages are there any more.

    held: _v, _h, _kind, _src, _pas, _n, then the vector of each passage, None for a field that is not there.
    """
    version, digest, kind, source, spans, _, *blobs = held
    if version is None:
        return None
    if kind == b"t":
        nothing = np.empty((0, spec.dim), np.float32)
        return Record(document_id, int(version), digest.decode(), {}, nothing, deleted=True)
    if None in blobs:
        return None
    kept = np.frombuffer(b"".join(blobs), "<f8" if spec.type is VectorType.FLOAT64 else "<f4")
    vectors = kept.reshape(-1, spec.dim).astype(np.float32)
    passages = tuple((start, end) for start, end in orjson.loads(spans))
    return Record(document_id, int(version), digest.decode(), orjson.loads(source), vectors, passages)


def _source(record: Record) -> bytes:
    try:
        return orjson.dumps(dict(record.source))
    except TypeError as error:
        raise DocumentError(
            f"document {record.id!r} cannot be written as JSON: {error}. Correct the value", document_id=record.id
        ) from error


def index_command(collection: Collection) -> list[Argument]:
    """The FT.CREATE command of the collection's index."""
    begin = prefix(collection.name)
    command: list[Argument] = ["FT.CREATE", f"{begin}idx", "ON", "HASH", "PREFIX", 2, f"{begin}d:", f"{begin}p:"]
    command += ["SCHEMA", *_tag("_kind"), *_tag(ID_TAG), *_tag(HAS_TAG), *_tag(LACKS_TAG), LEVEL, "NUMERIC"]
    for one in collection.schema.fields:
        command += _indexed(one)
    return command + _vector_field(collection.vector)


def _tag(name: str) -> list[Argument]:
    return [name, "TAG", "SEPARATOR", SEPARATOR, "CASESENSITIVE"]


def _indexed(one: Field) -> list[Argument]:
    if one.type is FieldType.TEXT:
        return []
    return _tag(one.name) if one.type in (FieldType.KEYWORD, FieldType.BOOLEAN) else [one.name, "NUMERIC"]


def _vector_field(spec: VectorSpec) -> list[Argument]:
    options: dict[str, Argument] = {"TYPE": spec.type, "DIM": spec.dim, "DISTANCE_METRIC": spec.metric}
    if spec.initial_cap is not None:
        options["INITIAL_CAP"] = spec.initial_cap
    if spec.algorithm is VectorAlgorithm.HNSW:
        options |= {"M": spec.m, "EF_CONSTRUCTION": spec.ef_construction, "EF_RUNTIME": spec.ef_runtime}
    pairs = [part for pair in options.items() for part in pair]
    return ["_vec", "VECTOR", str(spec.algorithm), len(pairs), *pairs]


def ranking(name: str, found: Iterable[Mapping[bytes, Any]], limit: int, metric: Metric) -> Ranking:
    """The documents of the rows that FT.SEARCH found, nearest first, each once, by its best passage.

    A row whose hash was gone when it was read has no version and is left out.
    """
    begin = len(prefix(name).encode())
    best: dict[str, tuple[float, int, int]] = {}
    for row in found:
        fields = row.get(b"extra_attributes") or {}
        if b"_v" in fields:
            document_id, number = _parsed(row[b"id"][begin:])
            candidate = (-_score(float(fields[b"_distance"]), metric), number, int(fields[b"_v"]))
            best[document_id] = min(candidate, best.get(document_id, candidate))
    order = sorted(best, key=lambda one: (best[one][0], one))[:limit]
    return Ranking(
        ids=tuple(order),
        scores=tuple(0.0 - best[one][0] for one in order),
        versions=tuple(best[one][2] for one in order),
        passages=tuple(best[one][1] for one in order),
    )


def _parsed(rest: bytes) -> tuple[str, int]:
    """The id and the passage's number of a key without its prefix."""
    kind, _, rest = rest.partition(b":")
    if kind == b"d":
        return rest.decode(), 0
    number, _, document_id = rest.partition(b":")
    return document_id.decode(), int(number)


def _score(distance: float, metric: Metric) -> float:
    """Higher is better. RediSearch gives 1 − cosine, 1 − dot product, and the square of the L2 distance."""
    if metric is Metric.L2:
        return -math.sqrt(max(distance, 0.0))
    return 1 - distance if metric is Metric.IP else min(1.0, max(-1.0, 1 - distance))
