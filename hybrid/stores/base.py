"""What is a store? The two protocols that every text store and every vector store follows.

A store holds one collection. Every write carries a version, and a store takes a record only if its
version is larger than the one it holds for that id; a tombstone holds its version too. All methods
are thread-safe and raise only errors of `hybrid.errors`; what a store's client raises is translated
inside the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from hybrid.errors import QueryError, StoreError
from hybrid.facets import Facet
from hybrid.filters.tree import Filter
from hybrid.match import ANY, Match
from hybrid.model import Json, Ranking, Record, State, Stored, Vector, WriteOutcome, Wrote
from hybrid.schema import Collection
from hybrid.sorting import Sort
from hybrid.wording import PLAIN, Tongue, Wanted, conditions, wanted

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A text search.

    match: how the words must match, and in which fields, each of which lies by itself. conditional: only
    the conditions of a query in mode `query` count, which every document must meet. tongue: how the text is read.
    limit: documents wanted, >= 0. timeout_s: seconds the store may take. filter: only documents that satisfy it,
    chosen before the best are. facets: counted over all documents that match the text and the facet's own filter.
    total: also count the documents that match, exactly up to `COUNTED`. least: documents below this score do not match.
    """

    text: str
    limit: int
    timeout_s: float = 2.0
    filter: Filter | None = None
    facets: tuple[Facet, ...] = ()
    total: bool = False
    match: Match = ANY
    conditional: bool = False
    least: float | None = None
    tongue: Tongue = PLAIN

    @property
    def wanted(self) -> Wanted | None:
        """What documents must have to match; None where there is nothing to be found by."""
        if self.conditional:
            return conditions(self.text, self.match, self.tongue)
        return wanted(self.text, self.match, self.tongue)


@dataclass(frozen=True, slots=True, eq=False)
class VectorQuery:
    """A nearest-neighbour search. vector: float32 (dim,). limit: documents wanted, >= 0.

    filter: only documents that satisfy it, chosen before the nearest are. total: also count those documents.
    background: also say how the whole collection scores, whatever the filter.
    """

    vector: Vector
    limit: int
    timeout_s: float = 2.0
    filter: Filter | None = None
    total: bool = False
    background: bool = False


@dataclass(frozen=True, slots=True)
class BrowseQuery:
    """All documents that satisfy the filter, without a query: the first `limit` of them by `sort`, then by id."""

    limit: int
    sort: tuple[Sort, ...] = ()
    timeout_s: float = 2.0
    filter: Filter | None = None
    facets: tuple[Facet, ...] = ()
    total: bool = False


@dataclass(frozen=True, slots=True)
class WordQuery:
    """The words, as they are written, in documents' searched fields: those that begin with `start`, or, with `near`,
    those that begin with the same character as it and are at most `edits` edits from it.

    limit: words wanted, >= 0. terms: only documents that have all these tokens. filter: only documents that satisfy it.
    """

    limit: int
    start: str = ""
    near: str = ""
    edits: int = 2
    timeout_s: float = 2.0
    terms: tuple[str, ...] = ()
    filter: Filter | None = None

    @property
    def begin(self) -> str:
        """What all the words begin with."""
        return self.near[:1] or self.start


FACTOR = 2.2
"""1 + k1, by which BM25 is multiplied in tantivy and in Elasticsearch, as it was in older versions of Lucene."""

COUNTED = 10_000
"""Matching documents that a text search of Elasticsearch counts exactly; of more it says that there are at least so
many, as is its own default. Counts of a filter alone are exact everywhere."""


class Store(Protocol):
    """What text stores and vector stores have in common."""

    @property
    def name(self) -> str:
        """Which store it is, such as "redis" or "tantivy"."""
        ...

    def load(self) -> Collection | None:
        """The collection that lies in this store, now open; None if there is none.

        Raises CollectionMismatch where its format is not this version's.
        """
        ...

    def create(self, collection: Collection) -> None:
        """Makes the collection, empty, and opens it. One that is there already is left as it is."""
        ...

    def drop(self) -> None:
        """Deletes the collection with all it holds. Nothing happens where there is none."""
        ...

    def redirect(self, name: str | None) -> None:
        """Notes that the collection lies under another name from now on; None: under its own again."""
        ...

    def redirected(self) -> str | None:
        """The name that the collection of this name lies under now; None where it was never moved."""
        ...

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        """The outcome of each record, in order. No id comes twice in one call. Raises StoreError where it took none."""
        ...

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        """What is known of each id, tombstones included; ids never seen are left out."""
        ...

    def versions(self, ids: Sequence[str]) -> dict[str, int]:
        """The version of each id, tombstones included; ids never seen are left out."""
        ...

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        """The documents of these ids; missing and deleted ones are left out."""
        ...

    def refresh(self) -> None:
        """Returns when a search sees all that was written before."""
        ...

    def sync(self) -> bool:
        """True when all that was written before would survive a crash of the store; False where it cannot say.

        Raises StoreError where it may not have been made durable, so that it must be written again.
        """
        ...

    def incarnation(self) -> str:
        """What names this run of the store; another one after a restart that may have lost writes."""
        ...

    def generation(self) -> str:
        """What names the state that a search sees: another one after each change that a search can see."""
        ...

    def records(self, ids: Sequence[str]) -> dict[str, Record]:
        """All that is held of each id, vectors and tombstones included; ids never seen are left out."""
        ...

    def scan(self) -> Iterator[tuple[str, State]]:
        """Every id with its state, tombstones included, in no order; constant memory.

        What is written meanwhile may or may not be among them.
        """
        ...

    def expunge(self, before: int) -> int:
        """The number of tombstones with a version below `before` that were removed for good."""
        ...

    def count(self, filter: Filter | None = None) -> int:
        """The number of documents that satisfy the filter, tombstones not counted."""
        ...

    def status(self) -> dict[str, Json]:
        """What an operator wants to know: documents, index parameters, sizes (bytes), memory (bytes).

        Where the collection is not there: of a server what it says of itself; else CollectionNotFound is raised.
        """
        ...

    def ping(self) -> None:
        """Returns when the store answers. Raises StoreError."""
        ...

    def close(self) -> None:
        """Gives back connections and files. The store must not be used afterwards."""
        ...


class TextStore(Store, Protocol):
    """Finds documents by words."""

    def scan(self, filter: Filter | None = None) -> Iterator[tuple[str, State]]:
        """As every store's; with a filter, only the documents that satisfy it, and no tombstones."""
        ...

    def search(self, query: TextQuery) -> Ranking:
        """The best documents by BM25, best first; equal scores go by id. No words: nothing."""
        ...

    def search_many(self, queries: Sequence[TextQuery]) -> list[Ranking | StoreError]:
        """What `search` finds for each query, in their order, in as few round trips as the store can; for one that
        fails alone, why. They share the longest time that any of them has. Raises StoreError where all fail."""
        ...

    def browse(self, query: BrowseQuery) -> Ranking:
        """The documents in the order asked; all scores are 0."""
        ...

    def words(self, query: WordQuery) -> list[tuple[str, int]]:
        """The words, each with the number of documents that have it: the nearest first, then those of most documents,
        equal ones by code point. A word that no document of the filter has is never among them."""
        ...

    def frequencies(self, tokens: Sequence[str]) -> dict[str, int]:
        """The number of documents that have each token, tombstones not counted; 0 may be left out."""
        ...

    def scores(self, query: TextQuery, ids: Sequence[str]) -> dict[str, float]:
        """The score that each of these documents has for the query's text, in the window or not; its filter and
        limit are not looked at. Ids that do not match, or are not there, are left out."""
        ...

    def explain(self, query: TextQuery, ids: Sequence[str]) -> dict[str, Json]:
        """How the store itself explains the score of each of these documents that match; empty where it cannot."""
        ...

    def render(self, query: TextQuery | BrowseQuery) -> Json:
        """What the store is asked for a query, as JSON, exactly; nothing is sent."""
        ...


class VectorStore(Store, Protocol):
    """Finds documents by nearness of vectors, and numbers the writers of the collection."""

    def take_writer(self) -> int:
        """A number, counting up, that no other writer of this collection took before."""
        ...

    def search(self, query: VectorQuery) -> Ranking:
        """The nearest documents, each by its best passage; equal scores go by id.

        Scores: cosine similarity (COSINE), inner product (IP), minus the distance (L2).
        Raises QueryError for a vector that `check_query` refuses.
        """
        ...

    def search_many(self, queries: Sequence[VectorQuery]) -> list[Ranking | StoreError]:
        """As that of a text store."""
        ...

    def scores(self, query: VectorQuery, ids: Sequence[str]) -> dict[str, float]:
        """The exact score of each of these documents, by its best passage; its filter and limit are not looked at.
        Ids that are not there are left out."""
        ...

    def render(self, query: VectorQuery) -> Json:
        """What the store is asked for a query, as JSON, exactly, but for the vector's bytes; nothing is sent."""
        ...


Query = TypeVar("Query", TextQuery, VectorQuery)


def one_by_one(search: Callable[[Query], Ranking], queries: Sequence[Query]) -> list[Ranking | StoreError]:
    """What each query finds, for a store that saves nothing by asking for several at once."""
    answers: list[Ranking | StoreError] = []
    for query in queries:
        try:
            answers.append(search(query))
        except StoreError as error:
            answers.append(error)
    return answers


def check_vectors(record: Record, collection: Collection) -> None:
    """Nothing, when the record's vectors can be stored; a tombstone has none. Raises DocumentError saying why not."""
    if not record.deleted:
        collection.check_vectors(record.id, record.vectors)


def check_query(query: VectorQuery, collection: Collection) -> None:
    """Nothing, when the vector can be searched with. Raises QueryError saying why not."""
    if query.vector.ndim != 1:
        raise QueryError(f"the query vector has shape {query.vector.shape}; give one row of numbers", field="vector")
    fault = collection.vector.fault(query.vector[np.newaxis])
    if fault:
        raise QueryError(f"the query's vector cannot be used: {fault}", field="vector")


def written(
    parts: Iterable[Mapping[str, T]], write: Callable[[Mapping[str, T]], Mapping[str, WriteOutcome | StoreError]]
) -> dict[str, WriteOutcome]:
    """The outcome of each record by id, of records that are written part by part: what fails is refused, be it a single
    record or a part, with all parts after it, and what was taken beside it or before need not be sent again.

    parts: records by id. Raises StoreError, the first there was, where nothing was taken.
    """
    said: dict[str, WriteOutcome | StoreError] = {}
    down: StoreError | None = None
    for part in parts:
        try:
            said |= write(part) if down is None else dict.fromkeys(part, down)
        except StoreError as error:
            down = error
            said |= dict.fromkeys(part, error)
    errors = {one: of for one, of in said.items() if isinstance(of, StoreError)}
    if errors and len(errors) == len(said):
        raise next(iter(errors.values()))
    refused = {one: WriteOutcome(Wrote.REFUSED, str(error)) for one, error in errors.items()}
    return {one: of for one, of in said.items() if isinstance(of, WriteOutcome)} | refused
