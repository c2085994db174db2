"""What does a problem's code mean? One table: the status of each, what happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of problem. code and status are stable. title: what happened, in a few words; means, do: in sentences."""

    code: str
    status: int
    title: str
    means: str
    do: str


_AGAIN = "Try again after the seconds that Retry-After names. If it lasts, the operator finds the reason in the log."
_LOG = "Give the operator the request_id: the log says more under it."

_ALL = (
    Code(
        *("bad_request", 400, "The request cannot be read"),
        "The request is not well formed, or asks a server by a name that is not its own.",
        "Correct what detail names.",
    ),
    Code(
        *("invalid_json", 400, "The body is not the JSON that is wanted"),
        "The body is not JSON in UTF-8, is nested too deep, or is not the object or array that is wanted here.",
        "Send what detail asks for. Each line of a bulk body is one JSON object.",
    ),
    Code(
        *("invalid_query", 400, "An argument is wrong"),
        "An argument or a key of the body is unknown, of another type, or out of bounds.",
        "Correct each of errors: it names the argument, or the place in the body, and what would be right.",
    ),
    Code(
        *("invalid_filter", 400, "The filter cannot be used"),
        "The filter cannot be read, or names a field or a value that the collection does not have so.",
        "Look at position in the expression, or at the pointer of errors in a filter as JSON.",
    ),
    Code(
        *("invalid_cursor", 400, "The cursor was not given by this search"),
        "The cursor belongs to another search, or was changed on the way.",
        "Give next_cursor back as it was, with the arguments of the answer that had it.",
    ),
    Code(
        *("invalid_fusion", 400, "Rankings cannot be fused like that"),
        "The fusion method is unknown, or does not take the k, weights or normalizer that were given.",
        "Correct what detail names; it lists the methods there are.",
    ),
    Code(
        *("invalid_schema", 400, "No collection can be made of this"),
        "The first documents of a collection do not agree on what their fields are.",
        "Give each field one type, or name the fields in the operator's settings.",
    ),
    Code(
        *("invalid_input", 400, "What was given is wrong"),
        "Something that was given cannot be used; nothing was changed.",
        "Correct what detail names.",
    ),
    Code(
        *("unauthorized", 401, "A token is needed"),
        "The server has tokens, and none of them came with the request.",
        "Send Authorization: Bearer TOKEN, or, from a browser, give the token as the password.",
    ),
    Code(
        *("forbidden", 403, "The token is not for this"),
        "The token has another role, or a filter, or a page of another origin tried to change something.",
        "Use a token with the role that detail names.",
    ),
    Code(
        *("not_found", 404, "There is nothing at this address"),
        "No operation has this path.",
        "Look up the path in /openapi.json or on /docs.",
    ),
    Code(
        *("collection_not_found", 404, "There is no such collection"),
        "The collection has another name, or nothing was written to it yet.",
        "Leave collection out, or write a first document: that makes the collection.",
    ),
    Code(
        *("document_not_found", 404, "There is no such document"),
        "No document has this id, or it was deleted.",
        "Check the id; it is taken as it is, and percent-encoded in a URL.",
    ),
    Code(
        *("method_not_allowed", 405, "The address does not take this method"),
        "The path is right and the method is not.",
        "Use one of those that the header Allow names.",
    ),
    Code(
        *("document_conflict", 409, "The document is not as expected"),
        "The document has another value than expected says, so nothing was changed.",
        "Read the document again, and decide anew.",
    ),
    Code(
        *("collection_mismatch", 409, "The collection does not fit the settings"),
        "The collection was made with another model, schema or format than the server is set to.",
        "The operator opens it with what it was made with, or indexes it anew: hybrid reindex.",
    ),
    Code(
        *("cursor_gone", 410, "The answer is not kept any more"),
        "A cursor goes on with an answer that is kept for ten minutes at most.",
        "Search again.",
    ),
    Code(
        *("precondition_failed", 412, "The document has changed meanwhile"),
        "The ETag that If-Match names is not that of the document now, so nothing was changed.",
        "Read the document again, and decide anew.",
    ),
    Code(
        *("request_entity_too_large", 413, "The body is too large"),
        "The body is over 16 MB; it was not read. A bulk body of lines may be longer, each line may not.",
        "Send less at once; many documents as lines to POST /api/v1/documents.",
    ),
    Code(
        *("unsupported_media_type", 415, "The body has another type"),
        "The header Content-Type names another type than the operation takes.",
        "Send Content-Type: application/json, or application/x-ndjson for lines of documents.",
    ),
    Code(
        *("invalid_document", 422, "The document cannot be taken"),
        "The document has no id, a value of another type than its field, or a vector that does not fit.",
        "Correct each of errors; nothing of the document was written.",
    ),
    Code(
        *("too_many_requests", 429, "Too many requests"),
        "This client has sent more requests than the operator allows in the time that RateLimit-Policy names.",
        "Wait the seconds that Retry-After names.",
    ),
    Code(
        *("internal", 500, "Something went wrong that nobody foresaw"),
        "The server has a fault; what was asked is not to blame.",
        _LOG,
    ),
    Code(*("embedding", 500, "Content could not become a vector"), "The embedding model failed on a text.", _LOG),
    Code(
        *("invalid_settings", 500, "The server is set up wrongly"),
        "Settings are missing or contradict each other.",
        _LOG,
    ),
    Code(
        *("missing_extra", 500, "A part of the server is not installed"),
        "What was asked needs an optional part that the server does not have.",
        _LOG,
    ),
    Code(
        *("engine_closed", 500, "The server is ending"),
        "The engine was closed while a request was on its way.",
        "Try again when the server is back.",
    ),
    Code(
        *("search_unavailable", 503, "No retriever could answer"),
        "None of the retrievers that were asked could answer; retrievers says why. There is no empty answer instead.",
        _AGAIN,
    ),
    Code(
        *("retriever_required", 503, "A required retriever did not answer"),
        "A retriever did not answer that require names, or any with policy fail.",
        "Try again, or search with policy partial to take what the others find.",
    ),
    Code(
        *("overloaded", 503, "Too many searches wait already"),
        "The search was not begun, so that those before it are answered in time.",
        "Try again after the seconds that Retry-After names, or with fewer searches at once.",
    ),
    Code(*("store", 503, "A store failed"), "A store did not do what it was asked; store names it.", _AGAIN),
    Code(
        *("store_unavailable", 503, "A store cannot be reached"),
        "A store refuses connections or is still starting; store names it.",
        _AGAIN,
    ),
    Code(
        *("store_timeout", 503, "A store did not answer in time"),
        "A store did not answer in time; store names it. Whether a write was done there is not known; "
        "sending it again does no harm.",
        _AGAIN,
    ),
    Code(
        *("store_denied", 503, "A store refused access"),
        "A store refused the server's credentials; store names it.",
        "The operator corrects the credentials of the server.",
    ),
    Code(
        *("store_full", 503, "A store has no room"),
        "A store has no memory or disk left, or too many requests; store names it.",
        _AGAIN,
    ),
    Code(
        *("store_reply", 503, "A store gave an answer that makes no sense"),
        "A store lacks its index, or is no store of this kind; store names it.",
        _AGAIN,
    ),
    Code(
        *("journal", 503, "The change could not be written down"),
        "The journal cannot be written, so neither store was touched and nothing was changed.",
        _AGAIN,
    ),
    Code(
        *("backlog_full", 503, "Too many changes wait already"),
        "A store is so far behind that no more changes are taken; nothing was changed.",
        _AGAIN,
    ),
    Code(
        *("model_not_found", 503, "The embedding model is not available"),
        "The model's files are not on the server and cannot be fetched.",
        _LOG,
    ),
)

CODES: Mapping[str, Code] = {one.code: one for one in _ALL}
"""All codes, by their names, in the order of their statuses."""
