"""What can be done with documents from a shell? Read, counted, exported, changed and deleted."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click
import orjson
from rich.console import Console

import hybrid
from hybrid import terminal
from hybrid.errors import DocumentNotFound, QueryError
from hybrid.model import Json, Outcome
from hybrid.options import as_json, on_engine, print_json

_filter = click.option("--filter", help="Only documents that satisfy it, such as 'price < 800 AND brand = \"acer\"'.")


@click.command()
@click.argument("ids", nargs=-1, required=True)
@on_engine
def get(ids: tuple[str, ...], **settings: Any) -> None:
    """Print documents by id as JSON lines. Exit code 1 where one is not there."""
    with hybrid.open(**settings) as engine:
        found = engine.get_many(ids)
    for one, fields in found.items():
        _print_line({"id": one, **fields})
    missing = [one for one in ids if one not in found]
    if missing:
        click.echo(f"not there: {', '.join(missing)}", err=True)
        sys.exit(1)


@click.command()
@_filter
@as_json
@on_engine
def count(filter: str | None, json: bool, **settings: Any) -> None:
    """Count the documents, or those that satisfy --filter."""
    with hybrid.open(**settings) as engine:
        found = engine.count(filter)
    print_json({"count": found}) if json else click.echo(found)


@click.command()
@_filter
@on_engine
def export(filter: str | None, **settings: Any) -> None:
    """Print all documents, or those that satisfy --filter, as JSON lines that `hybrid index` reads.

    Writes may go on meanwhile: what is there from beginning to end comes exactly once.
    """
    with hybrid.open(**settings) as engine:
        documents = engine.export(filter)
        total = engine.count(filter)
        shown = Console(stderr=True, quiet=sys.stdout.isatty())
        with terminal.progress("exporting", total, shown) as advance:
            for document in documents:
                _print_line(document)
                advance(1)


@click.command()
@click.argument("document_id", metavar="ID")
@click.argument("changes", metavar="JSON")
@click.option("--expected", metavar="JSON", default="{}", help="Only if these fields have these values now.")
@as_json
@on_engine
def update(document_id: str, changes: str, expected: str, json: bool, **settings: Any) -> None:
    """Change fields of a document, such as: hybrid update 42 '{"price": 799, "sale": null}'; null removes one.

    The text is embedded anew only where it changes.
    """
    given, known = _object("the changes", changes), _object("--expected", expected)
    with hybrid.open(**settings) as engine:
        said = engine.update(document_id, given, expected=known)
        name = engine.settings.collection
    if said.outcome is Outcome.NOT_FOUND:
        raise DocumentNotFound(f"there is no document {document_id!r} in collection {name!r}")
    body = {"id": said.id, "status": str(said.outcome)} | ({"owed": list(said.owed)} if said.owed else {})
    print_json(body) if json else click.echo(f"{said.id}: {said.outcome}{f' ({said.reason})' if said.reason else ''}")
    sys.exit(0 if said.outcome in (Outcome.UPDATED, Outcome.UNCHANGED) else 1)


@click.command()
@click.argument("ids", nargs=-1)
@_filter
@click.option("--all", "everything", is_flag=True, help="Delete the whole collection.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, delete nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@as_json
@on_engine
def delete(
    ids: tuple[str, ...], filter: str | None, everything: bool, dry_run: bool, yes: bool, json: bool, **settings: Any
) -> None:
    """Delete documents by id or by --filter, or the whole collection with --all."""
    if bool(ids) + (filter is not None) + everything != 1:
        raise QueryError("name the ids of the documents to delete, or give --filter, or --all for the whole collection")
    with hybrid.open(**settings) as engine:
        if everything:
            _drop(engine, dry_run, yes, json)
            return
        given: dict[str, Any] = {"ids": ids} if ids else {"filter": filter}
        if filter is not None and not (yes or dry_run):
            found = engine.delete(**given, dry_run=True).counts.get(Outcome.DELETED, 0)
            click.confirm(f"Delete {found} documents of {engine.settings.collection!r}?", abort=True, err=True)
        written = engine.delete(**given, dry_run=dry_run)
    if json:
        print_json(written.to_dict() | ({"dry_run": True} if dry_run else {}))
    else:
        terminal.report(written, Console())
        click.echo("That is what would be. Nothing was deleted.") if dry_run else None


def _drop(engine: hybrid.Engine, dry_run: bool, yes: bool, json: bool) -> None:
    name = engine.settings.collection
    if dry_run:
        found = engine.count()
        print_json({"documents": found, "dry_run": True}) if json else click.echo(f"{found} documents would go")
        return
    if not yes:
        click.confirm(f"Delete the whole collection {name!r} from both stores?", abort=True, err=True)
    engine.drop()
    print_json({"deleted": name}) if json else click.echo(f"collection {name!r} deleted")


def _object(what: str, text: str) -> dict[str, Json]:
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise QueryError(f"{what} are not JSON ({error}). Give a JSON object: '{{\"price\": 799}}'") from error
    if not isinstance(body, dict):
        raise QueryError(f"{what} are no JSON object. Give values by field: '{{\"price\": 799}}'")
    return body


def _print_line(document: Json) -> None:
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))


@click.command()
@click.option("--elasticsearch-index", metavar="NAME", help="An index, or alias, of Elasticsearch.")
@click.option("--redis-index", metavar="NAME", help="A search index of Redis, over hashes.")
@click.option("--from", "server", metavar="URL", help="Its server, where it is not the collection's.")
@click.option("--vector-field", metavar="NAME", help="Take these vectors along, instead of making them.")
@click.option("--restart", is_flag=True, help="From the beginning, not where the last time ended.")
@as_json
@on_engine
def adopt(json: bool, **given: Any) -> None:
    """Copy an index that is already there into a collection of both stores, and leave it untouched.

    Run again, it goes on where it was broken off, and takes what was written to the index since.
    """
    adopting = importlib.import_module("hybrid.adopt.run")
    console = Console(stderr=True)
    counted = {name: value for name, value in given.items() if name not in ("vector_field", "restart")}
    with terminal.stoppable(), terminal.progress("adopting", adopting.total(**counted), console) as advance:
        written = adopting.adopt(**given, told=lambda _: advance(1))
    print_json(written.to_dict()) if json else terminal.report(written, console)
    sys.exit(0 if written.ok else 1)


COMMANDS = (get, count, export, update, delete, adopt)
