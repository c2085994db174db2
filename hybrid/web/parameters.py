"""What may the URL of an operation say? A model for each, which reads the arguments and describes them too."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import orjson
from flask import request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    create_model,
)
from werkzeug.datastructures import MultiDict

from hybrid.errors import CollectionNotFound, QueryError
from hybrid.model import Json
from hybrid.web.faults import faulty
from hybrid.web.wire import engine


def _flag(value: Any) -> Any:
    if value not in ("true", "false", True, False):
        raise ValueError("it is true or false")
    return value in ("true", True)


def _object(value: Any) -> Any:
    try:
        return orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}. Give a JSON object") from error


def _known(value: str) -> str:
    if value != engine().settings.collection:
        raise CollectionNotFound(
            f"there is no collection {value!r} here; leave the argument out to use {engine().settings.collection!r}"
        )
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]
Collection = Annotated[
    str, AfterValidator(_known), Field(description="The collection; there is one, and to leave it out is to mean it.")
]
Filter = Annotated[
    str, Field(description='Which documents: an expression such as price < 800 AND brand IN ["acer", "lg"].')
]
Wait = Annotated[Flag, Field(description="Answer only when a search sees the write.")]


class Parameters(BaseModel):
    """The arguments that every operation on a collection takes."""

    model_config = ConfigDict(extra="forbid")

    collection: Collection | None = None


class Filtered(Parameters):
    """Those of the documents that a filter lets through."""

    filter: Filter | None = None


class Exported(Filtered):
    """Those of an export."""

    id: Annotated[list[str], Field(description="These documents only; give it once for each.")] = []


class Written(Parameters):
    """Those of a write."""

    wait: Wait = True


class Updated(Written):
    """Those of an update."""

    expected: Annotated[
        dict[str, Json],
        BeforeValidator(_object),
        WithJsonSchema({"type": "string", "contentMediaType": "application/json"}),
        Field(description="A JSON object of values that the document must have now, null for none; else 409."),
    ] = {}


class Deleted(Written):
    """Those of a deletion by filter."""

    filter: Filter
    dry_run: Annotated[Flag, Field(description="Only count what would be deleted.")] = False


class Suggested(Filtered):
    """Those of suggestions."""

    q: Annotated[str, Field(description="What is being typed.", max_length=8192)] = ""
    limit: Annotated[int, Field(description="Completions, at most.", ge=0, le=100)] = 10


class Shown(BaseModel):
    """Those that the search page has beside a search's own."""

    lang: Annotated[str, Field(description="The language of the page: en or ko.")] = ""
    more: Annotated[str, Field(description="A field of which up to 100 values are counted.")] = ""
    explain_id: Annotated[str, Field(description="A document of which is said how the search sees it.")] = ""


def _side(name: str) -> dict[str, Any]:
    """The arguments of one setting that is compared."""
    described = {
        "": (str, "A fusion method, or text or vector alone."),
        ".k": (float, "Its rank constant."),
        ".window": (int, "Documents of each retriever that it looks at."),
        ".weight.text": (float, "Its weight of the text retriever."),
        ".weight.vector": (float, "Its weight of the vector retriever."),
    }
    return {
        (name + part).replace(".", "_"): (kind | None, Field(default=None, alias=name + part, description=about))
        for part, (kind, about) in described.items()
    }


class _Compared(BaseModel):
    q: Annotated[str, Field(description="The query.", max_length=8192)]
    filter: Filter | None = None
    limit: Annotated[int, Field(description="Documents of each setting.", ge=1, le=50)] = 10


Compared: type[BaseModel] = create_model(
    "Compared", __base__=_Compared, **{name: of for side in "abcd" for name, of in _side(side).items()}
)
"""Those of a comparison, to describe them."""


class Nothing(BaseModel):
    """None at all."""

    model_config = ConfigDict(extra="forbid")


class Readiness(Nothing):
    """Those of the question whether the server can answer."""

    require: Annotated[Literal["any", "all"], Field(description="Whether one store must answer, or all of them.")] = (
        "any"
    )


_Kind = TypeVar("_Kind", bound=BaseModel)


def given(kind: type[_Kind], url: MultiDict[str, str] | None = None) -> _Kind:
    """The arguments of the request's URL, or those of them in `url`; empty ones count as not given.

    Raises QueryError for one that is not known, stands there twice or is wrong, and CollectionNotFound.
    """
    body: dict[str, Json] = {}
    for name, values in (request.args if url is None else url).lists():
        if name not in kind.model_fields:
            known = ", ".join(kind.model_fields) or "none"
            raise QueryError(f"there is no argument {name!r}; there is: {known}", field=name)
        if kind.model_fields[name].annotation == list[str]:
            body[name] = values
        elif len(values) > 1:
            raise QueryError(f"the argument {name!r} is given {len(values)} times; give it once", field=name)
        elif values[0]:
            body[name] = values[0]
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise faulty(error, body, kind) from error
