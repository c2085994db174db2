"""What is still owed? A SQLite table of changes, each durable here before any store sees it.

One row an id: the newest change wins. Each store has its own debt, and a row goes when the change is
durable in every store. Several processes may share a journal: a row is leased, for a while, to the one
that writes it, so that nothing is written twice at once and nothing is lost with a process that dies. Who
needs longer renews its leases.
"""

from __future__ import annotations

import logging
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import orjson

from hybrid.errors import JournalError
from hybrid.forks import guarded
from hybrid.indexing import dead_letters, replaced
from hybrid.indexing import entries as layout
from hybrid.indexing.clock import WRITERS
from hybrid.indexing.dead_letters import DeadLetter
from hybrid.indexing.entries import COLUMNS, Entry
from hybrid.indexing.journal_file import connected, translated
from hybrid.indexing.room import make_room
from hybrid.model import Record, State

_log = logging.getLogger(__name__)

MOST_DELAY_S = 60.0
"""Seconds between two tries of one change, at most."""

_APPEND = (
    f"INSERT INTO entries ({COLUMNS}, journaled, leased_by, leased_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET version = excluded.version, hash = excluded.hash, deleted = excluded.deleted, "
    "source = excluded.source, vectors = excluded.vectors, dim = excluded.dim, passages = excluded.passages, "
    "attempts = 0, due = 0, journaled = excluded.journaled, leased_by = excluded.leased_by, "
    "leased_until = excluded.leased_until WHERE excluded.version > entries.version"
)
_OWE = (
    "INSERT INTO debts (id, store) SELECT ?, ? WHERE EXISTS (SELECT 1 FROM entries WHERE id = ? AND version = ?) "
    "ON CONFLICT (id, store) DO UPDATE SET written_in = ''"
)
_DEBTS = "(SELECT group_concat(store) FROM debts WHERE debts.id = entries.id AND written_in = '')"
_OWED = "id IN (SELECT id FROM debts WHERE written_in = '')"
_CURRENT = "EXISTS (SELECT 1 FROM entries WHERE entries.id = debts.id AND entries.version = ?)"


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much is owed. entries: changes, those written but not yet durable included; owed: changes by
    store that have not been written; dead: dead letters; oldest_s: age of the oldest change in seconds."""

    entries: int = 0
    owed: Mapping[str, int] = field(default_factory=dict)
    dead: int = 0
    oldest_s: float = 0.0


class Journal:
    """A journal file, shared by threads and processes. path None: in memory, gone with the process.

    limit: changes it holds at most. lease_s: seconds after which the leases of a silent holder end.
    now: seconds since 1970.
    All methods raise JournalError where the file cannot be read or written.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        limit: int = 100_000,
        lease_s: float = 60.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._limit = limit
        self._lease_s = lease_s
        self._now = now
        self._lock = guarded()
        self._database: sqlite3.Connection | None = None
        self._inherited: sqlite3.Connection | None = None
        self._pid, self._owner = os.getpid(), _owner()
        self._renewed = now()

    def append(self, entries: Sequence[Entry]) -> None:
        """Makes the changes durable, leased to this owner; a change older than the one held of its id is left out.
        One that is held already is owed to more stores.

        Dead letters of their ids go: something newer takes their place. Raises BacklogFull, with nothing appended,
        where too many changes would wait. Those that are only kept in case a store restarts make room, the oldest
        first.
        """
        with self._transaction() as database:
            make_room(database, len(entries), self._limit)
            replaced.keep(database, entries)
            self._put(database, entries)

    def claim(self, most: int) -> list[Entry]:
        """At most so many changes, fewer of large ones, due and leased to nobody, oldest first, now leased to this one.

        A time further away than this journal sets was set before the machine's clock stepped back, and does not count.
        """
        now = self._now()
        with self._transaction() as database:
            rows = database.execute(
                f"SELECT {COLUMNS}, {_DEBTS} AS owed FROM entries WHERE {_OWED} AND (due <= ? OR due > ?) "
                "AND (leased_until <= ? OR leased_until > ?) ORDER BY journaled LIMIT ?",
                (now, now + MOST_DELAY_S, now, now + self._lease_s, most),
            )
            found = layout.bounded(rows)
            rows.close()
            leases = [(self._owner, now + self._lease_s, row[0]) for row in found]
            database.executemany("UPDATE entries SET leased_by = ?, leased_until = ? WHERE id = ?", leases)
        return [layout.entry(row) for row in found]

    def renew(self) -> None:
        """Makes the leases of this owner begin anew, where some time has gone by: it is working on them still."""
        now = self._now()
        if 0 <= now - self._renewed < self._lease_s / 3:
            return
        with self._transaction() as database:
            held = (now + self._lease_s, self._owner, now)
            database.execute("UPDATE entries SET leased_until = ? WHERE leased_by = ? AND leased_until > ?", held)
        self._renewed = now

    def owed(self, ids: Sequence[str] | None = None) -> list[Entry]:
        """All changes, or those of these ids, that a store has not taken yet, oldest first, whoever has them leased."""
        among = "" if ids is None else "id IN (SELECT value FROM json_each(?)) AND"
        given = () if ids is None else (orjson.dumps(list(ids)).decode(),)
        query = f"SELECT {COLUMNS}, {_DEBTS} AS owed FROM entries WHERE {among} owed IS NOT NULL ORDER BY journaled"
        with self._reading() as database:
            return [layout.entry(row) for row in database.execute(query, given)]

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        """The state that each id will have once its change is written; ids without a change are left out."""
        query = "SELECT id, version, hash, deleted FROM entries WHERE id IN (SELECT value FROM json_each(?))"
        with self._reading() as database:
            if database.execute("SELECT 1 FROM entries LIMIT 1").fetchone() is None:
                return {}  # the usual case, known without looking for each
            rows = database.execute(query, (orjson.dumps(list(ids)).decode(),)).fetchall()
        return {one: State(version, digest, bool(deleted)) for one, version, digest, deleted in rows}

    def owing(self, ids: Sequence[str]) -> frozenset[str]:
        """Those of the ids of which a store has not taken a change yet, or is not known to."""
        query = "SELECT id FROM debts WHERE written_in = '' AND id IN (SELECT value FROM json_each(?))"
        with self._reading() as database:
            return frozenset(one for (one,) in database.execute(query, (orjson.dumps(list(ids)).decode(),)))

    def waiting(self) -> int:
        """The number of changes that a store has not taken yet, or is not known to."""
        with self._reading() as database:
            (count,) = database.execute("SELECT count(DISTINCT id) FROM debts WHERE written_in = ''").fetchone()
        return int(count)

    def embedded(self, records: Iterable[Record]) -> None:
        """Keeps the vectors that the model made, so that a later try need not make them again."""
        rows = [(*layout.vector_columns(one.vectors, one.passages), one.id, one.version) for one in records]
        with self._transaction() as database:
            database.executemany(
                "UPDATE entries SET vectors = ?, dim = ?, passages = ? WHERE id = ? AND version = ?", rows
            )

    def settle(self, store: str, versions: Mapping[str, int]) -> None:
        """The changes of these ids, at exactly these versions, are durable in the store: the debt goes."""
        with self._transaction() as database:
            database.executemany(
                f"DELETE FROM debts WHERE id = ? AND store = ? AND {_CURRENT}",
                [(one, store, version) for one, version in versions.items()],
            )
            self._forget_settled(database, versions)

    def wrote(self, store: str, versions: Mapping[str, int], incarnation: str) -> None:
        """The store has taken these versions but cannot make them durable; kept until it restarts or they expire."""
        with self._transaction() as database:
            database.executemany(
                f"UPDATE debts SET written_in = ? WHERE id = ? AND store = ? AND {_CURRENT}",
                [(incarnation, one, store, version) for one, version in versions.items()],
            )

    def restarted(self, store: str, incarnation: str, keep_s: float) -> int:
        """The number of changes owed again, because the store restarted since it took them.

        Changes taken more than `keep_s` seconds ago by a store that has not restarted are forgotten.
        """
        with self._transaction() as database:
            lost = database.execute(
                "UPDATE debts SET written_in = '' WHERE store = ? AND written_in NOT IN ('', ?) RETURNING id",
                (store, incarnation),
            ).fetchall()
            database.executemany("UPDATE entries SET due = 0, leased_until = 0 WHERE id = ?", lost)
            old = database.execute(
                "SELECT id FROM debts JOIN entries USING (id) WHERE store = ? AND written_in = ? AND journaled < ?",
                (store, incarnation, self._now() - keep_s),
            ).fetchall()
            database.executemany("DELETE FROM debts WHERE id = ? AND store = ?", [(one, store) for (one,) in old])
            self._forget_settled(database, [one for (one,) in old])
        return len(lost)

    def postpone(self, versions: Mapping[str, int]) -> None:
        """Lets the changes of these ids be tried again, later the more often they failed, and by anybody."""
        now = self._now()
        with self._transaction() as database:
            for one, version in versions.items():
                row = database.execute(
                    "SELECT attempts FROM entries WHERE id = ? AND version = ?", (one, version)
                ).fetchone()
                if row is not None:
                    database.execute(
                        "UPDATE entries SET attempts = attempts + 1, due = ?, leased_until = 0 WHERE id = ?",
                        (now + _delay(row[0]), one),
                    )

    def bury(self, entry: Entry, store: str, reason: str, instead: Entry) -> None:
        """Moves a change that the store will never take to the dead letters, and owes `instead` at once, to be claimed.

        A change of the same id that is newer stays as it is.
        """
        with self._transaction() as database:
            dead_letters.keep(database, entry, store, reason, self._now())
            replaced.forget(database, [entry.id])
            self._put(database, [instead])
            database.execute(
                "UPDATE entries SET leased_until = 0 WHERE id = ? AND version = ?", (instead.id, instead.version)
            )

    def replaced(self, entry: Entry) -> Entry | None:
        """The change that this one took the place of, where not every store had it yet."""
        with self._reading() as database:
            return replaced.kept(database, entry)

    def forgive(self, ids: Iterable[str]) -> None:
        """Forgets the dead letters of these ids: whoever wrote them does not want them any more."""
        with self._transaction() as database:
            dead_letters.forget(database, ids)

    def dead_letters(self, most: int = 100) -> list[DeadLetter]:
        """The newest dead letters."""
        with self._reading() as database:
            return dead_letters.newest(database, most)

    def backlog(self) -> Backlog:
        """How much is owed."""
        with self._reading() as database:
            entries, oldest = database.execute("SELECT count(*), min(journaled) FROM entries").fetchone()
            owed = database.execute("SELECT store, count(*) FROM debts WHERE written_in = '' GROUP BY store").fetchall()
            (dead,) = database.execute("SELECT count(*) FROM dead_letters").fetchone()
        return Backlog(entries, dict(owed), dead, max(0.0, self._now() - oldest) if oldest else 0.0)

    def volatile(self) -> frozenset[str]:
        """The stores that have taken changes without making them durable."""
        with self._reading() as database:
            rows = database.execute("SELECT DISTINCT store FROM debts WHERE written_in != ''").fetchall()
        return frozenset(store for (store,) in rows)

    def hurry(self) -> None:
        """Makes all changes due now, however often they failed, and ends the leases of processes that have died."""
        with self._transaction() as database:
            database.execute(f"UPDATE entries SET due = 0 WHERE {_OWED}")
            query = f"SELECT DISTINCT leased_by FROM entries WHERE {_OWED} AND leased_until > ?"
            dead = [row for row in database.execute(query, (self._now(),)).fetchall() if not _lives(*row)]
            database.executemany("UPDATE entries SET leased_until = 0 WHERE leased_by = ?", dead)

    def check(self) -> None:
        """Returns when the journal can be written."""
        with self._transaction() as database:
            self._raise_counter(database, "checked", int(self._now()))

    def last_version(self) -> int:
        """The largest version ever appended; 0 for a new journal."""
        return self._counter("clock")

    def take_writer(self) -> int:
        """A writer number from 0 to 1023, the next after the one taken before; the first is drawn by lot."""
        with self._transaction() as database:
            (taken,) = database.execute(
                "INSERT INTO counters VALUES ('writer', ?) ON CONFLICT (name) DO UPDATE SET value = value + 1 "
                "RETURNING value",
                (random.randrange(WRITERS),),
            ).fetchone()
        return int(taken) % WRITERS

    def clear(self) -> None:
        """Forgets all changes and dead letters; counters go on."""
        with self._transaction() as database:
            for table in ("entries", "debts", "dead_letters", "replaced"):
                database.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        """Gives up this owner's leases and closes the file."""
        with self._lock:
            if self._database is None:
                return
            try:
                with self._transaction() as database:
                    database.execute("UPDATE entries SET leased_until = 0 WHERE leased_by = ?", (self._owner,))
            except JournalError as error:  # they end by themselves
                _log.warning("leases were not given up: %s", error)
            finally:
                self._database.close()
                self._database = None

    def _counter(self, name: str) -> int:
        with self._reading() as database:
            row = database.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
        return int(row[0]) if row else 0

    def _put(self, database: sqlite3.Connection, entries: Sequence[Entry]) -> None:
        now = self._now()
        dead_letters.forget_overtaken(database, entries)
        for entry in entries:
            row = (*layout.row(entry), now, self._owner, now + self._lease_s)
            if database.execute(_APPEND, row).rowcount:
                database.execute("DELETE FROM debts WHERE id = ?", (entry.id,))
                debts = [(entry.id, store) for store in entry.owed]
                database.executemany("INSERT INTO debts (id, store) VALUES (?, ?)", debts)
            else:
                database.executemany(_OWE, [(entry.id, store, entry.id, entry.version) for store in entry.owed])
        self._raise_counter(database, "clock", max((entry.version for entry in entries), default=0))

    @staticmethod
    def _raise_counter(database: sqlite3.Connection, name: str, value: int) -> None:
        database.execute(
            "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)",
            (name, value),
        )

    @staticmethod
    def _forget_settled(database: sqlite3.Connection, ids: Iterable[str]) -> None:
        gone = []
        for one in ids:
            query = "DELETE FROM entries WHERE id = ? AND NOT EXISTS (SELECT 1 FROM debts WHERE debts.id = entries.id)"
            if database.execute(query, (one,)).rowcount:
                gone.append(one)
        replaced.forget(database, gone)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """The database in a transaction that is on disk when the block ends, or has not happened."""
        with self._reading() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._opened()
            except sqlite3.Error as error:
                raise translated(self._path, error) from error

    def _opened(self) -> sqlite3.Connection:
        if self._database is None or self._pid != os.getpid():
            if self._pid != os.getpid():
                self._pid, self._owner, self._inherited = os.getpid(), _owner(), self._database  # never closed here
            self._database = connected(self._path)
        return self._database


def _owner() -> str:
    """The name of a journal's holder: its process, and what tells it from others in the same one."""
    return f"{os.getpid()}:{token_hex(8)}"


def _lives(owner: str) -> bool:
    """Whether the process of that name is running, on this machine, where all who share the file are."""
    try:
        os.kill(int(owner.partition(":")[0]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _delay(attempts: int) -> float:
    """Seconds until the next try: doubled each time from a quarter second, capped, with jitter."""
    return min(MOST_DELAY_S, 0.25 * 2.0 ** min(attempts, 16)) * random.uniform(0.5, 1.0)
