"""How do results look in a notebook? Plain rows to a DataFrame or to HTML without style sheets."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from hybrid.errors import MissingExtra

_COLOURS = ("#0b6bcb", "#c4571b", "#2f7d4f", "#8a4fbf")


def frame(rows: Sequence[Mapping[str, Any]]) -> Any:
    """A pandas DataFrame, one row a dict. Raises MissingExtra without pandas."""
    try:
        pandas = importlib.import_module("pandas")
    except ImportError as error:
        raise MissingExtra("pandas", "a DataFrame") from error
    return pandas.DataFrame(list(rows))


def ranks_text(rows: Iterable[tuple[int, str, float, Mapping[str, int | None]]], caption: str) -> str:
    """The caption and a line for each (rank, label, score, rank by retriever), of at most 60 characters of the label.

    Control characters, which could write to a terminal what they like, are shown as blanks.
    """
    return "\n".join([_plain(caption, 120), *(_line(*row) for row in rows)])


def _line(rank: int, label: str, score: float, ranks: Mapping[str, int | None]) -> str:
    told = ", ".join(f"{name} {'–' if at is None else f'#{at}'}" for name, at in ranks.items())
    return f"{rank:>3}  {score:.4f}  {_plain(label, 60)}  ({told})"


def _plain(text: str, most: int) -> str:
    shown = "".join(char if char.isprintable() else " " for char in text)
    return shown if len(shown) <= most else f"{shown[: most - 1]}…"


def contributions_html(
    rows: Iterable[tuple[int, str, float, Mapping[str, float]]], retrievers: Sequence[str], caption: str = ""
) -> str:
    """An HTML table of (rank, label, score, contribution by retriever) with a stacked bar a row."""
    listed = list(rows)
    top = max((score for _, _, score, _ in listed), default=0.0)
    colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(retrievers)}
    heads = "".join(f"<th style='color:{colours[name]}'>{escape(name)}</th>" for name in retrievers)
    body = "".join(_row(row, colours, top) for row in listed)
    head = f"<caption style='text-align:left'>{escape(caption)}</caption>" if caption else ""
    return f"<table>{head}<tr><th>#</th><th>document</th><th>score</th>{heads}<th></th></tr>{body}</table>"


def _row(row: tuple[int, str, float, Mapping[str, float]], colours: Mapping[str, str], top: float) -> str:
    rank, label, score, parts = row
    cells = "".join(f"<td>{parts[name]:.4f}</td>" if parts.get(name) else "<td>–</td>" for name in colours)
    bars = "".join(
        f"<span style='display:inline-block;height:.8em;width:{120 * parts.get(name, 0.0) / top:.0f}px;"
        f"background:{colour}' title='{escape(name)} {parts.get(name, 0.0):.4f}'></span>"
        for name, colour in colours.items()
        if top > 0 and parts.get(name, 0.0) > 0
    )
    return (
        f"<tr><td>{rank}</td><td style='text-align:left'>{escape(label)}</td><td>{score:.4f}</td>{cells}"
        f"<td style='text-align:left;white-space:nowrap'>{bars}</td></tr>"
    )
