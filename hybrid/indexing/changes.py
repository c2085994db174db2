"""What is there to be done? Each document compared with what the stores and the journal know of its id."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TypeVar

from hybrid.errors import StoreError
from hybrid.indexing.clock import Clock
from hybrid.indexing.entries import Entry
from hybrid.indexing.journal import Journal
from hybrid.model import Document, Outcome, Record, State
from hybrid.stores.base import Store

_log = logging.getLogger(__name__)

T = TypeVar("T")

TELLER = "vector"
"""The store that tells states."""

FLYING = 3
"""Lots of ids that are looked up at the same time."""


@dataclass(frozen=True, slots=True)
class Change:
    """A document on its way: its content hash, and what writing it amounts to.

    newest: the newest state of its id anywhere, the journal included. holder: a store that has this very content as
    its newest, where there is one. lacking: the stores that are to be sent the content.
    """

    document: Document
    hash: str
    newest: State | None
    outcome: Outcome
    holder: str | None
    lacking: tuple[str, ...]


def _compared(document: Document, digest: str, known: Mapping[str, State | None], pending: State | None) -> Change:
    """What writing the document amounts to. known: by store, None where it knows nothing or did not answer."""
    states = [state for state in (*known.values(), pending) if state is not None]
    newest = max(states, key=_version, default=None)
    if newest is None or newest.deleted:
        return Change(document, digest, newest, Outcome.CREATED, None, tuple(known))
    if newest.hash != digest:
        return Change(document, digest, newest, Outcome.UPDATED, None, tuple(known))
    lacking = tuple(name for name, state in known.items() if state != newest)
    holder = next((name for name in known if name not in lacking), None)
    return Change(document, digest, newest, Outcome.UNCHANGED, holder, lacking)


_version = attrgetter("version")


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

    def change(self, document: Document, digest: str) -> Change:
        """What writing the document of this content hash amounts to."""
        return _compared(document, digest, self.of(document.id), self.pending.get(document.id))

    def unchanged(self, hashes: Mapping[str, str]) -> set[str]:
        """The ids, of these contents by id, that every store has with this very content as its newest: nothing is to
        be done about them."""
        told, *others = (states or {} for states in self.stores.values())
        same = {one for one, digest in hashes.items() if one in told and told[one].hash == digest}
        for states in others:
            same = {one for one in same if states.get(one) == told[one]}
        return {one for one in same if not told[one].deleted and one not in self.pending}

    def newest(self, document_id: str) -> int:
        """The newest version in any store; 0 where there is none."""
        return max((state.version for state in self.of(document_id).values() if state), default=0)


class Asked:
    """Ids that are being looked up, in all stores at once, while the caller makes others ready.

    One store tells states, which costs Redis little; of the others versions will do, as no two writes have the
    same one: only where they differ is more read of them.
    """

    def __init__(
        self, stores: Mapping[str, Store], journal: Journal, clock: Clock, pool: Executor, ids: Sequence[str]
    ) -> None:
        self._stores = stores
        self._journal = journal
        self._clock = clock
        self._pending = journal.states(ids)  # asked first: what leaves the journal later is in the stores by then
        self._told = pool.submit(_said, partial(self._states, TELLER, ids))
        self._versions = {
            name: pool.submit(_said, partial(self._versions_in, name, ids)) for name in stores if name != TELLER
        }

    def known(self) -> Known:
        """What is known of them. The clock moves past every version seen."""
        told = self._told.result()
        found = {TELLER: told} | {name: self._compared(name, told or {}) for name in self._versions}
        self._clock.see(self._journal.last_version())  # of all who share the journal
        newest = (state.version for states in found.values() for state in (states or {}).values())
        self._clock.see(max(newest, default=0))
        return Known({name: found[name] for name in self._stores}, self._pending)

    def _compared(self, name: str, told: Mapping[str, State]) -> Mapping[str, State] | None:
        """The states of a store: as they were told where its version is the same, else its own."""
        versions = self._versions[name].result()
        if versions is None:
            return None
        same = {one: told[one] for one, version in versions.items() if one in told and told[one].version == version}
        if len(same) == len(versions):
            return same
        own = _said(partial(self._states, name, [one for one in versions if one not in same]))
        return None if own is None else same | dict(own)

    def _states(self, name: str, ids: Sequence[str]) -> Mapping[str, State]:
        return self._stores[name].states(ids)  # a store that is dead may raise before it is asked anything

    def _versions_in(self, name: str, ids: Sequence[str]) -> Mapping[str, int]:
        return self._stores[name].versions(ids)


class Lookup:
    """What the stores and the journal know of ids."""

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

    @contextmanager
    def asking(self) -> Iterator[Callable[[Sequence[str]], Asked]]:
        """What has ids looked up; its threads end with the block."""
        with self._threads(len(self._stores) * FLYING, "hybrid-look-up") as pool:
            yield partial(Asked, self._stores, self._journal, self._clock, pool)

    def known(self, ids: Sequence[str]) -> Known:
        """What is known of the ids."""
        with self.asking() as ask:
            return ask(ids).known()

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


def _said(question: Callable[[], T]) -> T | None:
    """What the store says; None where it does not answer."""
    try:
        return question()
    except StoreError as error:
        _log.warning("what it holds is not known, so all is owed to it: %s", error)
        return None


def _copy(record: Record, owed: tuple[str, ...]) -> Entry:
    vectors = record.vectors if len(record.vectors) else None
    return Entry(record.id, record.version, record.hash, record.source, owed, vectors, record.passages)
