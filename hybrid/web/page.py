"""What does a person see? The search page: one GET URL is its whole state, and it works without scripts."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Flask, Response, current_app, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from hybrid import filters
from hybrid.errors import QueryError, StoreError
from hybrid.filters.tree import Filter, both
from hybrid.fusion import methods
from hybrid.fusion.base import DEFAULT_METHOD
from hybrid.model import Json
from hybrid.plan import RETRIEVERS, TEXT, Request
from hybrid.result import Counts
from hybrid.schema import FieldType, Schema
from hybrid.web import choices, narrowing
from hybrid.web.access import SAFE
from hybrid.web.addresses import Address
from hybrid.web.emptied import Emptied, Offer, emptied
from hybrid.web.faults import WEIGHT
from hybrid.web.queries import ARGUMENTS, SearchBody, of_url
from hybrid.web.saying import Say
from hybrid.web.strings import LANGUAGES, Strings, chosen
from hybrid.web.view import shown
from hybrid.web.why import Why, evidence, standing_view, time_line
from hybrid.web.wire import engine, reply

blueprint = Blueprint("page", __name__)

LANG, OTHER = "lang", "explain_id"
_OWN = frozenset({LANG, OTHER, choices.MORE})
"""Arguments of the page that the API does not have, beside those that narrow."""

_CUTS = frozenset({"limit", "offset", "cursor", "min_score", "knee"})
"""Arguments that may leave nothing of what was found."""

MOST_ADDRESS = 100_000
"""Bytes of the arguments of a page at most, which every link of it repeats; the longest query fits in."""

PAGES = "hybrid_pages"
"""Where an application keeps its pages, as (endpoint, English name), for the navigation."""


def install(app: Flask) -> None:
    """Adds the page to the application and to its navigation."""
    app.register_blueprint(blueprint)
    app.extensions.setdefault(PAGES, []).insert(0, ("page.start", "Search"))


@blueprint.get("/")
def start() -> str:
    """The page before a search."""
    return render_template("start.html")


@blueprint.get("/search")
def search() -> str:
    """The page of an answer; that of the start where nothing is asked."""
    return _Asked().page() if _is_asked() else start()


@blueprint.get("/search.json")
def search_json() -> Response:
    """The same facts in JSON: what /api/v1/search answers, and what the page adds to it, under `page`."""
    asked = _Asked()
    return reply(asked.result.to_dict() | {"page": asked.facts()})


def _is_asked() -> bool:
    names = [name for name, value in request.args.items(multi=True) if value.strip()]
    return any(name in ("q", "filter", "cursor", "sort", "like") or narrowing.narrows(name) for name in names)


class _Asked:
    """A search that an address asks for, answered, with what the page shows beside the hits."""

    def __init__(self) -> None:
        if len(request.query_string) > MOST_ADDRESS:
            raise QueryError(f"the arguments have {len(request.query_string)} bytes; {MOST_ADDRESS} are the most")
        self.at = Address(url_for("page.search"), tuple(request.args.items(multi=True)))
        self.strings = strings()
        self.schema: Schema = engine().collection.schema
        self.narrowing = narrowing.read(self.at.arguments, self.schema)
        body = of_url(
            MultiDict(one for one in self.at.arguments if one[0] not in _OWN and not narrowing.narrows(one[0]))
        )
        self.typed = filters.read(body.filter, self.schema)
        self.request = self._request(body)
        self.result = engine().search(self.request)
        self.choices = choices.choices(
            self.schema, self.result.facets, self.narrowing, self.at, ",".join(self.request.sort), self.strings
        )
        self.emptied = None if self.result.hits else self._emptied()

    def page(self) -> str:
        """The page in HTML."""
        return render_template(
            "results.html",
            result=shown(self.result, self.strings),
            query=self.result.query,
            next_url=self._next_url(),
            choices=self.choices,
            counts=self._counts(),
            emptied=self.emptied,
            was_found=self._was_found(),
            did_you_mean=self._did_you_mean(),
            why_url=str(self.at.beside("explain", "true")),
            explained=bool(self.request.explain),
            other=self._other(),
            timeline=time_line(self.result, self.strings),
            evidence=evidence(self.result, self.strings),
        )

    def facts(self) -> dict[str, Json]:
        """What the page shows beside the answer itself, as JSON."""
        return {
            **asdict(self.choices),
            "next_url": self._next_url(),
            "did_you_mean": self._did_you_mean(),
            "emptied": None if self.emptied is None else asdict(self.emptied),
            "other": self._standing(),
        }

    def _request(self, body: SearchBody) -> Request:
        tree = self._tree()
        given = body.request()
        more = request.args.get(choices.MORE, "")
        facets = given.facets or choices.wanted(self.schema, more)
        if given.queries or given.like:  # which are not counted
            facets = given.facets
        return replace(
            given,
            filter=None if tree is None else filters.to_json(tree),
            facets=facets,
            disjunctive=True,
            highlight=given.highlight if "highlight" in body.model_fields_set else True,
        )

    def _tree(self, but: str = "") -> Filter | None:
        return both(None if but == "filter" else self.typed, self.narrowing.tree(but))

    def _next_url(self) -> str:
        """The address of the next page of this very answer; empty where there is none."""
        cursor = self.result.next_cursor
        return "" if cursor is None else str(self.at.without(()).with_value("cursor", cursor))

    def _counts(self) -> str:
        found = self.result.facets
        if found is None or found.counts is Counts.NOTHING:
            return ""
        return self.strings.counts_matches if found.counts is Counts.TEXT_MATCHES else self.strings.counts_all

    def _did_you_mean(self) -> dict[str, str] | None:
        """The query that may be meant, where no document has a word of it, and its page."""
        total = self.result.total
        if not self.result.query.strip() or total is None or total.value or total.counts is not Counts.TEXT_MATCHES:
            return None
        try:
            meant = engine().suggest(self.result.query, self.request.filter, 1).did_you_mean
        except StoreError:
            return None
        return None if meant is None else {"query": meant, "url": str(self.at.instead("q", meant))}

    def _emptied(self) -> Emptied | None:
        if self._was_found():
            return Emptied(self.strings.cut_off, (Offer(self.strings.from_the_first, str(self.at.without(_CUTS))),))
        conditions = {**self.narrowing.conditions, **({"filter": self.typed} if self.typed is not None else {})}
        return emptied(
            {name: self._tree(name) for name in conditions},
            self._tree(),
            self.at,
            self.strings,
            booleans={one.name for one in self.schema.fields if one.type is FieldType.BOOLEAN},
            by_words_alone=set(self.request.retrievers or RETRIEVERS) == {TEXT} and bool(self.result.query),
        )

    def _was_found(self) -> bool:
        """Whether a retriever found something, be it on this page or not."""
        return any(report.returned for report in self.result.retrievers.values())

    def _standing(self) -> Json:
        asked = request.args.get(OTHER, "").strip()
        if not asked:
            return None
        return engine().explain(asked, replace(self.request, facets=(), cursor=None)).to_dict()

    def _other(self) -> Why | None:
        said = self._standing()
        return None if said is None else standing_view(said, self.result, self.strings)


def strings() -> Strings:
    """The words of the language that the HTTP request asks for."""
    return chosen(request.args.get(LANG, ""), request.accept_languages)


def say() -> Say:
    """The phrases in that language."""
    return Say(strings())


def kept_language() -> str:
    """The language that the address itself names, which links and forms carry along; else empty."""
    asked = request.args.get(LANG, "")
    return asked if asked in LANGUAGES else ""


def link(endpoint: str, *arguments: tuple[str, str], anchor: str = "", **parts: Any) -> str:
    """The address of a page in the language of this one. arguments: in their order; parts: of its path."""
    lang = kept_language()
    at = Address(url_for(endpoint, **parts), (*arguments, *([(LANG, lang)] if lang else [])))
    return f"{at}#{quote(anchor)}" if anchor else str(at)


def _own_path() -> str:
    """The path of this page as an address has it, below the application's root."""
    return quote(request.root_path + request.path, safe="/:@")


@blueprint.app_context_processor
def form() -> dict[str, Any]:
    """What every page shows: the words of its language, its neighbours, and the form with the URL's arguments."""
    t, words = strings(), say()
    preset, usual = engine().settings.preset, engine().preset.fusion
    defaults = {"retrievers": "", "fusion": "" if preset else DEFAULT_METHOD, "limit": str(Request().limit)}
    defaults |= {"filter": ""} | {WEIGHT + name: f"{usual.weight(name):g}" for name in RETRIEVERS}
    values = {name: request.args.get(name) or default for name, default in defaults.items()}
    once = {"q", "cursor", "offset", "explain", OTHER, *defaults}  # a new query begins at the top
    sent = [(name, value) for name, value in request.args.items(multi=True) if value and name not in once]
    at = Address(_own_path(), tuple(one for one in request.args.items(multi=True) if one[1].strip()))
    return {
        "t": t,
        "say": words,
        "link": link,
        "kept_language": kept_language(),
        # What answers a form has no address of its own to come back to.
        "languages": [(one, str(at.beside(LANG, one.lang))) for one in LANGUAGES.values() if one is not t]
        if request.method in SAFE
        else [],
        "pages": [(one, words.named("nav", name)) for one, name in current_app.extensions.get(PAGES, [])],
        "collection": engine().settings.collection,
        "q": request.args.get("q", "").strip(),
        "defaults": defaults,
        "values": values,
        "kept": [one for one in sent if one[0] in ARGUMENTS or one[0] in _OWN or narrowing.narrows(one[0])],
        "changed": values != defaults,
        "fusions": ({"": t.as_tuned.format(name=preset)} if preset else {})
        | {name: getattr(t, name, name) for name in methods()},
        "search_by": {"": t.both, "text": t.text_only, "vector": t.vector_only},
        "weights": {f"{WEIGHT}text": t.text_weight, f"{WEIGHT}vector": t.vector_weight},
        "json_url": str(Address(url_for("page.search_json"), at.arguments)),
    }
