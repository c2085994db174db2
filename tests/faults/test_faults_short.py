"""Nothing acknowledged is lost, whatever is killed: on real servers, in about a minute.

`python -m tests.faults.campaign --long` does the same for longer. And what a full disk, a full Redis and a busy
Elasticsearch get.
"""

from __future__ import annotations

import resource
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from elasticsearch import Elasticsearch

import hybrid
from hybrid.engine import Engine
from hybrid.errors import JournalError
from hybrid.indexing import failpoints
from hybrid.indexing.failpoints import POINTS
from hybrid.model import Outcome, WriteReport
from hybrid.stores.elastic_mapping import index_name
from hybrid.stores.redis_layout import document_key
from tests.eventually import eventually
from tests.faults.campaign.campaign import SHORT, campaign
from tests.faults.campaign.canaries import CANARIES, sing
from tests.faults.campaign.report import closing, details
from tests.faults.campaign.world import Disk, World, world
from tests.servers.fixtures import RedisMaker
from tests.servers.provide import Servers

pytestmark = [pytest.mark.servers, pytest.mark.timeout(300)]

SEED = 136
"""Its first rounds have a fault of each kind: killed, emptied, frozen, a full disk, a bad network, late duplicates."""
Refusing = Callable[[Disk], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def harmed(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Servers of this module's own, which it may kill."""
    with world(servers, tmp_path_factory.mktemp("faults") / "disk") as made:
        yield made


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with Disk(tmp_path / "disk") as made:
        yield made


def test_what_was_acknowledged_survives_kills_of_the_writer_and_of_both_stores(harmed: World, tmp_path: Path) -> None:
    verdict = campaign(harmed, SHORT, SEED, tmp_path / "logs")
    said = f"{details(verdict.tally, harmed.disk.kind, verdict.took_s)}\n{closing(verdict.tally)}"
    print(said)
    again = f"python -m tests.faults.campaign --short --seed {SEED} --rounds {verdict.rounds}"
    assert not verdict.tally.findings, f"{said}\n{verdict.tally.findings[:5]}\nThe same again: {again}"
    assert verdict.enough, f"{said}\nwanted: {dict(SHORT.kills)} and each of {POINTS} reached"


@pytest.mark.parametrize("plant", CANARIES)
def test_a_planted_bug_is_noticed(harmed: World, tmp_path: Path, plant: str) -> None:
    song = sing(harmed, plant, SEED, tmp_path)
    print(f"canary {plant}: caught in {song.took_s:.1f} s, round {song.rounds}: {dict(song.caught)}")
    assert song.caught  # as what depends on which writes were late


def test_writes_that_arrive_a_second_time_and_late_do_no_harm(harmed: World, tmp_path: Path) -> None:
    assert sing(harmed, "duplicates", SEED, tmp_path, most=1).caught == {}


@contextmanager
def no_room(disk: Disk) -> Iterator[None]:
    """A full file system, where one can be mounted; else as `small_files`."""
    if not disk.mounted:
        with small_files(disk):
            yield
        return
    disk.fill()
    try:
        yield
    finally:
        disk.clear()


@contextmanager
def small_files(_disk: Disk) -> Iterator[None]:
    """No file of this process may grow beyond 16 kB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def read_only(disk: Disk) -> Iterator[None]:
    """The file system mounted read-only, where there is one; else folder and files without permission to write."""
    if disk.mounted:
        remount(disk, "ro")
    else:
        allow(disk, 0o555)
    try:
        yield
    finally:
        if disk.mounted:
            remount(disk, "rw")
        else:
            allow(disk, 0o755)


def remount(disk: Disk, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(disk.folder)], check=True, timeout=10)


def allow(disk: Disk, mode: int) -> None:
    for path in (disk.folder, *disk.folder.rglob("*")):
        path.chmod(mode)


def doc(one: int | str, text: str = "some words") -> dict[str, Any]:
    vector = np.random.default_rng([*str(one).encode()]).standard_normal(4).astype(np.float32)
    return {"id": str(one), "text": text, "vector": vector}


def counts(report: WriteReport) -> dict[str, int]:
    return {str(outcome): count for outcome, count in report.counts.items()}


def opened(data_dir: Path, redis_url: str, elasticsearch_url: str, name: str) -> Engine:
    return hybrid.open(data_dir, redis=redis_url, elasticsearch=elasticsearch_url, collection=name, model="none")


@pytest.mark.parametrize("refuse", [no_room, small_files, read_only])
def test_a_journal_that_cannot_be_written_refuses_before_a_store_is_touched(
    redis_url: str, elasticsearch_url: str, disk: Disk, refuse: Refusing
) -> None:
    data_dir = disk.folder / "data"
    with opened(data_dir, redis_url, elasticsearch_url, "unwritable") as engine:
        engine.drop()
        engine.put([doc(1, "kept")])
    with refuse(disk):
        engine = opened(data_dir, redis_url, elasticsearch_url, "unwritable")
        with pytest.raises(JournalError, match=r"the journal .* cannot be used: .*[.] [A-Z]"):
            engine.put([doc(1, "changed" * 10_000), doc(2, "new" * 10_000)])
        with pytest.raises(JournalError):
            engine.delete(["1"])
    with engine:
        assert engine.get("1") == {"text": "kept"}
        assert {name: of["documents"] for name, of in engine.status()["stores"].items()} == {"text": 1, "vector": 1}
        assert counts(engine.put([doc(2, "there is room again")])) == {"created": 1}
        assert engine.verify().agree
        engine.drop()


def test_a_full_redis_delays_writes_and_loses_none(
    own_redis: RedisMaker, elasticsearch_url: str, tmp_path: Path
) -> None:
    server = own_redis(aof="always")
    with (
        opened(tmp_path, server.url, elasticsearch_url, "full") as engine,
        redis.Redis.from_url(server.url) as client,
    ):
        engine.drop()
        engine.put([doc("first")])
        client.config_set("maxmemory", client.info("memory")["used_memory"] + 6_000_000)
        report = engine.put(doc(number, "long " * 800) for number in range(1800))  # 4 kB each, two batches of which fit
        assert set(report.counts) == {Outcome.CREATED, Outcome.PENDING}
        assert report.problems[0].owed == ("vector",)
        assert "maxmemory" in report.problems[0].reason
        there = engine.status()["stores"]["vector"]["documents"]
        assert there == 1 + report.counts[Outcome.CREATED]  # what it took is not owed, whatever it refused beside it
        client.config_set("maxmemory", 0)
        assert engine.flush().entries == 0
        assert engine.verify().agree
        assert {name: of["documents"] for name, of in engine.status()["stores"].items()} == {
            "text": 1801,
            "vector": 1801,
        }
        engine.drop()


def test_a_delete_is_taken_by_a_full_redis(own_redis: RedisMaker, elasticsearch_url: str, tmp_path: Path) -> None:
    server = own_redis(aof="always")
    with (
        opened(tmp_path, server.url, elasticsearch_url, "fullest") as engine,
        redis.Redis.from_url(server.url) as client,
    ):
        engine.drop()
        engine.put([doc(1), doc(2)])
        client.config_set("maxmemory", "1mb")
        assert counts(engine.delete(["1"])) == {"deleted": 1}
        assert client.hget(document_key("fullest", "1"), "_kind") == b"t"
        client.config_set("maxmemory", "0")
        engine.drop()


def test_a_flood_stage_block_delays_writes_and_loses_none(
    redis_url: str, elasticsearch_url: str, tmp_path: Path
) -> None:
    with (
        opened(tmp_path, redis_url, elasticsearch_url, "flooded") as engine,
        Elasticsearch(elasticsearch_url) as client,
    ):
        engine.drop()
        engine.put([doc(0), doc("deleted")])
        block(client, "flooded", True)
        report = engine.put(map(doc, range(1, 50)))
        assert counts(report) == {"pending": 49}
        assert report.problems[0].owed == ("text",)
        assert "flood-stage" in report.problems[0].reason
        assert counts(engine.delete(["deleted"])) == {"pending": 1}
        block(client, "flooded", None)
        assert engine.flush().entries == 0
        assert {name: of["documents"] for name, of in engine.status()["stores"].items()} == {"text": 50, "vector": 50}
        assert engine.verify().agree
        engine.drop()


def block(client: Elasticsearch, name: str, on: bool | None) -> None:
    """What Elasticsearch itself does when its disk is nearly full, and undoes."""
    client.indices.put_settings(index=index_name(name), settings={"index.blocks.read_only_allow_delete": on})


def test_an_elasticsearch_that_is_too_busy_delays_writes_and_loses_none(harmed: World, tmp_path: Path) -> None:
    reports: list[WriteReport] = []
    numbers = iter(range(0, 1_000_000, 20))
    with opened(tmp_path, harmed.redis.url, harmed.elasticsearch.url, "busy") as engine:
        engine.put([doc("first")])

        def many() -> None:
            start = next(numbers)
            reports.append(engine.put((doc(number, "word " * 1000) for number in range(start, start + 20)), wait=False))

        def refused() -> bool:
            threads = [threading.Thread(target=many) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            return any("429" in one.reason or "rejected" in one.reason for of in reports for one in of.problems)

        assert eventually(refused, 30), [counts(one) for one in reports]
        assert all(one.counts.keys() <= {Outcome.CREATED, Outcome.PENDING} for one in reports)
        assert eventually(lambda: engine.flush().entries == 0)
        assert engine.verify().agree
        there = 1 + sum(sum(one.counts.values()) for one in reports)
        assert {name: of["documents"] for name, of in engine.status()["stores"].items()} == {
            "text": there,
            "vector": there,
        }
        engine.drop()


def test_a_disk_that_fills_up_while_stores_are_written_delays_and_loses_nothing(
    redis_url: str, elasticsearch_url: str, disk: Disk
) -> None:
    with opened(disk.folder / "data", redis_url, elasticsearch_url, "filling") as engine, ExitStack() as full:
        engine.drop()
        engine.put([doc(1)])

        def fill() -> None:
            failpoints.install(None)
            full.enter_context(small_files(disk))

        failpoints.install(lambda point: fill() if point == "sync.after" else None)
        assert counts(engine.put([doc(1, "changed"), doc(2)])) == {"updated": 1, "created": 1}
        assert eventually(lambda: engine.ping()["journal"] != "ok")
        with pytest.raises(JournalError):
            engine.put([doc(3)])
    with opened(disk.folder / "data", redis_url, elasticsearch_url, "filling") as engine:
        assert engine.flush().entries == 0
        assert engine.verify().agree
        assert engine.get("1") == {"text": "changed"}
        engine.drop()
