"""Where does text lie without a server? In a tantivy index in a folder."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import orjson
import tantivy

from hybrid.errors import (
    CollectionNotFound,
    StoreError,
    StoreTimeout,
)
from hybrid.filters import show
from hybrid.filters.meaning import facts
from hybrid.filters.tree import ID, Filter
from hybrid.forks import forgets, guarded
from hybrid.model import Json, Ranking, Record, State, Stored, WriteOutcome
from hybrid.schema import Collection, FieldType
from hybrid.stores import counting
from hybrid.stores import embedded_files as files
from hybrid.stores import embedded_index as layout
from hybrid.stores.base import FACTOR, BrowseQuery, TextQuery, WordQuery, one_by_one
from hybrid.stores.embedded_query import Asking, Reading
from hybrid.wording import unit

_WAIT_S = 30.0
"""Seconds a write waits for another process's write."""

_PAUSE_S = 0.005
_MOST_IDS = 1_000_000
"""Ids of rows that are remembered at most."""


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """An open index. collected, committed: stamps of the files that say what it is and what is in it."""

    collection: Collection
    incarnation: str
    index: tantivy.Index
    collected: files.Stamp
    committed: files.Stamp


class TantivyText:
    """A `TextStore` in a folder of its own, shared with other processes.

    All searched text of a document is one indexed field (see `hybrid.analysis.weighted`), and so is each field that
    lies by itself. A writer is opened for
    each call of `write`, under a lock on a file, as tantivy allows one at a time; a search first looks, in
    microseconds, whether there is a newer commit. A replaced or deleted document is gone from the results at
    once, but counts in BM25's statistics until its segment is merged, as in Elasticsearch. Time-outs are not
    looked at: a search takes less than a millisecond for 20,000 documents.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._index_folder = folder / "index"
        self._description = folder / "collection.json"
        self._collection_name = name
        self._lock = threading.Lock()
        self._writer = guarded()  # a child would go on holding the locks on files that a writer has
        self._open: _Opened | None = None
        self._ids: dict[int, str] = {}
        forgets(self)

    def forget(self) -> None:
        """In a child of the process: nobody there is opening the index."""
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The store's name: "tantivy"."""
        return files.NAME

    def load(self) -> Collection | None:
        """The collection in the folder, now open; None if there is none."""
        with files.translated(self._folder):
            try:
                return self._newest().collection
            except FileNotFoundError:
                return None

    def create(self, collection: Collection) -> None:
        """Makes the collection, empty, and opens it. One that is there already is left as it is."""
        with files.translated(self._folder):
            self._index_folder.mkdir(parents=True, exist_ok=True)
            with self._writing():
                if not self._description.exists():
                    self._index_folder.mkdir(exist_ok=True)
                    tantivy.Index(layout.schema(collection.schema), str(self._index_folder))
                    body = {"collection": collection.to_json(), "incarnation": token_hex(16)}
                    files.replace(self._description, orjson.dumps(body))
            self._newest()

    def drop(self) -> None:
        """Deletes the index. The folder and its lock stay, as other processes may wait for it."""
        with files.translated(self._folder):
            if self._folder.exists():
                with self._writing():
                    self._description.unlink(missing_ok=True)
                    shutil.rmtree(self._index_folder, ignore_errors=True)
            self._open = None

    def redirect(self, name: str | None) -> None:
        """Notes where the collection lies from now on; the note survives `drop`."""
        with files.translated(self._folder):
            if name is None:
                (self._folder / "moved").unlink(missing_ok=True)
            else:
                self._folder.mkdir(parents=True, exist_ok=True)
                files.replace(self._folder / "moved", name.encode())

    def redirected(self) -> str | None:
        """The name that the collection lies under now; None where it was never moved."""
        with files.translated(self._folder):
            try:
                return (self._folder / "moved").read_text()
            except FileNotFoundError:
                return None

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        """The outcome of each record, in order, once it is on the disk; searches see it from now on."""
        with files.translated(self._folder), self._writing():
            opened = self._opened()
            states = layout.states(opened.index, [record.id for record in records])
            judged = [layout.judged(record, opened.collection, states) for record in records]
            rows = {record.id: row for record, (_, row) in zip(records, judged, strict=True) if row is not None}
            if rows:
                layout.commit(opened.index, rows)
            return [outcome for outcome, _ in judged]

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        """What is known of each id, tombstones included; ids never seen are left out."""
        with files.translated(self._folder):
            return layout.states(self._opened().index, ids)

    def versions(self, ids: Sequence[str]) -> dict[str, int]:
        """The version of each id, tombstones included; ids never seen are left out."""
        return {one: state.version for one, state in self.states(ids).items()}

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        """The documents of these ids; missing and deleted ones are left out."""
        with files.translated(self._folder):
            found = layout.documents(self._opened().index, ids)
            return {name: layout.stored(**document) for name, document in found.items() if not document["deleted"][0]}

    def refresh(self) -> None:
        """Returns at once: a search sees all that was written before, by other processes too."""

    def sync(self) -> bool:
        """True: a write is on the disk when it returns."""
        return True

    def incarnation(self) -> str:
        """What was drawn when the collection was made; on a disk nothing is lost by a restart."""
        with files.translated(self._folder):
            return self._opened().incarnation

    def generation(self) -> str:
        """Which making of the index it is, and which commit."""
        with files.translated(self._folder):
            opened = self._opened()
            return f"{opened.incarnation}/{opened.committed}"

    def records(self, ids: Sequence[str]) -> dict[str, Record]:
        """All that is held of each id, vectors and tombstones included; ids never seen are left out."""
        with files.translated(self._folder):
            opened = self._opened()
            dim = opened.collection.vector.dim
            return {name: layout.record(dim, **found) for name, found in layout.documents(opened.index, ids).items()}

    def scan(self, filter: Filter | None = None) -> Iterator[tuple[str, State]]:
        """Every id with its state at the time of the call, tombstones included; some 100 bytes of memory for each."""
        with self._reading() as (asking, _):
            searcher = self._opened().index.searcher()
            wanted = tantivy.Query.all_query() if filter is None else asking.of(None, filter)
            hits = searcher.search(wanted, max(searcher.num_docs, 1), count=False).hits
            for _, address in hits:
                document = searcher.doc(address).to_dict()
                yield document["id"][0], layout.state(**document)

    def expunge(self, before: int) -> int:
        """The number of tombstones with a version below `before` that were removed for good."""
        with files.translated(self._folder), self._writing():
            index = self._opened().index
            searcher = index.searcher()
            buried = tantivy.Query.term_query(index.schema, "deleted", 1)
            hits = searcher.search(buried, max(searcher.num_docs, 1), count=False).hits
            documents = [searcher.doc(address).to_dict() for _, address in hits]
            old = {document["id"][0]: None for document in documents if document["version"][0] < before}
            if old:
                layout.commit(index, old)
            return len(old)

    def count(self, filter: Filter | None = None) -> int:
        """The number of documents that satisfy the filter, tombstones not counted."""
        with self._reading() as (asking, reading):
            return reading.count(asking.of(None, filter))

    def status(self) -> dict[str, Json]:
        """Documents, tombstones, segments of the index, and bytes on the disk."""
        with files.translated(self._folder):
            sizes = layout.sizes(self._opened().index)
            return sizes | {"size": sum(path.stat().st_size for path in self._index_folder.iterdir())}

    def ping(self) -> None:
        """Returns when the folder can be read, or is still to be made. Raises StoreError."""
        with files.translated(self._folder):
            if self._folder.exists():
                os.listdir(self._folder)

    def close(self) -> None:
        """Gives back the index's files. The store must not be used afterwards."""
        self._open = None

    def search(self, query: TextQuery) -> Ranking:
        """The best documents by BM25, best first; equal scores go by id. Scores are float32."""
        with self._reading() as (asking, reading):
            words = asking.words(query.wanted, query.match.fields)
            if words is None:
                return self._nothing(query)
            if query.least is not None:
                words = asking.both(words, asking.named(reading.above(words, query.least)))
            asked = asking.of(words, query.filter)
            scores, addresses, total = reading.best(asked, max(query.limit, 0), count=query.total)
            ids, versions = reading.ids(addresses), reading.versions(addresses)
            facets = {one.name: reading.facet(one, asking.of(words, one.filter)) for one in query.facets}
        order = sorted(range(len(ids)), key=lambda at: (-scores[at], ids[at]))
        return Ranking(
            ids=tuple(ids[at] for at in order),
            scores=tuple(scores[at] for at in order),
            versions=tuple(versions[at] for at in order),
            total=total,
            facets=facets,
            unit=unit(query.wanted, FACTOR, query.match.fields),
        )

    def search_many(self, queries: Sequence[TextQuery]) -> list[Ranking | StoreError]:
        """What `search` finds for each query."""
        return one_by_one(self.search, queries)

    def browse(self, query: BrowseQuery) -> Ranking:
        """The documents of the filter, sorted; all scores are 0. It looks at each of them."""
        with self._reading() as (asking, reading):
            addresses = reading.everything(asking.of(None, query.filter)) if query.limit or query.total else []
            ids = reading.ids(addresses)
            columns = [self._column(reading, one.field, addresses, ids) for one in query.sort]
            order = counting.ordered(ids, columns, query.sort)[: query.limit]
            versions = reading.versions([addresses[at] for at in order])
            facets = {one.name: reading.facet(one, asking.of(None, one.filter)) for one in query.facets}
        total = len(ids) if query.total else None
        return Ranking(tuple(ids[at] for at in order), (0.0,) * len(order), tuple(versions), (), total, facets=facets)

    def _column(
        self, reading: Reading, field: str, addresses: Sequence[Any], ids: Sequence[str]
    ) -> list[counting.Values]:
        """Each document's values of a field that is sorted by."""
        schema = self._opened().collection.schema
        kinds = {one.name: one.type for one in schema.fields}
        if field != ID and kinds[field] not in layout.BY_NAME:
            return reading.values(field, addresses)
        sources = self.fetch(ids) if field != ID else {}
        if field == ID:
            return [(one,) for one in ids]
        return [facts(one, sources[one].source, schema).get(field, ()) for one in ids]

    def words(self, query: WordQuery) -> list[tuple[str, int]]:
        """The words that begin so, or are near, with the documents of the filter and the terms that have each."""
        with self._reading() as (asking, reading):
            most = None if query.near else query.limit
            return counting.words(reading.words(query.begin, asking.having(query), most), query)

    def frequencies(self, tokens: Sequence[str]) -> dict[str, int]:
        """The number of documents that have each token."""
        with self._reading() as (asking, reading):
            return {token: reading.count(asking.token(token)) for token in tokens}

    def scores(self, query: TextQuery, ids: Sequence[str]) -> dict[str, float]:
        """The score of each of these documents for the query's text; those that do not match are left out."""
        with self._reading() as (asking, reading):
            words = asking.words(query.wanted, query.match.fields)
            scores, addresses = reading.among(words, asking.named(ids)) if words and ids else ([], [])
            return dict(zip(reading.ids(addresses), scores, strict=True))

    def explain(self, query: TextQuery, ids: Sequence[str]) -> dict[str, Json]:
        """tantivy's own explanation of each score."""
        with self._reading() as (asking, reading):
            words = asking.words(query.wanted, query.match.fields)
            if words is None or not ids:
                return {}
            _, addresses = reading.among(words, asking.named(ids))
            return dict(zip(reading.ids(addresses), reading.explained(words, addresses), strict=True))

    def render(self, query: TextQuery | BrowseQuery) -> Json:
        """The tokens that are looked for, the filter, and the query made of them, as tantivy prints it."""
        opened = self._opened()
        asking = Asking(opened.index.schema, opened.collection.schema.fields)
        wanted = query.wanted if isinstance(query, TextQuery) else None
        fields = query.match.fields if isinstance(query, TextQuery) else ()
        asked = asking.of(asking.words(wanted, fields), query.filter)
        return {
            "wanted": asdict(wanted) if wanted else None,
            "filter": None if query.filter is None else show(query.filter),
            "query": str(asked),
            "limit": query.limit,
        }

    def _nothing(self, query: TextQuery) -> Ranking:
        """The ranking of a text without words: nothing matches it."""
        dated = {one.name: one.type is FieldType.DATE for one in self._opened().collection.schema.fields}
        facets = {one.name: counting.counted(one.kind, (), dated=dated[one.kind.field]) for one in query.facets}
        return Ranking(total=0 if query.total else None, facets=facets)

    @contextmanager
    def _reading(self) -> Iterator[tuple[Asking, Reading]]:
        """What makes queries of the index at its newest commit, and what reads their answers."""
        with files.translated(self._folder):
            opened = self._opened()
            fields = opened.collection.schema.fields
            if len(self._ids) > _MOST_IDS:
                self._ids = {}
            kinds = {one.name: one.type for one in fields}
            yield Asking(opened.index.schema, fields), Reading(opened.index, kinds, self._ids)

    def _opened(self) -> _Opened:
        try:
            return self._newest()
        except FileNotFoundError:
            raise CollectionNotFound(
                f"there is no open collection {self._collection_name!r} in {files.NAME}. Create or load it first"
            ) from None

    def _newest(self) -> _Opened:
        """The index at its newest commit. Raises FileNotFoundError where there is none."""
        opened, collected, committed = (
            self._open,
            files.stamp(self._description),
            files.stamp(self._index_folder / "meta.json"),
        )
        if opened is not None and (opened.collected, opened.committed) == (collected, committed):
            return opened
        with self._lock:
            if opened is None or opened.collected != collected:
                index = layout.opened(self._index_folder)
                index.config_reader("manual")
                body = orjson.loads(self._description.read_bytes())
                collection, incarnation = Collection.from_json(body["collection"]), body["incarnation"]
            else:
                index, collection, incarnation = opened.index, opened.collection, opened.incarnation
            index.reload()
            self._open = _Opened(collection, incarnation, index, collected, committed)
            return self._open

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Holds the folder's lock, against threads and processes alike. Raises StoreTimeout."""
        with self._writer, open(self._folder / "lock", "ab") as file:
            deadline = time.monotonic() + _WAIT_S
            while not files.locked(file.fileno()):
                if time.monotonic() > deadline:
                    raise StoreTimeout(files.NAME, f"another process has been writing for {_WAIT_S:g} s. Try again")
                time.sleep(_PAUSE_S)
            yield
