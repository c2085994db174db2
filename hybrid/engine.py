"""What does a user hold? An Engine: one collection, written to and searched in both stores."""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self

import numpy as np

from hybrid import integrity
from hybrid import plan as planning
from hybrid import settings as configuration
from hybrid.answer import answered
from hybrid.catalog import Catalog
from hybrid.embedding.base import Embedder
from hybrid.embedding.lazy import LazyEmbedder
from hybrid.errors import (
    CollectionNotFound,
    DocumentError,
    DocumentNotFound,
    EmbeddingError,
    HybridError,
    MissingExtra,
    QueryError,
    StoreError,
)
from hybrid.hydrate import hydrated
from hybrid.indexing.documents import as_id, normalise, rows
from hybrid.indexing.indexer import Indexer
from hybrid.indexing.journal import Backlog, Journal
from hybrid.indexing.reconcile import Verification
from hybrid.indexing.report import fold, note_of_unknown
from hybrid.indexing.writer import rejections
from hybrid.model import Document, DocumentOutcome, Json, Ranking, SearchResult, WriteReport
from hybrid.plan import TEXT, VECTOR, Plan, Request
from hybrid.schema import Collection
from hybrid.search import Pools, run
from hybrid.settings import Settings
from hybrid.stores.base import Store, TextQuery, TextStore, VectorQuery, VectorStore, check_query
from hybrid.stores.connect import text_store, vector_store

_log = logging.getLogger(__name__)

SAMPLE = 1000
"""Documents that a schema is inferred from."""


class Engine:
    """One collection in a text store and a vector store. Thread-safe; a context manager.

    embedder: used instead of the model that the settings name.
    """

    def __init__(self, settings: Settings, embedder: Embedder | None = None) -> None:
        self.settings = settings
        self._model = LazyEmbedder(settings, embedder)
        self._text: TextStore = text_store(settings)
        self._vector: VectorStore = vector_store(settings)
        self._stores: dict[str, Store] = {TEXT: self._text, VECTOR: self._vector}
        self._catalog = Catalog(settings, self._model.name, self._stores)
        self._indexer: Indexer | None = None
        self._lock = threading.Lock()
        self._pools = Pools()

    @property
    def collection(self) -> Collection:
        """The collection's name, schema, vector spec and model. Raises CollectionNotFound before the first `put`."""
        return self._catalog.collection

    def put(
        self,
        documents: Iterable[Any],
        *,
        wait: bool = True,
        strict: bool = False,
        on_outcome: Callable[[DocumentOutcome], None] | None = None,
    ) -> WriteReport:
        """What became of the documents, written to both stores; those with a known id are replaced.

        documents: any iterable of dicts (with "id", optionally "vector") or Documents, or a DataFrame;
        streamed. wait: return when a search sees them. strict: raise DocumentError at the first
        document that is rejected. on_outcome: called with each document's outcome.
        A document is durable in the journal before either store sees it; what a store does not take now is
        `pending` and written later. Raises JournalError, with nothing written, where the journal cannot be.
        """
        started = time.perf_counter()
        source = rows(documents)
        sample, valid = _sampled(source)
        if not valid:  # no collection is made for documents that are all rejected
            return fold(_watched(rejections(sample, strict=strict), on_outcome), started)
        indexer = self._writing(self._catalog.make(valid, self._dimension()))
        writer = indexer.writer()
        outcomes = writer.put(chain(sample, source), strict=strict)
        report = fold(_watched(outcomes, on_outcome), started)
        self._finished(indexer, report, wait)
        return dataclasses.replace(report, notes=note_of_unknown(writer.unknown_fields))

    def delete(self, ids: Iterable[str], *, wait: bool = True) -> WriteReport:
        """What became of the documents of these ids, deleted from both stores: deleted or not_found."""
        started = time.perf_counter()
        if isinstance(ids, str):
            raise QueryError(f"delete takes a list of ids, not one string; write delete([{ids!r}])", field="ids")
        indexer = self._writing(self.collection)
        report = fold(indexer.writer().delete(map(as_id, ids)), started)
        self._finished(indexer, report, wait)
        return report

    def get(self, document_id: str) -> dict[str, Json]:
        """The fields of the document of this id. Raises DocumentNotFound."""
        collection = self.collection
        one = as_id(document_id)
        found = hydrated([one], (self._vector, self._text)).documents.get(one)
        if found is None:
            raise DocumentNotFound(f"there is no document {document_id!r} in collection {collection.name!r}")
        return dict(found.source)

    def search(self, query: str | Request, **options: Any) -> SearchResult:
        """The best documents by words and by meaning, fused, with how each of them came about.

        options: the fields of `hybrid.plan.Request`: limit, vector, retrievers, window, fusion, k,
        weights, deadline_s. Raises QueryError or FusionError for a request that cannot be run,
        CollectionNotFound before the first `put`, and SearchUnavailable where no retriever answered.
        """
        return self.run(self.plan(query, **options))

    def plan(self, query: str | Request, **options: Any) -> Plan:
        """The plan of a search, checked and complete, not run. Raises as `search` does."""
        request = planning.request(query, **options)
        defaults, collection = self.settings, self.collection
        plan = planning.make(request, collection.schema, window=defaults.window, deadline_s=defaults.deadline_s)
        if plan.vector is not None:
            check_query(VectorQuery(np.asarray(plan.vector, np.float32), plan.window), collection)
        return plan

    def run(self, plan: Plan) -> SearchResult:
        """The answer to a plan. Raises SearchUnavailable where no retriever answered."""
        if VECTOR in plan.retrievers and plan.vector is None:
            self.warm()  # before the clock starts: loading a model takes longer than a search may
        calls = {TEXT: partial(self._search_text, plan), VECTOR: partial(self._search_vector, plan)}
        started = time.perf_counter()
        answers = run({name: calls[name] for name in plan.retrievers}, self._pools, plan.deadline_s)
        result = answered(plan, answers, self._stores, self.collection.schema, started)
        if plan.verify:
            result = integrity.confirmed(result, [self._catalog.store(name) for name in self._stores])
        self._look_after(result)
        return result

    def _look_after(self, result: SearchResult) -> None:
        """Queues for repair what the stores disagree on; where this process writes, asks about what was not seen."""
        doubtful = integrity.disagreeing(result)
        indexer = self._indexer
        if indexer is not None:
            doubtful += integrity.unseen(result)
        elif doubtful:
            indexer = self._writing(self.collection)
        if indexer is not None and doubtful:
            indexer.suspect(doubtful)

    def warm(self) -> None:
        """Loads the model, so that no search has to. A model that cannot be had is told by the searches."""
        try:
            self._model.get()
        except (EmbeddingError, MissingExtra) as error:
            _log.warning("%s", error)

    def status(self) -> dict[str, Json]:
        """Collection, model, and, for each store, counts, index parameters, sizes (bytes) and warnings.

        A store that does not answer has the key `error` instead.
        """
        try:
            collection = self._catalog.find()
        except StoreError:
            collection = None  # no store answers, which `stores` says
        stores = {name: _status(store) for name, store in self._stores.items()}
        return {
            "collection": self.settings.collection,
            "exists": collection is not None,
            "model": self._model.name,
            "fields": collection.to_json()["schema"]["fields"] if collection else [],
            "journal": self._backlog(),
            "stores": stores,
        }

    def ping(self) -> dict[str, str]:
        """By retriever "ok", or why its store does not answer; and "journal", whether it can be written."""
        stores = {name: _answering(store.ping) for name, store in self._stores.items()}
        return stores | {"journal": _answering(self._check_journal)}

    def work(self) -> None:
        """Pays debts and repairs what searches find torn in the background from now on, until `close`."""
        if self._catalog.find() is not None:
            self._writing(self.collection).work()

    def flush(self) -> Backlog:
        """What is still owed to a store after everything in the journal was tried once more, now."""
        return self._writing(self.collection).flush()

    def verify(self) -> Verification:
        """Where the two stores disagree: missing, stale, orphan and torn documents. Raises StoreError."""
        collection = self.collection
        for name in self._stores:
            self._catalog.store(name)
        return self._writing(collection).verify()

    def repair(self) -> tuple[Verification, int]:
        """What disagreed before, and how many documents were repaired. A store that lost its collection gets all
        of it again from the other, vectors included, without embedding. Raises StoreError."""
        found = self._writing(self._catalog.reopen()).repair()
        for store in self._stores.values():
            store.refresh()
        return found

    def drop(self) -> None:
        """Deletes the whole collection from both stores; the next `put` makes it anew."""
        with self._lock:
            if self._indexer is not None:
                self._indexer.close()
                self._indexer = None
        self._catalog.drop()

    def close(self) -> None:
        """Gives back threads, connections and files; waits until what was written is durable where it can be."""
        self._pools.close()
        if self._indexer is not None:
            self._indexer.close()
        for store in self._stores.values():
            store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        where = " + ".join(store.name for store in self._stores.values())
        return f"<Engine {self.settings.collection!r} in {where}, model {self._model.name}>"

    def _search_text(self, plan: Plan) -> Ranking:
        self._catalog.store(TEXT)
        return self._text.search(TextQuery(plan.query, plan.window, plan.deadline_s))

    def _search_vector(self, plan: Plan) -> Ranking:
        self._catalog.store(VECTOR)
        if plan.vector is not None:
            vector = np.asarray(plan.vector, np.float32)
        else:
            embedder = self._model.get()
            if embedder is None:
                raise EmbeddingError("this collection has no model; give the query's vector: search(…, vector=[…])")
            vector = embedder.embed_queries([plan.query])[0]
        return self._vector.search(VectorQuery(vector, plan.window, plan.deadline_s))

    def _backlog(self) -> dict[str, Json]:
        """What the journal owes; nothing where there is no journal yet."""
        path = self.settings.journal
        if self._indexer is not None:
            return dataclasses.asdict(self._indexer.journal.backlog())
        if path is None or not path.exists():
            return dataclasses.asdict(Backlog())
        with closing(Journal(path)) as journal:
            return dataclasses.asdict(journal.backlog())

    def _check_journal(self) -> None:
        if self._indexer is not None:
            self._indexer.journal.check()
        else:
            with closing(Journal(self.settings.journal)) as journal:
                journal.check()

    def _writing(self, collection: Collection) -> Indexer:
        """The one indexer of this engine, made at its first write."""
        with self._lock:
            if self._indexer is None:
                self._indexer = Indexer(
                    collection,
                    self._catalog.writable(),
                    self._vector,
                    self._model.get,
                    self.settings.journal,
                    self.settings.durability,
                )
            return self._indexer

    def _dimension(self) -> int | None:
        """Components of the model's vectors; the model need not be loaded where the collection says it."""
        collection = self._catalog.find()
        if collection is not None:
            return collection.vector.dim
        embedder = self._model.get()
        return embedder.dim if embedder else None

    def _finished(self, indexer: Indexer, report: WriteReport, wait: bool) -> None:
        """Lets searches see what was written, where wanted, and has debts paid in the background."""
        if not report.ok:
            indexer.work()
        for store in self._stores.values() if wait else ():
            try:
                store.refresh()
            except StoreError as error:
                _log.warning("what was written may not be seen by searches yet: %s", error)


def open(
    data_dir: str | Path | None = None,
    *,
    embedder: Embedder | None = None,
    **settings: Any,
) -> Engine:
    """An engine on a collection: embedded in `data_dir` (":memory:" for nothing on disk), or on servers.

    settings: any of `hybrid.settings.Settings`, such as redis="redis://…", elasticsearch="https://…",
    collection, model. What is not given comes from the environment, hybrid.toml, and defaults.
    embedder: any object that follows `hybrid.Embedder`, instead of the model that is set.
    Raises SettingsError.
    """
    return Engine(configuration.read(data_dir=data_dir, **settings), embedder)


def _sampled(source: Iterator[Any]) -> tuple[list[Any], list[Document]]:
    """The first items of the source, until 1,000 of them are valid, and the valid ones as Documents."""
    items: list[Any] = []
    valid: list[Document] = []
    while len(valid) < SAMPLE and (more := list(islice(source, SAMPLE - len(valid)))):
        items += more
        valid += _valid(more)
    return items, valid


def _valid(items: Iterable[Any]) -> Iterator[Document]:
    for item in items:
        try:
            yield normalise(item)
        except DocumentError:
            continue  # the writer rejects it with its reason


def _watched(
    outcomes: Iterable[DocumentOutcome], watch: Callable[[DocumentOutcome], None] | None
) -> Iterator[DocumentOutcome]:
    for outcome in outcomes:
        if watch is not None:
            watch(outcome)
        yield outcome


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
