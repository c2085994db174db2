"""What a browser makes of pages full of hostile texts: nothing that the pages do not have by themselves."""

from __future__ import annotations

from itertools import cycle

import pytest
from playwright.sync_api import Browser

from tests.hostile import OUT, RUN
from tests.soak.xss import SEEN, run

TEXTS = [out + run for out, run in zip(cycle(OUT), RUN, strict=False)] + [out + RUN[2] for out in OUT]
"""Each way to get out of where a text stands, and each way to run, though not each with each."""


def test_every_text_is_shown_as_text_in_every_place() -> None:
    found = list(run(TEXTS))
    assert sum(pages for pages, _ in found) == 8 * len(TEXTS)
    assert [one for _, of in found for one in of] == []


@pytest.mark.parametrize(
    ("html", "noticed"),
    [
        ("<a href='/x' onclick=alert(1)>", "a onclick"),
        ("<a href='java&#x0A;script:alert(1)'>", "a href java\nscript:alert(1)"),
        ("<img src=//evil.example/x.png>", "img src //evil.example/x.png"),
        ("<script>alert(1)</script>", "script alert(1)"),
        ("<p style='position:fixed'>", "p style"),
        ("<iframe srcdoc='<b>'>", "iframe srcdoc <b>"),
    ],
)
def test_what_is_foreign_would_be_noticed(browser: Browser, html: str, noticed: str) -> None:
    page = browser.new_page()
    (seen,) = page.evaluate(SEEN, [html])
    page.close()
    assert noticed in seen
