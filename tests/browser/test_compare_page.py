"""Settings side by side, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

import hybrid
from hybrid import presets
from tests.browser.served import fits, served, shoot, violations
from tests.embedders import HashedWords

pytestmark = pytest.mark.browser

PATH = "/compare?q=quiet+laptop&a=standard&b=rrf&c=text"


def lists(page: Page) -> list[list[str]]:
    return [
        [str(row.get_attribute("data-id")) for row in side.locator(".places li").all()]
        for side in page.locator(".side").all()
    ]


def test_a_slider_fuses_anew_and_the_address_keeps_it(open_page: Any) -> None:
    page = open_page(PATH, viewport={"width": 1280, "height": 900})
    before = lists(page)
    assert len(before) == 3
    shoot(page, "compare-light")
    slider = page.locator('#compare input[name="b.weight.text"]')
    slider.fill("0")
    page.wait_for_url("**b.weight.text=0*")
    expect(page.locator(".side").nth(1).locator("output").first).to_have_text("0")
    after = lists(page)
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert slider.evaluate("one => one === document.activeElement")
    afresh = open_page("/compare" + page.url.partition("/compare")[2])
    assert lists(afresh) == after


def test_what_leads_on_leads_on_from_where_the_slider_is(open_page: Any) -> None:
    page = open_page(PATH)
    page.locator('#compare input[name="b.weight.text"]').fill("0.5")
    page.wait_for_url("**b.weight.text=0.5*")
    shown = lists(page)
    for one in (page.get_by_role("link", name="Add a setting"), page.get_by_role("link", name="한국어")):
        assert "b.weight.text=0.5" in str(one.get_attribute("href"))
    page.get_by_role("button", name="Make a short address").click()
    page.wait_for_url("**kept=**")
    assert "b.weight.text=0.5" in page.url
    assert lists(page) == shown


def test_a_slider_that_is_held_is_not_taken_away(open_page: Any) -> None:
    page = open_page(PATH)
    slider = page.locator('#compare input[name="b.weight.text"]')
    at = slider.bounding_box()
    assert at is not None
    page.mouse.move(at["x"] + at["width"] * 0.1, at["y"] + at["height"] / 2)
    page.mouse.down()
    page.wait_for_function("() => location.search.includes('b.weight.text')")
    first = slider.input_value()
    page.mouse.move(at["x"] + at["width"] * 0.9, at["y"] + at["height"] / 2)
    page.mouse.up()
    assert float(slider.input_value()) > float(first) + 2


def test_where_it_cannot_be_fused_anew_the_page_says_so(browser: Browser, url: str) -> None:
    page = browser.new_page()
    page.goto(url + PATH)
    trouble = page.locator("#trouble[role=alert]")
    expect(trouble).to_have_text("")
    page.locator('#compare input[name="b.weight.text"]').fill("0")
    page.locator('#compare input[name="b.weight.vector"]').fill("0")
    expect(trouble).to_contain_text("The lists are those of before: all weights are 0")
    page.locator('#compare input[name="b.weight.vector"]').fill("1")
    expect(trouble).to_have_text("")
    page.close()


def test_each_slider_has_a_name(open_page: Any) -> None:
    """A label without an address is that of its first control, which is the output that shows the number."""
    side = open_page(PATH).locator(".side").nth(1)
    names = ("Text weight", "Vector weight", "Rank constant k", "Window")
    assert [side.get_by_role("slider", name=one).get_attribute("name") for one in names] == [
        "b.weight.text",
        "b.weight.vector",
        "b.k",
        "b.window",
    ]


def test_the_form_sends_what_the_address_says(open_page: Any) -> None:
    """Values, too, that lie between the steps of a slider, or beyond its usual end."""
    state = {
        "a": "standard",
        "b": "rrf",
        "b.k": "250.5",
        "b.weight.text": "0.25",
        "b.weight.vector": "10",
        "limit": "5",
    }
    page = open_page(f"/compare?q=quiet+laptop&{urlencode(state)}")
    shown = lists(page)
    page.get_by_role("button", name="Compare again").click()
    page.wait_for_url("**a.weight.text=1**")
    assert dict(parse_qsl(urlsplit(page.url).query)).items() >= state.items()
    assert lists(page) == shown
    assert [len(one) for one in shown] == [5, 5]


def test_the_same_documents_are_joined_and_moves_are_said_in_signs(open_page: Any) -> None:
    page = open_page(PATH, viewport={"width": 1280, "height": 900})
    first, second, third = lists(page)
    joined = len(set(first) & set(second)) + len(set(second) & set(third))
    assert page.locator(".joins path").count() == joined
    signs = page.locator(".side").nth(1).locator(".move").all_inner_texts()
    for rank, (document, sign) in enumerate(zip(second, signs, strict=True)):
        moved = first.index(document) - rank if document in first else None
        expected = "new" if moved is None else "=" if not moved else f"{'▲' if moved > 0 else '▼'} {abs(moved)}"
        assert sign == expected


def test_without_scripts_it_compares_by_its_button(open_page: Any) -> None:
    page = open_page(PATH, java_script_enabled=False)
    page.get_by_label("Method").nth(1).select_option("weighted")
    page.get_by_role("button", name="Compare again").click()
    page.wait_for_url("**b=weighted**")
    assert len(lists(page)) == 3


def test_a_setting_is_saved_as_a_preset(open_page: Any, tmp_path: Path) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "text": "a quiet laptop"}, {"id": "2", "text": "a lamp"}])
        with served(engine) as at:
            page = open_page("/compare?q=laptop&a=rrf&a.k=20&b=text", at=at)
            page.get_by_label("as the preset").fill("mine")
            page.get_by_role("button", name="Save", exact=True).click()
            page.wait_for_url("**saved=mine")
            expect(page.locator(".saved")).to_contain_text("hybrid serve --preset mine")
        assert presets.load("mine", engine.settings).fusion.k == 20


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong(open_page: Any, scheme: str, width: int) -> None:
    page = open_page(PATH, color_scheme=scheme, viewport={"width": width, "height": 800})
    assert violations(page) == []
    assert fits(page)
    if scheme == "dark":
        shoot(page, f"compare-dark-{width}")
