"""`python -m tests.faults.campaign`: harms a writer and both stores, and says what was lost; exit code 1: something."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.faults.campaign.campaign import LONG, SHORT, Length, campaign
from tests.faults.campaign.canaries import CANARIES, sing
from tests.faults.campaign.report import closing, details
from tests.faults.campaign.world import World, world
from tests.servers.provide import Servers


def harm(made: World, length: Length, seed: int, folder: Path, rounds: int | None) -> bool:
    """Whether all went well; prints what happened, at last the closing line."""
    verdict = campaign(made, length, seed, folder / "logs", rounds)
    print(details(verdict.tally, made.disk.kind, verdict.took_s))
    for finding in verdict.tally.findings[:10]:
        print(f"  {finding.kind}: {finding.id}: {finding.said}")
    if not verdict.enough:
        print(f"not enough was done: wanted {dict(length.kills)}")
    if not verdict.well:
        name = "long" if length is LONG else "short"
        print(f"seed {seed}, in round {verdict.rounds - 1}; what the writers said is in {folder / 'logs'}. Again:")
        print(f"  python -m tests.faults.campaign --{name} --seed {seed} --rounds {verdict.rounds}")
    print(closing(verdict.tally), flush=True)
    return verdict.well


def canaries(made: World, seed: int, folder: Path) -> bool:
    """Whether each planted bug was noticed, and nothing without one."""
    alive = []
    for plant in CANARIES:
        song = sing(made, plant, seed, folder / "logs" / plant)
        alive.append(bool(song.caught))
        said = (
            f"caught in {song.took_s:.1f} s, round {song.rounds}: {dict(song.caught)}" if song.caught else "NOT CAUGHT"
        )
        print(f"canary {plant}: {said}", flush=True)
    return all(alive)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign", description=__doc__)
    much = parser.add_mutually_exclusive_group()
    much.add_argument("--short", action="store_true", help="about 30 s (the default)")
    much.add_argument("--long", action="store_true", help="some 20 minutes, then the canaries")
    much.add_argument("--canaries", action="store_true", help="only the planted bugs")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    parser.add_argument("--rounds", type=int, help="just so many rounds")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="hybrid-faults-"))
    print(f"seed {given.seed}", flush=True)
    with Servers(os.environ) as servers, world(servers, folder / "disk") as made:
        well = given.canaries or harm(made, LONG if given.long else SHORT, given.seed, folder, given.rounds)
        sung = canaries(made, given.seed, folder) if well and (given.canaries or given.long) else True
    if not (well and sung):
        sys.exit(1)
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
