"""What can a program ask of many documents at once? Read, count and delete them, by id or by filter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import islice

import orjson
from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from hybrid.errors import QueryError
from hybrid.model import Json, Outcome
from hybrid.web.queries import check_collection
from hybrid.web.wire import arguments, engine, flag, reply

blueprint = Blueprint("documents", __name__, url_prefix="/api/v1")

LINES = 64
"""Lines that are sent together."""


@blueprint.get("/documents")
def documents() -> Response:
    """All documents, those of `?filter=…`, or those of `?id=…&id=…` that are there, one JSON object a line.

    Streamed, as `Engine.export` says; an answer that breaks off before its end is not whole.
    """
    ids = request.args.getlist("id")
    given = _given({"filter": "filter"})
    if ids and "filter" in given:
        raise QueryError("give ids or a filter, not both", field="filter")
    found = engine().get_many(ids) if ids else {}
    rows = ({"id": one, **fields} for one, fields in found.items()) if ids else engine().export(given.get("filter"))
    return Response(_lines(rows), mimetype="application/x-ndjson")


@blueprint.get("/count")
def count() -> Response:
    """The number of documents, or of those of `?filter=…`."""
    return reply({"count": engine().count(_given({"filter": "filter"}).get("filter"))})


@blueprint.delete("/documents")
def delete() -> Response:
    """Deletes the documents of `?filter=…`: 200, or 202 where a store is owed some. `?dry_run=true`: counts them."""
    given = _given({name: name for name in ("filter", "dry_run", "wait")})
    dry_run, wait = flag("dry_run", given, False), flag("wait", given, True)
    report = engine().delete(filter=given.get("filter"), dry_run=dry_run, wait=wait)
    status = HTTPStatus.ACCEPTED if Outcome.PENDING in report.counts else HTTPStatus.OK
    return reply(report.to_dict() | {"dry_run": dry_run}, status)


def _given(known: dict[str, str]) -> dict[str, str]:
    url = MultiDict([(name, value) for name, value in request.args.items(multi=True) if name != "id"])
    given = arguments(url if request.method == "GET" else request.args, {"collection": "collection"} | known)
    check_collection(given.get("collection"))
    return given


def _lines(rows: Iterable[Json]) -> Iterator[bytes]:
    lines = (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    while part := b"".join(islice(lines, LINES)):
        yield part
