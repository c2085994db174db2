"""What happens while somebody types: suggestions and answers that follow, and nothing that is too late."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.served import box, shoot

pytestmark = pytest.mark.browser

SEED = 20260328


@pytest.fixture
def typed(open_page: Any) -> Callable[..., Page]:
    """A page on which some text has just been typed, and its suggestions are there."""

    def typed(text: str = "lap") -> Page:
        page: Page = open_page("/")
        stop_clock(page)
        write(page, text)
        expect(suggestions(page).first).to_be_visible()
        return page

    return typed


def suggestions(page: Page) -> Locator:
    return page.locator("#suggestions [role=option]")


def stop_clock(page: Page) -> None:
    """Time goes on only where a test says so."""
    page.clock.install(time=0)
    page.clock.pause_at(1000)


def write(page: Page, text: str) -> None:
    """Has the text typed, and waits until what comes of it is there."""
    box(page).focus()
    with page.expect_response("**/suggest?**"):
        box(page).fill(text)
        page.clock.run_for(200)


def told(page: Page) -> Any:
    """What is told to those who listen, after a while."""
    page.clock.run_for(1400)
    return expect(page.locator("#told"))


# The criteria that GOV.UK's accessible-autocomplete is held to, in their order.


def test_01_the_field_is_reached_by_the_keyboard(open_page: Any) -> None:
    page = open_page("/search?q=laptop")
    page.locator("body").evaluate("document.activeElement.blur()")
    for _ in range(10):
        page.keyboard.press("Tab")
        if box(page).evaluate("one => one === document.activeElement"):
            return
    pytest.fail("ten tabs do not reach the field")


def test_02_the_field_shows_that_it_has_the_focus(open_page: Any) -> None:
    page = open_page("/")
    box(page).focus()
    assert box(page).evaluate("one => getComputedStyle(one).outlineStyle") == "solid"


def test_03_the_field_is_said_to_be_one_that_can_be_edited(open_page: Any) -> None:
    page = open_page("/")
    expect(page.get_by_role("combobox", name="Search documents")).to_be_editable()


def test_04_what_stands_in_the_field_already_is_its_value(open_page: Any) -> None:
    expect(open_page("/search?q=quiet+laptop").get_by_role("combobox", name="Search documents")).to_have_value(
        "quiet laptop"
    )


def test_05_that_there_are_suggestions_is_said(open_page: Any) -> None:
    field = box(open_page("/"))
    assert (field.get_attribute("role"), field.get_attribute("aria-autocomplete")) == ("combobox", "list")


def test_06_how_they_are_used_is_explained(open_page: Any) -> None:
    expect(box(open_page("/"))).to_have_accessible_description(
        "When suggestions are there, use the up and down arrows to look at them and Enter to take one. "
        "By touch, explore them or swipe."
    )


def test_07_that_the_list_is_open_is_said(typed: Callable[..., Page]) -> None:
    page = typed()
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    assert box(page).get_attribute("aria-controls") == page.get_by_role("listbox").get_attribute("id")
    shoot(page, "suggestions-light")


def test_08_that_there_are_none_is_said(typed: Callable[..., Page]) -> None:
    page = typed()
    write(page, "lapzzz")
    expect(suggestions(page)).to_have_count(0)
    told(page).to_have_text("No suggestions.")
    expect(box(page)).to_have_attribute("aria-expanded", "false")


def test_09_how_many_there_are_is_said(typed: Callable[..., Page]) -> None:
    page = typed()
    told(page).to_have_text(f"{suggestions(page).count()} suggestions are available.")


def test_10_that_their_number_changed_is_said(typed: Callable[..., Page]) -> None:
    page = typed("l")
    told(page).to_have_text("8 suggestions are available.")
    write(page, "lap")
    expect(suggestions(page)).to_have_count(2)
    told(page).to_have_text("2 suggestions are available.")


def test_11_one_way_of_input_is_enough(typed: Callable[..., Page]) -> None:
    page = typed()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box(page)).to_have_value("laptop")
    other = typed()
    suggestions(other).first.click()
    expect(box(other)).to_have_value("laptop")


def test_12_each_step_is_one_key(typed: Callable[..., Page]) -> None:
    page = typed("l")
    seen = []
    for _ in range(suggestions(page).count()):
        page.keyboard.press("ArrowDown")
        seen.append(page.locator("[role=option][aria-selected=true]").get_attribute("id"))
    assert seen == [f"suggestion-{number}" for number in range(len(seen))]
    page.keyboard.press("ArrowDown")  # after the last: the field itself
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(0)


def test_13_which_one_is_highlighted_is_said(typed: Callable[..., Page]) -> None:
    page = typed()
    page.keyboard.press("ArrowDown")
    expect(box(page)).to_have_attribute("aria-activedescendant", "suggestion-0")
    expect(page.locator("#suggestion-0")).to_have_attribute("aria-selected", "true")


def test_14_its_number_is_said(typed: Callable[..., Page]) -> None:
    page = typed()
    page.keyboard.press("ArrowUp")  # the last
    told(page).to_have_text("laptops, 2 of 2, is highlighted.")


def test_15_none_is_highlighted_that_was_not_asked_for(typed: Callable[..., Page]) -> None:
    page = typed()
    expect(page.locator("[role=option][aria-selected=true]")).to_have_count(0)
    assert box(page).get_attribute("aria-activedescendant") is None


def test_16_the_highlighted_one_is_taken_by_enter(typed: Callable[..., Page]) -> None:
    page = typed()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=laptop")
    expect(page.locator(".hit").first).to_be_visible()


def test_17_that_it_was_taken_is_said(typed: Callable[..., Page]) -> None:
    page = typed()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    told(page).to_have_text("laptop was taken.")
    expect(box(page)).to_have_attribute("aria-expanded", "false")


def test_18_the_focus_is_in_the_field_then(typed: Callable[..., Page]) -> None:
    page = typed()
    suggestions(page).first.click()
    assert box(page).evaluate("one => one === document.activeElement")


def test_escape_closes_the_list_and_leaves_what_was_typed(typed: Callable[..., Page]) -> None:
    page = typed()
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box(page)).to_have_value("lap")


def test_the_answer_follows_what_is_typed_and_is_one_step_back(open_page: Any, url: str) -> None:
    page = open_page("/")
    box(page).click()
    page.keyboard.type("silent notebook")
    page.wait_for_url("**q=silent+notebook")
    body = page.request.get(f"{url}/api/v1/search?q=silent+notebook").json()
    assert [one.get_attribute("data-id") for one in page.locator(".hit").all()] == [hit["id"] for hit in body["hits"]]
    page.go_back()
    page.wait_for_url(f"{url}/")


def test_nothing_is_sent_while_a_syllable_is_put_together(open_page: Any) -> None:
    page = open_page("/")
    stop_clock(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    box(page).click()
    session = page.context.new_cdp_session(page)
    for unfinished in ("ㅈ", "조", "좋"):
        session.send("Input.imeSetComposition", {"text": unfinished, "selectionStart": 1, "selectionEnd": 1})
        page.clock.run_for(1000)
    assert asked == []
    session.send("Input.insertText", {"text": "좋은"})
    with page.expect_request("**/search?**"):
        page.clock.run_for(1000)


HELD = """() => {
  window.held = [];
  window.fetch = (url) => new Promise((answer) => held.push({ url, answer }));  // comes even where it was given up
}"""
ANSWER = """(places) => places.forEach((place) => {
  const { url, answer } = held[place];
  const query = new URL(url, location.href).searchParams.get("q");
  const suggested = JSON.stringify({ query, completions: [] });
  const page = `<title>${query}</title><main><p class="status">${query}</p></main>`;
  answer(new Response(url.includes("/suggest") ? suggested : page));
})"""


def test_an_older_answer_never_replaces_a_newer_one(open_page: Any) -> None:
    """Fifty times, on the test's own clock, answers come in an order drawn by lot, some after the next question."""
    draw = random.Random(SEED)
    page = open_page("/")
    stop_clock(page)
    page.evaluate(HELD)
    waiting: list[int] = []
    for turn in range(50):
        asked = [f"{word} {turn}" for word in draw.sample(["laptop", "book", "lamp", "desk", "radio"], 3)]
        for query in asked:
            before = page.evaluate("held.length")
            box(page).fill(query)
            page.clock.run_for(draw.randrange(200, 1000))
            assert page.evaluate("held.length") == before + 2
            waiting += [before, before + 1]
            early = draw.sample(waiting[:-2], draw.randrange(len(waiting) - 1))
            page.evaluate(ANSWER, early)
            waiting = [one for one in waiting if one not in early]
        page.evaluate(ANSWER, draw.sample(waiting, len(waiting)))
        waiting = []
        assert page.locator(".status").inner_text() == asked[-1], f"turn {turn} of seed {SEED}"
        assert page.title() == asked[-1]
        assert parse_qs(urlsplit(page.url).query)["q"] == [asked[-1]]


def test_that_an_answer_is_slow_is_shown_after_a_while(open_page: Any) -> None:
    page = open_page("/")
    stop_clock(page)
    page.evaluate(HELD)
    box(page).fill("laptop")
    page.clock.run_for(490)
    assert "is-waiting" not in (page.locator("main").get_attribute("class") or "")
    page.clock.run_for(20)
    expect(page.locator("main")).to_have_class("is-waiting")
    page.evaluate(ANSWER, [0, 1])
    expect(page.locator(".status")).to_have_text("laptop")
    assert page.locator("main").get_attribute("class") is None
