"""What will a store never take? Changes that it rejected, kept beside the journal until their documents are corrected,
written anew or deleted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from hybrid.indexing.entries import Entry
from hybrid.model import Json

TABLE = """
CREATE TABLE IF NOT EXISTS dead_letters (
    id TEXT NOT NULL, version INTEGER NOT NULL, store TEXT NOT NULL, reason TEXT NOT NULL, source BLOB NOT NULL,
    at REAL NOT NULL, PRIMARY KEY (id, version)
);
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A change that a store will never take: why, and its content. at: seconds since 1970."""

    id: str
    version: int
    store: str
    reason: str
    source: Mapping[str, Json]
    at: float


def keep(database: sqlite3.Connection, entry: Entry, store: str, reason: str, at: float) -> None:
    """Keeps the change that the store rejected."""
    row = (entry.id, entry.version, store, reason, orjson.dumps(entry.source), at)
    database.execute("INSERT OR REPLACE INTO dead_letters VALUES (?, ?, ?, ?, ?, ?)", row)


def newest(database: sqlite3.Connection, most: int) -> list[DeadLetter]:
    """So many at most, the newest first."""
    query = "SELECT id, version, store, reason, source, at FROM dead_letters ORDER BY at DESC LIMIT ?"
    return [
        DeadLetter(one, version, store, reason, orjson.loads(source), at)
        for one, version, store, reason, source, at in database.execute(query, (most,))
    ]


def forget(database: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Forgets those of these ids."""
    database.executemany("DELETE FROM dead_letters WHERE id = ?", [(one,) for one in ids])


def forget_overtaken(database: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Forgets those of which one of these changes is newer; not by the very next version, which is what took the place
    of the rejected one."""
    if database.execute("SELECT 1 FROM dead_letters LIMIT 1").fetchone():  # seldom
        versions = [(entry.id, entry.version) for entry in entries]
        database.executemany("DELETE FROM dead_letters WHERE id = ? AND version + 1 < ?", versions)
