"""Who works on a change for long keeps it: two processes on one journal do not do the same work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from hybrid.indexing.entries import Entry
from hybrid.indexing.flush import BATCH, Flusher, Paid
from hybrid.indexing.journal import Journal
from hybrid.indexing.making import AT_ONCE
from hybrid.model import Vector
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec
from hybrid.stores.base import Store
from tests.embedders import HashedWords
from tests.faults.simulation.scripted import ScriptedStore
from tests.faults.simulation.server import Durability

COLLECTION = Collection("c", Schema((Field("text", FieldType.TEXT),)), VectorSpec(64), HashedWords.name)
BOTH = ("text", "vector")


class Model(HashedWords):
    """Does something after each call; counts what it embeds."""

    def __init__(self, afterwards: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.embedded = 0
        self.calls: list[int] = []
        self.afterwards = afterwards

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 64)."""
        self.calls.append(len(texts))
        rows = super().embed_documents(texts)
        self.afterwards()
        return rows


class World:
    """Two processes on one journal, and their stores."""

    def __init__(self, path: Path) -> None:
        self.now = 1_700_000_000.0
        self.passed = 0
        self.text = ScriptedStore("elasticsearch", COLLECTION, Durability.AT_ONCE)
        self.stores: dict[str, Store] = {
            "text": self.text,
            "vector": ScriptedStore("redis", COLLECTION, Durability.ON_SYNC),
        }
        self.slow, self.other = Model(self.time_passes), Model()
        self.journals = [Journal(path, now=lambda: self.now) for _ in range(2)]
        self.flushers = [
            Flusher(COLLECTION, self.stores, lambda of=of: of, journal)  # type: ignore[misc]
            for of, journal in zip((self.slow, self.other), self.journals, strict=True)
        ]

    def time_passes(self) -> None:
        """As much as a slow model needs for one call; the other process looks for work."""
        self.now += 40
        self.passed += 1
        self.flushers[1].drain()

    def close(self) -> None:
        for one in (*self.flushers, *self.journals):
            one.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "journal.sqlite")
    yield made
    made.close()


def batch(name: str) -> list[Entry]:
    return [Entry(f"{name}{number}", number + 1, "hash", {"text": "words"}, BOTH) for number in range(BATCH)]


def test_a_slow_model_keeps_what_it_works_on_and_what_waits_for_it(world: World) -> None:
    first, second = batch("a"), batch("b")
    journal, flusher = world.journals[0], world.flushers[0]
    journal.append(first)
    journal.append(second)
    assert {*flusher.pay(first).values(), *flusher.pay(second).values()} == {Paid()}
    flusher.wait()
    assert world.slow.calls == [AT_ONCE] * 4
    assert world.other.calls == []
    assert journal.backlog().entries == 0


def test_a_slow_store_does_not_lose_what_it_is_asked_to_write(world: World) -> None:
    world.text.before_write = world.time_passes
    entries = [Entry("a", 1, "hash", {"text": "words"}, BOTH, np.ones((1, 64), np.float32))]
    world.journals[0].append(entries)
    world.now += 40  # behind others
    world.flushers[0].pay(entries)
    assert world.passed == 1


def test_who_died_renews_nothing(world: World) -> None:
    world.journals[0].append(batch("a"))
    world.now += 61
    world.journals[0].renew()
    assert world.flushers[1].drain() == BATCH


def test_large_changes_are_claimed_fewer_at_a_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hybrid.indexing.entries.MOST_BYTES", 10_000)
    journal = world.journals[0]
    journal.append([Entry(one, 1, "hash", {"text": "long " * 1000}, BOTH) for one in "abc"])
    journal.postpone(dict.fromkeys("abc", 1))
    journal.hurry()
    assert [len(journal.claim(BATCH)) for _ in range(3)] == [2, 1, 0]
