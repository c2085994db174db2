"""What can a program ask? The JSON API under /api/v1: searches, and documents one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import BadRequest
from werkzeug.routing import BaseConverter

from hybrid.errors import CollectionNotFound, DocumentConflict, DocumentError, DocumentNotFound
from hybrid.model import DocumentOutcome, Json, Outcome
from hybrid.result import SearchResult
from hybrid.web.parameters import Nothing, Parameters, Suggested, Updated, Written, given
from hybrid.web.problems import of_hybrid
from hybrid.web.queries import answer, answer_many, planned, standing
from hybrid.web.rejections import rejection
from hybrid.web.transfer import changed, seen, tag_of
from hybrid.web.wire import engine, json_object, reply

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


class DocumentId(BaseConverter):
    """The rest of the path, slashes included, wherever they stand."""

    regex = ".+"
    part_isolating = False


@blueprint.route("/search", methods=["GET", "POST"])
def search() -> Response:
    """The answer to `?q=…` or to a JSON body: `SearchResult.to_dict()`; with `plan=true` its plan, which is not run."""
    plan = planned()
    return reply(answer().to_dict() if plan is None else plan)


@blueprint.post("/search/many")
def search_many() -> Response:
    """The answers to the body's `searches`, in their order; of one that fails, the problem, in its place."""
    return reply(
        {
            "answers": [
                one.to_dict() if isinstance(one, SearchResult) else of_hybrid(one, ("searches", place)).to_dict()
                for place, one in enumerate(answer_many())
            ]
        }
    )


@blueprint.route("/explain", methods=["GET", "POST"])
def explain() -> Response:
    """How the search sees the document of `id`, found or not: `Standing.to_dict()`."""
    return reply(standing().to_dict())


@blueprint.get("/suggest")
def suggest() -> Response:
    """What `?q=…` may mean, among the documents of `filter`: `Suggestions.to_dict()`, of `limit` completions."""
    asked = given(Suggested)
    return reply(engine().suggest(asked.q, asked.filter, asked.limit).to_dict())


@blueprint.get("/collections")
def collections() -> Response:
    """The collection that is served, in a list, which is empty before there is one: its fields, vectors and size."""
    given(Nothing)
    try:
        one = engine().collection
    except CollectionNotFound:
        return reply({"collections": []})
    said = one.to_json()
    facts = {"name": one.name, "model": one.model, "documents": engine().count()}
    return reply({"collections": [facts | {"fields": said["schema"]["fields"], "vector": said["vector"]}]})


@blueprint.get("/documents/<document_id:document_id>")
def get(document_id: str) -> Response:
    """The fields of one document, with an ETag that names them; 304 where If-None-Match has that."""
    _addressed(document_id, Parameters)
    document = engine().get(document_id)
    response = reply({"id": document_id, "document": document})
    response.set_etag(tag_of(document))
    response.make_conditional(request)
    return response


@blueprint.put("/documents/<document_id:document_id>")
def put(document_id: str) -> Response:
    """Writes one document, whose fields are the body: 201 where it is new, 202 where a store is owed it, else 200."""
    wait = _addressed(document_id, Written).wait
    body = json_object()
    if body.get("id", document_id) != document_id:
        raise DocumentError(
            f"the id in the body is {body['id']!r} and that in the URL {document_id!r}; leave it out of the body",
            document_id=document_id,
            field="id",
        )
    outcomes: list[DocumentOutcome] = []
    document = body | {"id": document_id}
    fields = seen(document_id)
    if fields is not None:
        return _written(_changed(document_id, {"vector": None, **dict.fromkeys(fields), **body}, fields, wait=wait))
    report = engine().put([document], wait=wait, on_outcome=outcomes.append)
    said = outcomes[0]
    if said.outcome is Outcome.REJECTED:
        raise rejection(engine(), document, said.reason)
    headers = {"Location": url_for("api.get", document_id=document_id)} if said.outcome is Outcome.CREATED else {}
    return _written(said, report.notes, headers)


@blueprint.patch("/documents/<document_id:document_id>")
def patch(document_id: str) -> Response:
    """Changes fields of one document, those of the body, where null removes one: 200, or 202 where a store is owed it.

    `?expected=…`: a JSON object of values that the document must have now, null for none; else the answer is a 409.
    """
    asked, changes = _addressed(document_id, Updated), json_object()
    return _written(_changed(document_id, changes, seen(document_id), expected=asked.expected, wait=asked.wait))


def _changed(document_id: str, changes: dict[str, Json], fields: dict[str, Json] | None, **how: Any) -> DocumentOutcome:
    """What became of a document whose fields are changed. fields: those that it must have, by If-Match."""
    try:
        said = engine().update(document_id, changes, only_if=fields, **how)
    except DocumentConflict as error:
        raise (error if fields is None else changed()) from error
    except DocumentError as error:
        if error.field == "id":
            raise
        raise rejection(engine(), engine().get(document_id) | changes | {"id": document_id}, str(error)) from error
    if said.outcome is Outcome.NOT_FOUND:
        raise _nobody(document_id) if fields is None else changed()
    return said


@blueprint.delete("/documents/<document_id:document_id>")
def delete(document_id: str) -> Response:
    """Deletes one document: 200, or 202 where a store is owed the deletion."""
    wait, fields = _addressed(document_id, Written).wait, seen(document_id)
    try:
        report = engine().delete([document_id], only_if=fields, wait=wait)
    except DocumentConflict as error:
        raise changed() from error
    if Outcome.NOT_FOUND in report.counts:
        raise _nobody(document_id) if fields is None else changed()
    return _written(next(iter(report.problems), DocumentOutcome(document_id, next(iter(report.counts)))))


def _nobody(document_id: str) -> DocumentNotFound:
    return DocumentNotFound(f"there is no document {document_id!r} in collection {engine().settings.collection!r}")


_STATUSES = {Outcome.CREATED: HTTPStatus.CREATED, Outcome.PENDING: HTTPStatus.ACCEPTED}


def _written(said: DocumentOutcome, notes: Sequence[str] = (), headers: Mapping[str, str] | None = None) -> Response:
    """What became of a document; `owed` names the stores that did not take it yet, `notes` what is worth knowing."""
    more = {"owed": list(said.owed), "notes": list(notes)}
    body = {"id": said.id, "status": str(said.outcome)} | {name: listed for name, listed in more.items() if listed}
    return reply(body, _STATUSES.get(said.outcome, HTTPStatus.OK), headers)


_Asked = TypeVar("_Asked", bound=Parameters)


def _addressed(document_id: str, kind: type[_Asked]) -> _Asked:
    """The arguments of a document's URL. Raises BadRequest for a path that is not UTF-8, which would be another id."""
    try:
        request.environ["PATH_INFO"].encode("latin-1").decode()
    except UnicodeDecodeError as error:
        raise BadRequest(f"the id in the URL is not UTF-8 (it was read as {document_id!r}); encode it so") from error
    return given(kind)
