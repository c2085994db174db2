"""The page about serving says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask

import hybrid
from hybrid import settings
from hybrid.cli import cli
from hybrid.tokens import Role
from hybrid.web import create_app
from tests.embedders import HashedWords

PAGE = (Path(__file__).parents[2] / "docs" / "serving.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def test_the_command_makes_what_the_file_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["token", "shop", "--role", "read", "--filter", 'tenant = "a"']
    assert block("bash") == f"hybrid {' '.join(words[:-1])} '{words[-1]}'\n"
    assert CliRunner().invoke(cli, words).exit_code == 0
    Path("hybrid.toml").write_text(block("toml"))
    (token,) = settings.read().api.tokens
    assert (token.name, token.role, token.filter) == ("shop", Role.READ, 'tenant = "a"')


def test_the_roles_and_metrics_are_those_there_are() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE) == [*Role]
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "title": "x"}])
        client = create_app(engine).test_client()
        client.get("/api/v1/search?q=x")
        told = client.get("/metrics").text
    named = set(re.findall(r"`(hybrid_\w+)`", PAGE))
    assert len(named) == 14
    assert {name for name in named if f"# TYPE {name} " not in told} == set()


def test_the_python_block_makes_an_application(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    made: dict[str, object] = {}
    exec(compile(block("python"), "serving.md", "exec"), made)
    app = made["app"]
    assert isinstance(app, Flask)
    app.extensions["hybrid"].close()
