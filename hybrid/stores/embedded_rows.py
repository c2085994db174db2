"""How does a record lie in SQLite? Rows of columns, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import orjson

from hybrid.errors import DocumentError
from hybrid.filters.meaning import facts
from hybrid.model import Record, State, Stored, Vector, WriteOutcome, Wrote
from hybrid.schema import Collection
from hybrid.stores.base import check_vectors
from hybrid.stores.exact import Change

Row: TypeAlias = tuple[Any, ...]

_LITTLE_ENDIAN = np.dtype("<f4")


def row(record: Record, collection: Collection) -> Row | str:
    """The record as a row, or why it can never be stored."""
    try:
        check_vectors(record, collection)
        source = orjson.dumps(dict(record.source))
    except DocumentError as error:
        return str(error)
    except orjson.JSONEncodeError as error:
        return f"document {record.id!r}: its fields cannot be written as JSON: {error}"
    blob = record.vectors.astype(_LITTLE_ENDIAN).tobytes()
    return record.id, record.version, record.hash, record.deleted, source, orjson.dumps(record.passages), blob


def outcome(record: Record, row: Row | str, states: Mapping[str, State]) -> WriteOutcome:
    """What becomes of a record, given its row and what is known of the ids."""
    if isinstance(row, str):
        return WriteOutcome(Wrote.REJECTED, row)
    known = states.get(record.id)
    return WriteOutcome(Wrote.WRITTEN if known is None or known.version < record.version else Wrote.SUPERSEDED)


def change(row: Row, collection: Collection) -> Change:
    """What a row read for the index changes in it."""
    _, one, version, deleted, blob, source = row
    if deleted:
        return Change(one, version)
    known = facts(one, orjson.loads(source), collection.schema)
    return Change(one, version, vectors(blob, collection.vector.dim), known)


def record(row: Row, dim: int) -> Record:
    """The record of a row."""
    record_id, version, digest, source, blob, passages, deleted = row
    spans = tuple((start, end) for start, end in orjson.loads(passages))
    return Record(record_id, version, digest, orjson.loads(source), vectors(blob, dim), spans, bool(deleted))


def stored(row: Row) -> Stored:
    """The document of a row."""
    document_id, version, source, passages = row
    return Stored(document_id, version, orjson.loads(source), tuple((a, b) for a, b in orjson.loads(passages)))


def vectors(blob: bytes, dim: int) -> Vector:
    """The vectors of a column, (n, dim)."""
    return np.frombuffer(blob, _LITTLE_ENDIAN).reshape(-1, dim)
