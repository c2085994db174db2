"""When was it written? Versions from a hybrid logical clock.

A version is 63 bits: milliseconds since 1970 (42), a counter within the millisecond (10) and the
writer (10), so that two writers never make the same one and a later write is larger, even where the
machine's clock steps back. Kulkarni et al., "Logical Physical Clocks", OPODIS 2014. The last bit is
set for what takes the place of a write that was put back: larger than that, smaller than all after it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

COUNTER_BITS = 10
WRITER_BITS = 10
WRITERS = 1 << WRITER_BITS
_WRITER_SHIFT = 1
_COUNTER_SHIFT = WRITER_BITS + _WRITER_SHIFT
_SHIFT = COUNTER_BITS + _COUNTER_SHIFT


class Clock:
    """Versions of one writer, each larger than all before and all it has seen. Thread-safe.

    writer: from 0 to 1023, no two running writers of a collection the same. now_ms: milliseconds since 1970.
    """

    def __init__(self, writer: int, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        if not 0 <= writer < WRITERS:
            raise ValueError(f"writer is {writer}; it must be from 0 to {WRITERS - 1}")
        self._writer = writer
        self._now_ms = now_ms
        self._last = 0
        self._lock = threading.Lock()

    def tick(self) -> int:
        """A new version."""
        with self._lock:
            self._last = max(self._last + 1, self._now_ms() << COUNTER_BITS)
            return self._last << _COUNTER_SHIFT | self._writer << _WRITER_SHIFT

    def now_s(self) -> float:
        """Seconds since 1970, by this machine's clock."""
        return self._now_ms() / 1000

    def ahead(self, version: int) -> float:
        """Seconds by which a version lies in the future, seen from here; below 0 where it lies in the past."""
        return written_at(version) - self.now_s()

    def see(self, version: int) -> None:
        """Moves the clock past a version that another writer made."""
        with self._lock:
            self._last = max(self._last, version >> _COUNTER_SHIFT)


def put_back(version: int) -> int:
    """The version of what takes the place of this one: smaller than that of every write that came later."""
    return version + 1 | 1


def version_at(seconds: float) -> int:
    """The smallest version that can be made at this time, in seconds since 1970."""
    return int(seconds * 1000) << _SHIFT


def written_at(version: int) -> float:
    """Seconds since 1970 at which a version was made, by its writer's clock."""
    return (version >> _SHIFT) / 1000
