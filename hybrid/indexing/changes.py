"""What is there to be done? Each document compared with what the stores and the journal know of its id."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from hybrid.errors import StoreError
from hybrid.indexing.clock import Clock
from hybrid.indexing.entries import Entry
from hybrid.indexing.journal import Journal
from hybrid.model import Document, Outcome, Record, State
from hybrid.stores.base import Store

_log = logging.getLogger(__name__)

PART = 256
"""Ids that a store is asked about at once."""


@dataclass(frozen=True, slots=True)
class Change:
    """A document on its way: its content hash, and what is known of its id.

    known: by store, None where it knows nothing or did not answer. pending: of the journal.
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


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of some ids. stores: by store, None for one that did not answer; pending: of the journal."""

    stores: Mapping[str, Mapping[str, State] | None]
    pending: Mapping[str, State]

    def of(self, document_id: str) -> dict[str, State | None]:
        """By store, its state of the id."""
        return {name: states.get(document_id) if states else None for name, states in self.stores.items()}

    def may_exist(self, document_id: str) -> bool:
        """Whether a document of this id is there anywhere, or may be in a store that did not answer."""
        views = [states for states in self.stores.values() if states is not None]
        unsure = len(views) < len(self.stores)
        return unsure or any(document_id in of and not of[document_id].deleted for of in (*views, self.pending))

    def newest(self, document_id: str) -> int:
        """The newest version in any store; 0 where there is none."""
        return max((state.version for state in self.of(document_id).values() if state), default=0)


class Lookup:
    """Asks the stores, all at once, and the journal. The clock moves past every version seen."""

    def __init__(
        self,
        stores: Mapping[str, Store],
        journal: Journal,
        clock: Clock,
        threads: Callable[[int, str], Executor] = ThreadPoolExecutor,
    ) -> None:
        self._stores = stores
        self._journal = journal
        self._clock = clock
        self._threads = threads

    def known(self, ids: Sequence[str]) -> Known:
        """What is known of the ids. The journal is asked first: what leaves it later is in the stores by then."""
        pending = self._journal.states(ids)
        parts = [ids[start : start + PART] for start in range(0, len(ids), PART)]
        with self._threads(len(self._stores) * max(len(parts), 1), "hybrid-look-up") as pool:
            asked = {name: pool.map(partial(self._asked, name), parts) for name in self._stores}
            found = {name: _together(list(answers)) for name, answers in asked.items()}
        self._clock.see(self._journal.last_version())  # of all who share the journal
        for states in found.values():
            for state in (states or {}).values():
                self._clock.see(state.version)
        return Known(found, pending)

    def copies(self, changes: Iterable[Change]) -> dict[str, Entry]:
        """By id, the record that one store holds and another lacks, as owed to the latter.

        What the holder does not have any more, or has otherwise by now, is left out and made anew.
        """
        wanted: dict[str, dict[str, Change]] = {name: {} for name in self._stores}
        for change in changes:
            if change.holder:
                wanted[change.holder][change.document.id] = change
        copied = {}
        for holder, of in wanted.items():
            for one, record in (self._held(holder, list(of)) if of else {}).items():
                if State(record.version, record.hash, record.deleted) == of[one].newest:
                    copied[one] = _copy(record, of[one].lacking)
        return copied

    def _held(self, name: str, ids: Sequence[str]) -> Mapping[str, Record]:
        try:
            return self._stores[name].records(ids)
        except StoreError as error:
            _log.warning("what it holds cannot be copied: %s", error)
            return {}

    def _asked(self, name: str, ids: Sequence[str]) -> Mapping[str, State] | None:
        try:
            return self._stores[name].states(ids)
        except StoreError as error:
            _log.warning("what it holds is not known, so all is owed to it: %s", error)
            return None


def _together(parts: Sequence[Mapping[str, State] | None]) -> dict[str, State] | None:
    """All parts as one; None where one of them is missing."""
    states: dict[str, State] = {}
    for part in parts:
        if part is None:
            return None
        states |= part
    return states


def _copy(record: Record, owed: tuple[str, ...]) -> Entry:
    vectors = record.vectors if len(record.vectors) else None
    return Entry(record.id, record.version, record.hash, record.source, owed, vectors, record.passages)
