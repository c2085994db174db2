"""Facets, lists and totals of every text store: worked out by hand, and against plain counting."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from hybrid.facets import Extent, Facet, Histogram, Kind, Ranges, Step, Terms
from hybrid.filters.meaning import matches
from hybrid.filters.tree import ID, Compare, Exists, Filter, Moment, OneOf, Order
from hybrid.model import Json, Ranking
from hybrid.schema import FieldType
from hybrid.sorting import Sort
from hybrid.stores import counting
from hybrid.stores.base import BrowseQuery, TextQuery, TextStore
from tests.contract import filtering
from tests.contract.conftest import TEXT, Place, kept
from tests.contract.records import make_record, make_tombstone
from tests.contract.test_filtering import SCHEMA

NEW_YEAR = Moment(1_704_067_200_000)


@pytest.fixture(params=["tantivy", "rank-bm25", pytest.param("elasticsearch", marks=pytest.mark.servers)])
def text_place(request: pytest.FixtureRequest, places: Any) -> Place:
    place: Place = places(request.param)
    return place


@pytest.fixture(scope="module", params=TEXT)
def shelf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextStore]:
    """A store that no test changes."""
    with kept(request, tmp_path_factory.mktemp("shelf"), SCHEMA) as store:
        store.write(
            [
                make_record("a", 1, text="quiet laptop", tag="red", n=1, x=0.5, ok=True, day="2023-12-31"),
                make_record("b", 2, text="quiet", tag=["red", "blue"], n=7, x=-0.25, ok=False, day="2024-01-01"),
                make_record("c", 3, text="laptop", tag="blue", n=-3, x=10.0, ok=True, day="2024-01-31T12:00:00.5Z"),
                make_record("d", 4, text="drill", tag="green", ok=True, day="2024-02-01"),
                make_record("e", 5, text="quiet quiet"),
                make_tombstone("f", 6),
            ]
        )
        store.refresh()
        yield store


def facet(store: TextStore, kind: Kind, text: str | None = None, tree: Filter | None = None) -> Json:
    asked = (Facet("it", kind, tree),)
    query: Any = BrowseQuery(0, (), 10, tree, asked) if text is None else TextQuery(text, 0, 10, tree, asked)
    found: Ranking = store.browse(query) if text is None else store.search(query)
    return found.facets["it"]


def test_terms_are_counted_most_first_and_equal_ones_by_value(shelf: TextStore) -> None:
    assert facet(shelf, Terms("tag")) == [
        {"value": "blue", "count": 2},
        {"value": "red", "count": 2},
        {"value": "green", "count": 1},
    ]
    assert facet(shelf, Terms("tag", 1)) == [{"value": "blue", "count": 2}]
    assert facet(shelf, Terms("ok")) == [{"value": True, "count": 3}, {"value": False, "count": 1}]


def test_facets_obey_the_query_and_the_filter(shelf: TextStore) -> None:
    assert facet(shelf, Terms("tag"), "quiet") == [{"value": "red", "count": 2}, {"value": "blue", "count": 1}]
    assert facet(shelf, Terms("tag"), "quiet", OneOf("ok", (True,))) == [{"value": "red", "count": 1}]
    assert facet(shelf, Terms("tag"), None, OneOf("ok", (False,))) == [
        {"value": "blue", "count": 1},
        {"value": "red", "count": 1},
    ]


@pytest.mark.parametrize("text", ["nothingness", "the", ""])
def test_facets_of_no_documents_are_empty_but_for_ranges(shelf: TextStore, text: str) -> None:
    assert facet(shelf, Terms("tag"), text) == []
    assert facet(shelf, Histogram("n", 5.0), text) == []
    assert facet(shelf, Extent("x"), text) == {"min": None, "max": None, "count": 0}
    assert facet(shelf, Ranges("n", ((None, 5),)), text) == [{"from": None, "to": 5, "count": 0}]


def test_ranges_include_where_they_begin_and_may_overlap(shelf: TextStore) -> None:
    assert facet(shelf, Ranges("n", ((None, 1), (1, 7), (1, None), (None, None)))) == [
        {"from": None, "to": 1, "count": 1},
        {"from": 1, "to": 7, "count": 1},
        {"from": 1, "to": None, "count": 2},
        {"from": None, "to": None, "count": 3},
    ]
    assert facet(shelf, Ranges("day", ((None, NEW_YEAR), (NEW_YEAR, None)))) == [
        {"from": None, "to": "2024-01-01", "count": 1},
        {"from": "2024-01-01", "to": None, "count": 3},
    ]


def test_histograms_begin_at_multiples_of_the_interval_or_of_the_calendar(shelf: TextStore) -> None:
    assert facet(shelf, Histogram("n", 5.0)) == [
        {"value": -5, "count": 1},
        {"value": 0, "count": 1},
        {"value": 5, "count": 1},
    ]
    assert facet(shelf, Histogram("x", 0.5)) == [
        {"value": -0.5, "count": 1},
        {"value": 0.5, "count": 1},
        {"value": 10.0, "count": 1},
    ]
    assert facet(shelf, Histogram("day", Step.MONTH)) == [
        {"value": "2023-12-01", "count": 1},
        {"value": "2024-01-01", "count": 2},
        {"value": "2024-02-01", "count": 1},
    ]
    assert facet(shelf, Histogram("day", Step.YEAR)) == [
        {"value": "2023-01-01", "count": 1},
        {"value": "2024-01-01", "count": 3},
    ]
    assert facet(shelf, Histogram("day", Step.DAY))[2] == {"value": "2024-01-31", "count": 1}


def test_an_extent_is_the_least_and_the_greatest_value(shelf: TextStore) -> None:
    assert facet(shelf, Extent("n")) == {"min": -3, "max": 7, "count": 3}
    assert facet(shelf, Extent("x"), "quiet") == {"min": -0.25, "max": 0.5, "count": 2}
    assert facet(shelf, Extent("day")) == {"min": "2023-12-31", "max": "2024-02-01", "count": 4}


def test_a_facet_with_another_filter_than_the_search_counts_by_its_own(shelf: TextStore) -> None:
    red = OneOf("tag", ("red",))
    facets = (
        Facet("open", Terms("tag"), None),
        Facet("strict", Terms("tag"), red),
        Facet("n", Extent("n"), Exists("x")),
    )
    found = shelf.search(TextQuery("quiet laptop", 10, 10, red, facets, total=True))
    assert (set(found.ids), found.total) == ({"a", "b"}, 2)
    assert found.facets["open"] == [{"value": "blue", "count": 2}, {"value": "red", "count": 2}]
    assert found.facets["strict"] == [{"value": "red", "count": 2}, {"value": "blue", "count": 1}]
    assert found.facets["n"] == {"min": -3, "max": 7, "count": 3}


@pytest.mark.parametrize(
    ("sorts", "expected"),
    [
        ((), "abcde"),
        ((Sort(ID, descending=True),), "edcba"),
        ((Sort("n"),), "cabde"),
        ((Sort("n", descending=True),), "bacde"),
        ((Sort("x"),), "bacde"),
        ((Sort("tag"),), "bcdae"),
        ((Sort("tag", descending=True),), "abdce"),
        ((Sort("ok"), Sort("n", descending=True)), "bacde"),
        ((Sort("day", descending=True),), "dcbae"),
    ],
)
def test_lists_go_by_their_fields_then_by_id_and_what_has_none_comes_last(
    shelf: TextStore, sorts: tuple[Sort, ...], expected: str
) -> None:
    listed = shelf.browse(BrowseQuery(10, sorts, 10, total=True))
    assert "".join(listed.ids) == expected
    assert (listed.scores, listed.total, listed.exact) == ((0.0,) * 5, 5, True)
    assert listed.versions == tuple(" abcde".index(one) for one in expected)


@pytest.mark.parametrize("limit", [0, 1, 4, 5, 6])
def test_a_list_is_cut_at_its_limit_and_its_total_is_not(shelf: TextStore, limit: int) -> None:
    listed = shelf.browse(BrowseQuery(limit, (Sort("n"),), 10, total=True))
    assert ("".join(listed.ids), listed.total) == ("cabde"[:limit], 5)


def test_a_total_counts_all_that_match_and_only_where_it_is_asked(shelf: TextStore) -> None:
    assert shelf.search(TextQuery("quiet", 1, 10, total=True)).total == 3
    assert shelf.search(TextQuery("quiet", 1, 10, Compare("n", Order.ABOVE, 1), total=True)).total == 1
    assert shelf.search(TextQuery("the", 1, 10, total=True)).total == 0


def test_scores_of_given_documents_are_those_of_the_search(shelf: TextStore) -> None:
    query = TextQuery("quiet laptop", 10, 10)
    found = shelf.search(query)
    known = shelf.scores(TextQuery("quiet laptop", 1, 10, OneOf("tag", ("green",))), ["a", "e", "d", "f", "nobody"])
    assert known == {one: score for one, score in zip(found.ids, found.scores, strict=True) if one in "ae"}
    assert shelf.scores(query, []) == {}
    assert shelf.scores(TextQuery("the", 10, 10), ["a"]) == {}


def test_an_explanation_is_of_documents_that_match(shelf: TextStore) -> None:
    told = shelf.explain(TextQuery("quiet", 10, 10), ["a", "d"])
    assert set(told) <= {"a"}
    assert (shelf.name == "rank-bm25") == (told == {})


@pytest.mark.parametrize("seed", [1, 2])
def test_random_facets_and_lists_are_those_of_plain_counting(
    text_place: Place, collection_name: str, seed: int
) -> None:
    of = filtering.collection(collection_name, seed)
    records = filtering.records(of, seed)
    store: TextStore = text_place()
    store.create(of)
    store.write(records)
    store.refresh()
    known = {record.id: filtering.facts_of(of, record) for record in records}
    random = Random(seed)
    fields = [one for one in of.schema.fields if one.type is not FieldType.TEXT]
    for _ in range(25):
        tree = filtering.tree(of, list(known), random)
        there = [one for one, facts in known.items() if matches(tree, facts)]
        asked = tuple(Facet(one.name, _kind(one.name, one.type, random), tree) for one in fields)
        sorts = tuple(Sort(one.name, random.random() < 0.5) for one in random.sample(fields, 2))
        listed = store.browse(BrowseQuery(1000, sorts, 10, tree, asked))
        columns = [[known[one].get(sort.field, ()) for one in there] for sort in sorts]
        assert list(listed.ids) == [there[at] for at in counting.ordered(there, columns, sorts)]
        for one, of_field in zip(asked, fields, strict=True):
            rows = [known[document].get(of_field.name, ()) for document in there]
            expected = counting.counted(one.kind, rows, dated=of_field.type is FieldType.DATE)
            assert listed.facets[one.name] == expected, one


def _kind(name: str, kind: FieldType, random: Random) -> Kind:
    if kind in (FieldType.KEYWORD, FieldType.BOOLEAN):
        return Terms(name, random.randint(1, 5))
    if kind is FieldType.DATE:
        return random.choice([Extent(name), Histogram(name, random.choice([*Step]))])
    return random.choice([Extent(name), Ranges(name, ((None, 0), (0, 800), (-1, None)))])
