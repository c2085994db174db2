"""What can be done from a shell? One verb for each thing an Engine does."""

from __future__ import annotations

import importlib
import logging
import sys
from itertools import chain
from pathlib import Path
from typing import Any, TextIO

import click
import orjson
from rich.console import Console

import hybrid
from hybrid import document_commands, server_commands, terminal
from hybrid import settings as configuration
from hybrid.engine import Engine
from hybrid.errors import CollectionNotFound, FusionError, HybridError, InputError, QueryError, StoreError
from hybrid.evaluation import commands as evaluation
from hybrid.fusion import engines, methods
from hybrid.fusion.base import DEFAULT_METHOD
from hybrid.indexing import sources
from hybrid.location import present_model
from hybrid.match import Mode
from hybrid.options import PRESET, WHERE, as_json, on_engine, options, print_json
from hybrid.plan import RETRIEVERS, Explain
from hybrid.policy import Policy
from hybrid.result import SearchResult


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(hybrid.__version__, prog_name="hybrid")
def cli() -> None:
    """Hybrid search: text and vectors, written together, searched at once, fused truthfully."""


@cli.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--strict", is_flag=True, help="Stop at the first document that is rejected.")
@as_json
@on_engine
def index(paths: tuple[Path, ...], strict: bool, json: bool, **settings: Any) -> None:
    """Index documents from JSON lines, JSON, CSV, Parquet or BEIR folders; '-' reads standard input."""
    console = Console(stderr=True)
    counts = [sources.count(path) for path in paths]
    total = None if None in counts else sum(count or 0 for count in counts)
    rows = chain.from_iterable([sources.read(path) for path in paths])  # a list: all are there, before any is indexed
    with terminal.stoppable(), hybrid.open(**settings) as engine:
        owed = max(engine.vitals()["journal"].get("owed", {}).values(), default=0)
        if owed:
            click.echo(f"Writing {owed} changes first that wait in the journal.", err=True)
            engine.flush()
        with terminal.progress("indexing", total, console) as advance:
            written = engine.put(rows, strict=strict, on_outcome=lambda _: advance(1))
    if json:
        print_json(written.to_dict())
    else:
        terminal.report(written, console)
    sys.exit(0 if written.ok else 1)


_SEARCHING = (
    click.option("--limit", type=int, default=10, show_default=True, help="Hits wanted."),
    click.option("--offset", type=int, default=0, help="Hits passed over."),
    click.option("--cursor", help="Go on with the answer that gave it."),
    click.option("--filter", help='Such as \'price < 800 AND brand IN ["acer", "lg"]\'.'),
    click.option("--facet", "facets", multiple=True, metavar="FIELD", help="Count documents by its values."),
    click.option("--disjunctive", is_flag=True, help="A facet ignores the filter on its own field."),
    click.option("--sort", multiple=True, metavar="FIELD", help="Order without a query; -FIELD: descending."),
    click.option("--window", type=int, help="Documents asked of each retriever [100]."),
    click.option("--fusion", help=f"One of: {', '.join(methods())} [{DEFAULT_METHOD}, or the preset's]."),
    PRESET,
    click.option("--normalizer", help="Of scores, for a fusion that lets it be chosen."),
    click.option("--compat", default="", help=f"By the formula of: {', '.join(engines())}."),
    click.option("--k", type=float, help="Rank constant of methods by rank [60]."),
    click.option("--weight", "weights", multiple=True, metavar="NAME=NUMBER", help="Such as vector=2; 1 is neutral."),
    click.option("--retriever", "retrievers", multiple=True, help=f"Only these of: {', '.join(RETRIEVERS)}."),
    click.option("--deadline", "deadline_s", type=float, metavar="SECONDS", help="When the answer must be there [2]."),
    click.option(
        "--policy",
        type=click.Choice([one.value for one in Policy]),
        default="partial",
        help="What if one does not answer.",
    ),
    click.option("--require", multiple=True, metavar="NAME", help="No answer without this retriever."),
    click.option(
        "--explain",
        type=click.Choice([one.value for one in Explain]),
        default="no",
        help="Why each did not find a hit.",
    ),
    click.option("--boost", "boosts", multiple=True, metavar="JSON", help='Such as \'{"field": "rating"}\'.'),
    click.option("--rerank", is_flag=True, help="By the cross-encoder that is set."),
    click.option("--min-score", type=float, help="Least score of a hit."),
    click.option("--knee", is_flag=True, help="End where scores fall off."),
    click.option("--collapse", metavar="FIELD", help="One hit of each of its values."),
    click.option("--diversity", type=float, metavar="0…1", help="Hits unlike each other first."),
    click.option(
        "--match", type=click.Choice([one.value for one in Mode]), default="any", help="How words must match."
    ),
    click.option("--minimum", default="", metavar="NUMBER", help="How many words must match, such as 2 or 75%."),
    click.option("--fuzziness", default="0", metavar="EDITS", help="Edits a word may be off: 0, 1, 2 or auto."),
    click.option(
        "--field", "fields", multiple=True, metavar="NAME[=BOOST]", help="Look for words here, not in all text."
    ),
    click.option("--also", "queries", multiple=True, metavar="QUERY", help="A further text to ask."),
    click.option("--like", multiple=True, metavar="ID", help="Find others like this document; needs no QUERY."),
    click.option("--without", multiple=True, metavar="ID", help="Not this document."),
    click.option("--verify", is_flag=True, help="Ask both stores whether they agree on every hit."),
    click.option("--within", multiple=True, metavar="NAME=SCORE", help="Least raw score of a retriever's documents."),
    click.option("--pin", "pinned", multiple=True, metavar="ID", help="Comes first."),
    click.option("--highlight", is_flag=True, help="Show where the words of the query stand."),
)


@cli.command()
@click.argument("query", default="")
@click.option("--plan", is_flag=True, help="Print what each store would be asked, and ask nothing.")
@click.option("--why", metavar="ID", help="How this search sees one document, also one that it does not find.")
@click.option(
    "--queries",
    "batch",
    type=click.File(encoding="utf-8"),
    help="Ask each line of a file, all at once; prints JSON lines.",
)
@options(*_SEARCHING)
@as_json
@on_engine
def search(query: str, plan: bool, why: str | None, batch: TextIO | None, json: bool, **given: Any) -> None:
    """Search, and show how each hit came about. Without a QUERY, list the documents of --filter."""
    place = {name: given.pop(name) for name in (*WHERE, "preset")}
    asked = given | {
        "weights": dict(_weight(text) for text in given["weights"]) or None,
        "retrievers": given["retrievers"] or None,
        "boosts": [_object("--boost", text) for text in given["boosts"]],
        "match": {"mode": given["match"], "minimum": given["minimum"], "fuzziness": _edits(given["fuzziness"])},
        "like": list(given["like"]) or None,
        "within": dict(_weight(text, "--within") for text in given["within"]),
    }
    if given["fields"]:
        asked["match"]["fields"] = dict(
            _weight(text, "--field") if "=" in text else (text, None) for text in given["fields"]
        )
    del asked["minimum"], asked["fuzziness"], asked["fields"]
    with hybrid.open(**place) as engine:
        if plan:
            print_json(engine.render(engine.plan(query, **asked)))
            return
        if why is not None:
            print_json(engine.explain(why, query, **asked).to_dict())
            return
        if batch is not None:
            _print_many(engine, [line.rstrip("\n") for line in batch], asked)
            return
        result = engine.search(query, **asked)
    if json:
        print_json(result.to_dict())
    else:
        terminal.answer(result, Console())


@cli.command()
@click.argument("text")
@click.option("--limit", type=int, default=10, show_default=True, help="Completions wanted.")
@click.option("--filter", help="Only words of documents that satisfy it.")
@as_json
@on_engine
def suggest(text: str, limit: int, filter: str | None, json: bool, **settings: Any) -> None:
    """Ways to finish TEXT, and what is meant where no document has a word of it."""
    with hybrid.open(**settings) as engine:
        suggested = engine.suggest(text, filter, limit)
    if json:
        print_json(suggested.to_dict())
    else:
        terminal.suggestions(suggested, Console())


@cli.command()
@as_json
@on_engine
def status(json: bool, **settings: Any) -> None:
    """Show counts, index parameters, sizes and warnings of both stores."""
    with hybrid.open(**settings) as engine:
        body = engine.status()
    if json:
        print_json(body)
    else:
        Console().print(terminal.status(body), terminal.journal(body["journal"]), sep="\n")
    sys.exit(1 if any("error" in of for of in (body["journal"], *body["stores"].values())) else 0)


for _command in (*document_commands.COMMANDS, *server_commands.COMMANDS, *evaluation.COMMANDS):
    cli.add_command(_command)


@cli.command()
@click.option("--repair", "cure", is_flag=True, help="Bring the store that is behind up to the other.")
@as_json
@on_engine
def verify(cure: bool, json: bool, **settings: Any) -> None:
    """Compare the two stores, document by document. Exit code 1 when they disagree (before a repair)."""
    with hybrid.open(**settings) as engine:
        owed = engine.status()["journal"].get("entries", 0) if cure else 0
        found, repaired = engine.repair() if cure else (engine.verify(), 0)
    if owed and not json:
        click.echo(f"{max(owed - found.pending, 0)} of {owed} changes that were owed are written")
    if json:
        print_json(found.to_dict() | ({"repaired": repaired} if cure else {}))
    else:
        terminal.verification(found, repaired if cure else None, Console())
    sys.exit(0 if found.agree or (cure and repaired >= len(found.differences)) else 1)


@cli.command()
@click.option("--dry-run", is_flag=True, help="Say what would be repaired, change nothing.")
@as_json
@on_engine
@click.pass_context
def repair(context: click.Context, /, dry_run: bool, **options: Any) -> None:
    """Pay what the journal owes, compare the stores, and bring the one that is behind up to the other."""
    context.invoke(verify, cure=not dry_run, **options)


@cli.command()
@on_engine
def reindex(**settings: Any) -> None:
    """Make the collection anew with the model that is set now, and with fields that came later.

    Searches go on meanwhile. The documents come from the stores; their files are not needed.
    """
    console = Console(stderr=True)
    read = configuration.read(**settings)
    present = present_model(read) or read.model
    with Engine(read.model_copy(update={"model": present})) as engine:
        total = engine.status()["stores"]["text"].get("documents")
        with terminal.progress("copying", total, console) as advance:
            count = engine.reindex(read.model, told=advance)
    click.echo(f"{count} documents made anew with model {read.model}")


@cli.command()
@click.option("--limit", type=click.IntRange(min=1), help="Index only so many documents.")
@on_engine
def demo(limit: int | None, **settings: Any) -> None:
    """Index Python's own documentation and answer four questions. Takes about a minute the first time.

    It lies in a collection called demo, unless one is set, so that it is apart from documents of your own.
    """
    run = importlib.import_module("hybrid.demo.run")
    console = Console()
    read = configuration.read(**settings)
    if "collection" not in read.model_fields_set:
        read = read.model_copy(update={"collection": "demo"})
    with Engine(read) as engine:
        run.run(engine, console, limit)
    command = f"hybrid serve --collection {read.collection}"
    console.print(f"\nOpen the search page with: [bold]{command}[/bold]", soft_wrap=True)


@cli.group()
def bench() -> None:
    """Measure, in one run, against bare clients of the same servers."""


@bench.command("indexing")
@click.option("--count", type=click.IntRange(min=100), default=20_000, show_default=True, help="Documents.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True, help="Interleaved rounds.")
@click.option("--memory", is_flag=True, help="Only write once through the engine, and tell the peak memory.")
@on_engine
def bench_indexing(count: int, rounds: int, memory: bool, **settings: Any) -> None:
    """Write to both stores, against each store's own bulk loader. Prints JSON."""
    measure = importlib.import_module("hybrid.bench.indexing")
    read = configuration.read(**settings)
    if memory:
        print_json(measure.memory(read, count))
    else:
        print_json(measure.run(read, count, rounds, lambda line: click.echo(line, err=True)))


@bench.command("search")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--queries", "count", type=click.IntRange(min=1), default=100, show_default=True, help="Queries.")
@click.option("--rounds", type=click.IntRange(min=1), default=9, show_default=True, help="Interleaved rounds of each.")
@as_json
@on_engine
def bench_search(folder: Path, count: int, rounds: int, json: bool, **settings: Any) -> None:
    """Search a BEIR FOLDER, against the bare stores; vectors are made by lot."""
    measure = importlib.import_module("hybrid.bench.search")
    figures = measure.run(
        configuration.read(**settings), folder, count, rounds, lambda line: click.echo(line, err=True)
    )
    if json:
        print_json(figures)
    else:
        terminal.figures(figures, Console())


def _edits(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _weight(text: str, option: str = "--weight") -> tuple[str, float]:
    name, separator, number = text.partition("=")
    try:
        return name, float(number if separator else "no number")
    except ValueError:
        raise FusionError(f"{option} {text!r}: write it as NAME=NUMBER, such as vector=2") from None


def _print_many(engine: Engine, queries: list[str], asked: dict[str, Any]) -> None:
    """An answer or an error, a line each."""
    failed = False
    for query, said in zip(queries, engine.search_many(queries, **asked), strict=True):
        good = isinstance(said, SearchResult)
        body = (
            said.to_dict()
            if isinstance(said, SearchResult)
            else {"query": query, "error": str(said), "code": said.code}
        )
        click.echo(orjson.dumps(body))
        failed = failed or not good
    sys.exit(1 if failed else 0)


def _object(option: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise QueryError(f'{option} {text!r} is not JSON ({error}); write it as {{"field": "rating"}}') from None


class _Once(logging.Filter):
    """Lets what went wrong with a store be told once, not in each sentence on what follows from it."""

    def __init__(self) -> None:
        super().__init__()
        self._told: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        args = record.args if isinstance(record.args, tuple) else ()
        causes = {str(one) for one in args if isinstance(one, StoreError)}
        new = not causes or not causes <= self._told
        self._told |= causes
        return new


def main() -> None:
    """Runs the command line; a known error is one line on stderr, exit 2 for wrong input, 1 otherwise."""
    once = _Once()
    if logging.lastResort:
        logging.lastResort.addFilter(once)
    try:
        cli()
    except HybridError as error:
        click.echo(". ".join([f"hybrid: {error}", *getattr(error, "__notes__", ())]), err=True)
        sys.exit(2 if isinstance(error, InputError | CollectionNotFound) else 1)
    finally:
        if logging.lastResort:
            logging.lastResort.removeFilter(once)
