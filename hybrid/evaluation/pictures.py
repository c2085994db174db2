"""How does a comparison look on a page? One HTML file with drawings in SVG, without scripts or other files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np

from hybrid.evaluation.comparison import DEFAULT, Comparison, chance, judged, shown, signed
from hybrid.evaluation.measures import PRIMARY, TITLES

_COLOURS = ("#0b6bcb", "#c4571b", "#2f7d4f", "#8a4fbf", "#9a6b00", "#00798c", "#b0305c", "#555555")
_WIDTH = 720
_LEFT = 150
_BAR = 26
_PLOT = 240
_MOST_NAMED = 10

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 760px; margin: 2em auto; padding: 0 1em; color: #1b1b1b;
       background: #fff }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } th, td { padding: .2em .7em; text-align: right }
th:first-child, td:first-child { text-align: left } tr { border-bottom: 1px solid #ddd }
svg { width: 100%; height: auto; fill: #1b1b1b } svg text { font: 12px system-ui, sans-serif }
.verdict { font-size: 1.25em; font-weight: 600 } .axis { stroke: #999 }
figcaption { margin-bottom: .5em } figure { margin: 2em 0 }
"""


@dataclass(frozen=True, slots=True)
class Captions:
    """What the figures say, where {…} stands for what is put in. names: by method, what it is called."""

    bars: str = "nDCG@10 with its 95 % interval"
    wins: str = "{method} against {single} alone, query by query: {won} won, {lost} lost, {even} even"
    recall: str = "Recall by depth: the share of the relevant documents among the first hits"
    between: str = "{low} to {high}"
    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, method: str) -> str:
        """What a method is called."""
        return self.names.get(method, method)


ENGLISH = Captions()


def page(found: Sequence[Comparison]) -> str:
    """A whole HTML page of the comparisons, that needs nothing but itself."""
    body = "".join(_section(one) for one in found)
    title = escape(", ".join(one.dataset for one in found))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Is hybrid helping? {title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>'
        f"<body><h1>Is hybrid helping?</h1>{body}</body></html>\n"
    )


def drawings(found: Comparison, said: Captions = ENGLISH) -> str:
    """The figures of a comparison in HTML, for a page that has styles of its own and allows none inside."""
    method = DEFAULT if DEFAULT in found.values else list(found.values)[-1]
    return f"{_bars(found, said)}{_wins(found, method, said)}{_recall(found, said)}"


def _section(found: Comparison) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in found.notes)
    method = DEFAULT if DEFAULT in found.values else list(found.values)[-1]
    return (
        f"<h2>{escape(found.dataset)}</h2><p class='verdict'>{escape(found.verdict(method))}</p>"
        f"<p>{judged(len(found.queries)).capitalize()}.</p>{f'<ul>{notes}</ul>' if notes else ''}"
        f"{_table(found)}{_differences(found)}{_bars(found)}"
        f"{_wins(found, method)}{_extremes(found, method)}{_recall(found)}"
    )


def _table(found: Comparison) -> str:
    heads = "".join(f"<th>{escape(title)}</th>" for title in TITLES.values())
    rows = "".join(
        f"<tr><td>{escape(method)}</td>{''.join(f'<td>{shown(float(of[name].mean()))}</td>' for name in TITLES)}</tr>"
        for method, of in found.values.items()
    )
    return f"<table><tr><th></th>{heads}</tr>{rows}</table>"


def _differences(found: Comparison) -> str:
    """How each method differs from the better retriever alone, with the interval and the chance of it."""
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td>{signed(of['mean'])}</td>"
        f"<td>{signed(of['low'])} to {signed(of['high'])}</td><td>{escape(chance(of['p']))}</td></tr>"
        for name, of in found.differences().items()
    )
    caption = f"nDCG@10 against {escape(found.best_single)} alone, query by query"
    heads = "<th></th><th>difference</th><th>95 %</th><th>chance</th>"
    return f"<h3>{caption}</h3><table><tr>{heads}</tr>{rows}</table>"


def _bars(found: Comparison, said: Captions = ENGLISH) -> str:
    """Bars of nDCG@10, with the interval that 95 % of resampled means fall into."""
    parts = []
    for number, (method, colour) in enumerate(zip(found.values, _colours(found), strict=True)):
        of, y = found.mean(method), number * _BAR
        low, high, end = (_across(value) for value in (of.low, of.high, of.mean))
        name = escape(said.name(method))
        told = f"{shown(of.mean)} ({said.between.format(low=shown(of.low), high=shown(of.high))})"
        parts.append(
            f"<g><title>{name}: {told}</title><text x='{_LEFT - 8}' y='{y + 16}' text-anchor='end'>"
            f"{name}</text><rect x='{_LEFT}' y='{y + 3}' width='{end - _LEFT:.1f}' height='{_BAR - 8}' "
            f"fill='{colour}' fill-opacity='.75'/><path stroke-width='2' stroke='currentColor' "
            f"d='M{low:.1f} {y + 12}H{high:.1f}M{low:.1f} {y + 7}v10M{high:.1f} {y + 7}v10'/>"
            f"<text x='{high + 6:.1f}' y='{y + 16}'>{shown(of.mean)}</text></g>"
        )
    return _figure(said.bars, len(found.values) * _BAR + 4, parts)


def _wins(found: Comparison, method: str, said: Captions = ENGLISH) -> str:
    """A bar for each query, by how much the method wins or loses against the better retriever alone."""
    single = found.best_single
    differs = found.values[method][PRIMARY] - found.values[single][PRIMARY]
    order = np.argsort(-differs, kind="stable")
    step, middle = (_WIDTH - _LEFT) / len(order), _PLOT / 2
    parts = [f"<path class='axis' d='M{_LEFT} {middle}H{_WIDTH}'/>"]
    for place, query in enumerate(order):
        height = float(differs[query]) * (middle - 6)
        if height:
            top = middle - max(height, 0.0)
            parts.append(
                f"<rect x='{_LEFT + place * step:.2f}' y='{top:.2f}' width='{max(step, 0.5):.2f}' "
                f"height='{abs(height):.2f}' fill='{_COLOURS[2] if height > 0 else _COLOURS[6]}'>"
                f"<title>{signed(float(differs[query]))} {escape(found.queries[query])}</title></rect>"
            )
    won, lost = int((differs > 0).sum()), int((differs < 0).sum())
    parts += _scale(("+1", 6.0), ("0", middle), ("−1", _PLOT - 6.0))
    names = {"method": said.name(method), "single": said.name(single)}
    caption = said.wins.format(**names, won=won, lost=lost, even=len(order) - won - lost)
    return _figure(caption, _PLOT, parts)


def _extremes(found: Comparison, method: str) -> str:
    """The queries that win and lose most, by name."""
    differs = found.values[method][PRIMARY] - found.values[found.best_single][PRIMARY]
    order = np.argsort(-differs, kind="stable")
    won = [number for number in order[:_MOST_NAMED] if differs[number] > 0]
    lost = [number for number in order[::-1][:_MOST_NAMED] if differs[number] < 0]
    rows = "".join(
        f"<tr><td>{escape(found.queries[number])}</td><td>{signed(float(differs[number]))}</td></tr>"
        for number in (*won, *reversed(lost))
    )
    return f"<details><summary>The queries that win and lose most</summary><table>{rows}</table></details>"


def _recall(found: Comparison, said: Captions = ENGLISH) -> str:
    """A line for each method: the share of the relevant documents among the first hits."""
    depth = max(map(len, found.recall.values()))
    across: Callable[[int], float] = lambda rank: _LEFT + (_WIDTH - _LEFT - 20) * rank / depth  # noqa: E731
    parts = [f"<path class='axis' fill='none' d='M{_LEFT} 6V{_PLOT}H{_WIDTH}'/>"]
    for number, (method, colour) in enumerate(zip(found.recall, _colours(found), strict=True)):
        name = escape(said.name(method))
        points = " ".join(
            f"{across(rank):.1f},{_PLOT - float(value) * (_PLOT - 6):.1f}"
            for rank, value in enumerate(found.recall[method], 1)
        )
        parts.append(
            f"<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='2'><title>{name}"
            f"</title></polyline><text x='4' y='{30 + number * 16}' fill='{colour}'>{name}</text>"
        )
    parts += _scale(("1", 12.0), ("0", float(_PLOT)))
    parts += [f"<text x='{across(rank) - 8:.1f}' y='{_PLOT + 16}'>{rank}</text>" for rank in _ticks(depth)]
    return _figure(said.recall, _PLOT + 20, parts)


def _ticks(depth: int) -> Iterable[int]:
    return sorted({1, *(rank for rank in (10, 20, 50, 100, 200, 500, 1000) if rank < depth), depth})


def _scale(*marks: tuple[str, float]) -> list[str]:
    return [f"<text x='{_LEFT - 8}' y='{y + 4:.1f}' text-anchor='end'>{text}</text>" for text, y in marks]


def _across(value: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - 50) * value


def _colours(found: Comparison) -> list[str]:
    return [_COLOURS[number % len(_COLOURS)] for number in range(len(found.values))]


def _figure(caption: str, height: float, parts: Sequence[str]) -> str:
    return (
        f"<figure><figcaption>{escape(caption)}</figcaption><svg viewBox='0 0 {_WIDTH} {height:g}' role='img' "
        f"aria-label='{escape(caption, quote=True)}'>{''.join(parts)}</svg></figure>"
    )
