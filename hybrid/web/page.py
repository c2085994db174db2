"""What does a person see? The search page: one GET URL is its whole state, and it works without scripts."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Response, render_template, request, url_for

from hybrid.fusion import methods
from hybrid.model import Json
from hybrid.plan import RETRIEVERS, Request
from hybrid.web.queries import ARGUMENTS, WEIGHT, answer
from hybrid.web.view import shown
from hybrid.web.wire import engine, reply

blueprint = Blueprint("page", __name__)

_FUSIONS = {"rrf": "By ranks (rrf)", "weighted": "By scores (weighted)"}
_SEARCH_BY = {"": "Words and meaning", "text": "Words only", "vector": "Meaning only"}


@blueprint.get("/")
def start() -> str:
    """The page before a search."""
    return render_template("start.html")


@blueprint.get("/search")
def search() -> str:
    """The page of an answer; that of the start where nothing is asked."""
    if not request.args.get("q", "").strip():
        return start()
    result = answer()
    return render_template("results.html", result=shown(result), query=result.query)


@blueprint.get("/search.json")
def search_json() -> Response:
    """What /api/v1/search answers to the same arguments."""
    return reply(answer().to_dict())


@blueprint.app_context_processor
def form() -> dict[str, Json]:
    """What the search form shows, on every page: the URL's arguments over the defaults."""
    usual = Request("")
    defaults = {"retrievers": "", "fusion": usual.fusion, "limit": str(usual.limit)}
    defaults |= {WEIGHT + name: "1" for name in RETRIEVERS}
    values = {name: request.args.get(name) or default for name, default in defaults.items()}
    kept = {name: request.args[name] for name in ARGUMENTS if name not in {"q", *defaults} and request.args.get(name)}
    return {
        "collection": engine().settings.collection,
        "q": request.args.get("q", "").strip(),
        "defaults": defaults,
        "values": values,
        "kept": kept,
        "changed": values != defaults,
        "fusions": {name: _FUSIONS.get(name, name) for name in methods()},
        "search_by": _SEARCH_BY,
        "weights": {WEIGHT + name: f"{name.capitalize()} weight" for name in RETRIEVERS},
        "json_url": f"{url_for('page.search_json')}?{urlencode(list(request.args.items(multi=True)))}",
    }
