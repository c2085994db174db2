"""What happens when? Operations and faults from one seed; at the end all is well again, and the oracle looks."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from hybrid.errors import HybridError, JournalError
from hybrid.indexing import failpoints
from hybrid.model import DocumentOutcome, Outcome
from tests.faults.simulation.history import Change
from tests.faults.simulation.oracle import Broken, check
from tests.faults.simulation.process import DURABILITY, Crash, Process
from tests.faults.simulation.server import POISON, Server
from tests.faults.simulation.weather import Fault
from tests.faults.simulation.world import MakeProcess, MakeServer, World, hash_of, vector_of

FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a process dies here, not a machine: memory is disk enough
PATIENCE_S = 130.0
"""Seconds after which no lease is held and every change is due."""


@dataclass(frozen=True, slots=True)
class Run:
    """How one schedule went. reached, crashes: by failpoint; faults: by kind; broken: promises that were not kept."""

    seed: int
    broken: Sequence[Broken]
    reached: Counter[str]
    crashes: Counter[str]
    faults: Counter[Fault]
    trace: Sequence[str]


def run(seed: int, make_server: MakeServer = Server, make_process: MakeProcess = Process) -> Run:
    """One schedule from beginning to end. The same seed gives the same run.

    make_server, make_process: others than the right ones, to plant a bug.
    """
    drawn = random.getstate()
    random.seed(seed)  # of the jitter between two tries
    try:
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            return _Schedule(World(seed, Path(folder), make_server, make_process)).run(seed)
    finally:
        random.setstate(drawn)


class _Schedule:
    def __init__(self, world: World) -> None:
        self._world = world
        self._trace: list[str] = []
        self._texts = 0
        self._operations: dict[Callable[[Process], None], float] = {
            self._put: 10,
            self._delete: 4,
            self._idle: 4,
            self._flush: 2,
            self._verify: 0.5,
            self._repair: 0.5,
            self._repair_some: 0.5,
            self._close: 1,
            self._kill: 1,
            self._restart_a_server: 1,
            self._wipe_a_server: 0.8,
            self._step_back: 0.5,
            self._cut_off: 0.5,
            self._heal: 0.2,
        }

    def run(self, seed: int) -> Run:
        world = self._world
        failpoints.install(world.reach)
        world.meanwhile = self._meanwhile
        try:
            for _ in range(world.rng.randint(10, 40)):
                self._step()
            broken = [*self._settle(), *check(world.history, world.servers, vector_of), *self._expunge()]
        finally:
            failpoints.install(None)
            for process in world.processes:
                process.die()
        return Run(seed, broken, world.reached, world.crashes, world.weather.counts, self._trace)

    def _step(self) -> None:
        self._pass_time()
        operations = self._operations
        (operation,) = self._world.rng.choices(list(operations), list(operations.values()))
        self._run(operation, self._world.rng.choice(self._world.processes))

    def _meanwhile(self) -> None:
        """Another process puts, deletes, flushes or repairs."""
        world = self._world
        others = [process for process in world.processes if process is not world.active]
        if others:
            self._note("  meanwhile")
            seconds = world.rng.choices((0.0, 0.002, PATIENCE_S), (5, 5, 1))[0]
            world.time += seconds  # the other one may be stopped for longer than its lease
            world.history.in_order = world.history.in_order and seconds > 0
            operation = world.rng.choice((self._put, self._put, self._delete, self._flush, self._repair))
            self._run(operation, world.rng.choice(others))
            world.time += 0.002
            self._note("  and then")

    def _run(self, operation: Callable[[Process], None], process: Process) -> None:
        world = self._world
        world.active = process
        self._note(f"{operation.__name__} by {world.processes.index(process)}")
        full = world.weather.strikes(world.rng, Fault.DISK_FULL, world.weather.rate / 5)
        try:
            with process.disk_full() if full else nullcontext():
                operation(process)
        except Crash as crash:
            self._note(f"  dies at {crash}")
            process.die()
        except JournalError as error:
            self._note(f"  {error}")

    def _pass_time(self) -> None:
        world = self._world
        seconds = world.rng.choices((world.rng.randint(2, 20) / 1000, 1.0, 30.0, 70.0, 700.0), (20, 4, 2, 2, 0.5))[0]
        world.time += seconds
        world.jumped = world.jumped or seconds > DURABILITY.volatile_s

    def _put(self, process: Process) -> None:
        world = self._world
        ids = world.rng.sample(world.ids, world.rng.randint(1, min(3, len(world.ids))))
        changes = {one: Change(one, text, hash_of(one, text)) for one in ids for text in [self._text(one)]}
        documents = [{"id": one, "text": change.text} for one, change in changes.items()]
        self._change(process, changes, lambda: list(process.indexer.writer().put(documents)))

    def _text(self, document_id: str) -> str:
        """A new text, or one that this document had before."""
        world = self._world
        old = [one.text for one in world.history.changes if one.id == document_id and one.text is not None]
        if old and world.rng.random() < 0.2:
            return world.rng.choice(old)
        self._texts += 1
        poisoned = world.weather.strikes(world.rng, Fault.POISON, 0.1)
        return f"{POISON if poisoned else 'text'} {self._texts}"

    def _delete(self, process: Process) -> None:
        world = self._world
        ids = world.rng.sample(world.ids, world.rng.randint(1, min(2, len(world.ids))))
        changes = {one: Change(one, None, "") for one in ids}
        before = world.living()
        outcomes = self._change(process, changes, lambda: list(process.indexer.writer().delete(ids)))
        denied = {one.id for one in outcomes if one.outcome is Outcome.NOT_FOUND}
        for server, one, _ in sorted(before & world.living()):
            if one in denied:
                world.history.broken.append(("wrong", f"{one} was not found, and it is in {server}"))

    def _change(
        self, process: Process, changes: dict[str, Change], call: Callable[[], Sequence[DocumentOutcome]]
    ) -> Sequence[DocumentOutcome]:
        world = self._world
        self._note(f"  {', '.join(f'{one.id}={one.text}' for one in changes.values())}")
        world.history.begun(process.journal.name, changes)
        world.doing = changes
        try:
            outcomes = call()
            for outcome in outcomes:
                self._note(f"  {outcome}")
                world.history.answered(changes, outcome)
            return outcomes
        except JournalError:
            raise
        except HybridError as error:
            world.history.broken.append(("wrong", f"put or delete raised {error!r}"))
            return ()
        finally:
            world.doing = {}

    def _idle(self, process: Process) -> None:
        process.idle()

    def _flush(self, process: Process) -> None:
        process.indexer.flush()

    def _verify(self, process: Process) -> None:
        self._tried(process.indexer.verify)

    def _repair(self, process: Process) -> None:
        self._tried(process.indexer.repair)

    def _repair_some(self, process: Process) -> None:
        self._tried(lambda: process.repair(self._world.ids))

    def _tried(self, call: Callable[[], object]) -> None:
        try:
            call()
        except JournalError:
            raise
        except HybridError as error:
            self._note(f"  {error}")

    def _close(self, process: Process) -> None:
        try:
            process.close()
        finally:
            process.die()

    def _kill(self, process: Process) -> None:
        if self._world.weather.strikes(self._world.rng, Fault.KILLED, 1.0):
            process.die()

    def _restart_a_server(self, _: Process) -> None:
        server = self._world.rng.choice(self._world.servers)
        if Fault.RESTART_BEFORE in self._world.weather.kinds and self._world.may_restart(server):
            server.restart()
        else:
            server.save()

    def _wipe_a_server(self, _: Process) -> None:
        server = self._world.rng.choice(self._world.servers)
        if self._world.weather.strikes(self._world.rng, Fault.WIPED, 1.0) and self._world.may_lose(server):
            self._note(f"  {server.name}")
            server.wipe()
            if self._world.rng.random() < 0.5:
                server.deliver_all()

    def _step_back(self, process: Process) -> None:
        if self._world.weather.strikes(self._world.rng, Fault.CLOCK_BACK, 1.0):
            self._world.step_back(self._world.rng.choice((0.01, 5.0, 3600.0)))
            process.die()  # the machine is started again
            self._cut_off(process)

    def _cut_off(self, _: Process) -> None:
        """No server can be reached for a while."""
        for server in self._world.servers:
            if Fault.DOWN in self._world.weather.kinds:
                server.down = self._world.rng.randint(5, 20)

    def _heal(self, _: Process) -> None:
        self._world.history.broken += self._settle()
        self._world.weather.calm = False

    def _settle(self) -> list[Broken]:
        """Everything is paid, with nothing going wrong; where a store lost what it had, repaired too."""
        world = self._world
        world.weather.calm = True
        for server in world.servers:
            server.deliver_all()
        broken: list[Broken] = []
        for wait in (PATIENCE_S, DURABILITY.volatile_s + 1):  # what is volatile is kept for so long
            world.time += wait + world.stepped_back
            for process in world.processes:
                process.indexer.flush()
        world.jumped = True
        if not world.needs_repair:
            broken += self._agreement("after the last flush")
        process.indexer.repair()
        world.time += DURABILITY.volatile_s + 1
        for process in world.processes:
            process.indexer.flush()
            if owed := process.indexer.journal.backlog().entries:
                broken.append(Broken("owed", f"{owed} changes by {process.journal.name}"))
        broken += self._agreement("after the repair")
        world.loser, world.needs_repair = None, False
        return broken

    def _agreement(self, when: str) -> list[Broken]:
        found = self._world.processes[-1].indexer.verify()
        return [] if found.agree else [Broken("differ", f"{when}: {found.differences}")]

    def _expunge(self) -> list[Broken]:
        """Once no late write can come, tombstones go and documents stay."""
        world = self._world
        before = [{one for one, record in server.rows.items() if not record.deleted} for server in world.servers]
        world.time += DURABILITY.tombstone_s + 200
        world.processes[0].indexer.repair()
        after = [set(server.rows) for server in world.servers]
        return [] if before == after else [Broken("differ", f"after tombstones went: {after}, before: {before}")]

    def _note(self, line: str) -> None:
        self._trace.append(line)
