"""How is Elasticsearch reached, and what do its errors mean?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import elastic_transport as transport
import elasticsearch
from elastic_transport import HttpHeaders, NodeConfig, Urllib3HttpNode
from elastic_transport.client_utils import DEFAULT, DefaultType
from elasticsearch import ApiError, Elasticsearch, OrjsonSerializer

from hybrid.errors import StoreDenied, StoreError, StoreFull, StoreReplyError, StoreTimeout, StoreUnavailable
from hybrid.settings import ElasticsearchSettings
from hybrid.tracing import REQUEST_ID

NAME = "elasticsearch"
CONNECTIONS = 32
ANSWER_S = 30.0
"""Seconds an answer may take; a search has its own limit."""


class _Node(Urllib3HttpNode):
    """A node whose connections are not shared with the process it was forked from."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self._process = os.getpid()

    def perform_request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: HttpHeaders | None = None,
        request_timeout: DefaultType | float | None = DEFAULT,
    ) -> Any:
        if self._process != os.getpid():
            self.pool = type(self)(self.config).pool
            self._process = os.getpid()
        asked_for = REQUEST_ID.get()
        if asked_for:  # which Elasticsearch's slow logs and task list show
            headers = HttpHeaders({**(headers or {}), "x-opaque-id": asked_for})
        return super().perform_request(method, target, body, headers, request_timeout)


def connect(settings: ElasticsearchSettings) -> Elasticsearch:
    """A thread-safe client; nothing is sent before its first call. After a fork it connects anew.

    A call is sent once more when its connection broke, and never after a time-out or an error: whoever
    asked decides. A URL without a port means 9200, with https 443.
    """
    parts = urlsplit(settings.url.get_secret_value())
    port = parts.port or (443 if parts.scheme == "https" else 9200)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return Elasticsearch(
        f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}",
        node_class=_Node,
        serializer=OrjsonSerializer(),
        connections_per_node=CONNECTIONS,
        request_timeout=ANSWER_S,
        max_retries=1,
        retry_on_status=(),
        **_credentials(settings),
        **(_tls(settings) if parts.scheme == "https" else {}),
    )


def _credentials(settings: ElasticsearchSettings) -> dict[str, Any]:
    if settings.api_key:
        return {"api_key": settings.api_key.get_secret_value()}
    parts = urlsplit(settings.url.get_secret_value())
    user = settings.username or unquote(parts.username or "")
    password = settings.password.get_secret_value() if settings.password else unquote(parts.password or "")
    return {"basic_auth": (user, password)} if user or password else {}


def _tls(settings: ElasticsearchSettings) -> dict[str, Any]:
    files = {
        "ca_certs": settings.ca_certs,
        "client_cert": settings.client_cert,
        "client_key": settings.client_key,
    }
    return {name: str(path) for name, path in files.items() if path}


def location(client: Elasticsearch) -> str:
    """The URL without credentials, for messages."""
    return next(iter(client.transport.node_pool.all())).base_url


MEANINGS: dict[type[Exception], type[StoreError]] = {
    transport.TransportError: StoreError,
    transport.ConnectionError: StoreUnavailable,
    transport.TlsError: StoreUnavailable,
    transport.ConnectionTimeout: StoreTimeout,
    transport.SerializationError: StoreReplyError,
    transport.SniffingError: StoreUnavailable,
    transport.ApiError: StoreReplyError,
    elasticsearch.UnsupportedProductError: StoreReplyError,
    elasticsearch.AuthenticationException: StoreDenied,
    elasticsearch.AuthorizationException: StoreDenied,
}
"""What each of the client's errors means; one that is not named means what its nearest ancestor means."""

STATUSES: dict[int, type[StoreError]] = {
    401: StoreDenied,
    403: StoreDenied,
    408: StoreTimeout,
    413: StoreFull,
    429: StoreFull,
    502: StoreUnavailable,
    503: StoreUnavailable,
    504: StoreTimeout,
    507: StoreFull,
}
"""What an HTTP status means, of an answer or of one part of it; any other: the answer makes no sense here."""

_ADVICE: dict[type[StoreError], str] = {
    StoreUnavailable: "does not answer. Start it (docker compose up -d), or correct HYBRID_ELASTICSEARCH_URL",
    StoreTimeout: "did not answer in time. Try again, or look at what keeps it busy (GET _tasks)",
    StoreDenied: "refused. Correct the credentials (HYBRID_ELASTICSEARCH_API_KEY, or _USERNAME and _PASSWORD), "
    "or grant the privilege",
    StoreFull: "takes no more for now. Write more slowly, or give it more memory or disk",
    StoreReplyError: "gave an answer that makes no sense here",
    StoreError: "failed",
}
_UNVERIFIED = "cannot be reached by TLS. Correct HYBRID_ELASTICSEARCH_CA_CERTS, or the client's certificate and key"
_HUNG_UP = ("Connection aborted", "closed connection without response", "Connection reset")
_MISSING = "has no index for this collection. Index the documents again"


def reason(error: Any) -> str:
    """What Elasticsearch says went wrong, and why. error: the `error` of an answer or of a part of it."""
    if not isinstance(error, Mapping):
        return str(error)
    causes = [error, *error.get("root_cause", ())[:1], error.get("caused_by") or {}]
    said = dict.fromkeys(one["reason"] for one in causes if one.get("reason"))
    return ": ".join(said) or str(error.get("type", "no reason given"))


def refused(where: str, status: int, error: Any) -> StoreError:
    """The error of this package for an answer, or a part of one, with this status and `error`."""
    kind = STATUSES.get(status, StoreReplyError)
    missing = isinstance(error, Mapping) and error.get("type") == "index_not_found_exception"
    return kind(NAME, f"Elasticsearch at {where} {_MISSING if missing else _ADVICE[kind]} ({reason(error)})")


def check_complete(answer: Mapping[str, Any], where: str) -> None:
    """Nothing, when all shards answered a search in full. Raises StoreTimeout or StoreReplyError for half an answer."""
    if answer["timed_out"]:
        raise StoreTimeout(NAME, f"Elasticsearch at {where} answered only in part, for lack of time. Ask again")
    if answer["_shards"]["failed"]:
        why = reason(answer["_shards"].get("failures", [{}])[0].get("reason"))
        raise StoreReplyError(NAME, f"Elasticsearch at {where} answered only in part, as shards failed ({why})")


def meaning(error: Exception, where: str) -> StoreError:
    """The error of this package that says what `error`, one of the client's, means. where: the URL."""
    if isinstance(error, ApiError) and not isinstance(error, elasticsearch.UnsupportedProductError):
        body = error.body if isinstance(error.body, Mapping) else {}
        return refused(where, error.meta.status, body.get("error", error.message))
    kind = next(MEANINGS[one] for one in type(error).__mro__ if one in MEANINGS)
    advice = _UNVERIFIED if isinstance(error, transport.TlsError) else _ADVICE[kind]
    said = getattr(error, "message", error)  # `str` nests the name of each error that led to it
    if where.startswith("http:") and any(mark in str(said) for mark in _HUNG_UP):
        advice += ". If it speaks TLS, as a new installation does, write https://"
    elif "WRONG_VERSION_NUMBER" in str(said):
        advice = "speaks no TLS. Write http://, or set it up to speak TLS"
    return kind(NAME, f"Elasticsearch at {where} {advice} ({said})")


@contextmanager
def translated(client: Elasticsearch) -> Iterator[None]:
    """Whatever the client raises inside comes out as a StoreError."""
    try:
        yield
    except tuple(MEANINGS) as error:
        raise meaning(error, location(client)) from error
