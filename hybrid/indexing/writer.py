"""How is a document written? In batches: normalise → check → hash → journal → embed → write both stores at once.

Documents stream through, so memory stays the same however many there are; while one batch is written,
the next is made ready. What both stores hold already, with the same content, is neither embedded nor
written again; what only one of them lacks is sent to that one alone, with the vectors the other has.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

import numpy as np

from hybrid.errors import BacklogFull, DocumentError
from hybrid.indexing.changes import PART, PARTS, Change, Known, Lookup
from hybrid.indexing.clock import Clock
from hybrid.indexing.documents import Located, content_hash, fingerprint, normalise
from hybrid.indexing.entries import Entry
from hybrid.indexing.failpoints import reach
from hybrid.indexing.flush import BATCH, Flusher, Paid
from hybrid.indexing.journal import Journal
from hybrid.model import Document, DocumentOutcome, Outcome
from hybrid.schema import Collection
from hybrid.stores.base import Store

_log = logging.getLogger(__name__)

BACKLOG_WAIT_S = 30.0
"""Seconds that a write waits for room in the journal before it gives up."""

AHEAD = 2
"""Batches that are journaled and wait to be written, while the next is made ready."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch made ready: the outcomes known already, and the changes in the journal with what they amount to."""

    settled: Sequence[DocumentOutcome]
    entries: Sequence[Entry] = ()
    planned: Mapping[str, Outcome] | None = None


@dataclass(frozen=True, slots=True)
class _Window:
    """Documents that were looked up together: what is settled of them, and what each of the others changes."""

    settled: Sequence[DocumentOutcome]
    changes: Sequence[Change]


_OVERTAKEN = "a later one of the same id came close behind"


class Writer:
    """Writes documents of one collection to all its stores, through its journal.

    stores: by name. Its calls may come from several threads.
    """

    def __init__(
        self,
        collection: Collection,
        stores: Mapping[str, Store],
        journal: Journal,
        flusher: Flusher,
        clock: Clock,
        threads: Callable[[int, str], Executor] = ThreadPoolExecutor,
    ) -> None:
        self._collection = collection
        self._made_by = fingerprint(collection)
        self._names = tuple(stores)
        self._lookup = Lookup(stores, journal, clock, threads)
        self._journal = journal
        self._flusher = flusher
        self._clock = clock
        self._threads = threads
        self.unknown_fields: Counter[str] = Counter()
        """Documents by field that is not in the schema."""

    def put(self, documents: Iterable[Any], *, strict: bool = False) -> Iterator[DocumentOutcome]:
        """The outcome of each document, batch by batch; within a batch in no promised order.

        strict: raise DocumentError at the first document that is rejected; earlier batches are written.
        """
        for outcome in self._written(self._ready(documents, strict)):
            if strict and outcome.outcome is Outcome.REJECTED:
                raise DocumentError(outcome.reason, document_id=outcome.id)
            yield outcome

    def delete(self, ids: Iterable[str], *, dry_run: bool = False) -> Iterator[DocumentOutcome]:
        """The outcome of each id: deleted or not_found. dry_run: what it would be; nothing is deleted."""
        return self._written(self._gone(list(dict.fromkeys(batch)), dry_run) for batch in _windows(ids, BATCH))

    def _written(self, batches: Iterable[_Batch]) -> Iterator[DocumentOutcome]:
        """The outcomes of the batches, in their order. Batches are made ready by the caller's thread alone."""
        with self._threads(1, "hybrid-put") as payer:
            waiting: deque[Future[list[DocumentOutcome]]] = deque()
            for batch in batches:
                waiting.append(payer.submit(self._paid, batch))
                if len(waiting) > AHEAD:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()

    def _ready(self, documents: Iterable[Any], strict: bool) -> Iterator[_Batch]:
        """Window by window, what is settled of it, then, batch by batch, what is to be written of it."""
        parts = _windows(documents, PART)
        for first in parts:
            window = self._looked_up(chain([first], islice(parts, PARTS - 1)), strict)
            todo = [change for change in window.changes if change.outcome is not Outcome.UNCHANGED or change.lacking]
            planned = {change.document.id: change.outcome for change in todo}
            idle = (change.document.id for change in window.changes if change.document.id not in planned)
            yield _Batch([*window.settled, *(DocumentOutcome(one, Outcome.UNCHANGED) for one in idle)])
            for batch in _windows(todo, BATCH):
                yield _Batch((), self._journaled(self._entries(batch)), planned)

    def _looked_up(self, parts: Iterable[Sequence[Any]], strict: bool) -> _Window:
        """The parts checked and compared; while one is read and checked, those before it are looked up."""
        settled: list[DocumentOutcome] = []
        accepted: dict[str, Document] = {}
        with self._lookup.asking() as asking:
            for part in parts:
                good = list(self._accepted(part, strict, settled))
                asking.ask([document.id for document in good])
                for document in good:
                    if document.id in accepted:
                        settled.append(DocumentOutcome(document.id, Outcome.SUPERSEDED, _OVERTAKEN))
                    accepted[document.id] = document
            known = asking.known()
        return _Window(settled, [self._change(document, known) for document in accepted.values()])

    def _accepted(self, given: Iterable[Any], strict: bool, settled: list[DocumentOutcome]) -> Iterator[Document]:
        for one in given:
            try:
                yield self._checked(one)
            except DocumentError as error:
                if strict:
                    raise
                settled.append(_rejected(one, error))

    def _checked(self, given: Any) -> Document:
        document = normalise(given)
        self._collection.schema.check(document)
        self._collection.check_vectors(document.id, document.vectors)
        self.unknown_fields.update(self._collection.schema.unknown(document))
        return document

    def _change(self, document: Document, known: Known) -> Change:
        hash = content_hash(document, self._made_by)
        return Change(document, hash, known.of(document.id), known.pending.get(document.id))

    def _entries(self, changes: Sequence[Change]) -> list[Entry]:
        copied = self._lookup.copies(changes)
        fresh = (change for change in changes if change.document.id not in copied)
        return [*map(self._entry, fresh), *copied.values()]

    def _entry(self, change: Change) -> Entry:
        document = change.document
        return Entry(document.id, self._clock.tick(), change.hash, document.fields, self._names, document.vectors)

    def _gone(self, ids: Sequence[str], dry_run: bool) -> _Batch:
        known = self._lookup.known(ids)
        there = [one for one in ids if known.may_exist(one)]
        missing = [DocumentOutcome(one, Outcome.NOT_FOUND) for one in ids if not known.may_exist(one)]
        if dry_run:
            return _Batch([*missing, *(DocumentOutcome(one, Outcome.DELETED) for one in there)])
        nothing = np.empty((0, self._collection.vector.dim), np.float32)
        entries = [Entry(one, self._clock.tick(), "", {}, self._names, nothing, deleted=True) for one in there]
        return _Batch(missing, self._journaled(entries), dict.fromkeys(there, Outcome.DELETED))

    def _journaled(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """The changes, now in the journal. Where it is full, waits for the stores to take some of it."""
        reach("journal.before")
        deadline = time.monotonic() + BACKLOG_WAIT_S
        while entries:
            try:
                self._journal.append(entries)
                break
            except BacklogFull:
                self._flusher.wait()
                if not self._flusher.drain():
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)
        reach("journal.after")
        return entries

    def _paid(self, batch: _Batch) -> list[DocumentOutcome]:
        """The outcomes of the batch, whose changes are paid now; one overtaken from the future is tried once more."""
        planned = batch.planned or {}
        paid = self._flusher.pay(batch.entries) if batch.entries else {}
        again = self._overtaken([entry for entry in batch.entries if paid[entry.id].superseded])
        if again:
            paid |= self._flusher.pay(self._journaled(again))
        return [*batch.settled, *(_outcome(entry.id, planned[entry.id], paid[entry.id]) for entry in batch.entries)]

    def _overtaken(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those superseded by a version from the future, with a version after it: a clock is ahead, they came later."""
        if not entries:
            return []
        known = self._lookup.known([entry.id for entry in entries])
        again = []
        for entry in entries:
            ahead = self._clock.ahead(known.newest(entry.id))
            if ahead > 0:
                _log.warning("document %r has a version %.1f s from the future: some clock is ahead", entry.id, ahead)
                again.append(replace(entry, version=self._clock.tick(), owed=self._names))
        return again


def _windows(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    source = iter(items)
    while window := list(islice(source, size)):
        yield window


def _outcome(document_id: str, planned: Outcome, paid: Paid) -> DocumentOutcome:
    if paid.rejected:
        return DocumentOutcome(document_id, Outcome.REJECTED, paid.rejected)
    if paid.owed:
        return DocumentOutcome(document_id, Outcome.PENDING, paid.reason, paid.owed)
    if paid.superseded and planned is not Outcome.UNCHANGED:
        return DocumentOutcome(document_id, Outcome.SUPERSEDED, "a newer version was written at the same time")
    return DocumentOutcome(document_id, Outcome.UPDATED if planned is Outcome.UNCHANGED else planned)


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
    where = f"{given.where}: " if isinstance(given, Located) else ""
    return DocumentOutcome(error.document_id or _id_of(given), Outcome.REJECTED, f"{where}{error}")


def _id_of(given: Any) -> str:
    value = given.get("id") if isinstance(given, Mapping) else None
    return str(value) if value is not None else ""
