"""What is counted beside the hits? Facets of a search, as values that each text store counts by itself.

Each facet counts documents that match the query and the facet's own filter, all of them, not only a window's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from hybrid.filters.tree import Filter
from hybrid.model import Json

MAX_BUCKETS = 1000
"""Buckets of one facet at most."""


class Step(StrEnum):
    """The length of a date histogram's buckets, which begin at midnight UTC, on the first of a month or of a year."""

    DAY = "day"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Terms:
    """The `size` values of a keyword or boolean field that most documents have: most first, equal counts by value.

    A document with several values counts for each. JSON: [{"value": …, "count": …}].
    """

    field: str
    size: int = 10


@dataclass(frozen=True, slots=True)
class Ranges:
    """Documents by range of a number or date field: from (inclusive) to (exclusive), None: open. Ranges may overlap.

    JSON, in the order asked, empty ones too: [{"from": …, "to": …, "count": …}].
    """

    field: str
    ranges: tuple[tuple[int | float | None, int | float | None], ...]


@dataclass(frozen=True, slots=True)
class Histogram:
    """Documents by bucket of a number or date field: value // interval × interval, or the day, month or year (UTC).

    JSON, ascending, only buckets with documents: [{"value": where the bucket begins, "count": …}].
    """

    field: str
    interval: float | Step


@dataclass(frozen=True, slots=True)
class Extent:
    """The least and greatest value of a number or date field. JSON: {"min": …, "max": …, "count": documents that have
    one}; min and max are null where none has."""

    field: str


Kind: TypeAlias = Terms | Ranges | Histogram | Extent


@dataclass(frozen=True, slots=True)
class Facet:
    """A facet by name, counted under `filter`: the search's own, or, where it is disjunctive, less the part on its
    own field. In answers, dates are ISO 8601 strings (UTC, milliseconds where there are any)."""

    name: str
    kind: Kind
    filter: Filter | None = None


Counts: TypeAlias = list[dict[str, Json]] | dict[str, Json]
"""What a facet counted, as JSON."""
