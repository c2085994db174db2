"""How are debts paid? Changes of the journal embedded, written to the stores they are owed to, and settled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from hybrid.embedding.base import Embedder
from hybrid.errors import DocumentError, HybridError, JournalError, StoreError
from hybrid.indexing.clock import put_back
from hybrid.indexing.entries import Entry
from hybrid.indexing.failpoints import reach
from hybrid.indexing.journal import Journal
from hybrid.indexing.making import Maker
from hybrid.model import Record, Vector, WriteOutcome, Wrote
from hybrid.schema import Collection
from hybrid.stores.base import Store, check_vectors

_log = logging.getLogger(__name__)

BATCH = 512
"""Changes that are embedded and written together."""

PAYERS = 2
"""Batches that are written at the same time: while a store works on one, the next is put into its words."""

_Outcomes = dict[str, WriteOutcome]


@dataclass(frozen=True, slots=True)
class Paid:
    """What became of one change.

    owed: stores that did not take it yet, and `reason` why. rejected: why a store will never take it.
    superseded: every store that was owed it holds a newer version.
    """

    owed: tuple[str, ...] = ()
    reason: str = ""
    rejected: str = ""
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class _Taken:
    """What a store made of each record, by id, and the run of the store before it was asked."""

    run: str
    outcomes: _Outcomes


class Flusher:
    """Pays what a journal owes to the stores of one collection. Thread-safe.

    Durability is acknowledged behind the writes, by a thread of its own, so that a store which
    syncs once a second does not hold up the next batch.
    """

    def __init__(
        self,
        collection: Collection,
        stores: Mapping[str, Store],
        embedder: Callable[[], Embedder | None],
        journal: Journal,
        threads: Callable[[int, str], Executor] = ThreadPoolExecutor,
    ) -> None:
        self._collection = collection
        self._stores = stores
        self._maker = Maker(collection, embedder, self._renew)
        self._journal = journal
        self._runs: dict[str, str] = {}
        self._writers = threads(PAYERS * len(stores), "hybrid-write")
        self._acknowledger = threads(1, "hybrid-acknowledge")
        self._acknowledging: list[Future[None]] = []
        self._unsettled: dict[tuple[str, str], dict[str, int]] = {}
        self._lock = threading.Lock()

    def pay(self, entries: Sequence[Entry]) -> dict[str, Paid]:
        """What became of each change, by id. The changes must be leased to this process."""
        made = self._maker.made(entries)
        reach("embed.after")
        failed = [entry for entry in entries if entry.id in made.failed]
        if failed:
            self._journal.postpone({entry.id: entry.version for entry in failed})
            entries = [entry for entry in entries if entry.id not in made.failed]
        later = {entry.id: Paid(entry.owed, made.failed[entry.id]) for entry in failed}
        return later | self._paid(entries, made.records)

    def _paid(self, entries: Sequence[Entry], records: Mapping[str, Record]) -> dict[str, Paid]:
        """What became of each change, of which there is a record."""
        reach("write.before")
        self._renew()
        taken, refused = self._write(entries, records)
        reach("write.after")
        paid = {entry.id: self._settled(entry, taken, refused) for entry in entries}
        self._postpone([records[one] for one, of in paid.items() if of.owed])
        self._acknowledge(entries, taken)
        return paid

    def drain(self) -> int:
        """The number of changes that were due and are paid now. Stops where a store does not take them."""
        count = 0
        while entries := self._journal.claim(BATCH):
            paid = self.pay(entries)
            count += sum(not one.owed for one in paid.values())
        return count

    def wait(self) -> None:
        """Returns when all that was written is acknowledged as durable, or known not to be."""
        with self._lock:
            pending, self._acknowledging = self._acknowledging, []
        for future in pending:
            future.result()

    def close(self) -> None:
        """Waits for acknowledgements, then ends the threads."""
        self.wait()
        self._writers.shutdown()
        self._acknowledger.shutdown()

    def _write(
        self, entries: Sequence[Entry], records: Mapping[str, Record]
    ) -> tuple[dict[str, _Taken], dict[str, str]]:
        """By store, what it made of each record that it is owed; and by store that did not answer, why."""
        unfit = _unfit(records.values(), self._collection)
        lists = {name: [records[entry.id] for entry in entries if name in entry.owed] for name in self._stores}
        futures = {name: self._writers.submit(self._write_to, name, of, unfit) for name, of in lists.items() if of}
        taken: dict[str, _Taken] = {}
        refused: dict[str, str] = {}
        for name, future in futures.items():
            try:
                taken[name] = future.result()
            except HybridError as error:
                refused[name] = str(error)
            except Exception as error:  # noqa: BLE001 (the change stays owed, whatever went wrong)
                _log.exception("writing to the %s store failed in a way nobody foresaw", name)
                refused[name] = f"{type(error).__name__} (see the log)"
        return taken, refused

    def _write_to(self, name: str, records: Sequence[Record], unfit: Mapping[str, WriteOutcome]) -> _Taken:
        """What the store made of each record; unfit: those that it is not sent, by id."""
        store = self._stores[name]
        run = self._runs.get(name) or store.incarnation()
        sent = [record for record in records if record.id not in unfit]
        outcomes = dict(zip((record.id for record in sent), store.write(sent), strict=True))
        return _Taken(run, {record.id: unfit.get(record.id) or outcomes[record.id] for record in records})

    def _settled(self, entry: Entry, taken: Mapping[str, _Taken], refused: Mapping[str, str]) -> Paid:
        of = {name: taken[name].outcomes[entry.id] for name in entry.owed if name in taken}
        for name, outcome in of.items():
            if outcome.outcome is Wrote.REJECTED:
                return self._buried(entry, name, outcome.reason)
        why = {**refused} | {name: outcome.reason for name, outcome in of.items() if outcome.outcome is Wrote.REFUSED}
        owed = tuple(name for name in entry.owed if name in why)
        superseded = bool(of) and not owed and all(one.outcome is Wrote.SUPERSEDED for one in of.values())
        return Paid(owed, "; ".join(why[name] for name in owed), superseded=superseded)

    def _buried(self, entry: Entry, store: str, reason: str) -> Paid:
        """Puts a change that a store will never take away, and both stores back to what was there, or owed, before it.

        That gets the very next version, so that it does not overtake a later write that is still on its way.
        """
        _log.warning("document %r was rejected by %s: %s", entry.id, store, reason)
        before = self._journal.replaced(entry)  # first: what leaves the journal later is in the stores by then
        try:
            held = self._stores[store].records([entry.id]).get(entry.id)
        except StoreError as error:
            return Paid((store,), f"{reason}; what it holds instead is not known yet: {error}")
        if held is None or held.deleted or held.hash == entry.hash:
            held = Record(entry.id, held.version if held else 0, "", {}, self._nothing, deleted=True)
        version, owed = put_back(entry.version), tuple(self._stores)
        is_newer = before is not None and before.version > held.version
        instead = replace(before, version=version, owed=owed) if before and is_newer else _entry(held, version, owed)
        self._journal.bury(entry, store, reason, instead)
        reach("bury.after")
        return Paid(rejected=reason)

    @property
    def _nothing(self) -> Vector:
        return np.empty((0, self._collection.vector.dim), np.float32)

    def _postpone(self, records: Sequence[Record]) -> None:
        if records:
            self._journal.embedded(records)
            self._journal.postpone({record.id: record.version for record in records})

    def _renew(self) -> None:
        try:
            self._journal.renew()
        except JournalError as error:  # then another process may do the same work
            _log.warning("leases could not be renewed: %s", error)

    def _acknowledge(self, entries: Sequence[Entry], taken: Mapping[str, _Taken]) -> None:
        """Has what the stores have taken settled soon; one sync of a store covers all that it took before."""
        with self._lock:
            for name, of in taken.items():
                done = {entry.id: entry.version for entry in entries if _is_done(of.outcomes.get(entry.id))}
                self._unsettled.setdefault((name, of.run), {}).update(done)
        settling = self._acknowledger.submit(self._acknowledge_all)  # not under the lock, which it takes itself
        with self._lock:
            self._acknowledging = [future for future in (*self._acknowledging, settling) if not future.done()]

    def _acknowledge_all(self) -> None:
        with self._lock:
            unsettled, self._unsettled = self._unsettled, {}
        for (name, run), versions in unsettled.items():
            if versions:
                self._acknowledged(name, run, versions)

    def _acknowledged(self, name: str, run: str, versions: Mapping[str, int]) -> None:
        """Settles what a store has taken in this run of it."""
        try:
            durable = self._stores[name].sync()
            now = self._runs[name] = self._stores[name].incarnation()
            reach("sync.after")
            if now != run:
                _log.warning("the %s store restarted and may have lost %d changes: they stay owed", name, len(versions))
                self._journal.postpone(versions)
            elif durable:
                self._journal.settle(name, versions)
            else:
                self._journal.wrote(name, versions, run)
            reach("settle.after")
        except HybridError as error:
            _log.warning("what was written cannot be acknowledged yet and stays owed: %s", error)
            self._try_later(versions)

    def _try_later(self, versions: Mapping[str, int]) -> None:
        try:
            self._journal.postpone(versions)
        except JournalError as error:  # nobody is there to be told; they stay owed all the same
            _log.warning("changes stay leased to this process for a while: %s", error)


def _unfit(records: Iterable[Record], collection: Collection) -> _Outcomes:
    """The records whose vectors no store can keep: rejected, by id."""
    outcomes: _Outcomes = {}
    for record in records:
        try:
            check_vectors(record, collection)
        except DocumentError as error:
            outcomes[record.id] = WriteOutcome(Wrote.REJECTED, str(error))
    return outcomes


def _is_done(outcome: WriteOutcome | None) -> bool:
    return outcome is not None and outcome.outcome in (Wrote.WRITTEN, Wrote.SUPERSEDED)


def _entry(record: Record, version: int, owed: tuple[str, ...]) -> Entry:
    return Entry(record.id, version, record.hash, record.source, owed, record.vectors, record.passages, record.deleted)
