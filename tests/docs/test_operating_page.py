"""The pages about running and judging a collection say what these do."""

from __future__ import annotations

import io
import re
import shlex
from contextlib import redirect_stdout
from pathlib import Path

import click
import pytest

import hybrid
from hybrid.cli import cli
from hybrid.web import create_app
from tests.embedders import HashedWords

DOCS = Path(__file__).parents[2] / "docs"
OPERATING = (DOCS / "operating.md").read_text()
EVALUATION = (DOCS / "evaluation.md").read_text()


def test_the_python_block_runs_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = hybrid.open(":memory:", embedder=HashedWords())
    monkeypatch.setattr(hybrid, "open", lambda **_: engine)
    (block,) = re.findall(r"^```python\n(.*?)^```", OPERATING, re.MULTILINE | re.DOTALL)
    said = io.StringIO()
    with redirect_stdout(said):
        exec(compile(block, "operating.md", "exec"), {})
    assert said.getvalue() == "True ['text', 'vector'] ()\n"


def test_every_address_that_is_named_is_answered_and_what_is_sent_as_shown_is_taken() -> None:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put([{"id": "ID", "text": "a quiet laptop"}])
        client = create_app(engine).test_client()
        named = set(re.findall(r"`(/(?:collections|evaluate)[^`?]*)`", OPERATING + EVALUATION))
        assert len(named) >= 6
        assert {url: client.get(url).status_code for url in named} == dict.fromkeys(named, 200)
        (url,) = re.findall(r"http://127.0.0.1:8080(\S+)", OPERATING)
        sent = {"file": (io.BytesIO(b"id,text\n2,lamp\n"), "products.csv")}
        said = client.post(url, data=sent, headers={"Accept": "application/x-ndjson"})
        assert b'"done":true' in said.data.splitlines()[-1]


def test_the_commands_about_judged_queries_are_ones_there_are() -> None:
    lines = [line.partition("  #")[0].strip() for line in EVALUATION.splitlines() if line.startswith("hybrid ")]
    assert len(lines) >= 10
    for line in lines:
        words = shlex.split(line)[1:]
        command: click.Command = cli
        with click.Context(cli) as context:
            while isinstance(command, click.Group):
                name = words.pop(0)
                found = command.get_command(context, name)
                assert found is not None, line
                command = found
            command.make_parser(context).parse_args(words)  # raises for an option that there is not


@pytest.mark.parametrize("text", [OPERATING, EVALUATION])
def test_the_pictures_are_there(text: str) -> None:
    pictures = re.findall(r"!\[[^\]]*\]\((\S+)\)", text)
    assert pictures
    assert all((DOCS / one).is_file() for one in pictures)
