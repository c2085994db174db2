"""Which operations are there? One entry for each: what it does, what it takes, and what it may answer.

The models are those that validate; `hybrid.web.openapi` describes them in OpenAPI. A part of the application with
JSON answers of its own adds its operations with `add`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import Flask
from pydantic import BaseModel

from hybrid.model import Json
from hybrid.web import answers, parameters
from hybrid.web.queries import ExplainBody, ExplainUrl, ManyBody, PlanFlag, SearchBody, SearchUrl

NDJSON = "application/x-ndjson"
JSON = "application/json"
PLAIN = "text/plain"


@dataclass(frozen=True, slots=True)
class Content:
    """A body. kinds: models that it may be of, none for any object; listed: a JSON array of them. types: of media."""

    kinds: tuple[type[BaseModel], ...] = ()
    types: tuple[str, ...] = (JSON,)
    listed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """What can be asked at one path with one method. id: stable. url: models of the arguments. problems: codes.

    answers: by status, its meaning and its body. example: of a request's body, or else of an answer.
    """

    method: str
    path: str
    id: str
    group: str
    summary: str
    answers: Mapping[int, tuple[str, Content]]
    problems: tuple[str, ...] = ()
    about: str = ""
    url: tuple[type[BaseModel], ...] = ()
    body: Content | None = None
    example: Json = None


ALWAYS = ("bad_request", "invalid_query", "too_many_requests", "internal")
"""Codes that any operation may answer with."""

READ = (
    *("collection_not_found", "collection_mismatch", "engine_closed", "invalid_settings", "store"),
    *("store_unavailable", "store_timeout", "store_denied", "store_full", "store_reply"),
)
"""Codes of all that needs the collection."""

FOUND = (
    *READ,
    *("invalid_filter", "invalid_fusion", "search_unavailable", "retriever_required", "overloaded"),
    *("cursor_gone", "invalid_cursor", "document_not_found", "model_not_found", "embedding", "missing_extra"),
)
SENT = ("invalid_json", "unsupported_media_type", "request_entity_too_large")
WRITTEN = (*READ, "journal", "backlog_full", "model_not_found", "embedding")

_SEARCHED = Content((answers.SearchAnswer, answers.PlanAnswer))
_PROBABLY = "what it did is owed to a store, which gets it later"
_DOCUMENT = "/api/v1/documents/{document_id}"

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        *("get", "/api/v1/search", "searchByUrl", "search", "Search by the arguments of a URL"),
        {200: ("The answer; with plan=true the plan of the search.", _SEARCHED)},
        FOUND,
        "Lists are split by commas, boosts are JSON, and each retriever's weight is an argument of its own.",
        (SearchUrl, PlanFlag),
        example={"q": "quiet laptop", "filter": "price < 900", "facets": "brand", "limit": "5"},
    ),
    Operation(
        *("post", "/api/v1/search", "search", "search", "Search by a JSON body"),
        {200: ("The answer; with plan=true the plan of the search.", _SEARCHED)},
        (*FOUND, *SENT),
        "What is left out has its default. An answer with degraded is one that a retriever has no part in.",
        (PlanFlag,),
        Content((SearchBody,)),
        {"query": "quiet laptop", "filter": 'price < 900 AND brand IN ["acer", "lg"]', "facets": ["brand"], "limit": 5},
    ),
    Operation(
        *("post", "/api/v1/search/many", "searchMany", "search", "Search many times at once"),
        {
            200: (
                "The answers in the order of the searches; of one that fails, its problem.",
                Content((answers.ManyAnswer,)),
            )
        },
        (*FOUND, *SENT),
        "Queries are embedded together, and each store is asked once for all. They may ask for 25,600 hits in all.",
        (),
        Content((ManyBody,)),
        {"searches": [{"query": "quiet laptop"}, {"query": "bag", "limit": 3}]},
    ),
    Operation(
        *("get", "/api/v1/explain", "explainByUrl", "search", "Say how a search sees one document, by a URL"),
        {200: ("Its rank, or why it has none.", Content((answers.StandingAnswer,)))},
        FOUND,
        "Takes the arguments of a search, and the id of a document that it may find or not.",
        (ExplainUrl,),
        example={"id": "1", "q": "quiet laptop"},
    ),
    Operation(
        *("post", "/api/v1/explain", "explain", "search", "Say how a search sees one document, by a JSON body"),
        {200: ("Its rank, or why it has none.", Content((answers.StandingAnswer,)))},
        (*FOUND, *SENT),
        "",
        (),
        Content((ExplainBody,)),
        {"id": "1", "query": "quiet laptop", "filter": "price < 900"},
    ),
    Operation(
        *("get", "/search.json", "searchPage", "search", "What the search page of the same URL shows"),
        {200: ("The answer, and what can be chosen.", Content((answers.PageAnswer,)))},
        FOUND,
        "Takes also f.FIELD=VALUE, any number of times, from.FIELD and to.FIELD, which narrow the answer.",
        (SearchUrl, parameters.Shown),
        example={"q": "quiet laptop", "lang": "en"},
    ),
    Operation(
        *("get", "/compare.json", "comparePage", "search", "What one query finds under two to four settings"),
        {200: ("The settings side by side.", Content((answers.CompareAnswer,)))},
        FOUND,
        "The stores are asked once; each setting fuses what they found.",
        (parameters.Compared,),
        example={"q": "quiet laptop", "a": "standard", "b": "rrf"},
    ),
    Operation(
        *("get", "/api/v1/suggest", "suggest", "search", "Suggest how a text that is being typed goes on"),
        {200: ("Completions, and what may be meant.", Content((answers.SuggestAnswer,)))},
        (*READ, "invalid_filter"),
        "",
        (parameters.Suggested,),
        example={"q": "quiet lap"},
    ),
    Operation(
        *("get", "/api/v1/documents", "exportDocuments", "documents", "Export documents, one JSON object a line"),
        {200: ("The documents, streamed; an answer that breaks off is not whole.", Content((), (NDJSON,)))},
        (*READ, "invalid_filter", "invalid_document", "search_unavailable"),
        "All, those of a filter, or those of some ids. Lines are as a bulk body takes them.",
        (parameters.Exported,),
        example={"filter": "price < 900"},
    ),
    Operation(
        *("post", "/api/v1/documents", "writeDocuments", "documents", "Write many documents: a line in, a line out"),
        {
            200: (
                "What became of each line, in order, and a summary; streamed.",
                Content((answers.LineAnswer, answers.BulkSummary), (NDJSON,)),
            )
        },
        (*WRITTEN, *SENT, "invalid_schema"),
        'A JSON array of documents, or one a line; a line {"_delete": "id"} deletes. A line that is wrong is rejected '
        "alone. Whoever is cut off sends all of it again: what is there already is unchanged.",
        (parameters.Written,),
        Content((), (JSON, NDJSON), listed=True),
        [{"id": "1", "title": "Quiet laptop", "price": 749.5}, {"_delete": "2"}],
    ),
    Operation(
        *("delete", "/api/v1/documents", "deleteDocuments", "documents", "Delete the documents of a filter"),
        {
            200: ("What became of them.", Content((answers.DeletedAnswer,))),
            202: (f"The same; {_PROBABLY}.", Content((answers.DeletedAnswer,))),
        },
        (*WRITTEN, "invalid_filter"),
        "",
        (parameters.Deleted,),
        example={"filter": "price > 5000", "dry_run": "true"},
    ),
    Operation(
        *("get", "/api/v1/count", "countDocuments", "documents", "Count documents"),
        {200: ("The number.", Content((answers.CountAnswer,)))},
        (*READ, "invalid_filter"),
        "All, or those of a filter.",
        (parameters.Filtered,),
        example={"filter": "price < 900"},
    ),
    Operation(
        *("get", _DOCUMENT, "getDocument", "documents", "Get one document"),
        {
            200: ("The document; its ETag names its fields.", Content((answers.DocumentAnswer,))),
            304: ("It is still what If-None-Match names.", Content(types=())),
        },
        (*READ, "document_not_found", "invalid_document", "search_unavailable"),
        "",
        (parameters.Parameters,),
        example={"document_id": "1"},
    ),
    Operation(
        *("put", _DOCUMENT, "putDocument", "documents", "Write one document, new or in place of an old one"),
        {
            200: ("It was updated, or is unchanged.", Content((answers.WrittenAnswer,))),
            201: ("It was created.", Content((answers.WrittenAnswer,))),
            202: (f"It is pending: {_PROBABLY}.", Content((answers.WrittenAnswer,))),
        },
        (*WRITTEN, *SENT, "invalid_document", "invalid_schema", "precondition_failed"),
        "The body has its fields, and, as vector, its own vector where it has one. With If-Match only a document "
        "that still has this ETag is replaced.",
        (parameters.Written,),
        Content(),
        {"title": "Quiet laptop", "brand": "acer", "price": 749.5},
    ),
    Operation(
        *("patch", _DOCUMENT, "patchDocument", "documents", "Change single fields of one document"),
        {
            200: ("It was updated, or is unchanged.", Content((answers.WrittenAnswer,))),
            202: (f"It is pending: {_PROBABLY}.", Content((answers.WrittenAnswer,))),
        },
        (*WRITTEN, *SENT, "invalid_document", "document_not_found", "document_conflict", "precondition_failed"),
        "The body has new values by field; null removes one.",
        (parameters.Updated,),
        Content(types=(JSON, "application/merge-patch+json")),
        {"price": 699, "discount": None},
    ),
    Operation(
        *("delete", _DOCUMENT, "deleteDocument", "documents", "Delete one document"),
        {
            200: ("It was deleted.", Content((answers.WrittenAnswer,))),
            202: (f"It is pending: {_PROBABLY}.", Content((answers.WrittenAnswer,))),
        },
        (*WRITTEN, "document_not_found", "invalid_document", "precondition_failed"),
        "",
        (parameters.Written,),
        example={"document_id": "1"},
    ),
    Operation(
        *("get", "/api/v1/collections", "listCollections", "server", "List the collection that is served"),
        {200: ("Its fields, its vectors and its size.", Content((answers.CollectionsAnswer,)))},
        (*READ, "search_unavailable"),
        "There is one; before its first document there is none.",
        (parameters.Nothing,),
        example={},
    ),
    Operation(
        *("get", "/api/v1/status", "readStatus", "server", "Say how the collection does in each store"),
        {200: ("What is wrong first; then stores, journal, circuits and caches.", Content((answers.StatusAnswer,)))},
        (*READ, "search_unavailable"),
        "A store that does not answer is told in the answer.",
        (parameters.Nothing,),
        example={},
    ),
    Operation(
        *("get", "/metrics", "readMetrics", "server", "How it does: counters and times, as Prometheus reads them"),
        {200: ("The counts, as text.", Content((), (PLAIN,)))},
        example={},
    ),
    Operation(
        *("get", "/healthz", "isAlive", "server", "Whether the process answers"),
        {200: ("It does.", Content((answers.AliveAnswer,)))},
        example={},
    ),
    Operation(
        *("get", "/readyz", "isReady", "server", "Whether searches and writes can be answered"),
        {
            200: (
                "They can: the journal can be written and one store answers, or all.",
                Content((answers.ReadyAnswer,)),
            ),
            503: ("They cannot; the body names what does not answer.", Content((answers.ReadyAnswer,))),
        },
        (),
        "",
        (parameters.Readiness,),
        example={"require": "all"},
    ),
    Operation(
        *("get", "/openapi.json", "describe", "server", "This description"),
        {200: ("An OpenAPI 3.1 document.", Content())},
        example={},
    ),
)


def add(app: Flask, operations: Iterable[Operation]) -> None:
    """Has the application describe these operations too."""
    app.extensions.setdefault("hybrid_operations", []).extend(operations)


def all_of(app: Flask) -> list[Operation]:
    """The operations of the application."""
    return [*OPERATIONS, *app.extensions.get("hybrid_operations", ())]
