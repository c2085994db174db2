"""Each notebook runs from its first cell to its last, in its own folder, and shows pictures of what it found."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from hybrid.fusion import base as registry

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


def cells(notebook: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(notebook.read_text())["cells"]
    return found


def test_there_are_four() -> None:
    assert len(NOTEBOOKS) == 4


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda one: one.stem)
def test_a_notebook_runs(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(notebook.parent)
    monkeypatch.setattr(registry, "_METHODS", dict(registry._METHODS))
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells(notebook):
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, notebook.name, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), notebook.name, "eval"), names)
            shows = any("text/html" in of.get("data", {}) for of in cell["outputs"])
            assert hasattr(value, "_repr_html_") == shows


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda one: one.stem)
def test_what_it_shows_is_kept_with_it(notebook: Path) -> None:
    outputs = [of for cell in cells(notebook) for of in cell.get("outputs", ())]
    assert outputs
    assert not any("Error" in str(of) for of in outputs)
