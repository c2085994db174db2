"""How is a document written? In batches: normalise → check → hash → journal → embed → write both stores at once.

Documents stream through, so memory stays the same however many there are. What both stores hold
already, with the same content, is neither embedded nor written again; what only one of them lacks
is sent to that one alone, with the vectors the other has.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from hybrid.errors import BacklogFull, DocumentError, StoreError
from hybrid.indexing.clock import Clock
from hybrid.indexing.documents import content_hash, fingerprint, normalise
from hybrid.indexing.failpoints import reach
from hybrid.indexing.flush import BATCH, Flusher, Paid
from hybrid.indexing.journal import Entry, Journal
from hybrid.model import Document, DocumentOutcome, Outcome, State
from hybrid.schema import Collection
from hybrid.stores.base import Store

_log = logging.getLogger(__name__)

BACKLOG_WAIT_S = 30.0
"""Seconds that a write waits for room in the journal before it gives up."""

_States = Mapping[str, Mapping[str, State] | None]


@dataclass(frozen=True, slots=True)
class _Change:
    """A document on its way: its content hash, and what is known of its id.

    known: by store; UNREACHABLE where the store did not answer.
    """

    document: Document
    hash: str
    known: Mapping[str, State | None]
    pending: State | None

    @property
    def newest(self) -> State | None:
        """The newest state anywhere, the journal included."""
        states = [state for state in (*self.known.values(), self.pending) if state is not None]
        return max(states, key=lambda state: state.version, default=None)

    @property
    def outcome(self) -> Outcome:
        """What writing the document amounts to."""
        newest = self.newest
        if newest is None or newest.deleted:
            return Outcome.CREATED
        return Outcome.UNCHANGED if newest.hash == self.hash else Outcome.UPDATED

    @property
    def holder(self) -> str | None:
        """A store that has this very content as its newest, where there is one."""
        newest = self.newest
        if self.outcome is not Outcome.UNCHANGED:
            return None
        return next((name for name, state in self.known.items() if state == newest), None)

    @property
    def lacking(self) -> tuple[str, ...]:
        """The stores that are to be sent this content."""
        newest = self.newest if self.holder else None
        return tuple(name for name, state in self.known.items() if newest is None or state != newest)


class Writer:
    """Writes documents of one collection to all its stores, through its journal.

    stores: by name. Its calls may come from several threads.
    """

    def __init__(
        self, collection: Collection, stores: Mapping[str, Store], journal: Journal, flusher: Flusher, clock: Clock
    ) -> None:
        self._collection = collection
        self._made_by = fingerprint(collection)
        self._stores = stores
        self._journal = journal
        self._flusher = flusher
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
        for outcome in self._write(self._changes(list(accepted.values()))):
            if strict and outcome.outcome is Outcome.REJECTED:
                raise DocumentError(outcome.reason, document_id=outcome.id)
            yield outcome

    def _checked(self, given: Any) -> Document:
        document = normalise(given)
        self._collection.schema.check(document)
        self._collection.check_vectors(document.id, document.vectors)
        self.unknown_fields.update(self._collection.schema.unknown(document))
        return document

    def _changes(self, documents: Sequence[Document]) -> list[_Change]:
        ids = [document.id for document in documents]
        known, pending = self._states(ids), self._journal.states(ids)
        return [
            _Change(
                document,
                content_hash(document, self._made_by),
                {name: states.get(document.id) if states else None for name, states in known.items()},
                pending.get(document.id),
            )
            for document in documents
        ]

    def _states(self, ids: Sequence[str]) -> _States:
        """What each store knows of the ids, None for a store that does not answer; the clock moves past it all."""
        with ThreadPoolExecutor(len(self._stores), thread_name_prefix="hybrid-look-up") as pool:
            found = dict(zip(self._stores, pool.map(partial(self._asked, ids), self._stores), strict=True))
        for states in found.values():
            for state in (states or {}).values():
                self._clock.see(state.version)
        return found

    def _asked(self, ids: Sequence[str], name: str) -> Mapping[str, State] | None:
        try:
            return self._stores[name].states(ids)
        except StoreError as error:
            _log.warning("what it holds is not known, so all is owed to it: %s", error)
            return None

    def _write(self, changes: Sequence[_Change]) -> Iterator[DocumentOutcome]:
        todo = [change for change in changes if change.outcome is not Outcome.UNCHANGED or change.lacking]
        done = {change.document.id for change in todo}
        yield from (
            DocumentOutcome(change.document.id, Outcome.UNCHANGED)
            for change in changes
            if change.document.id not in done
        )
        outcomes = {change.document.id: change.outcome for change in todo}
        yield from self._paid(self._entries(todo), outcomes)

    def _entries(self, changes: Sequence[_Change]) -> list[Entry]:
        copied = self._copied([change for change in changes if change.holder])
        fresh = [
            Entry(change.document.id, self._clock.tick(), change.hash, change.document.fields, tuple(self._stores),
                  change.document.vectors)
            for change in changes
            if change.document.id not in copied
        ]  # fmt: skip
        return [*fresh, *copied.values()]

    def _copied(self, changes: Sequence[_Change]) -> dict[str, Entry]:
        """For what one store holds and another lacks, that very record, by id."""
        copied = {}
        for name in self._stores:
            owed = {change.document.id: change.lacking for change in changes if change.holder == name}
            for one, record in (self._stores[name].records(list(owed)) if owed else {}).items():
                vectors = record.vectors if len(record.vectors) else None
                copied[one] = Entry(
                    one, record.version, record.hash, record.source, owed[one], vectors, record.passages
                )
        return copied

    def _delete_batch(self, ids: Sequence[str]) -> Iterator[DocumentOutcome]:
        known, pending = self._states(ids), self._journal.states(ids)
        views = [*(states for states in known.values() if states is not None), pending]
        unsure = None in known.values()  # a store that does not answer may hold it
        there = [one for one in ids if unsure or any(one in of and not of[one].deleted for of in views)]
        missing = set(ids) - set(there)
        yield from (DocumentOutcome(one, Outcome.NOT_FOUND) for one in ids if one in missing)
        nothing = np.empty((0, self._collection.vector.dim), np.float32)
        names = tuple(self._stores)
        entries = [Entry(one, self._clock.tick(), "", {}, names, nothing, deleted=True) for one in there]
        yield from self._paid(entries, dict.fromkeys(there, Outcome.DELETED))

    def _paid(self, entries: Sequence[Entry], outcomes: Mapping[str, Outcome]) -> Iterator[DocumentOutcome]:
        """The outcomes of changes that are journaled, then paid; one overtaken from the future is tried once more."""
        if not entries:
            return
        paid = self._journaled(entries)
        overtaken = self._overtaken([entry for entry in entries if paid[entry.id].superseded])
        if overtaken:
            paid |= self._journaled(overtaken)
        for entry in entries:
            yield _outcome(entry.id, outcomes[entry.id], paid[entry.id])

    def _journaled(self, entries: Sequence[Entry]) -> dict[str, Paid]:
        reach("journal.before")
        self._append(entries)
        reach("journal.after")
        return self._flusher.pay(entries)

    def _append(self, entries: Sequence[Entry]) -> None:
        """Journals the changes; where the journal is full, waits for the stores to take some of it."""
        deadline = time.monotonic() + BACKLOG_WAIT_S
        while True:
            try:
                return self._journal.append(entries)
            except BacklogFull:
                self._flusher.wait()
                if not self._flusher.drain():
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)

    def _overtaken(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those superseded by a version from the future, with a version after it: a clock is ahead, they came later."""
        if not entries:
            return []
        known = self._states([entry.id for entry in entries])
        again = []
        for entry in entries:
            newest = max((of[entry.id].version for of in known.values() if of and entry.id in of), default=0)
            ahead = self._clock.ahead(newest)
            if ahead > 0:
                _log.warning(
                    "document %r has a version %.1f s from the future: a writer's clock is ahead", entry.id, ahead
                )
                again.append(replace(entry, version=self._clock.tick(), owed=tuple(self._stores)))
        return again


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
    return DocumentOutcome(error.document_id or _id_of(given), Outcome.REJECTED, str(error))


def _id_of(given: Any) -> str:
    value = given.get("id") if isinstance(given, Mapping) else None
    return str(value) if value is not None else ""
