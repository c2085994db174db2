"""Who writes a collection? One Indexer: journal, clock, writer and flusher, and a thread that pays what is owed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from hybrid.embedding.base import Embedder
from hybrid.errors import HybridError, StoreError
from hybrid.indexing.clock import WRITERS, Clock, version_at
from hybrid.indexing.entries import Entry
from hybrid.indexing.flush import Flusher, Paid
from hybrid.indexing.journal import Backlog, Journal
from hybrid.indexing.machine import Machine
from hybrid.indexing.reconcile import Verification, repair, verify
from hybrid.indexing.update import Updater
from hybrid.indexing.writer import Writer
from hybrid.schema import Collection
from hybrid.settings import DurabilitySettings
from hybrid.stores.base import Store, VectorStore

_log = logging.getLogger(__name__)

MOST_SUSPECTS = 1000
MOST_CLEARED = 10_000
CLEARED_S = 600.0

ROUNDS = 3
"""Times that everything owed is tried at once, where some of it could be paid the time before."""


class Indexer:
    """Writes one collection, and keeps its stores in agreement. Thread-safe.

    journal: path of the journal file; None: in memory. stores: by name; `vector` also numbers the writers.
    """

    def __init__(
        self,
        collection: Collection,
        stores: Mapping[str, Store],
        vector: VectorStore,
        embedder: Callable[[], Embedder | None],
        journal: Path | None,
        durability: DurabilitySettings,
        machine: Machine = Machine(),  # noqa: B008 (a frozen value)
    ) -> None:
        self._collection = collection
        self._stores = stores
        self._durability = durability
        self._threads = machine.threads
        self.journal = Journal(journal, limit=durability.backlog, now=machine.now)
        self._clock = Clock(_writer_number(vector, self.journal), lambda: int(machine.now() * 1000))
        self._clock.see(self.journal.last_version())
        self._flusher = Flusher(collection, stores, embedder, self.journal, machine.threads)
        self._stopping = threading.Event()
        self._background: threading.Thread | None = None
        self._suspects: set[str] = set()
        self._cleared: dict[str, float] = {}
        self._lock = threading.Lock()

    def writer(self) -> Writer:
        """A writer for one `put` or `delete`."""
        return Writer(self._collection, self._stores, self.journal, self._flusher, self._clock, self._threads)

    def updater(self) -> Updater:
        """What changes single fields. Two updates of a document must not run at once."""
        return Updater(self._collection, self._stores, self.journal, self._clock, self.pay)

    def now(self) -> int:
        """A version larger than all that this process has written or seen."""
        return self._clock.tick()

    def pay(self, entries: Sequence[Entry]) -> Mapping[str, Paid]:
        """What became of changes that carry versions of their own, journaled and written like any other."""
        self.journal.append(entries)
        return self._flusher.pay(entries)

    def flush(self) -> Backlog:
        """What is still owed after everything that is due was tried, whatever failed before."""
        self._flusher.wait()
        self._replay()
        self._drain()
        return self.journal.backlog()

    def verify(self) -> Verification:
        """Where the stores disagree about what was written before now."""
        return verify(self._stores, self.journal, self._clock.tick(), self.horizon())

    def repair(self) -> tuple[Verification, int]:
        """What disagreed, and how many documents were repaired; debts are paid first, old tombstones go last."""
        self.flush()
        found = self.verify()
        repaired = self.mend(one.id for one in found.differences)
        self._drain()
        self.expunge()
        return found, repaired

    def mend(self, ids: Iterable[str]) -> int:
        """The number of these documents that the stores disagreed on, and that were repaired."""
        return repair(ids, self._stores, self.journal, self._flusher, self._clock, self.horizon())

    def horizon(self) -> int:
        """The version below which tombstones are removed for good."""
        return version_at(self._clock.now_s() - self._durability.tombstone_s)

    def suspect(self, ids: Iterable[str]) -> None:
        """Compares these documents in both stores soon, in the background, and repairs what differs.

        A document that was looked at in the last ten minutes, with nothing found, is not looked at again.
        """
        now = time.monotonic()
        with self._lock:
            self._suspects.update(one for one in ids if self._cleared.get(one, 0.0) < now)
        self.work()

    def expunge(self) -> int:
        """The number of tombstones removed for good, older than any write that may still come."""
        return sum(store.expunge(self.horizon()) for store in self._stores.values())

    def settled(self) -> None:
        """Returns when all that was written is acknowledged as durable, or known not to be."""
        self._flusher.wait()

    def work(self, every_s: float = 1.0) -> None:
        """Pays debts in the background from now on, every so many seconds, until `close`."""
        with self._lock:
            if self._background is None:
                self._background = threading.Thread(
                    target=self._loop, args=(every_s,), name="hybrid-flush", daemon=True
                )
                self._background.start()

    def close(self) -> None:
        """Ends the background work, waits for acknowledgements and gives up the journal."""
        self._stopping.set()
        if self._background is not None:
            self._background.join()
        self._flusher.close()
        self.journal.close()

    def _drain(self) -> None:
        """Pays all that nobody else is paying, and a few times more what a store lost meanwhile by restarting."""
        for _ in range(ROUNDS):
            self._flusher.wait()
            self.journal.hurry()
            if not self._flusher.drain():
                break
        self._flusher.wait()

    def _loop(self, every_s: float) -> None:
        while not self._stopping.wait(every_s):
            try:
                self._replay()
                self._flusher.drain()
                self._look_at_suspects()
            except HybridError as error:
                _log.warning("debts are tried again later: %s", error)
            except Exception:  # noqa: BLE001 (nobody else pays what is owed)
                _log.exception("the work in the background failed in a way nobody foresaw, and goes on")

    def _look_at_suspects(self) -> None:
        with self._lock:
            ids, self._suspects = sorted(self._suspects)[:MOST_SUSPECTS], set()
            if len(self._cleared) > MOST_CLEARED:
                self._cleared.clear()
        if ids:
            repaired = self.mend(ids)
            if repaired:
                _log.warning("%d documents on which the stores disagreed were repaired", repaired)
            until = time.monotonic() + CLEARED_S
            self._cleared.update(dict.fromkeys(ids, until))

    def _replay(self) -> None:
        """Owes again what a store that cannot make writes durable may have lost by restarting."""
        for name in self.journal.volatile():
            try:
                lost = self.journal.restarted(name, self._stores[name].incarnation(), self._durability.volatile_s)
            except StoreError as error:
                _log.warning("whether it restarted is not known: %s", error)
                continue
            if lost:
                _log.warning("the %s store restarted and may have lost %d changes: they are sent again", name, lost)


def _writer_number(vector: VectorStore, journal: Journal) -> int:
    """A number that no other running writer of the collection has; of the journal where the store does not answer."""
    try:
        return vector.take_writer() % WRITERS
    except StoreError as error:
        _log.warning("the journal numbers this writer: %s", error)
        return journal.take_writer()
