"""What if the process forks while a thread writes to a file? The fork waits until the write has ended.

SQLite keeps in the process who of it holds a lock on a file. A child would inherit the lock of a thread that it has
not, and wait for it for ever. So it would for a lock in memory: such are made anew in the child.
"""

from __future__ import annotations

import os
import threading
from typing import Protocol
from weakref import WeakSet

PATIENCE_S = 60.0
"""Seconds that a fork waits at most: longer than any write, so that it never waits for ever."""


class Forgetful(Protocol):
    """What has locks that a child of the process must not inherit."""

    def forget(self) -> None:
        """Called in a child, before all else: what threads held and did, they did in the parent. Makes locks anew."""
        ...


_guarded: WeakSet[threading.RLock] = WeakSet()
_forgetful: WeakSet[Forgetful] = WeakSet()
_held: list[threading.RLock] = []


def guarded() -> threading.RLock:
    """A lock that no other thread holds while the process forks."""
    lock = threading.RLock()
    _guarded.add(lock)
    return lock


def forgets(one: Forgetful) -> None:
    """Has it forget, in each child of the process from now on, what the parent's threads hold."""
    _forgetful.add(one)


def _before() -> None:
    _held.extend(lock for lock in list(_guarded) if lock.acquire(timeout=PATIENCE_S))


def _after() -> None:
    while _held:
        _held.pop().release()


def _in_the_child() -> None:
    _after()
    for one in list(_forgetful):
        one.forget()


os.register_at_fork(before=_before, after_in_parent=_after, after_in_child=_in_the_child)
