"""How does a collection lie in Elasticsearch? Index, documents and query, all as plain values.

A document's fields stand at the top, under their own names, where Kibana shows them. The engine's own
data is in one object, `_hybrid`:

    id        the id again, the second sort key of a search
    hash      the content hash
    text      all searched text, a field with a boost repeated
    alone     the text of each field that also lies by itself
    has       the fields that the document has a value of
    words     the words of all searched text as they are written, what suggestions are made of
    deleted   true for a tombstone, which has no fields
    passages  the spans
    vectors   the vectors, base64 of little-endian float32, row after row: Redis can be rebuilt from here
    as_given  fields as they were given, where Elasticsearch has to be given something else at the top,
              or cannot take the name there at all
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from hybrid import analysis
from hybrid.errors import DocumentError
from hybrid.filters.meaning import facts
from hybrid.filters.tree import ID
from hybrid.languages import ENGLISH
from hybrid.model import Json, Record, State, Stored
from hybrid.schema import Collection, Field, FieldType, Schema
from hybrid.surface import document_words

OWN = "_hybrid"
KEEP_ALIVE = "5m"
"""How long a point in time outlives the last page that was read."""

TEXT = f"{OWN}.text"
"""The one field that is searched. It is left out of what Elasticsearch keeps: the fields say it all."""

ALONE = f"{OWN}.alone"
"""The fields that are searched by themselves, left out as well."""

IN_PLACE, STOP = "in_place", "\x01"
"""The analyzer of what comes as tokens, and what stands there for a stop word, which takes a place and is no token."""

WORDS = f"{OWN}.words"
"""The words that are suggested; left out of what is kept, too."""

TOMBSTONES: dict[str, Json] = {"term": {f"{OWN}.deleted": True}}
"""The query that finds tombstones alone."""

HAS = f"{OWN}.has"
"""The names of the schema's fields that a document has a value of."""

_TYPES: dict[FieldType, dict[str, Json]] = {
    FieldType.TEXT: {"type": "text", "index": False},  # shown only; it is searched in TEXT
    FieldType.KEYWORD: {"type": "keyword"},
    FieldType.LONG: {"type": "long"},
    FieldType.DOUBLE: {"type": "double"},
    FieldType.BOOLEAN: {"type": "boolean"},
    FieldType.DATE: {"type": "date", "format": "strict_date_optional_time"},
}
_KEPT: dict[str, Json] = {"type": "object", "enabled": False}  # in the source only


STATE = (f"{OWN}.hash", f"{OWN}.deleted")
"""The stored fields that, with the version, are a document's state."""


def index_name(name: str) -> str:
    """The index of the collection `name`."""
    return f"hybrid-{name}"


def write_alias(name: str) -> str:
    """The alias that is written to: unlike a missing index, a missing alias can be refused instead of made up."""
    return f"{index_name(name)}.write"


def moved_alias(name: str) -> str:
    """The alias on the index that the collection lies in once it was moved."""
    return f"{index_name(name)}.at"


def index_body(collection: Collection, shards: int = 1) -> dict[str, Json]:
    """What the index is created with: settings, mappings and the alias."""
    searched = {"type": "text", "analyzer": analysis.ANALYZER if _is_english(collection.schema) else IN_PLACE}
    own: dict[str, Json] = {
        "id": {"type": "keyword"},
        "hash": {"type": "keyword", "index": False, "store": True},  # stored: read without parsing the source
        "deleted": {"type": "boolean", "store": True},
        "text": searched,
        "words": {"type": "keyword"},
        "has": {"type": "keyword"},
        "passages": _KEPT,
        "vectors": _KEPT,
        "as_given": _KEPT,
    }
    if collection.schema.alone:
        own["alone"] = {"properties": dict.fromkeys(collection.schema.alone, searched)}
    fields = {one.name: _TYPES[one.type] for one in collection.schema.fields}
    return {
        "settings": {
            "number_of_shards": shards,
            "auto_expand_replicas": "0-1",  # one node alone is green, too
            "analysis": _analysis(),
        },
        "mappings": {
            "dynamic": False,
            "_source": {"excludes": [TEXT, WORDS, *([ALONE] if collection.schema.alone else [])]},
            "_meta": {"collection": collection.to_json()},
            "properties": fields | {OWN: {"properties": own}},
        },
        "aliases": {write_alias(collection.name): {}},
    }


def _analysis() -> dict[str, Json]:
    """The analyzers: of what comes as it is written, and of what comes as tokens."""
    made = analysis.elasticsearch_settings()
    placed = {"type": "custom", "tokenizer": "whitespace", "filter": ["in_place_stop"]}
    return made | {
        "filter": made["filter"] | {"in_place_stop": {"type": "stop", "stopwords": [STOP]}},
        "analyzer": made["analyzer"] | {IN_PLACE: placed},
    }


def _is_english(schema: Schema) -> bool:
    """Whether Elasticsearch makes the tokens itself: of other languages it has other stemmers than Python."""
    return schema.spoken == (ENGLISH,)


def alone(field: str) -> str:
    """The name under which a field is searched by itself."""
    return f"{ALONE}.{field}"


def _text(source: Mapping[str, Json], schema: Schema, fields: Sequence[tuple[str, float]]) -> list[str]:
    if _is_english(schema):
        return analysis.weighted(source, fields)
    texts = analysis.in_places(source, fields, schema.analyzers)
    return [" ".join(token or STOP for token in tokens) for tokens in texts]


def document(record: Record, schema: Schema) -> dict[str, Json]:
    """What the record is stored as."""
    own: dict[str, Json] = {"id": record.id, "hash": record.hash}
    if record.deleted:
        return {OWN: own | {"deleted": True}}
    own["has"] = [name for name in facts(record.id, record.source, schema) if name != ID]
    own["passages"] = record.passages
    own["text"] = _text(record.source, schema, schema.searched)
    alone = {name: text for name in schema.alone for text in _text(record.source, schema, [(name, 1.0)])}
    if alone:
        own["alone"] = alone
    own["words"] = document_words(record.source, schema.searched)
    own["vectors"] = b64encode(record.vectors.astype("<f4").tobytes()).decode()
    types = {one.name: one for one in schema.fields}
    top: dict[str, Json] = {}
    as_given: dict[str, Json] = {}
    for name, value in record.source.items():
        indexed = _indexed(types.get(name), value)
        if _can_stand_at_the_top(name):
            top[name] = indexed
        if name not in top or indexed is not value:
            as_given[name] = value
    return top | {OWN: own | ({"as_given": as_given} if as_given else {})}


def _can_stand_at_the_top(name: str) -> bool:
    """Elasticsearch has its own meaning for dots and a leading underscore, and takes no blank names."""
    return bool(name.strip()) and "." not in name and not name.startswith("_")


def _indexed(field: Field | None, value: Json) -> Json:
    """The value as Elasticsearch has to be given it; the value itself where that is no different."""
    if field is not None and field.type is FieldType.DOUBLE and value == 0:
        return 0.0  # Lucene keeps -0.0 apart
    if field is not None and field.type is FieldType.DATE and isinstance(value, str) and " " in value:
        return value.replace(" ", "T")
    return value


def bulk_lines(record: Record, schema: Schema) -> tuple[bytes, bytes]:
    """The two lines of a bulk request that write the record, without line breaks.

    Raises DocumentError where the source cannot be said in JSON.
    """
    action = {"index": {"_id": record.id, "version": record.version, "version_type": "external"}}
    try:
        return orjson.dumps(action), orjson.dumps(document(record, schema))
    except TypeError as error:
        raise DocumentError(
            f"document {record.id!r} cannot be written as JSON: {error}. Correct the value", document_id=record.id
        ) from error


def batches(lines: Mapping[str, tuple[bytes, bytes]], most: int, most_bytes: int) -> Iterator[dict[str, Any]]:
    """The lines by id, parted into requests of at most so many records and bytes; a longer record stands alone."""
    batch: dict[str, tuple[bytes, bytes]] = {}
    size = 0
    for document_id, pair in lines.items():
        length = sum(map(len, pair))
        if batch and (len(batch) == most or size + length > most_bytes):
            yield batch
            batch, size = {}, 0
        batch[document_id] = pair
        size += length
    if batch:
        yield batch


def page_body(point: str, after: Sequence[Any] | None, size: int, among: Json | None = None) -> dict[str, Json]:
    """The body of a search for the next `size` states, or only for those that the query `among` finds.

    point: the id of a point in time. after: the sort values of the last one seen, None to begin. Columns are
    read, not sources, which have the vectors in them.
    """
    return {
        "query": among or {"match_all": {}},
        "pit": {"id": point, "keep_alive": KEEP_ALIVE},
        "sort": ["_shard_doc"],
        "size": size,
        "version": True,
        "seq_no_primary_term": among == TOMBSTONES,
        "stored_fields": "_none_",
        "docvalue_fields": [f"{OWN}.{name}" for name in ("id", "hash", "deleted")],
        "track_total_hits": False,
        **({"search_after": list(after)} if after else {}),
    }


def row(hit: Mapping[str, Any]) -> tuple[str, State]:
    """The id and state of a hit of a search by `page_body`."""
    columns = hit["fields"]
    (document_id,), (digest,) = columns[f"{OWN}.id"], columns[f"{OWN}.hash"]
    return document_id, State(hit["_version"], digest, deleted=f"{OWN}.deleted" in columns)


def removal(hit: Mapping[str, Any]) -> dict[str, Json]:
    """The action of a bulk request that removes a tombstone, found by `page_body`, if nothing was written over it.

    By its sequence number, not its version: a delete with an external version makes an index that is not there.
    """
    held = {"if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"]}
    return {"delete": {"_id": row(hit)[0], **held}}


def state(found: Mapping[str, Any]) -> State:
    """The state of a document that was read with the fields of STATE, or with its source."""
    own = found.get("_source", {}).get(OWN, {})
    fields = found.get("fields", {})
    hashes, deleted = (fields.get(name, [own.get(key)]) for name, key in zip(STATE, ("hash", "deleted"), strict=True))
    return State(found["_version"], hashes[0] or "", deleted=bool(deleted[0]))


def stored(found: Mapping[str, Any]) -> Stored | None:
    """The document as it was given, None for a tombstone."""
    source = dict(found["_source"])
    own = source.pop(OWN, {})
    if own.get("deleted"):
        return None
    passages = tuple((start, end) for start, end in own.get("passages", ()))
    return Stored(found["_id"], found["_version"], source | own.get("as_given", {}), passages)


def record(found: Mapping[str, Any], dim: int) -> Record:
    """The record that was written, a tombstone too. dim: of the collection's vectors."""
    known, document = state(found), stored(found)
    own = found["_source"][OWN]
    vectors = np.frombuffer(b64decode(own.get("vectors", "")), "<f4").reshape(-1, dim)
    if document is None:
        return Record(found["_id"], known.version, known.hash, {}, vectors, deleted=True)
    return Record(document.id, known.version, known.hash, document.source, vectors, document.passages)
