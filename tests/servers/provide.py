"""Where the servers of a test run come from, and their life."""

import enum
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

from tests.servers.assemble import elasticsearch_program, redis_program
from tests.servers.docker import Compose, docker_runs
from tests.servers.elasticsearch_server import ElasticsearchServer, elasticsearch_answers
from tests.servers.errors import ServerError
from tests.servers.jdk import find_jdk
from tests.servers.process import POLL_SECONDS, Server
from tests.servers.redis_server import Aof, RedisServer, redis_answers

S = TypeVar("S", bound=Server)


class Service(enum.StrEnum):
    """The two servers, by their names in docker-compose.yml."""

    REDIS = "redis"
    ELASTICSEARCH = "elasticsearch"


class Source(enum.Enum):
    """Where a server comes from."""

    GIVEN = "an address in the environment"
    DOCKER = "docker-compose.yml"
    PACKAGES = "packages, kept in a cache"


VARIABLES = {Service.REDIS: "HYBRID_TEST_REDIS_URL", Service.ELASTICSEARCH: "HYBRID_TEST_ELASTICSEARCH_URL"}
ANSWERS: Mapping[Service, Callable[[str], bool]] = {
    Service.REDIS: redis_answers,
    Service.ELASTICSEARCH: elasticsearch_answers,
}


def sources(environment: Mapping[str, str], docker_runs: Callable[[], bool]) -> Mapping[Service, Source]:
    """The source of each server: its address in the environment, else Docker if it runs, else packages.

    Docker is only asked about when an address is missing.
    """
    given = {service: Source.GIVEN for service in Service if environment.get(VARIABLES[service])}
    if len(given) == len(Service):
        return given
    otherwise = Source.DOCKER if docker_runs() else Source.PACKAGES
    return dict.fromkeys(Service, otherwise) | given


class Running(Protocol):
    """A server that was started, by us or by somebody else."""

    @property
    def url(self) -> str: ...

    def wait_ready(self) -> None: ...


@dataclass(frozen=True)
class Elsewhere:
    """A server whose process is not ours."""

    service: Service
    url: str
    seconds: float = 30

    def wait_ready(self) -> None:
        """Raises: ServerError when it does not answer in time; the address, which may hold a password, stays untold."""
        deadline = time.monotonic() + self.seconds
        while not ANSWERS[self.service](self.url):
            if time.monotonic() > deadline:
                raise ServerError(
                    f"{self.service.capitalize()} did not answer within {self.seconds:g} s at the address that "
                    f"{VARIABLES[self.service]} or Docker gave: does it run there (Redis: with its search module), and "
                    "are user and password right?"
                )
            time.sleep(POLL_SECONDS)


class Servers:
    """The servers of one test run. Nothing starts before it is asked for; all ends with the context."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._ending = ExitStack()
        self._begun: dict[Service, Running | ServerError] = {}

    def begin(self, services: Collection[Service]) -> None:
        """Starts those of `services` that were not started yet, and does not wait for them to be ready.

        A failure is kept and raised by `url`, so that the other server's tests run.
        """
        for service in services:
            if service not in self._begun:
                try:
                    self._begun[service] = self._start(service)
                except ServerError as error:
                    self._begun[service] = error

    def url(self, service: Service) -> str:
        """The address of a server that is ready.

        Raises: ServerError when it cannot be had.
        """
        self.begin([service])
        server = self._begun[service]
        if isinstance(server, ServerError):
            raise server
        server.wait_ready()
        return server.url

    def new_redis(self, *, aof: Aof = "everysec", options: Sequence[str] = ()) -> RedisServer:
        """One more Redis, from packages, not started yet: for a test that kills it. Stopped at the end.

        Raises: ServerError when the packages cannot be had.
        """
        return self._kept(RedisServer(redis_program(self._environment), self._new_folder(), aof=aof, options=options))

    def new_elasticsearch(self, *, settings: Mapping[str, str] | None = None) -> ElasticsearchServer:
        """One more Elasticsearch, likewise."""
        jdk, program = find_jdk(self._environment), elasticsearch_program(self._environment)  # the quick question first
        return self._kept(ElasticsearchServer(program, jdk.home, self._new_folder(), settings=settings))

    def _new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))

    def _kept(self, server: S) -> S:
        self._ending.callback(server.stop)
        return server

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.close()

    def _start(self, service: Service) -> Running:
        source = self._sources[service]
        if source is Source.GIVEN:
            return Elsewhere(service, self._environment[VARIABLES[service]])
        if source is Source.DOCKER:
            self._compose.up([service])
            return Elsewhere(service, self._compose.url(service))
        server = self.new_redis() if service is Service.REDIS else self.new_elasticsearch()
        server.start()
        return server

    @cached_property
    def _sources(self) -> Mapping[Service, Source]:
        return sources(self._environment, docker_runs)

    @cached_property
    def _compose(self) -> Compose:
        compose = Compose(self._environment)
        self._ending.callback(compose.down)
        return compose

    @cached_property
    def _folder(self) -> Path:
        folder = Path(self._ending.enter_context(tempfile.TemporaryDirectory(prefix="hybrid-tests-")))
        folder.chmod(0o711)  # root's Elasticsearch runs as nobody, who must be able to pass through
        return folder
