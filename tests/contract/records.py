"""Builders of what is put into stores under test."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from hybrid.model import Ranking, Record, WriteOutcome, Wrote
from hybrid.schema import Collection, Field, FieldType, Metric, Schema, VectorSpec
from hybrid.stores.base import TextQuery, TextStore, VectorQuery, VectorStore

AnyStore = TextStore | VectorStore
DIM = 3
TEXT_STORES = frozenset({"tantivy", "rank-bm25", "elasticsearch"})

WRITTEN = WriteOutcome(Wrote.WRITTEN)
SUPERSEDED = WriteOutcome(Wrote.SUPERSEDED)

SCHEMA = Schema(
    (
        Field("title", FieldType.TEXT, boost=2),
        Field("text", FieldType.TEXT),
        Field("brand", FieldType.KEYWORD),
        Field("price", FieldType.DOUBLE),
    )
)


def make_collection(name: str, metric: Metric = Metric.COSINE, dim: int = DIM) -> Collection:
    return Collection(name, SCHEMA, VectorSpec(dim, metric), model="none")


def make_vector(seed: str) -> Sequence[float]:
    """Three components from 1 to 256 that are always the same for a seed."""
    return [1.0 + byte for byte in hashlib.sha256(seed.encode()).digest()[:DIM]]


def make_record(
    record_id: str, version: int = 1, *, vectors: Sequence[Sequence[float]] | None = None, **fields: Any
) -> Record:
    """A record that `find_all` finds: its text is "common" where none is given, its vector made of its id."""
    rows = np.array([make_vector(record_id)] if vectors is None else vectors, np.float32)
    spans = tuple((10 * number, 10 * number + 10) for number in range(len(rows)))
    digest = hashlib.sha256(f"{record_id} {fields} {rows.tolist()}".encode()).hexdigest()
    return Record(record_id, version, digest, {"text": "common"} | fields, rows, spans)


def make_tombstone(record_id: str, version: int, dim: int = DIM) -> Record:
    return Record(record_id, version, "", {}, np.empty((0, dim), np.float32), deleted=True)


def find_text(store: TextStore, text: str, limit: int = 10) -> Ranking:
    store.refresh()
    return store.search(TextQuery(text, limit, timeout_s=10))


def find_near(store: VectorStore, vector: Sequence[float], limit: int = 10) -> Ranking:
    store.refresh()
    return store.search(VectorQuery(np.array(vector, np.float32), limit, timeout_s=10))


def find_all(store: Any, limit: int = 100) -> Ranking:
    """The records that have the text "common", or any vector."""
    return find_text(store, "common", limit) if store.name in TEXT_STORES else find_near(store, (1, 2, 3), limit)
