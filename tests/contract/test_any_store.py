"""What text stores and vector stores promise alike."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from hybrid.errors import HybridError
from hybrid.model import State, Stored, Wrote
from tests.contract.conftest import Place
from tests.contract.records import (
    SUPERSEDED,
    WRITTEN,
    AnyStore,
    find_all,
    make_collection,
    make_record,
    make_tombstone,
)

HOSTILE_IDS = [
    "with space",
    "a/b/../c",
    "quote'\"`",
    "{brace}{tag}",
    "한국어 아이디",
    "*",
    "a:b::c",
    "\\back\\slash",
    "é\u0301",
    "👩‍💻",
    "-1",
    "true",
    "가" * 170 + "ab",  # 512 bytes
    "x" * 512,
]


def test_a_new_place_has_no_collection(any_place: Place) -> None:
    assert any_place().load() is None


def test_a_store_that_is_not_open_says_so(any_place: Place) -> None:
    with pytest.raises(HybridError):
        any_place().write([make_record("a")])


def test_an_empty_store_finds_and_knows_nothing(any_store: AnyStore) -> None:
    assert len(find_all(any_store)) == 0
    assert any_store.count() == 0
    assert any_store.states(["a"]) == {}
    assert any_store.fetch(["a"]) == {}
    assert any_store.states([]) == {}
    assert any_store.fetch([]) == {}
    assert any_store.write([]) == []
    assert any_store.status()["documents"] == 0


def test_a_store_answers_a_ping(any_store: AnyStore) -> None:
    any_store.ping()


def test_creating_twice_leaves_the_first(any_store: AnyStore, collection_name: str) -> None:
    any_store.write([make_record("a")])
    any_store.create(make_collection(collection_name, dim=7))
    assert any_store.load() == make_collection(collection_name)
    assert any_store.fetch(["a"])["a"].version == 1


def test_another_object_opens_an_equal_collection_with_its_documents(
    lasting_place: Place, collection_name: str
) -> None:
    first = lasting_place()
    first.create(make_collection(collection_name))
    first.write([make_record("a", 5, title="one"), make_record("b", 6), make_tombstone("c", 7)])
    second = lasting_place()
    assert second.load() == make_collection(collection_name)
    assert second.fetch(["a", "b", "c"]).keys() == {"a", "b"}
    assert second.states(["c"])["c"].version == 7
    assert set(find_all(second).ids) == {"a", "b"}


def test_what_one_object_writes_another_sees(lasting_place: Place, collection_name: str) -> None:
    first, second = lasting_place(), lasting_place()
    first.create(make_collection(collection_name))
    second.load()
    assert len(find_all(second)) == 0
    first.write([make_record("a"), make_record("b")])
    assert set(find_all(second).ids) == {"a", "b"}
    second.write([make_record("c"), make_tombstone("a", 2)])
    first.write([make_record("d")])
    assert set(find_all(first).ids) == set(find_all(second).ids) == {"b", "c", "d"}


def test_a_dropped_collection_is_gone(any_store: AnyStore) -> None:
    any_store.write([make_record("a")])
    any_store.drop()
    assert any_store.load() is None
    any_store.drop()


def test_a_collection_made_again_is_empty(any_store: AnyStore, collection_name: str) -> None:
    any_store.write([make_record("a", 9)])
    any_store.drop()
    any_store.create(make_collection(collection_name))
    assert any_store.count() == 0
    assert len(find_all(any_store)) == 0
    assert any_store.write([make_record("a", 1)]) == [WRITTEN]
    assert find_all(any_store).versions == (1,)


def test_a_collection_made_again_by_another_object_is_seen(lasting_place: Place, collection_name: str) -> None:
    first, second = lasting_place(), lasting_place()
    first.create(make_collection(collection_name))
    first.write([make_record("old", 9)])
    second.load()
    first.drop()
    first.create(make_collection(collection_name))
    first.write([make_record("new", 1)])
    assert second.load() == make_collection(collection_name)
    assert find_all(second).ids == ("new",)


def test_a_document_comes_back_as_it_was_given(any_store: AnyStore) -> None:
    fields: dict[str, Any] = {
        "title": "한국어 🍕",
        "brand": ["a", "b"],
        "price": 1.5,
        "extra": {"deep": [1, None, True]},
    }
    record = make_record("a", 3, **fields)
    assert any_store.write([record]) == [WRITTEN]
    assert any_store.fetch(["a", "unknown"]) == {"a": Stored("a", 3, {"text": "common"} | fields, record.passages)}
    assert any_store.states(["a", "unknown"]) == {"a": State(3, record.hash)}


def test_versions_are_those_of_the_states_tombstones_and_unrefreshed_writes_included(any_store: AnyStore) -> None:
    any_store.write([make_record("a", 3), make_tombstone("b", 2**63 - 1)])
    assert any_store.versions(["a", "b", "unknown"]) == {"a": 3, "b": 2**63 - 1}
    any_store.write([make_record("a", 4)])
    assert any_store.versions(["a"]) == {"a": 4}
    assert any_store.versions([]) == {}


def test_a_newer_version_replaces_the_older(any_store: AnyStore) -> None:
    any_store.write([make_record("a", 1, title="old")])
    assert any_store.write([make_record("a", 2, title="new")]) == [WRITTEN]
    assert any_store.fetch(["a"])["a"].source["title"] == "new"
    assert find_all(any_store).versions == (2,)
    assert any_store.count() == 1


@pytest.mark.parametrize("version", [4, 5])
def test_an_older_or_equal_version_is_refused_and_changes_nothing(any_store: AnyStore, version: int) -> None:
    kept = make_record("a", 5, title="kept")
    any_store.write([kept])
    assert any_store.write([make_record("a", version, title="late")]) == [SUPERSEDED]
    assert any_store.fetch(["a"])["a"].source["title"] == "kept"
    assert any_store.states(["a"]) == {"a": State(5, kept.hash)}


def test_versions_that_a_double_cannot_tell_apart_are_told_apart(any_store: AnyStore) -> None:
    newest = 2**63 - 1
    any_store.write([make_record("a", newest - 1)])
    assert any_store.write([make_record("a", newest - 2)]) == [SUPERSEDED]
    assert any_store.write([make_record("a", newest)]) == [WRITTEN]
    assert any_store.states(["a"])["a"].version == newest
    assert find_all(any_store).versions == (newest,)


def test_a_tombstone_hides_the_document_and_keeps_its_version(any_store: AnyStore) -> None:
    any_store.write([make_record("a", 1), make_record("b", 1)])
    assert any_store.write([make_tombstone("a", 2)]) == [WRITTEN]
    assert find_all(any_store).ids == ("b",)
    assert any_store.fetch(["a", "b"]).keys() == {"b"}
    assert any_store.count() == 1
    assert any_store.states(["a"])["a"].version == 2
    assert any_store.states(["a"])["a"].deleted


def test_a_late_older_write_does_not_bring_a_deleted_document_back(any_store: AnyStore) -> None:
    any_store.write([make_tombstone("a", 5)])
    assert any_store.write([make_record("a", 4)]) == [SUPERSEDED]
    assert any_store.write([make_record("a", 5)]) == [SUPERSEDED]
    assert any_store.fetch(["a"]) == {}
    assert len(find_all(any_store)) == 0


def test_a_newer_write_brings_a_deleted_document_back(any_store: AnyStore) -> None:
    any_store.write([make_record("a", 1)])
    any_store.write([make_tombstone("a", 2)])
    assert any_store.write([make_record("a", 3)]) == [WRITTEN]
    assert find_all(any_store).ids == ("a",)
    assert not any_store.states(["a"])["a"].deleted
    assert any_store.count() == 1


def test_deleting_what_was_never_there_leaves_a_tombstone(any_store: AnyStore) -> None:
    assert any_store.write([make_tombstone("ghost", 1)]) == [WRITTEN]
    assert any_store.states(["ghost"])["ghost"].deleted
    assert any_store.count() == 0


@pytest.mark.parametrize("limit", [0, 1, 3, 4, 100])
def test_the_limit_bounds_the_documents(any_store: AnyStore, limit: int) -> None:
    any_store.write([make_record(name) for name in "abc"])
    found = find_all(any_store, limit)
    assert len(found) == min(limit, 3)
    assert len(set(found.ids)) == len(found.ids) == len(found.scores) == len(found.versions)


def test_equal_scores_go_by_id(any_store: AnyStore) -> None:
    names = [f"n{number:02}" for number in range(30)]
    Random(7).shuffle(names)
    any_store.write([make_record(name, vectors=[(1, 1, 1)]) for name in names])
    found = find_all(any_store)
    assert list(found.ids) == sorted(names)
    assert len(set(found.scores)) == 1


def test_scores_do_not_increase(any_store: AnyStore) -> None:
    any_store.write([make_record(f"n{n}", text="common " * (n % 7 + 1) + "filler " * n) for n in range(40)])
    found = find_all(any_store)
    assert len(found) == 40
    assert list(found.scores) == sorted(found.scores, reverse=True)


def test_outcomes_come_in_the_order_of_the_records(any_store: AnyStore) -> None:
    any_store.write([make_record("b", 5)])
    batch = [make_record("c"), make_record("b", 4), make_record("a"), make_tombstone("b2", 1)]
    assert any_store.write(batch) == [WRITTEN, SUPERSEDED, WRITTEN, WRITTEN]


def test_a_batch_of_a_thousand_is_taken_whole(any_store: AnyStore) -> None:
    names = [f"n{number}" for number in range(1000)]
    assert any_store.write([make_record(name) for name in names]) == [WRITTEN] * 1000
    assert any_store.fetch(names).keys() == set(names)
    assert any_store.states(names).keys() == set(names)
    assert len(find_all(any_store, 1000)) == 1000
    assert any_store.count() == 1000
    assert any_store.status()["documents"] == 1000


def test_hostile_ids_are_just_ids(any_store: AnyStore) -> None:
    any_store.write([make_record(name) for name in HOSTILE_IDS])
    assert set(find_all(any_store).ids) == set(HOSTILE_IDS)
    assert any_store.fetch(HOSTILE_IDS).keys() == set(HOSTILE_IDS)
    any_store.write([make_tombstone("*", 2)])
    assert set(find_all(any_store).ids) == set(HOSTILE_IDS) - {"*"}


def test_texts_with_nul_emoji_and_a_megabyte_come_back(any_store: AnyStore) -> None:
    texts = {
        "nul": "common a\0b",
        "emoji": "common 👨‍👩‍👧🇰🇷",
        "large": "common word " * 90_000,
        "empty": "",
        "None": None,
    }
    any_store.write([make_record(name, text=text) for name, text in texts.items()])
    assert {name: one.source["text"] for name, one in any_store.fetch(list(texts)).items()} == texts
    assert {"nul", "emoji", "large"} <= set(find_all(any_store).ids)


def test_the_highest_version_wins_whatever_order_threads_write_in(any_store: AnyStore) -> None:
    versions = list(range(1, 25))
    Random(3).shuffle(versions)
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda version: any_store.write([make_record("a", version)])[0].outcome, versions))
    assert any_store.states(["a"])["a"].version == 24
    assert find_all(any_store).versions == (24,)
    assert any_store.count() == 1
    assert written[versions.index(24)] is Wrote.WRITTEN


def test_searches_beside_writes_see_whole_documents(any_store: AnyStore) -> None:
    any_store.write([make_record(name, 1) for name in "abc"])
    with ThreadPoolExecutor(2) as pool:
        writes = pool.submit(
            lambda: [any_store.write([make_record(name, version) for name in "abc"]) for version in range(2, 12)]
        )
        while not writes.done():
            assert sorted(find_all(any_store).ids) == ["a", "b", "c"]
        assert writes.result() == [[WRITTEN] * 3] * 10
    assert find_all(any_store).versions == (11, 11, 11)


def test_records_come_back_with_vectors_and_tombstones(any_store: AnyStore) -> None:
    given = make_record("a", 3, vectors=[(1, 2, 3), (4, 5, 6)], title="한국어")
    any_store.write([given, make_tombstone("b", 4)])
    held = any_store.records(["a", "b", "unknown"])
    assert held.keys() == {"a", "b"}
    assert held["a"].vectors.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (held["a"].version, held["a"].hash, held["a"].source) == (3, given.hash, dict(given.source))
    assert held["a"].passages == given.passages
    assert (held["b"].version, held["b"].deleted, held["b"].vectors.shape) == (4, True, (0, 3))


def test_a_record_that_was_read_can_be_written_back(any_store: AnyStore, collection_name: str) -> None:
    any_store.write([make_record("a", 3, vectors=[(1, 2, 3)]), make_tombstone("b", 4)])
    held = list(any_store.records(["a", "b"]).values())
    any_store.drop()
    any_store.create(make_collection(collection_name))
    assert any_store.write(held) == [WRITTEN, WRITTEN]
    assert find_all(any_store).ids == ("a",)
    assert any_store.states(["b"])["b"].deleted


def test_a_scan_names_every_id_once(any_store: AnyStore) -> None:
    names = [f"n{number}" for number in range(1500)]
    any_store.write([make_record(name) for name in names])
    any_store.write([make_tombstone("n7", 2), make_tombstone("ghost", 5), make_record("n8", 3)])
    any_store.refresh()
    scanned = list(any_store.scan())
    assert sorted(name for name, _ in scanned) == sorted([*names, "ghost"])
    assert dict(scanned) == any_store.states([*names, "ghost"])


def test_a_scan_of_nothing_is_empty(any_store: AnyStore) -> None:
    any_store.refresh()
    assert list(any_store.scan()) == []


def test_only_old_tombstones_are_expunged(any_store: AnyStore) -> None:
    any_store.write([make_tombstone("old", 4), make_tombstone("new", 5), make_record("living", 1)])
    any_store.refresh()
    assert any_store.expunge(5) == 1
    any_store.refresh()
    assert any_store.states(["old", "new", "living"]).keys() == {"new", "living"}
    assert any_store.count() == 1
    assert any_store.expunge(5) == 0
    assert any_store.expunge(6) == 1


def test_a_document_that_came_back_is_never_expunged(any_store: AnyStore) -> None:
    names = [f"n{number}" for number in range(20)]
    with ThreadPoolExecutor(1) as pool:
        for round_ in range(10):
            any_store.write([make_tombstone(name, 10 * round_ + 1) for name in names])
            expunging = pool.submit(any_store.expunge, 10**9)
            assert any_store.write([make_record(name, 10 * round_ + 6) for name in names]) == [WRITTEN] * 20
            assert 0 <= expunging.result() <= 20
            assert any_store.fetch(names).keys() == set(names)
    assert any_store.expunge(10**9) == 0


def test_a_scan_can_be_left_and_begun_again(any_store: AnyStore) -> None:
    any_store.write([make_record(name) for name in "abc"])
    assert next(iter(any_store.scan()))[0] in "abc"
    assert sorted(name for name, _ in any_store.scan()) == ["a", "b", "c"]


def test_hostile_ids_are_scanned_read_and_expunged_like_others(any_store: AnyStore) -> None:
    any_store.write([make_record(name, vectors=[(1, 2, 3), (4, 5, 6)]) for name in HOSTILE_IDS])
    assert {name for name, _ in any_store.scan()} == any_store.records(HOSTILE_IDS).keys() == set(HOSTILE_IDS)
    assert all(len(record.vectors) == 2 for record in any_store.records(HOSTILE_IDS).values())
    any_store.write([make_tombstone(name, 2) for name in HOSTILE_IDS])
    assert any_store.expunge(3) == len(HOSTILE_IDS)
    assert list(any_store.scan()) == []


def test_objects_on_one_collection_agree_on_its_incarnation(lasting_place: Place, collection_name: str) -> None:
    first, second = lasting_place(), lasting_place()
    first.create(make_collection(collection_name))
    second.load()
    assert first.incarnation() == second.incarnation() != ""
    first.write([make_record("a")])
    first.sync()
    assert second.incarnation() == first.incarnation()
