"""What will be searched? A request, checked and completed, as a value: print it, compare it, cache by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from hybrid.errors import QueryError
from hybrid.fusion import Fusion, checked
from hybrid.fusion.base import DEFAULT_K, DEFAULT_METHOD
from hybrid.model import Json
from hybrid.schema import Schema

TEXT, VECTOR = "text", "vector"
RETRIEVERS = (TEXT, VECTOR)
MAX_LIMIT = 10_000
MAX_QUERY_CHARACTERS = 8_192


@dataclass(frozen=True, slots=True)
class Request:
    """A search as a user asks for it; None means the default.

    vector: the query's own vector, instead of the model's. retrievers: which to ask. window:
    documents asked of each, at least `limit`. weights: by retriever name. k: rank constant.
    deadline_s: seconds until the answer must be there. verify: ask both stores, before the answer, whether
    they agree on every hit.
    """

    query: str
    limit: int = 10
    vector: Sequence[float] | None = None
    retrievers: Sequence[str] | None = None
    window: int | None = None
    fusion: str = DEFAULT_METHOD
    k: float = DEFAULT_K
    weights: Mapping[str, float] | None = None
    deadline_s: float | None = None
    verify: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A search that can be run as it stands. Equal plans are the same search."""

    query: str
    limit: int
    window: int
    retrievers: tuple[str, ...]
    fields: tuple[tuple[str, float], ...]
    fusion: Fusion
    deadline_s: float
    vector: tuple[float, ...] | None = None
    verify: bool = False

    def fusion_facts(self) -> dict[str, Json]:
        """How the answer is fused, as JSON: method, k where it counts, weights, window."""
        facts: dict[str, Json] = {"method": self.fusion.method}
        if self.fusion.method == DEFAULT_METHOD:
            facts["k"] = self.fusion.k
        facts["weights"] = {name: self.fusion.weight(name) for name in self.retrievers}
        return facts | {"window": self.window}


def request(query: str | Request, **options: Any) -> Request:
    """The request of a query and options by name. Raises QueryError for an option there is not."""
    known = [one.name for one in fields(Request) if one.name != "query"]
    for name in options.keys() - set(known):
        raise QueryError(f"search has no option {name!r}; it has: {', '.join(known)}", field=name)
    return replace(query, **options) if isinstance(query, Request) else Request(query, **options)


def make(request: Request, schema: Schema, *, window: int, deadline_s: float) -> Plan:
    """The plan of a request; `window` and `deadline_s` are the collection's defaults.

    The default window grows to the limit where the limit is larger. Raises QueryError or FusionError.
    """
    limit = _whole("limit", request.limit, 0, MAX_LIMIT)
    asked = request.window is not None
    return Plan(
        query=_query(request),
        limit=limit,
        window=_whole("window", request.window, max(limit, 1), MAX_LIMIT) if asked else max(window, limit),
        retrievers=_retrievers(request.retrievers),
        fields=schema.searched,
        fusion=_fusion(request, _retrievers(request.retrievers)),
        deadline_s=_deadline(deadline_s if request.deadline_s is None else request.deadline_s),
        vector=_vector(request.vector),
        verify=_flag("verify", request.verify),
    )


def _query(request: Request) -> str:
    query = request.query
    if not isinstance(query, str):
        raise QueryError(f"the query is {query!r}; it must be a string", field="query")
    if not query.strip() and request.vector is None:
        raise QueryError("the query is empty; give some words to search for", field="query")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise QueryError(
            f"the query has {len(query)} characters; {MAX_QUERY_CHARACTERS} are the most. "
            "Search for the part that matters",
            field="query",
        )
    if any("\ud800" <= char <= "\udfff" for char in query):
        raise QueryError("the query is not valid Unicode (a lone surrogate)", field="query")
    return query


def _whole(name: str, value: object, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise QueryError(f"{name} is {value!r}; it must be a whole number from {low} to {high}", field=name)
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise QueryError(f"{name} is {value!r}; it must be true or false", field=name)
    return value


def _retrievers(names: Sequence[str] | None) -> tuple[str, ...]:
    if names is None:
        return RETRIEVERS
    chosen = (names,) if isinstance(names, str) else tuple(names)
    if not chosen or any(name not in RETRIEVERS for name in chosen):
        raise QueryError(f"retrievers are {list(chosen)}; choose one or both of {list(RETRIEVERS)}", field="retrievers")
    return tuple(name for name in RETRIEVERS if name in chosen)


def _fusion(request: Request, retrievers: Sequence[str]) -> Fusion:
    weights = dict(request.weights or {})
    strangers = sorted(weights.keys() - set(RETRIEVERS))
    if strangers:
        raise QueryError(
            f"weights name {', '.join(strangers)}; the retrievers are {', '.join(RETRIEVERS)}", field="weights"
        )
    return checked(Fusion(request.fusion, request.k, tuple(sorted(weights.items()))), retrievers)


def _deadline(seconds: float) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 600:
        raise QueryError(f"deadline_s is {seconds!r}; it must be seconds above 0, 600 at most", field="deadline_s")
    return float(seconds)


def _vector(vector: Sequence[float] | None) -> tuple[float, ...] | None:
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
