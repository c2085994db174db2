"""The page about searching: what it says in Python, in JSON and to the shell is one and the same search."""

from __future__ import annotations

import ast
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import hybrid
from hybrid import cli
from hybrid.engine import Engine
from hybrid.match import Mode
from hybrid.settings import Settings
from hybrid.web.queries import SearchBody

PAGE = (Path(__file__).parents[2] / "docs" / "searching.md").read_text()


@dataclass(frozen=True, slots=True)
class Row:
    """A search in Python, as JSON, and on the command line, where there is one."""

    kind: str
    python: str
    body: str
    shell: str


def rows() -> list[Row]:
    lines = [line.strip("| ") for line in PAGE.splitlines() if line.startswith("| ")][2:]
    return [Row(*(cell.strip("` ") for cell in [*line.split(" | "), ""][:4])) for line in lines]


ROWS = rows()


def options(call: str) -> dict[str, Any]:
    """The arguments of `search(…)`."""
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    query = {"query": ast.literal_eval(node.args[0])} if node.args else {}
    return query | {str(one.arg): ast.literal_eval(one.value) for one in node.keywords}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searching")
    with hybrid.open(folder, model="none", by_field=True) as engine:
        texts = {"e-001": "a quiet laptop", "e-002": "a desk lamp"}
        rows = np.eye(3)
        documents = [
            {"id": one, "title": text, "text": f"{text} of use", "price": 5.5, "vector": rows[at]}
            for at, (one, text) in enumerate(texts.items())
        ]
        assert engine.put(documents).ok
    return folder


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[Engine]:
    with hybrid.open(folder, model="none") as engine:
        yield engine


@pytest.mark.parametrize("row", ROWS, ids=[row.kind for row in ROWS])
def test_three_ways_to_say_a_search_make_one_plan(
    row: Row, folder: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = engine.plan(**options(row.python))
    assert engine.plan(SearchBody.model_validate(json.loads(row.body), strict=True).request()) == plan
    if not row.shell:
        assert "vector" in row.kind
        return
    monkeypatch.setenv("HYBRID_DATA_DIR", str(folder))
    monkeypatch.setenv("HYBRID_MODEL", "none")
    ran = CliRunner().invoke(cli.cli, [*shlex.split(row.shell), "--plan"], catch_exceptions=False)
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["key"] == plan.key


def test_every_kind_there_is_has_a_row() -> None:
    plans = [options(row.python) for row in ROWS]
    matches = [one["match"] for one in plans if "match" in one]
    modes = {one if isinstance(one, str) else one.get("mode", "any") for one in matches}
    assert modes == set(Mode)
    assert {key for one in matches if isinstance(one, dict) for key in one} == {
        *("mode", "minimum", "fuzziness", "fields"),
    }
    assert {name for one in plans for name in one} >= {"like", "within", "without", "queries", "vector", "sort"}


def test_the_settings_are_read_as_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (body,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hybrid.toml").write_text(body)
    given = Settings().schema_given
    assert given is not None
    assert given.alone == ("title", "text")
    narrow = Settings(**(tomllib.loads(body) | {"by_field": False})).schema_given
    assert narrow is not None
    assert narrow.alone == ("title",)
