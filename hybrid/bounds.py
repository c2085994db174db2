"""Which values may a request have? Each check gives the value back, or raises QueryError naming what is right."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np

from hybrid.errors import QueryError

MAX_LIMIT = 10_000
MAX_QUERY_CHARACTERS = 8_192
MAX_DEADLINE_S = 600.0

_Choice = TypeVar("_Choice", bound=StrEnum)


def query_text(query: object) -> str:
    """The query, a string of valid Unicode and bounded length; it may be empty."""
    if not isinstance(query, str):
        raise QueryError(f"the query is {query!r}; it must be a string", field="query")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise QueryError(
            f"the query has {len(query)} characters; {MAX_QUERY_CHARACTERS} are the most. "
            "Search for the part that matters",
            field="query",
        )
    if any("\ud800" <= char <= "\udfff" for char in query):
        raise QueryError("the query is not valid Unicode (a lone surrogate)", field="query")
    return query


def whole(name: str, value: object, low: int, high: int) -> int:
    """A whole number from low to high."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise QueryError(
            f"{name} is {value!r}; it must be a whole number from {low} to {high}", field=name.partition(".")[0]
        )
    return value


def number(name: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number from low to high."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise QueryError(f"{name} is {value!r}; it must be a number", field=name.partition(".")[0])
    if not low <= value <= high:
        limits = f"from {low:g}" if high == math.inf else f"from {low:g} to {high:g}"
        raise QueryError(f"{name} is {value!r}; it must be a number {limits}", field=name.partition(".")[0])
    return float(value)


def flag(name: str, value: object) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise QueryError(f"{name} is {value!r}; it must be true or false", field=name)
    return value


def choice(name: str, value: object, kinds: type[_Choice]) -> _Choice:
    """One of the members of an enumeration, by itself or by its value."""
    try:
        return kinds(str(value))
    except ValueError:
        raise QueryError(
            f"{name} is {value!r}; it is one of: {', '.join(kinds)}", field=name.partition(".")[0]
        ) from None


def names(field: str, given: Any, known: Sequence[str]) -> tuple[str, ...]:
    """Some of the known names, in the known order; one string is one name."""
    chosen = (given,) if isinstance(given, str) else tuple(given)
    strangers = [name for name in chosen if name not in known]
    if strangers or not chosen:
        raise QueryError(f"{field} are {list(chosen)}; choose from {list(known)}", field=field)
    return tuple(name for name in known if name in chosen)


def seconds(name: str, value: object) -> float:
    """Seconds above 0, up to ten minutes."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_DEADLINE_S:
        raise QueryError(
            f"{name} is {value!r}; it must be seconds above 0, {MAX_DEADLINE_S:g} at most", field=name.partition(".")[0]
        )
    return float(value)


def by_name(field: str, given: object, known: Sequence[str]) -> Mapping[str, Any]:
    """A mapping from some of the known names."""
    if not isinstance(given, Mapping):
        raise QueryError(f"{field} is {given!r}; give a value by name, for some of: {', '.join(known)}", field=field)
    strangers = sorted(str(name) for name in given.keys() - set(known))
    if strangers:
        raise QueryError(f"{field} name {', '.join(strangers)}; the retrievers are {', '.join(known)}", field=field)
    return given


def components(vector: Sequence[float] | None) -> tuple[float, ...] | None:
    """The query's own vector as float32 numbers; None where there is none."""
    if vector is None:
        return None
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
            array = np.asarray(vector, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise QueryError("the query vector is not a list of numbers", field="vector") from error
    if array.ndim != 1:
        raise QueryError(f"the query vector has shape {array.shape}; give one row of numbers", field="vector")
    return tuple(array.tolist())


def nearest(name: str, known: Collection[str]) -> Iterable[str]:
    """The known names, those that look like the given one first."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return [*close, *sorted(set(known) - set(close))]
