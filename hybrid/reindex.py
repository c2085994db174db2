"""How is a collection made anew while it is searched? Copied into a second place, which then takes its name.

The sources come from the stores, so the original files are not needed. Versions and tombstones are kept, so
what is written to the old place meanwhile is carried over in the order in which it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from hybrid.errors import SchemaError, StoreError
from hybrid.indexing.documents import content_hash, fingerprint
from hybrid.indexing.flush import BATCH
from hybrid.indexing.journal import Entry
from hybrid.model import Document, Record
from hybrid.place import Place
from hybrid.plan import TEXT
from hybrid.schema import Collection, Schema, infer
from hybrid.stores.base import Store

_NUMBER = re.compile(r"~(\d+)$")


def next_name(name: str) -> str:
    """The name of the place after the one of this name: documents, documents~2, documents~3, …"""
    found = _NUMBER.search(name)
    return f"{_NUMBER.sub('', name)}~{int(found[1]) + 1 if found else 2}"


def grown(collection: Collection, store: Store, name: str, model: str, dim: int, given: Schema | None) -> Collection:
    """What the collection is to become: the schema that is given, else its own with the fields that came later."""
    if given is None:
        sample = (Document(one.id, one.source) for one in _sample(store))
        known = {one.name for one in collection.schema.fields}
        new = tuple(one for one in infer(sample).fields if one.name not in known)
        given = Schema(collection.schema.fields + new)
    return replace(collection, name=name, schema=given, model=model, vector=replace(collection.vector, dim=dim))


def copy(old: Place, new: Place, since: int, told: Callable[[int], None]) -> int:
    """The number of documents and tombstones written to the new place: those with versions above `since`.

    told: called with the number of each batch. Raises StoreError where the new place does not take one.
    """
    collection = new.catalog.collection
    indexer = new.writing(collection)
    source = old.catalog.store(TEXT)
    count = 0
    ids = (one for one, state in source.scan() if state.version > since)
    while batch := list(islice(ids, BATCH)):
        entries = [_entry(record, collection, tuple(new.stores)) for record in source.records(batch).values()]
        failed = {one: paid for one, paid in indexer.pay(entries).items() if paid.owed or paid.rejected}
        if failed:
            one, paid = next(iter(failed.items()))
            raise StoreError("reindex", f"document {one!r} could not be copied: {paid.reason or paid.rejected}")
        count += len(entries)
        told(len(entries))
    return count


def _sample(store: Store) -> Iterator[Record]:
    ids = [one for one, state in islice(store.scan(), 1000) if not state.deleted]
    return iter(store.records(ids).values())


def _entry(record: Record, collection: Collection, stores: tuple[str, ...]) -> Entry:
    """The record as a change of the new collection. Vectors that were supplied, not made by a model, are kept."""
    if record.deleted:
        nothing = record.vectors.reshape(-1)[:0].reshape(0, collection.vector.dim)
        return Entry(record.id, record.version, record.hash, {}, stores, nothing, deleted=True)
    supplied = record.vectors if not record.passages else None
    if supplied is not None and supplied.shape[1] != collection.vector.dim:
        raise SchemaError(
            f"document {record.id!r} brought its own vector of {supplied.shape[1]} components, and the new model makes "
            f"{collection.vector.dim}. Index such documents again from their source"
        )
    document = Document(record.id, record.source, supplied)
    digest = content_hash(document, fingerprint(collection))
    return Entry(record.id, record.version, digest, record.source, stores, supplied)
