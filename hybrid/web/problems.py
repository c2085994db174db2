"""What does a client see when something goes wrong? One Problem, as RFC 9457 JSON or as a plain page."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from flask import Blueprint, Flask, Response, g, has_request_context, make_response, render_template, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, InternalServerError, NotFound
from werkzeug.routing import RoutingException

from hybrid.errors import (
    DocumentConflict,
    DocumentError,
    FilterError,
    HybridError,
    JournalError,
    Overloaded,
    QueryError,
    RetrieverRequired,
    SearchUnavailable,
    StoreError,
)
from hybrid.model import Json
from hybrid.web.codes import CODES, Code
from hybrid.web.faults import FaultyRequest, faults_of, in_http, placed
from hybrid.web.page import say, strings
from hybrid.web.saying import PHRASES
from hybrid.web.strings import ENGLISH
from hybrid.web.strings_problems import told
from hybrid.web.wire import reply, request_id
from hybrid.web.words import reason_code, store_sentence

_log = logging.getLogger(__name__)

_UNANSWERED = {
    SearchUnavailable.code: "No search could be made.",
    RetrieverRequired.code: "A store did not answer without which no answer was wanted.",
    Overloaded.code: "Too many searches wait already.",
}

_JSON_PATHS = ("/api/", "/healthz", "/readyz", "/openapi.json", "/metrics")
_JSON_PAGES = re.compile(r"/(search|compare|collections|evaluate|evaluate/judge|evaluate/runs/[0-9]+)\.json")
"""Pages that answer in JSON as .json is added. (An id may end so, too: its page has format=json.)"""

_JSON_TYPES = ("application/problem+json", "application/json", "application/x-ndjson")
"""What a program says that it takes."""

_SEARCHING = ("page.", "compare.page", "judge.page")
"""What the endpoints of pages begin with that search."""

_OF_SEARCHES = ("heading_400", "heading_503")

blueprint = Blueprint("problems", __name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, as it may be shown to anyone.

    code: stable, of CODES; detail: a sentence or two; members: further facts in JSON; headers: sent along.
    """

    status: int
    code: str
    detail: str
    members: Mapping[str, Json] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase

    def to_dict(self) -> dict[str, Json]:
        """The problem as JSON. Its type is the address of the page about its code, as `page` answers it."""
        return {
            "type": f"{request.root_path if has_request_context() else ''}/problems/{self.code}",
            "title": CODES[self.code].title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
        } | dict(self.members)


@blueprint.get("/problems")
def index() -> str:
    """The page about all codes."""
    codes = [told(one, strings().lang) for one in CODES.values()]
    return render_template("problem_codes.html", problem=None, heading=say()("problems_by_code"), codes=codes)


@blueprint.get("/problems/<code>")
def page(code: str) -> str:
    """The page about one code: what happened, and what to do. It is the `type` of each problem with this code."""
    if code not in CODES:
        raise NotFound(f"there is no problem with the code {code!r}")
    one = told(CODES[code], strings().lang)
    return render_template("problem_codes.html", problem=None, heading=one.title, codes=[one])


def install(app: Flask) -> None:
    """Has every error of the application answered as a problem."""
    app.register_blueprint(blueprint)
    app.register_error_handler(HybridError, lambda error: respond(of_hybrid(error)))
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(InternalServerError, lambda error: respond(_of_crash(error.original_exception or error)))


def respond(problem: Problem) -> Response:
    """The problem as JSON for programs and as a page for people."""
    g.problem = problem.code
    if _wants_json():
        body = problem.to_dict() | {"request_id": request_id()}
        return reply(body, problem.status, problem.headers, "application/problem+json")
    shown = render_template("problem.html", problem=problem, heading=_heading(problem), told=_translated(problem))
    page = make_response(shown, problem.status)
    page.headers.update(problem.headers)
    return page


def _heading(problem: Problem) -> str:
    """What a page of the problem is headed with; in words of searching only where something was searched for."""
    known = (f"heading_{problem.code}", f"heading_{problem.status}")
    searches = (request.endpoint or "").startswith(_SEARCHING)
    key = next((one for one in known if one in PHRASES and (searches or one not in _OF_SEARCHES)), None)
    if key:
        return say().text(key)
    if f"heading_{problem.status}" in _OF_SEARCHES:
        return told(CODES[problem.code], strings().lang).title
    return problem.title if strings() is ENGLISH else told(CODES[problem.code], strings().lang).title


def _translated(problem: Problem) -> Code | None:
    """What the code means, where the page is not in the language that the detail is written in."""
    return None if strings() is ENGLISH else told(CODES[problem.code], strings().lang)


def of_hybrid(error: HybridError, at: tuple[str | int, ...] = ()) -> Problem:
    """The problem of an error of this package. What a store or a model said stays in the log.

    at: where in the body that stands which the error is about.
    """
    code = CODES.get(error.code, CODES["internal"])
    if code.status == 500:
        return _of_crash(error)
    if code.status == 503:
        _log.warning("%s", error)
        detail, members = _unavailable(error)
        return Problem(code.status, code.code, detail, members, {"Retry-After": "1"})
    return Problem(code.status, code.code, str(error), _place_of(error) | _errors_of(error, at))


def _place_of(error: HybridError) -> dict[str, Json]:
    """Where in the request it first went wrong: the argument's name, and the character of a filter, from 0."""
    named = error.field if isinstance(error, DocumentError | DocumentConflict | QueryError) else None
    if named is not None and not isinstance(error, FaultyRequest):
        named = in_http(named)
    position = error.position if isinstance(error, FilterError) else None
    return {name: value for name, value in (("field", named), ("position", position)) if value is not None}


def _errors_of(error: HybridError, at: tuple[str | int, ...]) -> dict[str, Json]:
    """Each fault of the request: what is wrong, and the argument of the URL or the place in the body."""
    errors = [{"detail": fault.detail, **placed(at + fault.at)} for fault in faults_of(error)]
    return {"errors": errors} if errors else {}


def _unavailable(error: HybridError) -> tuple[str, dict[str, Json]]:
    if isinstance(error, SearchUnavailable):
        reasons = {name: reason_code(reason) for name, reason in sorted(error.reasons.items())}
        detail = " ".join(store_sentence(name, reason) for name, reason in reasons.items())
        return f"{_UNANSWERED[error.code]} {detail} Try again in a moment.", {"retrievers": reasons}
    if isinstance(error, StoreError):
        return f"{store_sentence(error.store, error.code)} Try again in a moment.", {"store": error.store}
    if isinstance(error, JournalError):
        return "The change could not be written down, so nothing was changed. Try again in a moment.", {}
    return "The embedding model is not available on the server. Its operator finds out more in the log.", {}


def _of_crash(error: BaseException) -> Problem:
    """A 500 with a number that stands in the log too, beside the trace."""
    number = request_id()
    _log.error("request %s failed: %s %r", number, request.method, request.path, exc_info=error)
    code = error.code if isinstance(error, HybridError) and error.code in CODES else "internal"
    detail = f"Something went wrong that nobody foresaw. The server's log tells more under request {number}."
    return Problem(500, code, detail)


_KEPT = ("Allow", "Retry-After", "WWW-Authenticate")


def _answer_http(error: HTTPException) -> Response | HTTPException:
    if error.code is None or isinstance(error, RoutingException):
        return error  # a redirect
    said = Headers(error.get_headers(request.environ))
    kept = {name: ", ".join(said.getlist(name)) for name in _KEPT if name in said}
    named = error.name.lower().replace(" ", "_")
    code = CODES.get(named, CODES["bad_request" if error.code < 500 else "internal"])
    return respond(Problem(code.status, code.code, error.description or error.name, {}, kept))


def _wants_json() -> bool:
    if f"{request.path}/".startswith(_JSON_PATHS) or _JSON_PAGES.fullmatch(request.path):
        return True
    if request.endpoint == "collections.document" and request.args.get("format") == "json":
        return True
    return request.accept_mimetypes.best_match(["text/html", *_JSON_TYPES], default="text/html") != "text/html"
