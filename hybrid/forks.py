"""What if the process forks while a thread writes to a file? The fork waits until the write has ended.

SQLite keeps in the process who of it holds a lock on a file. A child would inherit the lock of a thread that it has
not, and wait for it for ever.
"""

from __future__ import annotations

import os
import threading
from weakref import WeakSet

PATIENCE_S = 60.0
"""Seconds that a fork waits at most: longer than any write, so that it never waits for ever."""

_guarded: WeakSet[threading.RLock] = WeakSet()
_held: list[threading.RLock] = []


def guarded() -> threading.RLock:
    """A lock that no other thread holds while the process forks."""
    lock = threading.RLock()
    _guarded.add(lock)
    return lock


def _before() -> None:
    _held.extend(lock for lock in list(_guarded) if lock.acquire(timeout=PATIENCE_S))


def _after() -> None:
    while _held:
        _held.pop().release()


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_after)
