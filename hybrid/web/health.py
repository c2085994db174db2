"""Is it alive, and can it answer?"""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, request

from hybrid.errors import QueryError
from hybrid.web.wire import arguments, engine, reply

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """200 as long as the process answers."""
    return reply({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> Response:
    """200 while one retriever's store answers, with `?require=all` while all do; else 503. The body names each."""
    required = arguments(request.args, {"require": "require"}).get("require", "any")
    if required not in ("any", "all"):
        raise QueryError(f"require is {required!r}; it is any or all", field="require")
    stores = {name: "ok" if said == "ok" else "unavailable" for name, said in engine().ping().items()}
    answering = [said == "ok" for said in stores.values()]
    good = all(answering) if required == "all" else any(answering)
    if good:
        return reply({"status": "ready", "stores": stores})
    return reply({"status": "unavailable", "stores": stores}, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "1"})
