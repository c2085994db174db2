"""What does a person see? The search page: one GET URL is its whole state, and it works without scripts."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request, url_for

from hybrid.fusion import methods
from hybrid.fusion.base import DEFAULT_METHOD
from hybrid.model import Json
from hybrid.plan import RETRIEVERS, Request
from hybrid.web.faults import WEIGHT
from hybrid.web.queries import ARGUMENTS, answer
from hybrid.web.view import shown
from hybrid.web.wire import engine, reply

blueprint = Blueprint("page", __name__)

_FUSIONS = {
    "standard": "By scores and evidence (standard)",
    "rrf": "By ranks (rrf)",
    "weighted": "By scores (weighted)",
}
_SEARCH_BY = {"": "Words and meaning", "text": "Words only", "vector": "Meaning only"}


@blueprint.get("/")
def start() -> str:
    """The page before a search."""
    return render_template("start.html")


@blueprint.get("/search")
def search() -> str:
    """The page of an answer; that of the start where nothing is asked."""
    if not any(request.args.get(name, "").strip() for name in ("q", "filter", "cursor")):
        return start()
    result = answer(highlight=True)
    return render_template(
        "results.html", result=shown(result), query=result.query, next_url=_next_url(result.next_cursor)
    )


@blueprint.get("/search.json")
def search_json() -> Response:
    """What /api/v1/search answers to the same arguments."""
    return reply(answer().to_dict())


def _next_url(cursor: str | None) -> str:
    """The address of the next page of this very answer; empty where there is none."""
    if cursor is None:
        return ""
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in ("cursor", "offset")]
    return f"{url_for('page.search')}?{urlencode([*kept, ('cursor', cursor)])}"


@blueprint.app_context_processor
def form() -> dict[str, Json]:
    """What the search form shows, on every page: the URL's arguments over the defaults."""
    preset, usual = engine().settings.preset, engine().preset.fusion
    defaults = {"retrievers": "", "fusion": "" if preset else DEFAULT_METHOD, "limit": str(Request().limit)}
    defaults |= {"filter": ""} | {WEIGHT + name: f"{usual.weight(name):g}" for name in RETRIEVERS}
    values = {name: request.args.get(name) or default for name, default in defaults.items()}
    once = {"q", "cursor", "offset", *defaults}  # a new query begins at the top
    kept = {name: request.args[name] for name in ARGUMENTS if name not in once and request.args.get(name)}
    return {
        "collection": engine().settings.collection,
        "q": request.args.get("q", "").strip(),
        "defaults": defaults,
        "values": values,
        "kept": kept,
        "changed": values != defaults,
        "fusions": ({"": f"As tuned ({preset})"} if preset else {})
        | {name: _FUSIONS.get(name, name) for name in methods()},
        "search_by": _SEARCH_BY,
        "weights": {WEIGHT + name: f"{name.capitalize()} weight" for name in RETRIEVERS},
        "json_url": f"{url_for('page.search_json')}?{urlencode(list(request.args.items(multi=True)))}",
    }
