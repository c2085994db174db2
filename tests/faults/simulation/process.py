"""Who writes? A process that may die: an Indexer on a journal file that outlives it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from hybrid.errors import EmbeddingError
from hybrid.indexing.indexer import Indexer
from hybrid.indexing.machine import Machine
from hybrid.model import Vector
from hybrid.schema import Collection
from hybrid.settings import DurabilitySettings
from hybrid.stores.base import Store, VectorStore
from tests.embedders import HashedWords
from tests.faults.simulation.threads import Queue
from tests.faults.simulation.weather import Fault, Weather

DURABILITY = DurabilitySettings(tombstone_s=7 * 86400.0, volatile_s=600.0)


class Crash(BaseException):
    """The process dies here; nothing of it is cleaned up."""


class Model(HashedWords):
    """Fails as the weather has it."""

    def __init__(self, weather: Weather, random: Random) -> None:
        super().__init__()
        self._weather = weather
        self._random = random

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 64)."""
        if self._weather.strikes(self._random, Fault.MODEL, self._weather.rate / 3):
            raise EmbeddingError("the model ran out of memory")
        return super().embed_documents(texts)


@dataclass(slots=True)
class Process:
    """journal: file. now: seconds since 1970 by its machine's clock. late: how likely acknowledgements wait, 0 to 1."""

    journal: Path
    collection: Collection
    stores: Mapping[str, VectorStore]
    weather: Weather
    random: Random
    now: Callable[[], float]
    late: float
    _indexer: Indexer | None = None
    _acknowledger: Queue | None = field(default=None, repr=False)

    @property
    def indexer(self) -> Indexer:
        """The running one; a new one after a crash."""
        if self._indexer is None:
            stores: dict[str, Store] = dict(self.stores)
            model = Model(self.weather, self.random)
            machine = Machine(self.now, self._threads)
            self._indexer = Indexer(
                self.collection, stores, self.stores["vector"], lambda: model, self.journal, DURABILITY, machine
            )
        return self._indexer

    def repair(self, ids: Sequence[str]) -> int:
        """The number of documents repaired of these ids, of which a search saw that the stores disagree."""
        return self.indexer.mend(ids)

    def idle(self) -> None:
        """Lets its acknowledgements run."""
        if self._acknowledger is not None:
            self._acknowledger.run_all()

    def die(self) -> None:
        """Nothing of it stays but the file, as after kill -9."""
        if self._indexer is not None:
            database = self._indexer.journal._database
            if database is not None:
                database.close()
        self._indexer = self._acknowledger = None

    def close(self) -> None:
        """Ends it as it should end."""
        if self._indexer is not None:
            self._indexer.close()
        self._indexer = self._acknowledger = None

    @contextmanager
    def disk_full(self) -> Iterator[None]:
        """The journal cannot grow."""
        indexer = self.indexer
        database = indexer.journal._opened()
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}").fetchone()
        try:
            yield
        finally:
            if self._indexer is indexer:  # else it is gone, and the limit with it
                database.execute(f"PRAGMA max_page_count = {2**30}").fetchone()

    def _threads(self, _: int, name: str) -> Executor:
        queue = Queue(self.random, self.late if name == "hybrid-acknowledge" else 0.0)
        if name == "hybrid-acknowledge":
            self._acknowledger = queue
        return queue
