"""What did a change take the place of? One that was acknowledged, and that not every store had, is kept beside it: it
counts again where a store rejects the newer one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from hybrid.indexing import entries as layout
from hybrid.indexing.entries import COLUMNS, Entry

TABLE = """
CREATE TABLE IF NOT EXISTS replaced (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, hash TEXT NOT NULL, deleted INTEGER NOT NULL,
    source BLOB NOT NULL, vectors BLOB, dim INTEGER NOT NULL, passages BLOB NOT NULL, attempts INTEGER NOT NULL
);
"""
_KEEP = (
    f"INSERT OR REPLACE INTO replaced SELECT {COLUMNS} FROM entries WHERE id = ? AND version < ? "
    "AND EXISTS (SELECT 1 FROM debts WHERE debts.id = entries.id AND written_in = '')"
)


def keep(database: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Keeps what a store is still owed of the ids of these changes, which are newer."""
    database.executemany(_KEEP, [(entry.id, entry.version) for entry in entries])


def kept(database: sqlite3.Connection, entry: Entry) -> Entry | None:
    """What the change took the place of, owed to the same stores; None where they all had it, or there was none."""
    query = f"SELECT {COLUMNS} FROM replaced WHERE id = ? AND version < ?"
    row = database.execute(query, (entry.id, entry.version)).fetchone()
    return None if row is None else layout.entry((*row, ",".join(entry.owed)))


def forget(database: sqlite3.Connection, ids: Iterable[str]) -> None:
    """Forgets what was kept of these ids."""
    database.executemany("DELETE FROM replaced WHERE id = ?", [(one,) for one in ids])
