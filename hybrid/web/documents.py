"""What can a program ask of many documents at once? Read, count, write and delete them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from itertools import islice

import orjson
from flask import Blueprint, Response, request, stream_with_context
from werkzeug.exceptions import UnsupportedMediaType

from hybrid.errors import QueryError
from hybrid.model import Json, Outcome
from hybrid.web.bulk import Line, answered, items_of, lines_of
from hybrid.web.parameters import Deleted, Exported, Filtered, Written, given
from hybrid.web.wire import engine, json_array, reply

blueprint = Blueprint("documents", __name__, url_prefix="/api/v1")

NDJSON = "application/x-ndjson"
LINED = (NDJSON, "application/jsonl", "application/x-jsonlines")
"""What a body of lines may be called."""

LINES = 64
"""Lines that are sent together."""


@blueprint.get("/documents")
def documents() -> Response:
    """All documents, those of `?filter=…`, or those of `?id=…&id=…` that are there, one JSON object a line.

    Streamed, as `Engine.export` says; an answer that breaks off before its end is not whole.
    """
    asked = given(Exported)
    if asked.id and asked.filter:
        raise QueryError("give ids or a filter, not both", field="filter")
    found = engine().get_many(asked.id) if asked.id else {}
    chosen = ({"id": one, **fields} for one, fields in found.items())
    rows = chosen if asked.id else engine().export(asked.filter)
    return Response(_lines(rows), mimetype=NDJSON)


@blueprint.get("/count")
def count() -> Response:
    """The number of documents, or of those of `?filter=…`."""
    return reply({"count": engine().count(given(Filtered).filter)})


@blueprint.delete("/documents")
def delete() -> Response:
    """Deletes the documents of `?filter=…`: 200, or 202 where a store is owed some. `?dry_run=true`: counts them."""
    asked = given(Deleted)
    report = engine().delete(filter=asked.filter, dry_run=asked.dry_run, wait=asked.wait)
    status = HTTPStatus.ACCEPTED if Outcome.PENDING in report.counts else HTTPStatus.OK
    # Of a reason, only what is our own: a store's words may name hosts.
    problems = [{"id": one.id, "outcome": str(one.outcome), "owed": list(one.owed)} for one in report.problems]
    return reply(report.to_dict() | {"problems": problems, "dry_run": asked.dry_run}, status)


@blueprint.post("/documents")
def bulk() -> Response:
    """Writes a JSON array of documents, or a document a line; a line in is a line out, in order, and a summary.

    A line `{"_delete": "id"}` deletes. Lines are streamed both ways; each is bounded, and their number is not.
    """
    wait = given(Written).wait
    parts = answered(engine(), _sent(), wait=wait)
    first = next(parts)  # an error that concerns all is a problem, while there is no answer yet
    return Response(stream_with_context(_all(first, parts)), mimetype=NDJSON)


def _all(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _sent() -> Iterator[Line]:
    """The lines of the request's body. Raises UnsupportedMediaType, and MalformedJson for what is no array."""
    if request.mimetype in LINED:
        request.max_content_length = sys.maxsize  # each line is bounded, their number is not
        return lines_of(request.stream)
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(f"send documents as Content-Type: {NDJSON}, one a line, or as application/json")
    return items_of(json_array())


def _lines(rows: Iterable[Json]) -> Iterator[bytes]:
    lines = (orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
    while part := b"".join(islice(lines, LINES)):
        yield part
