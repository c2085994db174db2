"""Versions: larger later, never the same for two writers, whatever the machine's clock does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.indexing.clock import WRITERS, Clock, put_back, version_at, written_at

NOON = 1_700_000_000_000


def test_a_version_is_milliseconds_counter_and_writer() -> None:
    clock = Clock(5, lambda: 3)
    assert [clock.tick(), clock.tick()] == [3 << 21 | 0 << 11 | 5 << 1, 3 << 21 | 1 << 11 | 5 << 1]


def test_a_version_of_today_fits_63_bits() -> None:
    assert NOON << 21 < Clock(WRITERS - 1, lambda: NOON).tick() < 1 << 63


def test_versions_grow_where_the_clock_stands_still_or_steps_back() -> None:
    times = iter([100, 100, 40, 101])
    clock = Clock(0, lambda: next(times))
    versions = [clock.tick() for _ in range(4)]
    assert versions == sorted(set(versions))
    assert versions[3] == 101 << 21


def test_more_versions_in_a_millisecond_than_the_counter_holds_run_into_the_next_one() -> None:
    clock = Clock(7, lambda: 1)
    versions = [clock.tick() for _ in range(3000)]
    assert versions == sorted(set(versions))
    assert {version // 2 % WRITERS for version in versions} == {7}
    assert written_at(versions[1023]) == 0.001
    assert written_at(versions[1024]) == 0.002


def test_two_writers_never_make_the_same_version() -> None:
    one, other = Clock(1, lambda: 9), Clock(2, lambda: 9)
    assert not {one.tick() for _ in range(50)} & {other.tick() for _ in range(50)}


@given(st.integers(0, (1 << 62) - 1), st.integers(0, WRITERS - 1))
def test_a_version_after_one_that_was_seen_is_larger(seen: int, writer: int) -> None:
    clock = Clock(writer, lambda: 0)
    clock.see(seen)
    assert clock.tick() > seen


def test_an_older_version_that_is_seen_changes_nothing() -> None:
    clock = Clock(0, lambda: 50)
    first = clock.tick()
    clock.see(1)
    assert clock.tick() == first + 2 * WRITERS


def test_what_is_put_back_comes_right_after_what_it_replaces_and_before_every_other_write() -> None:
    one, other = Clock(1, lambda: 9), Clock(2, lambda: 9)
    first, second = one.tick(), other.tick()
    assert first < put_back(first) < second < put_back(second) < one.tick()


def test_what_takes_the_place_of_what_was_put_back_is_larger_still() -> None:
    version = Clock(1, lambda: 9).tick()
    assert version < put_back(version) < put_back(put_back(version))


@given(st.integers(1, (1 << 42) - 1), st.integers(0, WRITERS - 1))
def test_a_version_tells_when_it_was_made(ms: int, writer: int) -> None:
    version = Clock(writer, lambda: ms).tick()
    assert written_at(version) == written_at(put_back(version)) == ms / 1000
    assert version_at((ms - 0.5) / 1000) <= version


@pytest.mark.parametrize("writer", [-1, WRITERS])
def test_a_writer_beyond_ten_bits_is_refused(writer: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 1023"):
        Clock(writer)


def test_threads_share_a_clock() -> None:
    clock = Clock(0)
    with ThreadPoolExecutor(8) as pool:
        versions = [one for part in pool.map(lambda _: [clock.tick() for _ in range(200)], range(8)) for one in part]
    assert len(set(versions)) == 1600
