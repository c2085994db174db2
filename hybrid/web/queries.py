"""What was asked? A URL's arguments or a JSON body, checked, as the one Request that page and API run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import orjson
from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema, create_model
from werkzeug.datastructures import MultiDict

from hybrid.bounds import MAX_DEADLINE_S
from hybrid.errors import HybridError, QueryError
from hybrid.model import Json
from hybrid.plan import MAX_LIMIT, RETRIEVERS, Request
from hybrid.policy import Policy
from hybrid.result import SearchResult
from hybrid.standing import Standing
from hybrid.web.faults import WEIGHT, faulty
from hybrid.web.parameters import Collection, Flag, given
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

MOST_HITS = 100 * MOST_SEARCHES
"""Hits that searches which are answered at once may ask for, in all."""

PLAN = "plan"
"""The argument that has a search planned, not run."""


MEANS = {
    "query": "The words to search for; empty to list all documents of the filter.",
    "collection": "The collection; there is one, and to leave it out is to mean it.",
    "limit": "Hits of a page.",
    "offset": "Hits passed over.",
    "cursor": "next_cursor of an answer: goes on with that answer.",
    "filter": "Which documents: an expression such as price < 800, or its tree as JSON.",
    "facets": "Fields to count the values of, or objects with a field and size, ranges or an interval.",
    "disjunctive": "Whether a facet ignores the filter on its own field.",
    "sort": "Fields to sort the hits by; -price for descending.",
    "vector": "The query's own vector, instead of the model's.",
    "retrievers": "Which to ask: text, vector, or both.",
    "window": "Documents asked of each retriever.",
    "fusion": "The method that rankings are fused by.",
    "k": "The rank constant.",
    "weights": "By retriever, the weight of what it finds.",
    "normalizer": "How scores are made comparable, for methods that let it be chosen.",
    "compat": "Another engine, whose formula is meant.",
    "deadline_ms": "Milliseconds until the answer must be there.",
    "deadlines_ms": "Shorter ones by retriever.",
    "policy": "partial answers with what there is, fail only when all retrievers answered.",
    "require": "Retrievers without which there is no answer.",
    "explain": "true for why a retriever did not find a hit; full for the text store's own explanation too.",
    "verify": "Ask both stores before the answer whether they agree on every hit.",
    "boosts": "Objects that multiply scores, by a field or a filter.",
    "min_score": "The least score of a hit.",
    "knee": "End where scores fall off.",
    "collapse": "One hit of each value of this field.",
    "diversity": "From 0 to 1: unlike hits first.",
    "pinned": "Ids that come first.",
    "rerank": "Have the operator's model order the first hits anew.",
    "match": "How words must match: a mode, or an object.",
    "queries": "Further texts; each document comes by the one that suits it best.",
    "like": "Ids of documents that others like them are found to, instead of a query.",
    "within": "By retriever, the least raw score of what it finds.",
    "without": "Ids that are not found.",
    "highlight": "Pieces of each hit's text with the words of the query marked.",
}
"""By key of a search, what it means."""


WHICH = "The document, whether the search finds it or not."


def _described(schema: dict[str, Any]) -> None:
    for name, part in schema["properties"].items():
        part["description"] = MEANS.get(name) or part["description"]
    for name in ("limit", "offset", "window"):
        schema["properties"][name] |= {"minimum": 0, "maximum": MAX_LIMIT}


Milliseconds = Annotated[float, Field(gt=0, le=1000 * MAX_DEADLINE_S)]


class SearchBody(BaseModel):
    """A search as JSON. What is left out has the default of `hybrid.plan.Request`; deadline_ms: milliseconds."""

    model_config = ConfigDict(extra="forbid", strict=True, json_schema_extra=_described)

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
    deadline_ms: Milliseconds | None = None
    deadlines_ms: dict[str, Milliseconds] | None = None
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
        apart = {"id", "collection", "deadline_ms", "deadlines_ms"}
        given = {name: getattr(self, name) for name in self.model_fields_set - apart}
        shorter = {name: value / 1000 for name, value in (self.deadlines_ms or {}).items()}
        whole = None if self.deadline_ms is None else self.deadline_ms / 1000
        return Request(**given, deadline_s=whole, deadlines=shorter or None)


class ExplainBody(SearchBody):
    """A search, and a document of which is asked how the search sees it."""

    id: Annotated[str, Field(description=WHICH, min_length=1)]


class ManyBody(BaseModel):
    """Many searches; each is checked by itself, so that one that is wrong does not hinder the others."""

    model_config = ConfigDict(extra="forbid", strict=True)

    searches: list[Annotated[Json, WithJsonSchema({"$ref": "#/components/schemas/SearchBody"})]] = Field(
        max_length=MOST_SEARCHES
    )


class PlanFlag(BaseModel):
    """The argument that has a search planned."""

    model_config = ConfigDict(extra="forbid")

    plan: Annotated[Flag, Field(description="Answer with the plan of the search, which is not run.")] = False


def _kind_in_url(name: str) -> Any:
    """What an argument of a search URL may be, which is plainer than what JSON may say."""
    if name in _LISTS:
        return list[str]
    plainer = {"filter": str, "match": str, "boosts": str, "rerank": bool, "highlight": bool | str}
    key = ARGUMENTS[name]
    return float if key.startswith(WEIGHT) else plainer.get(key, SearchBody.model_fields[key].annotation)


_url: dict[str, Any] = {
    name.replace(".", "_"): (
        _kind_in_url(name) | None,
        Field(default=None, alias=name, description=MEANS["weights" if name.startswith(WEIGHT) else key]),
    )
    for name, key in ARGUMENTS.items()
}
SearchUrl: type[BaseModel] = create_model("SearchUrl", **_url)
"""The arguments of a search URL, to describe them; they are read into a SearchBody."""

ExplainUrl: type[BaseModel] = create_model(
    "ExplainUrl", __base__=SearchUrl, id=(str, Field(description=WHICH, min_length=1))
)
"""Those of a question how a search sees a document."""


def asked() -> SearchBody:
    """The search that the HTTP request asks for. Raises InputError, CollectionNotFound or UnsupportedMediaType."""
    return _sent(SearchBody, ARGUMENTS)


def standing() -> Standing:
    """How the HTTP request's search sees the document that it names. Raises as `asked` and `Engine.explain` do."""
    body = _sent(ExplainBody, ARGUMENTS | {"id": "id"})
    return engine().explain(body.id, replace(body.request(), facets=(), cursor=None))


_Asked = TypeVar("_Asked", bound=SearchBody)


def _sent(kind: type[_Asked], known: Mapping[str, str]) -> _Asked:
    posted = request.method == "POST"
    url = MultiDict([(name, value) for name, value in request.args.items(multi=True) if name != PLAN])
    said = json_object() | arguments(url, {}) if posted else _from_url(arguments(url, known))
    return _body(said, kind, strict=posted)


def of_url(given: MultiDict[str, str]) -> SearchBody:
    """The search that these arguments of a URL ask for. Raises InputError and CollectionNotFound."""
    return _body(_from_url(arguments(given, ARGUMENTS)), SearchBody, strict=False)


def _body(said: Json, kind: type[_Asked], *, strict: bool) -> _Asked:
    try:
        return kind.model_validate(said, strict=strict)
    except ValidationError as error:
        raise faulty(error, said, kind) from error


def answer() -> SearchResult:
    """The answer to the HTTP request's search. Raises as `asked` and `Engine.search` do."""
    return engine().search(asked().request())


def answer_many() -> list[SearchResult | HybridError]:
    """What is found for each of the body's `searches`; of one that fails, its error, in its place.

    Raises QueryError for a body that has no list of at most 256 of them, or that asks for too many hits in all.
    """
    body = json_object()
    try:
        searches = ManyBody.model_validate(body).searches
    except ValidationError as error:
        raise faulty(error, body, ManyBody) from error
    read = [_read(one) for one in searches]
    wanted = [one for one in read if isinstance(one, Request)]
    hits = sum(max(one.limit, 0) for one in wanted)
    if hits > MOST_HITS:
        raise QueryError(f"{hits} hits are asked for in all; {MOST_HITS} are the most at once", field="searches")
    said = iter(engine().search_many(wanted))
    return [next(said) if isinstance(one, Request) else one for one in read]


def _read(said: Json) -> Request | HybridError:
    try:
        return _body(said, SearchBody, strict=True).request()
    except HybridError as error:
        return error


def planned() -> dict[str, Json] | None:
    """The plan of the HTTP request's search and what each store would be asked, where `?plan=true`; else None."""
    if PLAN not in request.args:
        return None
    wanted = given(PlanFlag, MultiDict((PLAN, value) for value in request.args.getlist(PLAN))).plan
    return engine().render(engine().plan(asked().request())) if wanted else None


def _from_url(said: dict[str, str]) -> dict[str, Json]:
    weights = {name.removeprefix(WEIGHT): value for name, value in said.items() if name.startswith(WEIGHT)}
    body: dict[str, Json] = {name: value for name, value in said.items() if not name.startswith(WEIGHT)}
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
