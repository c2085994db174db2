"""A server that lost everything gets it back from the other: vectors included, nothing embedded, no files needed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import redis
from elasticsearch import Elasticsearch

import hybrid
from hybrid import Engine
from hybrid.errors import CollectionMismatch
from hybrid.model import Vector
from hybrid.stores.redis_layout import passage_key
from tests.contract import shop
from tests.embedders import HashedWords

pytestmark = pytest.mark.servers


class Counting(HashedWords):
    """Counts the documents it embeds."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        self.count += len(texts)
        return super().embed_documents(texts)


class Renamed(HashedWords):
    """The same vectors under another name, so another model."""

    name = "renamed-words-64"


@pytest.fixture
def engine(redis_url: str, elasticsearch_url: str) -> Iterator[Engine]:
    name = f"repair-{uuid.uuid4().hex}"
    with hybrid.open(redis=redis_url, elasticsearch=elasticsearch_url, collection=name, embedder=Counting()) as engine:
        assert engine.put(shop.documents()).ok
        engine.delete(["e-001"])
        engine.flush()  # until all is durable, so that nothing is left out as pending
        yield engine
        engine.drop()


def embedded(engine: Engine) -> int:
    embedder = engine._location.place.model.get()
    assert isinstance(embedder, Counting)
    return embedder.count


def answers(engine: Engine, *retrievers: str) -> list[list[tuple[str, float]]]:
    """Ids and scores. Text scores look at statistics that count a replaced document until its segment is merged."""
    results = [engine.search(query, retrievers=retrievers or None) for query in shop.queries()]
    return [[(hit.id, hit.score) for hit in result.hits] for result in results]


def test_redis_wiped_is_rebuilt_from_elasticsearch_without_embedding(engine: Engine, redis_url: str) -> None:
    before, count = answers(engine), embedded(engine)
    with redis.Redis.from_url(redis_url) as client:
        keys = list(client.scan_iter(match=f"hs:{{{engine.collection.name}}}:*", count=10_000))
        client.execute_command("FT.DROPINDEX", f"hs:{{{engine.collection.name}}}:idx")
        client.delete(*keys)
    told = engine.status()["stores"]
    assert "hybrid repair" in told["vector"]["error"]
    assert told["text"]["documents"] == 301
    found, repaired = engine.repair()
    # The searches before may have had some repaired already, behind their answers.
    assert 0 < repaired <= found.counts["missing"] <= 302  # one is a tombstone; searches had others repaired
    assert found.counts["stale"] == found.counts["orphan"] == found.counts["torn"] == 0
    assert embedded(engine) - count == 0
    assert engine.verify().agree
    assert answers(engine) == before


def test_a_passage_that_redis_threw_away_comes_back(engine: Engine, redis_url: str) -> None:
    engine.put([{"id": "long", "title": "long", "vector": np.eye(3, 64, dtype=np.float32)}])
    engine.flush()
    with redis.Redis.from_url(redis_url) as client:
        client.delete(passage_key(engine.collection.name, "long", 2))
    found, repaired = engine.repair()
    assert ([(one.id, one.fault) for one in found.differences], repaired) == ([("long", "torn")], 1)
    engine.flush()
    assert engine.verify().agree
    assert engine.search(vector=np.eye(3, 64, dtype=np.float32)[2], limit=1).ids == ["long"]


def test_elasticsearch_wiped_is_rebuilt_from_redis(engine: Engine, elasticsearch_url: str) -> None:
    before, count = answers(engine, "vector"), embedded(engine)
    texts = [engine.search(query, retrievers=["text"]).ids for query in shop.queries()]
    with Elasticsearch(elasticsearch_url) as client:
        client.indices.delete(index=f"hybrid-{engine.collection.name}")
    found, repaired = engine.repair()
    assert 0 < repaired <= found.counts["missing"] <= 302  # one is a tombstone; searches had others repaired
    assert engine.verify().agree
    assert embedded(engine) - count == 0
    assert answers(engine, "vector") == before
    again = [engine.search(query, retrievers=["text"]).ids for query in shop.queries()]
    assert [set(one) ^ set(other) for one, other in zip(texts, again, strict=True) if len(one) < 10] == [
        set() for one in texts if len(one) < 10
    ]


def test_documents_lost_one_by_one_are_named_and_brought_back(engine: Engine, redis_url: str) -> None:
    name = engine.collection.name
    with redis.Redis.from_url(redis_url) as client:
        client.delete(f"hs:{{{name}}}:d:e-002", f"hs:{{{name}}}:d:k-003")
    found = engine.verify()
    assert [(one.id, str(one.fault), one.store) for one in found.differences] == [
        ("e-002", "missing", "vector"),
        ("k-003", "missing", "vector"),
    ]
    assert engine.repair()[1] == 2
    assert engine.verify().agree


def test_a_collection_on_servers_is_made_anew_with_another_model(
    engine: Engine, redis_url: str, elasticsearch_url: str
) -> None:
    name = engine.collection.name
    before = answers(engine, "vector")
    assert engine.reindex(embedder=Renamed()) == 302
    assert engine.collection.name == f"{name}~2"
    assert engine.verify().agree
    assert answers(engine, "vector") == before
    with (
        hybrid.open(redis=redis_url, elasticsearch=elasticsearch_url, collection=name, embedder=Renamed()) as other,
        hybrid.open(redis=redis_url, elasticsearch=elasticsearch_url, collection=name, embedder=HashedWords()) as old,
    ):
        assert other.search("laptop").ids == engine.search("laptop").ids
        with pytest.raises(CollectionMismatch, match=r"renamed-words-64.*hashed-words-64.*hybrid reindex"):
            old.search("laptop")
