"""Comparing the stores: each way to differ is named, repaired in place, and nothing else is touched."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from hybrid.errors import StoreUnavailable
from hybrid.indexing.clock import Clock
from hybrid.indexing.entries import Entry
from hybrid.indexing.flush import BATCH, Flusher
from hybrid.indexing.journal import Journal
from hybrid.indexing.reconcile import Difference, Fault, Verification, repair, verify
from hybrid.model import Record, State
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec
from hybrid.stores.base import Store
from tests.faults.simulation.scripted import ScriptedStore, fails, nothing
from tests.faults.simulation.server import Durability

COLLECTION = Collection("c", Schema((Field("text", FieldType.TEXT),)), VectorSpec(3), "none")
NOW_MS = 1_700_000_000_000
FAR = 1 << 62
"""A snapshot later than every version."""


HORIZON = 3
"""The version below which tombstones are old."""


class World:
    """Two stores in memory, a journal, and what repairs through them."""

    def __init__(self) -> None:
        self.text = ScriptedStore("elasticsearch", COLLECTION, Durability.AT_ONCE)
        self.vector = ScriptedStore("redis", COLLECTION, Durability.ON_SYNC)
        self.stores: dict[str, Store] = {"text": self.text, "vector": self.vector}
        self.journal = Journal(None)
        self.flusher = Flusher(COLLECTION, self.stores, lambda: None, self.journal)
        self.clock = Clock(1, lambda: NOW_MS)

    def verify(self, snapshot: int = FAR) -> Verification:
        return verify(self.stores, self.journal, snapshot, HORIZON)

    def found(self, snapshot: int = FAR) -> list[tuple[str, str, str]]:
        return [(one.id, str(one.fault), one.store) for one in self.verify(snapshot).differences]

    def repair(self, *ids: str) -> int:
        count = repair(ids, self.stores, self.journal, self.flusher, self.clock, HORIZON)
        self.flusher.wait()
        return count

    def held(self, one: str) -> list[tuple[int, str | None] | None]:
        rows = [store.server.rows.get(one) for store in (self.text, self.vector)]
        return [(row.version, row.source.get("text")) if row else None for row in rows]


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.flusher.close()
    made.journal.close()


def doc(one: str, version: int, text: str = "words") -> Record:
    return Record(one, version, f"hash of {text}", {"text": text}, np.ones((1, 3), np.float32))


def tombstone(one: str, version: int) -> Record:
    return Record(one, version, "", {}, np.empty((0, 3), np.float32), deleted=True)


def hold(text: Record | None, vector: Record | None, world: World) -> None:
    if text:
        world.text.server.hold(text)
    if vector:
        world.vector.server.hold(vector)


def test_empty_stores_agree(world: World) -> None:
    found = world.verify()
    assert (found.agree, found.compared, found.pending) == (True, 0, 0)
    assert found.counts == {"missing": 0, "stale": 0, "orphan": 0, "torn": 0}


def test_stores_that_hold_the_same_agree(world: World) -> None:
    for number in range(1000):
        record = doc(f"é{number}", number + 1) if number % 3 else tombstone(f"é{number}", number + 1)
        hold(record, record, world)
    found = world.verify()
    assert (found.agree, found.compared) == (True, 1000)


@pytest.mark.parametrize(
    ("text", "vector", "expected"),
    [
        (doc("a", 2), None, ("a", "missing", "vector")),
        (None, doc("a", 2), ("a", "missing", "text")),
        (doc("a", 2, "new"), doc("a", 1), ("a", "stale", "vector")),
        (doc("a", 1), doc("a", 2), ("a", "stale", "text")),
        (doc("a", 2), tombstone("a", 1), ("a", "stale", "vector")),
        (tombstone("a", 2), tombstone("a", 1), ("a", "stale", "vector")),
        (doc("a", 1), tombstone("a", 2), ("a", "orphan", "text")),
        (tombstone("a", 2), doc("a", 1), ("a", "orphan", "vector")),
        (doc("a", 2, "one"), doc("a", 2, "other"), ("a", "torn", "")),
        (doc("a", 2), tombstone("a", 2), ("a", "torn", "")),
    ],
)
def test_each_difference_is_named_and_repaired_and_then_gone(
    world: World, text: Record | None, vector: Record | None, expected: tuple[str, str, str]
) -> None:
    hold(doc("b", 9), doc("b", 9), world)
    hold(text, vector, world)
    newest = max((one for one in (text, vector) if one), key=lambda one: one.version)
    assert world.found() == [expected]
    assert world.verify().counts[expected[1]] == 1
    assert world.repair("a") == 1
    assert world.found() == []
    version = newest.version if expected[1] != "torn" else NOW_MS << 21 | 1 << 1
    assert world.held("a") == [(version, newest.source.get("text"))] * 2
    assert world.held("b") == [(9, "words")] * 2
    assert world.journal.backlog().entries == 0


@pytest.mark.parametrize("in_text", [True, False])
def test_an_old_tombstone_that_only_one_store_kept_is_no_difference(world: World, in_text: bool) -> None:
    old = tombstone("a", HORIZON - 1)
    hold(*((old, None) if in_text else (None, old)), world)
    assert world.found() == []
    assert world.repair("a") == 0


@pytest.mark.parametrize("in_text", [True, False])
def test_a_tombstone_that_a_store_lost_is_given_back_so_that_the_other_may_lose_it_too(
    world: World, in_text: bool
) -> None:
    young = tombstone("a", HORIZON)
    hold(*((young, None) if in_text else (None, young)), world)
    assert world.found() == [("a", "missing", "vector" if in_text else "text")]
    assert world.repair("a") == 1
    assert world.held("a") == [(HORIZON, None)] * 2
    assert world.found() == []


def test_what_is_newer_than_the_snapshot_is_not_looked_at(world: World) -> None:
    hold(doc("a", 5), None, world)
    hold(doc("b", 6), doc("b", 5), world)
    assert world.found(snapshot=4) == []
    assert world.found(snapshot=5) == [("a", "missing", "vector")]
    assert world.found(snapshot=6) == [("a", "missing", "vector"), ("b", "stale", "vector")]


def test_what_is_pending_is_counted_and_not_called_a_difference(world: World) -> None:
    hold(doc("a", 2), None, world)
    hold(doc("b", 2), None, world)
    world.journal.append([Entry("a", 2, "hash of words", {"text": "words"}, ("vector",))])
    found = world.verify()
    assert [one.id for one in found.differences] == ["b"]
    assert found.pending == 1


def test_what_the_journal_only_keeps_in_case_a_store_restarts_is_compared(world: World) -> None:
    record = doc("a", 2)
    world.vector.server.durability = Durability.NEVER
    world.journal.append([Entry("a", 2, record.hash, record.source, ("text", "vector"), record.vectors)])
    world.journal.postpone({"a": 2})
    world.journal.hurry()
    world.flusher.drain()
    world.flusher.wait()
    assert (world.journal.backlog().entries, world.journal.waiting()) == (1, 0)
    for store, name in ((world.vector, "vector"), (world.text, "text")):
        del store.server.rows["a"]  # thrown away for want of memory, or by hand: nothing restarted
        assert (world.verify().pending, world.found()) == (0, [("a", "missing", name)])
        store.before_write = fails(StoreUnavailable(name, "too busy"))
        assert world.repair("a") == 0
        assert world.journal.backlog().owed == {name: 1}
        store.before_write = nothing
        world.journal.hurry()
        assert world.flusher.drain() == 1
        world.flusher.wait()
        assert world.held("a") == [(2, "words"), (2, "words")]


def test_what_is_paid_while_the_stores_are_read_is_no_difference(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = doc("a", 1), doc("a", 2, "new")
    hold(new, old, world)
    world.journal.append([Entry("a", 2, new.hash, new.source, ("vector",), new.vectors)])
    scan, read = world.vector.scan, []

    def pays_at_the_end() -> Iterator[tuple[str, State]]:
        yield from scan()
        read.append("vector")
        if len(read) == 2:  # for digests, then for the ids of buckets that differ
            world.journal.postpone({"a": 2})
            world.journal.hurry()
            world.flusher.drain()
            world.flusher.wait()

    monkeypatch.setattr(world.vector, "scan", pays_at_the_end)
    assert world.found() == []
    assert (len(read), world.journal.backlog().entries) == (2, 0)
    assert world.held("a") == [(2, "new"), (2, "new")]


def test_differences_are_told_by_id_with_the_versions_of_both(world: World) -> None:
    for one in ("c", "a", "b"):
        hold(doc(one, 2), None, world)
    first, *rest = world.verify().differences
    assert first == Difference("a", Fault.MISSING, "vector", {"text": 2, "vector": None})
    assert [one.id for one in rest] == ["b", "c"]
    versions = {"text": "2", "vector": None}
    assert first.to_dict() == {"id": "a", "fault": "missing", "store": "vector", "versions": versions}


def test_a_thousand_differences_are_told_and_all_are_counted(world: World) -> None:
    for number in range(1001):
        hold(doc(f"{number:04}", 2), None, world)
    body = world.verify().to_dict()
    assert body["agree"] is False
    assert body["counts"] == {"missing": 1001, "stale": 0, "orphan": 0, "torn": 0}
    assert len(body["differences"]) == 1000


def test_a_store_that_lost_everything_gets_it_back_batch_by_batch(world: World) -> None:
    ids = [f"d{number}" for number in range(BATCH + 1)]
    for one in ids:
        hold(doc(one, 2), None, world)
    assert world.repair(*ids) == BATCH + 1
    assert world.found() == []
    np.testing.assert_array_equal(world.vector.server.rows["d0"].vectors, world.text.server.rows["d0"].vectors)


def test_repairing_what_agrees_and_what_nobody_knows_does_nothing(world: World) -> None:
    hold(doc("a", 2), doc("a", 2), world)
    assert world.repair() == 0
    assert world.repair("a", "nobody") == 0
    assert world.journal.last_version() == 0


def test_a_repair_does_not_undo_what_was_written_after_the_verification(world: World) -> None:
    hold(doc("a", 2), doc("a", 1), world)
    assert world.found() == [("a", "stale", "vector")]
    hold(doc("a", 8, "newer"), doc("a", 8, "newer"), world)
    assert world.repair("a") == 0
    assert world.held("a") == [(8, "newer")] * 2


def test_a_repair_that_a_store_does_not_take_is_not_counted_and_stays_owed(world: World) -> None:
    hold(doc("a", 2), None, world)
    world.vector.before_write = fails(StoreUnavailable("redis", "connection refused"))
    assert world.repair("a") == 0
    assert world.journal.backlog().owed == {"vector": 1}
    world.vector.before_write = nothing
    world.journal.hurry()
    assert world.flusher.drain() == 1
    world.flusher.wait()
    assert world.found() == []


def test_a_store_that_does_not_answer_is_an_error_and_no_difference(world: World) -> None:
    hold(doc("a", 2), None, world)
    world.text.before_records = fails(StoreUnavailable("elasticsearch", "connection refused"))
    with pytest.raises(StoreUnavailable, match="connection refused"):
        world.repair("a")
    assert world.journal.backlog().entries == 0
