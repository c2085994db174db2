"""What does the journal lie in? A SQLite file: its tables, how it is opened, and what its errors mean."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hybrid.errors import JournalError
from hybrid.indexing import dead_letters, replaced
from hybrid.wal import into_wal

BUSY_S = 30.0
"""Seconds to wait for another process that writes to the journal."""

_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, hash TEXT NOT NULL, deleted INTEGER NOT NULL,
    source BLOB NOT NULL, vectors BLOB, dim INTEGER NOT NULL, passages BLOB NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL DEFAULT 0, journaled REAL NOT NULL,
    leased_by TEXT NOT NULL, leased_until REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS debts (
    id TEXT NOT NULL, store TEXT NOT NULL, written_in TEXT NOT NULL DEFAULT '', PRIMARY KEY (id, store)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


def connected(path: Path | None) -> sqlite3.Connection:
    """The file, made where there is none; None: in memory. Raises JournalError and sqlite3.Error."""
    if path is not None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JournalError(f"the folder of the journal {path} cannot be made: {error.strerror}") from error
    database = sqlite3.connect(
        path or ":memory:", timeout=BUSY_S, isolation_level=None, check_same_thread=False, cached_statements=64
    )
    into_wal(database, BUSY_S)
    database.executescript(_TABLES + dead_letters.TABLE + replaced.TABLE)
    return database


def translated(path: Path | None, error: sqlite3.Error) -> JournalError:
    """The error of this package for one of SQLite's: what happened, and what to do."""
    text = str(error)
    if "malformed" in text or "not a database" in text:
        cure = "Move the file away; then bring both stores together again with: hybrid verify --repair"
    elif any(mark in text for mark in ("full", "readonly", "disk I/O", "unable to open")):
        cure = "Free some space or correct its permissions; no store was touched"
    elif "locked" in text or "busy" in text:
        cure = "Another process holds it for long; try again when that is done"
    else:
        cure = "Look at the file and its disk"
    return JournalError(f"the journal {path or 'in memory'} cannot be used: {text}. {cure}")
