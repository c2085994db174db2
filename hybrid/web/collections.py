"""How is the collection? Its page for who runs it: what is wrong first, then what lies where, and ways to mend it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from hybrid.model import Json
from hybrid.web import actions, uploads
from hybrid.web.page import PAGES, link, say
from hybrid.web.parameters import Nothing, given
from hybrid.web.saying import IN_ENGLISH, Say
from hybrid.web.troubles import Watch, troubles
from hybrid.web.wire import engine, reply

blueprint = Blueprint("collections", __name__)
blueprint.after_request(actions.own_referrer)

_WATCH = "hybrid_watch"
_MOST_SHOWN = 100


def install(app: Flask) -> None:
    """Adds the page to the application and to its navigation."""
    app.extensions[_WATCH] = Watch()
    app.register_blueprint(blueprint)
    app.jinja_env.filters["utc"] = _utc
    app.extensions.setdefault(PAGES, []).append(("collections.page", "Collections"))


@blueprint.get("/collections")
def page() -> str:
    """The page."""
    return render_template(
        "collections.html",
        **_facts(say()),
        json_url=url_for("collections.page_json"),
        upload_words=uploads.script_words(say()),
    )


@blueprint.get("/collections.json")
def page_json() -> Response:
    """The same facts in JSON."""
    return reply(_facts(IN_ENGLISH))


@blueprint.get("/api/v1/status")
def status() -> Response:
    """The same facts at the address of the API."""
    given(Nothing)
    return page_json()


@blueprint.get("/collections/documents")
def find() -> Any:
    """To the page of the document of `?id=…`."""
    one = request.args.get("id", "").strip()
    return redirect(link("collections.document", document_id=one) if one else link("collections.page"), 303)


@blueprint.get("/collections/documents/<document_id:document_id>")
def document(document_id: str) -> Any:
    """The page of one document as each store has it; `?format=json`: in JSON, as an id may end in .json."""
    found = engine().copies(document_id)
    if not found.known:
        raise NotFound(f"neither store ever heard of a document {document_id!r}")
    if request.args.get("format") == "json":
        return reply(found.to_dict())
    names = sorted({name for one in found.copies.values() for name in cast(dict[str, Json], one.get("fields") or {})})
    json_url = url_for("collections.document", document_id=document_id, format="json")
    return render_template(
        "document.html",
        found=found,
        owed=[say().strings.name(one) for one in found.owed],
        names=names,
        json_url=json_url,
    )


@actions.blueprint.post("/collections/verify")
def verify() -> Any:
    """Compares the stores, and shows the outcome on the page."""
    watch().checked = engine().verify().to_dict() | {"at": time.time(), "repaired": 0}
    return redirect(link("collections.page", anchor="drift"), 303)


@actions.blueprint.post("/collections/repair")
def repair() -> Any:
    """Repairs what differs, and shows the outcome on the page; what that would be, `verify` shows before."""
    found, repaired = engine().repair()
    watch().checked = found.to_dict() | {"at": time.time(), "repaired": repaired}
    return redirect(link("collections.page", anchor="drift"), 303)


def watch() -> Watch:
    """What this server saw until now."""
    return cast(Watch, current_app.extensions[_WATCH])


def _facts(say: Say) -> dict[str, Any]:
    """What the page shows. What a store said of an error stays in the log, as it may name hosts."""
    status, ping, seen = engine().status(), engine().ping(), watch()
    found = seen.since(troubles(status, ping, seen.checked, say), time.time())
    stores = {
        name: {"store": of["store"], "answers": False} if "error" in of else {**of, "answers": True}
        for name, of in status["stores"].items()
    }
    journal = {name: value for name, value in status["journal"].items() if name not in ("error", "dead_letters")}
    dead = [one["id"] for one in status["journal"].get("dead_letters", ())]
    checked = seen.checked and {**seen.checked, "differences": seen.checked["differences"][:_MOST_SHOWN]}
    return {
        "name": status["collection"],
        "exists": status["exists"],
        "model": status["model"],
        "troubles": [one.to_dict() for one in found],
        "fields": status["fields"],
        "stores": stores,
        "journal": journal | {"dead_letters": dead},
        "circuits": status["circuits"],
        "caches": status["caches"],
        "checked": checked,
    }


def _utc(at: float | None) -> str:
    """A time, in seconds since 1970, as people read it."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
