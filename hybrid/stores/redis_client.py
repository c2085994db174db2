"""How is Redis reached, and what do its errors mean?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import redis
from redis import exceptions as given
from redis.backoff import NoBackoff
from redis.connection import DefaultParser
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry
from redis.utils import SENTINEL

from hybrid.errors import (
    SettingsError,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreReplyError,
    StoreTimeout,
    StoreUnavailable,
)
from hybrid.settings import RedisSettings

NAME = "redis"
CONNECTIONS = 32
CONNECT_S = 3.0
ANSWER_S = 10.0
"""Seconds an answer may take; a search has its own limit."""


_Base: Any = DefaultParser


class _Parser(_Base):  # type: ignore[misc]
    """Reads an answer in its time-out. redis-py's own begins anew with every piece that comes, so that an answer in
    drops would keep its reader for ever."""

    _until = 0.0

    def read_response(self, *arguments: Any, timeout: Any = SENTINEL, **named: Any) -> Any:
        self._until = time.monotonic() + (ANSWER_S if timeout is SENTINEL else timeout)
        return super().read_response(*arguments, timeout=timeout, **named)

    def read_from_socket(self, *_: Any, **__: Any) -> Any:
        left = self._until - time.monotonic()
        if left <= 0:
            raise given.TimeoutError("the answer came too slowly")
        return super().read_from_socket(timeout=left)


def connect(settings: RedisSettings) -> redis.Redis:
    """A thread-safe client; nothing is sent before its first command. After a fork it connects anew.

    Only the URL's host, port, user and password count: other options in it would change how answers read.
    Raises SettingsError for a database other than 0, the only one that can hold a search index.
    """
    parts = urlsplit(settings.url.get_secret_value())
    if parts.path.strip("/") not in ("", "0"):
        raise SettingsError(f"redis.url asks for database {parts.path.strip('/')!r}; search indexes live in database 0")
    password = settings.password.get_secret_value() if settings.password else unquote(parts.password or "")
    pool = redis.BlockingConnectionPool(  # type: ignore[no-untyped-call]
        max_connections=CONNECTIONS,
        timeout=CONNECT_S,
        connection_class=redis.SSLConnection if parts.scheme == "rediss" else redis.Connection,
        host=parts.hostname,
        port=parts.port or 6379,
        username=settings.username or unquote(parts.username or "") or None,
        password=password or None,
        protocol=3,
        parser_class=_Parser,
        socket_timeout=ANSWER_S,
        socket_connect_timeout=CONNECT_S,
        health_check_interval=30,
        retry=Retry(NoBackoff(), 1, supported_errors=(given.ConnectionError,)),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
        **(_tls(settings) if parts.scheme == "rediss" else {}),
    )
    return redis.Redis.from_pool(pool)


def _tls(settings: RedisSettings) -> dict[str, Any]:
    files = {
        "ssl_ca_certs": settings.ca_certs,
        "ssl_certfile": settings.client_cert,
        "ssl_keyfile": settings.client_key,
    }
    return {name: str(path) for name, path in files.items() if path} | {"ssl_check_hostname": True}


def run(client: redis.Redis, *command: str | bytes | int) -> Any:
    """Redis's answer to one command: bytes, numbers, lists and dicts, as RESP3 has them."""
    return client.execute_command(*command)  # type: ignore[no-untyped-call]


def replies(
    client: redis.Redis,
    commands: Sequence[Sequence[str | bytes | int | float]],
    timeout_s: float,
    *,
    all_or_none: bool = False,
) -> list[Any]:
    """The reply to each command, sent together; what Redis says is wrong is among them, not raised.

    timeout_s: seconds for all of them. all_or_none: the first thing that is wrong is raised at once. It runs outside
    `Redis.execute_command`, which has no limit per call.
    """
    deadline = time.monotonic() + timeout_s
    pool = client.connection_pool
    connection = pool.get_connection()
    said: list[Any] = []
    try:
        connection.send_packed_command(connection.pack_commands(commands))  # type: ignore[no-untyped-call]
        for _ in commands:
            try:
                said.append(connection.read_response(timeout=max(0.001, deadline - time.monotonic())))
            except given.ResponseError as error:
                if all_or_none:
                    connection.disconnect()  # type: ignore[no-untyped-call]  # the other replies are not for the next who has it
                    raise
                said.append(error)
    finally:
        pool.release(connection)
    return said


def location(client: redis.Redis) -> str:
    """Host and port, for messages."""
    where = client.connection_pool.connection_kwargs
    return f"{where.get('host', 'localhost')}:{where.get('port', 6379)}"


MEANINGS: dict[type[Exception], type[StoreError]] = {
    given.RedisError: StoreError,
    given.RedisClusterException: StoreError,
    given.ChildDeadlockedError: StoreUnavailable,
    given.IncorrectPolicyType: StoreReplyError,
    given.ConnectionError: StoreUnavailable,
    given.TimeoutError: StoreTimeout,
    given.AuthenticationError: StoreDenied,
    given.AuthorizationError: StoreDenied,
    given.ExternalAuthProviderError: StoreDenied,
    given.AuthenticationWrongNumberOfArgsError: StoreDenied,
    given.NoPermissionError: StoreDenied,
    given.OutOfMemoryError: StoreFull,
    given.MaxConnectionsError: StoreFull,
    given.InvalidResponse: StoreReplyError,
    given.ResponseError: StoreReplyError,
    given.ReadOnlyError: StoreUnavailable,
    given.TryAgainError: StoreUnavailable,
    given.ClusterDownError: StoreUnavailable,
}
"""What each of redis-py's errors means; one that is not named means what its nearest ancestor means."""

_TOLD: tuple[tuple[str, type[StoreError], str], ...] = (
    ("timeout limit was reached", StoreTimeout, "it did not answer in time. Try again, or give the search more time"),
    ("no such index", StoreReplyError, "the collection's index is missing. Index the documents again"),
    ("unknown index name", StoreReplyError, "the collection's index is missing. Index the documents again"),
    ("unknown command 'ft.", StoreReplyError, "it has no search module. Use Redis 8, or load RediSearch 2.10 or newer"),
    ("ssl", StoreUnavailable, "it cannot be reached by TLS. Correct HYBRID_REDIS_CA_CERTS, or certificate and key"),
    ("misconf", StoreFull, "it cannot save to its disk. Make room there"),
    ("noreplicas", StoreUnavailable, "it has too few replicas. Start them"),
    ("masterdown", StoreUnavailable, "it is a replica without its master. Start the master"),
)
"""Errors that only their text tells apart: redis-py gives them one class and no code."""

_ADVICE: dict[type[StoreError], str] = {
    StoreUnavailable: "does not answer. Start it (docker compose up -d), or correct HYBRID_REDIS_URL",
    StoreTimeout: "did not answer in time. Try again, or look at what keeps it busy (SLOWLOG GET)",
    StoreDenied: "refused. Correct HYBRID_REDIS_USERNAME and HYBRID_REDIS_PASSWORD, or allow it by ACL SETUSER",
    StoreFull: "takes no more. Give it more memory (maxmemory) or connections, or delete documents",
    StoreReplyError: "gave an answer that makes no sense here",
    StoreError: "failed",
}


def is_missing_index(error: given.ResponseError) -> bool:
    """Whether Redis says that there is no such index."""
    return any(mark in str(error).casefold() for mark in ("no such index", "unknown index name"))


def meaning(error: Exception, where: str) -> StoreError:
    """The error of this package that says what `error`, one of redis-py's, means. where: host and port."""
    said = str(error)
    for mark, kind, advice in _TOLD:
        if mark in said.casefold():
            return kind(NAME, f"Redis at {where}: {advice} ({said})")
    if isinstance(error, given.BusyLoadingError):
        return StoreUnavailable(NAME, f"Redis at {where} is still loading its data. Wait until it has ({said})")
    kind = next(MEANINGS[one] for one in type(error).__mro__ if one in MEANINGS)
    return kind(NAME, f"Redis at {where} {_ADVICE[kind]} ({said})")


@contextmanager
def translated(client: redis.Redis) -> Iterator[None]:
    """Whatever redis-py raises inside comes out as a StoreError."""
    try:
        yield
    except tuple(MEANINGS) as error:
        raise meaning(error, location(client)) from error
