"""Who says what is right? People, on a page where documents of a query are rated by keys, each saved at once."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast
from urllib.parse import quote

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest, NotFound

from hybrid.errors import DocumentNotFound, InputError
from hybrid.evaluation import exchange, judging, rated
from hybrid.evaluation.rated import AGREED, Rating, Ratings
from hybrid.evaluation.tables import MAX_GRADE
from hybrid.web import actions
from hybrid.web.addresses import Address
from hybrid.web.page import link
from hybrid.web.wire import engine, reply

blueprint = Blueprint("judge", __name__)
blueprint.after_request(actions.own_referrer)

MEANINGS = {3: "exactly right", 2: "good", 1: "related", 0: "wrong"}
ANYONE = "someone"
"""Who rates without a name."""

CANNOT, BACK = "cannot", "back"
"""What is sent instead of a grade: "cannot tell", and "take my rating back"."""

_RATINGS = "hybrid_ratings"
_DEPTH, _DEEPEST = 10, 100
_DEPTHS, _GRADES = re.compile(r"[0-9]{1,3}"), re.compile(r"-?[0-9]{1,4}")
_AT_ONCE = 1000
_MOST_LISTED = 200
_MOST_IMPORT = 8 * 1024 * 1024
_NAME = 100


def install(app: Flask) -> None:
    """Adds the page to the application. Ratings lie beside the collection."""
    settings = app.extensions["hybrid"].settings
    app.extensions[_RATINGS] = Ratings(None if settings.in_memory else settings.folder / "ratings.sqlite")
    app.register_blueprint(blueprint)


def ratings() -> Ratings:
    """The ratings that were given here."""
    return cast(Ratings, current_app.extensions[_RATINGS])


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks to be rated. seed: of the order. rank: whether ranks are shown."""

    q: str
    depth: int
    judge: str
    seed: str
    rank: bool


@blueprint.get("/evaluate/judge")
def page() -> str:
    """The page: documents to rate for `?q=…`, or, without, the queries that were rated."""
    asked = _asked()
    facts = _facts(asked)
    json_url = str(Address(url_for("judge.page_json"), tuple(request.args.items(multi=True))))
    return render_template(
        "judge.html", asked=asked, grades=sorted(MEANINGS), anyone=ANYONE, agreed=AGREED, json_url=json_url, **facts
    )


@blueprint.get("/evaluate/judge.json")
def page_json() -> Response:
    """The same facts in JSON."""
    asked = _asked()
    return reply({"asked": asdict(asked), **_facts(asked)})


@blueprint.get("/evaluate/ratings.<form>")
def export(form: str) -> Response:
    """All ratings as a file: csv, trec or json."""
    if form not in exchange.FORMS:
        raise NotFound(f"ratings are not written as {form!r}; there is: {', '.join(exchange.FORMS)}")
    body = exchange.written(ratings().all(), form)
    kind = {"csv": "text/csv", "json": "application/json"}.get(form, "text/plain")
    return Response(body, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="ratings.{form}"'})


@actions.blueprint.post("/evaluate/judge/rate")
def rate() -> Any:
    """Keeps one rating of the form: q, id, judge, and a grade, `cannot` or `back`. On the disk when it answers."""
    form, asked = request.form, _asked(request.form)
    one, grade = form.get("id", ""), form.get("grade", "")
    if not asked.q or not one:
        raise BadRequest("a rating names a query (q) and a document (id)")
    if one not in engine().get_many([one]):
        raise DocumentNotFound(f"there is no document {one!r} any more, so it cannot be rated")
    judge = AGREED if form.get("agreed") else asked.judge
    if grade == BACK:
        ratings().take_back(asked.q, one, judge)
    elif grade == CANNOT:
        ratings().rate([Rating(asked.q, one, judge, None)])
    elif grade in map(str, MEANINGS) or (form.get("agreed") and _may_be_agreed(grade)):
        ratings().rate([Rating(asked.q, one, judge, int(grade))])
    else:
        raise BadRequest(f"the grade is {grade[:20]!r}; give 0 to 3, {CANNOT} or {BACK}")
    if request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json":
        return reply({"saved": True, "id": one, "grade": grade})
    kept = [("q", asked.q), ("depth", str(asked.depth)), ("judge", asked.judge), ("seed", asked.seed)]
    kept += [("rank", "1")] if asked.rank else []
    return redirect(f"{link('judge.page', *kept)}#{quote(form.get('next', ''))}", 303)


def _may_be_agreed(grade: str) -> bool:
    """Whether it is a grade that judges may have given, by hand or in a file."""
    return bool(_GRADES.fullmatch(grade)) and abs(int(grade)) <= MAX_GRADE


@actions.blueprint.post("/evaluate/judge/import")
def take() -> Any:
    """Keeps the ratings of the form's file. Where there is something to choose, nothing is kept, and a page asks."""
    request.max_form_memory_size = 2 * _MOST_IMPORT
    sent = request.files.get("file")
    if sent is not None and sent.filename:
        body, form = sent.stream.read(_MOST_IMPORT + 1), exchange.form_of(sent.filename)
    else:
        body, form = _again(), request.form.get("form", "")
    if not body or len(body) > _MOST_IMPORT:
        raise InputError(f"no file was sent, or one of more than {_MOST_IMPORT} bytes. Choose a file of ratings")
    there = ratings().all()
    plan = exchange.planned(body, form, there, _existing, {one.query for one in there})
    if not (plan.clear or request.form.get("chosen")):
        again = base64.b64encode(body).decode()  # as a browser would change the ends of lines
        return render_template("import.html", plan=plan, body=again, form_name=form, most=_MOST_LISTED)
    taken = plan.taken(strangers="strangers" in request.form, replace="replace" in request.form)
    ratings().rate(taken)
    return redirect(link("judge.page", ("imported", str(len(taken)))), 303)


def _again() -> bytes:
    """The file that came before, as the page that asks sends it back."""
    try:
        return base64.b64decode(request.form.get("body", ""), validate=True)
    except ValueError as error:  # binascii.Error is one, too
        raise InputError("the form came back changed. Choose the file again") from error


def _existing(ids: set[str]) -> set[str]:
    listed = sorted(ids)
    parts = (listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE))
    return {one for part in parts for one in engine().get_many(part)}


def _asked(given: Mapping[str, str] | None = None) -> Asked:
    """What the address, or a form, asks. Raises BadRequest."""
    args = request.args if given is None else given
    depth = args.get("depth") or str(_DEPTH)
    if not (_DEPTHS.fullmatch(depth) and 1 <= int(depth) <= _DEEPEST):
        raise BadRequest(f"the depth is {depth[:20]!r}; give a number from 1 to {_DEEPEST}")
    judge = args.get("judge", "").strip()[:_NAME] or ANYONE
    if judge == AGREED:
        raise BadRequest(
            f"no judge can be called {AGREED!r}, which stands for what judges agreed on; choose another name"
        )
    return Asked(args.get("q", "").strip(), int(depth), judge, args.get("seed", "")[:_NAME], bool(args.get("rank")))


def _facts(asked: Asked) -> dict[str, Any]:
    known = ratings().all()
    open_pairs = rated.differing(known)
    facts: dict[str, Any] = {
        "queries": [
            {"query": query, "rated": count} for query, count in rated.per_query(known).most_common(_MOST_LISTED)
        ],
        "differing": [{"query": query, "id": one, "said": said} for (query, one), said in open_pairs.items()],
        "documents": [],
        "rated": 0,
    }
    return facts | _pool(asked) if asked.q else facts


def _pool(asked: Asked) -> dict[str, Any]:
    """The documents to rate: what any method has among its first ones, in an order that says nothing of that."""
    said = rated.by_pair(ratings().all(asked.q))
    pairs = judging.pooled(engine(), [asked.q], asked.depth, {})
    pairs += [pair for pair in said if pair not in pairs and pair[1] in engine().get_many([pair[1]])]
    pairs.sort(key=lambda pair: hashlib.sha256(f"{asked.seed}\0{pair[1]}".encode()).hexdigest())
    ranks = (
        {one: rank for rank, one in enumerate(engine().search(asked.q, limit=_DEEPEST).ids, 1)} if asked.rank else {}
    )
    documents = []
    for query, one, text in judging.shown(engine(), pairs):
        judges = said.get((query, one), {})
        mine = asked.judge in judges
        documents.append(
            {
                "id": one,
                "text": text,
                "rank": ranks.get(one),
                "rated": mine,
                "grade": judges.get(asked.judge),
                # Nobody sees what others said before they said something themselves.
                "others": {name: of for name, of in judges.items() if name != asked.judge} if mine else {},
                "open": mine and rated.is_open(judges),
            }
        )
    return {"documents": documents, "rated": sum(one["rated"] for one in documents)}
