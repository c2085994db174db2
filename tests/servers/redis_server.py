"""Redis with the RediSearch module."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import redis

from tests.servers.process import Server

Aof = Literal["everysec", "always"] | None

# ON_TIMEOUT fail: the default answers a search that ran out of time with fewer or no hits and no error.
MODULE_ARGUMENTS = ("TIMEOUT", "2000", "ON_TIMEOUT", "fail", "DEFAULT_DIALECT", "2")


@dataclass(frozen=True)
class RedisProgram:
    """The two files that make a Redis with search."""

    server: Path
    search_module: Path


class RedisServer(Server):
    """A Redis of its own: one database in `home`, on the loopback interface, without a password.

    aof: how often the append-only file is synced ("always": no acknowledged write is ever lost, "everysec": up to 1 s
    may be), None for a server that forgets everything when it ends. options: further arguments of redis-server, such
    as ("--maxmemory", "40mb").
    """

    name = "Redis"
    ready_seconds = 60

    def __init__(
        self,
        program: RedisProgram,
        home: Path,
        port: int | None = None,
        *,
        aof: Aof = "everysec",
        options: Sequence[str] = (),
    ) -> None:
        super().__init__(home, port)
        self._program = program
        self._aof = aof
        self._options = options

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def _prepare(self) -> None:
        (self.home / "data").mkdir(exist_ok=True)

    def _command(self) -> Sequence[str]:
        aof = ("--appendonly", "yes", "--appendfsync", self._aof) if self._aof else ("--appendonly", "no")
        return (
            *(str(self._program.server), "--port", str(self.port), "--bind", "127.0.0.1"),
            *("--dir", str(self.home / "data"), "--save", "", *aof, *self._options),
            *("--loadmodule", str(self._program.search_module), *MODULE_ARGUMENTS),
        )

    def _environment(self) -> Mapping[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath)}

    def _answers(self) -> bool:
        return redis_answers(self.url)


def redis_answers(url: str) -> bool:
    """Whether the Redis at `url` has loaded its data and has the search commands."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=2) as client:
            client.execute_command("FT._LIST")
    except redis.RedisError:
        return False
    return True
