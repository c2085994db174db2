"""One SQLite file that several begin to use at once."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from hybrid.wal import into_wal

AT_ONCE = 4
FILES = 300  # without waiting for each other, about one of 25 files fails


def test_all_who_begin_at_once_have_a_write_ahead_log(tmp_path: Path) -> None:
    together = threading.Barrier(AT_ONCE)

    def begin(path: Path) -> tuple[str, int]:
        with closing(sqlite3.connect(path, timeout=10, isolation_level=None)) as database:
            together.wait()
            into_wal(database, 10)
            (mode,), (synchronous,) = (
                database.execute(f"PRAGMA {name}").fetchone() for name in ("journal_mode", "synchronous")
            )
            return mode, synchronous

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for number in range(FILES):
            found = list(threads.map(begin, [tmp_path / f"{number}.sqlite"] * AT_ONCE))
            assert found == [("wal", 2)] * AT_ONCE  # 2: FULL


def test_what_is_no_matter_of_waiting_is_raised_at_once(tmp_path: Path) -> None:
    path = tmp_path / "read-only.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE kept (n)")
    with (
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        into_wal(database, 600)
