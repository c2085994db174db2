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
from hybrid.model import Record, State, Wrote
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec
from hybrid.settings import ElasticsearchSettings
from hybrid.stores import elastic_mapping as mapping
from hybrid.stores.base import TextQuery
from hybrid.stores.elastic_text import BATCH_BYTES, PAGE, ElasticText
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
        "stock": 2**53,
        "made": "2024-01-02 10:00:00.123456+0900",
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
    with pytest.raises(StoreFull, match="takes no more for now"):
        store.write([record("a", body="x"), record("b", body="x")])
    assert any("disk" in warning for warning in store.status()["warnings"])
    client.indices.put_settings(index=INDEX, settings={"index.blocks.read_only_allow_delete": None})
    assert store.write([record("a", body="x")])[0].outcome is Wrote.WRITTEN


def test_one_record_too_large_for_a_request_is_refused_alone(own_elasticsearch: ElasticsearchMaker) -> None:
    server = own_elasticsearch(settings={"http.max_content_length": "1mb"})
    store = connected(server.url)
    store.create(SHOP)
    large = {"2": 2_000_000, "5": 900_000, "6": 900_000}
    outcomes = store.write([record(str(at), extra="x" * large.get(str(at), 10)) for at in range(9)])
    assert [at for at, one in enumerate(outcomes) if one.outcome is not Wrote.WRITTEN] == [2]
    assert outcomes[2].outcome is Wrote.REJECTED
    assert "'2'" in outcomes[2].reason
    assert "http.max_content_length" in outcomes[2].reason
    assert sorted(store.states([str(at) for at in range(9)])) == list("01345678")
    store.close()


def open_scans(client: Elasticsearch) -> int:
    nodes = client.nodes.stats(metric="indices", index_metric="search")["nodes"].values()
    return sum(node["indices"]["search"]["open_contexts"] for node in nodes)


def test_a_scan_of_several_pages_names_every_id_once_and_leaves_nothing_open(
    store: ElasticText, client: Elasticsearch
) -> None:
    ids = [f"{at:05}" for at in range(2 * PAGE)]
    store.write([tombstone(one, 7) for one in ids])
    assert sorted(one for one, _ in store.scan()) == ids
    assert open_scans(client) == 0
    store.write([record("z")])
    left = store.scan()
    for _ in range(PAGE + 1):
        next(left)
    assert open_scans(client) == 1
    left.close()  # type: ignore[attr-defined]
    assert open_scans(client) == 0
    assert store.expunge(8) == 2 * PAGE
    assert [one for one, _ in store.scan()] == ["z"]


def test_a_tombstone_that_was_written_over_since_it_was_found_is_left(
    store: ElasticText, client: Elasticsearch
) -> None:
    store.write([tombstone("back", 5), tombstone("newer", 5), tombstone("still", 5)])
    store.refresh()
    point = client.open_point_in_time(index=INDEX, keep_alive="1m")["id"]
    hits = client.search(body=mapping.page_body(point, None, 9, mapping.TOMBSTONES))["hits"]["hits"]
    client.close_point_in_time(id=point)
    store.write([record("back", 6, body="x"), tombstone("newer", 6)])
    items = client.bulk(index=INDEX, operations=[mapping.removal(hit) for hit in hits])["items"]
    assert {item["delete"]["_id"]: item["delete"]["status"] for item in items} == {
        "back": 409,
        "newer": 409,
        "still": 200,
    }
    assert store.fetch(["back", "still"]).keys() == {"back"}
    assert store.states(["newer", "still"]) == {"newer": State(6, "h", deleted=True)}


def test_expunging_a_dropped_collection_makes_no_new_index(store: ElasticText, client: Elasticsearch) -> None:
    store.write([tombstone("a", 1)])
    store.drop()
    for missing in (lambda: store.expunge(9), lambda: list(store.scan()), store.incarnation):
        with pytest.raises(StoreReplyError, match="no index"):
            missing()
    body = {"_version": 1, "_seq_no": 0, "_primary_term": 1, "fields": {"_hybrid.id": ["a"], "_hybrid.hash": [""]}}
    alias = mapping.write_alias(NAME)
    assert client.bulk(index=alias, operations=[mapping.removal(body)])["items"][0]["delete"]["status"] == 404
    assert not client.indices.exists(index=f"{INDEX}*", allow_no_indices=False)


def test_what_is_acknowledged_is_durable_unless_the_index_is_set_otherwise(
    store: ElasticText, client: Elasticsearch
) -> None:
    assert store.sync()
    client.indices.put_settings(index=INDEX, settings={"index.translog.durability": "async"})
    assert store.load() == SHOP
    assert not store.sync()


def test_an_index_made_again_is_another_incarnation(store: ElasticText) -> None:
    before = store.incarnation()
    store.drop()
    store.create(SHOP)
    assert store.incarnation() != before


def test_a_hung_a_dead_and_a_restarted_server(own_elasticsearch: ElasticsearchMaker) -> None:
    server = own_elasticsearch()
    store = connected(server.url)
    store.create(SHOP)
    store.write([record("a", body="x"), tombstone("b", 5)])
    incarnation = store.incarnation()
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
    assert until_started(store) != incarnation
    store.refresh()
    assert store.search(TextQuery("x", 5)).ids == ("a",)
    assert store.write([record("b", 4, body="late")])[0].outcome is Wrote.SUPERSEDED
    store.close()


def until_started(store: ElasticText) -> str:
    """The incarnation, as soon as the index has loaded."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return store.incarnation()
        except StoreUnavailable:
            assert time.monotonic() < deadline
            time.sleep(0.05)


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
