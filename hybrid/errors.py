"""What can go wrong?

    HybridError                    anything raised on purpose by this package
    ├── InputError                 what was given is wrong; nothing was changed (also a ValueError)
    │   ├── DocumentError          a document cannot be taken: its id and field are named
    │   ├── QueryError             a search request cannot be run
    │   │   ├── FilterError        a filter cannot be read or does not fit the schema; `position` points at it
    │   │   └── CursorError        a cursor is of another search, or was tampered with
    │   ├── FusionError            rankings cannot be fused as asked
    │   └── SchemaError            a schema contradicts itself
    ├── SettingsError              settings are missing, unknown or contradict each other
    ├── CollectionError            something about a whole collection
    │   ├── CollectionNotFound     there is no collection of this name yet
    │   └── CollectionMismatch     it was made with another model, dimension, analysis, schema or format
    ├── DocumentNotFound           there is no document of this id
    ├── DocumentConflict           a document is not what an update expected it to be
    ├── StoreError                 a store did not do what it was asked; `store` names it
    │   ├── StoreUnavailable       refused, reset, unknown host, still loading
    │   ├── StoreTimeout           no answer in time; whether it was done is unknown
    │   ├── StoreDenied            wrong or missing credentials, missing privilege
    │   ├── StoreFull              out of memory or disk, too many requests
    │   └── StoreReplyError        an answer that makes no sense, or a missing index
    ├── JournalError               the journal cannot be read or written; no store was touched
    │   └── BacklogFull            too many changes wait to be written
    ├── EngineClosed               the engine was closed and is used again
    ├── EmbeddingError             content could not become a vector
    │   └── ModelNotFound          the model's files are not here and cannot be fetched
    ├── MissingExtra               an optional dependency is not installed
    ├── CursorGone                 the answer that a cursor goes on with is not kept any more
    └── SearchUnavailable          no retriever could answer
        ├── RetrieverRequired      one did not answer without which no answer was wanted
        └── Overloaded             too many searches wait already

Each message says what happened, why, and what to do. `code` is stable; messages are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class HybridError(Exception):
    """Anything raised on purpose by this package."""

    code: ClassVar[str] = "error"


class InputError(HybridError, ValueError):
    """What was given is wrong; nothing was changed."""

    code = "invalid_input"


class DocumentError(InputError):
    """A document cannot be taken. `document_id` and `field` are None where they are not known."""

    code = "invalid_document"

    def __init__(self, message: str, *, document_id: str | None = None, field: str | None = None) -> None:
        super().__init__(message)
        self.document_id = document_id
        self.field = field


class QueryError(InputError):
    """A search request cannot be run as asked. `field` names the argument that is wrong."""

    code = "invalid_query"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class FilterError(QueryError):
    """A filter cannot be read, or does not fit the schema. The message has the place and what would be right.

    position: where in the expression, in characters from 0; None for a filter that was given as JSON.
    pointer: where in the JSON, from its root, as RFC 6901 says; None for an expression.
    within: where the filter stands in the request.
    """

    code = "invalid_filter"
    within: tuple[str | int, ...] = ("filter",)

    def __init__(self, message: str, *, position: int | None = None, pointer: str | None = None) -> None:
        super().__init__(message, field="filter")
        self.position = position
        self.pointer = pointer


class CursorError(QueryError):
    """A cursor is of another search, or was tampered with."""

    code = "invalid_cursor"

    def __init__(self, message: str) -> None:
        super().__init__(message, field="cursor")


class FusionError(InputError):
    """Rankings cannot be fused as asked."""

    code = "invalid_fusion"


class SchemaError(InputError):
    """A schema contradicts itself or cannot be inferred."""

    code = "invalid_schema"


class SettingsError(HybridError):
    """Settings are missing, unknown or contradict each other."""

    code = "invalid_settings"


class CollectionError(HybridError):
    """Something about a whole collection."""

    code = "collection"


class CollectionNotFound(CollectionError):
    """There is no collection of this name yet."""

    code = "collection_not_found"


class CollectionMismatch(CollectionError):
    """The collection was made with another model, dimension, analysis, schema or format."""

    code = "collection_mismatch"


class DocumentNotFound(HybridError):
    """There is no document of this id."""

    code = "document_not_found"


class DocumentConflict(HybridError):
    """A document is not what an update expected it to be; nothing was changed. `field` names the first difference."""

    code = "document_conflict"

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


class StoreError(HybridError):
    """A store did not do what it was asked. `store` is its name, such as "redis"."""

    code = "store"

    def __init__(self, store: str, message: str) -> None:
        super().__init__(f"{store}: {message}")
        self.store = store


class StoreUnavailable(StoreError):
    """The store cannot be reached: refused, reset, unknown host, or still loading its data."""

    code = "store_unavailable"


class StoreTimeout(StoreError):
    """The store did not answer in time. Whether a write was done is unknown."""

    code = "store_timeout"


class StoreDenied(StoreError):
    """The store refused the credentials, or they lack a privilege."""

    code = "store_denied"


class StoreFull(StoreError):
    """The store is out of memory or disk, or has too many requests."""

    code = "store_full"


class StoreReplyError(StoreError):
    """The store's answer makes no sense here, such as a missing index."""

    code = "store_reply"


class JournalError(HybridError):
    """The journal cannot be read or written; no store was touched."""

    code = "journal"


class BacklogFull(JournalError):
    """Too many changes wait to be written to a store. `held` and `limit` count them."""

    code = "backlog_full"

    def __init__(self, held: int, limit: int) -> None:
        super().__init__(
            f"{held} changes wait to be written, and the journal takes {limit}. Nothing of this batch was taken. "
            "Look which store is behind with: hybrid status"
        )
        self.held = held
        self.limit = limit


class EngineClosed(HybridError):
    """The engine was closed and is used again."""

    code = "engine_closed"


class EmbeddingError(HybridError):
    """Content could not become a vector."""

    code = "embedding"


class ModelNotFound(EmbeddingError):
    """The model's files are not here and cannot be fetched."""

    code = "model_not_found"


class MissingExtra(HybridError):
    """An optional dependency is not installed."""

    code = "missing_extra"

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs an optional part. Install it with: pip install 'hybrid-engine[{extra}]'")
        self.extra = extra


class CursorGone(HybridError):
    """The answer that a cursor goes on with is not kept any more."""

    code = "cursor_gone"


class SearchUnavailable(HybridError):
    """No retriever could answer. `reasons` says why, by retriever or store name, as stable codes."""

    code = "search_unavailable"
    said: ClassVar[str] = "no retriever could answer ({}). Check the stores with: hybrid status"

    def __init__(self, reasons: Mapping[str, str], details: Mapping[str, str] | None = None) -> None:
        listed = "; ".join(f"{name}: {text}" for name, text in sorted((details or reasons).items()))
        super().__init__(self.said.format(listed))
        self.reasons = dict(reasons)


class RetrieverRequired(SearchUnavailable):
    """A retriever did not answer without which no answer was wanted; `reasons` as in SearchUnavailable."""

    code = "retriever_required"
    said = "a required retriever did not answer ({}). Search with policy partial to take what the others find"


class Overloaded(SearchUnavailable):
    """Too many searches wait already, so this one was not begun; `reasons` as in SearchUnavailable."""

    code = "overloaded"
    said = "too many searches wait already ({}). Try again in a second, or with fewer at once"
