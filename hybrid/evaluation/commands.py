"""What of this can be done from a shell? The verb eval."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from hybrid import settings as configuration
from hybrid import terminal
from hybrid.engine import Engine
from hybrid.errors import InputError
from hybrid.evaluation import datasets, pictures, report, retrieval
from hybrid.evaluation.comparison import DEFAULT, compared
from hybrid.evaluation.retrieval import Kept
from hybrid.fusion import Fusion, checked, methods
from hybrid.indexing import sources
from hybrid.options import as_json, on_engine, print_json
from hybrid.plan import RETRIEVERS
from hybrid.settings import Settings

_file = click.Path(path_type=Path, dir_okay=False)
_split = click.option("--split", default="test", show_default=True, help="Which judgements: qrels/SPLIT.tsv.")
_window = click.option("--window", type=click.IntRange(1, 10_000), help="Documents asked of each retriever [100].")


@click.command("eval")
@click.argument("paths", metavar="DATASET...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--fusion", "names", multiple=True, help=f"all, or one or more of: {', '.join(methods())} [rrf].")
@_split
@_window
@click.option("--html", type=_file, help="Also write a page with drawings.")
@as_json
@on_engine
def evaluate(
    paths: tuple[Path, ...],
    names: tuple[str, ...],
    split: str,
    window: int | None,
    html: Path | None,
    json: bool,
    **settings: Any,
) -> None:
    """Measure whether hybrid helps: text, vector and fusions on judged queries.

    DATASET is a BEIR folder (corpus.jsonl, queries.jsonl, qrels/test.tsv; plain or .gz), whose documents are indexed
    into a collection of their own, once; or a CSV of query, id, grade about the current collection.
    """
    fusions, read = _chosen(names), configuration.read(**settings)
    console = Console(stderr=json)
    found = []
    for path in paths:
        found.append(compared(_fetched(read, path, split, window), fusions))
        console.print(report.comparison(found[-1]))
    if len(found) > 1:
        console.print(report.summary(found))
    if json:
        bodies = [one.to_dict() for one in found]
        print_json(bodies if len(bodies) > 1 else bodies[0])
    if html is not None:
        _write(html, pictures.page(found))
        console.print(f"written: {html}", highlight=False)


def _fetched(settings: Settings, path: Path, split: str, window: int | None) -> Kept:
    """What every retriever finds for the judged queries at `path`; its documents are indexed first, if need be."""
    console = Console(stderr=True)
    dataset = datasets.read(path, split)
    with Engine(retrieval.collection_of(dataset, settings)) as engine:
        total = sources.count(dataset.corpus) if dataset.corpus else 0
        with terminal.progress("indexing", total, console) as advance:
            dataset = retrieval.indexed(engine, dataset, advance)
        with terminal.progress("asking", len(dataset.queries), console) as advance:
            return retrieval.kept(engine, dataset, window or settings.window, advance)


def _chosen(names: tuple[str, ...]) -> Mapping[str, Fusion]:
    """The fusions asked for, by name; rrf where none is. The default is always measured."""
    asked = methods() if "all" in names else names or ("rrf",)
    return {name: checked(Fusion(name), RETRIEVERS) for name in asked if name != DEFAULT}


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}. Name another file") from error
