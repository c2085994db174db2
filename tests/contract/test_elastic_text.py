"""What only Elasticsearch has to prove: its index, its refusals, time limits, restarts and forks."""

import base64
import os
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from hybrid.errors import CollectionMismatch, StoreFull, StoreReplyError, StoreTimeout, StoreUnavailable
from hybrid.model import Record, Wrote
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec
from hybrid.settings import ElasticsearchSettings
from hybrid.stores.base import TextQuery
from hybrid.stores.elastic_text import BATCH_BYTES, ElasticText
from tests.servers.fixtures import ElasticsearchMaker

pytestmark = pytest.mark.servers

NAME = "elastic-only"
INDEX = "hybrid-elastic-only"
SCHEMA = Schema(
    (
        Field("title", FieldType.TEXT, boost=2),
        Field("body", FieldType.TEXT),
        Field("brand", FieldType.KEYWORD),
        Field("stock", FieldType.LONG),
        Field("made", FieldType.DATE),
    )
)
SHOP = Collection(NAME, SCHEMA, VectorSpec(2), "none")


def connected(url: str) -> ElasticText:
    return ElasticText.connect(ElasticsearchSettings(url=url), NAME)  # type: ignore[arg-type]


def record(id_: str, version: int = 1, **source: object) -> Record:
    return Record(id_, version, "h", source, np.array([[1, 2]], np.float32), ((0, 1),))


def tombstone(id_: str, version: int) -> Record:
    return Record(id_, version, "h", {}, np.empty((0, 2), np.float32), deleted=True)


@pytest.fixture
def client(elasticsearch_url: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(elasticsearch_url) as client:
        yield client


@pytest.fixture
def store(elasticsearch_url: str) -> Iterator[ElasticText]:
    store = connected(elasticsearch_url)
    store.drop()
    store.create(SHOP)
    yield store
    store.drop()
    store.close()


def test_whatever_a_source_holds_comes_back_and_its_text_is_found(store: ElasticText) -> None:
    source: dict[str, Any] = {
        "title": "Cafe\u0301 \u00adlatte",
        "brand": ["a", "", "x\x00y", "가" * 1365],
        "stock": [2**53, -1, 5.0],
        "made": ["2024-01-02 10:00:00.123456+0900", "0001-01-01", "9999-12-31T23:59:59Z"],
        "_hybrid": 1,
        "_id": 2,
        "": 3,
        " ": {"": 1},
        "title.x": [[1, [2.5]]],
        "..": None,
        "free": {"a.b": 1, "": [1, "x", {"y": None}], "deep": [[[[[[[[[[1]]]]]]]]]]},
        "한국": True,
        "large": 2**63,
    }
    assert store.write([record("a", **source)])[0].outcome is Wrote.WRITTEN
    store.refresh()
    assert store.fetch(["a"])["a"].source == source
    assert store.search(TextQuery("café", 5)).ids == ("a",)


def test_a_record_that_is_refused_says_why_and_the_others_are_written(store: ElasticText) -> None:
    outcomes = store.write([record("a", stock="many"), record("b", x="\ud800"), record("c", body="fine")])
    assert [one.outcome for one in outcomes] == [Wrote.REJECTED, Wrote.REJECTED, Wrote.WRITTEN]
    assert "[stock]" in outcomes[0].reason
    assert "many" in outcomes[0].reason
    assert "JSON" in outcomes[1].reason
    assert store.states(["a", "b", "c"]).keys() == {"c"}


def test_vectors_can_be_read_back_for_redis(store: ElasticText, client: Elasticsearch) -> None:
    store.write([Record("a", 1, "h", {}, np.array([[1.5, -2], [0.1, 3]], np.float32), ((0, 1), (1, 2)))])
    own = client.get(index=INDEX, id="a")["_source"]["_hybrid"]
    rows = np.frombuffer(base64.b64decode(own["vectors"]), "<f4").reshape(-1, 2)
    assert rows.tolist() == np.array([[1.5, -2], [0.1, 3]], np.float32).tolist()
    assert "text" not in own


def test_a_write_to_a_deleted_index_does_not_make_a_new_one(store: ElasticText, client: Elasticsearch) -> None:
    client.indices.delete(index=INDEX)
    with pytest.raises(StoreReplyError, match="no index for this collection"):
        store.write([record("a", body="x")])
    with pytest.raises(StoreReplyError, match="no index"):
        store.states(["a"])
    with pytest.raises(StoreReplyError, match="no index"):
        store.search(TextQuery("x", 5))
    assert store.load() is None
    assert not client.indices.exists(index=INDEX)


def test_an_index_of_somebody_else_is_not_opened(elasticsearch_url: str, client: Elasticsearch) -> None:
    client.indices.delete(index=INDEX, ignore_unavailable=True)
    client.indices.create(index=INDEX)
    store = connected(elasticsearch_url)
    with pytest.raises(CollectionMismatch, match="not made by this program"):
        store.load()
    store.drop()
    store.close()


def test_a_batch_larger_than_a_request_is_written_in_several(store: ElasticText) -> None:
    text = "word " * (BATCH_BYTES // 10)
    outcomes = store.write([record(str(at), extra=text, body="small") for at in range(5)])
    assert [one.outcome for one in outcomes] == [Wrote.WRITTEN] * 5
    store.refresh()
    assert store.search(TextQuery("small", 9)).ids == ("0", "1", "2", "3", "4")


@pytest.mark.parametrize("text", ["needle " * 20_000, "needle " + " ".join(f"w{at}" for at in range(5000))])
def test_a_very_long_query_is_answered(store: ElasticText, text: str) -> None:
    store.write([record("a", body="needle"), record("b", body="hay")])
    store.refresh()
    assert store.search(TextQuery(text, 5)).ids == ("a",)


def test_a_repeated_word_counts_as_often_as_it_comes(store: ElasticText) -> None:
    store.write([record("a", body="red"), record("b", body="green")])
    store.refresh()
    once = store.search(TextQuery("red green", 5))
    twice = store.search(TextQuery("red green green", 5))
    assert once.ids == ("a", "b")
    assert twice.ids == ("b", "a")
    assert twice.scores[0] == pytest.approx(2 * once.scores[1])


def test_a_nearly_full_disk_means_full_until_there_is_room(store: ElasticText, client: Elasticsearch) -> None:
    client.indices.put_settings(index=INDEX, settings={"index.blocks.read_only_allow_delete": True})
    with pytest.raises(StoreFull, match="2 of 2 records not written"):
        store.write([record("a", body="x"), record("b", body="x")])
    assert any("disk" in warning for warning in store.status()["warnings"])
    client.indices.put_settings(index=INDEX, settings={"index.blocks.read_only_allow_delete": None})
    assert store.write([record("a", body="x")])[0].outcome is Wrote.WRITTEN


def test_a_hung_a_dead_and_a_restarted_server(own_elasticsearch: ElasticsearchMaker) -> None:
    server = own_elasticsearch()
    store = connected(server.url)
    store.create(SHOP)
    store.write([record("a", body="x"), tombstone("b", 5)])
    server.pause()
    began = time.monotonic()
    with pytest.raises(StoreTimeout):
        store.search(TextQuery("x", 5, timeout_s=0.3))
    assert time.monotonic() - began < 1
    server.kill()
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="docker compose up -d"):
        store.search(TextQuery("x", 5))
    assert time.monotonic() - began < 0.3
    server.start()
    server.wait_ready()
    assert store.load() == SHOP
    store.refresh()
    assert store.search(TextQuery("x", 5)).ids == ("a",)
    assert store.write([record("b", 4, body="late")])[0].outcome is Wrote.SUPERSEDED
    store.close()


def test_parent_and_forked_child_have_connections_of_their_own(store: ElasticText) -> None:
    store.write([record(str(at), body="x") for at in range(10)])
    store.refresh()
    wanted = store.search(TextQuery("x", 5)).ids
    child = os.fork()
    if child == 0:
        same = all(store.search(TextQuery("x", 5)).ids == wanted for _ in range(50))
        os._exit(0 if same else 1)
    assert all(store.search(TextQuery("x", 5)).ids == wanted for _ in range(50))
    assert os.waitpid(child, 0)[1] == 0


def test_the_status_says_what_an_operator_wants_to_know(store: ElasticText) -> None:
    store.write([record("a", body="x"), record("b", body="x"), tombstone("c", 1)])
    store.refresh()
    status = store.status()
    assert (status["documents"], status["tombstones"]) == (2, 1)
    assert status["index"]["bytes"] > 100
    assert (status["index"]["shards"], status["index"]["read_only"]) == (1, False)
    assert status["server"]["health"] == "green"
    assert 0 < status["server"]["heap_percent"] <= 100
