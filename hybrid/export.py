"""Which documents are there? All that satisfy a filter, streamed from one store while it is written to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from hybrid.errors import StoreError
from hybrid.filters.meaning import facts, matches
from hybrid.filters.tree import Filter
from hybrid.model import Json, Record, State, Stored
from hybrid.place import Place
from hybrid.plan import TEXT, VECTOR
from hybrid.stores.base import Store

_log = logging.getLogger(__name__)

BATCH = 256
"""Documents that are read at once."""


def exported(place: Place, tree: Filter | None) -> Iterator[dict[str, Json]]:
    """The documents that satisfy the filter, as `put` takes them.

    Raises StoreError: at the call where no store answers, later where the one that answered fails.
    """
    return map(_row, _documents(place, tree))


def matching(place: Place, tree: Filter | None) -> Iterator[str]:
    """The ids of the documents that satisfy the filter. Raises as `exported` does."""
    return (one.id for one in _documents(place, tree))


def _documents(place: Place, tree: Filter | None) -> Iterator[Stored | Record]:
    """The documents, from the first store that answers, which is asked at the call."""
    try:
        store: Store = place.catalog.store(TEXT)
        states = _begun(place.text.scan(tree))
    except StoreError as error:
        _log.warning("the other store is read: %s", error)
        store = place.catalog.store(VECTOR)
        states = _begun(place.vector.scan())
    return _satisfying(place, tree, store, states)


def _begun(states: Iterator[tuple[str, State]]) -> Iterator[tuple[str, State]]:
    """The same states, the first of them read now."""
    return chain(list(islice(states, 1)), states)


def _satisfying(
    place: Place, tree: Filter | None, store: Store, states: Iterator[tuple[str, State]]
) -> Iterator[Stored | Record]:
    """The documents as they are by now, which is after their ids were found: so the filter is asked again."""
    schema = place.catalog.collection.schema
    while batch := list(islice(states, BATCH)):
        for one in _read(store, [one for one, state in batch if not state.deleted]):
            if tree is None or matches(tree, facts(one.id, one.source, schema)):
                yield one


def _read(store: Store, ids: Sequence[str]) -> Iterator[Stored | Record]:
    """The documents that are still there; those that brought their vectors, and so have no passages, with them."""
    found = store.fetch(ids)
    bare = [one for one, held in found.items() if not held.passages]
    records = store.records(bare) if bare else {}
    yield from (held for held in found.values() if held.passages)
    yield from (record for record in records.values() if not record.deleted)


def _row(one: Stored | Record) -> dict[str, Json]:
    row = {"id": one.id, **one.source}
    if isinstance(one, Record) and not one.passages:
        row["vector"] = (one.vectors if len(one.vectors) > 1 else one.vectors[0]).tolist()
    return row
