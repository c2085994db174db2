"""Every store, new and empty for each test. A place opens one and the same collection as often as it is called."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from hybrid.schema import Collection, Schema, VectorSpec
from hybrid.settings import ElasticsearchSettings, RedisSettings
from hybrid.stores.base import TextStore, VectorStore
from hybrid.stores.elastic_text import ElasticText
from hybrid.stores.embedded_text import TantivyText
from hybrid.stores.embedded_vectors import SqliteVectors
from hybrid.stores.memory import MemoryText
from hybrid.stores.redis_vectors import RedisVectors
from tests.contract.records import AnyStore, make_collection

Place = Callable[[], Any]

LASTING_TEXT = ["tantivy", pytest.param("elasticsearch", marks=pytest.mark.servers)]
LASTING_VECTORS = ["numpy", pytest.param("redis", marks=pytest.mark.servers)]
TEXT = [*LASTING_TEXT, "rank-bm25"]
VECTORS = [*LASTING_VECTORS, "numpy-in-memory"]


def _elasticsearch(request: pytest.FixtureRequest, _: Path, name: str) -> ElasticText:
    return ElasticText.connect(ElasticsearchSettings(url=request.getfixturevalue("elasticsearch_url")), name)


def _redis(request: pytest.FixtureRequest, _: Path, name: str) -> RedisVectors:
    return RedisVectors.connect(RedisSettings(url=request.getfixturevalue("redis_url")), name)


MAKERS: dict[str, Callable[[pytest.FixtureRequest, Path, str], AnyStore]] = {
    "tantivy": lambda _, folder, name: TantivyText(folder / "text", name),
    "elasticsearch": _elasticsearch,
    "rank-bm25": lambda _, __, name: MemoryText(name),
    "numpy": lambda _, folder, name: SqliteVectors(folder / "vectors.sqlite", name),
    "redis": _redis,
    "numpy-in-memory": lambda _, __, name: SqliteVectors(None, name),
}


@contextmanager
def kept(request: pytest.FixtureRequest, folder: Path, schema: Schema) -> Iterator[Any]:
    """The store that a fixture's parameter names, with a collection of this schema, dropped at the end."""
    name = f"contract-{uuid.uuid4().hex}"
    with closing(MAKERS[request.param](request, folder, name)) as store:
        store.create(Collection(name, schema, VectorSpec(3), model="none"))
        yield store
        store.drop()


@pytest.fixture
def collection_name() -> str:
    return f"contract-{uuid.uuid4().hex}"


@pytest.fixture
def places(request: pytest.FixtureRequest, tmp_path: Path, collection_name: str) -> Iterator[Callable[[str], Place]]:
    """What opens stores by name; at the end the collection is dropped and all stores are closed."""
    with ExitStack() as stack:

        def place(kind: str) -> Place:
            def open_one() -> Any:
                store = stack.enter_context(closing(MAKERS[kind](request, tmp_path, collection_name)))
                stack.callback(store.drop)
                return store

            return open_one

        yield place


@pytest.fixture(params=TEXT)
def text_store(request: pytest.FixtureRequest, places: Callable[[str], Place], collection_name: str) -> TextStore:
    store: TextStore = places(request.param)()
    store.create(make_collection(collection_name))
    return store


@pytest.fixture(params=VECTORS)
def vector_place(request: pytest.FixtureRequest, places: Callable[[str], Place]) -> Place:
    return places(request.param)


@pytest.fixture
def vector_store(vector_place: Place, collection_name: str) -> VectorStore:
    store: VectorStore = vector_place()
    store.create(make_collection(collection_name))
    return store


@pytest.fixture(params=TEXT + VECTORS)
def any_place(request: pytest.FixtureRequest, places: Callable[[str], Place]) -> Place:
    return places(request.param)


@pytest.fixture
def any_store(any_place: Place, collection_name: str) -> AnyStore:
    store: AnyStore = any_place()
    store.create(make_collection(collection_name))
    return store


@pytest.fixture(params=LASTING_TEXT + LASTING_VECTORS)
def lasting_place(request: pytest.FixtureRequest, places: Callable[[str], Place]) -> Place:
    return places(request.param)
