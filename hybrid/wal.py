"""How do several processes begin to use one SQLite file? One after the other makes it a write-ahead log."""

from __future__ import annotations

import sqlite3
import time

_PAUSE_S = 0.005


def into_wal(database: sqlite3.Connection, within_s: float) -> None:
    """Returns when the file has a write-ahead log, of which each transaction is on the disk when it ends.

    SQLite does not wait here, as its time-out says, for another process that is doing the same.
    Raises sqlite3.OperationalError after `within_s` seconds.
    """
    until = time.monotonic() + within_s
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_S)
    database.execute("PRAGMA synchronous = FULL")
