"""How a collection lies in Elasticsearch, and what its errors mean. No server is needed."""

import base64
from typing import Any

import elastic_transport
import elasticsearch
import numpy as np
import orjson
import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig

from hybrid.errors import (
    DocumentError,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreReplyError,
    StoreTimeout,
    StoreUnavailable,
)
from hybrid.model import Ranking, Record, State, Stored
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec
from hybrid.settings import ElasticsearchSettings
from hybrid.stores import elastic_mapping as mapping
from hybrid.stores import elastic_query
from hybrid.stores.base import TextQuery
from hybrid.stores.elastic_client import check_complete, connect, location, meaning, reason, refused
from hybrid.stores.elastic_status import warnings

SCHEMA = Schema(
    (
        Field("title", FieldType.TEXT, boost=2),
        Field("body", FieldType.TEXT),
        Field("brand", FieldType.KEYWORD),
        Field("made", FieldType.DATE),
    )
)


def record(source: dict[str, Any], *, deleted: bool = False) -> Record:
    vectors = np.array([[1, 2], [3, 4]], ">f4")
    return Record("7", 12, "abc", source, vectors, ((0, 5), (3, 9)), deleted)


def as_stored(source: dict[str, Any], *, deleted: bool = False) -> dict[str, Any]:
    """What Elasticsearch would give back: all but the searched text and the vectors."""
    body = orjson.loads(mapping.bulk_lines(record(source, deleted=deleted), SCHEMA)[1])
    for left_out in ("text", "vectors"):
        body["_hybrid"].pop(left_out, None)
    return {"_id": "7", "_version": 12, "_source": body}


@pytest.mark.parametrize("deleted", [False, True])
def test_what_was_stored_is_read_as_the_record_it_was(*, deleted: bool) -> None:
    given = record({} if deleted else {"made": "2024-01-02 10:00", "a.b": None}, deleted=deleted)
    body = orjson.loads(mapping.bulk_lines(given, SCHEMA)[1])
    again = mapping.record({"_id": "7", "_version": 12, "_source": body}, 2)
    assert (again.id, again.version, again.hash, again.deleted) == ("7", 12, "abc", deleted)
    assert again.source == given.source
    assert again.vectors.dtype == np.float32
    assert again.vectors.tolist() == ([] if deleted else [[1, 2], [3, 4]])
    assert again.vectors.shape[1] == 2
    assert again.passages == (() if deleted else ((0, 5), (3, 9)))


def test_requests_have_at_most_so_many_records_and_bytes_and_a_long_record_stands_alone() -> None:
    sizes = {"a": 4, "b": 6, "c": 1, "d": 50, "e": 3, "f": 3, "g": 3, "h": 1}
    lines = {name: (b"x", b"x" * (size - 1)) for name, size in sizes.items()}
    parted = ["".join(batch) for batch in mapping.batches(lines, most=3, most_bytes=10)]
    assert parted == ["ab", "c", "d", "efg", "h"]
    assert list(mapping.batches({}, 3, 10)) == []


def test_the_index_takes_no_fields_by_itself_and_describes_its_collection() -> None:
    shop = Collection("shop", SCHEMA, VectorSpec(2), "none")
    body = mapping.index_body(shop)
    assert body["mappings"]["dynamic"] is False
    assert body["mappings"]["_source"] == {"excludes": ["_hybrid.text", "_hybrid.words"]}
    assert Collection.from_json(body["mappings"]["_meta"]["collection"]) == shop
    assert body["mappings"]["properties"]["brand"] == {"type": "keyword"}
    assert body["mappings"]["properties"]["_hybrid"]["properties"]["text"] == {"type": "text", "analyzer": "hybrid"}
    assert "hybrid" in body["settings"]["analysis"]["analyzer"]
    assert list(body["aliases"]) == ["hybrid-shop.write"]


def test_a_document_has_the_users_fields_at_the_top_and_the_engines_in_one_object() -> None:
    source = {"title": "Cafe\u0301", "body": "x", "brand": ["a"], "made": "2024-01-02", "extra": {"a.b": 1}}
    body = mapping.document(record(source), SCHEMA)
    own = body.pop("_hybrid")
    assert body == source
    assert own == {
        "id": "7",
        "hash": "abc",
        "text": ["Café", "Café", "x"],
        "words": ["café", "x"],
        "has": ["title", "body", "brand", "made"],
        "passages": ((0, 5), (3, 9)),
        "vectors": base64.b64encode(np.array([1, 2, 3, 4], "<f4").tobytes()).decode(),
    }


def test_names_that_elasticsearch_cannot_take_are_kept_aside() -> None:
    source = {"_hybrid": 1, "_id": 2, "": 3, " ": 4, "title.x": 5, ".": 6, "a b": 7, "한국": 8}
    body = mapping.document(record(source), SCHEMA)
    assert {name for name in body if name != "_hybrid"} == {"a b", "한국"}
    assert body["_hybrid"]["as_given"] == {"_hybrid": 1, "_id": 2, "": 3, " ": 4, "title.x": 5, ".": 6}
    assert mapping.stored(as_stored(source)) == Stored("7", 12, source, ((0, 5), (3, 9)))


def test_a_date_with_a_blank_is_indexed_with_a_t_and_comes_back_as_it_was() -> None:
    source = {"made": "2024-01-02 10:00"}
    assert mapping.document(record(source), SCHEMA)["made"] == "2024-01-02T10:00"
    stored = mapping.stored(as_stored(source))
    assert stored is not None
    assert stored.source == source


def test_a_tombstone_holds_id_hash_and_the_mark_only() -> None:
    assert mapping.document(record({}, deleted=True), SCHEMA) == {
        "_hybrid": {"id": "7", "hash": "abc", "deleted": True}
    }
    found = as_stored({}, deleted=True)
    assert mapping.stored(found) is None
    assert mapping.state(found) == State(12, "abc", deleted=True)


def test_the_state_of_a_document_is_its_version_and_hash() -> None:
    assert mapping.state(as_stored({"title": "x"})) == State(12, "abc", deleted=False)


def test_the_action_gives_the_version_from_outside() -> None:
    action, body = mapping.bulk_lines(record({}), SCHEMA)
    assert orjson.loads(action) == {"index": {"_id": "7", "version": 12, "version_type": "external"}}
    assert b"\n" not in action + body


@pytest.mark.parametrize("value", ["\ud800", 2**70, object()])
def test_a_source_that_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(DocumentError, match="'7' cannot be written as JSON"):
        mapping.bulk_lines(record({"x": value}), SCHEMA)


def test_a_search_asks_for_each_term_once_as_often_as_it_counts() -> None:
    assert elastic_query.search_body(TextQuery("New new yorks", 5, 0.25)) == {
        "query": {
            "bool": {
                "must": {
                    "bool": {
                        "should": [
                            {"term": {"_hybrid.text": {"value": "new", "boost": 2}}},
                            {"term": {"_hybrid.text": {"value": "york", "boost": 1}}},
                        ],
                        "minimum_should_match": 1,
                    }
                }
            }
        },
        "size": 5,
        "stored_fields": "_none_",
        "version": True,
        "track_total_hits": False,
        "sort": [{"_score": "desc"}, {"_hybrid.id": "asc"}],
        "timeout": "250ms",
    }


@pytest.mark.parametrize("query", [TextQuery("", 5), TextQuery("the !?", 5), TextQuery("laptop", 0)])
def test_without_words_or_places_there_is_nothing_to_ask(query: TextQuery) -> None:
    assert elastic_query.search_body(query) is None


def test_a_very_long_query_is_cut_to_1024_terms() -> None:
    body = elastic_query.search_body(TextQuery(" ".join(f"w{number}" for number in range(1025)), 5))
    assert body is not None
    assert len(body["query"]["bool"]["must"]["bool"]["should"]) == 1024


def test_hits_become_columns() -> None:
    hits = [{"_version": 8, "sort": [2.5, "a"]}, {"_version": 9, "sort": [1.0, "b"]}]
    query = TextQuery("x", 5)
    found = elastic_query.ranking({"took": 3, "hits": {"hits": hits}}, query, SCHEMA)
    assert found == Ranking(("a", "b"), (2.5, 1.0), (8, 9), spent={"took": 3.0}, unit=2.2)
    counted = {"took": 3, "hits": {"total": {"value": 10_000, "relation": "gte"}}}
    none = elastic_query.ranking(counted, query, SCHEMA)
    assert (len(none), none.total, none.exact) == (0, 10_000, False)


def api_error(status: int, error: object) -> elasticsearch.ApiError:
    meta = ApiResponseMeta(status, "1.1", HttpHeaders(), 0.1, NodeConfig("http", "h", 1))
    kind = elasticsearch.exceptions.HTTP_EXCEPTIONS.get(status, elasticsearch.ApiError)
    return kind("failed", meta, {"error": error, "status": status})


def test_every_error_of_the_client_has_a_meaning() -> None:
    names = {**vars(elastic_transport), **vars(elasticsearch), **vars(elasticsearch.exceptions)}
    bases = (elastic_transport.TransportError, elastic_transport.ApiError)
    errors = {one for one in names.values() if isinstance(one, type) and issubclass(one, bases)}
    assert len(errors) > 12
    for kind in errors:
        sent = api_error(418, {"type": "x"})
        error = kind("x", sent.meta, None) if issubclass(kind, elastic_transport.ApiError) else kind("x")
        assert isinstance(meaning(error, "http://h:1"), StoreError), kind


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (elastic_transport.ConnectionError("refused"), StoreUnavailable, "docker compose up -d"),
        (elastic_transport.ConnectionError("('Connection aborted.', …)"), StoreUnavailable, "write https://"),
        (elastic_transport.TlsError("[SSL: WRONG_VERSION_NUMBER]"), StoreUnavailable, "Write http://"),
        (elastic_transport.TlsError("CERTIFICATE_VERIFY_FAILED"), StoreUnavailable, "CA_CERTS"),
        (elastic_transport.ConnectionTimeout("slow"), StoreTimeout, "in time"),
        (api_error(401, {"reason": "missing credentials"}), StoreDenied, "API_KEY"),
        (api_error(403, {"reason": "needs [read]"}), StoreDenied, "needs [read]"),
        (api_error(429, {"reason": "Data too large"}), StoreFull, "Data too large"),
        (api_error(503, {"type": "no_shard_available_action_exception"}), StoreUnavailable, "no_shard_available"),
        (api_error(404, {"type": "index_not_found_exception"}), StoreReplyError, "no index for this collection"),
        (api_error(400, "plain words"), StoreReplyError, "plain words"),
        (api_error(502, None), StoreUnavailable, "does not answer"),
    ],
)
def test_an_error_says_what_happened_and_what_to_do(error: Exception, kind: type[StoreError], said: str) -> None:
    told = meaning(error, "http://h:1")
    assert type(told) is kind
    assert told.store == "elasticsearch"
    assert "Elasticsearch at http://h:1" in str(told)
    assert said in str(told)


def test_a_reason_is_told_with_its_causes_once() -> None:
    error = {"reason": "all failed", "root_cause": [{"reason": "too many"}], "caused_by": {"reason": "too many"}}
    assert reason(error) == "all failed: too many"
    assert reason({"type": "x"}) == "x"
    assert type(refused("http://h", 429, {"reason": "full"})) is StoreFull


def test_half_an_answer_is_an_error() -> None:
    check_complete({"timed_out": False, "_shards": {"failed": 0}}, "http://h")
    with pytest.raises(StoreTimeout, match="only in part"):
        check_complete({"timed_out": True, "_shards": {"failed": 0}}, "http://h")
    failures = [{"reason": {"type": "node_disconnected_exception", "reason": "node left"}}]
    with pytest.raises(StoreReplyError, match="node left"):
        check_complete({"timed_out": False, "_shards": {"failed": 1, "failures": failures}}, "http://h")


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://user:secret@h", "http://h:9200"),
        ("https://h/", "https://h:443"),
        ("https://h:9243/es/?pretty", "https://h:9243/es"),
        ("http://[::1]:9200", "http://[::1]:9200"),
    ],
)
def test_the_address_is_known_without_credentials(url: str, where: str) -> None:
    with connect(ElasticsearchSettings(url=url)) as client:  # type: ignore[arg-type]
        assert location(client) == where


def test_a_healthy_server_has_no_warnings_and_an_unhealthy_one_one_for_each_trouble() -> None:
    good = {"version": "9.4.3", "health": "green", "unassigned_shards": 0, "heap_percent": 85, "disk_percent": 85}
    assert warnings(good, read_only=False) == []
    bad = good | {"version": "8.18.9", "health": "yellow", "heap_percent": 86, "disk_percent": 86}
    assert len(warnings(bad, read_only=True)) == 5
    assert len(warnings(None, read_only=False)) == 1
    assert len(warnings(bad, read_only=False, indexed=False)) == 3  # the health is not that of an index
