"""Pages served by the real server, and pictures of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Locator, Page

import hybrid
from hybrid.web.serving import Server

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "test-artifacts"
SHOP = ROOT / "fixtures" / "shop.jsonl"


@contextmanager
def served(engine: hybrid.Engine) -> Iterator[str]:
    """The URL of the engine's pages, served from a thread."""
    server = Server(engine, port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server.url
    server.stop()
    thread.join(20)


def shoot(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


def box(page: Page) -> Locator:
    """What is searched for."""
    return page.locator("#q")


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways."""
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return bool(width[0] <= width[1])


@cache
def _axe() -> str:
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()


def violations(page: Page) -> list[Any]:
    """What axe finds wrong with a page: of each, the rule and where."""
    page.evaluate(_axe())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((said) => said.violations)")
    return [(one["id"], [node["target"] for node in one["nodes"]]) for one in found]
