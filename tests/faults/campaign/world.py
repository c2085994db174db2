"""What can be harmed? Both servers, the network to each, and the disk under the journal."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import redis

from tests.faults.campaign.content import COLLECTION
from tests.faults.campaign.proxy import Mode, Proxy
from tests.servers.elasticsearch_server import ElasticsearchServer, elasticsearch_answers
from tests.servers.provide import Servers
from tests.servers.redis_server import RedisServer

DISK_BYTES = 16_000_000
ELASTICSEARCH = {"http.max_content_length": "256kb", "indexing_pressure.memory.limit": "400kb"}
"""Small limits: there are documents that Elasticsearch will never take, and loads that it does not take at once."""

READY_S = 120.0


class Disk:
    """The journal's folder, on a small file system of its own where one can be mounted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mounted = False

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(self.folder)]
            self.mounted = subprocess.run(command, capture_output=True, check=False, timeout=10).returncode == 0
        return self

    def __exit__(self, *_: object) -> None:
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], capture_output=True, check=False, timeout=10)

    @property
    def kind(self) -> str:
        """What stands for a full disk."""
        return "a tmpfs of 16 MB, filled" if self.mounted else "RLIMIT_FSIZE of the writer"

    def fill(self) -> None:
        """Leaves no room; only where it is mounted."""
        with (self.folder / "ballast").open("wb", buffering=0) as ballast:
            size = 65_536
            while size:
                try:
                    ballast.write(b"x" * size)
                except OSError:
                    size //= 2

    def clear(self) -> None:
        """Makes room again."""
        (self.folder / "ballast").unlink(missing_ok=True)


class World:
    """Two running servers, a proxy before each, and a journal. Whatever was done to them, `heal` undoes."""

    def __init__(self, redis_server: RedisServer, elastic: ElasticsearchServer, disk: Disk, stack: ExitStack) -> None:
        self.redis = redis_server
        self.elasticsearch = elastic
        self.disk = disk
        self.to_redis = stack.enter_context(Proxy(redis_server.port))
        self.to_elasticsearch = stack.enter_context(Proxy(elastic.port))
        self.restarts = 0
        self.policies: tuple[str, ...] = ("everysec", "always")
        """How often Redis syncs its append-only file: in turns, from one restart to the next."""
        self.lost_data = False
        """A store has forgotten what it acknowledged, so that a repair is due."""

    @property
    def data_dir(self) -> Path:
        return self.disk.folder / "data"

    @property
    def settings(self) -> dict[str, Any]:
        """What to open an engine with that reaches both stores directly."""
        return {
            "redis": self.redis.url,
            "elasticsearch": self.elasticsearch.url,
            "collection": COLLECTION,
            "model": "none",
        }

    @property
    def writer_urls(self) -> tuple[str, str]:
        """Of Redis and Elasticsearch, through the proxies."""
        return f"redis://127.0.0.1:{self.to_redis.port}/0", f"http://127.0.0.1:{self.to_elasticsearch.port}"

    @property
    def whole(self) -> bool:
        """Whether Elasticsearch, which takes long to come back, answers."""
        return self.elasticsearch.running and elasticsearch_answers(self.elasticsearch.url)

    def kill_redis(self, *, forget: bool = False) -> None:
        """SIGKILL, and a new start. forget: without its data."""
        self.redis.kill()
        if forget:
            shutil.rmtree(self.redis.home / "data")
            self.lost_data = True
        self.redis.start()
        self.restarts += 1

    def redis_ready(self) -> None:
        """Returns when Redis has loaded its data."""
        self.redis.wait_ready()
        with redis.Redis.from_url(self.redis.url) as client:
            client.config_set("appendfsync", self.policies[self.restarts % len(self.policies)])

    def heal(self) -> None:
        """Undoes all faults, but does not wait for Elasticsearch."""
        self.disk.clear()
        for proxy in (self.to_redis, self.to_elasticsearch):
            proxy.mode = Mode.PASS
        for server in (self.redis, self.elasticsearch):
            server.resume()
            if not server.running:
                server.start()
        self.redis_ready()

    def wait_whole(self) -> None:
        """Returns when both servers answer."""
        self.heal()
        self.elasticsearch.wait_ready(READY_S)


@contextmanager
def world(servers: Servers, folder: Path) -> Iterator[World]:
    """A fresh one, its servers ready."""
    with ExitStack() as stack:
        disk = stack.enter_context(Disk(folder))
        elastic = servers.new_elasticsearch(settings=ELASTICSEARCH)
        elastic.start()
        stack.callback(elastic.stop)
        made = World(stack.enter_context(servers.new_redis(aof="always")), elastic, disk, stack)
        elastic.wait_ready(READY_S)
        yield made


def until(deadline_s: float) -> Iterator[float]:
    """Seconds gone by, every 20 ms, until so many have."""
    started = time.monotonic()
    while (gone := time.monotonic() - started) < deadline_s:
        yield gone
        time.sleep(0.02)
