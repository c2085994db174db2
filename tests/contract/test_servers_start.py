"""The servers that the other tests stand on: they answer, they are the right ones, and they die and come back."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from elasticsearch import Elasticsearch

from tests.servers import guard
from tests.servers.elasticsearch_server import elasticsearch_answers
from tests.servers.fixtures import ElasticsearchMaker, RedisMaker
from tests.servers.redis_server import redis_answers

pytestmark = pytest.mark.servers

START_PAUSE_AND_SLEEP = """
import os, time
from tests.servers.provide import Servers
with Servers(os.environ) as servers, servers.new_redis() as server:
    server.pause()
    print(server.pid, flush=True)
    time.sleep(600)
"""


def wait_until_gone(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while guard.lives(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not guard.lives(pid)


def test_both_shared_servers_answer(redis_url: str, elasticsearch_url: str) -> None:
    assert redis_answers(redis_url)
    assert elasticsearch_answers(elasticsearch_url)


def test_an_address_where_nobody_listens_does_not_answer() -> None:
    assert not redis_answers("redis://127.0.0.1:1/0")
    assert not elasticsearch_answers("http://127.0.0.1:1")


def test_elasticsearch_is_version_9(elasticsearch_url: str) -> None:
    with Elasticsearch(elasticsearch_url) as client:
        assert client.info()["version"]["number"].startswith("9.")


def test_a_search_that_runs_out_of_time_is_an_error_in_our_redis(own_redis: RedisMaker) -> None:
    with redis.Redis.from_url(own_redis().url, decode_responses=True, protocol=2) as client:
        assert client.info("server")["redis_version"] == "8.2.3"
        assert client.execute_command("FT.CONFIG", "GET", "ON_TIMEOUT") == [["ON_TIMEOUT", "fail"]]
        assert client.execute_command("FT.CONFIG", "GET", "TIMEOUT") == [["TIMEOUT", "2000"]]


def test_a_killed_redis_comes_back_with_its_data_and_index_at_the_same_address(own_redis: RedisMaker) -> None:
    server = own_redis(aof="always")
    address = server.url
    with redis.Redis.from_url(address) as client:
        client.execute_command("FT.CREATE", "books", "PREFIX", "1", "book:", "SCHEMA", "genre", "TAG")
        client.hset("book:1", mapping={"genre": "검색"})
    server.kill()
    assert not redis_answers(address)
    server.start()
    server.wait_ready()
    assert server.url == address
    with redis.Redis.from_url(address) as client:
        assert client.hget("book:1", "genre") == "검색".encode()
        assert client.ft("books").info()["num_docs"] in (1, "1")


def test_a_redis_without_aof_comes_back_empty(own_redis: RedisMaker) -> None:
    server = own_redis(aof=None)
    with redis.Redis.from_url(server.url) as client:
        client.set("a", "1")
    server.kill()
    server.start()
    server.wait_ready()
    with redis.Redis.from_url(server.url) as client:
        assert client.dbsize() == 0


def test_a_paused_redis_keeps_silent_until_it_is_resumed(own_redis: RedisMaker) -> None:
    server = own_redis()
    server.pause()
    with redis.Redis.from_url(server.url, socket_timeout=0.3) as client, pytest.raises(redis.TimeoutError):
        client.ping()
    server.resume()
    server.wait_ready(10)


def test_a_paused_redis_can_be_stopped(own_redis: RedisMaker) -> None:
    server = own_redis()
    server.pause()
    server.stop()
    assert not server.running


def test_a_redis_that_cannot_start_fails_with_the_end_of_its_log(own_redis: RedisMaker) -> None:
    with pytest.raises(
        pytest.fail.Exception, match=r"(?s)Redis on port \d+ ended instead.*argument must be a memory value"
    ):
        own_redis(options=("--maxmemory", "plenty"))


def test_a_server_does_not_outlive_killed_tests_even_when_it_is_paused(own_redis: RedisMaker, tmp_path: Path) -> None:
    own_redis()  # has the program in the cache
    tests = subprocess.Popen(
        (sys.executable, "-c", START_PAUSE_AND_SLEEP),
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
    )
    with tests:
        assert tests.stdout is not None
        pid = int(tests.stdout.readline())
        assert guard.lives(pid)
        tests.send_signal(signal.SIGKILL)
    assert wait_until_gone(pid)


def test_a_killed_elasticsearch_comes_back_with_its_documents(own_elasticsearch: ElasticsearchMaker) -> None:
    server = own_elasticsearch()
    with Elasticsearch(server.url) as client:
        assert client.index(index="books", id="1", document={"title": "검색"})["result"] == "created"
    server.kill()
    assert not elasticsearch_answers(server.url)
    server.start()
    server.wait_ready()
    with Elasticsearch(server.url) as client:
        client.cluster.health(index="books", wait_for_status="yellow", timeout="60s")
        assert client.get(index="books", id="1")["_source"] == {"title": "검색"}
    server.stop()
    assert not server.running
