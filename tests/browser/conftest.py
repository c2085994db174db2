"""A real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

import hybrid
from tests.browser.served import SHOP, served
from tests.embedders import HashedWords

FLAGS = [
    "--no-sandbox",  # root, as in a container, cannot have it
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")


def executable() -> str:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.fail(f"no browser: none of {', '.join(NAMES)} is on the PATH. Install one: apt-get install chromium")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where the shop is served."""
    lines = SHOP.read_bytes().splitlines()
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put(orjson.loads(line) for line in lines)
        with served(engine) as url:
            yield url


@pytest.fixture
def open_page(browser: Browser, url: str) -> Iterator[Any]:
    """Opens a path in a fresh browser context; fails where the page's policy or a script complained."""
    contexts, complaints = [], []

    def open_page(path: str, at: str = url, **options: Any) -> Page:
        context = browser.new_context(**({"viewport": {"width": 1100, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if _wrong(message, at + path) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(at + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def _wrong(message: ConsoleMessage, page: str) -> bool:
    """Whether it is an error, other than that the page itself has the status it should have."""
    return message.type == "error" and message.location["url"] != page
