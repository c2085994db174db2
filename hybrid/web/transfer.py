"""How do answers travel? Compressed where that is understood, and documents with a tag that says what they are."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from hashlib import blake2b

import orjson
from flask import Response, request
from werkzeug.exceptions import BadRequest, PreconditionFailed

from hybrid.errors import DocumentNotFound
from hybrid.model import Json
from hybrid.web.wire import engine

LEAST = 1024
"""Bytes from which an answer is compressed."""

LEVEL = 4
_COMPRESSED = ("application/json", "application/problem+json", "text/html")


def compressed(response: Response) -> Response:
    """The answer, compressed by gzip where the client takes that and it is worth it; never one that is streamed."""
    if response.is_streamed or response.mimetype not in _COMPRESSED or response.status_code in (204, 304):
        return response
    body = response.get_data()
    if len(body) < LEAST or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] > 0:
        response.set_data(gzip.compress(body, LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
        tag, _ = response.get_etag()
        if tag is not None:
            response.set_etag(tag, weak=True)  # other bytes, the same document
    return response


def tag_of(document: Mapping[str, Json]) -> str:
    """What names a document as it is now: equal fields have equal tags."""
    return blake2b(orjson.dumps(document, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def seen(document_id: str) -> dict[str, Json] | None:
    """The fields that the document must still have by the request's If-Match; None where it has no such header.

    Raises PreconditionFailed where the document is another now, or is not there, and BadRequest for If-None-Match,
    which no write obeys.
    """
    if "If-None-Match" in request.headers:
        raise BadRequest("a write does not take If-None-Match; leave it out, or say If-Match")
    if "If-Match" not in request.headers:
        return None
    try:
        fields = engine().get(document_id)
    except DocumentNotFound as error:
        raise changed() from error
    if not (request.if_match.star_tag or request.if_match.contains_weak(tag_of(fields))):
        raise changed()
    return fields


def changed() -> PreconditionFailed:
    """The error that the document is not what If-Match says."""
    return PreconditionFailed(
        "the document is not there or has changed since its ETag was given. Read it again, and decide anew"
    )
