"""The servers as pytest fixtures. A run that asks for none starts none; a server that cannot be had is a failure.

redis_url, elasticsearch_url: shared by the whole session, so a test keeps to names of its own and cleans up.
own_redis, own_elasticsearch: one more of the kind, for tests that kill, pause or fill it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Protocol, TypeVar

import pytest

from tests.servers.elasticsearch_server import ElasticsearchServer
from tests.servers.errors import ServerError
from tests.servers.provide import Servers, Service
from tests.servers.redis_server import Aof, RedisServer

T = TypeVar("T")
FIXTURES = {"redis_url": Service.REDIS, "elasticsearch_url": Service.ELASTICSEARCH}


class RedisMaker(Protocol):
    def __call__(self, *, aof: Aof = "everysec", options: tuple[str, ...] = ()) -> RedisServer: ...


class ElasticsearchMaker(Protocol):
    def __call__(self, *, settings: dict[str, str] | None = None) -> ElasticsearchServer: ...


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with Servers(os.environ) as servers:
        yield servers


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest, servers: Servers) -> str:
    """The address of a Redis with search, database 0."""
    return _url(request, servers, Service.REDIS)


@pytest.fixture(scope="session")
def elasticsearch_url(request: pytest.FixtureRequest, servers: Servers) -> str:
    """The address of an Elasticsearch node."""
    return _url(request, servers, Service.ELASTICSEARCH)


@pytest.fixture
def own_redis(servers: Servers) -> Iterator[RedisMaker]:
    """Makes a running Redis that only this test uses: own_redis(aof="always", options=("--maxmemory", "40mb"))."""
    with ExitStack() as stack:

        def make(*, aof: Aof = "everysec", options: tuple[str, ...] = ()) -> RedisServer:
            return _or_fail(lambda: stack.enter_context(servers.new_redis(aof=aof, options=options)))

        yield make


@pytest.fixture
def own_elasticsearch(servers: Servers) -> Iterator[ElasticsearchMaker]:
    """Makes a running Elasticsearch that only this test uses: own_elasticsearch(settings={"path.repo": ...})."""
    with ExitStack() as stack:

        def make(*, settings: dict[str, str] | None = None) -> ElasticsearchServer:
            return _or_fail(lambda: stack.enter_context(servers.new_elasticsearch(settings=settings)))

        yield make


def _url(request: pytest.FixtureRequest, servers: Servers, service: Service) -> str:
    """Starts with this server the other one too, if any test of the run wants it: they start at the same time."""
    wanted = {FIXTURES[name] for item in request.session.items for name in _fixtures(item) if name in FIXTURES}
    servers.begin(sorted(wanted))
    return _or_fail(lambda: servers.url(service))


def _or_fail(get: Callable[[], T]) -> T:
    """What `get` returns; its ServerError fails the test with the message alone, which says what to do."""
    try:
        return get()
    except ServerError as error:
        message = str(error)
    pytest.fail(message, pytrace=False)


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []
