"""What is written down of each request? One line: its id, what was asked, how it ended, and what was missing.

Neither a token nor, unless the operator wants it, a query is in it.
"""

from __future__ import annotations

import logging
import time

import orjson
from flask import Flask, Response, g, request

from hybrid.engine import Engine
from hybrid.model import Json, Status
from hybrid.result import SearchResult
from hybrid.tracing import REQUEST_ID
from hybrid.web.access import asker
from hybrid.web.wire import request_id

_log = logging.getLogger("hybrid.requests")

QUIET = ("/healthz", "/readyz", "/metrics", "/static/")
"""What the paths begin with that are written down only where they fail."""


class JsonLines(logging.Formatter):
    """Each record as one JSON object on a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said: dict[str, Json] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        facts = getattr(record, "facts", None)
        if facts:
            said |= facts
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return orjson.dumps(said, default=str).decode()


def configure(form: str) -> None:
    """Sends the log to standard error, as text or as JSON lines."""
    handler = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handler.setFormatter(JsonLines() if form == "json" else plain)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("hybrid").setLevel(logging.INFO)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a line for each request that waits its turn


def install(app: Flask, engine: Engine, *, queries: bool = False) -> None:
    """Has each request of the application written down. queries: with what was searched for."""
    app.before_request(_begin)
    engine.watchers.append(_noted)
    app.after_request(lambda response: _written(response, queries=queries))
    app.teardown_request(_end)


def _end(_: BaseException | None) -> None:
    REQUEST_ID.set("")  # the thread goes on to another request


def _begin() -> None:
    REQUEST_ID.set(request_id())
    g.log_began = time.perf_counter()


def _noted(result: SearchResult) -> None:
    """Keeps of an answer what its request's line says."""
    if not REQUEST_ID.get():  # nobody's request: a program that uses the engine beside the server
        return
    lost = {name: of.reason for name, of in result.retrievers.items() if of.status in (Status.FAILED, Status.TIMEOUT)}
    g.searched = {"fusion": result.fusion["method"], "hits": len(result.hits), "lost": lost, "query": result.query}


def _written(response: Response, *, queries: bool) -> Response:
    if not _log.isEnabledFor(logging.INFO) or (request.path.startswith(QUIET) and response.status_code < 500):
        return response
    took = (time.perf_counter() - g.get("log_began", time.perf_counter())) * 1000
    facts: dict[str, Json] = {
        "request_id": request_id(),
        "method": request.method,
        "endpoint": request.endpoint or "none",
        "status": response.status_code,
        "took_ms": round(took, 1),
    }
    searched = dict(g.get("searched", {}))
    query = searched.pop("query", "")
    facts |= {name: value for name, value in searched.items() if value not in ({}, None)}
    if asker():
        facts["token"] = asker()
    if "problem" in g:
        facts["code"] = g.problem
    if queries and query:
        facts["query"] = query
    words = " ".join(f"{name}={_in_a_line(value)}" for name, value in facts.items())
    _log.info("%s", words, extra={"facts": facts})
    return response


def _in_a_line(value: Json) -> Json:
    """A fact as it stands in a line: what is asked must not look like other facts, or like lines of its own."""
    plain = not isinstance(value, str) or (value.isprintable() and not set(value) & set(' ="'))
    return value if plain else repr(value)
