"""What does a user hold? An Engine: one collection, written to and searched in both stores."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from itertools import chain
from typing import Any, Self

from hybrid import bounds, filters, many
from hybrid import plan as planning
from hybrid.care import look_after
from hybrid.copies import Copies, copies
from hybrid.embedding.base import Embedder
from hybrid.embedding.reranker import LazyReranker, Reranker
from hybrid.errors import CollectionNotFound, DocumentNotFound, HybridError, QueryError, StoreError
from hybrid.export import exported, matching
from hybrid.hydrate import hydrated
from hybrid.indexing.documents import as_id, rows
from hybrid.indexing.journal import Backlog
from hybrid.indexing.lots import rejections
from hybrid.indexing.reconcile import Verification
from hybrid.indexing.report import fold, note_of_unknown
from hybrid.location import Location
from hybrid.model import DocumentOutcome, Json, Outcome, Ranking, WriteReport
from hybrid.place import Place
from hybrid.plan import TEXT, VECTOR, Plan, Request
from hybrid.presets import Preset
from hybrid.result import SearchResult
from hybrid.schema import Collection
from hybrid.searcher import Searcher
from hybrid.settings import Settings
from hybrid.standing import Standing
from hybrid.suggest import Suggestions
from hybrid.writing import finished, followed_up, sampled, watched

_log = logging.getLogger(__name__)


class Engine:
    """One collection in a text store and a vector store. Thread-safe; a context manager.

    embedder, reranker: used instead of the models that the settings name.
    """

    def __init__(self, settings: Settings, embedder: Embedder | None = None, reranker: Reranker | None = None) -> None:
        self.settings = settings
        self._location = Location(settings, embedder)
        self._searcher = Searcher(settings, self._location, LazyReranker(settings, reranker))
        self._working = False
        self.watchers: list[Callable[[SearchResult], None]] = []
        """Called with each answer, in the thread that it was found in."""

    @property
    def collection(self) -> Collection:
        """The collection's name, schema, vector spec and model. Raises CollectionNotFound before the first `put`."""
        return self._location.opened().catalog.collection

    @property
    def preset(self) -> Preset:
        """How searches are fused that do not say it, and their window."""
        return self._searcher.preset

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
        found = self._location.place.catalog.find()
        sample, valid = ([], []) if found else sampled(source)
        if not (found or valid):  # no collection is made for documents that are all rejected
            return fold(watched(rejections(sample, strict=strict), on_outcome), started)
        with self._location.writing(valid) as (place, indexer), followed_up(indexer):
            writer = indexer.writer()
            outcomes = writer.put(chain(sample, source), strict=strict)
            report = fold(watched(outcomes, on_outcome), started)
            finished(place, indexer, report, wait, self._working)
        return dataclasses.replace(report, notes=note_of_unknown(writer.unknown_fields))

    def update(
        self,
        document_id: str,
        changes: Mapping[str, Any],
        *,
        expected: Mapping[str, Any] | None = None,
        only_if: Mapping[str, Any] | None = None,
        wait: bool = True,
    ) -> DocumentOutcome:
        """What became of the document: updated, unchanged, not_found, or pending where a store is owed the change.

        changes: new values by field, or of "vector"; None removes one. The other fields stay as they are, and so do
        the vectors unless a field changes that they were made of. expected: values by field that the document must
        have now, None for a field that it must not have; only_if: all fields of it; else DocumentConflict is raised.
        Raises DocumentError where the changes do not fit. Updates by processes that share the data folder are made one
        after the other; of an update and a `put` at the same time, or an update from another machine, the later takes
        all.
        """
        with self._location.writing() as (place, indexer), followed_up(indexer), place.updates.alone():
            outcome = indexer.updater().update(as_id(document_id), changes, expected or {}, only_if)
            finished(place, indexer, fold([outcome], time.perf_counter()), wait, self._working)
        return outcome

    def delete(
        self,
        ids: Iterable[str] | None = None,
        *,
        filter: str | Mapping[str, Json] | None = None,
        dry_run: bool = False,
        wait: bool = True,
        on_outcome: Callable[[DocumentOutcome], None] | None = None,
        only_if: Mapping[str, Any] | None = None,
    ) -> WriteReport:
        """What became of the documents of these ids, or that satisfy the filter: deleted, or not_found.

        Give ids or a filter; both stores are written. A document that is changed or added while those of a filter are
        deleted may be deleted or not. dry_run: what would become of them; nothing is deleted. on_outcome: called with
        each document's outcome. only_if: all fields that each of these ids must have now, else DocumentConflict is
        raised. Raises QueryError, FilterError and StoreError.
        """
        started = time.perf_counter()
        if isinstance(ids, str):
            raise QueryError(f"delete takes a list of ids, not one string; write delete([{ids!r}])", field="ids")
        tree = self._to_delete(ids is None, filter)
        with self._location.writing() as (place, indexer), followed_up(indexer):
            if tree is not None and dry_run:
                count = place.count(tree, self._searcher.stores(place, self.settings.deadline_s))
                return WriteReport({Outcome.DELETED: count} if count else {}, took_s=time.perf_counter() - started)
            named = matching(place, tree) if ids is None else list(map(as_id, ids))
            with nullcontext() if only_if is None else place.updates.alone():
                for one in () if only_if is None else named:
                    indexer.updater().check(one, only_if)
                report = fold(watched(indexer.writer().delete(named, dry_run=dry_run), on_outcome), started)
            if not dry_run:
                finished(place, indexer, report, wait, self._working)
        return report

    def _to_delete(self, by_filter: bool, given: str | Mapping[str, Json] | None) -> filters.Filter | None:
        """The filter of what is to be deleted, None where ids name it. Raises QueryError for both, or neither."""
        if by_filter == (given is None):
            raise QueryError("delete takes the ids of documents, or a filter: one of the two", field="filter")
        tree = self._filter(given)
        if by_filter and tree is None:
            raise QueryError("the filter is empty and would delete everything; that is drop()", field="filter")
        return tree

    def _filter(self, given: str | Mapping[str, Json] | None) -> filters.Filter | None:
        return None if given is None else filters.read(given, self.collection.schema)

    def get(self, document_id: str) -> dict[str, Json]:
        """The fields of the document of this id. Raises DocumentNotFound."""
        found = self.get_many([document_id])
        if not found:
            name = self.collection.name
            raise DocumentNotFound(f"there is no document {document_id!r} in collection {name!r}")
        return next(iter(found.values()))

    def get_many(self, ids: Iterable[str]) -> dict[str, dict[str, Json]]:
        """The fields of each of these documents that is there, by id, in the order of the ids.

        A store is asked once for all, 10,000 at most. Raises SearchUnavailable where a document may be in a store
        that does not answer.
        """
        if isinstance(ids, str):
            raise QueryError(f"get_many takes a list of ids, not one string; write get_many([{ids!r}])", field="ids")
        wanted = list(dict.fromkeys(map(as_id, ids)))
        if len(wanted) > bounds.MAX_LIMIT:
            raise QueryError(
                f"{len(wanted)} ids are asked for; {bounds.MAX_LIMIT} are the most. Use export", field="ids"
            )
        place = self._location.opened()
        stores = self._searcher.stores(place, self.settings.deadline_s)
        found = hydrated(wanted, (stores[VECTOR], stores[TEXT])).documents
        return {one: dict(found[one].source) for one in wanted if one in found}

    def copies(self, document_id: str) -> Copies:
        """What each store holds of a document, with versions and content hashes, and what the journal still owes.

        Raises as `Catalog.collection` does where no store answers.
        """
        place = self._location.opened()
        return copies(place, as_id(document_id), self._location.pools, self.settings.deadline_s)

    def export(self, filter: str | Mapping[str, Json] | None = None) -> Iterator[dict[str, Json]]:
        """All documents that satisfy the filter, as `put` takes them, in no order: id, fields, and the vector of those
        that brought their own.

        Streamed from one store (8 bytes of memory a document in Redis, some 100 embedded, none in Elasticsearch),
        while writes go on. A document that is there and satisfies the filter from the call to the end comes exactly
        once, as it was when its turn came: one version of it, whole. One that comes, goes, or begins or ceases to
        satisfy the filter meanwhile may be left out; none comes twice. What only the journal or the other store holds
        is left out: `repair` first where that matters. Raises FilterError and StoreError, the latter also midway.
        """
        place = self._location.opened()
        return exported(place, filters.read(filter, place.catalog.collection.schema))

    def search(self, query: str | Request = "", **options: Any) -> SearchResult:
        """The best documents by words and by meaning, fused, with how each of them came about.

        options: the fields of `hybrid.plan.Request`: limit, offset, cursor, filter, facets, disjunctive, sort,
        vector, retrievers, window, fusion, k, weights, deadline_s, deadlines, policy, require, explain, verify,
        boosts, min_score, knee, collapse, diversity, pinned, rerank, highlight.
        Without a query and a vector, all documents of the filter are listed. Raises QueryError (FilterError,
        CursorError) or FusionError for a request that cannot be run, CollectionNotFound before the first `put`,
        CursorGone for a cursor that is too old, and SearchUnavailable where no retriever answered, or one that was
        required did not.
        """
        return self._looked_after(*self._searcher.answer(planning.request(query, **options)))

    def search_many(self, queries: Iterable[str | Request], /, **options: Any) -> list[SearchResult | HybridError]:
        """What `search` finds for each query, in their order; for one that fails, its error, in its place.

        All are asked at once: the queries are embedded together, Elasticsearch gets one _msearch and Redis one
        pipeline. Answers are the same as to single searches; their time is that of the batch. options: as of
        `search`, for all queries. Raises QueryError for an option there is not.
        """
        requests = [planning.request(query, **options) for query in queries]
        if not requests:
            return []
        said = many.answers(self._searcher, self._location.opened(), requests)
        return [self._looked_after(*one) if isinstance(one, tuple) else one for one in said]

    def plan(self, query: str | Request = "", **options: Any) -> Plan:
        """The plan of a search, checked and complete, not run. Raises as `search` does."""
        return self._searcher.plan(planning.request(query, **options))

    def render(self, plan: Plan) -> dict[str, Json]:
        """The plan as JSON, with the exact request that each store would get. Nothing is sent."""
        return self._searcher.render(plan)

    def run(self, plan: Plan) -> SearchResult:
        """The answer to a plan. Raises SearchUnavailable where no retriever answered, or one that was required."""
        return self._looked_after(*self._searcher.run(plan))

    def rankings(self, query: str | Request = "", **options: Any) -> dict[str, Ranking]:
        """What each retriever finds for a search, by name, not fused and without documents: what `hybrid.fuse` takes.

        options: as of `search`. Raises as `search` does, and SearchUnavailable where one retriever does not answer.
        """
        return self._searcher.rankings(self.plan(query, **options))

    def explain(self, document_id: str, query: str | Request = "", **options: Any) -> Standing:
        """How a search sees a document, also one that it does not find: its rank, the filter, each retriever's score.

        options: as of `search`. Raises as `search` does.
        """
        return self._searcher.standing(planning.request(query, **options), as_id(document_id))

    def suggest(self, text: str, filter: str | Mapping[str, Json] | None = None, limit: int = 10) -> Suggestions:
        """Ways to finish the text that is being typed, and what is meant where no document has a word of it.

        Only words of documents that satisfy the filter, and all words before the last; of the searched fields.
        Raises QueryError (FilterError), and StoreError where the text store does not answer.
        """
        return self._searcher.suggest(text, filter, limit)

    def count(self, filter: str | Mapping[str, Json] | None = None) -> int:
        """The number of documents that satisfy the filter. Raises FilterError, StoreError where no store answers."""
        place = self._location.opened()
        stores = self._searcher.stores(place, self.settings.deadline_s)
        return place.count(filters.read(filter, place.catalog.collection.schema), stores)

    def _looked_after(self, place: Place, result: SearchResult) -> SearchResult:
        self._begin_work(place)
        look_after(place, result)
        for watch in self.watchers:
            watch(result)
        return result

    def warm(self) -> None:
        """Loads the model, so that no search has to. A model that cannot be had is told by the searches."""
        self._location.place.warm()

    def status(self) -> dict[str, Json]:
        """Collection, model, and, for each store, counts, index parameters, sizes (bytes) and warnings.

        A store that does not answer has the key `error` instead. circuits: by retriever that this process asked,
        whether it is asked now, or left alone after failures in a row. caches: of query vectors, once the model was
        loaded, and of answers: hits and misses since the engine was opened, entries and size.
        """
        place = self._location.place
        try:
            collection = self.collection
        except (CollectionNotFound, StoreError):  # no store answers, which `stores` says
            collection = None
        return {
            "collection": self.settings.collection,
            "exists": collection is not None,
            "model": place.model.name,
            "fields": collection.to_json()["schema"]["fields"] if collection else [],
            "stores": place.status(self._location.pools, exists=collection is not None),
            **self.vitals(),
        }

    def vitals(self) -> dict[str, Json]:
        """What this process knows by itself, no store being asked: journal, circuits and caches, as of `status`."""
        place = self._location.place
        return {
            "journal": place.backlog(),
            "circuits": self._searcher.circuits(),
            "caches": {"queries": place.model.cached(), "answers": dataclasses.asdict(self._searcher.recall.info())},
        }

    def incarnation(self) -> str:
        """What names this making, and this run, of both stores; another one after a drop, or after a restart that may
        have lost writes. Raises StoreError and CollectionNotFound."""
        catalog = self._location.place.catalog
        return " ".join(catalog.store(name).incarnation() for name in (TEXT, VECTOR))

    def ping(self) -> dict[str, str]:
        """By retriever "ok", or why its store does not answer; and "journal", whether it can be written."""
        return self._location.place.ping(self._location.pools)

    def work(self) -> None:
        """Pays debts and repairs what searches find torn in the background from now on, until `close`.

        Where no store answers, or there is no collection yet, it begins with the first search or write that finds one.
        """
        self._working = True
        place = self._location.place
        try:
            if place.catalog.find() is not None:
                self._begin_work(place)
        except StoreError as error:
            _log.warning("work in the background begins later: %s", error)

    def _begin_work(self, place: Place) -> None:
        if self._working:
            (place.indexer or place.writing(place.catalog.collection)).work()

    def flush(self) -> Backlog:
        """What is still owed to a store after everything in the journal was tried once more, now."""
        with self._location.writing() as (_, indexer):
            return indexer.flush()

    def verify(self) -> Verification:
        """Where the two stores disagree: missing, stale, orphan and torn documents. Raises StoreError."""
        with self._location.writing() as (place, indexer):
            for name in place.stores:
                place.catalog.store(name)
            return indexer.verify()

    def repair(self) -> tuple[Verification, int]:
        """What disagreed before, and how many documents were repaired. A store that lost its collection gets all
        of it again from the other, vectors included, without embedding. Raises StoreError."""
        with self._location.writing(anew=True) as (place, indexer):
            found = indexer.repair()
            place.refresh()
        return found

    def reindex(
        self,
        model: str | None = None,
        *,
        embedder: Embedder | None = None,
        told: Callable[[int], None] | None = None,
    ) -> int:
        """The number of documents made anew with this model, and with the fields that came after the first ones.

        Searches and writes go on meanwhile; writes wait while the last ones are copied; then all switch to the new
        place at once, and the old one is deleted. Whatever ends it before that has changed nothing. The sources come
        from the stores. told: called with the number of documents of each batch. Raises StoreError where a store does
        not take part.
        """
        return self._location.reindex(model, embedder, told or (lambda _: None))

    def drop(self) -> None:
        """Deletes the whole collection from both stores; the next `put` makes it anew."""
        self._location.drop()

    def close(self) -> None:
        """Gives back threads, connections and files; waits until what was written is durable where it can be."""
        self._searcher.close()
        self._location.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Engine {self.settings.collection!r} in {self._location}>"
