"""How much is enough? A whole campaign: rounds until enough was killed, and the verdict."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.faults.campaign.report import unreached
from tests.faults.campaign.rounds import Campaign, Tally, drawn
from tests.faults.campaign.world import World


@dataclass(frozen=True, slots=True)
class Length:
    """How much is to be done: kills by victim, in at most so many seconds."""

    kills: Mapping[str, int]
    most_s: float
    elasticsearch_every: int

    def reached(self, tally: Tally) -> bool:
        """Whether enough was killed, and every failpoint was come to."""
        return all(tally.kills[one] >= least for one, least in self.kills.items()) and not unreached(tally)


SHORT = Length({"writer": 12, "redis": 5, "elasticsearch": 1}, 150, 9)
LONG = Length({"writer": 200, "redis": 100, "elasticsearch": 20}, 2400, 9)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a campaign. rounds: how many were run, from round 0; enough: as much was done as was wanted."""

    tally: Tally
    rounds: int
    enough: bool
    took_s: float

    @property
    def well(self) -> bool:
        """True when enough was done and nothing was found."""
        return self.enough and not self.tally.findings


def campaign(world: World, length: Length, seed: int, logs: Path, rounds: int | None = None) -> Verdict:
    """Rounds of this seed until enough was done, something was found, or time is up; or just so many rounds."""
    run = Campaign(world, seed, logs)
    started = time.monotonic()
    number = 0
    while not run.tally.findings and time.monotonic() - started < length.most_s:
        if number == rounds or (rounds is None and length.reached(run.tally)):
            break
        run.run(drawn(seed, number, elasticsearch_every=length.elasticsearch_every))
        number += 1
        if world.whole:
            run.check()
    if not run.tally.findings:
        run.check()
    enough = number == rounds if rounds is not None else length.reached(run.tally)
    return Verdict(run.tally, number, enough, time.monotonic() - started)
