"""How do results look in a terminal? Tables and progress bars, by rich."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from hybrid.fragments import pieces
from hybrid.indexing.reconcile import Verification
from hybrid.model import Json, Outcome, Status, WriteReport
from hybrid.plan import RETRIEVERS
from hybrid.result import Hit, SearchResult, label
from hybrid.suggest import Suggestions

_COLOURS = {"text": "cyan", "vector": "magenta"}
_BAR = 10

MOST_SHOWN = 20
"""Differences, and problems of a write, that are listed one by one."""

_GOES_ON = "What was taken is kept: the same command goes on where it was."
_OWED = (
    "What is pending is safe in the journal. It is written when the store answers: by a hybrid serve that runs on this "
    "data folder, or by: hybrid repair"
)


def answer(result: SearchResult, console: Console) -> None:
    """Prints an answer: its hits, what was counted beside them, and how to go on."""
    if not (result.hits or result.degraded):
        console.print(Text(f"Nothing was found for “{result.query}”."))
    else:
        console.print(results(result))
    for name, counts in (result.facets.found if result.facets else {}).items():
        console.print(facet(name, counts))
    if result.next_cursor:
        console.print(Text(f"More with: --cursor {result.next_cursor}", style="dim"), soft_wrap=True)
    elif result.window_exhausted:
        console.print(Text("The window ends here; there may be more with a larger --window.", style="dim"))


def figures(measured: Mapping[str, Json], console: Console) -> None:
    """Prints what was measured, a line a figure, the time line as a table of its own."""
    table = Table(title=Text(f"{measured['deployment']}, {measured['collection']}", style="bold"), box=box.SIMPLE_HEAD)
    table.add_column("median of all queries")
    table.add_column("ms", justify="right")
    parts = {f"  {name}": value for name, value in measured["timeline_ms"].items()}
    for name, value in {"bare": measured["bare_ms"], "engine": measured["engine_ms"], **parts}.items():
        table.add_row(name, f"{value:.3f}")
    console.print(table)
    without = measured["ratio_without_hydrate"]
    console.print(f"engine / bare: {measured['ratio']:.2f}, without fetching documents {without:.2f}", highlight=False)


def facet(name: str, counts: Json) -> Table:
    """A table of what a facet counted."""
    rows = counts if isinstance(counts, list) else [counts]
    table = Table(title=Text(name, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    for column in rows[0] if rows else ():
        table.add_column(column, justify="right" if column == "count" else "left")
    for row in rows:
        table.add_row(*(Text("" if value is None else str(value)) for value in row.values()))
    return table


def results(result: SearchResult) -> Table:
    """A table of the hits: rank, score, each retriever's rank and contribution, and a bar of the contributions."""
    title = Text(f"“{result.query}”", style="bold")
    table = Table(title=title, title_justify="left", caption=_caption(result), box=box.SIMPLE_HEAD)
    table.caption_justify = "left"
    table.add_column("#", justify="right")
    table.add_column("document", overflow="fold", min_width=28)
    table.add_column("score", justify="right", no_wrap=True)
    for name in RETRIEVERS:
        table.add_column(name, justify="right", style=_COLOURS[name], no_wrap=True)
    table.add_column("", no_wrap=True, min_width=_BAR)
    top = max((hit.score for hit in result.hits), default=0.0)
    for hit in result.hits:
        table.add_row(str(hit.rank), _document(hit), _short(hit.score), *_parts(hit), _bar(hit, top))
    return table


def _document(hit: Hit) -> Text:
    """What the hit is called, and below it its highlights, marks in bold."""
    text = Text(label(hit))
    for fragment in chain.from_iterable((hit.highlights or {}).values()):
        text.append("\n")
        for piece, marked in pieces(fragment):
            text.append(" ".join(piece.splitlines()), style="bold" if marked else "dim")
    return text


def suggestions(suggested: Suggestions, console: Console) -> None:
    """Prints what may be meant, a line a completion with the number of its documents."""
    if suggested.did_you_mean:
        console.print(Text(f"Did you mean “{suggested.did_you_mean}”?"))
    elif not suggested.completions:
        console.print(Text(f"Nothing is suggested for “{suggested.query}”."))
    for one in suggested.completions:
        console.print(Text(f"{one.text}  ").append(str(one.count), style="dim"))


def _parts(hit: Hit) -> Iterator[str]:
    for name in RETRIEVERS:
        part = hit.explain[name]
        if part["status"] == "hit":
            yield f"#{part['rank']} {_short(part['contribution'])}"
        else:
            yield "–" if part["status"] == "not_found" else str(part["status"]).replace("_", " ")


def _short(score: float) -> str:
    """Four places, without the nought before the point."""
    return f"{score:.4f}".replace("0.", ".", 1) if 0 <= score < 1 else f"{score:.3f}"


def _bar(hit: Hit, top: float) -> Text:
    bar = Text()
    for name in RETRIEVERS:
        share = hit.explain[name]["contribution"] / top if top > 0 else 0
        bar.append("█" * round(share * _BAR), style=_COLOURS[name])
    return bar


def _caption(result: SearchResult) -> Text:
    parts = []
    for name, report in result.retrievers.items():
        why = (
            f" ({report.reason})"
            if report.status is not Status.OK
            else f" {report.returned} in {report.took_ms:.1f} ms"
        )
        parts.append(f"{name}: {report.status}{why}")
    state = "DEGRADED, " if result.degraded else ""
    how = f"fused by {result.fusion['method']}" if "k" in result.fusion or "weights" in result.fusion else "listed"
    return Text(f"{state}{result.took_ms:.1f} ms, {how}; {'; '.join(parts)}{_total(result)}")


def _total(result: SearchResult) -> str:
    if result.total is None:
        return ""
    return f"; {'' if result.total.exact else '≥ '}{result.total.value} {str(result.total.counts).replace('_', ' ')}"


def report(written: WriteReport, console: Console) -> None:
    """Prints what became of a write: counts, then the first problems, then notes."""
    counts = ", ".join(f"{count} {outcome}" for outcome, count in written.counts.items()) or "nothing to do"
    console.print(f"{counts} in {written.took_s:.1f} s", highlight=False)
    told = Counter((one.outcome, one.reason) for one in written.problems).most_common(MOST_SHOWN)
    for (outcome, reason), count in told:
        several = f" ({count} documents)" if count > 1 else ""
        console.print(Text(f"  {outcome}{several}: {reason}", style="red"), soft_wrap=True)
    pending = written.counts.get(Outcome.PENDING, 0)
    hidden = written.counts.get(Outcome.REJECTED, 0) + pending - sum(count for _, count in told)
    if hidden > 0:
        console.print(f"  … and {hidden} more", highlight=False)
    if pending:
        console.print(Text(_OWED, style="yellow"), soft_wrap=True)
    for note in written.notes:
        console.print(Text(f"note: {note}", style="yellow"))


def verification(found: Verification, repaired: int | None, console: Console) -> None:
    """Prints whether the stores agree, the first differences where they do not, and what was repaired."""
    counts = ", ".join(f"{count} {fault}" for fault, count in found.counts.items() if count)
    verdict = "the stores agree" if found.agree else f"the stores disagree: {counts}"
    waiting = f"; {found.pending} changes wait in the journal" if found.pending else ""
    console.print(f"{verdict} ({found.compared} ids compared in {found.took_s:.1f} s{waiting})", highlight=False)
    for one in found.differences[:MOST_SHOWN]:
        where = f" in {one.store}" if one.store else ""
        console.print(Text(f"  {one.fault}{where}: {one.id}"))
    if len(found.differences) > MOST_SHOWN:
        console.print(f"  … and {len(found.differences) - MOST_SHOWN} more (all of them with --json)")
    if repaired is not None:
        console.print(f"{repaired} repaired", highlight=False)


@contextmanager
def stoppable() -> Iterator[None]:
    """For the length of a write: Ctrl-C ends the program when what was begun is written, a second one at once."""
    before = signal.getsignal(signal.SIGINT)

    def at_once(*_: object) -> None:
        click.echo(f"Stopped at once. {_GOES_ON}", err=True)
        os._exit(130)

    def soon(*_: object) -> None:
        signal.signal(signal.SIGINT, at_once)
        click.echo(
            "Stopping: what was begun is written first. Ctrl-C again stops at once, and loses nothing.", err=True
        )
        raise KeyboardInterrupt

    if before is signal.default_int_handler:  # else it is ignored, as of a program in the background, or somebody's own
        signal.signal(signal.SIGINT, soon)
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"Stopped. {_GOES_ON}", err=True)
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def progress(what: str, total: int | None, console: Console) -> Iterator[Callable[[int], None]]:
    """A progress bar for the length of the block; call what it gives with the number of documents done."""
    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(count: int) -> None:
            bar.advance(task, count)
            elapsed = bar.tasks[0].elapsed
            bar.update(task, rate=f"{bar.tasks[0].completed / elapsed:.0f}/s" if elapsed else "")

        yield advance
        bar.update(task, total=bar.tasks[0].completed)


def status(body: dict[str, Json]) -> Table:
    """A table of `Engine.status()`: one column a store, one row a figure."""
    there = "" if body["exists"] else " (not there yet)"
    table = Table(title=f"collection {body['collection']}{there}, model {body['model']}", title_justify="left")
    table.add_column("")
    flat = {name: dict(_flat(of)) for name, of in body["stores"].items()}
    for name, of in flat.items():
        table.add_column(f"{name}: {of.get('store', '')}", overflow="fold", style=_COLOURS.get(name))
    for key in dict.fromkeys(key for of in flat.values() for key in of if key != "store"):
        table.add_row(key.replace("_", " "), *(Text(of.get(key, "")) for of in flat.values()))
    return table


def journal(body: dict[str, Json]) -> Text:
    """What the journal owes, in words: nothing, or to which store how much and since when, and what was given up."""
    if "error" in body:
        return Text(body["error"], style="red")
    text = Text("journal: ")
    owed = ", ".join(f"{count} to {name}" for name, count in sorted(body["owed"].items()))
    if not body["entries"]:
        text.append("nothing is owed")
    elif owed:
        text.append(f"owes {owed}, the oldest for {body['oldest_s']:.0f} s (pay now: hybrid repair)", style="yellow")
    else:
        text.append(f"{body['entries']} changes are written and wait to be durable")
    for letter in body["dead_letters"]:
        text.append(f"\n  {letter['store']} will never take {letter['id']}: {letter['reason']}", style="red")
    return text


def _flat(body: dict[str, Json], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in body.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", _figure(key, value)


def _figure(key: str, value: Json) -> str:
    if isinstance(value, list):
        return "\n".join(str(item) for item in value) or "none"
    if key.endswith(("bytes", "size", "memory")) and isinstance(value, int):
        return _size(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
