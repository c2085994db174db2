"""Where do vectors lie without a server? In one SQLite file, searched exactly in memory."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

import orjson

from hybrid.errors import (
    CollectionNotFound,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreReplyError,
    StoreTimeout,
    StoreUnavailable,
)
from hybrid.filters import show
from hybrid.filters.tree import Filter
from hybrid.forks import guarded
from hybrid.model import Json, Ranking, Record, State, Stored, WriteOutcome, Wrote
from hybrid.schema import Collection
from hybrid.stores import embedded_rows as layout
from hybrid.stores.base import VectorQuery, check_query, one_by_one
from hybrid.stores.exact import ExactIndex
from hybrid.wal import into_wal

_NAME = "numpy"
_WAIT_S = 10.0
"""Seconds a write waits for another process's write."""

_TABLES = """BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, hash TEXT NOT NULL,
    deleted INTEGER NOT NULL, source BLOB NOT NULL, passages BLOB NOT NULL, vectors BLOB NOT NULL
);
"""
_NO_TABLES = "BEGIN IMMEDIATE; DROP TABLE IF EXISTS records; DROP TABLE IF EXISTS meta; COMMIT"
_WRITE = (
    "INSERT OR REPLACE INTO records (id, version, hash, deleted, source, passages, vectors) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_PAGE = "SELECT id, version, hash, deleted FROM records WHERE id > ? ORDER BY id LIMIT 1000"
_OF_IDS = "WHERE id IN (SELECT value FROM json_each(?))"


class SqliteVectors:
    """A `VectorStore` in a file of its own; `path` None keeps it in this object's memory.

    Every row gets the next `seq`, so that what another process wrote is found as what is beyond the last one
    seen; `incarnation` tells a collection from one of that name that was dropped. Searches do not wait for
    writes. Time-outs are not looked at: a search takes about a millisecond for 20,000 vectors.
    """

    def __init__(self, path: Path | None, name: str) -> None:
        self._path = path
        self._collection_name = name
        self._lock = guarded()
        self._connection: sqlite3.Connection | None = None
        self._inherited: sqlite3.Connection | None = None
        self._process = os.getpid()
        self._open: tuple[Collection, ExactIndex] | None = None
        self._incarnation = b""
        self._seen = 0
        self._data_version = -1

    @property
    def name(self) -> str:
        """The store's name: "numpy", which does the searching."""
        return _NAME

    def load(self) -> Collection | None:
        """The collection in the file, its vectors read into memory; None if there is none."""
        if self._is_absent():
            return None
        with self._database() as database:
            self._catch_up(database)
            return self._open[0] if self._open else None

    def create(self, collection: Collection) -> None:
        """Makes the collection, empty, and opens it. One that is there already is left as it is."""
        rows = (("collection", orjson.dumps(collection.to_json())), ("incarnation", token_hex(16).encode()))
        with self._database() as database:
            database.executescript(_TABLES)
            if database.execute("SELECT 1 FROM meta").fetchone() is None:
                database.executemany("INSERT INTO meta VALUES (?, ?)", rows)
            database.execute("COMMIT")
            self._catch_up(database)

    def drop(self) -> None:
        """Deletes all that the file holds. The empty file stays, as other processes may have it open."""
        if self._is_absent():
            return
        with self._database() as database:
            database.executescript(_NO_TABLES)
            database.execute("PRAGMA incremental_vacuum").fetchall()
            self._catch_up(database)

    def take_writer(self) -> int:
        """A number that no writer took before; counting goes on when the collection is dropped."""
        with self._database() as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("CREATE TABLE IF NOT EXISTS writers (taken INTEGER NOT NULL)")
            if not database.execute("UPDATE writers SET taken = taken + 1").rowcount:
                database.execute("INSERT INTO writers VALUES (0)")
            (taken,) = database.execute("SELECT taken FROM writers").fetchone()
            database.execute("COMMIT")
            return int(taken)

    def redirect(self, name: str | None) -> None:
        """Notes where the collection lies from now on; the note survives `drop`."""
        with self._database() as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("CREATE TABLE IF NOT EXISTS moved (name TEXT NOT NULL)")
            database.execute("DELETE FROM moved")
            if name is not None:
                database.execute("INSERT INTO moved VALUES (?)", (name,))
            database.execute("COMMIT")

    def redirected(self) -> str | None:
        """The name that the collection lies under now; None where it was never moved."""
        if self._is_absent():
            return None
        with self._database() as database:
            if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'moved'").fetchone() is None:
                return None
            row = database.execute("SELECT name FROM moved").fetchone()
        return str(row[0]) if row else None

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        """The outcome of each record, in order, once it is on the disk; all or nothing where it raises."""
        with self._database() as database:
            collection, _ = self._opened()
            rows = [layout.row(record, collection) for record in records]
            database.execute("BEGIN IMMEDIATE")
            self._check_incarnation(database)
            states = _states(database, [record.id for record in records])
            outcomes = [layout.outcome(record, row, states) for record, row in zip(records, rows, strict=True)]
            pairs = zip(rows, outcomes, strict=True)
            database.executemany(_WRITE, [row for row, outcome in pairs if outcome.outcome is Wrote.WRITTEN])
            database.execute("COMMIT")
            self._catch_up(database)
            return outcomes

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        """What is known of each id, tombstones included; ids never seen are left out."""
        with self._database() as database:
            self._opened()
            return _states(database, ids)

    def versions(self, ids: Sequence[str]) -> dict[str, int]:
        """The version of each id, tombstones included; ids never seen are left out."""
        return {one: state.version for one, state in self.states(ids).items()}

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        """The documents of these ids; missing and deleted ones are left out."""
        statement = f"SELECT id, version, source, passages FROM records {_OF_IDS} AND NOT deleted"
        with self._database() as database:
            self._opened()
            rows = database.execute(statement, (orjson.dumps(list(ids)).decode(),)).fetchall()
        return {row[0]: layout.stored(row) for row in rows}

    def refresh(self) -> None:
        """Returns when a search sees all that was written before, by other processes too."""
        with self._database() as database:
            self._follow(database)

    def sync(self) -> bool:
        """True for a file, whose writes are on the disk when they return; False in memory."""
        return self._path is not None

    def incarnation(self) -> str:
        """What was drawn when the collection was made; in memory that is each time anew."""
        with self._database() as database:
            self._follow(database)
            self._opened()
            return self._incarnation.decode()

    def generation(self) -> str:
        """Which making of the collection it is, and the last row that was written."""
        with self._database() as database:
            self._follow(database)
            self._opened()
            last = database.execute("SELECT max(seq) FROM records").fetchone()[0]
            return f"{self._incarnation.decode()}/{last}"

    def records(self, ids: Sequence[str]) -> dict[str, Record]:
        """All that is held of each id, vectors and tombstones included; ids never seen are left out."""
        statement = f"SELECT id, version, hash, source, vectors, passages, deleted FROM records {_OF_IDS}"
        with self._database() as database:
            dim = self._opened()[0].vector.dim
            rows = database.execute(statement, (orjson.dumps(list(ids)).decode(),)).fetchall()
        return {row[0]: layout.record(row, dim) for row in rows}

    def scan(self) -> Iterator[tuple[str, State]]:
        """Every id with its state, tombstones included, by id."""
        last = ""
        while True:
            with self._database() as database:
                self._opened()
                rows = database.execute(_PAGE, (last,)).fetchall()
            if not rows:
                return
            yield from ((row[0], State(row[1], row[2], bool(row[3]))) for row in rows)
            last = rows[-1][0]

    def expunge(self, before: int) -> int:
        """The number of tombstones with a version below `before` that were removed for good."""
        with self._database() as database:
            self._opened()
            return database.execute("DELETE FROM records WHERE deleted AND version < ?", (before,)).rowcount

    def count(self, filter: Filter | None = None) -> int:
        """The number of documents that satisfy the filter, tombstones not counted."""
        self.refresh()
        return self._opened()[1].count(filter)

    def status(self) -> dict[str, Json]:
        """Documents, tombstones, vectors, dimension, metric, and bytes on the disk and in memory."""
        with self._database() as database:
            self._follow(database)
            collection, index = self._opened()
            rows = database.execute("SELECT count(*) FROM records").fetchone()[0]
        return {
            "documents": index.documents,
            "tombstones": rows - index.documents,
            "vectors": index.vectors,
            "dimension": collection.vector.dim,
            "metric": str(collection.vector.metric),
            "algorithm": "exact",
            "size": sum(file.stat().st_size for file in self._files()),
            "memory": index.memory,
        }

    def ping(self) -> None:
        """Returns when the file can be read. Raises StoreError."""
        with self._database() as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def search(self, query: VectorQuery) -> Ranking:
        """The nearest documents, each by its best passage; equal scores go by id. Raises QueryError."""
        if self._lock.acquire(blocking=False):  # who holds it is reading what is new, or has not written yet
            try:
                self.refresh()
            finally:
                self._lock.release()
        collection, index = self._opened()
        check_query(query, collection)
        found = index.search(query.vector, query.limit, query.filter)
        return replace(found, background=index.background(query.vector)) if query.background else found

    def search_many(self, queries: Sequence[VectorQuery]) -> list[Ranking | StoreError]:
        """What `search` finds for each query."""
        return one_by_one(self.search, queries)

    def scores(self, query: VectorQuery, ids: Sequence[str]) -> dict[str, float]:
        """The exact score of each of these documents; those that are not there are left out."""
        return self._opened()[1].scores(query.vector, ids)

    def render(self, query: VectorQuery) -> Json:
        """What is searched for: all vectors are compared, those of the filter alone where there is one."""
        metric = str(self._opened()[0].vector.metric)
        tree = None if query.filter is None else show(query.filter)
        return {"vector": f"<{len(query.vector)} float32>", "metric": metric, "filter": tree, "limit": query.limit}

    def close(self) -> None:
        """Closes the file. The store must not be used afterwards."""
        with self._lock:
            if self._connection is not None and self._process == os.getpid():
                self._connection.close()
            self._connection = self._open = None

    def _is_absent(self) -> bool:
        return self._path is not None and self._connection is None and not self._path.exists()

    def _opened(self) -> tuple[Collection, ExactIndex]:
        if self._open is None:
            raise CollectionNotFound(
                f"there is no open collection {self._collection_name!r} in {_NAME}. Create or load it first"
            )
        return self._open

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """The connection, this thread's alone; what fails is rolled back and translated."""
        with self._lock:
            try:
                database = self._connected()
                try:
                    yield database
                finally:
                    if database.in_transaction:
                        database.execute("ROLLBACK")
            except sqlite3.Error as error:
                raise _translated(error, self._path) from error
            except OSError as error:
                raise StoreUnavailable(_NAME, f"{error}. Check the data folder") from error

    def _connected(self) -> sqlite3.Connection:
        """The connection of this process: SQLite's must not be used across a fork, nor closed there."""
        inherited = self._process != os.getpid() and self._path is not None
        if self._connection is None or inherited:
            self._inherited = self._connection
            if self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            target = ":memory:" if self._path is None else self._path
            self._connection = sqlite3.connect(target, _WAIT_S, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            into_wal(self._connection, _WAIT_S)
            self._process = os.getpid()
            self._data_version = -1
        return self._connection

    def _follow(self, database: sqlite3.Connection) -> None:
        """Catches up when another connection has written; asking costs microseconds."""
        version = database.execute("PRAGMA data_version").fetchone()[0]
        if version != self._data_version:
            self._catch_up(database)
            self._data_version = version

    def _catch_up(self, database: sqlite3.Connection) -> None:
        """Reads the rows that are new, all of them when the collection was made anew."""
        database.execute("BEGIN")
        meta = _meta(database)
        if not meta:
            self._open, self._incarnation = None, b""
        elif self._open is None or meta["incarnation"] != self._incarnation:
            collection = Collection.from_json(orjson.loads(meta["collection"]))
            self._open = collection, ExactIndex(collection.vector.dim, collection.vector.metric)
            self._incarnation, self._seen = meta["incarnation"], 0
        if self._open is not None:
            self._read_new(database, self._open[1])
        database.execute("COMMIT")

    def _read_new(self, database: sqlite3.Connection, index: ExactIndex) -> None:
        statement = "SELECT seq, id, version, deleted, vectors, source FROM records WHERE seq > ? ORDER BY seq"
        rows = database.execute(statement, (self._seen,)).fetchall()
        if rows:
            collection = self._opened()[0]
            index.apply(layout.change(row, collection) for row in rows)
            self._seen = rows[-1][0]

    def _check_incarnation(self, database: sqlite3.Connection) -> None:
        if _meta(database).get("incarnation") != self._incarnation:
            raise CollectionNotFound(
                f"collection {self._collection_name!r} in {_NAME} was dropped by another process. Open it again"
            )

    def _files(self) -> list[Path]:
        return sorted(self._path.parent.glob(f"{self._path.name}*")) if self._path else []


def _meta(database: sqlite3.Connection) -> Mapping[str, bytes]:
    """What the file says of its collection; empty where there is none."""
    if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is None:
        return {}
    return dict(database.execute("SELECT name, value FROM meta").fetchall())


def _states(database: sqlite3.Connection, ids: Sequence[str]) -> dict[str, State]:
    statement = f"SELECT id, version, hash, deleted FROM records {_OF_IDS}"
    rows = database.execute(statement, (orjson.dumps(list(ids)).decode(),))
    return {row[0]: State(row[1], row[2], bool(row[3])) for row in rows}


def _translated(error: sqlite3.Error, path: Path | None) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    said = f"{path or 'memory'}: {error}"
    match code:
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_NOMEM:
            return StoreFull(_NAME, f"{said}. Make room and try again")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreTimeout(_NAME, f"{said}; another process has been writing for {_WAIT_S:g} s. Try again")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return StoreDenied(_NAME, f"{said}. Check the owner and mode of the file")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_ERROR:
            return StoreReplyError(_NAME, f"{said}. Delete the file and index again if it stays so")
    return StoreUnavailable(_NAME, f"{said}. Check the data folder")
