"""What is there to be done: what stores and journal know of an id, and what one can give to the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.errors import StoreUnavailable
from hybrid.indexing.changes import Change, Known, Lookup
from hybrid.indexing.clock import Clock
from hybrid.indexing.entries import Entry
from hybrid.indexing.journal import Journal
from hybrid.model import Document, Outcome, Record, State
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec
from tests.faults.simulation.scripted import ScriptedStore, fails
from tests.faults.simulation.server import Durability

COLLECTION = Collection("c", Schema((Field("text", FieldType.TEXT),)), VectorSpec(3), "none")
VECTOR = np.ones((1, 3), np.float32)


class World:
    """Two stores, of which only `text` holds a document: id a, version 5, hash h5."""

    def __init__(self) -> None:
        self.text = ScriptedStore("elasticsearch", COLLECTION, Durability.AT_ONCE)
        self.vector = ScriptedStore("redis", COLLECTION, Durability.ON_SYNC)
        self.journal = Journal(None)
        self.clock = Clock(0, lambda: 0)
        self.lookup = Lookup({"text": self.text, "vector": self.vector}, self.journal, self.clock)
        self.hold(5)

    def hold(self, version: int) -> None:
        self.text.server.hold(Record("a", version, f"h{version}", {"text": "x"}, VECTOR))

    def change(self, digest: str) -> Change:
        return self.lookup.known(["a"]).change(Document("a", {"text": "x"}), digest)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.journal.close()


def test_what_one_store_lacks_is_copied_from_the_other_as_it_is(world: World) -> None:
    change = world.change("h5")
    assert (change.outcome, change.holder, change.lacking) == (Outcome.UNCHANGED, "text", ("vector",))
    (entry,) = world.lookup.copies([change]).values()
    assert (entry.version, entry.hash, entry.owed) == (5, "h5", ("vector",))


def test_what_the_holder_has_lost_or_replaced_meanwhile_is_not_copied(world: World) -> None:
    change = world.change("h5")
    world.hold(4)  # a crash brought the older one back
    assert world.lookup.copies([change]) == {}
    world.hold(6)
    assert world.lookup.copies([change]) == {}
    world.text.server.wipe()
    assert world.lookup.copies([change]) == {}


def test_a_holder_that_does_not_answer_any_more_is_no_error(world: World) -> None:
    change = world.change("h5")
    world.text.before_records = fails(StoreUnavailable("elasticsearch", "connection refused"))
    assert world.lookup.copies([change]) == {}


def test_the_clock_moves_past_what_stores_and_journal_have(world: World) -> None:
    world.hold(1 << 40)
    world.lookup.known(["a"])
    assert world.clock.tick() > 1 << 40
    world.journal.append([Entry("b", 1 << 50, "h", {}, ("text",))])
    world.lookup.known(["b"])
    assert world.clock.tick() > 1 << 50


def test_the_clock_moves_past_what_another_wrote_through_the_journal_though_it_is_there_no_more(world: World) -> None:
    world.journal.append([Entry("b", 1 << 50, "h", {}, ("text",))])
    world.journal.settle("text", {"b": 1 << 50})
    world.lookup.known(["a"])
    assert world.clock.tick() > 1 << 50


def test_a_change_in_the_journal_counts_before_it_is_in_a_store(world: World) -> None:
    world.journal.append([Entry("a", 7, "h7", {}, ("text", "vector"))])
    assert world.change("h5").outcome is Outcome.UPDATED
    assert world.change("h7").outcome is Outcome.UNCHANGED
    assert world.change("h7").lacking == ("text", "vector")  # nobody can be copied from


def test_an_id_may_exist_where_a_store_does_not_answer(world: World) -> None:
    assert world.lookup.known(["a", "b"]).may_exist("a")
    assert not world.lookup.known(["a", "b"]).may_exist("b")
    world.vector._weather.calm, world.vector.server.down = False, 1
    assert world.lookup.known(["b"]).may_exist("b")


def test_where_versions_differ_each_store_says_its_own(world: World) -> None:
    world.vector.server.hold(Record("a", 4, "h4", {"text": "x"}, VECTOR))
    known = world.lookup.known(["a"])
    assert known.of("a") == {"text": State(5, "h5"), "vector": State(4, "h4")}


def test_many_ids_are_looked_up(world: World) -> None:
    ids = [str(number) for number in range(1500)]
    for store, version in ((world.text, 7), (world.vector, 7)):
        for one in ids:
            store.server.hold(Record(one, version, f"of {one}", {"text": "x"}, VECTOR))
    known = world.lookup.known([*ids, "a", "unknown"])
    assert all(known.of(one) == dict.fromkeys(("text", "vector"), State(7, f"of {one}")) for one in ids)
    assert known.of("a") == {"text": State(5, "h5"), "vector": None}
    assert known.of("unknown") == {"text": None, "vector": None}


STATES = st.builds(State, st.integers(1, 3), st.sampled_from(["h", "other"]), st.booleans())


@given(
    st.dictionaries(st.just("a"), STATES) | st.none(),
    st.dictionaries(st.just("a"), STATES) | st.none(),
    st.dictionaries(st.just("a"), STATES),
)
def test_what_is_unchanged_is_what_lacks_nothing_and_is_not_pending(
    text: dict[str, State] | None, vector: dict[str, State] | None, pending: dict[str, State]
) -> None:
    known = Known({"text": text, "vector": vector}, pending)
    change = known.change(Document("a", {}), "h")
    nothing_to_do = change.outcome is Outcome.UNCHANGED and not change.lacking
    assert known.unchanged({"a": "h"}) == ({"a"} if nothing_to_do and not pending else set())
