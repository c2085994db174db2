"""What a store is asked beside searches ends in time too, and a dead store is not asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from hybrid.bounded import Bounded
from hybrid.errors import CollectionNotFound, StoreDenied, StoreError, StoreFull, StoreTimeout, StoreUnavailable
from hybrid.search import POOL_THREADS, WAITING, Pools


@pytest.fixture
def pools() -> Iterator[Pools]:
    made = Pools()
    yield made
    made.close()


class Shelf:
    name = "redis"

    def fetch(self, ids: list[str]) -> dict[str, str]:
        return {one: threading.current_thread().name for one in ids}


def bounded(pools: Pools, within_s: float = 5.0, *, here: bool = False) -> Bounded:
    store: Any = Shelf()
    return Bounded(store, "vector", pools, within_s, here)


def denies(_: object) -> None:
    raise StoreDenied("redis", "no")


def test_a_server_is_asked_in_its_own_pool_and_what_is_here_in_the_callers_thread(pools: Pools) -> None:
    assert str(bounded(pools).fetch(["a"])["a"]).startswith("hybrid-vector")
    assert str(bounded(pools, here=True).fetch(["a"])["a"]) == threading.current_thread().name


@pytest.mark.parametrize("error", [StoreDenied("redis", "no"), CollectionNotFound("none")])
def test_an_error_of_the_store_comes_out_as_it_is(pools: Pools, error: Exception) -> None:
    def fails(_: object) -> None:
        raise error

    with pytest.raises(type(error)) as raised:
        bounded(pools).ask(fails)
    assert raised.value is error


def test_an_error_nobody_foresaw_is_the_stores(pools: Pools) -> None:
    with pytest.raises(StoreError, match=r"redis: ZeroDivisionError \(see the log\)"):
        bounded(pools).ask(lambda _: 1 // 0)


def test_a_store_that_hangs_is_left_in_time(pools: Pools) -> None:
    release = threading.Event()
    started = time.monotonic()
    with pytest.raises(StoreTimeout, match="redis: no answer by the deadline"):
        bounded(pools, 0.05).ask(lambda _: release.wait(30))
    release.set()
    assert time.monotonic() - started < 5


def test_a_dead_store_is_not_asked(pools: Pools) -> None:
    for _ in range(5):
        with pytest.raises(StoreDenied):
            bounded(pools).ask(denies)
    with pytest.raises(StoreUnavailable, match="failed several times in a row"):
        bounded(pools).ask(lambda _: pytest.fail("it was asked"))


def test_a_store_with_too_many_questions_is_not_asked_another(pools: Pools) -> None:
    release = threading.Event()
    answer: Any = lambda: release.wait(30)  # noqa: E731
    held = [pools.of("vector").submit(answer) for _ in range(POOL_THREADS + WAITING)]
    with pytest.raises(StoreFull, match="are under way or wait"):
        bounded(pools).fetch(["a"])
    release.set()
    assert all(held)
