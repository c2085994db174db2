"""What vector stores promise: nearness, its direction, passages, and what they refuse."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

import numpy as np
import pytest

from hybrid.errors import QueryError
from hybrid.model import Wrote
from hybrid.schema import Metric
from hybrid.stores.base import VectorQuery, VectorStore
from tests.contract.conftest import LASTING_VECTORS, Place
from tests.contract.records import WRITTEN, find_near, make_collection, make_record, make_tombstone

BAD_VECTORS = {
    "not a number": [1, float("nan"), 1],
    "infinite": [1, float("inf"), 1],
    "zero under cosine": [0, 0, 0],
    "too short": [1, 1],
    "too long": [1, 1, 1, 1],
}


@pytest.mark.parametrize(
    ("metric", "ids", "scores"),
    [
        # The query is (3, 4), of length 5.
        (Metric.COSINE, ("same", "long", "up", "right", "back"), (1, 24 / 25, 4 / 5, 3 / 5, -1)),
        (Metric.IP, ("long", "same", "up", "right", "back"), (48, 25, 4, 3, -25)),
        (Metric.L2, ("same", "up", "right", "long", "back"), (0, -(18**0.5), -(20**0.5), -(29**0.5), -10)),
    ],
)
def test_scores_are_right_and_higher_is_better(
    vector_place: Place, collection_name: str, metric: Metric, ids: tuple[str, ...], scores: tuple[float, ...]
) -> None:
    store = vector_place()
    store.create(make_collection(collection_name, metric, dim=2))
    points = {"right": (1, 0), "up": (0, 1), "same": (3, 4), "back": (-3, -4), "long": (8, 6)}
    store.write([make_record(name, vectors=[point]) for name, point in points.items()])
    found = find_near(store, (3, 4))
    assert found.ids == ids
    assert found.scores == pytest.approx(scores, abs=1e-5)


def test_a_distance_of_five_is_a_score_of_minus_five(vector_place: Place, collection_name: str) -> None:
    store = vector_place()
    store.create(make_collection(collection_name, Metric.L2, dim=2))
    store.write([make_record("origin", vectors=[(0, 0)])])
    assert find_near(store, (3, 4)).scores == pytest.approx([-5])


def test_a_zero_vector_is_fine_where_it_has_a_meaning(vector_place: Place, collection_name: str) -> None:
    store = vector_place()
    store.create(make_collection(collection_name, Metric.IP, dim=2))
    store.write([make_record("zero", vectors=[(0, 0)]), make_record("one", vectors=[(1, 1)])])
    found = find_near(store, (2, 3))
    assert (found.ids, found.scores) == (("one", "zero"), (5, 0))
    assert find_near(store, (0, 0)).ids == ("one", "zero")


def test_no_writer_gets_the_number_of_another(vector_place: Place, collection_name: str) -> None:
    first = vector_place()
    first.create(make_collection(collection_name))
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda _: first.take_writer(), range(20)))
    assert len(set(numbers)) == 20
    assert first.take_writer() > max(numbers)


@pytest.mark.parametrize("lasting_place", LASTING_VECTORS, indirect=True)
def test_writers_of_one_collection_in_two_places_get_different_numbers(
    lasting_place: Place, collection_name: str
) -> None:
    first, second = lasting_place(), lasting_place()
    first.create(make_collection(collection_name))
    second.load()
    numbers = [place.take_writer() for place in (first, second) * 5]
    assert numbers == sorted(set(numbers))
    first.drop()
    second.create(make_collection(collection_name))
    assert second.take_writer() > max(numbers)


def test_vectors_come_back_bit_by_bit(vector_place: Place, collection_name: str) -> None:
    store = vector_place()
    store.create(make_collection(collection_name, Metric.COSINE, dim=2))
    given = np.random.default_rng(3).standard_normal((50, 2)).astype(np.float32)
    store.write([make_record("a", vectors=given.tolist())])
    assert store.records(["a"])["a"].vectors.tobytes() == given.tobytes()


def test_length_does_not_matter_under_cosine(vector_store: VectorStore) -> None:
    vector_store.write([make_record("b", vectors=[(1, 2, 3)]), make_record("a", vectors=[(100, 200, 300)])])
    found = find_near(vector_store, (0.001, 0.002, 0.003))
    assert found.scores == pytest.approx([1, 1])
    assert all(-1 <= score <= 1 for score in found.scores)


@pytest.mark.parametrize("vector", BAD_VECTORS.values(), ids=BAD_VECTORS.keys())
def test_a_bad_vector_is_rejected_alone_and_nothing_of_it_is_stored(
    vector_store: VectorStore, vector: Sequence[float]
) -> None:
    batch = [make_record("good"), make_record("bad", vectors=[vector]), make_record("better")]
    first, second, third = vector_store.write(batch)
    assert (first, third) == (WRITTEN, WRITTEN)
    assert second.outcome is Wrote.REJECTED
    assert "bad" in second.reason
    assert vector_store.states(["bad"]) == {}
    assert sorted(find_near(vector_store, (1, 1, 1)).ids) == ["better", "good"]


def test_one_bad_passage_rejects_the_document_and_leaves_the_older_version(vector_store: VectorStore) -> None:
    vector_store.write([make_record("a", 1, vectors=[(1, 0, 0)])])
    bad = make_record("a", 2, vectors=[(0, 1, 0), (0, float("nan"), 0)])
    assert vector_store.write([bad])[0].outcome is Wrote.REJECTED
    assert vector_store.states(["a"])["a"].version == 1
    assert find_near(vector_store, (1, 0, 0)).scores == pytest.approx([1])


def test_a_document_without_vectors_is_rejected(vector_store: VectorStore) -> None:
    empty = make_record("a", vectors=np.empty((0, 3)).tolist())
    assert vector_store.write([empty])[0].outcome is Wrote.REJECTED


@pytest.mark.parametrize("vector", BAD_VECTORS.values(), ids=BAD_VECTORS.keys())
def test_a_bad_query_vector_is_refused(vector_store: VectorStore, vector: Sequence[float]) -> None:
    vector_store.write([make_record("a")])
    with pytest.raises(QueryError):
        find_near(vector_store, vector)


def test_a_document_counts_once_by_its_best_passage_and_names_it(vector_store: VectorStore) -> None:
    vector_store.write(
        [
            make_record("long", 7, vectors=[(0, 0, 1), (1, 0, 0), (0, 1, 0)]),
            make_record("short", 8, vectors=[(3, 4, 0)]),
        ]
    )
    found = find_near(vector_store, (1, 0, 0))
    assert found.ids == ("long", "short")
    assert found.scores == pytest.approx([1, 3 / 5], abs=1e-6)
    assert found.versions == (7, 8)
    assert found.passages == (1, 0)
    assert find_near(vector_store, (0, 1, 0)).passages == (2, 0)
    assert vector_store.count() == 2


def test_the_first_of_equal_passages_is_named(vector_store: VectorStore) -> None:
    vector_store.write([make_record("a", vectors=[(0, 1, 0), (1, 0, 0), (1, 0, 0)])])
    assert find_near(vector_store, (1, 0, 0)).passages == (1,)


def test_the_limit_counts_documents_not_passages(vector_store: VectorStore) -> None:
    near = [(1, 0.001 * number, 0) for number in range(50)]
    far = [make_record(name, vectors=[(1, 1, index)]) for index, name in enumerate("bcd")]
    vector_store.write([make_record("a", vectors=near), *far])
    assert find_near(vector_store, (1, 0, 0), limit=3).ids == ("a", "b", "c")


def test_passages_of_an_older_version_are_found_no_more(vector_store: VectorStore) -> None:
    vector_store.write([make_record("a", 1, vectors=[(1, 0, 0), (0, 1, 0), (0, 0, 1)])])
    vector_store.write([make_record("a", 2, vectors=[(1, 0, 0)])])
    found = find_near(vector_store, (0, 0, 1))
    assert (found.ids, found.versions, found.passages) == (("a",), (2,), (0,))
    assert found.scores == pytest.approx([0], abs=1e-6)
    assert len(vector_store.fetch(["a"])["a"].passages) == 1
    vector_store.write([make_tombstone("a", 3)])
    assert len(find_near(vector_store, (0, 0, 1))) == 0


def test_the_nearest_of_many_are_those_that_plain_arithmetic_finds(vector_store: VectorStore) -> None:
    random = Random(11)
    points = {f"n{n:03}": [random.gauss(0, 1) for _ in range(3)] for n in range(500)}
    vector_store.write([make_record(name, vectors=[point]) for name, point in points.items()])
    query = np.array([0.3, -1.2, 0.5])
    cosines = {
        name: float(np.dot(point, query) / np.linalg.norm(point) / np.linalg.norm(query))
        for name, point in points.items()
    }
    best = sorted(cosines, key=lambda name: -cosines[name])[:20]
    found = find_near(vector_store, query.tolist(), limit=20)
    assert list(found.ids) == best
    assert found.scores == pytest.approx([cosines[name] for name in best], abs=1e-5)


def test_the_query_vector_and_the_records_are_left_as_they_were(vector_store: VectorStore) -> None:
    record = make_record("a", vectors=[(3, 4, 0)])
    query = np.array([0, 5, 0], np.float32)
    vector_store.write([record])
    vector_store.refresh()
    vector_store.search(VectorQuery(query, 5))
    assert query.tolist() == [0, 5, 0]
    assert record.vectors.tolist() == [[3, 4, 0]]
    record.vectors[:] = 0
    assert find_near(vector_store, (3, 4, 0)).scores == pytest.approx([1])
