"""Would a bug be noticed? Three are planted, one at a time, and the campaign has to catch each.

python -m tests.faults.simulation.canaries
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from hybrid.model import Record, WriteOutcome, Wrote
from tests.faults.simulation.process import Process
from tests.faults.simulation.schedule import run
from tests.faults.simulation.server import Server

MOST = 400
"""Schedules after which a bug counts as not noticed."""


class DropsEveryTwentieth(Server):
    """Says of every twentieth record that it was written, and forgets it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._numbers = count(1)

    def hold(self, record: Record) -> None:
        """Holds the record, or does not."""
        if next(self._numbers) % 20:
            super().hold(record)


class ChecksNoVersion(Server):
    """Takes whatever comes last."""

    def apply(self, record: Record) -> WriteOutcome:
        """The outcome of one record."""
        outcome = super().apply(record)
        if outcome.outcome is Wrote.SUPERSEDED:
            self.hold(record)
            return WriteOutcome(Wrote.WRITTEN)
        return outcome


class AcknowledgesBeforeFsync(Process):
    """Loses, when it dies, what its journal took since it was last closed well."""

    def die(self) -> None:
        """Nothing of it stays, nor the newest part of the file."""
        if self._indexer is not None and self._indexer.journal._database is not None:
            database = self._indexer.journal._database
            owner = (self._indexer.journal._owner,)
            database.execute("DELETE FROM debts WHERE id IN (SELECT id FROM entries WHERE leased_by = ?)", owner)
            database.execute("DELETE FROM entries WHERE leased_by = ?", owner)
        super().die()


CANARIES: Mapping[str, Mapping[str, Any]] = {
    "acknowledge before fsync": {"make_process": AcknowledgesBeforeFsync},
    "drop every 20th write": {"make_server": DropsEveryTwentieth},
    "no version check": {"make_server": ChecksNoVersion},
}


@dataclass(frozen=True, slots=True)
class Caught:
    """A planted bug. schedules: until it was noticed, None where it was not; took_s: seconds; kinds: of promises."""

    bug: str
    schedules: int | None
    took_s: float
    kinds: frozenset[str] = frozenset()

    def __str__(self) -> str:
        if self.schedules is None:
            return f"canary '{self.bug}': NOT caught in {MOST} schedules"
        kinds = ", ".join(sorted(self.kinds))
        return f"canary '{self.bug}': caught after {self.schedules} schedules, {self.took_s:.2f} s ({kinds})"


def catch(bug: str) -> Caught:
    """How long it takes until a planted bug, one of CANARIES, is noticed."""
    started = time.perf_counter()
    for seed in range(MOST):
        broken = run(seed, **CANARIES[bug]).broken
        if broken:
            return Caught(bug, seed + 1, time.perf_counter() - started, frozenset(one.kind for one in broken))
    return Caught(bug, None, time.perf_counter() - started)


def main() -> int:
    """0 where every bug was noticed."""
    logging.disable(logging.CRITICAL)
    caught = [catch(bug) for bug in CANARIES]
    print(*caught, sep="\n")
    return 0 if all(one.schedules for one in caught) else 1


if __name__ == "__main__":
    sys.exit(main())
