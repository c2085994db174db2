"""The journal: what is owed stays owed, once, whoever dies and however often it is asked."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from hybrid.errors import JournalError
from hybrid.indexing.entries import Entry
from hybrid.indexing.journal import MOST_DELAY_S, Journal
from hybrid.model import Record, State

STORES = ("text", "vector")
VECTOR = np.array([[1.0, 2.0, 3.0]], np.float32)


class Time:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def opened(tmp_path: Path, time: Time) -> Iterator[Callable[..., Journal]]:
    """Opens the one journal file, as often as it is called."""
    journals = []

    def make(**options: int) -> Journal:
        journals.append(Journal(tmp_path / "journal.sqlite", now=time, **options))
        return journals[-1]

    yield make
    for journal in journals:
        journal.close()


@pytest.fixture
def journal(opened: Callable[..., Journal]) -> Journal:
    return opened()


def entry(one: str = "a", version: int = 1, text: str = "words", *, deleted: bool = False) -> Entry:
    return Entry(one, version, f"hash of {text}", {"text": text}, STORES, VECTOR, ((0, 5),), deleted)


def settle(journal: Journal, version: int, one: str = "a") -> None:
    for store in STORES:
        journal.settle(store, {one: version})


def free(journal: Journal, **versions: int) -> None:
    """Ends the leases of these changes, and makes them due."""
    journal.postpone(versions)
    journal.hurry()


def claimed(journal: Journal, most: int = 10) -> list[tuple[str, int, tuple[str, ...]]]:
    return [(one.id, one.version, one.owed) for one in journal.claim(most)]


def test_a_change_comes_back_as_it_was(opened: Callable[..., Journal]) -> None:
    first = opened()
    first.append([Entry("한 \U0001f600", 2**62, "h", {"text": "é", "n": [1, None]}, STORES, VECTOR, ((0, 5),))])
    first.close()
    (found,) = opened().claim(10)
    assert (found.id, found.version, found.hash, found.owed) == ("한 \U0001f600", 2**62, "h", STORES)
    assert found.source == {"text": "é", "n": [1, None]}
    assert (found.passages, found.deleted, found.attempts) == (((0, 5),), False, 0)
    assert found.vectors is not None
    np.testing.assert_array_equal(found.vectors, VECTOR)


def test_a_change_without_vectors_and_a_tombstone_without_rows_come_back(journal: Journal) -> None:
    nothing = np.empty((0, 3), np.float32)
    journal.append([Entry("a", 1, "h", {}, STORES), Entry("b", 2, "", {}, STORES, nothing, deleted=True)])
    free(journal, a=1, b=2)
    found = {one.id: one for one in journal.claim(10)}
    assert found["a"].vectors is None
    assert found["b"].vectors is not None
    assert found["b"].vectors.shape == (0, 3)
    assert found["b"].deleted


def test_nothing_can_be_appended_claimed_and_settled(journal: Journal) -> None:
    journal.append([])
    journal.settle("text", {})
    journal.postpone({})
    assert claimed(journal) == []
    assert journal.states([]) == {}
    assert journal.backlog().entries == 0


def test_the_newest_change_of_an_id_wins_in_whatever_order_they_come(journal: Journal) -> None:
    journal.append([entry(version=5, text="five")])
    journal.append([entry(version=4, text="four"), entry(version=5, text="another five")])
    assert journal.states(["a", "b"]) == {"a": State(5, "hash of five")}
    journal.append([entry(version=6, deleted=True)])
    assert journal.states(["a"]) == {"a": State(6, "hash of words", deleted=True)}
    assert journal.backlog().entries == 1


def test_a_newer_change_is_owed_to_all_stores_again(journal: Journal) -> None:
    journal.append([entry(version=1)])
    journal.settle("text", {"a": 1})
    journal.append([entry(version=2)])
    assert journal.backlog().owed == {"text": 1, "vector": 1}


@pytest.mark.parametrize("version", [1, 3])
def test_a_debt_goes_only_at_exactly_its_version(journal: Journal, version: int) -> None:
    journal.append([entry(version=2)])
    settle(journal, version)
    assert journal.backlog().owed == {"text": 1, "vector": 1}
    settle(journal, 2)
    assert journal.backlog().entries == 0


def test_a_change_goes_when_its_last_debt_goes(journal: Journal) -> None:
    journal.append([entry()])
    journal.settle("text", {"a": 1})
    assert (journal.backlog().entries, journal.backlog().owed) == (1, {"vector": 1})
    journal.settle("vector", {"a": 1})
    assert (journal.backlog().entries, journal.states(["a"])) == (0, {})


def test_a_change_is_leased_to_one_of_two_holders_at_a_time(opened: Callable[..., Journal], time: Time) -> None:
    one, other = opened(), opened()
    one.append([entry()])
    assert (claimed(one), claimed(other)) == ([], [])
    one.postpone({"a": 1})
    time.now += 1
    assert claimed(other) == [("a", 1, STORES)]
    assert claimed(one) == []
    time.now += 59.9
    assert claimed(one) == []
    time.now += 0.2
    assert claimed(one) == [("a", 1, STORES)]


def test_a_holder_that_closes_gives_up_its_leases(opened: Callable[..., Journal]) -> None:
    one, other = opened(), opened()
    one.append([entry()])
    one.close()
    assert claimed(other) == [("a", 1, STORES)]


def test_a_lease_does_not_outlast_a_clock_that_steps_back(opened: Callable[..., Journal], time: Time) -> None:
    one, other = opened(), opened()
    one.append([entry()])
    one.postpone({"a": 1})
    time.now += 1
    assert one.claim(1)
    time.now -= 86_400
    assert claimed(other) == [("a", 1, STORES)]


def test_oldest_changes_are_claimed_first_and_no_more_than_asked_for(journal: Journal, time: Time) -> None:
    for name in ("c", "a", "b"):
        journal.append([entry(name)])
        free(journal, **{name: 1})
        time.now += 1
    assert [one for one, *_ in claimed(journal, 2)] == ["c", "a"]
    assert [one for one, *_ in claimed(journal, 2)] == ["b"]


def test_a_change_that_failed_is_due_later_each_time_but_never_later_than_the_cap(journal: Journal, time: Time) -> None:
    journal.append([entry()])
    delays = []
    for _ in range(12):
        journal.postpone({"a": 1})
        with journal._reading() as database:
            (due,) = database.execute("SELECT due FROM entries").fetchone()
        delays.append(due - time.now)
        assert claimed(journal) == []
    assert all(0.125 * 2**n <= delay <= 0.25 * 2**n for n, delay in enumerate(delays[:7]))
    assert all(MOST_DELAY_S / 2 <= delay <= MOST_DELAY_S for delay in delays[8:])
    time.now += MOST_DELAY_S
    assert journal.claim(1)[0].attempts == 12


def test_hurry_makes_everything_due(journal: Journal) -> None:
    journal.append([entry()])
    for _ in range(9):
        journal.postpone({"a": 1})
    journal.hurry()
    assert claimed(journal) == [("a", 1, STORES)]


def test_hurry_leaves_what_is_leased_to_one_who_lives(opened: Callable[..., Journal]) -> None:
    one, other = opened(), opened()
    one.append([entry()])
    other.hurry()
    assert claimed(other) == []


def test_postponing_another_version_does_nothing(journal: Journal, time: Time) -> None:
    journal.append([entry(version=2)])
    journal.postpone({"a": 1})
    time.now += 30
    assert claimed(journal) == []


def test_what_is_owed_of_some_ids_is_told_alone(journal: Journal) -> None:
    journal.append([entry(one) for one in "abc"])
    settle(journal, 1, "b")
    assert [one.id for one in journal.owed(["c", "b", "x"])] == ["c"]
    assert [one.id for one in journal.owed()] == ["a", "c"]


def test_a_process_that_died_leaves_its_changes_to_the_next(opened: Callable[..., Journal], tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from hybrid.indexing.entries import Entry;"
        "from hybrid.indexing.journal import Journal;"
        "Journal(Path(sys.argv[1])).append([Entry('a', 7, 'h', {'text': 'x'}, ('text', 'vector'))]); os._exit(9)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path / "journal.sqlite")], check=False)
    assert ran.returncode == 9
    journal = opened()
    journal.hurry()
    assert claimed(journal) == [("a", 7, STORES)]
    assert journal.last_version() == 7


def test_two_processes_append_at_once_and_nothing_is_missing(opened: Callable[..., Journal], tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from hybrid.indexing.entries import Entry;"
        "from hybrid.indexing.journal import Journal;"
        "journal = Journal(Path(sys.argv[1]));"
        "[journal.append([Entry(f'{sys.argv[2]}{n}', n + 1, 'h', {}, ('text',))]) for n in range(100)];"
        "journal.close()"
    )
    path = str(tmp_path / "journal.sqlite")
    running = [subprocess.Popen([sys.executable, "-c", code, path, name]) for name in "xy"]
    assert [process.wait(60) for process in running] == [0, 0]
    found = {one.id for one in opened().claim(1000)}
    assert found == {f"{name}{n}" for name in "xy" for n in range(100)}


def test_a_full_disk_is_told_and_nothing_is_taken(journal: Journal) -> None:
    journal.append([entry("a")])
    with journal._reading() as database:
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}").fetchone()
    with pytest.raises(JournalError, match=r"disk is full.*Free some space"):
        journal.append([entry("b", text="x" * 100_000)])
    assert sorted(journal.states(["a", "b"])) == ["a"]


def test_a_file_that_is_no_journal_is_told_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"certainly not a database " * 100)
    with pytest.raises(JournalError, match=r"not a database.*Move the file away.*hybrid verify --repair"):
        Journal(path).append([entry()])


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be made"):
        Journal(tmp_path / "file" / "journal.sqlite").append([entry()])


def test_counters_survive_closing_and_clearing(opened: Callable[..., Journal]) -> None:
    first = opened()
    first.append([entry(version=9), entry("b", version=4)])
    number = first.take_writer()
    first.clear()
    first.close()
    second = opened()
    assert second.last_version() == 9
    assert second.take_writer() == (number + 1) % 1024
    assert (second.backlog().entries, claimed(second)) == (0, [])


def test_a_buried_change_makes_room_for_what_takes_its_place(journal: Journal, time: Time) -> None:
    bad = entry(version=4, text="bad")
    journal.append([bad])
    journal.bury(bad, "text", "mapping conflict", entry(version=5, text="old"))
    (letter,) = journal.dead_letters()
    assert (letter.id, letter.version, letter.store, letter.reason) == ("a", 4, "text", "mapping conflict")
    assert (letter.source, letter.at) == ({"text": "bad"}, time.now)
    assert journal.backlog().dead == 1
    assert claimed(journal) == [("a", 5, STORES)]


def test_a_newer_change_is_not_overtaken_by_one_that_takes_the_place_of_an_older(journal: Journal) -> None:
    journal.append([entry(version=4, text="bad")])
    journal.append([entry(version=6, text="new")])
    journal.bury(entry(version=4, text="bad"), "text", "mapping conflict", entry(version=5, text="old"))
    assert journal.states(["a"]) == {"a": State(6, "hash of new")}
    assert claimed(journal) == []  # the writer of 6 has it


def test_a_dead_letter_goes_with_a_newer_change_of_its_id_and_not_with_what_takes_its_place(journal: Journal) -> None:
    for name in "abc":
        journal.append([entry(name, version=4, text="bad")])
        journal.bury(entry(name, version=4, text="bad"), "text", "too large", entry(name, version=5, text="old"))
    journal.append([entry("a", version=5, text="old")])  # as a repair does
    assert journal.backlog().dead == 3
    journal.append([entry("a", version=6, text="good")])
    assert sorted(one.id for one in journal.dead_letters()) == ["b", "c"]
    journal.forgive(["b"])
    assert [one.id for one in journal.dead_letters()] == ["c"]


def test_dead_letters_come_newest_first(journal: Journal, time: Time) -> None:
    for name in "abc":
        journal.bury(entry(name), "text", "too large", entry(name, 2))
        time.now += 1
    assert [one.id for one in journal.dead_letters(2)] == ["c", "b"]


def test_vectors_are_kept_for_exactly_their_version(journal: Journal) -> None:
    journal.append([Entry("a", 2, "h", {}, STORES)])
    for version, value in [(1, 1.0), (2, 2.0)]:
        vectors = np.full((2, 3), value, np.float32)
        journal.embedded([Record("a", version, "h", {}, vectors, ((0, 1), (1, 2)))])
    free(journal, a=2)
    (found,) = journal.claim(1)
    assert found.vectors is not None
    np.testing.assert_array_equal(found.vectors, np.full((2, 3), 2.0, np.float32))
    assert found.passages == ((0, 1), (1, 2))


def test_what_is_written_but_not_durable_waits_for_a_restart(journal: Journal) -> None:
    journal.append([entry()])
    journal.settle("text", {"a": 1})
    journal.wrote("vector", {"a": 1}, "run 1")
    assert journal.volatile() == {"vector"}
    assert (journal.backlog().entries, journal.backlog().owed) == (1, {})
    assert journal.restarted("vector", "run 1", keep_s=100) == 0
    assert claimed(journal) == []
    assert journal.restarted("vector", "run 2", keep_s=100) == 1
    assert claimed(journal) == [("a", 1, ("vector",))]  # at once, whoever had it


def test_what_is_not_durable_is_forgotten_after_its_time(journal: Journal, time: Time) -> None:
    journal.append([entry()])
    journal.settle("text", {"a": 1})
    journal.wrote("vector", {"a": 1}, "run 1")
    time.now += 100
    assert journal.restarted("vector", "run 1", keep_s=100) == 0
    assert journal.backlog().entries == 1
    time.now += 0.1
    assert journal.restarted("vector", "run 1", keep_s=100) == 0
    assert (journal.backlog().entries, journal.volatile()) == (0, frozenset())


def test_the_age_of_the_oldest_change_is_told(journal: Journal, time: Time) -> None:
    assert journal.backlog().oldest_s == 0
    journal.append([entry("a")])
    time.now += 5
    journal.append([entry("b")])
    time.now += 2
    assert journal.backlog().oldest_s == 7
    time.now -= 1000
    assert journal.backlog().oldest_s == 0


def test_a_journal_in_memory_has_no_file(tmp_path: Path) -> None:
    with closing(Journal(None)) as journal:
        journal.append([entry()])
        assert journal.backlog().entries == 1
    assert list(tmp_path.iterdir()) == []


def test_each_commit_is_synced_to_the_disk(journal: Journal) -> None:
    journal.append([entry()])
    with journal._reading() as database:
        assert database.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_transaction_that_fails_has_not_happened(journal: Journal) -> None:
    journal.append([entry("a", version=1), entry("b", version=1)])
    unsayable: dict[str, int] = {"a": 1, "b": 2**63}  # the second is too large for SQLite
    with pytest.raises(OverflowError):
        journal.settle("text", unsayable)
    assert journal.backlog().owed == {"text": 2, "vector": 2}


def test_a_locked_journal_is_told(opened: Callable[..., Journal], tmp_path: Path) -> None:
    journal = opened()
    journal.append([entry()])
    with journal._reading() as database:
        database.execute("PRAGMA busy_timeout = 50")
    with closing(sqlite3.connect(tmp_path / "journal.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match=r"locked.*Another process"):
            journal.append([entry("b")])
