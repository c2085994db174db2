"""A store that fails again and again is left alone, probed by one search, and asked as before once it answers."""

from __future__ import annotations

import threading

import pytest

from hybrid.breaker import Breaker, Patience


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(Patience(failures=3, wait_s=1, most_s=8), clock)


def fail(breaker: Breaker, times: int = 3) -> None:
    for _ in range(times):
        breaker.failed()


def test_a_circuit_opens_after_as_many_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.permits()
    assert breaker.to_dict() == {"circuit": "closed", "failures": 2, "retry_in_s": 0.0}
    breaker.failed()
    assert not breaker.permits()
    assert breaker.to_dict()["circuit"] == "open"


def test_one_probe_at_a_time_is_let_through_after_the_wait(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += 1.25
    assert breaker.to_dict()["circuit"] == "half_open"
    assert [breaker.permits() for _ in range(3)] == [True, False, False]
    breaker.succeeded()
    assert [breaker.permits() for _ in range(3)] == [True, True, True]


def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_the_most(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    for wait in (2, 4, 8, 8):
        clock.now += 10
        assert breaker.permits()
        breaker.failed()
        assert 0.75 * wait <= breaker.to_dict()["retry_in_s"] <= 1.25 * wait
        assert not breaker.permits()


def test_a_probe_that_was_not_sent_after_all_leaves_the_place_to_the_next(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += 2
    assert breaker.permits()
    breaker.abstained()
    assert breaker.permits()


def test_a_probe_that_is_never_told_of_ends_by_itself(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += 2
    assert breaker.permits()
    clock.now += 8.1
    assert breaker.permits()


def test_of_many_threads_one_probes(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += 2
    start, permitted = threading.Barrier(16), []

    def ask() -> None:
        start.wait(10)
        permitted.append(breaker.permits())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert permitted.count(True) == 1
