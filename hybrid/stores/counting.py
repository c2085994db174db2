"""How are facets counted and documents sorted, given their values? Pure functions: the reference for every store."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from hybrid.facets import Counts, Extent, Histogram, Kind, Ranges, Step, Terms
from hybrid.filters.tree import Value
from hybrid.model import Json
from hybrid.schema import iso, moment
from hybrid.sorting import Sort
from hybrid.stores.base import WordQuery
from hybrid.surface import distance

Values: TypeAlias = tuple[Value, ...]
"""One document's values of a field, none twice; empty where it has none."""


def counted(kind: Kind, rows: Iterable[Values], *, dated: bool) -> Counts:
    """What a facet counts. rows: of each document that is counted, its values of the field. dated: it is a date."""
    shown: Callable[[Any], Json] = iso if dated else lambda value: value
    match kind:
        case Terms(_, size):
            return terms(Counter(value for row in rows for value in row), size)
        case Ranges(_, ranges):
            return _ranges(ranges, list(rows), shown)
        case Histogram(_, interval):
            buckets = Counter(_bucket(value, interval) for row in rows for value in row)
            return [{"value": shown(one), "count": buckets[one]} for one in sorted(buckets)]
        case Extent():
            return extent([value for row in rows for value in row], shown)


def terms(counts: Counter[Any], size: int) -> Counts:
    """The buckets of most documents; equal counts by value."""
    best = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:size]
    return [{"value": value, "count": count} for value, count in best]


def words(counts: Iterable[tuple[str, int]], query: WordQuery) -> list[tuple[str, int]]:
    """The words that a query asks for, of those that begin as it says, with the documents of each; in its order."""
    if not query.near:
        return sorted(counts, key=lambda pair: (-pair[1], pair[0]))[: query.limit]
    edits = ((distance(word, query.near, query.edits), -count, word) for word, count in counts)
    return [(word, -count) for far, count, word in sorted(edits) if far <= query.edits][: query.limit]


def extent(values: Sequence[Any], shown: Callable[[Any], Json]) -> Counts:
    """The least and the greatest value, null where there is none, and how many there are."""
    low, high = (shown(min(values)), shown(max(values))) if values else (None, None)
    return {"min": low, "max": high, "count": len(values)}


def _ranges(ranges: Iterable[tuple[Any, Any]], rows: Sequence[Values], shown: Callable[[Any], Json]) -> Counts:
    buckets: list[dict[str, Json]] = []
    for low, high in ranges:
        count = sum(any(within(value, low, high) for value in row) for row in rows)
        buckets.append({"from": _open(low, shown), "to": _open(high, shown), "count": count})
    return buckets


def within(value: Any, low: Any, high: Any) -> bool:
    """Whether a value is at least `low` and below `high`; None: open."""
    return (low is None or value >= low) and (high is None or value < high)


def _open(bound: Any, shown: Callable[[Any], Json]) -> Json:
    return None if bound is None else shown(bound)


def _bucket(value: Any, interval: float | Step) -> Any:
    """Where the bucket of a value begins."""
    if isinstance(interval, Step):
        return _CUT[interval](value)
    steps = value / interval
    return math.floor(steps) * interval if math.isfinite(steps) else value  # each value has a bucket of its own


_DAY = 86_400_000


def _first(milliseconds: int, *, of_year: bool) -> int:
    day = datetime.fromtimestamp(milliseconds // 1000, UTC)
    found = moment(f"{day.year:04}-01-01" if of_year else f"{day.year:04}-{day.month:02}-01")
    return 0 if found is None else found


_CUT: dict[Step, Callable[[int], int]] = {
    Step.DAY: lambda milliseconds: milliseconds // _DAY * _DAY,
    Step.MONTH: lambda milliseconds: _first(milliseconds, of_year=False),
    Step.YEAR: lambda milliseconds: _first(milliseconds, of_year=True),
}


def ordered(ids: Sequence[str], columns: Sequence[Sequence[Values]], sorts: Sequence[Sort]) -> list[int]:
    """The numbers of documents in the order of the sorts, then by id. columns: by sort, each document's values.

    Documents without a value come last; of several, the least counts, or, descending, the greatest.
    """
    order = sorted(range(len(ids)), key=ids.__getitem__)
    for sort, column in reversed(list(zip(sorts, columns, strict=True))):
        best = max if sort.descending else min
        there = [at for at in order if column[at]]
        there.sort(key=lambda at: best(column[at]), reverse=sort.descending)
        order = there + [at for at in order if not column[at]]
    return order
