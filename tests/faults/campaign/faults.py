"""How are they harmed? One function a kind of fault: it does its harm and returns at once or soon; `heal` undoes it."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from random import Random

from elasticsearch import Elasticsearch

from tests.faults.campaign.life import Life
from tests.faults.campaign.oracle import INDEX
from tests.faults.campaign.proxy import Mode, Proxy
from tests.faults.campaign.world import World

Fault = Callable[[World, Life, Random], None]

FILE_LIMIT = 200_000
"""Bytes that a writer's files may have where no file system can be filled."""


def redis_killed(world: World, _life: Life, _chance: Random) -> None:
    world.kill_redis()


def redis_emptied(world: World, _life: Life, _chance: Random) -> None:
    world.kill_redis(forget=True)
    world.redis_ready()


def redis_frozen(world: World, _life: Life, chance: Random) -> None:
    world.redis.pause()
    time.sleep(chance.uniform(0.1, 0.6))


def elasticsearch_killed(world: World, _life: Life, _chance: Random) -> None:
    world.elasticsearch.kill()
    world.elasticsearch.start()


def elasticsearch_emptied(world: World, _life: Life, _chance: Random) -> None:
    with Elasticsearch(world.elasticsearch.url, request_timeout=20) as client:
        client.indices.delete(index=INDEX, ignore_unavailable=True)
    world.lost_data = True


def elasticsearch_frozen(world: World, _life: Life, chance: Random) -> None:
    world.elasticsearch.pause()
    time.sleep(chance.uniform(0.1, 0.6))


def writer_frozen(_world: World, life: Life, chance: Random) -> None:
    """And thawed: whatever it waited for has long gone by."""
    life.pause()
    time.sleep(chance.uniform(0.2, 1.0))
    life.resume()


def disk_filled(world: World, life: Life, _chance: Random) -> None:
    if world.disk.mounted:
        world.disk.fill()
    else:
        _, most = resource.prlimit(life.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(life.pid, resource.RLIMIT_FSIZE, (FILE_LIMIT, most))
    life.wait_for(lambda: life.unknown["JournalError"] > 0, 1.0)


def _network(mode: Mode, *, of_redis: bool) -> Fault:
    def harm(world: World, _life: Life, chance: Random) -> None:
        proxy: Proxy = world.to_redis if of_redis else world.to_elasticsearch
        proxy.mode = mode
        time.sleep(chance.uniform(0.05, 0.4))
        if chance.random() < 0.5:
            proxy.mode = Mode.PASS

    return harm


NETWORK: dict[str, Fault] = {
    f"{store}_network_{mode}": _network(mode, of_redis=store == "redis")
    for store in ("redis", "elasticsearch")
    for mode in Mode
    if mode is not Mode.PASS
}
OTHERS: dict[str, Fault] = {
    one.__name__: one
    for one in (
        redis_emptied,
        redis_frozen,
        elasticsearch_emptied,
        elasticsearch_frozen,
        writer_frozen,
        disk_filled,
    )
}
FAULTS: dict[str, Fault] = {
    "redis_killed": redis_killed,
    "elasticsearch_killed": elasticsearch_killed,
    **OTHERS,
    **NETWORK,
}
