"""Every promise names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from hybrid.indexing.reconcile import Fault
from tests.faults.campaign.oracle import FINDINGS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "promises.md").read_text()
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_test_that_is_named_exists(path: str, name: str) -> None:
    tree = ast.parse((ROOT / path).read_text())
    assert name.startswith("test_")
    assert name in {one.name for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}


def test_each_promise_names_a_test() -> None:
    tables = PAGE.partition("## What is not promised")[0]
    rows = [row for row in tables.splitlines() if row.startswith("| ")]
    promises = [row for row in rows if "how we know" not in row and "| ---" not in row]
    assert len(promises) > 10
    assert [row for row in promises if not re.search(r"`tests/[\w/]+\.py::test_\w+`", row)] == []


def test_the_states_and_findings_are_those_that_programs_tell() -> None:
    assert [fault for fault in Fault if f"| `{fault}` |" not in PAGE] == []
    assert [finding for finding in FINDINGS if f"`{finding}`" not in PAGE] == []
