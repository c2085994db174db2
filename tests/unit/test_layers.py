"""Imports point one way: a module imports from its own layer and those above it in the table, never from below."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import hybrid

ROOT = Path(hybrid.__file__).parent

LAYERS = (
    ("errors", "display", "forks", "model", "result", "tokens", "tracing", "wal"),
    (
        *(
            "settings",
            "schema",
            "inferring",
            "languages",
            "analysis",
            "bounds",
            "breaker",
            "scripts",
            "policy",
            "filters",
            "facets",
            "fusion",
        ),
        *("sample", "sorting", "shaping", "match", "synonyms", "wording", "plan", "presets", "highlight", "surface"),
    ),
    ("stores", "embedding", "indexing"),
    (
        *(
            "search",
            "bounded",
            "queries",
            "hydrate",
            "answer",
            "arrange",
            "explain",
            "pages",
            "integrity",
            "catalog",
            "standing",
            "comparing",
        ),
        *("fragments", "highlighted", "suggest", "merge", "recall"),
    ),
    ("place",),
    ("care", "copies", "reindex", "location", "retrieve", "batch", "like", "export", "writing"),
    ("searcher",),
    ("many",),
    ("engine",),
    ("opening",),
    ("adopt", "restricted"),
    ("__init__",),
    ("bench", "cli", "demo", "document_commands", "evaluation", "options", "server_commands", "terminal", "web"),
)
"""From the bottom up. A package stands for all its modules; `__init__` is the face of `hybrid` itself."""

HEAVY = "numpy torch pandas sklearn fastembed onnxruntime elasticsearch redis flask pydantic tantivy rich click".split()


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


MODULES = {module_name(path): path for path in sorted(ROOT.rglob("*.py"))}


def layer(module: str) -> int:
    top = module.partition(".")[0]
    return next(number for number, names in enumerate(LAYERS) if top in names)


def imported(path: Path) -> set[str]:
    """The modules of this package that a file imports, as in MODULES."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {resolved(name) for name in names if name.split(".")[0] == "hybrid"}
    return found


def resolved(name: str) -> str:
    """The longest part of a dotted name that is a module: hybrid.plan.TEXT is plan, hybrid.open is __init__."""
    parts = name.split(".")[1:]
    for end in range(len(parts), 0, -1):
        if ".".join(parts[:end]) in MODULES:
            return ".".join(parts[:end])
    return "__init__"


def test_every_module_has_a_layer() -> None:
    known = {name for names in LAYERS for name in names}
    assert {module.partition(".")[0] for module in MODULES} <= known


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_nothing_from_a_higher_layer(module: str) -> None:
    assert [name for name in sorted(imported(MODULES[module])) if layer(name) > layer(module)] == []


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {module: imported(path) - {module} for module, path in MODULES.items()}
    for module in graph:  # a package imports its own parts to offer them, and they are not made of it
        graph[module] -= {name for name in graph[module] if module.startswith(f"{name}.")}
    TopologicalSorter(graph).prepare()


def test_no_import_is_relative() -> None:
    for path in MODULES.values():
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        assert all(node.level == 0 for node in nodes), path


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, hybrid; print([name for name in {HEAVY!r} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_the_engine_and_the_command_line_need_no_optional_part() -> None:
    code = (
        "import sys, hybrid.engine, hybrid.cli, hybrid.web;"
        "print([name for name in ('torch', 'pandas', 'sklearn', 'pyarrow', 'fastembed') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
