"""What of this can be done from a shell? The verbs eval, tune and judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from hybrid import presets, terminal
from hybrid import settings as configuration
from hybrid.engine import Engine
from hybrid.errors import InputError
from hybrid.evaluation import datasets, judging, measures, pictures, report, retrieval, tuning
from hybrid.evaluation.comparison import DEFAULT, compared
from hybrid.evaluation.datasets import many
from hybrid.evaluation.retrieval import Kept
from hybrid.fusion import Fusion, checked, methods
from hybrid.indexing import sources
from hybrid.match import Boosts
from hybrid.options import as_json, on_engine, print_json
from hybrid.plan import RETRIEVERS
from hybrid.schema import Schema
from hybrid.settings import Settings

_file = click.Path(path_type=Path, dir_okay=False)
_split = click.option("--split", default="test", show_default=True, help="Which judgements: qrels/SPLIT.tsv.")
_window = click.option("--window", type=click.IntRange(1, 10_000), help="Documents asked of each retriever [100].")
_out = click.option("--out", required=True, type=_file, help="The CSV to write.")


@click.command("eval")
@click.argument("paths", metavar="DATASET...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--fusion", "names", multiple=True, help=f"all, or one or more of: {', '.join(methods())} [rrf].")
@click.option("--preset", "kept", multiple=True, metavar="NAME", help="Also what `hybrid tune` wrote by this name.")
@_split
@_window
@click.option("--html", type=_file, help="Also write a page with drawings.")
@as_json
@on_engine
def evaluate(
    paths: tuple[Path, ...],
    names: tuple[str, ...],
    kept: tuple[str, ...],
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
    known = {name: presets.load(name, read) for name in kept or filter(None, [read.preset])}
    wanted = max([window or read.window, *(one.window for one in known.values())])
    fields = [one.fields for one in known.values() if one.fields]
    console = Console(stderr=json)
    found = []
    for path in paths:
        found.append(compared(_fetched(read, path, split, wanted, lambda _: fields), fusions, known))
        console.print(report.comparison(found[-1]))
    if len(found) > 1:
        console.print(report.summary(found))
    if json:
        bodies = [one.to_dict() for one in found]
        print_json(bodies if len(bodies) > 1 else bodies[0])
    if html is not None:
        _write(html, pictures.page(found))
        console.print(f"written: {html}", highlight=False)


@click.command()
@click.argument("path", metavar="DATASET", type=click.Path(path_type=Path))
@click.option("--name", default="tuned", show_default=True, help="Of the preset, or its file, if it ends in .toml.")
@_split
@_window
@as_json
@on_engine
def tune(path: Path, name: str, split: str, window: int | None, json: bool, **settings: Any) -> None:
    """Look for a better fusion on judged queries, and write it as a preset if it is one.

    DATASET is what `hybrid eval` takes. The gain is measured on queries that took no part in the choice. Exit code 1,
    and nothing written, where it is not above the default beyond noise.
    """
    read = configuration.read(**settings)
    file = presets.path_of(name, read)
    kept = _fetched(read, path, split, window or read.window, tuning.fields_tried)
    tried = tuning.candidates(kept.window, list(kept.by_fields))
    with terminal.progress("trying", len(tried), Console(stderr=True)) as advance:
        found = tuning.tuned(kept, tried, advance)
    console = Console(stderr=json, highlight=False, soft_wrap=True)
    console.print(report.tuned(found, kept.dataset))
    if json:
        print_json(found.to_dict() | {"written": str(file) if found.better else None})
    if not found.better:
        raise click.exceptions.Exit(1)
    presets.save(found.preset(), file)
    console.print(f"written: {file}   use it with: --preset {name}")


@click.group()
def judge() -> None:
    """Make judgements: export what to rate, import ratings and click logs."""


@judge.command("pool")
@click.argument("queries", type=_file)
@_out
@click.option("--depth", type=click.IntRange(1, 1000), default=20, show_default=True, help="Hits of each method.")
@click.option("--rated", type=_file, help="Judgements that are there already: leave these pairs out.")
@click.option("--html", type=_file, help="Also write a page to rate on, with keys.")
@on_engine
def judge_pool(queries: Path, out: Path, depth: int, rated: Path | None, html: Path | None, **settings: Any) -> None:
    """Write a CSV of everything that any method finds for QUERIES, to be rated in its column grade.

    QUERIES is a text file with one query a line. 0 is wrong, 1 and more is right, and more is better.
    """
    known = judging.ratings([rated]).judgements if rated else {}
    with Engine(configuration.read(**settings)) as engine:
        pairs = judging.pooled(engine, judging.asked(queries), depth, known)
        count = judging.write_pool(engine, pairs, out)
        if html is not None:
            _write(html, judging.rating_page(engine, pairs))
    click.echo(f"{many(count, 'pair')} to rate: {out}")


@judge.command("ratings")
@click.argument("files", nargs=-1, required=True, type=_file)
@_out
def judge_ratings(files: tuple[Path, ...], out: Path) -> None:
    """Make one table of judgements of rated pools, for `hybrid eval`."""
    _judged(judging.ratings(files), out)


@judge.command("clicks")
@click.argument("log", type=_file)
@_out
def judge_clicks(log: Path, out: Path) -> None:
    """Make judgements of a click LOG: a CSV of query, id, rank, clicked, one row for each hit that was shown."""
    _judged(judging.clicks(log), out)


def _judged(read: judging.Read, out: Path) -> None:
    count = judging.write(read.judgements, out)
    for note in read.notes:
        click.echo(f"note: {note}", err=True)
    click.echo(f"{many(count, 'judgement')} of {many(len(read.judgements), 'query')}: {out}")


def _fetched(
    settings: Settings, path: Path, split: str, window: int, fields: Callable[[Schema], Sequence[Boosts]]
) -> Kept:
    """What every retriever finds for the judged queries at `path`; its documents are indexed first, if need be.

    fields: by the collection's schema, the fields that words are looked for in, too.
    """
    measures.check()  # before anything is indexed or asked
    console = Console(stderr=True)
    dataset = datasets.read(path, split)
    with Engine(retrieval.collection_of(dataset, settings.model_copy(update={"preset": None}))) as engine:
        total = sources.count(dataset.corpus) if dataset.corpus else 0
        with terminal.progress("indexing", total, console) as advance:
            dataset = retrieval.indexed(engine, dataset, advance)
        with terminal.progress("asking", len(dataset.queries), console) as advance:
            return retrieval.kept(engine, dataset, window, advance, fields(engine.collection.schema))


def _chosen(names: tuple[str, ...]) -> Mapping[str, Fusion]:
    """The fusions asked for, by name; rrf where none is. The default is always measured."""
    asked = methods() if "all" in names else names or ("rrf",)
    return {name: checked(Fusion(name), RETRIEVERS) for name in asked if name != DEFAULT}


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}. Name another file") from error


COMMANDS = (evaluate, tune, judge)
"""The verbs of this module."""
