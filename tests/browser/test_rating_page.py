"""The page on which pools are rated, in a real browser, from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

import hybrid
from hybrid.evaluation import judging
from tests.embedders import HashedWords

pytestmark = pytest.mark.browser

HOSTILE = "</script><script>document.title = 'run'</script> & <b>bold</b>"
PAIRS = [('quiet, "small" laptop', "1"), ('quiet, "small" laptop', "=2"), ("=1+1", "gone")]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("rating") / "rate.html"
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "text": HOSTILE}, {"id": "=2", "text": "조용한 노트북"}])
        file.write_text(judging.rating_page(engine, PAIRS), "utf-8")
    return file


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def opened(context: BrowserContext, page_file: Path) -> Iterator[Callable[[], Page]]:
    """Opens the page, again and again, in one browser profile; in the end nothing has failed or come from elsewhere."""
    errors: list[str] = []
    requests: list[str] = []

    def opened() -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(page_file.as_uri())
        return page

    yield opened
    assert errors == []
    assert {url for url in requests if not url.startswith("blob:")} == {page_file.as_uri()}


def saved(page: Page, into: Path) -> judging.Read:
    with page.expect_download() as download:
        page.keyboard.press("s")
    download.value.save_as(into / download.value.suggested_filename)
    return judging.ratings([into / "rated.csv"])


def test_keys_rate_and_what_is_saved_is_read_back(opened: Callable[[], Page], tmp_path: Path) -> None:
    page = opened()
    assert page.inner_text("h1") == PAIRS[0][0]
    assert page.inner_text("#text") == HOSTILE
    assert page.title() == "Rate documents"
    page.keyboard.press("3")
    assert page.inner_text("#text") == "조용한 노트북"
    page.keyboard.press("0")
    assert page.inner_text("#where") == "3 of 3, 2 rated"
    page.keyboard.press("1")
    page.keyboard.press("Delete")
    read = saved(page, tmp_path)
    assert read.judgements == {PAIRS[0][0]: {"1": 3, "=2": 0}}
    assert read.notes == ("1 row without a grade not taken",)


def test_ratings_are_still_there_when_the_page_comes_again(opened: Callable[[], Page], tmp_path: Path) -> None:
    page = opened()
    page.keyboard.press("2")
    page.close()
    page = opened()
    assert page.inner_text("#where") == "2 of 3, 1 rated"
    page.click("text=← before")
    assert page.get_attribute("text=2 good", "aria-pressed") == "true"
    page.click("text=1 related")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("h1") == "=1+1"
    page.keyboard.press("1")
    assert saved(page, tmp_path).judgements == {PAIRS[0][0]: {"1": 1}, "=1+1": {"gone": 1}}
