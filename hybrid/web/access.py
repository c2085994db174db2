"""May this be asked? The token of a request, the role that its address wants, and the engine that its holder sees.

A browser sends the token as the password of Basic authentication, whatever the user's name; programs as a Bearer
token. There are no cookies. What changes something is refused to a page of another origin, whose browser would send
the password along.
"""

from __future__ import annotations

from typing import cast
from urllib.parse import urlsplit

from flask import Flask, g, request
from werkzeug.datastructures import Authorization, WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from hybrid.engine import Engine
from hybrid.indexing.turnstile import Turnstile
from hybrid.restricted import Restricted
from hybrid.tokens import Role, Token, holder

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing, for which a read token will do."""

READING = frozenset({"api.search", "api.search_many", "api.explain"})
"""Endpoints that only read though they are posted to."""

OPEN = frozenset({"health.alive", "health.ready", "static", "problems.index", "problems.page"})
"""Endpoints that say nothing of any document, and need no token."""

ADMINISTERING = frozenset({"compare.save", "actions.repair"})
"""Endpoints that change what all holders get."""

OPERATING = frozenset({"metrics", "actions", "collections", "evaluate", "judge"})
"""Parts that tell of all documents together, or change them: not for a token with a filter."""


WAYS = (WWWAuthenticate("bearer", {"realm": "hybrid"}), WWWAuthenticate("basic", {"realm": "hybrid"}))
"""How a token may be shown."""


def install(app: Flask, engine: Engine) -> None:
    """Has each request of the application looked at, where the settings have tokens; else of other origins only."""
    holders = engine.settings.api.holders
    turn = Turnstile(None if engine.settings.in_memory else engine.settings.folder / "holders.lock")

    @app.before_request
    def look() -> None:
        if request.method not in SAFE:
            _check_origin()
        if not holders or request.endpoint in OPEN:
            return
        token = _holder(holders)
        wanted = role_for(request.endpoint, request.method)
        if not token.role.may(wanted):
            raise Forbidden(f"this needs a token with the role {wanted}; the token {token.name!r} has {token.role}")
        if token.filter and (request.endpoint or "").partition(".")[0] in OPERATING:
            raise Forbidden(f"the token {token.name!r} has a filter, and this tells of all documents")
        g.token = token
        if token.filter:
            g.engine = cast(Engine, Restricted(engine, token.filter, token.digest.encode(), turn))


def role_for(endpoint: str | None, method: str) -> Role:
    """The role that a request needs: to read where nothing can change; whatever is new and changes something, more."""
    if endpoint in ADMINISTERING:
        return Role.ADMIN
    return Role.READ if method in SAFE or endpoint in READING else Role.WRITE


def asker() -> str:
    """The name of the token that asks, for logs; empty where there is none."""
    token = cast("Token | None", g.get("token"))
    return token.name if token else ""


def owner() -> str:
    """What only the holder of a token with a filter has; empty where all who ask see the same."""
    token = cast("Token | None", g.get("token"))
    return token.digest if token and token.filter else ""


def shown(given: Authorization | None) -> str:
    """The token that a request shows; empty for none."""
    return "" if given is None else (given.token if given.type == "bearer" else given.password) or ""


def _holder(holders: tuple[Token, ...]) -> Token:
    said = shown(request.authorization)
    found = holder(said, holders) if said else None
    if found is None:
        raise Unauthorized(
            f"{'this token is not known here' if said else 'a token is needed'}: send Authorization: Bearer TOKEN, "
            "or, from a browser, give it as the password",
            www_authenticate=list(WAYS),
        )
    return found


def _check_origin() -> None:
    """Raises Forbidden for what a page of another origin has a browser send.

    Sec-Fetch-Site is the browser's own word, which no page can change; where there is none, Origin is looked at.
    """
    fetched = request.headers.get("Sec-Fetch-Site")
    if fetched == "same-origin":
        return
    origin = request.headers.get("Origin")
    if fetched in (None, "none") and (origin is None or _is_own(origin)):
        return
    raise Forbidden("this comes from a page of another origin, which may not change anything here")


def _is_own(origin: str) -> bool:
    """Whether an origin is that of the address which is asked; "null" and what is none are nobody's.

    The header itself counts: of a name that it does not like, such as my_host, the framework says that it is empty.
    """
    try:
        named = urlsplit(origin).netloc
    except ValueError:  # as of a bracket that is not closed
        return False
    return bool(named) and named in (request.headers.get("Host"), request.host)
