"""What only Redis has to prove: scripts, tags, time limits, memory, restarts and forks."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Literal

import numpy as np
import pytest
import redis

from hybrid.errors import StoreDenied, StoreFull, StoreReplyError, StoreTimeout, StoreUnavailable
from hybrid.model import Record, Vector, Wrote
from hybrid.schema import Collection, Field, FieldType, Metric, Schema, VectorAlgorithm, VectorSpec, VectorType
from hybrid.settings import RedisSettings
from hybrid.stores import redis_layout as layout
from hybrid.stores.base import VectorQuery
from hybrid.stores.redis_vectors import RedisVectors
from tests.servers.fixtures import RedisMaker

pytestmark = pytest.mark.servers

NAME = "redis-only"
SCHEMA = Schema((Field("brand", FieldType.KEYWORD), Field("price", FieldType.DOUBLE)))


def collection(name: str = NAME, dim: int = 2, **spec: object) -> Collection:
    return Collection(name, SCHEMA, VectorSpec(**({"dim": dim} | spec)), "none")  # type: ignore[arg-type]


def connected(url: str, name: str = NAME, **more: object) -> RedisVectors:
    return RedisVectors.connect(RedisSettings(url=url, **more), name)  # type: ignore[arg-type]


def record(id_: str, version: int, *vectors: list[float], source: dict[str, object] | None = None) -> Record:
    return Record(id_, version, "h", source or {}, np.array(vectors, np.float32), ((0, 1),) * len(vectors))


def tombstone(id_: str, version: int) -> Record:
    return Record(id_, version, "h", {}, np.empty((0, 2), np.float32), deleted=True)


def ask(*vector: float, limit: int = 10, timeout_s: float = 2.0) -> VectorQuery:
    return VectorQuery(np.array(vector, np.float32), limit, timeout_s)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, protocol=3) as client:
        yield client


@pytest.fixture
def store(redis_url: str) -> Iterator[RedisVectors]:
    store = connected(redis_url)
    store.drop()
    store.create(collection())
    yield store
    store.drop()
    store.close()


def test_a_newer_version_with_fewer_passages_leaves_none_of_the_old_ones(
    store: RedisVectors, client: redis.Redis
) -> None:
    store.write([record("a:1", 1, [1, 0], [0, 1], [-1, 0]), record("a", 1, [0, -1], [0, -1])])
    store.write([record("a:1", 2, [1, 0], [1, 1])])
    keys = sorted(key.decode() for key in client.scan_iter("hs:{redis-only}:[dp]:*"))
    assert keys == [f"hs:{{redis-only}}:{rest}" for rest in ("d:a", "d:a:1", "p:1:a", "p:1:a:1")]
    assert store.search(ask(-1, 0.01)).scores[0] < 0.1
    store.write([tombstone("a:1", 3)])
    assert client.exists("hs:{redis-only}:p:1:a:1") == 0


def test_the_tally_counts_documents_and_vectors_whatever_is_written_over_what(
    store: RedisVectors, client: redis.Redis
) -> None:
    seed = 20260311
    draw = Random(seed)
    for version in range(1, 200):
        one, vectors = f"d{draw.randrange(20)}", draw.randrange(4)
        written = record(one, version, *[[1.0, 0.0]] * vectors) if vectors else tombstone(one, version)
        late = record(one, version - draw.randrange(version), [0.0, 1.0], [0.0, 1.0])  # changes nothing
        store.write([written, late])
    held = [client.hget(key, "_n") for key in client.scan_iter("hs:{redis-only}:d:*")]
    counts = [int(count) for count in held]
    told = client.hgetall("hs:{redis-only}:tally")
    assert {name: int(count) for name, count in told.items()} == {
        b"documents": sum(count > 0 for count in counts),
        b"vectors": sum(counts),
    }, f"seed {seed}"
    assert store.count() == int(told[b"documents"]) > 0
    store.drop()
    assert not client.exists("hs:{redis-only}:tally")


def test_versions_that_differ_in_the_63rd_bit_only_are_told_apart(store: RedisVectors) -> None:
    assert store.write([record("a", 2**63 - 2, [1, 0])])[0].outcome is Wrote.WRITTEN
    assert store.write([record("a", 2**63 - 2, [0, 1])])[0].outcome is Wrote.SUPERSEDED
    assert store.write([record("a", 2**63 - 1, [0, 1])])[0].outcome is Wrote.WRITTEN
    assert store.states(["a"])["a"].version == 2**63 - 1


def test_a_server_that_forgot_the_scripts_is_given_them_again(store: RedisVectors, client: redis.Redis) -> None:
    client.script_flush()
    outcomes = store.write([record("a", 1, [1, 0]), tombstone("b", 1), record("c", 1, [1, 0])])
    assert [one.outcome for one in outcomes] == [Wrote.WRITTEN] * 3
    assert store.count() == 2


HOSTILE = [
    "",
    " ",
    " a",
    "a ",
    "A",
    "a",
    "a,b",
    "a\x1fb",
    "a\x00b",
    "a|b",
    "}) | *",
    "=",
    "#",
    "$p",
    "가 나",
    "x" * 4000,
]


def test_every_tag_is_found_by_itself_alone(store: RedisVectors, client: redis.Redis) -> None:
    store.write([record(str(at), 1, [1, 0], source={"brand": value}) for at, value in enumerate(HOSTILE)])
    for at, value in enumerate(HOSTILE):
        answer = client.execute_command(  # type: ignore[no-untyped-call]
            *("FT.SEARCH", "hs:{redis-only}:idx", "@brand:{$p}", "NOCONTENT", "PARAMS", 2, "p"),
            *(layout.encode_tag(value), "LIMIT", 0, 100, "DIALECT", 2),
        )
        assert [row[b"id"] for row in answer[b"results"]] == [f"hs:{{redis-only}}:d:{at}".encode()]


@pytest.mark.parametrize("number", [1, 2])
def test_a_document_that_lost_a_passage_is_another(store: RedisVectors, client: redis.Redis, number: int) -> None:
    store.write([record("한:1", 1, [1, 0], [0, 1], [-1, 0]), record("b", 1, [0, -1], [0, -1]), tombstone("d", 1)])
    before = store.states(["한:1", "b", "d", "e"])
    assert {one: state.hash for one, state in before.items()} == dict.fromkeys(["한:1", "b", "d"], "h")
    client.delete(layout.passage_key(NAME, "한:1", number))  # thrown away for want of memory
    after = before | {"한:1": before["한:1"]._replace(hash="")}
    assert (store.states(["한:1", "b", "d", "e"]), dict(store.scan())) == (after, after)


def test_passages_of_one_document_do_not_crowd_out_the_others(store: RedisVectors) -> None:
    crowd = [[1.0, number / 1000] for number in range(50)]
    store.write([record("long", 1, *crowd), record("b", 1, [0, 1]), record("c", 1, [-1, 0.5]), record("d", 1, [-1, 0])])
    found = store.search(ask(1, 0.0101, limit=3))
    assert found.ids == ("long", "b", "c")
    assert found.passages == (10, 0, 0)
    assert store.search(ask(1, 0, limit=99)).ids == ("long", "b", "c", "d")


@pytest.mark.parametrize("algorithm", VectorAlgorithm)
@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("kind", VectorType)
def test_every_kind_of_index_agrees_with_numpy(
    redis_url: str, algorithm: VectorAlgorithm, metric: Metric, kind: VectorType
) -> None:
    store = connected(redis_url)
    store.drop()
    store.create(collection(dim=8, algorithm=algorithm, metric=metric, type=kind, ef_runtime=200))
    made = np.random.default_rng(5)
    vectors = made.standard_normal((200, 8)).astype(np.float32)
    store.write([record(f"{at:03}", 1, list(row)) for at, row in enumerate(vectors)])
    query = made.standard_normal(8).astype(np.float32)
    wanted = expected(vectors, query, metric)
    best = np.argsort(-wanted)[:10]
    found = store.search(VectorQuery(query, 10))
    assert found.ids == tuple(f"{at:03}" for at in best)
    assert found.scores == pytest.approx(wanted[best], rel=1e-5)
    store.drop()
    store.close()


def expected(vectors: Vector, query: Vector, metric: Metric) -> Vector:
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    scores: dict[Metric, Vector] = {
        Metric.COSINE: vectors @ query / lengths,
        Metric.IP: vectors @ query,
        Metric.L2: -np.linalg.norm(vectors - query, axis=1),
    }
    return scores[metric]


def test_a_collection_described_but_not_indexed_is_indexed_when_it_is_opened(
    store: RedisVectors, client: redis.Redis, redis_url: str
) -> None:
    store.write([record(str(at), 1, [1, at]) for at in range(2000)])
    client.execute_command("FT.DROPINDEX", "hs:{redis-only}:idx")  # type: ignore[no-untyped-call]
    with pytest.raises(StoreReplyError, match="index is missing"):
        store.search(ask(1, 0))
    again = connected(redis_url)
    assert again.load() == collection()
    assert again.count() == 2000
    again.close()


def test_dropping_one_collection_leaves_one_of_a_similar_name(store: RedisVectors, redis_url: str) -> None:
    other = connected(redis_url, "redis-only-2")
    other.create(collection("redis-only-2"))
    other.write([record("a", 1, [1, 0])])
    store.drop()
    assert store.load() is None
    assert other.count() == 1
    other.drop()
    other.close()


@pytest.mark.parametrize("policy", ["return", "fail"])
def test_a_search_that_runs_out_of_time_is_a_timeout_whatever_the_server_does(
    own_redis: RedisMaker, policy: str
) -> None:
    server = own_redis(aof=None)
    store = connected(server.url)
    store.create(collection(dim=64))
    vectors = np.random.default_rng(5).standard_normal((20_000, 64)).astype(np.float32)
    store.write([Record(str(at), 1, "h", {}, vectors[at : at + 1]) for at in range(len(vectors))])
    with redis.Redis.from_url(server.url) as client:
        client.execute_command("FT.CONFIG", "SET", "ON_TIMEOUT", policy)
    with pytest.raises(StoreTimeout):
        store.search(VectorQuery(vectors[0], 10_000, timeout_s=0.001))
    assert store.search(VectorQuery(vectors[0], 1)).ids == ("0",)
    store.close()


def test_a_hung_a_dead_and_a_restarted_server(own_redis: RedisMaker) -> None:
    server = own_redis(aof="always")
    store = connected(server.url)
    store.create(collection())
    store.write([record("a", 1, [1, 0])])
    server.pause()
    began = time.monotonic()
    with pytest.raises(StoreTimeout):
        store.search(ask(1, 0, timeout_s=0.2))
    assert 0.2 <= time.monotonic() - began < 1
    server.kill()
    began = time.monotonic()
    with pytest.raises(StoreUnavailable, match="docker compose up -d"):
        store.search(ask(1, 0))
    with pytest.raises(StoreUnavailable):
        store.write([record("b", 1, [1, 0])])
    assert time.monotonic() - began < 0.3
    server.start()
    server.wait_ready()
    assert store.search(ask(1, 0)).ids == ("a",)
    assert store.write([record("b", 1, [1, 0])])[0].outcome is Wrote.WRITTEN
    store.close()


@pytest.mark.parametrize("aof", ["everysec", "always"])
def test_what_was_synced_is_there_after_a_kill(own_redis: RedisMaker, aof: Literal["everysec", "always"]) -> None:
    server = own_redis(aof=aof)
    store = connected(server.url)
    store.create(collection())
    ids = [str(at) for at in range(300)]
    for at in range(3):
        with ThreadPoolExecutor(3) as pool:  # on other connections than the one that syncs
            list(pool.map(lambda one: store.write([record(one, 1, [1, 0], [0, 1])]), ids[at::3]))
        assert store.sync()
    before = store.incarnation()
    server.kill()
    server.start()
    server.wait_ready()
    assert store.incarnation() != before
    assert store.load() == collection()
    assert {one: len(found.vectors) for one, found in store.records(ids).items()} == dict.fromkeys(ids, 2)
    store.close()


@pytest.mark.parametrize(("aof", "options"), [(None, ()), ("always", ("--appendfsync", "no"))])
def test_a_server_that_does_not_sync_says_so_at_once(
    own_redis: RedisMaker, aof: Literal["always"] | None, options: tuple[str, ...]
) -> None:
    store = connected(own_redis(aof=aof, options=options).url)
    store.create(collection())
    store.write([record("a", 1, [1, 0])])
    began = time.monotonic()
    assert not store.sync()
    assert time.monotonic() - began < 1
    assert store.incarnation() == store.incarnation() != ""
    store.close()


def test_a_sync_that_is_not_heard_of_in_time_is_a_timeout(own_redis: RedisMaker) -> None:
    url = own_redis(aof="always", options=("--appendfsync", "no")).url
    with redis.Redis.from_url(url) as client:
        client.execute_command("ACL", "SETUSER", "writer", "on", ">right", "~hs:*", "+@all", "-config")
    store = connected(url, username="writer", password="right")
    store.create(collection())
    with pytest.raises(StoreTimeout, match="append-only file"):
        store.sync()
    store.close()


def test_tombstones_can_be_synced_and_expunged_when_memory_is_full(own_redis: RedisMaker) -> None:
    server = own_redis(aof="always")
    store = connected(server.url)
    store.create(collection())
    store.write([record("a", 1, [1, 0])])
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", "1mb")
    store.write([tombstone("a", 2)])
    assert store.sync()
    assert store.take_writer() < store.take_writer()
    assert store.expunge(3) == 1
    store.close()


def test_records_read_beside_writes_are_of_one_version(store: RedisVectors) -> None:
    with ThreadPoolExecutor(1) as pool:
        writes = pool.submit(
            lambda: [store.write([record("a", v, *[[float(v), 1.0]] * (1 + v % 3))]) for v in range(1, 400)] and None
        )
        while not writes.done():
            for one in store.records(["a"]).values():
                assert one.vectors.tolist() == [[one.version, 1]] * (1 + one.version % 3)
        writes.result()


def test_a_scan_sees_neither_passages_nor_other_collections(store: RedisVectors, redis_url: str) -> None:
    other = connected(redis_url, "redis-only-2")
    other.create(collection("redis-only-2"))
    other.write([record("b", 1, [1, 0])])
    store.write([record(f"{at}", 1, [1, 0], [0, 1]) for at in range(3000)])
    assert sorted(int(one) for one, _ in store.scan()) == list(range(3000))
    assert [one for one, _ in other.scan()] == ["b"]
    other.drop()
    other.close()


def test_a_full_server_takes_nothing_but_tombstones_and_still_answers(own_redis: RedisMaker) -> None:
    server = own_redis(aof=None)
    store = connected(server.url)
    store.create(collection())
    store.write([record("a", 1, [1, 0])])
    with redis.Redis.from_url(server.url) as client:
        client.config_set("maxmemory", "1mb")
    one, other, deleted = store.write([record("a", 2, [0, 1]), record("b", 1, [1, 0]), tombstone("c", 1)])
    assert (one.outcome, other.outcome, deleted.outcome) == (Wrote.REFUSED, Wrote.REFUSED, Wrote.WRITTEN)
    assert "maxmemory" in one.reason
    with pytest.raises(StoreFull, match="maxmemory"):  # where it takes none
        store.write([record("a", 2, [0, 1]), record("b", 1, [1, 0])])
    assert store.states(["a", "b", "c"]).keys() == {"a", "c"}
    assert store.search(ask(1, 0)).versions == (1,)
    assert store.write([tombstone("a", 3)])[0].outcome is Wrote.WRITTEN
    assert store.count() == 0
    store.close()


def test_wrong_credentials_are_refused_and_never_told(own_redis: RedisMaker) -> None:
    url = own_redis(aof=None).url
    with redis.Redis.from_url(url) as client:
        client.config_set("requirepass", "right")
    for given in ({}, {"password": "wrong-secret"}):
        store = connected(url, **given)
        with pytest.raises(StoreDenied) as caught:
            store.ping()
        assert "wrong-secret" not in str(caught.value)
        store.close()
    limited = connected(url, username="searcher", password="right")
    with redis.Redis.from_url(url, password="right") as client:
        client.execute_command("ACL", "SETUSER", "searcher", "on", ">right", "~hs:*", "+ping")
    limited.ping()
    with pytest.raises(StoreDenied, match="ACL"):
        limited.load()
    limited.close()
    store = connected(url, password="right")
    store.ping()
    store.close()


def test_parent_and_forked_child_have_connections_of_their_own(store: RedisVectors) -> None:
    store.write([record(str(at), 1, [1, at]) for at in range(50)])
    wanted = store.search(ask(1, 0)).ids
    child = os.fork()
    if child == 0:
        same = all(store.search(ask(1, 0)).ids == wanted for _ in range(100))
        os._exit(0 if same else 1)
    assert all(store.search(ask(1, 0)).ids == wanted for _ in range(100))
    assert os.waitpid(child, 0)[1] == 0


def test_the_status_says_what_an_operator_wants_to_know(store: RedisVectors) -> None:
    store.write([record("a", 1, [1, 0], [0, 1]), record("b", 1, [1, 0]), tombstone("c", 1)])
    status = store.status()
    assert (status["documents"], status["passages"], status["tombstones"]) == (2, 3, 1)
    assert status["index"]["algorithm"] == "FLAT"
    assert (status["index"]["metric"], status["index"]["type"], status["index"]["dim"]) == ("COSINE", "FLOAT32", 2)
    assert (status["index"]["indexed"], status["index"]["indexing_failures"]) == (1.0, 0)
    assert status["index"]["vector_bytes"] > 0
    assert status["document_bytes"] > 50
    assert status["server"]["used_memory_bytes"] > 100_000
