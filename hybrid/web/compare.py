"""How do settings differ, side by side? A page whose address is all of its state; each slider fuses anew at once.

What the retrievers found for a query is kept for a while, so that moving a slider asks no store.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from hybrid import presets
from hybrid.comparing import MOST, Alike, Setting, Side, alike, compared
from hybrid.errors import InputError, QueryError
from hybrid.fusion import Fusion, methods, registered
from hybrid.fusion.base import DEFAULT_METHOD
from hybrid.model import Json, Ranking
from hybrid.plan import RETRIEVERS, TEXT, VECTOR
from hybrid.presets import Preset
from hybrid.result import Hit, label
from hybrid.web.access import asker, owner
from hybrid.web.actions import own_referrer
from hybrid.web.addresses import Address
from hybrid.web.kept import Kept
from hybrid.web.page import PAGES
from hybrid.web.view import number
from hybrid.web.wire import engine, reply

blueprint = Blueprint("compare", __name__)
blueprint.after_request(own_referrer)

SIDES = "abcd"[:MOST]
"""The arguments that name settings: `a=standard&b=rrf&b.k=20&b.weight.vector=2`."""

ALONE = {"text": (TEXT,), "vector": (VECTOR,)}
WINDOW, LIMIT, MOST_SHOWN = 100, 10, 50
KEPT_S, MOST_KEPT = 60.0, 100

_Key = tuple[str, str, str]
_PARTS = ("k", "window", "weight.text", "weight.vector")


class _Rankings:
    """What was found lately, by who asked, query and filter. Thread-safe."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, tuple[float, Mapping[str, Ranking]]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, query: str, filter: str) -> Mapping[str, Ranking]:
        """What each retriever finds, asked of the stores where it is not kept. Raises as `Engine.rankings`."""
        key, now = (asker(), query, filter), time.monotonic()
        with self._lock:
            until, found = self._kept.get(key, (0.0, None))
        if found is not None and until > now:
            return found
        found = engine().rankings(query, filter=filter or None, window=WINDOW)
        with self._lock:
            self._kept[key] = (now + KEPT_S, found)
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """One document of a side, as it is shown. move: in words that need no colour."""

    id: str
    rank: int
    title: str
    score: str
    move: str
    direction: str


@dataclass(frozen=True, slots=True)
class Column:
    """One setting as it is shown. k, weights, window: as its inputs have them; by_rank: whether k counts.

    remove_url: the page without it; empty where it is one of two. likeness: with the first; None of the first.
    """

    name: str
    method: str
    k: float
    window: int
    weights: Mapping[str, float]
    by_rank: bool
    fused: bool
    rows: tuple[Row, ...]
    likeness: Alike | None
    remove_url: str


def install(app: Flask) -> None:
    """Adds the page to the application and to its navigation."""
    app.register_blueprint(blueprint)
    app.extensions["hybrid_compare"] = _Rankings()
    settings = app.extensions["hybrid"].settings
    app.extensions["hybrid_kept"] = Kept(None if settings.in_memory else Path(settings.data_dir) / "compared")
    app.extensions.setdefault(PAGES, []).append(("compare.page", "Compare"))


@blueprint.get("/compare")
def page() -> str:
    """The page; before a query, its form."""
    at, sides = _address(), _sides(request.args)
    columns = _columns(at, sides) if at.arguments and request.args.get("q", "").strip() else []
    free = [name for name in SIDES if name not in sides]
    key = request.args.get("kept", "")
    return render_template(
        "compare.html",
        query=request.args.get("q", ""),
        filter=request.args.get("filter", ""),
        columns=columns,
        choices=[*ALONE, *methods()],
        add_url=str(at.with_value(free[0], "weighted")) if free and columns else "",
        most_window=WINDOW,
        json_url=str(Address(url_for("compare.page_json"), at.arguments)),
        saved=request.args.get("saved", ""),
        short_url=url_for("compare.kept", key=key, _external=True) if _kept().leads(key, at.arguments, owner()) else "",
        beside=_BESIDE,
    )


@blueprint.get("/compare.json")
def page_json() -> Response:
    """The same in JSON: of each setting its ids, scores, ranks, moves and contributions, and how alike they are."""
    at, sides = _address(), _sides(request.args)
    found = _compared(sides)
    first = next(iter(found.values()))
    said = {
        name: asdict(side) | {"setting": asdict(sides[name]), "like_the_first": alike(first.ids, side.ids).to_dict()}
        for name, side in found.items()
    }
    return reply({"query": request.args.get("q", ""), "sides": said, "url": str(at)})


@blueprint.post("/compare/preset")
def save() -> Any:
    """Writes a setting as a preset that searches take by name; one that is there already stays."""
    name, side = request.form.get("name", ""), request.form.get("side", "a")
    given = MultiDict([(key, value) for key, value in request.form.items(multi=True) if key not in ("name", "side")])
    setting = _fused(side, _sides(given))
    path = presets.path_of(name, engine().settings)
    if name.endswith(".toml"):
        raise InputError("give a name, such as mine: the file lies beside the collections")
    if path.exists():
        raise InputError(f"there is a preset {name!r} already; choose another name, or remove {path.name} first")
    presets.save(Preset(setting.fusion, setting.window, {"made": "on the page that compares"}), path)
    return redirect(str(Address(url_for("compare.page"), tuple(given.items(multi=True))).beside("saved", name)), 303)


def _fused(side: str, sides: Mapping[str, Setting]) -> Setting:
    """The setting of this name, one that fuses: a preset says nothing else. Raises QueryError and InputError."""
    if side not in sides:
        raise QueryError(f"there is no setting {side!r} to save; there is: {', '.join(sides)}", field="side")
    if len(sides[side].retrievers) == 1:
        raise InputError(f"setting {side.upper()} asks {_method(sides[side])} alone, and a preset says how to fuse")
    return sides[side]


@blueprint.post("/compare/keep")
def keep() -> Any:
    """Keeps the state that the form has under a short key, and shows the page with it."""
    _sides(request.form)
    at = Address(url_for("compare.page"), _state(request.form))
    return redirect(str(at.beside("kept", _kept().keep(at.arguments, owner()))), 303)


@blueprint.get("/compare/<key>")
def kept(key: str) -> Any:
    """To the page in the state that is kept under the key."""
    return redirect(str(Address(url_for("compare.page"), _kept().of(key, owner())).beside("kept", key)), 303)


def _kept() -> Kept:
    return cast(Kept, current_app.extensions["hybrid_kept"])


_BESIDE = ("saved", "kept")
"""Arguments that are no part of the state."""


def _state(given: MultiDict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(one for one in given.items(multi=True) if one[0] not in _BESIDE)


def _address() -> Address:
    return Address(url_for("compare.page"), _state(request.args))


def _sides(given: MultiDict[str, str]) -> dict[str, Setting]:
    """The settings that the arguments name, two where they name fewer. Raises QueryError."""
    _check_names(given)
    named = [name for name in SIDES if given.get(name)] or ["a", "b"]
    usual = {"a": DEFAULT_METHOD, "b": "rrf", "c": "text", "d": "vector"}
    named = named if len(named) > 1 else sorted({*named, "a", "b"})
    return {name: _setting(name, given.get(name) or usual[name], given) for name in named}


def _check_names(given: MultiDict[str, str]) -> None:
    known = {"q", "filter", "limit", "lang", *_BESIDE, *SIDES, *(f"{side}.{part}" for side in SIDES for part in _PARTS)}
    for name in given:
        if name not in known:
            raise QueryError(f"there is no argument {name!r}; settings are a to {SIDES[-1]}, such as a=rrf", field=name)


def _setting(name: str, method: str, given: MultiDict[str, str]) -> Setting:
    """The setting of this name. Raises QueryError; FusionError is raised where it is used."""
    if method in ALONE:
        return Setting(ALONE[method], Fusion("rrf"), _number(given, f"{name}.window", WINDOW, 1, WINDOW, int))
    weights = {part: _number(given, f"{name}.weight.{part}", 1.0, 0.0, 100.0, float) for part in RETRIEVERS}
    fusion = Fusion(method, _number(given, f"{name}.k", 60.0, 1.0, 1000.0, float), tuple(weights.items()))
    return Setting(RETRIEVERS, fusion, _number(given, f"{name}.window", WINDOW, 1, WINDOW, int))


def _number(given: MultiDict[str, str], name: str, usual: Any, low: float, high: float, kind: type) -> Any:
    text = given.get(name, "")
    try:
        value = kind(text) if text else usual
    except ValueError:
        value = None
    if value is None or not low <= value <= high:
        raise QueryError(f"{name} is {text!r}; it is a number from {low:g} to {high:g}", field=name)
    return value


def _compared(sides: Mapping[str, Setting]) -> dict[str, Side]:
    limit = _number(request.args, "limit", LIMIT, 1, MOST_SHOWN, int)
    kept: _Rankings = current_app.extensions["hybrid_compare"]
    query = request.args.get("q", "").strip()
    if not query:
        raise QueryError("there is nothing to compare without a query; give q", field="q")
    rankings = kept.of(query, request.args.get("filter", "").strip())
    asked = {name: _answering(one, rankings) for name, one in sides.items()}
    return dict(zip(sides, compared(rankings, list(asked.values()), limit), strict=True))


def _answering(setting: Setting, rankings: Mapping[str, Ranking]) -> Setting:
    """The setting among the retrievers that were asked: one that cannot read the query was not."""
    there = tuple(name for name in setting.retrievers if name in rankings)
    if not there:
        raise QueryError(f"the {setting.retrievers[0]} retriever was not asked: the model cannot read this query")
    return Setting(there, setting.fusion, setting.window)


def _columns(at: Address, sides: Mapping[str, Setting]) -> list[Column]:
    found = _compared(sides)
    documents = engine().get_many(dict.fromkeys(one for side in found.values() for one in side.ids))
    first = next(iter(found))
    return [
        Column(
            name=name,
            method=_method(sides[name]),
            k=sides[name].fusion.k,
            window=sides[name].window,
            weights={part: sides[name].fusion.weight(part) for part in RETRIEVERS},
            by_rank=registered(sides[name].fusion).by_rank,
            fused=len(sides[name].retrievers) > 1,
            rows=_rows(side, documents, is_first=name == first),
            likeness=None if name == first else alike(found[first].ids, side.ids),
            remove_url=str(at.without((name, *(f"{name}.{part}" for part in _PARTS)))) if len(found) > 2 else "",
        )
        for name, side in found.items()
    ]


def _method(setting: Setting) -> str:
    return setting.retrievers[0] if len(setting.retrievers) == 1 else setting.fusion.method


def _rows(side: Side, documents: Mapping[str, Mapping[str, Json]], *, is_first: bool) -> tuple[Row, ...]:
    return tuple(
        Row(
            one,
            rank,
            label(Hit(one, rank, score, documents.get(one, {}), {})),
            number(score),
            *(("", "same") if is_first else _moved(side.moves[one])),
        )
        for rank, (one, score) in enumerate(zip(side.ids, side.scores, strict=True), 1)
    )


def _moved(by: int | None) -> tuple[str, str]:
    if by is None:
        return "new", "new"
    return (f"▲ {by}", "up") if by > 0 else (f"▼ {-by}", "down") if by < 0 else ("=", "same")
