"""Engines that are really there, in memory or on disk, and really dead stores, behind Flask's test client."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

import hybrid
from hybrid.web import create_app
from tests.embedders import HashedWords

SHOP = Path(__file__).parents[2] / "fixtures" / "shop.jsonl"


@pytest.fixture(scope="session")
def shop() -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in SHOP.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def shop_client(shop: list[dict[str, Any]]) -> Iterator[FlaskClient]:
    """A client of the shop in memory, which tests only read."""
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put(shop)
        yield create_app(engine).test_client()


@pytest.fixture
def engine() -> Iterator[hybrid.Engine]:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        yield engine


@pytest.fixture
def client(engine: hybrid.Engine) -> FlaskClient:
    return create_app(engine).test_client()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken but not listened to, so that every connection is refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


OpenWith = Callable[..., FlaskClient]


@pytest.fixture
def partly_dead(tmp_path: Path, closed_port: int) -> Iterator[OpenWith]:
    """A client of three documents on disk, with the named servers put in place of embedded stores: dead ones."""
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put({"id": str(n), "title": f"quiet laptop number {n}", "price": 100 * n} for n in (1, 2, 3))
    urls = {"redis": f"redis://127.0.0.1:{closed_port}", "elasticsearch": f"http://127.0.0.1:{closed_port}"}
    with ExitStack() as stack:

        def open_with(*dead: str) -> FlaskClient:
            servers = {name: urls[name] for name in dead}
            engine = hybrid.open(tmp_path, embedder=HashedWords(), **servers)
            return create_app(stack.enter_context(engine)).test_client()

        yield open_with
