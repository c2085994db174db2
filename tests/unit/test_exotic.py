"""Methods of ranx: worked out by hand, by the library itself, in a Python of its own as it is large; and without it."""

from __future__ import annotations

import importlib.util
import json
import tomllib
from typing import Any

import pytest

from hybrid.errors import MissingExtra
from hybrid.fusion import fuse, methods
from tests.servers import apart

RANX = "0.3.20"

WORLD = {"text": {"a": 12.0, "b": 7.0, "c": 3.0}, "vector": {"b": 0.9, "d": 0.8, "a": 0.2}}
ALONE = {"text": {"a": 12.0, "b": 7.0}, "vector": {}}
KOREAN = {"text": {"나": 2.0, "가": 1.0}, "vector": {"가": 2.0}, "image": {"가": 0.5, "나": 0.25}}

ASKING = """
import json, os, sys
os.environ["NUMBA_DISABLE_JIT"] = "1"  # the same code, uncompiled: compiling it takes a minute
from hybrid.fusion import fuse
for world, method, weights in json.load(sys.stdin):
    found = fuse(world, method, compat="ranx", weights=weights)
    print(json.dumps([found.ids, found.scores, found.explain(found.ids[0])]))
"""

# a and b, then c, then d: by votes, points, and scores between 0 and 1.
CASES: list[tuple[dict[str, Any], str, dict[str, float] | None, list[tuple[str, float]]]] = [
    (WORLD, "bordafuse", None, [("b", 3 + 4), ("a", 4 + 2), ("d", 1 + 3), ("c", 2 + 1)]),
    (WORLD, "bordafuse", {"vector": 3}, [("b", 3 + 12), ("a", 4 + 6), ("d", 1 + 9), ("c", 2 + 3)]),
    (WORLD, "condorcet", {"text": 2}, [("a", 4.0), ("b", 3.0), ("c", 2.0), ("d", 1.0)]),
    (WORLD, "condorcet", {"vector": 2}, [("b", 4.0), ("d", 3.0), ("a", 2.0), ("c", 1.0)]),
    (WORLD, "anz", None, [("d", 6 / 7), ("b", (4 / 9 + 1) / 2), ("a", 1 / 2), ("c", 0.0)]),
    (WORLD, "med", None, [("d", 6 / 7), ("b", (4 / 9 + 1) / 2), ("a", 1 / 2), ("c", 0.0)]),
    (WORLD, "min", None, [("d", 6 / 7), ("b", 4 / 9), ("a", 0.0), ("c", 0.0)]),
    (WORLD, "log_isr", None, [("b", 0.8664), ("a", 0.7702), ("d", 0.0), ("c", 0.0)]),  # ln 2 × (1 + 1/4), …
    (ALONE, "bordafuse", None, [("a", 4.0), ("b", 2.0)]),
    (KOREAN, "condorcet", None, [("가", 2.0), ("나", 1.0)]),
]


@pytest.fixture(scope="module")
def told() -> list[Any]:
    project = tomllib.loads((apart.PROJECT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["ranx"] == [f"ranx>={RANX},<0.4"]
    interpreter = apart.python(f"ranx-{RANX}", [[f"ranx=={RANX}", *project["dependencies"]]])
    said = apart.run(interpreter, ASKING, stdin=json.dumps([case[:3] for case in CASES]))
    return [json.loads(line) for line in said.splitlines() if line.startswith("[")]


@pytest.mark.servers  # like those, too heavy for every run: installed once, apart
@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", range(len(CASES)))
def test_the_library_fuses_so(told: list[Any], number: int) -> None:
    ids, scores, explained = told[number]
    expected = CASES[number][3]
    assert list(zip(ids, scores, strict=True)) == [(one, pytest.approx(score, abs=1e-4)) for one, score in expected]
    parts = [part["contribution"] for part in explained.values() if part["status"] == "hit"]
    assert parts == [scores[0]] * len(parts)


def test_without_the_library_it_is_said_how_to_get_it() -> None:
    if importlib.util.find_spec("ranx") is not None:
        pytest.fail("ranx is installed among the development tools, where it is too large")
    for name in methods("ranx"):
        with pytest.raises(MissingExtra, match=r"pip install 'hybrid-engine\[ranx\]'"):
            fuse(WORLD, name, compat="ranx")
