"""How is a document written? In batches: normalise → check → hash → journal → embed → write both stores at once.

Documents stream through, so memory stays the same however many there are; while one batch is written,
the next is made ready. What both stores hold already, with the same content, is neither embedded nor
written again; what only one of them lacks is sent to that one alone, with the vectors the other has.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hybrid.errors import BacklogFull, DocumentError
from hybrid.indexing.changes import Change, Lookup
from hybrid.indexing.clock import Clock
from hybrid.indexing.entries import Entry
from hybrid.indexing.failpoints import reach
from hybrid.indexing.flush import BATCH, PAYERS, Flusher, Paid
from hybrid.indexing.journal import Journal
from hybrid.indexing.lots import Compared, Lots, windows
from hybrid.model import DocumentOutcome, Outcome
from hybrid.schema import Collection
from hybrid.stores.base import Store

_log = logging.getLogger(__name__)

BACKLOG_WAIT_S = 30.0
"""Seconds that a write waits for room in the journal before it gives up."""

AHEAD = 3
"""Batches that are journaled and being written, while the next is made ready."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """A batch made ready: the outcomes known already, and the changes in the journal with what they amount to."""

    settled: Sequence[DocumentOutcome]
    entries: Sequence[Entry] = ()
    planned: Mapping[str, Outcome] | None = None


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
        self._names = tuple(stores)
        self._lookup = Lookup(stores, journal, clock, threads)
        self._lots = Lots(collection, self._lookup)
        self._journal = journal
        self._flusher = flusher
        self._clock = clock
        self._threads = threads

    @property
    def unknown_fields(self) -> Mapping[str, int]:
        """Documents by field that is not in the schema."""
        return self._lots.unknown_fields

    def put(self, documents: Iterable[Any], *, strict: bool = False) -> Iterator[DocumentOutcome]:
        """The outcome of each document, batch by batch; within a batch in no promised order.

        strict: raise DocumentError at the first document that is rejected; earlier batches are written.
        """
        for outcome in self._written(self._ready(self._lots.compared(documents, strict=strict))):
            if strict and outcome.outcome is Outcome.REJECTED:
                raise DocumentError(outcome.reason, document_id=outcome.id)
            yield outcome

    def delete(self, ids: Iterable[str], *, dry_run: bool = False) -> Iterator[DocumentOutcome]:
        """The outcome of each id: deleted or not_found. dry_run: what it would be; nothing is deleted."""
        return self._written(self._gone(list(dict.fromkeys(batch)), dry_run) for batch in windows(ids, BATCH))

    def _written(self, batches: Iterable[_Batch]) -> Iterator[DocumentOutcome]:
        """The outcomes of the batches, in their order. Batches are made ready by the caller's thread alone."""
        with self._threads(PAYERS, "hybrid-put") as payer:
            waiting: deque[tuple[Future[list[DocumentOutcome]], _Batch]] = deque()
            try:
                for batch in batches:
                    waiting.append((payer.submit(self._paid, batch), batch))
                    if len(waiting) >= AHEAD:
                        yield from waiting.popleft()[0].result()
                while waiting:
                    yield from waiting.popleft()[0].result()
            except KeyboardInterrupt:  # what was not begun is left in the journal, for whoever pays next
                for future, batch in waiting:
                    if future.cancel():
                        self._journal.postpone({entry.id: entry.version for entry in batch.entries})
                raise

    def _ready(self, compared: Iterable[Compared]) -> Iterator[_Batch]:
        for lot in compared:
            planned = {change.document.id: change.outcome for change in lot.changes}
            yield _Batch(lot.settled, self._journaled(self._entries(lot.changes)), planned)

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
        if missing:
            self._journal.forgive(one.id for one in missing)
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
        overtaken = [entry for entry in batch.entries if paid[entry.id].superseded]
        if overtaken:
            known = self._lookup.known([entry.id for entry in overtaken])
            newest = {entry.id: known.newest(entry.id) for entry in overtaken}
            own = (entry.id for entry in overtaken if newest[entry.id] == entry.version)
            paid |= dict.fromkeys(own, Paid())  # it was sent twice, after a broken connection or by two processes
            again = [self._once_more(entry, newest[entry.id]) for entry in overtaken if self._is_ahead(newest, entry)]
            paid |= self._flusher.pay(self._journaled(again)) if again else {}
        return [*batch.settled, *(_outcome(entry.id, planned[entry.id], paid[entry.id]) for entry in batch.entries)]

    def _is_ahead(self, newest: Mapping[str, int], entry: Entry) -> bool:
        """Whether it was superseded by another version that lies in the future."""
        return newest[entry.id] != entry.version and self._clock.ahead(newest[entry.id]) > 0

    def _once_more(self, entry: Entry, newest: int) -> Entry:
        """The change with a version after one from the future: a clock is ahead, and it came later."""
        ahead = self._clock.ahead(newest)
        _log.warning("document %r has a version %.1f s from the future: some clock is ahead", entry.id, ahead)
        return replace(entry, version=self._clock.tick(), owed=self._names)


def _outcome(document_id: str, planned: Outcome, paid: Paid) -> DocumentOutcome:
    if paid.rejected:
        return DocumentOutcome(document_id, Outcome.REJECTED, paid.rejected)
    if paid.owed:
        return DocumentOutcome(document_id, Outcome.PENDING, paid.reason, paid.owed)
    if paid.superseded and planned is not Outcome.UNCHANGED:
        return DocumentOutcome(document_id, Outcome.SUPERSEDED, "a newer version was written at the same time")
    return DocumentOutcome(document_id, Outcome.UPDATED if planned is Outcome.UNCHANGED else planned)
