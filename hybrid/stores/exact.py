"""Which vectors are nearest? Exact search over float32 rows in memory, by numpy alone."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid import sample
from hybrid.filters.meaning import Facts
from hybrid.filters.tree import Filter
from hybrid.model import Background, Ranking, Vector
from hybrid.schema import Metric
from hybrid.stores.columns import Columns

_SPARE = 1024
"""Dead rows that are always put up with."""

_OVERFLOW = 1e37
"""Where sums of products come near this, float32 may overflow and nothing is left out on its word."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """One document's new vectors, float32 (n, dim), n >= 1, and what filters see of it; None takes it out."""

    id: str
    version: int
    vectors: Vector | None = None
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class _Snapshot:
    """What a search sees; never changed. An entry is one version of one document, its rows lie together.

    rows: (n, dim). squares: (n,), squared lengths. starts: (entries + 1,), where each entry's rows start.
    live: (entries,). names: id and version by entry. longest: the greatest length of a row. columns: what filters
    see of each entry, and of later ones. levels: (entries,), as `hybrid.sample` draws them.
    """

    rows: Vector
    squares: Vector
    starts: NDArray[np.int64]
    live: NDArray[np.bool_]
    names: list[tuple[str, int]]
    longest: float
    documents: int
    columns: Columns
    levels: NDArray[np.int8]

    def chosen(self, tree: Filter | None) -> NDArray[np.bool_]:
        """(entries,): those that are living and satisfy the filter."""
        return self.live if tree is None else self.live & self.columns.mask(tree, len(self.live))


@dataclass(slots=True, eq=False)
class _Room:
    """Arrays with room to grow, of which snapshots see a part at the front that is not written any more."""

    rows: Vector
    squares: Vector
    starts: NDArray[np.int64]
    levels: NDArray[np.int8]
    names: list[tuple[str, int]] = field(default_factory=list)
    longest: float = 0.0

    @property
    def filled(self) -> int:
        return int(self.starts[len(self.names)])

    def append(self, name: tuple[str, int], rows: Vector) -> None:
        start, entry = self.filled, len(self.names)
        end = start + len(rows)
        self.rows, self.squares = _grown(self.rows, end), _grown(self.squares, end)
        self.starts = _grown(self.starts, entry + 2)
        self.levels = _grown(self.levels, entry + 1)
        self.levels[entry] = sample.level(name[0])
        lengths = np.linalg.norm(rows.astype(np.float64), axis=1)
        with np.errstate(over="ignore"):
            self.rows[start:end], self.squares[start:end] = rows, lengths**2
        self.starts[entry + 1] = end
        self.longest = max(self.longest, float(lengths.max()))
        self.names.append(name)


def _room(dim: int) -> _Room:
    return _Room(np.empty((0, dim), np.float32), np.empty(0, np.float32), np.zeros(1, np.int64), np.empty(0, np.int8))


def _grown(array: NDArray[Any], wanted: int) -> NDArray[Any]:
    """The array itself, or a copy with twice the room when it has less than is wanted."""
    if wanted <= len(array):
        return array
    larger = np.empty((max(wanted, 2 * len(array), 16), *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


class ExactIndex:
    """The vectors of a collection of `dim` components. Searches run beside a writer and see whole writes only."""

    def __init__(self, dim: int, metric: Metric) -> None:
        self._metric = metric
        self._dim = dim
        self._lock = threading.Lock()
        self._room = _room(dim)
        self._entries: dict[str, int] = {}
        self._live = np.zeros(0, np.bool_)
        self._columns = Columns()
        self._now = self._snapshot()
        self._drawn: tuple[_Snapshot, NDArray[np.float64], NDArray[np.int64]] | None = None

    @property
    def documents(self) -> int:
        """The number of documents."""
        return self._now.documents

    @property
    def vectors(self) -> int:
        """The number of vectors, those of replaced and deleted documents not counted."""
        now = self._now
        return int(np.diff(now.starts)[now.live].sum())

    @property
    def memory(self) -> int:
        """Bytes of memory the vectors take, room to grow included."""
        return self._room.rows.nbytes + self._room.squares.nbytes + self._room.starts.nbytes

    def apply(self, changes: Iterable[Change]) -> None:
        """Makes all changes, in order; searches see all of them or none."""
        with self._lock:
            dead: list[int] = []
            for change in changes:
                if change.id in self._entries:
                    dead.append(self._entries.pop(change.id))
                if change.vectors is not None:
                    self._entries[change.id] = len(self._room.names)
                    self._room.append((change.id, change.version), self._directed(change.vectors))
                    self._columns.append(change.facts)
            live = np.ones(len(self._room.names), np.bool_)
            live[: len(self._live)] = self._live
            live[dead] = False
            self._live = live
            self._leave_dead_behind()
            self._now = self._snapshot()

    def count(self, tree: Filter | None) -> int:
        """The number of documents that satisfy the filter."""
        now = self._now
        return now.documents if tree is None else int(np.count_nonzero(now.chosen(tree)))

    def search(self, vector: Vector, limit: int, tree: Filter | None = None) -> Ranking:
        """The `limit` best documents of the filter, each by its best vector, equal scores by id; and their total.

        Scores: cosine similarity within -1 to 1 (COSINE), inner product (IP), minus the distance (L2).
        """
        now = self._now
        chosen = now.chosen(tree)
        total = now.documents if tree is None else int(np.count_nonzero(chosen))
        wanted = min(limit, total)
        if wanted <= 0:
            return Ranking(total=total)
        query = self._query(vector)
        candidates = self._candidates(now, query, wanted, chosen)
        scores, firsts = self._exact(now, query, candidates)
        best = np.maximum.reduceat(scores, firsts).tolist()
        order = sorted(range(len(best)), key=lambda at: (-best[at], now.names[candidates[at]][0]))[:wanted]
        names = [now.names[candidates[at]] for at in order]
        ends = [*firsts[1:].tolist(), len(scores)]
        return Ranking(
            ids=tuple(name for name, _ in names),
            scores=tuple(best[at] for at in order),
            versions=tuple(version for _, version in names),
            passages=tuple(_peak(scores, int(firsts[at]), ends[at]) for at in order),
            total=total,
        )

    def scores(self, vector: Vector, ids: Iterable[str]) -> dict[str, float]:
        """The score of each of these documents, by its best vector; those that are not there are left out."""
        with self._lock:
            now = self._now
            entries = np.array(sorted(self._entries[one] for one in set(ids) if one in self._entries), np.int64)
        if not len(entries):
            return {}
        scores, firsts = self._exact(now, self._query(vector), entries)
        best = np.maximum.reduceat(scores, firsts).tolist()
        return {now.names[entry][0]: score for entry, score in zip(entries.tolist(), best, strict=True)}

    def background(self, vector: Vector) -> Background | None:
        """How the sample of all documents scores, each by its best vector; None where there are none.

        Summed exactly, so that the order in which documents lie changes nothing.
        """
        now = self._now
        if not now.documents:
            return None
        drawn = self._drawn
        if drawn is None or drawn[0] is not now:
            entries = np.flatnonzero(now.live & (now.levels >= sample.from_level(now.documents)))
            places, starts = _rows_of(now, entries)
            drawn = self._drawn = (now, now.rows[places].astype(np.float64), starts)
        _, rows, firsts = drawn
        if not len(firsts):
            return None
        scores = self._scores(rows.copy() if self._metric is Metric.L2 else rows, self._query(vector))
        best = np.maximum.reduceat(scores, firsts).tolist()
        mean = math.fsum(best) / len(best)
        spread = math.fsum((score - mean) ** 2 for score in best)
        return Background(now.documents, mean, math.sqrt(spread / (len(best) - 1)) if len(best) > 1 else 0.0)

    def _query(self, vector: Vector) -> NDArray[np.float64]:
        query = vector.astype(np.float64)
        return query / np.linalg.norm(query) if self._metric is Metric.COSINE else query

    def _exact(
        self, now: _Snapshot, query: NDArray[np.float64], entries: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The score of each row of these entries, and where each entry starts among them."""
        rows, firsts = _rows_of(now, entries)
        return self._scores(now.rows[rows].astype(np.float64), query), firsts

    def _candidates(
        self, now: _Snapshot, query: NDArray[np.float64], wanted: int, chosen: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """The entries among which the best `wanted` are: float32 is fast but only nearly right, so some more."""
        length = float(np.linalg.norm(query))
        scale = now.longest * length if self._metric is not Metric.L2 else now.longest * (now.longest + 2 * length)
        if scale > _OVERFLOW:
            return np.flatnonzero(chosen)
        rough = now.rows @ query.astype(np.float32)
        if self._metric is Metric.L2:
            rough = 2 * rough - now.squares
        if len(rough) > len(now.live):
            rough = np.maximum.reduceat(rough, now.starts[:-1])
        if not chosen.all():
            rough[~chosen] = -np.inf
        least = np.partition(rough, -wanted)[-wanted]
        error = 4 * math.sqrt(self._dim) * float(np.finfo(np.float32).eps) * scale
        return np.flatnonzero((rough >= least - error) & chosen)

    def _scores(self, rows: NDArray[np.float64], query: NDArray[np.float64]) -> NDArray[np.float64]:
        """The scores in float64: those of equal rows are equal, wherever the rows lie."""
        if self._metric is Metric.L2:
            rows -= query
            distances: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", rows, rows))
            return 0.0 - distances
        scores: NDArray[np.float64] = np.einsum("ij,j->i", rows, query)
        return np.clip(scores, -1, 1) if self._metric is Metric.COSINE else scores

    def _directed(self, vectors: Vector) -> Vector:
        """The vectors, of length 1 where only directions are compared."""
        if self._metric is not Metric.COSINE:
            return vectors
        exact = vectors.astype(np.float64)
        exact /= np.linalg.norm(exact, axis=1, keepdims=True)
        return exact.astype(np.float32)

    def _leave_dead_behind(self) -> None:
        """Copies the living to a new room once they are the smaller part."""
        sizes = np.diff(self._room.starts[: len(self._room.names) + 1])
        living = int(sizes[self._live].sum())
        if self._room.filled - living <= living + _SPARE:
            return
        old, self._room = self._room, _room(self._dim)
        facts, self._columns = self._columns, Columns()
        for entry in np.flatnonzero(self._live):
            self._columns.append(facts.facts(int(entry)))
            self._room.append(old.names[entry], old.rows[old.starts[entry] : old.starts[entry + 1]])
        self._entries = {name: entry for entry, (name, _) in enumerate(self._room.names)}
        self._live = np.ones(len(self._room.names), np.bool_)

    def _snapshot(self) -> _Snapshot:
        room, entries = self._room, len(self._room.names)
        return _Snapshot(
            rows=room.rows[: room.filled],
            squares=room.squares[: room.filled],
            starts=room.starts[: entries + 1],
            live=self._live,
            names=room.names,
            longest=room.longest,
            documents=len(self._entries),
            columns=self._columns,
            levels=room.levels[:entries],
        )


def _rows_of(now: _Snapshot, entries: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows of these entries, one entry after the other, and where each entry starts among them."""
    starts = now.starts[entries]
    sizes = now.starts[entries + 1] - starts
    firsts = np.cumsum(sizes) - sizes
    return np.arange(int(sizes.sum())) + np.repeat(starts - firsts, sizes), firsts


def _peak(scores: NDArray[np.float64], start: int, end: int) -> int:
    return 0 if end - start == 1 else int(np.argmax(scores[start:end]))
