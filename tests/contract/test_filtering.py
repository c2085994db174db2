"""A filter lets the same documents through in every store: those that its meaning on a plain document says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from random import Random
from typing import Any

import numpy as np
import pytest

from hybrid.filters.meaning import matches
from hybrid.filters.tree import ID, And, Compare, Exists, Filter, Moment, Not, OneOf, Or, Order
from hybrid.model import Ranking
from hybrid.schema import Collection, Field, FieldType, Schema, VectorAlgorithm, VectorSpec
from hybrid.stores import redis_query
from hybrid.stores.base import BrowseQuery, TextQuery, VectorQuery
from tests.contract import filtering
from tests.contract.conftest import TEXT, VECTORS, Place, kept
from tests.contract.records import TEXT_STORES, AnyStore, make_record, make_tombstone
from tests.unit.test_rendered_queries import generated

TREES = 150
SCHEMA = Schema(
    (
        Field("text", FieldType.TEXT),
        Field("tag", FieldType.KEYWORD),
        Field("n", FieldType.LONG),
        Field("x", FieldType.DOUBLE),
        Field("ok", FieldType.BOOLEAN),
        Field("day", FieldType.DATE),
    )
)


def found(store: Any, tree: Filter | None, limit: int = 1000) -> list[Ranking]:
    """What each way of asking the store for all documents of a filter gives."""
    if store.name in TEXT_STORES:
        listed = store.browse(BrowseQuery(limit, (), 20, tree, total=True))
        return [listed, store.search(TextQuery("common", limit, 20, tree, total=True))]
    return [store.search(VectorQuery(filtering.vector(), limit, 20, tree, total=True))]


def agree(store: Any, tree: Filter, expected: set[str]) -> None:
    for ranking in found(store, tree):
        assert set(ranking.ids) == expected, tree
        assert (len(ranking.ids), ranking.total) == (len(expected), len(expected)), tree
    assert store.count(tree) == len(expected), tree


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_filters_let_through_what_they_mean(any_place: Place, collection_name: str, seed: int) -> None:
    of = filtering.collection(collection_name, seed)
    records = filtering.records(of, seed)
    store: AnyStore = any_place()
    store.create(of)
    store.write([*records, make_tombstone("gone", 9)])
    store.refresh()
    known = {record.id: filtering.facts_of(of, record) for record in records}
    random = Random(seed)
    for _ in range(TREES):
        tree = filtering.tree(of, list(known), random)
        agree(store, tree, {one for one, facts in known.items() if matches(tree, facts)})


@pytest.fixture(scope="module", params=TEXT + VECTORS)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AnyStore]:
    """A store that no test changes."""
    with kept(request, tmp_path_factory.mktemp("small"), SCHEMA) as store:
        store.write(
            [
                make_record("a", 1, tag="red", n=1, x=0.5, ok=True, day="2024-01-31"),
                make_record("b", 2, tag=["red", "blue"], n=2**53, x=-0.0, ok=False, day="2024-01-31T00:00:00.001Z"),
                make_record("c", 3, tag=[], n=-(2**53)),
                make_record("d", 4, tag=""),
                make_tombstone("e", 5),
            ]
        )
        store.refresh()
        yield store


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (OneOf("tag", ("red",)), "ab"),
        (OneOf("tag", ("blue", "")), "bd"),
        (OneOf("tag", ("RED",)), ""),
        (OneOf("tag", ()), ""),
        (Not(OneOf("tag", ("red",))), "cd"),
        (Exists("tag"), "abd"),
        (Not(Exists("tag")), "c"),
        (Exists("text"), "abcd"),
        (Exists(ID), "abcd"),
        (OneOf(ID, ("a", "e", "nobody")), "a"),
        (Compare("n", Order.ABOVE, 2**53 - 1), "b"),
        (Compare("n", Order.AT_LEAST, 2**53), "b"),
        (Compare("n", Order.BELOW, 1 - 2**53), "c"),
        (OneOf("n", (1, 2**53)), "ab"),
        (Not(Compare("n", Order.AT_MOST, 1)), "bd"),
        (OneOf("x", (0.0,)), "b"),
        (Compare("x", Order.AT_MOST, 0.0), "b"),
        (Compare("x", Order.BELOW, 0.0), ""),
        (Compare("x", Order.ABOVE, 0.0), "a"),
        (OneOf("ok", (True,)), "a"),
        (OneOf("ok", (True, False)), "ab"),
        (OneOf("day", (Moment(1_706_659_200_000),)), "a"),
        (Compare("day", Order.ABOVE, Moment(1_706_659_200_000)), "b"),
        (And(()), "abcd"),
        (Or(()), ""),
        (Not(And(())), ""),
        (And((Exists("n"), Not(Exists("x")))), "c"),
        (Or((OneOf("ok", (False,)), OneOf("tag", ("",)))), "bd"),
        (Not(Not(Or((Exists("day"), Exists("nothing"))))), "ab"),
    ],
)
def test_each_kind_of_condition_means_the_same_everywhere(small: AnyStore, tree: Filter, expected: str) -> None:
    agree(small, tree, set(expected))


def test_deep_filters_and_long_lists_work_everywhere(small: AnyStore) -> None:
    deep: Filter = OneOf("tag", ("red",))
    for number in range(10):
        deep = Not(And((deep, Not(OneOf("n", (10 + number,))))))
    expected = {"a": ("red",), "b": ("red",), "c": (), "d": ("",)}
    facts = {one: {ID: (one,), "tag": tags} for one, tags in expected.items()}
    agree(small, deep, {one for one, of in facts.items() if matches(deep, of)})
    agree(small, OneOf("tag", (*(f"t{number}" for number in range(999)), "blue")), {"b"})
    agree(small, OneOf("n", (1, *range(3, 1002))), {"a"})


def test_a_filter_adds_nothing_to_a_score(small: Any) -> None:
    plain, narrow = found(small, None), found(small, Exists(ID))
    assert [(ranking.ids, ranking.scores) for ranking in plain] == [(one.ids, one.scores) for one in narrow]


@pytest.mark.servers
def test_fields_of_passages_are_those_of_their_document(places: Any, collection_name: str) -> None:
    for kind in ("numpy", "numpy-in-memory", "redis"):
        store = places(kind)()
        store.create(Collection(collection_name, SCHEMA, VectorSpec(3), model="none"))
        store.write(
            [make_record("a", vectors=[[1, 0, 0], [0, 1, 0], [0, 0, 1]], tag="red"), make_record("b", tag="blue")]
        )
        best = store.search(VectorQuery(np.array([0, 0, 1], np.float32), 5, 5, OneOf("tag", ("red",)), total=True))
        assert (best.ids, best.passages, best.total) == (("a",), (2,), 1)
        store.drop()


@pytest.mark.servers
@pytest.mark.parametrize("algorithm", [*VectorAlgorithm])
def test_a_filter_of_one_in_a_thousand_still_finds_as_many_as_are_asked(
    places: Any, collection_name: str, algorithm: VectorAlgorithm
) -> None:
    store = places("redis")()
    store.create(Collection(collection_name, SCHEMA, VectorSpec(3, algorithm=algorithm), model="none"))
    for start in range(0, 10_000, 2000):
        store.write(
            [
                make_record(f"d{n}", n + 1, n=n, tag="rare" if n % 1000 == 0 else "common")
                for n in range(start, start + 2000)
            ]
        )
    rare = OneOf("tag", ("rare",))
    ranking = store.search(VectorQuery(filtering.vector(), 10, 20, rare, total=True))
    assert set(ranking.ids) == {f"d{n}" for n in range(0, 10_000, 1000)}
    assert ranking.total == 10
    assert len(store.search(VectorQuery(filtering.vector(), 100, 20, Compare("n", Order.AT_LEAST, 0))).ids) == 100


@pytest.mark.servers
def test_redis_reads_hostile_values_as_one_tag(places: Any, collection_name: str) -> None:
    store = places("redis")()
    store.create(Collection(collection_name, SCHEMA, VectorSpec(3), model="none"))
    index = f"hs:{{{collection_name}}}:idx"

    def explained(values: Iterable[str]) -> list[str]:
        pipeline = store._client.pipeline(transaction=False)
        for value in values:
            asked = redis_query.filtered(And((OneOf("tag", ("mine",)), OneOf("tag", (value,)))))
            pipeline.execute_command("FT.EXPLAIN", index, asked, "DIALECT", 2)
        return [shape(tree.decode()) for tree in pipeline.execute()]

    (plain,) = explained(["plain"])
    values = chain(filtering.HOSTILE, generated(100_000))
    while batch := list(islice(values, 5000)):
        assert set(explained(batch)) == {plain}


def shape(tree: str) -> str:
    """The lines of an explained query, all tags taken for one and the same."""
    return str([re.sub(r"^(\s+)\\*[=#]\S*$", r"\1tag", line) for line in tree.splitlines()])
