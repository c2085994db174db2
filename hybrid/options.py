"""Which options do many commands share? Where the collection is, and how to print."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

_Command = TypeVar("_Command", bound=Callable[..., Any])

WHERE = ("data_dir", "redis", "elasticsearch", "collection", "model")
"""The names of the options that say where the collection is."""

_SETTINGS = (
    click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the embedded stores [./hybrid-data]."),
    click.option("--redis", metavar="URL", help="Redis for the vectors, such as redis://localhost:6379."),
    click.option("--elasticsearch", metavar="URL", help="Elasticsearch for the text, such as http://localhost:9200."),
    click.option("--collection", metavar="NAME", help="Which collection [documents]."),
    click.option("--model", metavar="NAME", help="The embedding model [all-MiniLM-L6-v2]."),
)


PRESET = click.option("--preset", metavar="NAME", help="Fuse as this preset says, which `hybrid tune` wrote.")


def options(*several: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """What gives a command several options, in this order."""

    def decorated(command: _Command) -> _Command:
        for option in reversed(several):
            command = option(command)
        return command

    return decorated


on_engine = options(*_SETTINGS)
"""Gives a command the options that say where the collection is."""


as_json = click.option("--json", "json", is_flag=True, help="Print JSON, for programs.")


def print_json(body: Any) -> None:
    """Prints it as JSON for people and programs."""
    click.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2))
