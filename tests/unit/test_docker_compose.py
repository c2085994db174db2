"""What docker-compose.yml must hold, whatever else changes in it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
EXAMPLE = (ROOT / ".env.example").read_text()
SERVICES: dict[str, Any] = COMPOSE["services"]

every_service = pytest.mark.parametrize("name", ["redis", "elasticsearch", "web"])


def test_there_are_exactly_the_three_services() -> None:
    assert sorted(SERVICES) == ["elasticsearch", "redis", "web"]


@pytest.mark.parametrize("name", ["redis", "elasticsearch"])
def test_images_are_pinned_to_the_patch_release(name: str) -> None:
    assert re.fullmatch(rf"{name}:\d+\.\d+\.\d+", SERVICES[name]["image"])


def test_the_web_app_is_built_from_the_dockerfile() -> None:
    assert SERVICES["web"]["build"] == "."
    assert all(
        re.fullmatch(r"FROM python:3\.\d+-slim( AS build)?", line)
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("FROM")
    )


def test_the_web_app_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["hybrid"]


@every_service
def test_every_service_has_a_health_check_a_memory_limit_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["restart"] == "unless-stopped"


@every_service
def test_every_service_keeps_its_data_in_a_named_volume(name: str) -> None:
    (volume,) = SERVICES[name]["volumes"]
    assert volume.partition(":")[0] in COMPOSE["volumes"]


@every_service
def test_every_port_is_open_to_this_machine_only(name: str) -> None:
    (port,) = SERVICES[name]["ports"]
    assert re.fullmatch(r"127\.0\.0\.1:\$\{[A-Z]+_PORT:-\d+\}:\d+", port)


def test_redis_loses_and_evicts_nothing() -> None:
    command = " ".join(SERVICES["redis"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_elasticsearch_asks_for_a_password() -> None:
    assert SERVICES["elasticsearch"]["environment"]["xpack.security.enabled"] == "true"


def test_the_web_app_waits_until_both_stores_are_healthy() -> None:
    assert SERVICES["web"]["depends_on"] == {
        "redis": {"condition": "service_healthy"},
        "elasticsearch": {"condition": "service_healthy"},
    }


@pytest.mark.parametrize("secret", ["REDIS_PASSWORD", "ELASTIC_PASSWORD"])
def test_secrets_come_from_the_environment_and_nowhere_else(secret: str) -> None:
    assert f"${{{secret}:?set it in .env}}" in TEXT
    assert f"${{{secret}}}" not in TEXT, "without :? a missing secret would be an empty one"
    assert f"${{{secret}:-" not in TEXT
    assert re.search(rf"^{secret}=$", EXAMPLE, re.MULTILINE), "the example names it and holds none"


def test_every_variable_is_in_the_example() -> None:
    variables = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", TEXT))
    assert variables == set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))


def test_no_password_stands_in_the_file() -> None:
    variables = [item for service in SERVICES.values() for item in service.get("environment", {}).items()]
    values = [value for name, value in variables if re.search("PASSWORD|AUTH|TOKEN", name)]
    values += [value.partition("://")[2].partition(":")[2] for _, value in variables if "://" in value]
    command = SERVICES["redis"]["command"]
    values.append(command[command.index("--requirepass") + 1])
    assert len(values) == 5
    assert [value for value in values if not value.startswith("${")] == []
