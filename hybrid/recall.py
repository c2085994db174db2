"""Was this asked before, of the very same collection? Answers kept by plan and by what the stores held."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from hybrid.answer import Found

Key = tuple[str, str]
"""A plan's key, and the generation of the collection that it was run on."""


@dataclass(frozen=True, slots=True)
class RecallInfo:
    """hits: searches answered from memory; misses: all others; entries: answers held, at most `size`."""

    hits: int
    misses: int
    entries: int
    size: int


class Recall:
    """The last `size` answers. Thread-safe. One of another generation is never given, so that none is ever stale."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Key, Found] = OrderedDict()
        self._hits = 0
        self._misses = 0
        self._lock = threading.Lock()

    @property
    def is_on(self) -> bool:
        """Whether answers are kept at all."""
        return self._size > 0

    def find(self, key: Key) -> Found | None:
        """The answer that is kept under a key, None where there is none."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                self._misses += 1
            else:
                self._hits += 1
                self._kept.move_to_end(key)
            return found

    def keep(self, key: Key, answer: Found) -> None:
        """Keeps an answer; the one that was not asked for the longest time goes where there are too many."""
        with self._lock:
            self._kept[key] = answer
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def info(self) -> RecallInfo:
        """How well it does since it was made."""
        with self._lock:
            return RecallInfo(self._hits, self._misses, len(self._kept), self._size)
