"""How is a document written? In batches: normalise → check → hash → embed → write both stores at once.

Documents stream through, so memory stays the same however many there are. What both stores hold
already, with the same content, is neither embedded nor written again; what only one of them lacks
is sent to that one alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from hybrid.embedding.base import Embedder
from hybrid.embedding.passages import split
from hybrid.errors import DocumentError
from hybrid.indexing.clock import Clock
from hybrid.indexing.documents import content_hash, fingerprint, normalise
from hybrid.model import Document, DocumentOutcome, Outcome, Record, Span, State, Vector, WriteOutcome, Wrote
from hybrid.schema import Collection
from hybrid.stores.base import Store, check_vectors

BATCH = 256
"""Documents that are looked up, embedded and written together."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A document on its way: its content hash, and what each store knows of its id."""

    document: Document
    hash: str
    known: Mapping[str, State | None]

    @property
    def newest(self) -> State | None:
        """The newest state in any store."""
        return max(filter(None, self.known.values()), key=lambda state: state.version, default=None)

    @property
    def lacking(self) -> tuple[str, ...]:
        """The stores that lack the newest version, where its content is this; () where none does."""
        newest = self.newest
        return tuple(name for name, state in self.known.items() if state != newest)


class Writer:
    """Writes documents of one collection to all its stores.

    stores: by name. embedder: None where documents bring their own vectors. Its calls may come from
    several threads.
    """

    def __init__(
        self,
        collection: Collection,
        stores: Mapping[str, Store],
        embedder: Callable[[], Embedder | None],
        clock: Clock,
    ) -> None:
        self._collection = collection
        self._made_by = fingerprint(collection)
        self._stores = stores
        self._embedder = embedder
        self._clock = clock
        self.unknown_fields: Counter[str] = Counter()
        """Documents by field that is not in the schema."""

    def put(self, documents: Iterable[Any], *, strict: bool = False) -> Iterator[DocumentOutcome]:
        """The outcome of each document, batch by batch; within a batch in no promised order.

        strict: raise DocumentError at the first document that is rejected; earlier batches are written.
        """
        source = iter(documents)
        while batch := list(islice(source, BATCH)):
            yield from self._put_batch(batch, strict)

    def delete(self, ids: Iterable[str]) -> Iterator[DocumentOutcome]:
        """The outcome of each id: deleted or not_found."""
        source = iter(ids)
        while batch := list(dict.fromkeys(islice(source, BATCH))):
            yield from self._delete_batch(batch)

    def _put_batch(self, batch: Sequence[Any], strict: bool) -> Iterator[DocumentOutcome]:
        accepted: dict[str, Document] = {}
        for given in batch:
            try:
                document = self._checked(given)
            except DocumentError as error:
                if strict:
                    raise
                yield _rejected(given, error)
                continue
            if document.id in accepted:
                yield DocumentOutcome(document.id, Outcome.SUPERSEDED, "a later document of the same batch has this id")
            accepted[document.id] = document
        yield from self._write_changes(self._changes(list(accepted.values())), strict)

    def _checked(self, given: Any) -> Document:
        document = normalise(given)
        self._collection.schema.check(document)
        if document.vectors is not None:
            check_vectors(Record(document.id, 0, "", {}, document.vectors), self._collection)
        self.unknown_fields.update(self._collection.schema.unknown(document))
        if document.vectors is None and self._collection.model == "none":
            raise DocumentError(
                f"document {document.id!r} has no vector, and this collection has no model to make one; "
                "give each document a 'vector'",
                document_id=document.id,
                field="vector",
            )
        return document

    def _changes(self, documents: Sequence[Document]) -> list[_Change]:
        known = self._states([document.id for document in documents])
        return [
            _Change(
                document,
                content_hash(document, self._made_by),
                {name: states.get(document.id) for name, states in known.items()},
            )
            for document in documents
        ]

    def _states(self, ids: Sequence[str]) -> dict[str, dict[str, State]]:
        known = self._everywhere({name: partial(store.states, ids) for name, store in self._stores.items()})
        for states in known.values():
            for state in states.values():
                self._clock.see(state.version)
        return known

    def _write_changes(self, changes: Sequence[_Change], strict: bool) -> Iterator[DocumentOutcome]:
        todo: list[tuple[_Change, Outcome]] = []
        for change in changes:
            outcome = _outcome(change)
            if outcome is Outcome.UNCHANGED and not change.lacking:
                yield DocumentOutcome(change.document.id, outcome)
            else:
                todo.append((change, outcome))
        if not todo:
            return
        lists: dict[str, list[Record]] = {name: [] for name in self._stores}
        sent: list[tuple[Record, Outcome]] = []
        for (change, outcome), record in zip(todo, self._records([change for change, _ in todo]), strict=True):
            try:
                check_vectors(record, self._collection)
            except DocumentError as error:
                if strict:
                    raise
                yield DocumentOutcome(record.id, Outcome.REJECTED, str(error))
                continue
            sent.append((record, outcome))
            for name in change.lacking if outcome is Outcome.UNCHANGED else lists:
                lists[name].append(record)
        written = self._write(lists)
        yield from (_final(record, outcome, written) for record, outcome in sent)

    def _records(self, changes: Sequence[_Change]) -> list[Record]:
        embedded = self._embedded([change.document for change in changes])
        return [
            Record(
                id=change.document.id,
                version=self._version(change),
                hash=change.hash,
                source=change.document.fields,
                vectors=vectors,
                passages=spans,
            )
            for change, (vectors, spans) in zip(changes, embedded, strict=True)
        ]

    def _version(self, change: _Change) -> int:
        """The version to write: that of the store which has this content already, else a new one."""
        newest = change.newest
        return newest.version if newest and newest.hash == change.hash and not newest.deleted else self._clock.tick()

    def _embedded(self, documents: Sequence[Document]) -> list[tuple[Vector, tuple[Span, ...]]]:
        """Vectors and passages of each document; all passages of the batch are embedded in one call."""
        embedder = self._embedder() if any(document.vectors is None for document in documents) else None
        if embedder is None:
            return [(document.vectors, ()) for document in documents if document.vectors is not None]
        made = [document for document in documents if document.vectors is None]
        texts = [self._collection.schema.embedded_text(document.fields) for document in made]
        spans = [split(text, embedder.max_tokens, embedder.count_tokens) for text in texts]
        flat = [text[start:end] for text, of in zip(texts, spans, strict=True) for start, end in of]
        rows = iter(np.split(embedder.embed_documents(flat), np.cumsum([len(of) for of in spans])[:-1]))
        of_made = iter(zip(rows, spans, strict=True))
        return [next(of_made) if document.vectors is None else (document.vectors, ()) for document in documents]

    def _delete_batch(self, ids: Sequence[str]) -> Iterator[DocumentOutcome]:
        known = self._states(ids)
        there = [one for one in ids if any(one in of and not of[one].deleted for of in known.values())]
        yield from (DocumentOutcome(one, Outcome.NOT_FOUND) for one in ids if one not in there)
        nothing = np.empty((0, self._collection.vector.dim), np.float32)
        records = [Record(one, self._clock.tick(), "", {}, nothing, deleted=True) for one in there]
        written = self._write(dict.fromkeys(self._stores, records))
        yield from (_final(record, Outcome.DELETED, written) for record in records)

    def _write(self, lists: Mapping[str, Sequence[Record]]) -> dict[str, dict[str, WriteOutcome]]:
        calls = {name: partial(_write_all, self._stores[name], records) for name, records in lists.items() if records}
        return self._everywhere(calls)

    @staticmethod
    def _everywhere(calls: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        """What each call returned, all made at once; all end before the first error is raised."""
        with ThreadPoolExecutor(max(len(calls), 1), thread_name_prefix="hybrid-write") as pool:
            futures = {name: pool.submit(call) for name, call in calls.items()}
        return {name: future.result() for name, future in futures.items()}


def _write_all(store: Store, records: Sequence[Record]) -> dict[str, WriteOutcome]:
    return dict(zip((record.id for record in records), store.write(records), strict=True))


def _outcome(change: _Change) -> Outcome:
    newest = change.newest
    if newest is None or newest.deleted:
        return Outcome.CREATED
    return Outcome.UNCHANGED if newest.hash == change.hash else Outcome.UPDATED


def _final(record: Record, outcome: Outcome, written: Mapping[str, Mapping[str, WriteOutcome]]) -> DocumentOutcome:
    """The outcome, unless a store rejected the record or held a newer one."""
    of = [one[record.id] for one in written.values() if record.id in one]
    for rejected in (one for one in of if one.outcome is Wrote.REJECTED):
        return DocumentOutcome(record.id, Outcome.REJECTED, rejected.reason)
    if of and all(one.outcome is Wrote.SUPERSEDED for one in of):
        return DocumentOutcome(record.id, Outcome.SUPERSEDED, "a newer version was written at the same time")
    return DocumentOutcome(record.id, Outcome.UPDATED if outcome is Outcome.UNCHANGED else outcome)


def rejections(documents: Iterable[Any], *, strict: bool) -> Iterator[DocumentOutcome]:
    """The rejections of what cannot be a document, whatever the collection; strict: raises the first."""
    for given in documents:
        try:
            normalise(given)
        except DocumentError as error:
            if strict:
                raise
            yield _rejected(given, error)


def _rejected(given: Any, error: DocumentError) -> DocumentOutcome:
    return DocumentOutcome(error.document_id or _id_of(given), Outcome.REJECTED, str(error))


def _id_of(given: Any) -> str:
    value = given.get("id") if isinstance(given, Mapping) else None
    return str(value) if value is not None else ""
