"""What goes over the wire? JSON, read and written in one way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from secrets import token_hex
from typing import cast

import orjson
from flask import Response, current_app, g, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import UnsupportedMediaType

from hybrid.engine import Engine
from hybrid.errors import InputError, QueryError
from hybrid.model import Json

REQUEST_ID = "X-Request-ID"
"""The header that names a request, and its answer."""

MAX_DEPTH = 200
"""Objects and arrays inside one another in a body."""

_SAFE_ID = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")


class MalformedJson(InputError):
    """The request's body is not JSON."""

    code = "invalid_json"


def engine() -> Engine:
    """The engine of the application that is answering, as who asks may use it."""
    return cast(Engine, g.get("engine") or current_app.extensions["hybrid"])


def request_id() -> str:
    """What names the request that is being answered: its header X-Request-ID where that is safe to repeat, else made.

    The same all through a request, and another one for each.
    """
    if "request_id" not in g:
        given = request.headers.get(REQUEST_ID, "")
        g.request_id = given if _SAFE_ID.fullmatch(given) else token_hex(16)
    return cast(str, g.request_id)


def reply(
    body: Json,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    mimetype: str = "application/json",
) -> Response:
    """The response that says `body` in JSON."""
    return Response(orjson.dumps(body), status, headers, mimetype=mimetype)


def json_object() -> dict[str, Json]:
    """The JSON object in the request's body.

    Raises UnsupportedMediaType for another content type and MalformedJson for anything but an object.
    """
    body = _json()
    if not isinstance(body, dict):
        raise MalformedJson(f"the body is a JSON {_KINDS.get(type(body), 'number')}; send one JSON object: {{…}}")
    return body


def json_array() -> list[Json]:
    """The JSON array in the request's body. Raises as `json_object` does."""
    body = _json()
    if not isinstance(body, list):
        raise MalformedJson(f"the body is a JSON {_KINDS.get(type(body), 'number')}; send one JSON array: […]")
    return body


def _json() -> Json:
    if not request.is_json:
        raise UnsupportedMediaType("the body must be JSON, with the header Content-Type: application/json")
    raw = request.get_data(cache=False)
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(f"the body is not JSON: {error}. Send it in UTF-8") from error
    check_depth(body, raw)
    return body


def check_depth(body: Json, raw: bytes) -> None:
    """Nothing, unless the JSON, as it was written in `raw`, is nested deeper than 200. Raises MalformedJson.

    What is nested more deeply costs other parts of the program their stack.
    """
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return
    level = [body]
    for _ in range(MAX_DEPTH + 1):
        level = [inner for one in level for inner in _parts(one)]
    if level:
        raise MalformedJson(f"it is nested more than {MAX_DEPTH} deep; send it flatter")


def _parts(one: Json) -> Iterable[Json]:
    return one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()


_KINDS = {dict: "object", list: "array", str: "string", bool: "boolean", type(None): "null"}


def arguments(given: MultiDict[str, str], known: Mapping[str, str]) -> dict[str, str]:
    """The query arguments of a URL under the names that `known` gives them; empty ones are left out.

    Raises QueryError for an argument that is not known or stands there twice.
    """
    for name, values in given.lists():
        if name not in known:
            raise QueryError(f"there is no argument {name!r}; there is: {', '.join(known)}", field=name)
        if len(values) > 1:
            raise QueryError(f"the argument {name!r} is given {len(values)} times; give it once", field=name)
    return {known[name]: value for name, value in given.items() if value}
