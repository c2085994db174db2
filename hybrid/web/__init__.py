"""How do people and programs reach the engine by HTTP? The page, the JSON API and the health answers."""

from __future__ import annotations

import atexit
from collections.abc import Collection
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.exceptions import BadRequest

from hybrid.engine import Engine
from hybrid.opening import open as open_engine
from hybrid.web import (
    access,
    actions,
    api,
    collections,
    compare,
    documents,
    evaluate,
    health,
    logs,
    metrics,
    openapi,
    page,
    problems,
)
from hybrid.web.limiting import Limiter
from hybrid.web.transfer import compressed
from hybrid.web.wire import REQUEST_ID, request_id

MAX_BODY = 16 * 1024 * 1024
"""Bytes of the largest request body."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Sent with every answer."""


def create_app(
    engine: Engine | None = None,
    *,
    trusted_hosts: Collection[str] | None = None,
    log_queries: bool = False,
    **config: Any,
) -> Flask:
    """The web application of an engine, which lies in `app.extensions["hybrid"]`.

    engine: None opens one from the settings, and closes it when the program ends; one that is given
    stays its owner's to close. trusted_hosts: the names and addresses it may be asked by, in lower case; None: any.
    log_queries: whether the log of requests (the logger hybrid.requests) has what was searched for. config: further
    keys of Flask's configuration. Raises SettingsError.
    """
    if engine is None:
        engine = open_engine()
        atexit.register(engine.close)
    app = Flask(__name__)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BODY, **config)
    app.extensions["hybrid"] = engine
    app.url_map.merge_slashes = False  # an id may hold two slashes in a row
    app.url_map.converters["document_id"] = api.DocumentId
    for part in (api.blueprint, documents.blueprint, health.blueprint):
        app.register_blueprint(part)
    metrics.install(app, engine)
    logs.install(app, engine, queries=log_queries)
    access.install(app, engine)
    page.install(app)
    compare.install(app)
    evaluate.install(app)
    collections.install(app)
    app.register_blueprint(actions.blueprint)
    problems.install(app)
    openapi.install(app)
    if engine.settings.rate_limit is not None:
        Limiter(engine.settings.rate_limit).install(app)
    if trusted_hosts is not None:
        app.before_request(partial(_check_host, frozenset(trusted_hosts)))
    app.after_request(_with_headers)
    app.after_request(compressed)
    return app


def _check_host(trusted: Collection[str]) -> None:
    # Not Flask's TRUSTED_HOSTS, which cannot name an IPv6 address.
    try:
        name = urlsplit(f"//{request.host}").hostname
    except ValueError:  # as of a bracket that is not closed
        name = None
    if name not in trusted:
        raise BadRequest("this server is not known by the host name that it was asked by")


def _with_headers(response: Response) -> Response:
    response.headers.add(REQUEST_ID, request_id())
    for name, value in HEADERS.items():
        if name not in response.headers:
            response.headers.add(name, value)
    return response
