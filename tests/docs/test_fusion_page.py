"""The page on fusion names every method, normalizer and engine that there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybrid.fusion import engines, methods
from hybrid.fusion.normalizers import NORMALIZERS

PAGE = (Path(__file__).parents[2] / "docs/fusion.md").read_text()


@pytest.mark.parametrize("name", [*methods(), *NORMALIZERS])
def test_each_method_and_normalizer_is_named(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("engine", engines())
def test_each_engine_has_a_row_with_its_methods(engine: str) -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{engine}` |")]
    assert all(f"`{name}`" in row for name in methods(engine))
