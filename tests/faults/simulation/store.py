"""How is a simulated store reached? A client of a server, on a line that breaks as the weather has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NoReturn, TypeVar

from hybrid.errors import StoreFull, StoreTimeout, StoreUnavailable
from hybrid.model import Json, Ranking, Record, State, Stored, WriteOutcome, Wrote
from hybrid.schema import Collection
from hybrid.stores.base import VectorQuery
from tests.faults.simulation.server import Server
from tests.faults.simulation.weather import ANY_CALL, RESTARTS, WRITES, Fault, Weather

_Answer = TypeVar("_Answer")


class SimulatedStore:
    """A `VectorStore` on a server. may_restart: whether the server may crash now."""

    def __init__(
        self, server: Server, collection: Collection, weather: Weather, may_restart: Callable[[Server], bool]
    ) -> None:
        self._server = server
        self._collection = collection
        self._weather = weather
        self._may_restart = may_restart

    @property
    def name(self) -> str:
        """The server's name."""
        return self._server.name

    def load(self) -> Collection | None:
        """The collection, which is always there."""
        return self._collection

    def create(self, collection: Collection) -> None:
        """Nothing."""

    def drop(self) -> None:
        """Everything is gone."""
        self._server.wipe()

    def redirect(self, name: str | None) -> None:
        """Nothing: it lies under its own name."""

    def redirected(self) -> str | None:
        """None: it was never moved."""
        return None

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        """The outcome of each record, in order."""
        server = self._server
        fault = self._fault(WRITES)
        taken = server.random.randrange(len(records) + 1) if fault is Fault.PARTIAL else 0
        if taken:
            rest = WriteOutcome(Wrote.REFUSED, "429, too many requests")
            return [*server.write(records[:taken]), *[rest] * (len(records) - taken)]
        if fault in (Fault.FULL, Fault.PARTIAL):
            raise StoreFull(server.name, "429, too many requests")
        if fault is Fault.LATE:
            server.delay(records)
            raise StoreTimeout(server.name, "no answer in time")
        if fault is Fault.UNFORESEEN:
            raise RuntimeError("a bug in the client")
        if fault is Fault.TWICE:
            server.write(records)
        if self._weather.strikes(server.random, Fault.AGAIN, self._weather.rate):
            server.delay(records)
        return self._answered(fault, lambda: server.write(records))

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        """What is known of each id."""
        return self._read(lambda rows: {one: _state(rows[one]) for one in ids if one in rows})

    def versions(self, ids: Sequence[str]) -> dict[str, int]:
        """The version of each id."""
        return self._read(lambda rows: {one: rows[one].version for one in ids if one in rows})

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        """The documents of these ids."""
        found = self.records(ids).values()
        return {one.id: Stored(one.id, one.version, one.source, one.passages) for one in found if not one.deleted}

    def refresh(self) -> None:
        """Returns at once."""

    def sync(self) -> bool:
        """Whether all that was written before is on the server's disk."""
        return self._answered(self._fault((*ANY_CALL, Fault.TIMEOUT_AFTER, Fault.RESTART_WITHIN)), self._server.sync)

    def incarnation(self) -> str:
        """The number of the server's run."""
        return self._answered(self._fault(ANY_CALL), lambda: str(self._server.run))

    def records(self, ids: Sequence[str]) -> dict[str, Record]:
        """All that is held of each id."""
        return self._read(lambda rows: {one: rows[one] for one in ids if one in rows})

    def scan(self) -> Iterator[tuple[str, State]]:
        """Every id with its state; the line may break on the way."""
        listed = self._read(lambda rows: [(one, _state(record)) for one, record in rows.items()])
        for row in listed:
            if self._weather.draw(self._server.random, ANY_CALL) is Fault.TIMEOUT_BEFORE:
                self._broken(Fault.TIMEOUT_BEFORE)
            yield row

    def expunge(self, before: int) -> int:
        """The number of tombstones removed."""
        return self._answered(self._fault(ANY_CALL), lambda: self._server.forget_deleted(before))

    def count(self) -> int:
        """Documents."""
        return sum(not record.deleted for record in self._server.rows.values())

    def status(self) -> dict[str, Json]:
        """Documents."""
        return {"documents": self.count()}

    def ping(self) -> None:
        """Returns when the server answers."""
        self._answered(self._fault(ANY_CALL), lambda: None)

    def close(self) -> None:
        """Nothing."""

    def take_writer(self) -> int:
        """The next number."""
        return self._answered(self._fault(ANY_CALL), self._next_writer)

    def search(self, query: VectorQuery) -> Ranking:  # noqa: ARG002 (the protocol's)
        """Nothing: what is searched is not simulated."""
        return Ranking()

    def _next_writer(self) -> int:
        self._server.writers += 1
        return self._server.writers

    def _read(self, read: Callable[[dict[str, Record]], _Answer]) -> _Answer:
        return self._answered(self._fault(ANY_CALL), lambda: read(self._server.rows))

    def _fault(self, possible: Sequence[Fault]) -> Fault | None:
        """What goes wrong with a call; what goes wrong before the server sees it has happened."""
        server = self._server
        if server.down and not self._weather.calm:
            server.down -= 1
            raise StoreUnavailable(server.name, "connection refused")
        if server.random.random() < server.haste:
            server.deliver()
        fault = self._weather.draw(server.random, possible)
        if fault is None or (fault in RESTARTS and not self._may_restart(server)):
            return None
        self._weather.counts[fault] += 1
        if fault is Fault.RESTART_BEFORE:
            server.restart()
        if fault is Fault.DOWN:
            server.down = server.random.randint(1, 12)
        if fault in (Fault.REFUSED, Fault.DOWN):
            raise StoreUnavailable(server.name, "connection refused")
        if fault is Fault.TIMEOUT_BEFORE:
            self._broken(fault)
        return fault

    def _answered(self, fault: Fault | None, call: Callable[[], _Answer]) -> _Answer:
        """The server's answer, and what goes wrong afterwards."""
        answer = call()
        if fault in (Fault.RESTART_WITHIN, Fault.RESTART_AFTER):
            self._server.restart()
        if fault in (Fault.RESTART_WITHIN, Fault.TIMEOUT_AFTER):
            self._broken(fault)
        return answer

    def _broken(self, fault: Fault) -> NoReturn:
        raise StoreTimeout(self._server.name, f"no answer in time ({fault})")


def _state(record: Record) -> State:
    return State(record.version, record.hash, record.deleted)
