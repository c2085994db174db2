"""What was asked? A URL's arguments or a JSON body, checked, as the one Request that page and API run."""

from __future__ import annotations

from typing import Any

import orjson
from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError
from werkzeug.datastructures import MultiDict

from hybrid.errors import HybridError, QueryError
from hybrid.model import Json, SearchResult
from hybrid.plan import RETRIEVERS, Request
from hybrid.policy import Policy
from hybrid.web.faults import WEIGHT, faulty
from hybrid.web.parameters import Collection
from hybrid.web.wire import arguments, engine, json_object

_SAME_NAMES = (
    *("collection", "limit", "offset", "cursor", "filter", "facets", "disjunctive", "sort", "retrievers", "window"),
    *("fusion", "k", "deadline_ms", "policy", "require", "explain", "verify", "highlight"),
    *("boosts", "min_score", "knee", "collapse", "diversity", "pinned", "rerank"),
    *("match", "like", "without", "normalizer", "compat"),
)
_LISTS = ("facets", "sort", "retrievers", "require", "pinned", "like", "without")

ARGUMENTS = {"q": "query"} | {name: name for name in (*_SAME_NAMES, *(WEIGHT + name for name in RETRIEVERS))}
"""The arguments of a search URL, and what they are called in JSON. Weights are one argument for each
retriever, `weight.text=1&weight.vector=2`, as a form can send them; lists are split by commas; boosts are JSON."""

MOST_SEARCHES = 256
"""Searches that are answered at once."""

PLAN = "plan"
"""The argument that has a search planned, not run."""


class SearchBody(BaseModel):
    """A search as JSON. What is left out has the default of `hybrid.plan.Request`; deadline_ms: milliseconds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: str = ""
    collection: Collection | None = None
    limit: int = 10
    offset: int = 0
    cursor: str | None = None
    filter: str | dict[str, Json] | None = None
    facets: list[str | dict[str, Json]] = []
    disjunctive: bool = False
    sort: list[str] = []
    vector: list[float] | None = None
    retrievers: list[str] | None = None
    window: int | None = None
    fusion: str | None = None
    k: float | None = None
    weights: dict[str, float] | None = None
    normalizer: str | None = None
    compat: str = ""
    deadline_ms: float | None = None
    deadlines_ms: dict[str, float] | None = None
    policy: str = Policy.PARTIAL.value
    require: list[str] = []
    explain: bool | str = False
    verify: bool = False
    boosts: list[dict[str, Json]] = []
    min_score: float | None = None
    knee: bool = False
    collapse: str | None = None
    diversity: float | None = None
    pinned: list[str] = []
    rerank: bool | dict[str, Json] = False
    match: str | dict[str, Json] | None = None
    queries: list[str] = []
    like: list[str] | None = None
    within: dict[str, float] | None = None
    without: list[str] = []
    highlight: bool | str | dict[str, Json] = False

    def request(self) -> Request:
        """The request, with the engine's defaults for what was not given."""
        given = self.model_dump(exclude_unset=True, exclude={"collection", "deadline_ms", "deadlines_ms"})
        shorter = {name: value / 1000 for name, value in (self.deadlines_ms or {}).items()}
        whole = None if self.deadline_ms is None else self.deadline_ms / 1000
        return Request(**given, deadline_s=whole, deadlines=shorter or None)


def asked() -> SearchBody:
    """The search that the HTTP request asks for. Raises InputError, CollectionNotFound or UnsupportedMediaType."""
    posted = request.method == "POST"
    url = MultiDict([(name, value) for name, value in request.args.items(multi=True) if name != PLAN])
    return _body(json_object() | arguments(url, {}) if posted else _from_url(arguments(url, ARGUMENTS)), strict=posted)


def _body(given: Json, *, strict: bool) -> SearchBody:
    try:
        return SearchBody.model_validate(given, strict=strict)
    except ValidationError as error:
        raise faulty(error, given, SearchBody) from error


def answer(**usual: Any) -> SearchResult:
    """The answer to the HTTP request's search. usual: options of it, where the request does not say.

    Raises as `asked` and `Engine.search` do.
    """
    body = asked()
    return engine().search(
        body.request(), **{name: of for name, of in usual.items() if name not in body.model_fields_set}
    )


def answer_many() -> list[SearchResult | HybridError]:
    """What is found for each of the body's `searches`; of one that fails, its error, in its place.

    Raises QueryError for a body that has no list of at most 256 of them.
    """
    given = json_object()
    searches = given.get("searches")
    if given.keys() != {"searches"} or not isinstance(searches, list) or len(searches) > MOST_SEARCHES:
        raise QueryError(f"the body is an object with a list `searches` of at most {MOST_SEARCHES}", field="searches")
    read = [_read(one) for one in searches]
    wanted = [one for one in read if isinstance(one, Request)]
    said = iter(engine().search_many(wanted))
    return [next(said) if isinstance(one, Request) else one for one in read]


def _read(given: Json) -> Request | HybridError:
    try:
        return _body(given, strict=True).request()
    except HybridError as error:
        return error


def planned() -> dict[str, Json] | None:
    """The plan of the HTTP request's search and what each store would be asked, where `?plan=true`; else None."""
    wanted = arguments(MultiDict((PLAN, value) for value in request.args.getlist(PLAN)), {PLAN: PLAN}).get(
        PLAN, "false"
    )
    if wanted not in ("true", "false"):
        raise QueryError(f"plan is {wanted!r}; it is true or false", field=PLAN)
    return engine().render(engine().plan(asked().request())) if wanted == "true" else None


def _from_url(given: dict[str, str]) -> dict[str, Json]:
    weights = {name.removeprefix(WEIGHT): value for name, value in given.items() if name.startswith(WEIGHT)}
    body: dict[str, Json] = {name: value for name, value in given.items() if not name.startswith(WEIGHT)}
    if weights:
        body["weights"] = weights
    for name in _LISTS:
        if name in body:
            body[name] = [one.strip() for one in body[name].split(",")]
    for name in ("explain", "highlight", "rerank"):
        if body.get(name) in ("true", "false"):
            body[name] = body[name] == "true"
    if "boosts" in body:
        body["boosts"] = _json_in_url("boosts", body["boosts"])
    return body


def _json_in_url(name: str, text: str) -> Json:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise QueryError(
            f"{name} is not JSON: {error}. Give a list of objects, or post the search", field=name
        ) from error
