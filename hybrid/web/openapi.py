"""How is the API described? As OpenAPI 3.1, made of the models that validate; and as a page, made of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, current_app, render_template, request
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import hybrid
from hybrid.model import Json
from hybrid.web.answers import ProblemAnswer
from hybrid.web.codes import CODES
from hybrid.web.operations import ALWAYS, NDJSON, Content, Operation, all_of
from hybrid.web.parameters import Nothing, given
from hybrid.web.wire import reply

blueprint = Blueprint("openapi", __name__)

PROBLEM = "application/problem+json"
OPEN = ("/healthz", "/readyz")
"""Paths that need no token where the others do."""

_SCHEMES: dict[str, Json] = {
    "token": {"type": "http", "scheme": "bearer"},
    "password": {"type": "http", "scheme": "basic", "description": "The token is the password, of any user."},
}
_REF = "#/components/schemas/{model}"

ABOUT = (
    "Hybrid search on Redis vectors and Elasticsearch text. Answers are JSON; problems are RFC 9457 with a stable "
    "code. Each answer carries X-Request-ID. Keys may be added to answers; those that are described here stay."
)


def install(app: Flask) -> None:
    """Adds the description and its page to the application."""
    app.register_blueprint(blueprint)
    app.extensions.setdefault("hybrid_pages", []).append(("openapi.docs", "API"))


@blueprint.get("/openapi.json")
def description() -> Response:
    """The description of all operations."""
    given(Nothing)
    return reply(described(current_app))


@blueprint.get("/docs")
def docs() -> str:
    """The same for people: what each operation takes and answers, with a link that tries it where it only reads."""
    body = described(current_app)
    groups: dict[str, list[dict[str, Json]]] = {}
    for path, methods in body["paths"].items():
        for method, one in methods.items():
            shown = {"method": method.upper(), "path": path, "link": _link(path, one) if method == "get" else ""}
            groups.setdefault(one["tags"][0], []).append(one | shown)
    return render_template("docs.html", problem=None, groups=groups, schemas=body["components"]["schemas"])


def described(app: Flask) -> dict[str, Json]:
    """The OpenAPI document of the application."""
    body = _document(tuple(all_of(app)), guarded=bool(app.extensions["hybrid"].settings.api.tokens))
    return body | {"servers": [{"url": request.root_path or "/"}]}


@lru_cache(maxsize=4)
def _document(operations: tuple[Operation, ...], *, guarded: bool) -> dict[str, Json]:
    """guarded: whether tokens are needed."""
    kinds = {ProblemAnswer: None} | {kind: None for one in operations for kind in _kinds(one)}
    _, schemas = models_json_schema([(kind, "validation") for kind in kinds], ref_template=_REF)
    paths: dict[str, dict[str, Json]] = {}
    for one in operations:
        needs = guarded and one.path not in OPEN
        paths.setdefault(one.path, {})[one.method] = _operation(one, needs_token=needs)
    parts: dict[str, Json] = {"schemas": schemas.get("$defs", {})}
    return {
        "openapi": "3.1.0",
        "info": {"title": "hybrid", "version": hybrid.__version__, "description": ABOUT},
        "paths": paths,
        "components": parts | ({"securitySchemes": _SCHEMES} if guarded else {}),
    }


def _kinds(one: Operation) -> list[type[BaseModel]]:
    contents = [content for _, content in one.answers.values()] + ([one.body] if one.body else [])
    return [kind for content in contents for kind in content.kinds]


def _operation(one: Operation, *, needs_token: bool) -> dict[str, Json]:
    body: dict[str, Json] = {
        "operationId": one.id,
        "tags": [one.group],
        "summary": one.summary,
        "description": one.about or one.summary,
        "parameters": [*_in_path(one), *_in_url(one)],
        "responses": _answers(one, needs_token=needs_token),
    }
    if needs_token:
        body["security"] = [{name: []} for name in _SCHEMES]
    if one.body:
        body["requestBody"] = {"required": True, "content": _content(one.body, one.example)}
    return body


def _in_path(one: Operation) -> list[dict[str, Json]]:
    if "{document_id}" not in one.path:
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": 512}
    about = "The document's id, percent-encoded; it may have slashes."
    return [
        {"name": "document_id", "in": "path", "required": True, "description": about, "schema": schema, "example": "1"}
    ]


def _in_url(one: Operation) -> list[dict[str, Json]]:
    """The arguments of the URL, as the models describe them."""
    example = one.example if isinstance(one.example, Mapping) and not one.body else {}
    found = []
    for model in one.url:
        schema = model.model_json_schema()
        for name, part in schema.get("properties", {}).items():
            said: dict[str, Json] = {"name": name, "in": "query", "required": name in schema.get("required", ())}
            inner = _plain(part)
            said |= {"description": inner.pop("description", ""), "schema": inner}
            if inner.get("type") == "array":
                said |= {"style": "form", "explode": name == "id"}  # ids are repeated, other lists split by commas
            found.append(said | ({"example": example[name]} if name in example else {}))
    return found


def _plain(part: Mapping[str, Json]) -> dict[str, Json]:
    """The schema of an argument: of one that may be left out, what it is where it is given."""
    kept = {name: value for name, value in part.items() if name not in ("title", "anyOf", "default")}
    several = [one for one in part.get("anyOf", ()) if one.get("type") != "null"]
    return kept | (several[0] if len(several) == 1 else {"anyOf": several} if several else {})


def _content(content: Content, example: Json = None) -> dict[str, Json]:
    refs: list[dict[str, Json]] = [{"$ref": _REF.format(model=kind.__name__)} for kind in content.kinds]
    one: dict[str, Json] = refs[0] if len(refs) == 1 else {"anyOf": refs} if refs else {"type": "object"}
    whole: dict[str, Json] = {"type": "array", "items": one} if content.listed else one
    lines: dict[str, Json] = {"type": "string", "description": "JSON objects, one a line", "x-itemSchema": one}
    said: dict[str, Json] = {kind: {"schema": lines if kind == NDJSON else whole} for kind in content.types}
    for kind in said if example is not None else ():
        said[kind] |= {"example": example if kind != NDJSON else _lines(example)}
    return said


def _lines(example: Sequence[Json]) -> str:
    return "".join(f"{reply(one).get_data(as_text=True)}\n" for one in example)


def _answers(one: Operation, *, needs_token: bool) -> dict[str, Json]:
    """Each status that it may answer with: its own, and those of its problems."""
    refused = ("unauthorized", "forbidden") if needs_token else ("forbidden",) if one.method != "get" else ()
    said: dict[str, Json] = {
        str(status): {"description": about, "content": _content(content), "headers": _HEADERS}
        for status, (about, content) in one.answers.items()
    }
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys((*ALWAYS, *refused, *one.problems)):
        by_status.setdefault(CODES[code].status, []).append(code)
    for status, codes in sorted(by_status.items()):
        problem: dict[str, Json] = {
            "schema": {"$ref": _REF.format(model=ProblemAnswer.__name__)},
            "example": _problem(codes[0]),
        }
        there = said.setdefault(str(status), {"description": HTTPStatus(status).phrase, "content": {}})
        there |= {"description": f"{there['description']}: {', '.join(codes)}", "headers": _HEADERS, "x-codes": codes}
        there["content"] |= {PROBLEM: problem}
    return said


_HEADERS = {"X-Request-ID": {"description": "Names the request.", "schema": {"type": "string"}}}


def _problem(code: str) -> dict[str, Json]:
    of = CODES[code]
    body: dict[str, Json] = {"type": f"/problems/{code}", "title": of.title, "status": of.status, "detail": of.means}
    return body | {"code": code, "request_id": "0f8fad5bd9cb469fa16570867728950e"}


def _link(path: str, one: Mapping[str, Any]) -> str:
    """The address that tries an operation, with its example."""
    examples = {said["name"]: said["example"] for said in one["parameters"] if "example" in said}
    there = path.replace("{document_id}", str(examples.pop("document_id", "")))
    return f"{request.root_path}{there}" + (f"?{urlencode(examples)}" if examples else "")
