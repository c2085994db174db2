"""The pages of who runs, judges and measures a collection, in a real browser."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser, Page, expect

import hybrid
from tests.browser.served import SHOP, fits, served, shoot, violations
from tests.embedders import HashedWords

pytestmark = pytest.mark.browser

QUERY = "quiet laptop"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a shop on disk is served, with judged queries in its data folder."""
    folder = tmp_path_factory.mktemp("shop")
    with hybrid.open(folder, embedder=HashedWords()) as engine:
        engine.put(orjson.loads(line) for line in SHOP.read_bytes().splitlines())
        datasets = folder / "datasets" / "shop"
        datasets.mkdir(parents=True)
        for name, lines in (("queries.jsonl", 25), ("qrels.tsv", -1)):
            kept = (SHOP.parent / name).read_bytes().splitlines(keepends=True)[:lines]
            (datasets / name).write_bytes(b"".join(kept))
        (datasets / "corpus.jsonl").write_bytes(SHOP.read_bytes())
        with served(engine) as url:
            yield url


def saved(page: Page) -> list[float]:
    """Milliseconds from each key to the server's answer that its rating is on the disk."""
    return list(page.evaluate("performance.getEntriesByName('saved').map((one) => one.duration)"))


def wait_saved(page: Page, count: int) -> None:
    page.evaluate(
        "(count) => new Promise((done) => { const look = () => "
        "performance.getEntriesByName('saved').length < count ? setTimeout(look, 5) : done(); look(); })",
        count,
    )


def test_fifty_documents_are_judged_by_keys_alone(open_page: Any, record_property: Any) -> None:
    page = open_page(f"/evaluate/judge?q={QUERY}&depth=60&judge=anna")
    ids = page.eval_on_selector_all(".judged input[name=id]", "(all) => all.map((one) => one.value)")
    assert len(ids) >= 50
    grades = "3210x"
    for place in range(50):
        page.keyboard.press(grades[place % 5])
        wait_saved(page, place + 1)
    took = sorted(saved(page))
    record_property("key to saved, ms, median and p95", (statistics.median(took), took[47]))
    print(f"key to saved: median {statistics.median(took):.1f} ms, p95 {took[47]:.1f} ms")
    assert took[47] < 1000  # 150 on a machine that does nothing else
    expect(page.locator("#rated")).to_have_text("50")
    kept = page.request.get(
        f"{page.url.split('/evaluate')[0]}/evaluate/judge.json?q={QUERY}&depth=60&judge=anna"
    ).json()
    known = {one["id"]: one["grade"] for one in kept["documents"] if one["rated"]}
    assert known == {one: None if place % 5 == 4 else 3 - place % 5 for place, one in enumerate(ids[:50])}


def test_keys_move_undo_and_leave_fields_alone(open_page: Any) -> None:
    page = open_page("/evaluate/judge?q=desk lamp&judge=bob")
    now = page.locator(".judged[aria-current]")
    expect(now).to_have_id("d1")
    page.keyboard.press("j")
    page.keyboard.press("ArrowDown")
    expect(now).to_have_id("d3")
    page.keyboard.press("k")
    expect(now).to_have_id("d2")
    page.keyboard.press("3")
    expect(now).to_have_id("d3")
    page.keyboard.press("u")
    wait_saved(page, 2)
    expect(now).to_have_id("d2")
    expect(page.locator("#d2 button[aria-pressed=true]")).to_have_count(0)
    page.keyboard.press("2")
    wait_saved(page, 3)
    page.locator("#judged-q").focus()
    page.keyboard.type("103")
    page.reload()
    expect(page.locator("button[aria-pressed=true]")).to_have_count(1)
    expect(page.locator("#d2 button[aria-pressed=true]")).to_have_text("2 good")
    expect(now).to_have_id("d1")


def test_a_rating_that_is_not_saved_is_told_and_taken_back(browser: Browser, url: str) -> None:
    page = browser.new_page()
    page.goto(f"{url}/evaluate/judge?q=chair&judge=carl")
    page.route("**/evaluate/judge/rate", lambda route: route.fulfill(status=503, json={"detail": "The disk is full."}))
    page.keyboard.press("3")
    expect(page.locator("#trouble")).to_have_text("Not saved: The disk is full.")
    expect(page.locator("#d1 button[aria-pressed=true]")).to_have_count(0)
    page.close()


def test_without_scripts_all_of_it_works(open_page: Any, tmp_path: Path) -> None:
    page = open_page("/evaluate/judge?q=mug&judge=dora", java_script_enabled=False)
    page.locator("#d1").get_by_text("3 exactly right").click()
    expect(page.locator("#d1 button[aria-pressed=true]")).to_have_text("3 exactly right")
    assert page.url.endswith("#d2")
    page.goto(page.url.split("/evaluate")[0] + "/collections")
    file = tmp_path / "more.csv"
    file.write_text("id,title\nnew-1,a mug\n,nothing\n")
    page.set_input_files("#file", file)
    page.click("#upload button")
    expect(page.locator("#state")).to_have_text("2 rows read, 1 created, 1 rejected")
    page.get_by_role("link", name="Collections").first.click()
    page.click("text=Compare the stores")
    expect(page.locator("section:has(#drift)")).to_contain_text("no difference")


def test_a_file_is_sent_with_progress_and_each_rejected_line_told(open_page: Any, tmp_path: Path) -> None:
    page = open_page("/collections")
    file = tmp_path / "more.jsonl"
    lines = [orjson.dumps({"id": f"more-{one}", "title": f"mug {one}"}) for one in range(1200)]
    file.write_bytes(b"\n".join([*lines[:700], b"<b>no</b>", *lines[700:]]))
    page.set_input_files("#file", file)
    page.click("#upload button")
    expect(page.locator("#told")).to_have_text("Done: 1,201 rows, 1,200 created, 1 rejected", timeout=15000)
    expect(page.locator("#rejected li")).to_have_count(1)
    assert page.locator("#rejected li").inner_text().startswith("line 701: this is not JSON")
    assert page.locator("#bar").evaluate("(bar) => bar.value") == 1


def test_a_file_that_is_refused_is_told(browser: Browser, url: str) -> None:
    page = browser.new_page()
    page.goto(url + "/collections")
    page.set_input_files("#file", {"name": "a.exe", "mimeType": "text/plain", "buffer": b"x"})
    page.click("#upload button")
    expect(page.locator("#told")).to_contain_text("a.exe: files named like this are not taken")
    page.close()


def test_what_scripts_say_is_in_the_language_of_the_page(open_page: Any) -> None:
    page = open_page("/collections?lang=ko")
    body = b'{"id":"ko-1","title":"mug"}\nno json'
    page.set_input_files("#file", {"name": "a.jsonl", "mimeType": "text/plain", "buffer": body})
    page.click("#upload button")
    expect(page.locator("#told")).to_have_text("완료: 2행, 추가 1개, 거절 1개", timeout=15000)
    expect(page.locator("#rejected li")).to_contain_text("2번째 줄: ")
    page = open_page("/evaluate/judge?q=chair&judge=ha&lang=ko")
    expect(page.locator("#trouble")).to_have_attribute("data-words", "저장하지 못했습니다: {why}")


def test_judged_queries_are_measured_while_the_page_shows_how_far_it_is(open_page: Any) -> None:
    page = open_page("/evaluate")
    page.click("text=Measure >> nth=0")
    page.wait_for_selector(".verdict", timeout=20000)
    assert "hybrid" in page.inner_text(".verdict")
    assert page.locator("figure svg").count() == 3
    assert page.locator("section:has(#each) tbody tr").count() >= 20
    page.locator("section:has(#each) tbody a").first.click()
    page.wait_for_selector(".hits")


PAGES = {
    "collections": "/collections",
    "document": "/collections/documents/e-001",
    "judge": "/evaluate/judge?q=NX-4410&judge=anna&depth=1",
    "ratings": "/evaluate/judge",
    "evaluate": "/evaluate",
    "run": "/evaluate/runs/1",
}


@pytest.mark.parametrize("name", list(PAGES))
def test_each_page_is_accessible_and_fits(open_page: Any, name: str) -> None:
    page = open_page(PAGES[name])
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == [], (width, scheme)
            assert fits(page), width
            shoot(page, f"{name}-{scheme}-{width}")
