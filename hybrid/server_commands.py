"""How is a collection served to others from a shell? The server, and the tokens of those who may use it."""

from __future__ import annotations

import importlib
from typing import Any

import click
import orjson
from pydantic import ValidationError

import hybrid
from hybrid import settings as configuration
from hybrid import tokens
from hybrid.options import PRESET, on_engine
from hybrid.tokens import Role


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: any free one.")
@click.option("--allow-remote", is_flag=True, help="Listen beyond this machine though there are no tokens.")
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), default="text", help="Of the log, on standard error."
)
@click.option("--log-queries", is_flag=True, help="Also write down what is searched for.")
@PRESET
@on_engine
def serve(host: str, port: int, allow_remote: bool, log_format: str, log_queries: bool, **settings: Any) -> None:
    """Serve the search page and the JSON API."""
    serving = importlib.import_module("hybrid.web.serving")
    importlib.import_module("hybrid.web.logs").configure(log_format)
    with hybrid.open(**settings) as engine:
        server = serving.Server(engine, host, port, allow_remote=allow_remote, log_queries=log_queries)
        engine.warm()  # after the port, which may be taken: loading a model takes a while
        engine.work()
        click.echo(f"Search page: {server.url}   JSON: {server.url}/api/v1/search?q=…   (Ctrl-C stops)")
        server.run()


@click.command()
@click.argument("name")
@click.option("--role", type=click.Choice([one.value for one in Role]), default="read", show_default=True)
@click.option("--filter", "kept", default="", help="Only documents that satisfy it, whatever is asked.")
def token(name: str, role: str, kept: str) -> None:
    """Make a token for whoever NAME is. It is shown once; the settings get its hash."""
    made, digest = tokens.made()
    try:
        configuration.TokenSettings(name=name, role=Role(role), digest=digest, filter=kept)
    except ValidationError as error:
        raise click.UsageError("; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors())) from None
    click.echo(f"{made}\n")
    click.echo(f"Give it to {name}; it is shown only now. Put this into hybrid.toml:\n", err=True)
    click.echo("[[api.tokens]]", err=True)
    given = {"name": name, "role": role, "digest": digest, **({"filter": kept} if kept else {})}
    for key, value in given.items():
        click.echo(f"{key} = {orjson.dumps(value).decode()}", err=True)


COMMANDS = (serve, token)
