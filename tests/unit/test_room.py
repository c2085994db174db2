"""Room in the journal: what waits for a store is bounded, and what does not wait is in nobody's way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hybrid.errors import BacklogFull
from hybrid.indexing.entries import Entry
from hybrid.indexing.journal import Journal

STORES = ("text", "vector")

Opened = Callable[[int], Journal]


@pytest.fixture
def time() -> list[float]:
    """Seconds since 1970, which a test sets."""
    return [0.0]


@pytest.fixture
def opened(time: list[float]) -> Iterator[Opened]:
    """Makes a journal that takes so many changes."""
    journals = []

    def make(limit: int) -> Journal:
        journals.append(Journal(None, limit=limit, now=lambda: time[0]))
        return journals[-1]

    yield make
    for journal in journals:
        journal.close()


def entry(one: str) -> Entry:
    return Entry(one, 1, "hash", {"text": "words"}, STORES)


def test_a_full_backlog_takes_nothing_of_a_batch(opened: Opened) -> None:
    journal = opened(3)
    journal.append([entry("a"), entry("b")])
    with pytest.raises(BacklogFull, match="2 changes wait") as caught:
        journal.append([entry("c"), entry("d")])
    assert (caught.value.held, caught.value.limit) == (2, 3)
    assert sorted(journal.states(["a", "b", "c", "d"])) == ["a", "b"]
    journal.append([entry("c")])


def test_what_is_only_kept_in_case_a_store_restarts_makes_room_the_oldest_first(
    opened: Opened, time: list[float]
) -> None:
    journal = opened(3)
    for one, at in (("new", 5.0), ("older", 2.0), ("owed", 1.0)):
        time[0] = at
        journal.append([entry(one)])
    for one in ("new", "older"):
        journal.settle("text", {one: 1})
        journal.wrote("vector", {one: 1}, "run 1")
    journal.append([entry("a")])
    assert sorted(journal.states(["new", "older", "owed", "a"])) == ["a", "new", "owed"]
    journal.append([entry("b")])
    assert journal.backlog().owed == {"text": 3, "vector": 3}
    with pytest.raises(BacklogFull, match="3 changes wait"):
        journal.append([entry("c")])
    assert journal.restarted("vector", "run 2", keep_s=100) == 0


def test_a_batch_that_is_larger_than_the_backlog_waits_for_an_empty_journal(opened: Opened) -> None:
    journal = opened(2)
    journal.append([entry("a")])
    with pytest.raises(BacklogFull):
        journal.append([entry("b"), entry("c"), entry("d")])
    for store in STORES:
        journal.settle(store, {"a": 1})
    journal.append([entry("b"), entry("c"), entry("d")])
    assert journal.backlog().entries == 3


def test_looking_for_work_does_not_go_through_what_no_store_is_owed(opened: Opened) -> None:
    journal = opened(10_000)
    versions = {str(number): 1 for number in range(2000)}
    journal.append([entry(one) for one in versions])
    steps = {False: 0, True: 0}
    for kept in steps:
        with journal._reading() as database:
            database.set_progress_handler(lambda: steps.update({kept: steps[kept] + 1}), 100)  # noqa: B023 (as it is now)
        if kept:
            journal.settle("text", versions)
            journal.wrote("vector", versions, "run 1")
            steps[kept] = 0
        journal.postpone({"0": 2})
        journal.claim(10)
        journal.hurry()
    assert steps[True] * 4 < steps[False]
