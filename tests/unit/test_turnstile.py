"""Many writers at once, or one who is alone: nobody waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hybrid.indexing.turnstile import Turnstile

PATIENCE_S = 10


@contextmanager
def running(*acts: Callable[[], object]) -> Iterator[list[threading.Thread]]:
    threads = [threading.Thread(target=act, daemon=True) for act in acts]
    for thread in threads:
        thread.start()
    yield threads
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("on_disk", [True, False])
def test_writes_that_keep_coming_do_not_keep_waiting_who_wants_to_be_alone(tmp_path: Path, on_disk: bool) -> None:
    path = tmp_path / "lock" if on_disk else None
    one = Turnstile(path)
    other = Turnstile(path) if on_disk else one  # as another process has it
    ended = threading.Event()

    def writes(turnstile: Turnstile) -> None:
        while not ended.is_set():
            with turnstile.passing():
                time.sleep(0.02)

    def alone() -> None:
        with one.alone():
            ended.set()

    with running(*(lambda of=of: writes(of) for of in (one, other) * 4)):  # type: ignore[misc]
        time.sleep(0.1)
        with running(alone):
            begun = ended.wait(PATIENCE_S / 2)
            ended.set()
    assert begun


def test_who_is_alone_is_alone(tmp_path: Path) -> None:
    one, other = Turnstile(tmp_path / "lock"), Turnstile(tmp_path / "lock")
    left = threading.Event()

    def write(turnstile: Turnstile) -> None:
        with turnstile.passing():
            assert left.is_set()

    alone = one.alone()
    alone.__enter__()
    with running(lambda: write(one), lambda: write(other)):
        time.sleep(0.1)
        left.set()
        alone.__exit__(None, None, None)


def test_a_write_within_a_write_does_not_wait_for_who_wants_to_be_alone(tmp_path: Path) -> None:
    turnstile, began = Turnstile(tmp_path / "lock"), threading.Event()

    def alone() -> None:
        with turnstile.alone():
            began.set()

    write = turnstile.passing()
    write.__enter__()
    with running(alone):
        assert not began.wait(0.1)
        with turnstile.passing():
            assert not began.is_set()
        write.__exit__(None, None, None)
    assert began.is_set()
