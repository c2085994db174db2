"""How does a comparison look in a terminal? A table, what does not count, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hybrid.evaluation.comparison import DEFAULT, SINGLE, Comparison, chance, judged, over_all, shown, signed
from hybrid.evaluation.datasets import Dataset
from hybrid.evaluation.measures import PRIMARY, TITLES
from hybrid.evaluation.significance import Difference
from hybrid.evaluation.tuning import Tuned
from hybrid.plan import RETRIEVERS


def comparison(found: Comparison) -> Group:
    """What every method makes of a data set, how each differs from the better retriever, notes, and the verdict."""
    return Group(_measures(found), _differences(found), *_notes(found.notes), Text(found.verdict(), style="bold"))


def tuned(found: Tuned, dataset: Dataset) -> Group:
    """The best candidate, notes on the data set, and the verdict."""
    return Group(Text(found.told()), *_notes(dataset.notes), Text(found.verdict(), style="bold"))


def _notes(notes: Sequence[str]) -> list[Text]:
    return [Text(f"note: {note}", style="yellow") for note in notes]


def _measures(found: Comparison) -> Table:
    table = _table(f"{found.dataset}: {judged(len(found.queries))}")
    table.add_column(f"{TITLES[PRIMARY]} (95 %)", no_wrap=True)
    others = [name for name in TITLES if name != PRIMARY]
    for name in others:
        table.add_column(TITLES[name], justify="right", no_wrap=True)
    best = max(float(of[PRIMARY].mean()) for of in found.values.values())
    for method, of in found.values.items():
        cells = [shown(float(of[name].mean())) for name in others]
        style = "bold" if float(of[PRIMARY].mean()) == best else ""
        table.add_row(method, _with_interval(found, method), *cells, style=style)
    return table


def _differences(found: Comparison) -> Table:
    single = found.best_single
    table = _table(f"nDCG@10 against {single} alone, query by query")
    for title in ("difference (95 %)", "chance", "won", "lost", "even"):
        table.add_column(title, justify="right", no_wrap=True)
    for method, of in found.values.items():
        if method != single:
            differs, each = found.against_single(method), of[PRIMARY] - found.values[single][PRIMARY]
            counts = [str(int(count)) for count in ((each > 0).sum(), (each < 0).sum(), (each == 0).sum())]
            table.add_row(method, _told(differs), chance(differs.p), *counts)
    return table


def summary(found: Sequence[Comparison]) -> Group:
    """A table of nDCG@10 over several data sets, and how the default does on average over them."""
    table = _table(TITLES[PRIMARY])
    methods = list(found[0].values)
    for name in methods:
        table.add_column(name, justify="right", no_wrap=True)
    for of in found:
        table.add_row(of.dataset, *(shown(of.mean(name).mean) for name in methods))
    means = [sum(of.mean(name).mean for of in found) / len(found) for name in methods]
    table.add_row("mean", *map(shown, means), style="bold")
    notes = [note for of in found for note in of.notes if note.startswith("preset ")]
    return Group(table, *(Text(line) for line in _against(found, methods)), *_notes(notes))


def _against(found: Sequence[Comparison], methods: Sequence[str]) -> Iterator[str]:
    for name in (SINGLE, *(name for name in methods if name not in (*RETRIEVERS, DEFAULT))):
        differs = over_all(found, DEFAULT, name)
        other = "the better retriever of each set" if name == SINGLE else name
        yield f"default against {other}: {_told(differs)}, {chance(differs.p)}"


def _table(title: str) -> Table:
    table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    return table


def _with_interval(found: Comparison, method: str) -> str:
    of = found.mean(method)
    return f"{shown(of.mean)} ({shown(of.low)}–{shown(of.high)})"


def _told(of: Difference) -> str:
    return f"{signed(of.mean)} ({signed(of.low)} to {signed(of.high)})"
