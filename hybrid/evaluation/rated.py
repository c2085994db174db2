"""Where do ratings lie that people give in the browser? In a file beside the collection, each judge's own."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median_low

from hybrid.errors import InputError

AGREED = "agreed"
"""The judge whose grade counts before all others': what was chosen where judges differed."""


@dataclass(frozen=True, slots=True, order=True)
class Rating:
    """What one judge says of one document for one query. grade: None for "cannot tell"."""

    query: str
    document: str
    judge: str
    grade: int | None = None


class Ratings:
    """Ratings in a file, or, with None, in memory. Thread-safe; a rating is on the disk when `rate` returns.

    Methods raise InputError where the file cannot be read or written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._open: sqlite3.Connection | None = None

    def rate(self, ratings: Iterable[Rating]) -> None:
        """Keeps the ratings, all or none; one of the same judge, query and document is replaced."""
        rows = [(one.query, one.document, one.judge, one.grade) for one in ratings]
        with self._database() as database:
            database.executemany("INSERT OR REPLACE INTO ratings VALUES (?, ?, ?, ?)", rows)

    def take_back(self, query: str, document: str, judge: str) -> None:
        """Forgets one judge's rating."""
        with self._database() as database:
            database.execute(
                "DELETE FROM ratings WHERE query = ? AND document = ? AND judge = ?", (query, document, judge)
            )

    def all(self, query: str | None = None) -> list[Rating]:
        """All ratings, or those of one query, sorted."""
        where, values = ("", ()) if query is None else (" WHERE query = ?", (query,))
        with self._database() as database:
            rows = database.execute(f"SELECT query, document, judge, grade FROM ratings{where}", values).fetchall()
        return sorted((Rating(*row) for row in rows), key=lambda one: (one.query, one.document, one.judge))

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                if self._open is None:
                    self._open = _opened(self._path)
                with self._open:
                    yield self._open
            except (sqlite3.Error, OSError) as error:
                raise InputError(f"the ratings in {self._path} cannot be kept: {error}. Check the folder") from error


def _opened(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=10)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute(
        "CREATE TABLE IF NOT EXISTS ratings (query TEXT, document TEXT, judge TEXT, grade INTEGER, "
        "PRIMARY KEY (query, document, judge)) WITHOUT ROWID"
    )
    return database


def by_pair(ratings: Iterable[Rating]) -> dict[tuple[str, str], dict[str, int | None]]:
    """By query and document, what each judge says."""
    pairs: dict[tuple[str, str], dict[str, int | None]] = defaultdict(dict)
    for one in ratings:
        pairs[one.query, one.document][one.judge] = one.grade
    return dict(pairs)


def differing(ratings: Iterable[Rating]) -> dict[tuple[str, str], dict[str, int | None]]:
    """The pairs whose judges gave different grades, and nobody chose between them yet."""
    return {pair: said for pair, said in by_pair(ratings).items() if is_open(said)}


def is_open(said: Mapping[str, int | None]) -> bool:
    """Whether judges gave different grades, and nobody chose between them yet."""
    return AGREED not in said and len({grade for grade in said.values() if grade is not None}) > 1


def counted(ratings: Iterable[Rating]) -> dict[str, dict[str, int]]:
    """The grades that count, by query and document: the one agreed on, else the middle one (the lower of two)."""
    judged: dict[str, dict[str, int]] = defaultdict(dict)
    for (query, document), said in by_pair(ratings).items():
        grades = [grade for grade in said.values() if grade is not None]
        agreed = said.get(AGREED)
        if grades:
            judged[query][document] = median_low(grades) if agreed is None else agreed
    return dict(judged)


def per_query(ratings: Iterable[Rating]) -> Counter[str]:
    """By query, the number of documents that anybody rated."""
    return Counter(query for query, _ in by_pair(ratings))
