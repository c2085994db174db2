"""What does a collection hold? Typed fields, the vector spec, and the checks a document must pass."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import CollectionMismatch, DocumentError, SchemaError
from hybrid.languages import ANALYZERS, ENGLISH
from hybrid.model import Document, Json

ANALYSIS = "english-porter2+cjk-bigrams/1"
"""The name of the one text analysis; part of a collection's fingerprint."""

FORMAT = 5
"""The version of how records lie in the stores; part of a collection's fingerprint."""

READABLE = (4, 5)
"""The formats that can be opened: in format 4 no field lies by itself."""

NO_MODEL = "none"
"""The name of the model where documents and queries bring their own vectors."""

MAX_ID_BYTES = 512
MAX_KEYWORD_BYTES = 4096
MAX_FIELDS = 500
EXACT_INTEGER = 2**53
FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_COLLECTION_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}(~\d{1,6})?")  # ~2: the second making of it
RESERVED = frozenset({"id", "vector"})
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class FieldType(StrEnum):
    """What a field's values are. Only a KEYWORD may be a list of values."""

    TEXT = "text"
    KEYWORD = "keyword"
    LONG = "long"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Field:
    """One field. boost: factor on its text score, > 0, 1 is neutral; analyzer: how its words are found, one of
    `hybrid.analysis.ANALYZERS`; alone: it is also indexed by itself, so that a search can choose it. Only text fields
    use them."""

    name: str
    type: FieldType
    boost: float = 1.0
    embedded: bool = True
    analyzer: str = ENGLISH
    alone: bool = False

    def __post_init__(self) -> None:
        if self.analyzer not in ANALYZERS:
            raise SchemaError(
                f"field {self.name!r}: there is no analyzer {self.analyzer!r}; there is: {', '.join(ANALYZERS)}"
            )
        if not FIELD_NAME.fullmatch(self.name):
            raise SchemaError(
                f"field name {self.name!r} cannot be used: start with a letter, then letters, digits and _, 64 at most"
            )
        if self.name in RESERVED:
            raise SchemaError(f"{self.name!r} is the document's own {self.name} and needs no field in the schema")
        if not (math.isfinite(self.boost) and self.boost > 0):
            raise SchemaError(f"field {self.name!r}: boost is {self.boost}; it must be a number above 0")


class Metric(StrEnum):
    """How two vectors are compared."""

    COSINE = "COSINE"
    L2 = "L2"
    IP = "IP"


class VectorAlgorithm(StrEnum):
    """How the vector index searches: FLAT compares with every vector (exact), HNSW walks a graph."""

    FLAT = "FLAT"
    HNSW = "HNSW"


class VectorType(StrEnum):
    """How a component lies in the Redis index."""

    FLOAT32 = "FLOAT32"
    FLOAT64 = "FLOAT64"


@dataclass(frozen=True, slots=True)
class VectorSpec:
    """The vector index. dim: components. The HNSW numbers are used by HNSW only.

    initial_cap: vectors the index makes room for at once. m: links a node. ef_construction and
    ef_runtime: candidates looked at when adding and when searching.
    """

    dim: int
    metric: Metric = Metric.COSINE
    algorithm: VectorAlgorithm = VectorAlgorithm.FLAT
    type: VectorType = VectorType.FLOAT32
    initial_cap: int | None = None
    m: int = 16
    ef_construction: int = 200
    ef_runtime: int = 64

    def fault(self, vectors: NDArray[np.float32]) -> str | None:
        """What keeps these vectors, one a row, from being stored or searched with; None where nothing does."""
        if vectors.ndim != 2:
            return f"vectors have shape {vectors.shape}; this collection takes (n, {self.dim})"
        if vectors.shape[1] != self.dim:
            return f"a vector has {vectors.shape[1]} components, and those of this collection have {self.dim}"
        if len(vectors) == 0:
            return "there is no vector"
        with np.errstate(over="ignore", invalid="ignore"):
            if len(vectors) == 1 and 0 < vectors[0].dot(vectors[0]) < math.inf:
                return None  # the usual case: no NaN, nothing infinite, not all zeros
        if not np.isfinite(vectors).all():
            return "a vector has NaN or infinite components"
        if self.metric is Metric.COSINE and not vectors.any(axis=1).all():
            return "a vector is all zeros, which has no direction and cannot be compared by cosine"
        return None

    def __post_init__(self) -> None:
        bounds = {
            "dim": (self.dim, 1, 32768),
            "initial_cap": (1 if self.initial_cap is None else self.initial_cap, 1, 100_000_000),
            "m": (self.m, 2, 512),
            "ef_construction": (self.ef_construction, 1, 4096),
            "ef_runtime": (self.ef_runtime, 1, 4096),
        }
        for name, (value, low, high) in bounds.items():
            if not low <= value <= high:
                raise SchemaError(f"vector {name} is {value}; it must be from {low} to {high}")


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields of a collection, in the order in which they are searched and embedded."""

    fields: tuple[Field, ...]

    def __post_init__(self) -> None:
        names = [one.name for one in self.fields]
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise SchemaError(f"fields named twice: {', '.join(doubled)}")
        if len(names) > MAX_FIELDS:
            raise SchemaError(
                f"{len(names)} fields; {MAX_FIELDS} are the most. Name those that matter in hybrid.toml, [fields]; "
                "the others are stored and shown all the same"
            )

    @property
    def searched(self) -> tuple[tuple[str, float], ...]:
        """The text fields and their boosts, in order."""
        return tuple((one.name, one.boost) for one in self.fields if one.type is FieldType.TEXT)

    @property
    def analyzers(self) -> dict[str, str]:
        """The analyzer of each text field."""
        return {one.name: one.analyzer for one in self.fields if one.type is FieldType.TEXT}

    def narrowed(self, names: Container[str]) -> Schema:
        """The schema with the text fields of these names only; all of it where there are none."""
        kept = (one for one in self.fields if not names or one.type is not FieldType.TEXT or one.name in names)
        return Schema(tuple(kept))

    @property
    def spoken(self) -> tuple[str, ...]:
        """The analyzers that text fields have, each once, in their order: a query is read by all of them."""
        return tuple(dict.fromkeys(self.analyzers.values())) or (ENGLISH,)

    @property
    def alone(self) -> tuple[str, ...]:
        """The names of the text fields that are also indexed by themselves, in order."""
        return tuple(one.name for one in self.fields if one.type is FieldType.TEXT and one.alone)

    def by_itself(self) -> Schema:
        """The schema with each text field also indexed by itself."""
        return Schema(tuple(replace(one, alone=one.alone or one.type is FieldType.TEXT) for one in self.fields))

    @property
    def embedded(self) -> tuple[str, ...]:
        """The names of the text fields that are embedded, in order."""
        return tuple(one.name for one in self.fields if one.type is FieldType.TEXT and one.embedded)

    def embedded_text(self, source: Mapping[str, Json]) -> str:
        """The text a document is embedded as: its embedded fields, a line break between two."""
        values = (source.get(name) for name in self.embedded)
        return "\n".join(value for value in values if isinstance(value, str) and value.strip())

    def check(self, document: Document) -> None:
        """Nothing, when the document fits. Raises DocumentError naming the field and what would be right."""
        check_id(document.id)
        for one in self.fields:
            value = document.fields.get(one.name)
            if value is not None and value != []:
                _check_value(document.id, one, value)


@dataclass(frozen=True, slots=True)
class Collection:
    """What a collection is, as both stores keep it: its name, schema and fingerprint."""

    name: str
    schema: Schema
    vector: VectorSpec
    model: str
    analysis: str = ANALYSIS
    format: int = FORMAT

    def __post_init__(self) -> None:
        check_collection_name(self.name)

    def check_vectors(self, document_id: str, vectors: NDArray[np.float32] | None) -> None:
        """Nothing, when the vectors that a document brings can be stored. Raises DocumentError saying why not.

        A document without vectors is right where there is a model to make them.
        """
        missing = "it has no vector, and this collection has no model to make one; give each document a 'vector'"
        fault = (missing if self.model == NO_MODEL else None) if vectors is None else self.vector.fault(vectors)
        if vectors is not None and vectors.shape[-1] != self.vector.dim and self.model != NO_MODEL:
            fault = f"{fault}, as its model {self.model} makes them. For vectors of your own make it with model 'none'"
        if fault:
            raise DocumentError(f"document {document_id!r}: {fault}", document_id=document_id, field="vector")

    def to_json(self) -> dict[str, Json]:
        """The collection as JSON; `from_json` gives an equal one back."""
        body = asdict(self)
        for one in body["schema"]["fields"]:
            if not one["alone"]:  # as it was before there was such a thing, so that contents keep their hashes
                del one["alone"]
        return body

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Collection:
        """The collection that `to_json` wrote. Raises CollectionMismatch for a format that cannot be read."""
        if body.get("format") not in READABLE:
            raise CollectionMismatch(
                f"the collection is in format {body.get('format')}, this version reads format "
                f"{' and '.join(map(str, READABLE))}. "
                "Index it again with this version, or open it with the version that wrote it"
            )
        fields = tuple(Field(**(one | {"type": FieldType(one["type"])})) for one in body["schema"]["fields"])
        spec = dict(body["vector"])
        kinds = {"metric": Metric, "algorithm": VectorAlgorithm, "type": VectorType}
        vector = VectorSpec(**(spec | {name: kind(spec[name]) for name, kind in kinds.items()}))
        rest = {name: body[name] for name in ("name", "model", "analysis", "format")}
        return cls(schema=Schema(fields), vector=vector, **rest)


def check_collection_name(name: str) -> str:
    """The name itself. Raises SchemaError unless it is lower-case letters, digits, - and _, 64 at most."""
    if not _COLLECTION_NAME.fullmatch(name):
        raise SchemaError(
            f"collection name {name!r} cannot be used: lower-case letters, digits, - and _, 64 at most, "
            "starting with a letter or digit"
        )
    return name


def check_id(value: Any) -> str:
    """The id itself. Raises DocumentError unless it is a string of 1 to 512 bytes without control characters."""
    if type(value) is str and 0 < len(value) <= MAX_ID_BYTES and value.isascii() and value.isprintable():
        return value  # the usual case
    if not isinstance(value, str) or not value:
        raise DocumentError(
            f"the id is {value!r}; give every document a string id of at least one character", field="id"
        )
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise DocumentError(f"the id {value!r} is not valid Unicode (a lone surrogate)", field="id") from error
    if size > MAX_ID_BYTES:
        raise DocumentError(f"the id {value[:40]!r}… has {size} bytes; {MAX_ID_BYTES} are the most", field="id")
    if min(value) < " ":
        raise DocumentError(f"the id {value!r} has a control character; leave it out", field="id")
    return value


def moment(text: str) -> int | None:
    """Milliseconds since 1970 (UTC) of an ISO 8601 date or date-time, rounded down; None if it is not one.

    A date without a time is 00:00 UTC, as is a time without a zone. In UTC it must be of the years 1 to 9999, too, as
    else it could not be written again.
    """
    if not _DATE.fullmatch(text):
        return None
    try:
        given = datetime.fromisoformat(text)
        since = (given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)) - _EPOCH
    except (ValueError, OverflowError):
        return None
    return since // _MILLISECOND


def iso(milliseconds: int) -> str:
    """The ISO 8601 string (UTC) that `moment` reads as this; without a time where it is midnight."""
    given = _EPOCH + milliseconds * _MILLISECOND
    if not milliseconds % 86_400_000:
        return given.date().isoformat()
    return given.isoformat(timespec="milliseconds" if milliseconds % 1000 else "seconds").replace("+00:00", "Z")


_EXPECTED = {
    FieldType.TEXT: "a string",
    FieldType.KEYWORD: "a string or a list of strings",
    FieldType.LONG: "a whole number within ±2^53",
    FieldType.DOUBLE: "a finite number",
    FieldType.BOOLEAN: "true or false",
    FieldType.DATE: 'a date such as "2024-01-31" or "2024-01-31T12:00:00Z"',
}


def _check_value(document_id: str, one: Field, value: Json) -> None:
    many = isinstance(value, list) and one.type is FieldType.KEYWORD
    for item in value if many else [value]:
        if not _FITS[one.type](item):
            raise DocumentError(
                f"document {document_id!r}: field {one.name!r} is {one.type} and takes {_EXPECTED[one.type]}, "
                f"not {_shown(item)}",
                document_id=document_id,
                field=one.name,
            )
        if one.type is FieldType.KEYWORD and len(item.encode()) > MAX_KEYWORD_BYTES:
            raise DocumentError(
                f"document {document_id!r}: keyword {one.name!r} has {len(item.encode())} bytes; {MAX_KEYWORD_BYTES} "
                "are the most. Make the field text in hybrid.toml if it is prose",
                document_id=document_id,
                field=one.name,
            )


def _is_unicode(value: Any) -> bool:
    """Whether it is a string that UTF-8 can say: a lone surrogate cannot be."""
    if not isinstance(value, str):
        return False
    return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_FITS: dict[FieldType, Callable[[Any], bool]] = {
    FieldType.TEXT: _is_unicode,
    FieldType.KEYWORD: _is_unicode,
    FieldType.LONG: lambda value: _is_number(value) and value == int(value) and abs(value) <= EXACT_INTEGER,
    FieldType.DOUBLE: _is_number,
    FieldType.BOOLEAN: lambda value: isinstance(value, bool),
    FieldType.DATE: lambda value: isinstance(value, str) and moment(value) is not None,
}


def _shown(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
