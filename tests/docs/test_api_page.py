"""The page about the API says what it answers: each request is sent, and its answer has what is shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hybrid
from hybrid.filters.check import MAX_LEVELS
from hybrid.web import MAX_BODY, bulk, create_app
from hybrid.web.codes import CODES
from hybrid.web.queries import MOST_SEARCHES
from hybrid.web.wire import MAX_DEPTH
from tests.embedders import HashedWords

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text()
PAIRS = re.findall(r"^```http\n(.*?)^```\n\n```json\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def values(text: str) -> Iterator[Any]:
    """The JSON values of a text, one after the other."""
    decoder, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = decoder.raw_decode(text, at)
        yield value


def shown(page: Any, said: Any) -> bool:
    """Whether the answer has all that the page shows; "…" stands for any text."""
    if isinstance(page, dict):
        return isinstance(said, dict) and all(name in said and shown(of, said[name]) for name, of in page.items())
    if isinstance(page, list):
        return isinstance(said, list) and len(page) == len(said) and all(map(shown, page, said))
    return (isinstance(said, str) and bool(said)) if page == "…" else bool(page == said)


def test_each_request_is_answered_as_the_page_shows() -> None:
    assert len(PAIRS) == 5
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        client = create_app(engine).test_client()
        for request, answer in PAIRS:
            head, _, body = request.partition("\n\n")
            (method, url), *rest = (line.split(maxsplit=1) for line in head.splitlines())
            headers = {name.removesuffix(":"): value for name, value in rest}
            response = client.open(url, method=method, headers=headers, data=body.encode())
            said = list(values(response.get_data(as_text=True)))
            expected = list(values(answer))
            assert shown(expected, said), (request, said)


def test_the_codes_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(one.code, str(one.status), one.title) for one in CODES.values()]


def test_the_bounds_are_those_of_the_program() -> None:
    assert MAX_BODY == bulk.MAX_LINE == 16 * 2**20
    assert PAGE.count("16 MB") == 3
    assert f"nested more than {MAX_DEPTH} deep, or a filter more than {MAX_LEVELS}" in PAGE
    assert f"{bulk.MOST_LINES:,} lines" in PAGE
    assert f"{MOST_SEARCHES} searches" in PAGE


def test_the_tests_that_are_named_are_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)`", PAGE)
    assert len(named) == 3
    assert all((ROOT / path).exists() for path in named)
