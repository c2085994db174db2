"""How is a collection made anew while it is searched? Copied into a second place, which then takes its name.

The sources come from the stores, so the original files are not needed. Versions and tombstones are kept, so
what is written to the old place meanwhile is carried over in the order in which it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from hybrid.errors import SchemaError, StoreError
from hybrid.indexing.documents import content_hash, fingerprint
from hybrid.indexing.entries import Entry
from hybrid.indexing.flush import BATCH
from hybrid.inferring import infer
from hybrid.model import Document, Record, State
from hybrid.place import Place
from hybrid.plan import TEXT
from hybrid.schema import FORMAT, Collection, Schema
from hybrid.settings import Settings
from hybrid.stores.base import Store

_NUMBER = re.compile(r"~(\d+)$")


def next_name(name: str) -> str:
    """The name of the place after the one of this name: documents, documents~2, documents~3, …"""
    return f"{_NUMBER.sub('', name)}~{place_number(name) + 1}"


def place_number(name: str) -> int:
    """The number of a place: 1 for documents, 2 for documents~2."""
    found = _NUMBER.search(name)
    return int(found[1]) if found else 1


def grown(collection: Collection, store: Store, name: str, model: str, dim: int, settings: Settings) -> Collection:
    """What the collection is to become: the schema that is set, else its own with the fields that came later."""
    given = settings.schema_given
    if given is None:
        sample = (Document(one.id, one.source) for one in _sample(store))
        known = {one.name for one in collection.schema.fields}
        new = tuple(one for one in infer(sample).fields if one.name not in known)
        given = settings.laid(Schema(collection.schema.fields + new))
    vector = replace(collection.vector, dim=dim)
    return replace(collection, name=name, schema=given, model=model, vector=vector, format=FORMAT)


def copy(old: Place, new: Place, told: Callable[[int], None]) -> int:
    """The number of documents and tombstones written to the new place: all that it does not hold yet, as new.

    told: called with the number of each batch. Raises StoreError where the new place does not take one.
    """
    source = old.catalog.store(TEXT)
    count = 0
    states = source.scan()
    while batch := dict(islice(states, BATCH)):
        lacking = _lacking(batch, new)
        if lacking:
            count += _written(source.records(lacking).values(), new)
            told(len(lacking))
    return count


def carry(left: Iterable[Entry], new: Place) -> int:
    """The number of changes written to the new place, of those that the old one's journal still owes to a store."""
    return sum(_carried(batch, new) for batch in _batches(left))


def _carried(batch: Sequence[Entry], new: Place) -> int:
    lacking = set(_lacking({entry.id: entry.state for entry in batch}, new))
    entries = [entry for entry in batch if entry.id in lacking]
    return _written(entries, new) if entries else 0


def _lacking(states: Mapping[str, State], new: Place) -> list[str]:
    """The ids that a store of the new place does not hold at this version or a later one."""
    held = [store.states(list(states)) for store in new.stores.values()]
    return [
        one for one, state in states.items() if any(one not in of or of[one].version < state.version for of in held)
    ]


def _written(records: Iterable[Record | Entry], new: Place) -> int:
    collection = new.catalog.collection
    entries = [_entry(record, collection, tuple(new.stores)) for record in records]
    paid = new.writing(collection).pay(entries)
    failed = {one: of for one, of in paid.items() if of.owed or of.rejected}
    if failed:
        one, of = next(iter(failed.items()))
        raise StoreError("reindex", f"document {one!r} could not be copied: {of.reason or of.rejected}")
    return len(entries)


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    rest = iter(entries)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _sample(store: Store) -> Iterator[Record]:
    ids = [one for one, state in islice(store.scan(), 1000) if not state.deleted]
    return iter(store.records(ids).values())


def _entry(record: Record | Entry, collection: Collection, stores: tuple[str, ...]) -> Entry:
    """The record as a change of the new collection. Vectors that were supplied, not made by a model, are kept."""
    if record.deleted:
        nothing = np.empty((0, collection.vector.dim), np.float32)
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
