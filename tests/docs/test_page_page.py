"""The page about the search page says what it takes."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

import hybrid
from hybrid.web import create_app
from tests.embedders import HashedWords

PAGE = (Path(__file__).parents[2] / "docs" / "page.md").read_text()
CELLS = re.findall(r"^\| (`[^|]*`) \|", PAGE, re.MULTILINE)
ARGUMENTS = [one for cell in CELLS for one in re.findall(r"`([a-z_.]+)(?:FIELD)?(?:=[^`]*)?`", cell)]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> hybrid.Engine:
    monkeypatch.chdir(tmp_path)
    return hybrid.open(":memory:", embedder=HashedWords())


def test_the_python_block_runs_as_it_is_written(monkeypatch: pytest.MonkeyPatch, engine: hybrid.Engine) -> None:
    monkeypatch.setattr(hybrid, "open", lambda **_: engine)
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    said = StringIO()
    with redirect_stdout(said):
        exec(compile(block, "page.md", "exec"), {})
    assert said.getvalue() == "False None {'text': 'not_in_window', 'vector': 'not_in_window'}\n"


def test_the_addresses_that_are_shown_are_answered_and_every_argument_is_known(engine: hybrid.Engine) -> None:
    with engine:
        engine.put(
            [
                {"id": "1", "title": "laptop", "brand": "acer", "price": 1.0, "released": "2024-01-01"},
                {"id": "2", "title": "laptop", "brand": "lg", "price": 900.0, "released": "2024-01-02"},
            ]
        )
        client = create_app(engine).test_client()
        shown = re.findall(r"`(/search[^`]*)`", PAGE)
        assert len(shown) == 2
        assert [client.get(url).status_code for url in shown] == [200, 200]
        assert [hit["id"] for hit in client.get(shown[1]).get_json()["hits"]] == ["1"]
        values = {"f.": "acer", "from.": "0", "to.": "5", "sort": "price", "more": "brand", "explain": "true"}
        values |= {"q": "laptop", "explain_id": "2", "lang": "ko"}
        fields = {"f.": "brand", "from.": "price", "to.": "price"}
        assert set(ARGUMENTS) == {"q", "f.", "from.", "to.", "sort", "more", "explain", "explain_id", "lang"}
        for name in ARGUMENTS:
            given = {name + fields.get(name, ""): values[name], "q": "laptop"}
            assert client.get("/search", query_string=given).status_code == 200, name
