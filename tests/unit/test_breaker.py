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


def permitted(breaker: Breaker) -> int:
    permit = breaker.permit()
    assert permit is not None
    return permit


def fail(breaker: Breaker, times: int = 3) -> None:
    for _ in range(times):
        breaker.failed(permitted(breaker))


def test_a_circuit_opens_after_as_many_failures_in_a_row(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.succeeded(permitted(breaker))
    fail(breaker, 2)
    assert breaker.permit() is not None
    assert breaker.to_dict() == {"circuit": "closed", "failures": 2, "openings": 0, "retry_in_s": 0.0}
    fail(breaker, 1)
    assert breaker.permit() is None
    assert breaker.to_dict()["circuit"] == "open"


def test_searches_that_fail_together_open_it_once_and_not_for_longer(breaker: Breaker) -> None:
    permits = [permitted(breaker) for _ in range(72)]
    for permit in permits:
        breaker.failed(permit)
    state = breaker.to_dict()
    assert (state["circuit"], state["failures"]) == ("open", 3)
    assert 0.75 <= state["retry_in_s"] <= 1.25


def test_a_store_that_fails_every_second_time_is_left_alone_too(clock: Clock) -> None:
    breaker = Breaker(Patience(failures=3, window=4), clock)
    for told in (breaker.failed, breaker.succeeded, breaker.succeeded, breaker.succeeded, breaker.failed):
        told(permitted(breaker))
    assert breaker.to_dict()["circuit"] == "closed"  # of the last four one failed, of the first four one
    breaker.failed(permitted(breaker))
    assert breaker.to_dict()["circuit"] == "open"  # two of four
    clock.now += 2
    breaker.succeeded(permitted(breaker))
    breaker.failed(permitted(breaker))
    assert breaker.to_dict()["circuit"] == "closed"  # what was before it opened is forgotten


def test_who_was_permitted_before_it_opened_does_not_speak_for_the_probe(breaker: Breaker, clock: Clock) -> None:
    before = permitted(breaker)
    fail(breaker)
    clock.now += 2
    probe = permitted(breaker)
    for told in (breaker.failed, breaker.abstained, breaker.stuck, breaker.succeeded):
        told(before)
        assert breaker.to_dict()["circuit"] == "half_open"
        assert breaker.permit() is None
    breaker.succeeded(probe)
    assert breaker.to_dict() == {"circuit": "closed", "failures": 0, "openings": 1, "retry_in_s": 0.0}


def test_one_probe_at_a_time_is_let_through_after_the_wait(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += 1.25
    assert breaker.to_dict()["circuit"] == "half_open"
    probe = permitted(breaker)
    assert [breaker.permit() for _ in range(2)] == [None, None]
    breaker.succeeded(probe)
    assert None not in [breaker.permit() for _ in range(3)]


def test_a_probe_that_fails_opens_it_for_twice_as_long_up_to_the_most(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    for wait in (2, 4, 8, 8):
        clock.now += 10
        breaker.failed(permitted(breaker))
        assert 0.75 * wait <= breaker.to_dict()["retry_in_s"] <= 1.25 * wait
        assert breaker.permit() is None


def test_a_probe_that_was_not_sent_after_all_leaves_the_place_to_the_next(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += 2
    breaker.abstained(permitted(breaker))
    assert breaker.permit() is not None


def test_a_probe_that_finds_no_free_thread_failed_and_any_other_search_says_nothing(
    breaker: Breaker, clock: Clock
) -> None:
    for _ in range(5):
        breaker.stuck(permitted(breaker))
    assert breaker.to_dict() == {"circuit": "closed", "failures": 0, "openings": 0, "retry_in_s": 0.0}
    fail(breaker)
    clock.now += 2
    breaker.stuck(permitted(breaker))
    assert 1.5 <= breaker.to_dict()["retry_in_s"] <= 2.5


def test_a_probe_that_is_never_told_of_ends_by_itself(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += 2
    assert breaker.permit() is not None
    clock.now += 8.1
    assert breaker.permit() is not None


def test_of_many_threads_one_probes(breaker: Breaker, clock: Clock) -> None:
    fail(breaker)
    clock.now += 2
    start, permits = threading.Barrier(16), []

    def ask() -> None:
        start.wait(10)
        permits.append(breaker.permit())

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in permits if one is not None]) == 1
