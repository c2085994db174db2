"""Both servers through Docker and the repository's docker-compose.yml, when an engine runs."""

import os
import secrets
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path

from tests.servers.errors import ServerError
from tests.servers.process import free_port

COMPOSE_FILE = Path(__file__).parents[2] / "docker-compose.yml"
UP_SECONDS = 600  # with the download of the images


def docker_runs() -> bool:
    """Whether the docker command reaches an engine and knows compose."""
    questions = (("docker", "info"), ("docker", "compose", "version"))
    try:
        return all(subprocess.run(question, capture_output=True, timeout=20).returncode == 0 for question in questions)
    except (OSError, subprocess.TimeoutExpired):
        return False


class Compose:
    """A project of its own, with its own ports, volumes and passwords, beside one that may run already."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._ports = {"redis": free_port(), "elasticsearch": free_port()}
        self._passwords = {"redis": secrets.token_hex(16), "elasticsearch": secrets.token_hex(16)}
        self._environment = {
            **environment,
            "REDIS_PORT": str(self._ports["redis"]),
            "ELASTICSEARCH_PORT": str(self._ports["elasticsearch"]),
            "REDIS_PASSWORD": self._passwords["redis"],
            "ELASTIC_PASSWORD": self._passwords["elasticsearch"],
            "HYBRID_API_TOKENS": secrets.token_hex(16),
        }

    def up(self, services: Collection[str]) -> None:
        """Starts the services named ("redis", "elasticsearch") and returns when they are healthy.

        Raises: ServerError with what docker said.
        """
        self._compose("up", "--wait", "--wait-timeout", str(UP_SECONDS), *services)

    def url(self, service: str) -> str:
        """The address of a service, password included."""
        scheme, user = {"redis": ("redis", ""), "elasticsearch": ("http", "elastic")}[service]
        return f"{scheme}://{user}:{self._passwords[service]}@127.0.0.1:{self._ports[service]}"

    def down(self) -> None:
        """Removes the containers and their data."""
        self._compose("down", "--volumes")

    def _compose(self, *arguments: str) -> None:
        command = ("docker", "compose", "--file", str(COMPOSE_FILE), "--project-name", f"hybrid-tests-{os.getpid()}")
        done = subprocess.run((*command, *arguments), env=self._environment, capture_output=True, text=True)
        if done.returncode:
            raise ServerError(f"`docker compose {' '.join(arguments)}` failed:\n{done.stderr[-2000:]}")
