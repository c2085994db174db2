"""What if it goes wrong exactly here? A simulated store that does first what a test says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from hybrid.model import Record, WriteOutcome
from hybrid.schema import Collection
from tests.faults.simulation.server import Durability, Server
from tests.faults.simulation.store import SimulatedStore
from tests.faults.simulation.weather import Weather


def nothing() -> None:
    """Does nothing."""


def fails(error: Exception) -> Callable[[], None]:
    """What raises the error."""

    def raise_it() -> None:
        raise error

    return raise_it


class ScriptedStore(SimulatedStore):
    """A store on a server of its own, in fair weather; before it writes, reads records or syncs, it does as told.

    has_mapping: it rejects a text that starts with `poison`.
    """

    def __init__(self, name: str, collection: Collection, durability: Durability, *, has_mapping: bool = False) -> None:
        self.server = Server(name, durability, Random(1), has_mapping=has_mapping)
        super().__init__(self.server, collection, Weather(0, frozenset(), calm=True), lambda _: True)
        self.before_write: Callable[[], None] = nothing
        self.before_records: Callable[[], None] = nothing
        self.before_sync: Callable[[], None] = nothing

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        """The outcome of each record."""
        self.before_write()
        return super().write(records)

    def records(self, ids: Sequence[str]) -> dict[str, Record]:
        """All that is held of each id."""
        self.before_records()
        return super().records(ids)

    def sync(self) -> bool:
        """Whether all is on the disk."""
        self.before_sync()
        return super().sync()
