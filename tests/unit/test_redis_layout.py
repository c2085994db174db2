"""How a collection lies in Redis, and what Redis's errors mean. No server is needed."""

import math
from typing import Any

import numpy as np
import orjson
import pytest
import redis.exceptions
from hypothesis import given
from hypothesis import strategies as st

from hybrid import sample
from hybrid.errors import (
    DocumentError,
    SettingsError,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreReplyError,
    StoreTimeout,
    StoreUnavailable,
)
from hybrid.model import Record
from hybrid.schema import Collection, Field, FieldType, Metric, Schema, VectorAlgorithm, VectorSpec, VectorType
from hybrid.settings import RedisSettings
from hybrid.stores import redis_layout as layout
from hybrid.stores import redis_query
from hybrid.stores.redis_client import MEANINGS, connect, meaning
from hybrid.stores.redis_scan import Seen
from hybrid.stores.redis_status import version, warnings

SCHEMA = Schema(
    (
        Field("title", FieldType.TEXT),
        Field("brand", FieldType.KEYWORD),
        Field("stock", FieldType.LONG),
        Field("price", FieldType.DOUBLE),
        Field("used", FieldType.BOOLEAN),
        Field("made", FieldType.DATE),
    )
)


def collection(**spec: object) -> Collection:
    return Collection("shop", SCHEMA, VectorSpec(**({"dim": 2} | spec)), "none")  # type: ignore[arg-type]


def record(source: dict[str, Any], *vectors: list[float], deleted: bool = False) -> Record:
    rows = np.array(vectors, np.float32).reshape(-1, 2)
    return Record("7", 12, "abc", source, rows, ((0, 5),) * len(vectors), deleted)


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        ("acer", "=acer"),
        ("Acer_9", "=Acer_9"),
        ("", "="),
        (" a ", "=%20a%20"),
        ("a,b|c", "=a%2Cb%7Cc"),
        ("=", "=%3D"),
        ("#a", "=%23a"),
        ("100%", "=100%25"),
        ("a\x00b", "=a%00b"),
        ("a\x1fb", "=a%1Fb"),
        ("가", "=%EA%B0%80"),
    ],
)
def test_a_tag_is_percent_encoded(value: str, tag: str) -> None:
    assert layout.encode_tag(value) == tag


def test_a_tag_of_1000_bytes_is_encoded_and_a_longer_one_is_hashed() -> None:
    assert layout.encode_tag("a" * 999) == "=" + "a" * 999
    assert layout.encode_tag("a" * 1000).startswith("#")
    assert len(layout.encode_tag("가" * 112)) == 65
    assert layout.encode_tag("a" * 4000) != layout.encode_tag("a" * 4001)


def test_versions_compare_as_strings_up_to_63_bits() -> None:
    assert layout.version_digits(9) < layout.version_digits(10) < layout.version_digits(2**63 - 2)
    assert layout.version_digits(2**63 - 2) < layout.version_digits(2**63 - 1) == "09223372036854775807"


def test_filterable_fields_are_tags_numbers_and_milliseconds_and_what_there_is_and_is_not() -> None:
    source = {"title": "x", "brand": ["a b", "c"], "stock": 2**53, "price": -0.0, "made": "1970-01-02"}
    assert layout.filterable("7", source, SCHEMA) == {
        "brand": "=a%20b\x1f=c",
        "stock": "9007199254740992",
        "price": "0.0",
        "made": "86400000",
        "_id": "=7",
        "_has": "=title\x1f=brand\x1f=stock\x1f=price\x1f=made",
        "_lacks": "=used",
    }


def test_missing_null_and_empty_values_have_no_hash_field_and_an_empty_keyword_has_one() -> None:
    nothing = layout.filterable("7", {"brand": None, "stock": [], "other": 1}, SCHEMA)
    assert nothing.keys() == {"_id", "_lacks"}
    few = layout.filterable("7", {"brand": "", "stock": 0, "used": False}, SCHEMA)
    assert (few["brand"], few["stock"], few["used"]) == ("=", "0", "=false")


LACKING = "\x1f".join(f"={one.name}" for one in SCHEMA.fields if one.name != "brand")


def test_a_document_is_its_own_hash_and_one_for_each_further_passage() -> None:
    stored = layout.hashes(record({"brand": "b", "x": [1]}, [1, 2], [3, 4], [5, 6]), collection(metric=Metric.IP))
    assert list(stored) == ["hs:{shop}:d:7", "hs:{shop}:p:1:7", "hs:{shop}:p:2:7"]
    own = stored["hs:{shop}:d:7"]
    assert own == {
        "brand": "=b",
        "_id": "=7",
        "_has": "=brand",
        "_lacks": LACKING,
        "_z": str(sample.level("7")),
        "_v": "00000000000000000012",
        "_h": "abc",
        "_n": 3,
        "_kind": "d",
        "_src": b'{"brand":"b","x":[1]}',
        "_pas": b"[[0,5],[0,5],[0,5]]",
        "_vec": np.array([1, 2], "<f4").tobytes(),
    }
    assert stored["hs:{shop}:p:2:7"] == {
        "brand": "=b",
        "_id": "=7",
        "_has": "=brand",
        "_lacks": LACKING,
        "_z": str(sample.level("7")),
        "_v": "00000000000000000012",
        "_kind": "p",
        "_vec": np.array([5, 6], "<f4").tobytes(),
    }


def test_a_tombstone_holds_version_and_hash_only() -> None:
    stored = layout.hashes(record({}, deleted=True), collection())
    assert stored == {"hs:{shop}:d:7": {"_v": "00000000000000000012", "_h": "abc", "_n": 0, "_kind": "t"}}


@pytest.mark.parametrize("value", ["\ud800", 2**70, object()])
def test_a_source_that_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(DocumentError, match="'7' cannot be written as JSON"):
        layout.hashes(record({"x": value}, [1, 2]), collection())


def test_under_cosine_only_tiny_and_huge_vectors_are_made_of_unit_length() -> None:
    vectors = np.array([[3, 4], [3e-38, 4e-38], [3e38, 0], [-1, 0]], np.float32)
    rows = layout.rows(vectors, VectorSpec(2))
    assert rows.dtype == np.dtype("<f4")
    assert rows[[0, 3]].tolist() == [[3, 4], [-1, 0]]
    assert rows[[1, 2]] == pytest.approx(np.array([[0.6, 0.8], [1, 0]]), abs=1e-6)


@pytest.mark.parametrize("metric", Metric)
def test_ordinary_vectors_stay_as_they_are(metric: Metric) -> None:
    vectors = np.array([[3, 4]], ">f4")
    assert layout.rows(vectors, VectorSpec(2, metric)).tobytes() == np.array([3, 4], "<f4").tobytes()
    double = layout.rows(vectors, VectorSpec(2, metric, type=VectorType.FLOAT64))
    assert double.tobytes() == np.array([3, 4], "<f8").tobytes()


@pytest.mark.parametrize("kind", VectorType)
def test_what_was_stored_is_read_as_the_record_it_was(kind: VectorType) -> None:
    given, shop = record({"x": ["한국", None]}, [1, 2], [0.1, 6]), collection(type=kind)
    held = list(layout.hashes(given, shop).values())
    first = [sent(held[0][name]) for name in ("_v", "_h", "_kind", "_src", "_pas", "_n", "_vec")]
    again = layout.record("7", [*first, sent(held[1]["_vec"])], shop.vector)
    assert again is not None
    assert (again.id, again.version, again.hash, again.deleted) == ("7", 12, "abc", False)
    assert (again.source, again.passages) == ({"x": ["한국", None]}, ((0, 5), (0, 5)))
    assert again.vectors.dtype == np.float32
    assert again.vectors.tolist() == given.vectors.tolist()


def sent(value: layout.Argument) -> bytes:
    return str(value).encode() if isinstance(value, str | int) else value


def test_a_document_with_a_passage_missing_is_no_record() -> None:
    assert layout.record("7", [b"1", b"h", b"d", b"{}", b"[]", b"2", b"", None], VectorSpec(2)) is None
    assert layout.record("7", [None] * 7, VectorSpec(2)) is None


def test_the_keys_of_passages_are_made_of_what_stands_around_the_number() -> None:
    before, after = layout.around_number("shop", "a:0:b")
    assert f"{before}12{after}" == layout.passage_key("shop", "a:0:b", 12)


def test_what_was_seen_before_is_not_new_whatever_page_it_comes_on() -> None:
    seen = Seen()
    pages = [[b"%d" % (number % 700) for number in range(start, start + 90)] for start in range(0, 2100, 70)]
    new = [key for page in pages for key in seen.new(page)]
    assert sorted(new) == sorted({key for page in pages for key in page})
    assert seen.new([b"x", b"x"]) == [b"x"]
    assert seen.new([]) == []


def test_the_flat_index_has_a_field_for_each_filterable_field_and_no_hnsw_numbers() -> None:
    tag = ["TAG", "SEPARATOR", "\x1f", "CASESENSITIVE"]
    assert layout.index_command(collection(initial_cap=9)) == [
        *("FT.CREATE", "hs:{shop}:idx", "ON", "HASH", "PREFIX", 2, "hs:{shop}:d:", "hs:{shop}:p:", "SCHEMA"),
        *("_kind", *tag, "_id", *tag, "_has", *tag, "_lacks", *tag, "_z", "NUMERIC"),
        *("brand", *tag, "stock", "NUMERIC", "price", "NUMERIC", "used", *tag, "made", "NUMERIC"),
        *("_vec", "VECTOR", "FLAT", 8, "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "COSINE", "INITIAL_CAP", 9),
    ]


def test_the_hnsw_index_has_its_numbers() -> None:
    command = layout.index_command(collection(algorithm=VectorAlgorithm.HNSW, m=5, ef_construction=6, ef_runtime=7))
    assert command[-6:] == ["M", 5, "EF_CONSTRUCTION", 6, "EF_RUNTIME", 7]


def test_a_search_asks_for_k_rows_by_parameters() -> None:
    command = redis_query.search_command("shop", np.array([0, 2], np.float32), 5, 0.25, VectorSpec(2))
    assert command == [
        *("FT.SEARCH", "hs:{shop}:idx", "*=>[KNN $k @_vec $vector AS _distance]"),
        *("PARAMS", 4, "k", 5, "vector", np.array([0, 2], "<f4").tobytes()),
        *("SORTBY", "_distance", "RETURN", 2, "_distance", "_v", "LIMIT", 0, 5, "TIMEOUT", 250, "DIALECT", 2),
    ]


def test_a_search_by_hnsw_says_how_many_candidates_to_look_at_and_never_has_no_time_limit() -> None:
    spec = VectorSpec(2, algorithm=VectorAlgorithm.HNSW, ef_runtime=33)
    command = redis_query.search_command("shop", np.array([0, 2], np.float32), 5, 0.0001, spec)
    assert "EF_RUNTIME $ef" in str(command[2])
    assert command[command.index("ef") + 1] == 33
    assert command[command.index("TIMEOUT") + 1] == 1  # 0 would mean no limit


def row(key: str, distance: float, version_: int = 1) -> dict[bytes, Any]:
    fields = {b"_distance": str(distance).encode(), b"_v": layout.version_digits(version_).encode()}
    return {b"id": f"hs:{{shop}}:{key}".encode(), b"extra_attributes": fields}


def test_a_document_counts_once_by_its_best_passage_and_ties_go_by_id() -> None:
    rows = [row("p:12:b:1", 0.25, 8), row("d:b:1", 0.5, 8), row("d:c", 0.5), row("d:a", 0.5), row("p:1:c", 0.5)]
    found = layout.ranking("shop", rows, 10, Metric.COSINE)
    assert found.ids == ("b:1", "a", "c")
    assert found.scores == (0.75, 0.5, 0.5)
    assert found.versions == (8, 1, 1)
    assert found.passages == (12, 0, 0)
    assert layout.ranking("shop", rows, 1, Metric.COSINE).ids == ("b:1",)


def test_a_row_whose_hash_is_gone_is_left_out() -> None:
    gone: list[dict[bytes, Any]] = [{b"id": b"hs:{shop}:d:a", b"extra_attributes": None}, {b"id": b"hs:{shop}:d:b"}]
    assert layout.ranking("shop", gone, 10, Metric.COSINE).ids == ()


@pytest.mark.parametrize(
    ("metric", "distance", "score"),
    [
        (Metric.COSINE, 0.25, 0.75),
        (Metric.COSINE, -1e-7, 1.0),
        (Metric.COSINE, 2.0000002, -1.0),
        (Metric.IP, -41.0, 42.0),
        (Metric.IP, 3.0, -2.0),
        (Metric.L2, 25.0, -5.0),
        (Metric.L2, -1e-9, 0.0),
    ],
)
def test_a_distance_becomes_a_score_where_more_is_better(metric: Metric, distance: float, score: float) -> None:
    found = layout.ranking("shop", [row("d:a", distance)], 1, metric).scores[0]
    assert found == score
    assert math.copysign(1, found) == math.copysign(1, score)  # no minus zero


def test_every_error_of_the_client_has_a_meaning() -> None:
    errors = [one for one in vars(redis.exceptions).values() if isinstance(one, type) and issubclass(one, Exception)]
    assert len(errors) > 30
    for kind in errors:
        error = kind.__new__(kind)
        assert isinstance(meaning(error, "h:1"), StoreError), kind
        assert any(one in MEANINGS for one in kind.__mro__)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (redis.exceptions.ConnectionError("refused"), StoreUnavailable, "docker compose up -d"),
        (redis.exceptions.ConnectionError("[SSL: CERTIFICATE_VERIFY_FAILED]"), StoreUnavailable, "CA_CERTS"),
        (redis.exceptions.BusyLoadingError("LOADING"), StoreUnavailable, "still loading"),
        (redis.exceptions.TimeoutError("slow"), StoreTimeout, "in time"),
        (redis.exceptions.ResponseError("Timeout limit was reached"), StoreTimeout, "in time"),
        (redis.exceptions.AuthenticationError("WRONGPASS"), StoreDenied, "HYBRID_REDIS_PASSWORD"),
        (redis.exceptions.NoPermissionError("NOPERM"), StoreDenied, "ACL"),
        (redis.exceptions.OutOfMemoryError("OOM"), StoreFull, "maxmemory"),
        (redis.exceptions.ResponseError("MISCONF Errors writing to the AOF"), StoreFull, "disk"),
        (redis.exceptions.ResponseError("hs:{a}:idx: no such index"), StoreReplyError, "index is missing"),
        (redis.exceptions.ResponseError("unknown command 'FT.SEARCH', with"), StoreReplyError, "no search module"),
        (redis.exceptions.ResponseError("WRONGTYPE"), StoreReplyError, "WRONGTYPE"),
    ],
)
def test_an_error_says_what_happened_and_what_to_do(error: Exception, kind: type[StoreError], said: str) -> None:
    told = meaning(error, "db:6379")
    assert type(told) is kind
    assert told.store == "redis"
    assert "Redis at db:6379" in str(told)
    assert said in str(told)
    assert str(error) in str(told)


def test_another_database_than_0_is_refused() -> None:
    with pytest.raises(SettingsError, match="database 0"):
        connect(RedisSettings(url="redis://h/1"))  # type: ignore[arg-type]


def test_credentials_beside_the_url_win_and_options_in_it_do_not_count() -> None:
    settings = RedisSettings(url="redis://u%40x:p%3A@h?protocol=2&db=3", password="q")  # type: ignore[arg-type]
    with connect(settings) as client:
        given = client.connection_pool.connection_kwargs
        assert (given["username"], given["password"], given["host"], given["port"]) == ("u@x", "q", "h", 6379)
        assert given["protocol"] == 3
        assert "db" not in given


def test_versions_are_read_as_numbers() -> None:
    assert version("8.2.3-rc1") == (8, 2, 3)
    assert version("2.10.10") > version("2.10.5")
    assert version("unknown") == ()


def test_a_healthy_server_has_no_warnings_and_an_unhealthy_one_one_for_each_trouble() -> None:
    good = {
        "version": "8.2.2",
        "search_version": "8.2.1",
        "used_memory_bytes": 90,
        "max_memory_bytes": 100,
        "eviction_policy": "noeviction",
        "append_only_file": True,
    }
    assert warnings(good, 0) == []
    bad = good | {"eviction_policy": "allkeys-lru", "append_only_file": False, "used_memory_bytes": 91}
    assert len(warnings(bad | {"version": "8.2.1", "search_version": "2.10.9"}, 3)) == 6
    assert "INFO" in warnings(None, 0)[0]


def test_the_description_survives_json() -> None:
    assert Collection.from_json(orjson.loads(orjson.dumps(collection().to_json()))) == collection()


@given(
    st.lists(st.floats(-1, 1, width=32).filter(lambda one: not 0 < abs(one) < 1e-3), min_size=3, max_size=3).filter(
        any
    ),
    st.integers(-37, 37),
    st.sampled_from([Metric.COSINE, Metric.IP]),
)
def test_a_vector_is_kept_as_given_unless_its_length_is_beyond_what_the_index_can_divide_by(
    row: list[float], power: int, metric: Metric
) -> None:
    vectors = (np.array([row]) * 10.0**power).astype(np.float32)
    length = math.sqrt(math.fsum(float(one) ** 2 for one in vectors[0]))
    kept = layout.rows(vectors, VectorSpec(3, metric))
    assert kept.dtype == np.dtype("<f4")
    if metric is not Metric.COSINE or 1.1e-12 < length < 0.9e12:
        assert kept.tolist() == vectors.tolist()
    elif length < 0.9e-12 or length > 1.1e12:
        assert np.allclose(kept, vectors.astype(float) / length)
