"""Engines on each deployment, one behaviour."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import hybrid
from hybrid import Engine
from tests.embedders import HashedWords

DEPLOYMENTS = ["embedded", "memory", pytest.param("servers", marks=pytest.mark.servers)]


@contextmanager
def deployed(request: pytest.FixtureRequest, factory: pytest.TempPathFactory, **settings: Any) -> Iterator[Engine]:
    """An engine on the deployment that a fixture's parameter names, its collection dropped at the end."""
    place = {"data_dir": factory.mktemp("deployed"), "embedder": HashedWords()} | settings
    if request.param == "memory":
        place["data_dir"] = ":memory:"
    if request.param == "servers":
        place["collection"] = f"deployed-{uuid.uuid4().hex}"
        place["redis"] = request.getfixturevalue("redis_url")
        place["elasticsearch"] = request.getfixturevalue("elasticsearch_url")
    with hybrid.open(**place) as engine:
        yield engine
        engine.drop()
