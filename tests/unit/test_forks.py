"""What a fork does to locks that others hold."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest

import hybrid
from hybrid.engine import Engine
from hybrid.forks import guarded
from hybrid.indexing.turnstile import Turnstile
from hybrid.model import Record
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec
from hybrid.stores.embedded_text import TantivyText
from tests.embedders import HashedWords

PATIENCE_S = 10


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


@contextmanager
def child(act: Callable[[], object] = lambda: None) -> Iterator[int]:
    """A child that acts, says so, and stays until the block ends; a pipe that can be read once it has acted."""
    acted, say = os.pipe()
    stay, leave = os.pipe()
    one = os.fork()
    if one == 0:
        os.close(leave)
        signal.alarm(PATIENCE_S)  # ends it where it hangs
        try:
            act()
            os.write(say, b"1")
            os.read(stay, 1)
        finally:
            os._exit(0)
    os.close(say)
    os.close(stay)
    try:
        yield acted
    finally:
        os.close(leave)
        os.waitpid(one, 0)
        os.close(acted)


def ends(act: Callable[[], object]) -> bool:
    """Whether the call ends in a few seconds."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(PATIENCE_S / 2)
    return not thread.is_alive()


def alone(turnstile: Turnstile) -> None:
    with turnstile.alone():
        pass


def test_a_child_does_not_go_on_holding_the_lock_of_a_write_of_its_parent(tmp_path: Path) -> None:
    turnstile = Turnstile(tmp_path / "lock")
    with turnstile.passing():
        begun = child()
        acted = begun.__enter__()
    assert os.read(acted, 1) == b"1"  # the child lives, and the parent's write has ended
    assert ends(lambda: alone(turnstile))
    assert ends(lambda: alone(Turnstile(tmp_path / "lock")))
    begun.__exit__(None, None, None)


def test_a_child_does_not_wait_for_writes_that_are_its_parents_threads() -> None:
    turnstile, inside, leave = Turnstile(None), threading.Event(), threading.Event()

    def write() -> None:
        with turnstile.passing():
            inside.set()
            leave.wait(PATIENCE_S * 2)

    writer = threading.Thread(target=write)
    writer.start()
    inside.wait(PATIENCE_S)
    with child(lambda: alone(turnstile)) as acted:
        assert os.read(acted, 1) == b"1"
    leave.set()
    writer.join()
    assert ends(lambda: alone(turnstile))


@pytest.mark.parametrize("lock", ["_location._base._lock", "_location._base.catalog._lock", "_location._changed"])
def test_a_child_writes_though_a_thread_of_its_parent_was_beginning_to(tmp_path: Path, lock: str) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        held, leave = threading.Event(), threading.Event()

        def begin() -> None:
            with reached(engine, lock):
                held.set()
                leave.wait(PATIENCE_S * 2)

        thread = threading.Thread(target=begin)
        thread.start()
        held.wait(PATIENCE_S)
        with child(lambda: engine.put([{"id": "1", "text": "words"}])) as acted:
            assert os.read(acted, 1) == b"1"
        leave.set()
        thread.join()


def reached(engine: Engine, path: str) -> threading.Lock:
    found: object = engine
    for name in path.split("."):
        found = getattr(found, name)
    assert hasattr(found, "acquire")
    return found  # type: ignore[return-value]


def test_children_do_not_go_on_holding_the_locks_of_an_index_that_their_parent_was_writing_to(tmp_path: Path) -> None:
    store = TantivyText(tmp_path / "text", "c")
    store.create(Collection("c", Schema((Field("text", FieldType.TEXT),)), VectorSpec(1), "none"))
    versions, ended = iter(range(1, 1_000_000)), threading.Event()

    def write() -> None:
        store.write([Record("1", next(versions), "hash", {"text": "words"}, np.ones((1, 1), np.float32))])

    def writes() -> None:
        while not ended.is_set():
            write()

    writer = threading.Thread(target=writes, daemon=True)
    writer.start()
    with ExitStack() as children:
        for _ in range(5):
            children.enter_context(child())
        ended.set()
        assert ends(write)
    writer.join()
