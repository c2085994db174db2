"""The search page in a real browser, served by the real server. Screenshots go to test-artifacts/."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

import hybrid
from hybrid.web.serving import Server
from tests.embedders import HashedWords

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "test-artifacts"
QUERY = "quiet laptop for travelling"


@contextmanager
def served(engine: hybrid.Engine) -> Iterator[str]:
    """The URL of the engine's pages, served from a thread."""
    server = Server(engine, port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server.url
    server.stop()
    thread.join(20)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where the shop is served."""
    lines = (ROOT / "fixtures" / "shop.jsonl").read_bytes().splitlines()
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
        page.on("console", lambda message: complaints.append(message.text) if wrong(message, at + path) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(at + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def wrong(message: ConsoleMessage, page: str) -> bool:
    """Whether it is an error, other than that the page itself has the status it should have."""
    return message.type == "error" and message.location["url"] != page


def shoot(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


def ids(page: Page) -> list[str]:
    return [str(one.get_attribute("data-id")) for one in page.locator(".hit").all()]


def found(page: Page, url: str, arguments: str) -> list[str]:
    body = page.request.get(f"{url}/api/v1/search?{arguments}").json()
    return [hit["id"] for hit in body["hits"]]


def fits(page: Page) -> bool:
    """Whether nothing has to be scrolled sideways."""
    width = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    return bool(width[0] <= width[1])


def test_the_page_shows_what_the_json_says_in_its_order(open_page: Any, url: str) -> None:
    page = open_page("/")
    shoot(page, "start-light")
    page.get_by_role("searchbox").fill(QUERY)
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?**")
    shown = ids(page)
    assert len(shown) == 10
    assert shown == found(page, url, f"q={quote(QUERY)}")
    assert page.get_by_role("status").inner_text().startswith("10 results (")
    shoot(page, "results-light")


def test_the_address_holds_only_what_was_changed(open_page: Any, url: str) -> None:
    page = open_page("/search?q=laptop")
    page.get_by_text("Search settings").click()
    page.get_by_label("Fusion").select_option("weighted")
    page.get_by_label("Results").fill("5")
    shoot(page, "settings-light")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**fusion=weighted**")
    assert page.url == f"{url}/search?q=laptop&fusion=weighted&limit=5"
    assert ids(page) == found(page, url, "q=laptop&fusion=weighted&limit=5")


def test_without_scripts_everything_works(open_page: Any, url: str) -> None:
    page = open_page("/", java_script_enabled=False)
    page.get_by_role("searchbox").fill("조용한 노트북")
    page.get_by_text("Search settings").click()
    page.get_by_label("Vector weight").fill("2")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/search?**")
    assert ids(page) == found(page, url, f"q={quote('조용한 노트북')}&weight.vector=2")
    assert page.get_by_role("searchbox").input_value() == "조용한 노트북"
    assert page.get_by_label("Vector weight").input_value() == "2"


@pytest.mark.parametrize("path", ["/", f"/search?q={quote(QUERY)}", f"/search?q={'w' * 300}&limit=x", "/nowhere"])
def test_a_narrow_screen_is_never_scrolled_sideways(open_page: Any, path: str) -> None:
    page = open_page(path, viewport={"width": 360, "height": 740}, is_mobile=True, device_scale_factor=2)
    assert fits(page)
    if not path.endswith("x"):
        shoot(page, f"narrow-{'results' if 'q=' in path else 'start' if path == '/' else 'missing'}")


def test_the_page_is_dark_where_that_is_preferred(open_page: Any) -> None:
    page = open_page(f"/search?q={quote(QUERY)}", color_scheme="dark")
    light = open_page("/")
    ground = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(22, 24, 27)"
    assert light.evaluate(ground) == "rgb(251, 251, 250)"
    shoot(page, "results-dark")
    page.goto(page.url.split("/search")[0])
    shoot(page, "start-dark")


def test_a_slash_goes_to_the_search_box_and_is_typed_within_it(open_page: Any) -> None:
    page = open_page("/search?q=laptop")
    box = page.get_by_role("searchbox")
    page.locator("body").click(position={"x": 5, "y": 500})
    page.keyboard.press("/")
    assert box.evaluate("one => one === document.activeElement")
    assert box.input_value() == "laptop"
    page.keyboard.type("a/b")
    assert box.input_value() == "a/b"


def test_what_has_the_focus_is_seen(open_page: Any) -> None:
    page = open_page("/search?q=laptop")
    for _ in range(4):
        page.keyboard.press("Tab")
        style = page.evaluate("(s => [s.outlineStyle, s.outlineWidth])(getComputedStyle(document.activeElement))")
        assert style == ["solid", "3px"]


def test_colours_of_texts_can_be_read(open_page: Any) -> None:
    """Contrast of every text with what lies behind it: at least 4.5 to 1 (WCAG 2.2, level AA)."""
    for scheme in ("light", "dark"):
        for path in (f"/search?q={quote(QUERY)}", "/search?q=laptop&retrievers=text", "/", "/nowhere"):
            assert open_page(path, color_scheme=scheme).evaluate(CONTRASTS) == []


CONTRASTS = """() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !one.checkVisibility() || one.closest("svg, option")) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(behind(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(`${one.className || one.tagName} ${ratio.toFixed(2)}`);
  }
  return weak;
}"""


def test_a_search_with_a_dead_store_says_so_on_the_page(open_page: Any, tmp_path: Path) -> None:
    lines = (ROOT / "fixtures" / "shop.jsonl").read_bytes().splitlines()
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put(orjson.loads(line) for line in lines[:40])
    dead = "redis://127.0.0.1:1"  # the port of tcpmux, which nothing serves
    with hybrid.open(tmp_path, embedder=HashedWords(), redis=dead) as engine, served(engine) as at:
        page = open_page(f"/search?q={quote(QUERY)}", at=at)
        banner = page.get_by_role("alert").inner_text()
        assert banner == "The vector store cannot be reached. These results come from text only."
        shoot(page, "degraded-light")
    shoot(open_page("/search?q=zyzzyva&retrievers=text"), "nothing-light")
