"""The search page in a real browser, served by the real server. Screenshots go to test-artifacts/."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from playwright.sync_api import Page

import hybrid
from tests.browser.served import ROOT, box, fits, served, shoot, violations
from tests.embedders import HashedWords

pytestmark = pytest.mark.browser

QUERY = "quiet laptop for travelling"


def ids(page: Page) -> list[str]:
    return [str(one.get_attribute("data-id")) for one in page.locator(".hit").all()]


def found(page: Page, url: str, arguments: str) -> list[str]:
    body = page.request.get(f"{url}/api/v1/search?{arguments}").json()
    return [hit["id"] for hit in body["hits"]]


def test_the_page_shows_what_the_json_says_in_its_order(open_page: Any, url: str) -> None:
    page = open_page("/")
    shoot(page, "start-light")
    box(page).fill(QUERY)
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?**")
    shown = ids(page)
    assert len(shown) == 10
    assert shown == found(page, url, f"q={quote(QUERY)}")
    assert page.locator(".status").inner_text().startswith("10 results (")
    shoot(page, "results-light")


def test_the_address_holds_only_what_was_changed(open_page: Any, url: str) -> None:
    page = open_page("/search?q=laptop")
    page.get_by_text("Search settings").click()
    page.get_by_label("Fusion").select_option("weighted")
    page.get_by_label("Results", exact=True).fill("5")
    shoot(page, "settings-light")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**fusion=weighted**")
    assert page.url == f"{url}/search?q=laptop&fusion=weighted&limit=5"
    assert ids(page) == found(page, url, "q=laptop&fusion=weighted&limit=5")


def test_without_scripts_everything_works(open_page: Any, url: str) -> None:
    page = open_page("/", java_script_enabled=False)
    box(page).fill("조용한 노트북")
    page.get_by_text("Search settings").click()
    page.get_by_label("Vector weight").fill("2")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/search?**")
    assert ids(page) == found(page, url, f"q={quote('조용한 노트북')}&weight.vector=2")
    assert box(page).input_value() == "조용한 노트북"
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
    page.locator("body").click(position={"x": 5, "y": 500})
    page.keyboard.press("/")
    assert box(page).evaluate("one => one === document.activeElement")
    assert box(page).input_value() == "laptop"
    page.keyboard.type("a/b")
    assert box(page).input_value() == "a/b"


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


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(open_page: Any, scheme: str, width: int) -> None:
    page = open_page("/", color_scheme=scheme, viewport={"width": width, "height": 800})
    paths = [
        "/",
        f"/search?q={quote(QUERY)}&explain=true&explain_id=e-020",
        "/search?q=laptop&f.brand=Norvik&from.price=100&sort=-price&lang=ko",
        "/search?q=zyzzyva&f.brand=Norvik&f.category=none",
    ]
    at = page.url.rstrip("/")
    for path in paths:
        page.goto(at + path)
        assert violations(page) == [], path
    assert violations(open_page("/nowhere", color_scheme=scheme)) == []


def test_values_are_chosen_and_taken_back(open_page: Any, url: str) -> None:
    page = open_page("/search?q=notebook", viewport={"width": 1280, "height": 900})
    page.locator(".facet", has_text="brand").get_by_role("link", name="Norvik").click()
    page.wait_for_url("**f.brand=Norvik**")
    assert ids(page) == found(page, url, "q=notebook&filter=" + quote('brand = "Norvik"'))
    price = page.locator('input[name="to.price"]')
    price.fill("700")
    price.press("Enter")
    page.wait_for_url("**to.price=700**")
    assert ids(page) == found(page, url, "q=notebook&filter=" + quote('brand = "Norvik" AND price <= 700'))
    shoot(page, "narrowed-light")
    page.get_by_role("link", name="Clear all").click()
    page.wait_for_url(f"{url}/search?q=notebook")
    assert ids(page) == found(page, url, "q=notebook")


def test_an_empty_list_says_what_emptied_it_and_offers_ways_out(open_page: Any) -> None:
    page = open_page("/search?q=laptop&f.brand=Norvik&f.category=book")
    assert "No document passes the filter" in page.locator(".nothing").inner_text()
    shoot(page, "emptied-light")
    page.get_by_role("link", name="Without category book").click()
    page.wait_for_url("**f.brand=Norvik")
    assert ids(page)


def test_why_a_result_is_there_and_why_another_is_not(open_page: Any) -> None:
    page = open_page(f"/search?q={quote(QUERY)}")
    first = page.locator(".hit").first
    first.locator("summary").click()
    assert first.get_by_role("row").all_inner_texts()[0].split("\t")[:3] == ["Retriever", "Status", "Rank"]
    page.get_by_label("Why is a document not here?").fill("k-001")
    page.get_by_role("button", name="Explain").click()
    page.wait_for_url("**explain_id=k-001**")
    assert "k-001" in page.locator("#explained").inner_text()
    shoot(page, "why-light")


def test_the_page_speaks_korean(open_page: Any) -> None:
    page = open_page(f"/search?q={quote('조용한 노트북')}", locale="ko-KR")
    assert page.locator("html").get_attribute("lang") == "ko"
    assert page.locator(".status").inner_text().startswith("결과 10개")
    shoot(page, "korean-light")
    page.get_by_role("link", name="English").click()
    page.wait_for_url("**lang=en**")
    assert page.locator(".status").inner_text().startswith("10 results")
