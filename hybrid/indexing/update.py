"""How are single fields changed? The newest document read, merged with the changes, and written as a new version.

Vectors are kept where what they were made of stays the same, so a changed price costs no embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hybrid.errors import DocumentConflict, DocumentError, QueryError, StoreError
from hybrid.indexing.clock import Clock
from hybrid.indexing.documents import content_hash, fingerprint, normalise
from hybrid.indexing.entries import Entry
from hybrid.indexing.flush import Paid
from hybrid.indexing.journal import Journal
from hybrid.model import Document, DocumentOutcome, Outcome, Record
from hybrid.schema import Collection
from hybrid.stores.base import Store

TRIES = 3
"""Times that changes are merged anew because somebody else has written the document meanwhile."""


class Updater:
    """Changes single fields of documents of one collection. pay: journals and writes changes, as `Indexer.pay`."""

    def __init__(
        self,
        collection: Collection,
        stores: Mapping[str, Store],
        journal: Journal,
        clock: Clock,
        pay: Callable[[Sequence[Entry]], Mapping[str, Paid]],
    ) -> None:
        self._collection = collection
        self._stores = stores
        self._journal = journal
        self._clock = clock
        self._pay = pay

    def update(
        self,
        document_id: str,
        changes: Mapping[str, Any],
        expected: Mapping[str, Any],
        only_if: Mapping[str, Any] | None = None,
    ) -> DocumentOutcome:
        """What became of the document, as `Engine.update` says."""
        for _ in range(TRIES):
            held = self._newest(document_id)
            if held is None or held.deleted:
                return DocumentOutcome(document_id, Outcome.NOT_FOUND)
            check_expected(held, expected)
            check_whole(held, only_if)
            entry = self._entry(held, merged(held, changes))
            if entry.hash == held.hash:
                return DocumentOutcome(document_id, Outcome.UNCHANGED)
            paid = self._pay([entry])[document_id]
            if paid.rejected:
                raise DocumentError(f"document {document_id!r}: {paid.rejected}", document_id=document_id)
            if paid.owed:
                return DocumentOutcome(document_id, Outcome.PENDING, paid.reason, paid.owed)
            if not paid.superseded:
                return DocumentOutcome(document_id, Outcome.UPDATED)
        return DocumentOutcome(document_id, Outcome.SUPERSEDED, "newer versions were written at the same time")

    def check(self, document_id: str, only_if: Mapping[str, Any] | None) -> None:
        """Nothing, when the document is not there, or has these fields and no others. Raises DocumentConflict."""
        held = self._newest(document_id)
        if held is not None and not held.deleted:
            check_whole(held, only_if)

    def _newest(self, document_id: str) -> Record | Entry | None:
        """The newest version anywhere, tombstones included; None where there is none. Raises StoreError.

        The journal is asked first: what leaves it later is in the stores by then.
        """
        pending = self._journal.owed([document_id])
        held: list[Record | Entry] = []
        errors = []
        for name in self._stores:
            try:
                held += self._stores[name].records([document_id]).values()
            except StoreError as error:
                errors.append(error)
        newest = max([*held, *pending], key=lambda one: one.version, default=None)
        if newest is None and errors:
            raise errors[0]
        self._clock.see(max(self._journal.last_version(), newest.version if newest else 0))
        return newest

    def _entry(self, held: Record | Entry, document: Document) -> Entry:
        schema = self._collection.schema
        schema.check(document)
        self._collection.check_vectors(document.id, document.vectors)
        vectors, passages = document.vectors, held.passages
        if vectors is None and passages and schema.embedded_text(document.fields) == schema.embedded_text(held.source):
            vectors = held.vectors
        else:
            passages = ()
        digest = content_hash(document, fingerprint(self._collection))
        return Entry(document.id, self._clock.tick(), digest, document.fields, tuple(self._stores), vectors, passages)


def merged(held: Record | Entry, changes: Mapping[str, Any]) -> Document:
    """The document with the changes made; its vectors only where they were supplied. Raises DocumentError."""
    if not isinstance(changes, Mapping):
        raise QueryError(f"the changes are {changes!r}; give new values by field", field="changes")
    if changes.get("id", held.id) != held.id:
        raise DocumentError(
            f"document {held.id!r}: its id cannot be changed to {changes['id']!r}; put it under the new id, "
            "then delete the old one",
            document_id=held.id,
            field="id",
        )
    fields = {**held.source, **{name: value for name, value in changes.items() if name not in ("id", "vector")}}
    supplied = held.vectors if not held.passages else None
    return normalise(Document(held.id, fields, changes.get("vector", supplied)))


def check_expected(held: Record | Entry, expected: Mapping[str, Any]) -> None:
    """Nothing, when the document has these values, None standing for no value. Raises DocumentConflict."""
    for name, wanted in expected.items():
        value = held.source.get(name)
        if value != wanted or isinstance(value, bool) != isinstance(wanted, bool):  # True == 1, but is no 1
            raise DocumentConflict(
                f"document {held.id!r} was not changed: its {name!r} is {value!r}, not {wanted!r} as expected. "
                "Read it again, and decide anew",
                field=name,
            )


def check_whole(held: Record | Entry, only_if: Mapping[str, Any] | None) -> None:
    """Nothing, when the document has these fields and no others, or none are given. Raises DocumentConflict."""
    if only_if is not None:
        strangers = dict.fromkeys(held.source.keys() - only_if.keys())
        check_expected(held, {**only_if, **strangers})
