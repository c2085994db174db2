"""The page about comparing says what it does."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

import hybrid
from hybrid.web import create_app
from tests.embedders import HashedWords

PAGE = (Path(__file__).parents[2] / "docs" / "compare.md").read_text()


def test_the_python_block_runs_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = hybrid.open(":memory:", embedder=HashedWords())
    monkeypatch.setattr(hybrid, "open", lambda **_: engine)
    (block,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    said = StringIO()
    with redirect_stdout(said):
        exec(compile(block, "compare.md", "exec"), {})
    assert said.getvalue().startswith("('1', '2', '3') ('1', '2') {'1': 0, '2': 0} {'jaccard': 0.6667, 'rbo': ")


def test_the_address_that_is_shown_is_answered() -> None:
    (url,) = re.findall(r"`(/compare\?[^`]*)`", PAGE)
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "text": "a quiet laptop"}])
        client = create_app(engine).test_client()
        assert client.get(url).status_code == 200
        assert list(client.get(url.replace("/compare", "/compare.json")).get_json()["sides"]) == ["a", "b", "c"]
