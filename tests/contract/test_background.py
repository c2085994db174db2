"""How the whole collection scores: the same from every vector store, and part of every search by both retrievers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from hybrid import Engine, sample
from hybrid.model import Record
from hybrid.schema import Collection, Field, FieldType, Metric, Schema, VectorAlgorithm, VectorSpec
from hybrid.stores.base import VectorQuery
from hybrid.stores.exact import Change, ExactIndex
from tests.contract import shop
from tests.contract.conftest import VECTORS, Place
from tests.contract.deployments import DEPLOYMENTS, deployed

SCHEMA = Schema((Field("text", FieldType.TEXT), Field("odd", FieldType.BOOLEAN)))
DIM = 8


def records(count: int, passages: int, version: int = 1, first: int = 0) -> list[Record]:
    random = np.random.default_rng(count + first)
    return [
        Record(
            f"d{number}",
            version,
            "h",
            {"odd": number % 2 == 1},
            random.standard_normal((number % passages + 1, DIM), dtype=np.float32),
        )
        for number in range(first, first + count)
    ]


def expected(held: list[Record], query: np.ndarray[Any, Any], metric: Metric) -> tuple[int, float, float]:
    index = ExactIndex(DIM, metric)
    index.apply(Change(one.id, 1, one.vectors) for one in held)
    drawn = [one.id for one in held if sample.level(one.id) >= sample.from_level(len(held))]
    scores = np.array(list(index.scores(query, drawn).values()))
    return len(held), float(scores.mean()), float(scores.std(ddof=1))


@pytest.mark.parametrize("metric", list(Metric))
@pytest.mark.parametrize("passages", [1, 3])
@pytest.mark.parametrize("kind", VECTORS)
def test_mean_and_deviation_are_those_of_the_sample(
    places: Callable[[str], Place], collection_name: str, kind: str, passages: int, metric: Metric
) -> None:
    store = places(kind)()
    store.create(Collection(collection_name, SCHEMA, VectorSpec(DIM, metric), model="none"))
    query = np.random.default_rng(1).standard_normal(DIM, dtype=np.float32)
    held = records(300, passages)
    for more in ([], records(400, passages, first=300)):  # the sample begins at another level then
        held += more
        store.write(more or held)
        store.refresh()
        asked = VectorQuery(query, 5, 20.0, background=True)
        for found in (store.search(asked).background, store.search_many([asked, asked])[1].background):
            facts = (found.documents, found.mean, found.deviation)
            assert facts == pytest.approx(expected(held, query, metric), rel=1e-5, abs=1e-6)
    assert store.search(VectorQuery(query, 5, 20.0)).background is None


@pytest.mark.servers
def test_an_approximate_index_has_the_same_background(places: Callable[[str], Place], collection_name: str) -> None:
    store = places("redis")()
    spec = VectorSpec(DIM, algorithm=VectorAlgorithm.HNSW)
    store.create(Collection(collection_name, SCHEMA, spec, model="none"))
    held = records(600, 1)
    store.write(held)
    store.refresh()
    query = np.random.default_rng(1).standard_normal(DIM, dtype=np.float32)
    found = store.search(VectorQuery(query, 5, 20.0, background=True)).background
    assert (found.documents, found.mean, found.deviation) == pytest.approx(
        expected(held, query, Metric.COSINE), rel=1e-5, abs=1e-6
    )


@pytest.mark.parametrize("kind", VECTORS)
def test_tombstones_are_not_in_the_sample_and_no_document_gives_none(
    places: Callable[[str], Place], collection_name: str, kind: str
) -> None:
    store = places(kind)()
    store.create(Collection(collection_name, SCHEMA, VectorSpec(DIM), model="none"))
    query = np.ones(DIM, np.float32)
    asked = VectorQuery(query, 5, 20.0, background=True)
    assert store.search(asked).background is None
    held = records(20, 1)
    store.write(held)
    store.write([Record("d3", 2, "", {}, np.empty((0, DIM), np.float32), deleted=True)])
    store.refresh()
    found = store.search(asked).background
    left = [one for one in held if one.id != "d3"]
    assert (found.documents, found.mean) == pytest.approx(expected(left, query, Metric.COSINE)[:2], abs=1e-6)


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with deployed(request, tmp_path_factory) as engine:
        assert engine.put(shop.documents()).ok
        yield engine


def test_an_answer_says_what_each_retriever_was_trusted_by(engine: Engine) -> None:
    answer = engine.search("silent notebook")
    near, words = (answer.retrievers[name].evidence for name in ("vector", "text"))
    assert near.keys() == {"mean", "deviation", "z", "low", "trust"}
    assert words.keys() == {"reach", "low", "trust"}
    best = max(hit.explain["vector"].get("raw_score", -1) for hit in engine.search("silent notebook", limit=300).hits)
    assert near["z"] == pytest.approx((best - near["mean"]) / near["deviation"])
    assert answer.to_dict()["retrievers"]["vector"]["evidence"] == near


def test_a_filter_changes_nothing_about_the_background(engine: Engine) -> None:
    every, few = engine.search("notebook"), engine.search("notebook", filter="price < 100")
    for name in ("mean", "deviation"):
        assert every.retrievers["vector"].evidence[name] == few.retrievers["vector"].evidence[name]


def test_a_search_by_one_retriever_needs_no_background(engine: Engine) -> None:
    answer = engine.search("notebook", retrievers=["vector"])
    assert answer.retrievers["vector"].evidence["trust"] == 1.0
    assert answer.hits[0].score == 1.0
