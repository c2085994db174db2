"""Would the oracle notice? Three planted bugs, one at a time, and late duplicates, which it must not mind."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import hybrid
from tests.faults.campaign.rounds import Campaign, Round
from tests.faults.campaign.world import World

MOST_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Song:
    """What came of a canary. caught: kinds of findings; empty: it was not noticed."""

    caught: Mapping[str, int]
    rounds: int
    took_s: float


@dataclass(frozen=True, slots=True)
class Stage:
    """What brings a planted bug to light: faults, and seconds from the last of them to the writer's end."""

    faults: tuple[str, ...]
    moment_s: float


CANARIES: Mapping[str, Stage] = {
    "early-acknowledgement": Stage(("redis_network_refuse",), 0.1),
    "dropped-writes": Stage((), 1.0),
    "no-version-check": Stage((), 1.0),
}
"""By planted bug."""


def sing(world: World, plant: str, seed: int, logs: Path, most: int = MOST_ROUNDS) -> Song:
    """What the oracle says with this planted, after at most so many rounds on an empty collection."""
    stage = CANARIES.get(plant, Stage((), 1.0))
    policies, world.policies = world.policies, ("always",)  # settled at once: what is owed is sent again
    emptied(world)
    run = Campaign(world, seed, logs)
    started = time.monotonic()
    rounds = 0
    while rounds < most and not run.tally.findings:
        run.run(Round(rounds, stage.faults, plant=plant, moment_s=stage.moment_s))
        run.check()
        rounds += 1
    song = Song(Counter(one.kind for one in run.tally.findings), rounds, time.monotonic() - started)
    world.policies = policies
    emptied(world)
    return song


def emptied(world: World) -> None:
    """Deletes the collection and its journal."""
    world.wait_whole()
    with hybrid.open(world.data_dir, **world.settings) as engine:
        engine.drop()
    shutil.rmtree(world.data_dir, ignore_errors=True)
