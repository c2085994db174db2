"""Why was a document rejected? What our own checks say; what a store said stays in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from hybrid.engine import Engine
from hybrid.errors import CollectionNotFound, DocumentError
from hybrid.indexing.documents import normalise
from hybrid.model import Document
from hybrid.restricted import NOT_YOURS
from hybrid.schema import Collection, Schema
from hybrid.web.faults import Fault, FaultyDocument

_log = logging.getLogger(__name__)


def rejection(engine: Engine, given: Any, reason: str) -> DocumentError:
    """The error to tell of a document that the engine rejected, with all its fields that are wrong.

    reason: what the engine said, which is logged where it is not from our own checks.
    """
    try:
        document = normalise(given)
        collection = engine.collection
    except DocumentError as error:
        return error
    except CollectionNotFound:
        faults = []
    else:
        faults = list(_faults(collection, document))
    if len(faults) > 1:
        return FaultyDocument(document.id, faults)
    if faults:
        return DocumentError(faults[0].detail, document_id=document.id, field=str(faults[0].at[0]))
    if reason == NOT_YOURS:
        return DocumentError(f"document {document.id!r}: {reason}", document_id=document.id)
    _log.warning("document %r was rejected: %s", document.id, reason)
    said = f"document {document.id!r}: a store cannot hold it as it is. The server's log says why"
    return DocumentError(said, document_id=document.id)


def _faults(collection: Collection, document: Document) -> Iterator[Fault]:
    for one in collection.schema.fields:
        try:
            Schema((one,)).check(document)
        except DocumentError as error:
            yield Fault(str(error), (one.name,))
    try:
        collection.check_vectors(document.id, document.vectors)
    except DocumentError as error:
        yield Fault(str(error), ("vector",))
