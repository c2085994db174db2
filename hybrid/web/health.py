"""Is it alive, and can it answer?"""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response

from hybrid.web.parameters import Nothing, Readiness, given
from hybrid.web.wire import engine, reply

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    """200 as long as the process answers."""
    given(Nothing)
    return reply({"status": "ok"})


@blueprint.get("/readyz")
def ready() -> Response:
    """200 while the journal can be written and one store answers, or all with `?require=all`; else 503.

    The body names each.
    """
    required = given(Readiness).require
    stores = {name: "ok" if said == "ok" else "unavailable" for name, said in engine().ping().items()}
    journal = stores.pop("journal")
    answering = [said == "ok" for said in stores.values()]
    good = journal == "ok" and (all(answering) if required == "all" else any(answering))
    body = {"status": "ready" if good else "unavailable", "stores": stores, "journal": journal}
    return reply(body) if good else reply(body, HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": "1"})
