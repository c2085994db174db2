"""Settings side by side, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

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
