"""What a fork does to locks that others hold."""

from __future__ import annotations

import os
import threading

from hybrid.forks import guarded


def test_a_child_never_inherits_a_guarded_lock_that_another_thread_holds() -> None:
    lock, ended = guarded(), threading.Event()

    def write() -> None:
        while not ended.is_set():
            with lock:
                sum(range(10_000))

    writer = threading.Thread(target=write)
    writer.start()
    statuses = []
    for _ in range(20):
        child = os.fork()
        if child == 0:
            os._exit(0 if lock.acquire(timeout=1) else 1)
        statuses.append(os.waitpid(child, 0)[1])
    ended.set()
    writer.join()
    assert statuses == [0] * 20


def test_the_parent_gives_its_locks_back() -> None:
    lock = guarded()
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    taken = []
    other = threading.Thread(target=lambda: taken.append(lock.acquire(timeout=5)))
    other.start()
    other.join()
    assert taken == [True]
