"""How did many schedules go? Their runs added up, and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from hybrid.indexing.failpoints import POINTS
from tests.faults.simulation.oracle import KINDS
from tests.faults.simulation.schedule import Run, run
from tests.faults.simulation.weather import Fault


@dataclass(slots=True)
class Campaign:
    """Runs added up. failed: those with a broken promise; broken: schedules by the kind of it."""

    schedules: int = 0
    failed: list[Run] = field(default_factory=list)
    broken: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    faults: Counter[Fault] = field(default_factory=Counter)

    def add(self, one: Run) -> None:
        """Counts a run."""
        self.schedules += 1
        self.reached += one.reached
        self.crashes += one.crashes
        self.faults += one.faults
        self.broken.update({broken.kind for broken in one.broken})
        if one.broken:
            self.failed.append(one)

    @property
    def never_happened(self) -> list[str]:
        """Failpoints where no writer died, and faults that did not happen: what was not tried."""
        return [point for point in POINTS if not self.crashes[point]] + [
            fault for fault in Fault if not self.faults[fault]
        ]

    @property
    def passed(self) -> bool:
        """Whether every promise was kept, and everything was tried."""
        return not self.failed and not self.never_happened

    def verdict(self) -> str:
        """One line: how many schedules, and in how many of them a promise of each kind was broken."""
        counts = ", ".join(f"{kind} {self.broken[kind]}" for kind in KINDS)
        return f"schedules {self.schedules}, {counts} (bound 3/{self.schedules})"

    def report(self) -> str:
        """How often each failpoint was reached, each fault happened, and the failures with how to replay them."""
        points = (f"  {point}: reached {self.reached[point]}, died {self.crashes[point]}" for point in POINTS)
        faults = (f"  {fault}: {self.faults[fault]}" for fault in Fault)
        missed = [f"never happened: {', '.join(self.never_happened)}"] if self.never_happened else []
        return "\n".join(("failpoints", *points, "faults", *faults, *missed, *map(_told, self.failed[:5])))


def run_many(seeds: Iterable[int]) -> Campaign:
    """The schedules of these seeds."""
    campaign = Campaign()
    for seed in seeds:
        campaign.add(run(seed))
    return campaign


def _told(failed: Run) -> str:
    lines = (f"  {line}" for line in (*failed.trace, *map(str, failed.broken)))
    replay = f"replay it: python -m tests.faults.simulation --count 1 --seed {failed.seed}"
    return "\n".join((f"FAILED: seed {failed.seed}", *lines, replay))
