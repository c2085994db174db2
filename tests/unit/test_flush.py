"""Paying debts: what a store refuses is put back in both, and what cannot be done now is tried again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from hybrid.errors import EmbeddingError, StoreFull, StoreUnavailable
from hybrid.indexing.entries import Entry
from hybrid.indexing.flush import Flusher, Paid
from hybrid.indexing.journal import Journal
from hybrid.model import Record, Vector, WriteOutcome, Wrote
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec
from tests.embedders import HashedWords
from tests.faults.simulation.scripted import ScriptedStore, fails, nothing
from tests.faults.simulation.server import Durability

COLLECTION = Collection("c", Schema((Field("text", FieldType.TEXT),)), VectorSpec(64), HashedWords.name)
BOTH = ("text", "vector")


class Model(HashedWords):
    """Fails while a test wants it to; counts what it embeds."""

    broken = False
    embedded = 0
    asked = 0

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        self.asked += 1
        if self.broken:
            raise EmbeddingError("out of memory")
        if any(text.startswith("unreadable") for text in texts):
            raise ZeroDivisionError("secret")
        self.embedded += len(texts)
        return super().embed_documents(texts)


class World:
    """Two stores, a journal, and a flusher. Elasticsearch refuses a text that starts with `poison`."""

    def __init__(self) -> None:
        self.text = ScriptedStore("elasticsearch", COLLECTION, Durability.AT_ONCE, has_mapping=True)
        self.vector = ScriptedStore("redis", COLLECTION, Durability.ON_SYNC)
        self.model = Model()
        self.now = 1_700_000_000.0
        self.journal = Journal(None, now=lambda: self.now)
        stores = {"text": self.text, "vector": self.vector}
        self.flusher = Flusher(COLLECTION, stores, lambda: self.model, self.journal)

    def pay(self, *entries: Entry) -> dict[str, Paid]:
        self.journal.append(entries)
        paid = self.flusher.pay(entries)
        self.flusher.wait()
        return paid

    def drain(self) -> int:
        self.journal.hurry()
        count = self.flusher.drain()
        self.flusher.wait()
        return count

    def held(self, one: str = "a") -> tuple[tuple[int, str | None] | None, ...]:
        """Version and text of an id in Elasticsearch and in Redis; the text of a tombstone is None."""
        return tuple(_shown(store.server.rows.get(one)) for store in (self.text, self.vector))


def _shown(record: Record | None) -> tuple[int, str | None] | None:
    return (record.version, record.source.get("text")) if record else None


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.flusher.close()
    made.journal.close()


def put(version: int, text: str, one: str = "a") -> Entry:
    return Entry(one, version, f"hash of {text}", {"text": text}, BOTH)


def delete(version: int, one: str = "a") -> Entry:
    return Entry(one, version, "", {}, BOTH, np.empty((0, 64), np.float32), deleted=True)


def test_a_change_is_in_both_stores_and_nothing_is_owed(world: World) -> None:
    assert world.pay(put(2, "words")) == {"a": Paid()}
    assert world.held() == ((2, "words"), (2, "words"))
    assert world.journal.backlog().entries == 0


def test_nothing_to_pay_is_nothing_done(world: World) -> None:
    assert world.flusher.pay([]) == {}
    assert world.drain() == 0


def test_what_one_store_does_not_take_is_owed_to_it_alone(world: World) -> None:
    world.vector.before_write = fails(StoreUnavailable("redis", "connection refused"))
    assert world.pay(put(2, "words")) == {"a": Paid(("vector",), "redis: connection refused")}
    assert world.held() == ((2, "words"), None)
    assert world.journal.backlog().owed == {"vector": 1}
    world.vector.before_write = nothing
    assert world.drain() == 1
    assert world.held() == ((2, "words"), (2, "words"))
    assert world.model.embedded == 1  # the journal kept the vector


def test_a_failure_that_nobody_foresaw_leaves_the_change_owed(world: World) -> None:
    world.text.before_write = fails(ZeroDivisionError("secret"))
    paid = world.pay(put(2, "words"))
    assert paid == {"a": Paid(("text",), "ZeroDivisionError (see the log)")}
    assert world.journal.backlog().owed == {"text": 1}


def test_a_change_that_both_hold_newer_is_superseded_and_done(world: World) -> None:
    world.pay(put(4, "new"))
    assert world.pay(put(2, "late")) == {"a": Paid(superseded=True)}
    assert world.held() == ((4, "new"), (4, "new"))
    assert world.journal.backlog().entries == 0


def test_a_change_that_one_store_holds_newer_is_not_superseded(world: World) -> None:
    world.vector.server.hold(Record("a", 4, "h", {"text": "new"}, np.ones((1, 64), np.float32)))
    assert world.pay(put(2, "late")) == {"a": Paid()}


def test_a_model_that_fails_postpones_the_change_untouched(world: World) -> None:
    world.model.broken = True
    assert world.pay(put(2, "words"), put(4, "more", "b"))["b"] == Paid(BOTH, "out of memory")
    assert world.held() == (None, None)
    assert world.journal.claim(10) == []  # it is not tried again at once
    world.model.broken = False
    assert world.drain() == 2
    assert world.held("b") == ((4, "more"), (4, "more"))


def test_what_the_model_cannot_take_stays_owed_and_holds_up_no_other(world: World) -> None:
    bad = {"d7": "unreadable", "d400": "unreadable, too"}
    paid = world.pay(*(put(2, bad.get(one, "words"), one) for one in (f"d{number}" for number in range(512))))
    assert {one: of for one, of in paid.items() if of != Paid()} == dict.fromkeys(
        bad, Paid(BOTH, "ZeroDivisionError (see the log)")
    )
    assert world.held("d511") == ((2, "words"), (2, "words"))
    assert (world.held("d7"), world.held("d400")) == ((None, None), (None, None))
    assert world.journal.backlog().owed == {"text": 2, "vector": 2}


def test_a_model_that_takes_nothing_is_not_asked_for_each_change(world: World) -> None:
    world.model.broken = True
    paid = world.pay(*(put(2, "words", f"d{number}") for number in range(512)))
    assert set(paid.values()) == {Paid(BOTH, "out of memory")}
    assert len(paid) == 512
    assert world.model.asked == 5


def test_what_a_store_rejects_goes_to_the_dead_letters_and_nothing_of_it_stays(world: World) -> None:
    paid = world.pay(put(2, "poison"), put(4, "words", "b"))
    assert paid == {"a": Paid(rejected="mapper_parsing_exception"), "b": Paid()}
    assert world.held() == (None, (2, "poison"))
    assert world.drain() == 1
    assert world.held() == ((3, None), (3, None))
    assert world.held("b") == ((4, "words"), (4, "words"))
    assert [(one.id, one.version, one.store) for one in world.journal.dead_letters()] == [("a", 2, "text")]
    assert world.journal.backlog().entries == 0


def test_after_a_rejection_both_stores_have_again_what_the_rejecting_one_holds(world: World) -> None:
    world.pay(put(2, "good"))
    assert world.pay(put(4, "poison"))["a"].rejected
    assert world.drain() == 1
    assert world.held() == ((5, "good"), (5, "good"))
    vectors = [store.server.rows["a"].vectors for store in (world.text, world.vector)]
    np.testing.assert_array_equal(vectors[0], HashedWords().embed_documents(["good"]))
    np.testing.assert_array_equal(vectors[0], vectors[1])


def test_after_a_rejection_what_was_deleted_stays_deleted(world: World) -> None:
    world.pay(put(2, "good"))
    world.pay(delete(4))
    world.pay(put(6, "poison"))
    world.drain()
    assert world.held() == ((7, None), (7, None))


def test_putting_back_does_not_overtake_a_write_that_came_after_the_rejected_one(world: World) -> None:
    world.pay(put(2, "good"))
    world.pay(put(4, "poison"))
    world.vector.server.hold(Record("a", 6, "h", {"text": "later"}, np.ones((1, 64), np.float32)))
    world.drain()
    assert world.held() == ((5, "good"), (6, "later"))  # the writer of 6 owes it to Elasticsearch


@pytest.mark.parametrize("deletes", [False, True])
def test_a_rejection_brings_back_what_was_acknowledged_before_it_and_not_yet_written(
    world: World, deletes: bool
) -> None:
    world.pay(put(2, "old"))
    world.text.before_write = fails(StoreFull("elasticsearch", "429, too many requests"))
    world.pay(delete(4) if deletes else put(4, "good"))  # acknowledged: it is owed to Elasticsearch
    world.text.before_write = nothing
    assert world.pay(put(6, "poison"))["a"].rejected
    assert world.drain() == 1
    assert world.held() == ((7, None if deletes else "good"),) * 2
    assert world.journal.replaced(put(1 << 60, "later")) is None


def test_of_a_batch_only_what_a_store_refused_is_owed_and_sent_again() -> None:
    world = World()
    world.text = Choosy("elasticsearch", COLLECTION, Durability.AT_ONCE)
    stores = {"text": world.text, "vector": world.vector}
    world.flusher = Flusher(COLLECTION, stores, lambda: world.model, world.journal)
    good = Entry("b", 3, "h", {"text": "good"}, BOTH)
    assert world.pay(put(2, "heavy"), good) == {"a": Paid(("text",), "too busy"), "b": Paid()}
    assert world.journal.backlog().owed == {"text": 1}
    assert (world.held("a"), world.held("b")) == ((None, (2, "heavy")), ((3, "good"), (3, "good")))
    world.text.busy = False
    assert world.drain() == 1
    assert world.text.sent == [["a", "b"], ["a"]]
    assert world.held("a") == ((2, "heavy"), (2, "heavy"))
    world.flusher.close()


class Choosy(ScriptedStore):
    """Refuses texts that say `heavy` while it is busy; notes the ids that it was sent."""

    busy = True

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        self.sent = [*getattr(self, "sent", []), [record.id for record in records]]
        light = [record for record in records if not (self.busy and record.source.get("text") == "heavy")]
        taken = dict(zip((record.id for record in light), super().write(light), strict=True))
        return [taken.get(record.id, WriteOutcome(Wrote.REFUSED, "too busy")) for record in records]


def test_a_rejection_of_what_took_the_place_of_another_bad_one_brings_back_what_is_held(world: World) -> None:
    world.pay(put(2, "old"))
    world.text.before_write = fails(StoreFull("elasticsearch", "429, too many requests"))
    world.pay(put(4, "poison one"))
    world.text.before_write = nothing
    assert world.pay(put(6, "poison two"))["a"].rejected
    assert world.drain() == 2  # the first one, put back, and what was there before it
    assert {text for _, text in filter(None, world.held())} == {"old"}
    assert world.journal.backlog().entries == 0


def test_what_was_replaced_is_kept_no_longer_than_what_took_its_place(world: World) -> None:
    world.text.before_write = fails(StoreFull("elasticsearch", "429, too many requests"))
    world.pay(put(2, "old"))
    world.journal.append([put(4, "new")])
    before = world.journal.replaced(put(4, "new"))
    assert (before.version, before.source) == (2, {"text": "old"}) if before else False
    world.text.before_write = nothing
    assert world.pay(put(6, "newer")) == {"a": Paid()}
    assert world.journal.replaced(put(1 << 60, "later")) is None


def test_a_rejection_is_decided_later_where_the_store_does_not_say_what_it_holds(world: World) -> None:
    world.pay(put(2, "good"))
    world.text.before_records = fails(StoreUnavailable("elasticsearch", "connection refused"))
    paid = world.pay(put(4, "poison"), put(6, "words", "b"))
    assert paid["a"].owed == ("text",)
    assert "connection refused" in paid["a"].reason
    assert paid["b"] == Paid()
    world.text.before_records = nothing
    world.drain()
    world.drain()
    assert world.held() == ((5, "good"), (5, "good"))
    assert world.journal.backlog().dead == 1


def test_vectors_that_cannot_be_stored_are_rejected_before_a_store_sees_them(world: World) -> None:
    broken = Entry("a", 2, "h", {"text": "x"}, BOTH, np.zeros((1, 64), np.float32))
    assert "all zeros" in world.pay(broken)["a"].rejected
    assert world.held() == (None, None)
    assert world.vector.server.versions == {}


def test_what_may_not_be_durable_stays_owed_and_is_written_again(world: World) -> None:
    world.vector.before_sync = fails(StoreFull("redis", "disk"))
    assert world.pay(put(2, "words")) == {"a": Paid()}
    assert world.journal.backlog().owed == {"vector": 1}
    world.vector.server.rows.clear()
    world.vector.before_sync = nothing
    assert world.drain() == 1
    assert world.held() == ((2, "words"), (2, "words"))
    assert world.journal.backlog().entries == 0


def test_a_restart_between_write_and_sync_is_noticed_though_the_sync_succeeds(world: World) -> None:
    world.pay(put(2, "words", "b"))

    def restart() -> None:
        world.vector.server.wipe()
        world.vector.before_sync = nothing

    world.vector.before_sync = restart
    assert world.pay(put(4, "words")) == {"a": Paid()}
    assert world.held() == ((4, "words"), None)
    assert world.journal.backlog().owed == {"vector": 1}
    assert world.drain() == 1
    assert world.held() == ((4, "words"), (4, "words"))
    assert world.journal.backlog().entries == 0


def test_what_a_store_cannot_make_durable_is_kept_with_the_run_that_took_it(world: World) -> None:
    world.vector.server.durability = Durability.NEVER
    world.pay(put(2, "words"))
    assert world.journal.volatile() == {"vector"}
    assert (world.journal.backlog().entries, world.journal.backlog().owed) == (1, {})
    assert world.journal.restarted("vector", "0", 600) == 0
    assert world.journal.restarted("vector", "1", 600) == 1
    assert world.drain() == 1


def test_a_drain_pays_more_than_one_batch(world: World) -> None:
    world.vector.before_write = fails(StoreUnavailable("redis", "connection refused"))
    world.pay(*(put(2 * number, "words", str(number)) for number in range(600)))
    world.vector.before_write = nothing
    assert world.drain() == 600
    assert len(world.vector.server.rows) == 600
