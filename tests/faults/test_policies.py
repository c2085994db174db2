"""Whatever becomes of a store or of the way to it, the answer comes in time and says what happened."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hybrid
from hybrid import Engine
from hybrid.errors import RetrieverRequired, SearchUnavailable, StoreTimeout
from hybrid.model import Ranking, Status
from hybrid.search import CIRCUIT_OPEN, POOL_THREADS
from hybrid.stores.base import VectorQuery
from tests.contract import composing, shop
from tests.embedders import HashedWords
from tests.eventually import eventually
from tests.faults.campaign.proxy import Mode, Proxy

pytestmark = pytest.mark.servers

DEADLINE_S = 1.0
GENEROUS_S = 10.0
IN_TIME_S = 8.0  # less than redis-py's own time-out, which is the one that must not be met
LATE = {"deadline", "store_timeout"}
GONE = {"store_unavailable"}


@dataclass(frozen=True, slots=True)
class World:
    engine: Engine
    vector: Proxy
    text: Proxy

    def proxy(self, retriever: str) -> Proxy:
        return self.vector if retriever == "vector" else self.text


@pytest.fixture(scope="module")
def harmed(redis_url: str, elasticsearch_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    redis, elasticsearch = urlsplit(redis_url).port or 6379, urlsplit(elasticsearch_url).port or 9200
    with (
        Proxy(redis) as vector,
        Proxy(elasticsearch) as text,
        hybrid.open(
            tmp_path_factory.mktemp("policies"),
            redis=f"redis://127.0.0.1:{vector.port}",
            elasticsearch=f"http://127.0.0.1:{text.port}",
            collection=f"policies-{uuid.uuid4().hex}",
            embedder=HashedWords(),
            deadline_s=DEADLINE_S,
        ) as engine,
    ):
        engine.put(shop.documents()[:40])
        yield World(engine, vector, text)
        engine.drop()


@pytest.fixture
def world(harmed: World) -> Iterator[World]:
    """Both stores within reach before the test, and again after it."""
    assert eventually(lambda: not _degraded(harmed.engine))
    yield harmed
    harmed.vector.mode = harmed.text.mode = Mode.PASS
    assert eventually(lambda: not _degraded(harmed.engine))


def _degraded(engine: Engine) -> bool:
    try:
        return engine.search("laptop", deadline_s=20).degraded
    except SearchUnavailable:
        return True


def http(status: str, body: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nX-elastic-product: Elasticsearch\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()


def refusal(kind: str) -> str:
    return f'{{"error":{{"type":"{kind}","reason":"secret host es-1","root_cause":[]}},"status":1}}'


FAULTS = [
    ("vector", Mode.REFUSE, b"", GONE),
    ("vector", Mode.RESET, b"", GONE),
    ("vector", Mode.SWALLOW, b"", LATE),
    ("vector", Mode.DRIP, b"", LATE),
    ("vector", Mode.CANNED, b"!!! garbage\r\n", {"store_reply", "store_unavailable", "store"}),
    ("vector", Mode.CANNED, b"-NOAUTH Authentication required.\r\n", {"store_denied"}),
    ("vector", Mode.CANNED, b"-NOPERM this user has no permissions\r\n", {"store_denied"}),
    ("vector", Mode.CANNED, b"-OOM command not allowed when used memory > 'maxmemory'.\r\n", {"store_full"}),
    ("vector", Mode.CANNED, b"-No such index hs:x:idx\r\n", {"store_reply"}),
    ("vector", Mode.CANNED, b"-LOADING Redis is loading the dataset in memory\r\n", GONE),
    ("text", Mode.REFUSE, b"", GONE),
    ("text", Mode.RESET, b"", GONE),
    ("text", Mode.SWALLOW, b"", LATE),
    ("text", Mode.DRIP, b"", LATE),
    ("text", Mode.CANNED, b"!!! garbage\r\n\r\n", {"store_unavailable", "store_reply", "store"}),
    ("text", Mode.CANNED, http("200 OK", '{"took": 1, "hits": '), {"store_reply"}),
    ("text", Mode.CANNED, http("401 Unauthorized", refusal("security_exception")), {"store_denied"}),
    ("text", Mode.CANNED, http("403 Forbidden", refusal("security_exception")), {"store_denied"}),
    ("text", Mode.CANNED, http("404 Not Found", refusal("index_not_found_exception")), {"store_reply"}),
    ("text", Mode.CANNED, http("429 Too Many Requests", refusal("circuit_breaking_exception")), {"store_full"}),
    ("text", Mode.CANNED, http("503 Service Unavailable", refusal("cluster_block_exception")), GONE),
]


@pytest.mark.parametrize(("retriever", "mode", "canned", "reasons"), FAULTS)
def test_an_answer_comes_in_time_and_names_what_is_wrong(
    world: World, retriever: str, mode: Mode, canned: bytes, reasons: set[str]
) -> None:
    other = "text" if retriever == "vector" else "vector"
    world.proxy(retriever).canned = canned
    world.proxy(retriever).mode = mode
    started = time.monotonic()
    answer = world.engine.search("laptop")
    assert time.monotonic() - started < GENEROUS_S
    report = answer.retrievers[retriever]
    assert report.reason in reasons
    assert report.status is (Status.TIMEOUT if report.reason in LATE else Status.FAILED)
    assert answer.degraded
    assert answer.retrievers[other].status is Status.OK
    assert len(answer.hits) > 0
    assert {hit.explain[retriever]["status"] for hit in answer.hits} == {"failed"}


def test_policies_say_whether_half_an_answer_will_do(world: World) -> None:
    world.vector.mode = Mode.REFUSE
    assert world.engine.search("laptop", require=["text"]).degraded
    with pytest.raises(RetrieverRequired) as required:
        world.engine.search("laptop", require=["vector"])
    assert required.value.reasons == {"vector": "store_unavailable"}
    with pytest.raises(RetrieverRequired):
        world.engine.search("laptop", policy="fail")
    assert not world.engine.search("laptop", policy="fail", retrievers=["text"]).degraded


def test_a_retriever_of_little_time_does_not_hold_up_the_other(world: World) -> None:
    world.vector.mode = Mode.SWALLOW
    answer = world.engine.search("laptop", deadline_s=20, deadlines={"vector": 0.2})
    assert answer.retrievers["vector"].status is Status.TIMEOUT
    assert answer.retrievers["text"].status is Status.OK
    assert answer.timeline["wait"] < 10_000


def test_a_dead_store_costs_no_time_out_a_search_and_is_found_again(world: World) -> None:
    world.vector.mode = Mode.SWALLOW
    reasons = [world.engine.search("laptop", deadline_s=0.2).retrievers["vector"].reason for _ in range(8)]
    assert set(reasons[:5]) <= LATE
    assert reasons[-1] == CIRCUIT_OPEN
    assert world.engine.status()["circuits"]["vector"]["circuit"] in ("open", "half_open")
    world.vector.mode = Mode.PASS
    assert eventually(lambda: not world.engine.search("laptop", deadline_s=20).degraded)


def test_a_thousand_searches_of_a_store_that_hangs_take_no_more_threads_than_its_pool(world: World) -> None:
    world.vector.mode = Mode.SWALLOW
    most = 0

    def search(_: int) -> bool:
        nonlocal most
        answer = world.engine.search("laptop", deadline_s=5, deadlines={"vector": 0.3})
        most = max(most, sum(one.name.startswith("hybrid-vector") for one in threading.enumerate()))
        return answer.retrievers["text"].status is Status.OK

    with ThreadPoolExecutor(16) as clients:
        in_time = list(clients.map(search, range(1000)))
    assert all(in_time)
    assert 0 < most <= POOL_THREADS


def test_suggestions_of_a_store_that_hangs_are_not_waited_for(world: World) -> None:
    assert world.engine.suggest("lap").completions
    world.text.mode = Mode.SWALLOW
    started = time.monotonic()
    with pytest.raises(StoreTimeout):
        world.engine.suggest("lap")
    assert time.monotonic() - started < IN_TIME_S


def test_pages_and_documents_come_in_time_from_the_other_store(world: World) -> None:
    first = world.engine.search("laptop", limit=3)
    world.vector.mode = Mode.SWALLOW
    started = time.monotonic()
    second = world.engine.search(cursor=first.next_cursor, limit=3)
    assert world.engine.get(first.ids[0]) == first.hits[0].document
    assert time.monotonic() - started < IN_TIME_S
    assert len(second.hits) == 3


@pytest.mark.parametrize("retriever", ["vector", "text"])
def test_an_engine_that_is_opened_while_a_store_hangs_answers_in_time(world: World, retriever: str) -> None:
    world.proxy(retriever).mode = Mode.SWALLOW
    settings = world.engine.settings
    with Engine(settings, HashedWords()) as late:
        started = time.monotonic()
        answer = late.search("laptop")
        found = late.get(answer.ids[0])
        assert time.monotonic() - started < IN_TIME_S
    assert answer.retrievers[retriever].status is Status.TIMEOUT
    assert len(answer.hits) > 0
    assert found == answer.hits[0].document


@pytest.mark.parametrize("retriever", ["vector", "text"])
def test_who_looks_after_it_is_told_in_time_which_store_hangs(world: World, retriever: str) -> None:
    world.proxy(retriever).mode = Mode.SWALLOW
    other = "text" if retriever == "vector" else "vector"
    started = time.monotonic()
    ready, status = world.engine.ping(), world.engine.status()
    assert time.monotonic() - started < IN_TIME_S
    assert (ready[retriever] != "ok", ready[other], ready["journal"]) == (True, "ok", "ok")
    assert "error" in status["stores"][retriever]
    assert status["stores"][other]["documents"] == 40


def test_a_store_that_falls_silent_after_its_search_does_not_hold_up_the_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = world.engine._location.place.vector
    search = store.search

    def last(query: VectorQuery) -> Ranking:
        found = search(query)
        world.vector.mode = Mode.SWALLOW
        return found

    started = time.monotonic()
    with monkeypatch.context() as patched:
        patched.setattr(store, "search", last)
        answer = world.engine.search("laptop", explain=True)
    assert time.monotonic() - started < IN_TIME_S
    assert not answer.degraded
    assert len(answer.hits) > 0


def test_an_answer_in_drops_is_given_up_when_its_time_is_over(world: World) -> None:
    world.vector.mode = Mode.DRIP
    vector = HashedWords().embed_queries(["laptop"])[0]
    started = time.monotonic()
    with pytest.raises(StoreTimeout):
        world.engine._location.place.vector.search(VectorQuery(vector, 40, timeout_s=0.3))
    assert time.monotonic() - started < IN_TIME_S


def test_both_stores_dead_is_an_error_that_names_both(world: World) -> None:
    world.vector.mode = world.text.mode = Mode.REFUSE
    with pytest.raises(SearchUnavailable) as nobody:
        world.engine.search("laptop")
    assert nobody.value.reasons == {"text": "store_unavailable", "vector": "store_unavailable"}


def test_facets_that_cannot_be_counted_are_not_shown_as_empty(world: World) -> None:
    world.text.mode = Mode.REFUSE
    answer = world.engine.search("laptop", facets=["brand"])
    assert answer.facets is not None
    assert (answer.facets.found, answer.facets.counts) == ({}, "nothing")
    assert answer.total is not None
    assert answer.total.counts == "window"


def test_hits_that_cannot_be_compared_stay_in_their_order_and_the_answer_says_so(world: World) -> None:
    world.vector.mode = Mode.REFUSE
    answer = world.engine.search("laptop", diversity=0.8)
    assert answer.ids == world.engine.search("laptop").ids
    assert (answer.steps["diversity"].status, answer.steps["diversity"].reason) == (Status.FAILED, "store_unavailable")
    assert answer.degraded


@pytest.mark.parametrize("dead", ["vector", "text"])
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(options=composing.OPTIONS, limit=st.integers(1, 7))
def test_whatever_is_combined_half_an_answer_keeps_its_word(
    world: World, dead: str, options: dict[str, Any], limit: int
) -> None:
    world.proxy(dead).mode = Mode.REFUSE
    wanted = {name: of for name, of in options.items() if name not in ("rerank", "match")}
    composing.searched(world.engine, "quiet laptop", limit, wanted, dead=dead)
