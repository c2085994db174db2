"""Where does a collection lie? Its two stores, its model, its catalog and, once something is written, its indexer."""

from __future__ import annotations

import dataclasses
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from hybrid.bounded import Bounded, at_once
from hybrid.catalog import Catalog
from hybrid.embedding.base import Embedder
from hybrid.embedding.lazy import LazyEmbedder
from hybrid.errors import CollectionNotFound, EmbeddingError, HybridError, JournalError, MissingExtra, StoreError
from hybrid.filters.tree import Filter
from hybrid.forks import forgets
from hybrid.indexing.entries import Entry
from hybrid.indexing.indexer import Indexer
from hybrid.indexing.journal import Backlog, Journal
from hybrid.indexing.turnstile import Turnstile
from hybrid.model import Json
from hybrid.plan import TEXT, VECTOR, Plan
from hybrid.schema import Collection
from hybrid.search import Pools
from hybrid.settings import Settings
from hybrid.stores.base import Store, TextStore, VectorStore
from hybrid.stores.connect import text_store, vector_store

_log = logging.getLogger(__name__)

STATUS_S = 2.0
"""Seconds that a store has at least to tell its status, which may be longer than a search may take."""

MOST_LETTERS = 20
"""Dead letters that are told."""


class Place:
    """A collection in a text store and a vector store, with the model that made its vectors. Thread-safe."""

    def __init__(self, settings: Settings, embedder: Embedder | None = None) -> None:
        self.settings = settings
        self.model = LazyEmbedder(settings, embedder)
        self.text: TextStore = text_store(settings)
        self.vector: VectorStore = vector_store(settings)
        self.stores: dict[str, Store] = {TEXT: self.text, VECTOR: self.vector}
        self.catalog = Catalog(settings, self.model.name, self.stores)
        self._indexer: Indexer | None = None
        self._writer = os.getpid()
        self.turnstile = Turnstile(None if settings.in_memory else settings.folder / "writes.lock")
        self.updates = Turnstile(None if settings.in_memory else settings.folder / "updates.lock")
        servers = {TEXT: settings.elasticsearch, VECTOR: settings.redis}
        self.here = frozenset(name for name, server in servers.items() if server is None)
        self._lock = threading.Lock()
        forgets(self)

    def forget(self) -> None:
        """In a child of the process: nobody there is making an indexer."""
        self._lock = threading.Lock()

    @property
    def indexer(self) -> Indexer | None:
        """What writes here; None before the first write of this process: threads do not come along in a fork."""
        return self._indexer if self._writer == os.getpid() else None

    def count(self, tree: Filter | None, stores: Mapping[str, Bounded]) -> int:
        """The number of documents that satisfy a filter, by the first store that answers. Raises StoreError."""
        try:
            return stores[TEXT].ask(lambda _: self.catalog.store(TEXT).count(tree))
        except StoreError as error:
            _log.warning("the other store counts: %s", error)
            return stores[VECTOR].ask(lambda _: self.catalog.store(VECTOR).count(tree))

    def languages(self) -> frozenset[str]:
        """The languages that the model knows; empty: not known, or not loaded, as it cannot be had."""
        try:
            embedder = self.model.get()
        except (EmbeddingError, MissingExtra):
            return frozenset()
        return embedder.languages if embedder else frozenset()

    def computing(self, plan: Plan) -> tuple[str, ...]:
        """The retrievers of a plan that ask no server and no model, but only compute for a moment."""
        return tuple(name for name in sorted(self.here) if name == TEXT or plan.vector is not None)

    def warm(self) -> None:
        """Loads the model. One that cannot be had is told by the searches."""
        try:
            self.model.get()
        except (EmbeddingError, MissingExtra) as error:
            _log.warning("%s", error)

    def dimension(self) -> int | None:
        """Components of the model's vectors; the model need not be loaded where the collection says it."""
        collection = self.catalog.find()
        if collection is not None:
            return collection.vector.dim
        embedder = self.model.get()
        return embedder.dim if embedder else None

    def writing(self, collection: Collection) -> Indexer:
        """The one indexer of this place, made at its first write."""
        with self._lock:
            indexer = self.indexer
            if indexer is None:
                indexer = Indexer(
                    collection,
                    self.catalog.writable(),
                    self.vector,
                    self.model.get,
                    self.settings.journal,
                    self.settings.durability,
                )
                self._indexer, self._writer = indexer, os.getpid()
            return indexer

    def refresh(self) -> None:
        """Lets searches see what was written, in every store that answers."""
        for store in self.stores.values():
            try:
                store.refresh()
            except StoreError as error:
                _log.warning("what was written may not be seen by searches yet: %s", error)

    def status(self, pools: Pools, *, exists: bool) -> dict[str, Json]:
        """By retriever, its store's own status; the key `error` instead where it does not answer in a while, or lacks
        the collection. exists: some store has it."""
        said, errors = at_once(self.stores, _status, pools, max(STATUS_S, self.settings.deadline_s), self.here)
        errors |= {name: self.catalog.lost(name) for name, of in said.items() if exists and "documents" not in of}
        broken = {name: {"store": self.stores[name].name, "error": str(error)} for name, error in errors.items()}
        return {name: (said | broken)[name] for name in self.stores}

    def ping(self, pools: Pools) -> dict[str, str]:
        """By retriever "ok", or why its store does not answer by the deadline; and "journal", whether it can be
        written."""
        _, errors = at_once(self.stores, lambda store: store.ping(), pools, self.settings.deadline_s, self.here)
        stores = {name: str(errors[name]) if name in errors else "ok" for name in self.stores}
        return stores | {"journal": self._journal_answers()}

    def backlog(self) -> dict[str, Json]:
        """What the journal owes, and the newest changes that a store will never take; nothing without a journal.

        The key `error` says why where it cannot be read.
        """
        try:
            with self._journal() as journal:
                owed = journal.backlog() if journal else Backlog()
                dead = journal.dead_letters(MOST_LETTERS) if journal else []
        except JournalError as error:
            return {"error": str(error)}
        letters = [{"id": one.id, "store": one.store, "reason": one.reason} for one in dead]
        return dataclasses.asdict(owed) | {"dead_letters": letters}

    def check_journal(self) -> None:
        """Returns when the journal can be written. Raises JournalError."""
        if self.indexer is not None:
            self.indexer.journal.check()
        else:
            with closing(Journal(self.settings.journal)) as journal:
                journal.check()

    def _journal_answers(self) -> str:
        try:
            self.check_journal()
        except HybridError as error:
            return str(error)
        return "ok"

    @contextmanager
    def _journal(self) -> Iterator[Journal | None]:
        """The journal, None where there is none yet."""
        path = self.settings.journal
        if self.indexer is not None:
            yield self.indexer.journal
        elif path is None or not path.exists():
            yield None
        else:
            with closing(Journal(path)) as journal:
                yield journal

    def left(self, ids: Sequence[str] | None = None) -> list[Entry]:
        """The changes, or those of these ids, that a store is still owed."""
        with self._journal() as journal:
            return journal.owed(ids) if journal else []

    def stop_writing(self) -> None:
        """Ends the indexer, once what it wrote is acknowledged; the next write makes another."""
        with self._lock:
            indexer, self._indexer = self.indexer, None
        if indexer is not None:
            indexer.close()

    def drop(self) -> None:
        """Deletes the collection in both stores, and what the journal owed to them."""
        self.stop_writing()
        with self._journal() as journal:
            if journal is not None:
                journal.clear()
        self.catalog.drop()

    def close(self) -> None:
        """Gives back connections and files; waits until what was written is durable where it can be."""
        self.stop_writing()
        for store in self.stores.values():
            store.close()


def _status(store: Store) -> dict[str, Json]:
    try:
        return {"store": store.name} | store.status()
    except CollectionNotFound:
        return {"store": store.name}  # nothing there yet, so there is nothing to say of it
