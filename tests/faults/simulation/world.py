"""What is there? Two servers, writers on one machine or several, their clocks, and the weather; all from one seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from random import Random

from hybrid.indexing.documents import content_hash, fingerprint, normalise
from hybrid.model import State, Vector
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec
from tests.embedders import HashedWords
from tests.faults.simulation.history import Change, History
from tests.faults.simulation.process import Crash, Process
from tests.faults.simulation.server import Durability, Server
from tests.faults.simulation.store import SimulatedStore
from tests.faults.simulation.weather import Fault, Weather

COLLECTION = Collection(
    "simulated", Schema((Field("text", FieldType.TEXT),)), VectorSpec(HashedWords.dim), HashedWords.name
)
MADE_BY = fingerprint(COLLECTION)
START = 1_700_000_000.0

MakeServer = Callable[..., Server]
MakeProcess = Callable[..., Process]


@cache
def vector_of(text: str) -> Vector:
    """The vector of a text, float32 (64,)."""
    vector: Vector = HashedWords().embed_documents([text])[0]
    return vector


def hash_of(document_id: str, text: str | None) -> str:
    """The content hash of a document, as a writer computes it; "" where it is deleted."""
    return "" if text is None else content_hash(normalise({"id": document_id, "text": text}), MADE_BY)


class World:
    """Everything that is there in one schedule. time: seconds since 1970, of a clock that is right.

    loser: the server that may have lost what it acknowledged, since all was last well; the other one must not.
    doing: what the active process was given, by id.
    """

    def __init__(self, seed: int, folder: Path, make_server: MakeServer, make_process: MakeProcess) -> None:
        rng = self.rng = Random(seed)
        self.time = START
        self.stepped_back = 0.0
        self.jumped = False
        kinds = frozenset(kind for kind in Fault if rng.random() < rng.choice((0.3, 0.7, 1.0)))
        self.weather = Weather(rng.choice((0.0, 0.02, 0.1, 0.3)), kinds)
        self.crash_rate = rng.choice((0.0, 0.01, 0.05))
        redis = rng.choice((Durability.ON_SYNC, Durability.ON_SYNC, Durability.NEVER))
        self.servers = [
            make_server("redis", redis, Random(rng.random())),
            make_server("elasticsearch", Durability.AT_ONCE, Random(rng.random()), has_mapping=True),
        ]
        self.loser: Server | None = None
        self.needs_repair = False
        self.ids = [f"d{number}" for number in range(rng.randint(1, 5))]
        self.reached: Counter[str] = Counter()
        self.crashes: Counter[str] = Counter()
        self.doing: dict[str, Change] = {}
        self.meanwhile: Callable[[], None] = _nothing
        self.meanwhile_rate = rng.choice((0.0, 0.02, 0.1))
        self._before: dict[str, State] = {}
        self.processes = self._processes(folder, make_process)
        self.active = self.processes[0]

    def _processes(self, folder: Path, make_process: MakeProcess) -> list[Process]:
        """One to three, some on the same machine, where they share journal and clock."""
        rng = self.rng
        count = rng.choice((1, 2, 2, 3))
        machines = [rng.randrange(count) for _ in range(count)]
        skewed = rng.random() < 0.3
        self.skews = [rng.choice((-90.0, -0.5, 0.0, 0.5, 90.0)) if skewed else 0.0 for _ in range(count)]
        self.history = History(in_order=not skewed, brings_back=len(set(machines)) == 1)
        late = rng.choice((0.0, 0.3, 0.9))
        return [
            make_process(
                folder / f"journal-{machine}.sqlite",
                COLLECTION,
                {
                    name: SimulatedStore(server, COLLECTION, self.weather, self.may_restart)
                    for name, server in zip(("vector", "text"), self.servers, strict=True)
                },
                self.weather,
                rng,
                partial(self.clock, machine),
                late,
            )
            for machine in machines
        ]

    def living(self) -> set[tuple[str, str, int]]:
        """Server, id and version of each document that is there."""
        rows = ((of.name, record) for of in self.servers for record in of.rows.values())
        return {(name, record.id, record.version) for name, record in rows if not record.deleted}

    def clock(self, machine: int) -> float:
        """Seconds since 1970 by the clock of a machine."""
        return self.time + self.skews[machine]

    def step_back(self, seconds: float) -> None:
        """Some machine's clock is set back."""
        self.skews[self.rng.randrange(len(self.skews))] -= seconds
        self.stepped_back += seconds
        self.history.in_order = False

    def may_restart(self, server: Server) -> bool:
        """Whether a server may crash: where that loses what was promised, only if the other one has it."""
        return not (server.durability is Durability.NEVER and self.jumped) or self.may_lose(server)

    def may_lose(self, server: Server) -> bool:
        """Whether a server may lose everything, which a repair has to mend from then on."""
        if self.loser not in (None, server):
            return False
        self.loser, self.needs_repair = server, True
        self.history.brings_back = False
        return True

    def reach(self, point: str) -> None:
        """Counts a failpoint, notes what is in the journal, and lets something else happen meanwhile, or the process
        die, as the seed has it."""
        self.reached[point] += 1
        if point == "journal.before":
            self._before = self._journaled()
        if point == "journal.after":
            name, after = self.active.journal.name, self._journaled()
            self.history.journaled(name, self.doing, self._before, after, self._was_held)
        if not self.weather.calm and self.rng.random() < self.meanwhile_rate:
            self._let_happen(self.meanwhile)
        if self.weather.strikes(self.rng, Fault.CRASH, self.crash_rate):
            self.crashes[point] += 1
            raise Crash(point)

    def _was_held(self, document_id: str, version: int) -> bool:
        return any(version in server.versions[document_id] for server in self.servers)

    def _journaled(self) -> dict[str, State]:
        return self.active.indexer.journal.states(list(self.doing))

    def _let_happen(self, something: Callable[[], None]) -> None:
        """Lets another process do something while this one is in the middle of its own."""
        kept = self.active, self.doing, self._before
        self.meanwhile = _nothing  # one at a time
        something()
        self.meanwhile = something
        self.active, self.doing, self._before = kept


def _nothing() -> None:
    return None
