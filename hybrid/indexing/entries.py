"""What is a change? An entry of the journal, as a value and as the row it lies in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from hybrid.model import Json, Span, State, Vector

COLUMNS = "id, version, hash, deleted, source, vectors, dim, passages, attempts"
"""The columns of an entry's row."""


MOST_BYTES = 64_000_000
"""Bytes of sources and vectors in rows that are read together, but for the last one."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A change: the version, hash and content to be written, and the stores that are owed it.

    vectors: float32 (n, dim), None while the model has not made them. attempts: how often writing it failed.
    """

    id: str
    version: int
    hash: str
    source: Mapping[str, Json]
    owed: tuple[str, ...]
    vectors: Vector | None = None
    passages: tuple[Span, ...] = ()
    deleted: bool = False
    attempts: int = 0

    @property
    def state(self) -> State:
        """What a store knows once it holds this change."""
        return State(self.version, self.hash, self.deleted)


def row(entry: Entry) -> tuple[Any, ...]:
    """The entry as a row of the journal, but for who holds it and since when."""
    columns = vector_columns(entry.vectors, entry.passages)
    return (entry.id, entry.version, entry.hash, int(entry.deleted), orjson.dumps(entry.source), *columns)


def vector_columns(vectors: Vector | None, passages: Sequence[Span]) -> tuple[bytes | None, int, bytes]:
    """Vectors, their dimension and the passages, as columns."""
    if vectors is None:
        return None, 0, b"[]"
    return np.ascontiguousarray(vectors, "<f4").tobytes(), vectors.shape[1], orjson.dumps(list(passages))


def entry(row: tuple[Any, ...]) -> Entry:
    """The entry of a row of COLUMNS and the stores that are owed it."""
    one, version, digest, deleted, source, vectors, dim, passages, attempts, owed = row
    return Entry(
        id=one,
        version=version,
        hash=digest,
        source=orjson.loads(source),
        owed=tuple(sorted(owed.split(","))),
        vectors=None if vectors is None else np.frombuffer(vectors, "<f4").reshape(-1, dim).astype(np.float32),
        passages=tuple((start, end) for start, end in orjson.loads(passages)),
        deleted=bool(deleted),
        attempts=attempts,
    )


def bounded(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The first of the rows, of COLUMNS and more, that have no more bytes than are read together; one at least."""
    found: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        found.append(row)
        size += len(row[4]) + len(row[5] or b"")
        if size >= MOST_BYTES:
            break
    return found
