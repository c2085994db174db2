"""The README tells the truth: its Python and shell blocks run, one after the other, in a fresh folder."""

import os
import re
import shlex
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
NEEDS_SERVERS = "# doctest: needs servers"


def blocks(language: str) -> list[str]:
    return [body for kind, body in BLOCK.findall(README.read_text()) if kind == language]


def run_python(program: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_shell(command: str, folder: Path, settings: Mapping[str, str] | None = None) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        shlex.split(command, comments=True),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"PATH": path} | dict(settings or {}),
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_the_python_blocks_run_in_order_and_print_what_they_say(tmp_path: Path) -> None:
    program = "\n".join(body for body in blocks("python") if NEEDS_SERVERS not in body)
    printed = run_python(program, tmp_path)
    assert "1 1 Quiet laptop {'text': 1, 'vector': 1}" in printed
    assert "('b', 'a', 'c')" in printed
    assert "['1', '3'] Total(value=1, exact=True, counts=<Counts.TEXT_MATCHES: 'text_matches'>)" in printed
    assert "{'text': 'no_match', 'vector': 'hit'}" in printed
    assert "['2', '1']" in printed
    assert "['<mark>Quiet</mark> laptop']" in printed
    assert "[('quiet laptop', 1)] quiet \n" in printed


@pytest.mark.servers
def test_the_python_block_on_servers_opens_an_engine_there(
    tmp_path: Path, redis_url: str, elasticsearch_url: str
) -> None:
    (body,) = [body for body in blocks("python") if NEEDS_SERVERS in body]
    there = body.replace("redis://localhost:6379", redis_url).replace("http://localhost:9200", elasticsearch_url)
    program = f"import hybrid\n{there}\nprint(engine.ping())\nengine.close()"
    assert run_python(program, tmp_path) == "{'text': 'ok', 'vector': 'ok', 'journal': 'ok'}\n"


def test_the_shell_blocks_run(tmp_path: Path) -> None:
    lines = [line for body in blocks("bash") for line in body.splitlines() if line.startswith("hybrid ")]
    kept = [line for line in lines if not line.startswith("hybrid serve")]  # serves until it is stopped; tested apart
    verbs = ["index", "search", "search", "search", "suggest", "status", "verify", "export", "delete", "delete"]
    assert [shlex.split(line)[1] for line in kept] == verbs
    (tmp_path / "documents.jsonl").write_text('{"id": "1", "title": "A quiet laptop", "text": "No fan, no sound."}\n')
    printed = [run_shell(line, tmp_path) for line in kept]
    assert "A quiet laptop" in printed[1]


@pytest.mark.servers
def test_the_shell_block_on_servers_runs(tmp_path: Path, redis_url: str, elasticsearch_url: str) -> None:
    (body,) = blocks("sh")
    export, *lines = body.splitlines()
    assert export == "export HYBRID_REDIS_URL=redis://localhost:6379 HYBRID_ELASTICSEARCH_URL=http://localhost:9200"
    (tmp_path / "fixtures").symlink_to(README.parent / "fixtures")
    name = f"shop-{uuid.uuid4().hex}"
    there = {"HYBRID_REDIS_URL": redis_url, "HYBRID_ELASTICSEARCH_URL": elasticsearch_url}
    kept = [line.replace("--collection shop", f"--collection {name}") for line in lines if "hybrid serve" not in line]
    assert [shlex.split(line)[1] for line in kept] == ["status", "index", "search"]
    try:
        printed = [run_shell(line, tmp_path, there) for line in kept]
    finally:
        run_shell(f"hybrid delete --all --yes --collection {name}", tmp_path, there)
    assert "server.version" in printed[0]
    assert "fused by standard" in printed[2]


def test_the_settings_block_is_a_valid_settings_file(tmp_path: Path) -> None:
    (body,) = blocks("toml")
    (tmp_path / "hybrid.toml").write_text(body)
    program = "from hybrid.settings import read; print(read().schema_given.searched, read().vector.algorithm)"
    assert run_python(program, tmp_path) == "(('title', 2.0), ('text', 1.0)) HNSW\n"


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    targets = set(re.findall(r"^(\w[\w-]*):", (README.parent / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", README.read_text(), re.MULTILINE))
    assert named <= targets
    assert {"demo", "test"} <= named
