"""What was asked? A URL's arguments or a JSON body, checked, as the one Request that page and API run."""

from __future__ import annotations

from flask import request
from pydantic import BaseModel, ConfigDict, ValidationError

from hybrid.errors import CollectionNotFound, QueryError
from hybrid.model import Json, SearchResult
from hybrid.plan import RETRIEVERS, Request
from hybrid.web.wire import arguments, engine, json_object

WEIGHT = "weight."

_SAME_NAMES = ("collection", "limit", "window", "fusion", "k", "retrievers", "deadline_ms", "verify")

ARGUMENTS = {"q": "query"} | {name: name for name in (*_SAME_NAMES, *(WEIGHT + name for name in RETRIEVERS))}
"""The arguments of a search URL, and what they are called in JSON. Weights are one argument for each
retriever, `weight.text=1&weight.vector=2`, as a form can send them; retrievers are split by commas."""


class SearchBody(BaseModel):
    """A search as JSON. What is left out has the default of `hybrid.plan.Request`; deadline_ms: milliseconds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: str
    collection: str | None = None
    limit: int = 10
    vector: list[float] | None = None
    retrievers: list[str] | None = None
    window: int | None = None
    fusion: str = "rrf"
    k: float = 60.0
    weights: dict[str, float] | None = None
    deadline_ms: float | None = None
    verify: bool = False

    def request(self) -> Request:
        """The request, with the engine's defaults for what was not given."""
        given = self.model_dump(exclude_unset=True, exclude={"collection", "deadline_ms"})
        return Request(**given, deadline_s=None if self.deadline_ms is None else self.deadline_ms / 1000)


def asked() -> SearchBody:
    """The search that the HTTP request asks for. Raises InputError, CollectionNotFound or UnsupportedMediaType."""
    posted = request.method == "POST"
    given = json_object() | _no_arguments() if posted else _from_url(arguments(request.args, ARGUMENTS))
    try:
        body = SearchBody.model_validate(given, strict=posted)
    except ValidationError as error:
        raise _query_error(error) from error
    check_collection(body.collection)
    return body


def answer() -> SearchResult:
    """The answer to the HTTP request's search. Raises as `asked` and `Engine.search` do."""
    return engine().search(asked().request())


def check_collection(name: str | None) -> None:
    """Nothing, where the name is None or the engine's own collection. Raises CollectionNotFound."""
    if name not in (None, engine().settings.collection):
        raise CollectionNotFound(
            f"there is no collection {name!r} here; leave the argument out to use {engine().settings.collection!r}"
        )


def _no_arguments() -> dict[str, str]:
    return arguments(request.args, {})


def _from_url(given: dict[str, str]) -> dict[str, Json]:
    weights = {name.removeprefix(WEIGHT): value for name, value in given.items() if name.startswith(WEIGHT)}
    body: dict[str, Json] = {name: value for name, value in given.items() if not name.startswith(WEIGHT)}
    if weights:
        body["weights"] = weights
    if "retrievers" in body:
        body["retrievers"] = [name.strip() for name in body["retrievers"].split(",")]
    return {"query": ""} | body


def _query_error(error: ValidationError) -> QueryError:
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    sentences = [_sentence(".".join(map(str, fault["loc"])), fault["type"], fault["msg"]) for fault in faults[:5]]
    return QueryError("; ".join(sentences), field=str(faults[0]["loc"][0]))


def _sentence(name: str, kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return f"there is no field {name!r}; there is: {', '.join(SearchBody.model_fields)}"
    return f"{name}: {message[:1].lower()}{message[1:]}"
