"""Where does a collection lie? Its two stores, its model, its catalog and, once something is written, its indexer."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

import numpy as np

from hybrid import queries
from hybrid.catalog import Catalog
from hybrid.embedding.base import Embedder
from hybrid.embedding.lazy import LazyEmbedder
from hybrid.errors import CollectionNotFound, EmbeddingError, HybridError, JournalError, MissingExtra, StoreError
from hybrid.filters.tree import Filter
from hybrid.indexing.entries import Entry
from hybrid.indexing.indexer import Indexer
from hybrid.indexing.journal import Backlog, Journal
from hybrid.indexing.turnstile import Turnstile
from hybrid.model import Json, Ranking, Vector
from hybrid.plan import TEXT, VECTOR, Plan
from hybrid.schema import Collection
from hybrid.settings import Settings
from hybrid.stores.base import BrowseQuery, Store, TextStore, VectorStore
from hybrid.stores.connect import text_store, vector_store

_log = logging.getLogger(__name__)

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
        self.indexer: Indexer | None = None
        self.turnstile = Turnstile(None if settings.in_memory else settings.folder / "writes.lock")
        self.updates = Turnstile(None if settings.in_memory else settings.folder / "updates.lock")
        servers = {TEXT: settings.elasticsearch, VECTOR: settings.redis}
        self.here = frozenset(name for name, server in servers.items() if server is None)
        self._lock = threading.Lock()

    def search_text(self, plan: Plan) -> Ranking:
        """What the text retriever finds, or lists where there is no query. Raises StoreError."""
        self.catalog.store(TEXT)
        query, started = queries.text(plan), time.perf_counter()
        found = self.text.browse(query) if isinstance(query, BrowseQuery) else self.text.search(query)
        return _timed(found, store=started)

    def search_vector(self, plan: Plan) -> Ranking:
        """What the vector retriever finds, by the plan's vector or the model's. Raises StoreError, EmbeddingError."""
        self.catalog.store(VECTOR)
        began = time.perf_counter()
        vector = self._vector(plan)
        started = time.perf_counter()
        found = self.vector.search(queries.vector(plan, vector))
        embedding = {"embed": (started - began) * 1000} if plan.vector is None else {}
        return _timed(dataclasses.replace(found, spent={**embedding, **found.spent}), store=started)

    def count_facets(self, plan: Plan) -> Ranking:
        """The facets of a plan that does not ask the text retriever, in a ranking without rows. Raises StoreError."""
        self.catalog.store(TEXT)
        query = queries.counting(plan)
        return self.text.browse(query) if query else Ranking()

    def scores(self, retriever: str, plan: Plan, ids: Sequence[str]) -> Mapping[str, float]:
        """The score that a retriever gives to each of these documents; those without one are left out."""
        self.catalog.store(retriever)
        if retriever == VECTOR:
            return self.vector.scores(queries.vector(plan, self._vector(plan)), ids)
        query = queries.text(plan)
        return {} if isinstance(query, BrowseQuery) else self.text.scores(query, ids)

    def explain_text(self, plan: Plan, ids: Sequence[str]) -> Mapping[str, Json]:
        """The text store's own explanation of each document's score; empty where it has none or does not answer."""
        query = queries.text(plan)
        if isinstance(query, BrowseQuery):
            return {}
        try:
            return self.text.explain(query, ids)
        except StoreError as error:
            _log.warning("scores cannot be explained: %s", error)
            return {}

    def count(self, tree: Filter | None) -> int:
        """The number of documents that satisfy a filter, by the first store that answers. Raises StoreError."""
        try:
            return self.catalog.store(TEXT).count(tree)
        except StoreError as error:
            _log.warning("the other store counts: %s", error)
            return self.catalog.store(VECTOR).count(tree)

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

    def _vector(self, plan: Plan) -> Vector:
        if plan.vector is not None:
            return np.asarray(plan.vector, np.float32)
        embedder = self.model.get()
        if embedder is None:
            raise EmbeddingError("this collection has no model; give the query's vector: search(…, vector=[…])")
        vector: Vector = embedder.embed_queries([plan.query])[0]
        return vector

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
            if self.indexer is None:
                self.indexer = Indexer(
                    collection,
                    self.catalog.writable(),
                    self.vector,
                    self.model.get,
                    self.settings.journal,
                    self.settings.durability,
                )
            return self.indexer

    def refresh(self) -> None:
        """Lets searches see what was written, in every store that answers."""
        for store in self.stores.values():
            try:
                store.refresh()
            except StoreError as error:
                _log.warning("what was written may not be seen by searches yet: %s", error)

    def status(self) -> dict[str, Json]:
        """By retriever, its store's own status; the key `error` instead where it does not answer."""
        return {name: _status(store) for name, store in self.stores.items()}

    def ping(self) -> dict[str, str]:
        """By retriever "ok", or why its store does not answer; and "journal", whether it can be written."""
        stores = {name: _answering(store.ping) for name, store in self.stores.items()}
        return stores | {"journal": _answering(self.check_journal)}

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

    def left(self) -> list[Entry]:
        """The changes that a store is still owed."""
        with self._journal() as journal:
            return journal.owed() if journal else []

    def stop_writing(self) -> None:
        """Ends the indexer, once what it wrote is acknowledged; the next write makes another."""
        with self._lock:
            indexer, self.indexer = self.indexer, None
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


def _timed(found: Ranking, **began: float) -> Ranking:
    """The ranking with the milliseconds since each of these moments, of `time.perf_counter`, among its `spent`."""
    now = time.perf_counter()
    return dataclasses.replace(found, spent={**found.spent, **{of: (now - at) * 1000 for of, at in began.items()}})


def _status(store: Store) -> dict[str, Json]:
    try:
        return {"store": store.name} | store.status()
    except CollectionNotFound:
        return {"store": store.name}  # nothing there yet, so there is nothing to say of it
    except StoreError as error:
        return {"store": store.name, "error": str(error)}


def _answering(ask: Callable[[], None]) -> str:
    try:
        ask()
    except HybridError as error:
        return str(error)
    return "ok"
