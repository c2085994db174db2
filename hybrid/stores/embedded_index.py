"""How does a collection lie in tantivy? Fields and documents of the index, as plain functions.

id, text       what a document is named and found by; text holds the tokens of all searched fields
t_<field>      the tokens of each field that also lies by itself
version, number  fast: read without the document. number: drawn by lot at each write, 62 bits, names the row
deleted        1 for a tombstone
has            the fields that the document has a value of
f_<field>      the values of each field that can be filtered by: keywords and booleans as they are, numbers and
               dates (milliseconds) as numbers
hash, source, passages, vectors   what else is kept
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import tantivy

from hybrid.analysis import in_places
from hybrid.filters.meaning import facts
from hybrid.filters.tree import ID
from hybrid.model import Json, Record, State, Stored, WriteOutcome, Wrote
from hybrid.schema import Collection, FieldType, Schema
from hybrid.surface import document_words

_LITTLE_ENDIAN = np.dtype("<f4")
_HEAP = 50_000_000
"""Bytes a writer may gather before it writes a segment."""

_IN_PLACE, _STOP = "in_place", "\x01"
"""The tokenizer of the text, which comes as tokens, and what stands there for a stop word: it takes a place, so that
phrases are as those of Elasticsearch, and is no token."""

_APART = f" {' '.join([_STOP] * 100)} "
"""What keeps phrases from going from one text into the next: as many places as Elasticsearch leaves between them."""

BY_NAME = (FieldType.KEYWORD, FieldType.BOOLEAN)
"""The types whose values lie in the index as names."""


def column(field: str) -> str:
    """The name under which the values of a field are indexed."""
    return f"f_{field}"


def alone(field: str) -> str:
    """The name under which a field is searched by itself."""
    return f"t_{field}"


def schema(of: Schema) -> tantivy.Schema:
    """The fields of the index of a collection."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", tokenizer_name=_IN_PLACE, index_option="position")
    for name in of.alone:
        builder.add_text_field(alone(name), tokenizer_name=_IN_PLACE, index_option="position")
    builder.add_text_field("words", tokenizer_name="whitespace", index_option="basic")
    builder.add_integer_field("version", stored=True, fast=True)
    builder.add_integer_field("number", fast=True)
    builder.add_unsigned_field("deleted", stored=True, indexed=True)
    builder.add_text_field("has", tokenizer_name="raw", index_option="basic")
    for one in of.fields:
        if one.type in BY_NAME:
            builder.add_text_field(column(one.name), tokenizer_name="raw", index_option="basic", fast=True)
        elif one.type is FieldType.DOUBLE:
            builder.add_float_field(column(one.name), indexed=True, fast=True)
        elif one.type is not FieldType.TEXT:
            builder.add_integer_field(column(one.name), indexed=True, fast=True)
    for name in ("hash", "source", "passages", "vectors"):
        builder.add_bytes_field(name, stored=True)
    return builder.build()


def opened(folder: Path) -> tantivy.Index:
    """The index that lies in a folder."""
    index = tantivy.Index.open(str(folder))
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
    index.register_tokenizer(_IN_PLACE, words.filter(tantivy.Filter.custom_stopword([_STOP])).build())
    return index


def judged(
    record: Record, collection: Collection, states: Mapping[str, State]
) -> tuple[WriteOutcome, tantivy.Document | None]:
    """What becomes of the record, and, if it is to be written, how the index holds it."""
    known = states.get(record.id)
    if known is not None and known.version >= record.version:
        return WriteOutcome(Wrote.SUPERSEDED), None
    try:
        source = orjson.dumps(dict(record.source))
    except orjson.JSONEncodeError as error:
        reason = f"document {record.id!r}: its fields cannot be written as JSON: {error}"
        return WriteOutcome(Wrote.REJECTED, reason), None
    row = tantivy.Document()
    row.add_text("id", record.id)
    row.add_integer("version", record.version)
    row.add_integer("number", secrets.randbits(62))
    row.add_unsigned("deleted", int(record.deleted))
    row.add_bytes("hash", record.hash.encode())
    row.add_bytes("source", source)
    row.add_bytes("passages", orjson.dumps(record.passages))
    row.add_bytes("vectors", record.vectors.astype(_LITTLE_ENDIAN).tobytes())
    if not record.deleted:
        texts = in_places(record.source, collection.schema.searched, collection.schema.analyzers)
        row.add_text("text", _APART.join(map(_placed, texts)))
        for name in collection.schema.alone:
            for text in in_places(record.source, [(name, 1.0)], collection.schema.analyzers):
                row.add_text(alone(name), _placed(text))
        row.add_text("words", " ".join(document_words(record.source, collection.schema.searched)))
        _add_values(row, record, collection.schema)
    return WriteOutcome(Wrote.WRITTEN), row


def _placed(tokens: Sequence[str]) -> str:
    return " ".join(token or _STOP for token in tokens)


def _add_values(row: tantivy.Document, record: Record, of: Schema) -> None:
    kinds = {one.name: one.type for one in of.fields}
    for name, values in facts(record.id, record.source, of).items():
        if name == ID:
            continue
        row.add_text("has", name)
        for value in values:
            if kinds[name] in BY_NAME:
                row.add_text(column(name), as_name(value))
            elif kinds[name] is FieldType.DOUBLE:
                row.add_float(column(name), float(value))
            else:
                row.add_integer(column(name), int(value))


def as_name(value: Any) -> str:
    """A keyword as it is; a boolean as true or false."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def commit(index: tantivy.Index, rows: Mapping[str, tantivy.Document | None]) -> None:
    """Writes the rows, None removes one, and waits for merges: the writer is to be gone when the lock is."""
    writer = index.writer(_HEAP, 1)
    try:
        for name, row in rows.items():
            writer.delete_documents_by_term("id", name)
            if row is not None:
                writer.add_document(row)
        writer.commit()
    finally:
        writer.wait_merging_threads()
    index.reload()


def documents(index: tantivy.Index, ids: Sequence[str]) -> dict[str, dict[str, list[Any]]]:
    """The stored fields by id, of tombstones too; each a list of one."""
    searcher, fields = index.searcher(), index.schema
    found: dict[str, dict[str, list[Any]]] = {}
    for name in ids:
        hits = searcher.search(tantivy.Query.term_query(fields, "id", name, "basic"), 1, count=False).hits
        for _, address in hits:
            found[name] = searcher.doc(address).to_dict()
    return found


def states(index: tantivy.Index, ids: Sequence[str]) -> dict[str, State]:
    """What is known of each id; ids never seen are left out."""
    return {name: state(**document) for name, document in documents(index, ids).items()}


def state(version: list[int], hash: list[bytes], deleted: list[int], **_: Any) -> State:
    """The state of a stored document, given its fields."""
    return State(version[0], hash[0].decode(), bool(deleted[0]))


def sizes(index: tantivy.Index) -> dict[str, Json]:
    """How many documents, tombstones and segments there are."""
    searcher = index.searcher()
    buried: Any = searcher.search(tantivy.Query.term_query(index.schema, "deleted", 1), 1)
    tombstones = buried.count  # an attribute that the type stubs do not know
    return {
        "documents": searcher.num_docs - tombstones,
        "tombstones": tombstones,
        "segments": searcher.num_segments,
    }


def record(dim: int, id: list[str], vectors: list[bytes], deleted: list[int], **rest: Any) -> Record:
    """The record of a stored document, given its fields."""
    document, known = stored(id, **rest), state(deleted=deleted, **rest)
    rows = np.frombuffer(vectors[0], _LITTLE_ENDIAN).reshape(-1, dim)
    return Record(document.id, known.version, known.hash, document.source, rows, document.passages, known.deleted)


def stored(id: list[str], version: list[int], source: list[bytes], passages: list[bytes], **_: Any) -> Stored:
    """The document of a stored document, given its fields."""
    spans = tuple((start, end) for start, end in orjson.loads(passages[0]))
    return Stored(id[0], version[0], orjson.loads(source[0]), spans)
