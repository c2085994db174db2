"""When is what harmed? Rounds, each drawn from a seed and its number, so that any one can be run again.

A round: the writer starts and writes; when its rate is known, faults happen; it dies; the faults are healed; what is
owed is paid, what a store forgot is repaired; then the oracle reads both stores. While Elasticsearch starts again,
rounds go on and the reading waits.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import hybrid
from hybrid.errors import HybridError
from hybrid.indexing.failpoints import POINTS
from tests.faults.campaign import oracle
from tests.faults.campaign.faults import FAULTS, NETWORK, OTHERS
from tests.faults.campaign.history import History
from tests.faults.campaign.life import Life
from tests.faults.campaign.oracle import Finding, Judgement
from tests.faults.campaign.world import World, until

FLOOR = 50.0
"""Operations a second that a writer must have done before the first fault; slower, and the round proves nothing."""

WARM = 40
"""Operations before the first fault."""

START_S, SELF_KILL_S, PAID_S = 20.0, 1.5, 45.0
EMPTYING = ("redis_emptied", "elasticsearch_emptied")


@dataclass(frozen=True, slots=True)
class Round:
    """What happens. faults: in this order. point, nth: where the writer kills itself; "": at a random moment.

    plant: what is planted in the writer. moment_s: seconds between the last fault and the writer's end.
    """

    number: int
    faults: tuple[str, ...]
    point: str = ""
    nth: int = 0
    plant: str = ""
    moment_s: float = 0.1

    @property
    def poisoned(self) -> bool:
        return not any(one in EMPTYING for one in self.faults) and (self.point == "bury.after" or self.number % 4 == 0)


def drawn(seed: int, number: int, *, elasticsearch_every: int) -> Round:
    """The round of this number: every other kills Redis, every so many Elasticsearch; points come in turns."""
    chance = Random(f"{seed}:{number}")
    faults = []
    if number % elasticsearch_every == elasticsearch_every - 1:
        faults.append("elasticsearch_killed")
    if number % 2 == 0:
        faults.append("redis_killed")
    elif not faults:
        faults.append(chance.choice([*OTHERS, *NETWORK]))
    point = POINTS[number // 3 % len(POINTS)] if number % 3 else ""
    nth = chance.randint(1, 2 if point == "bury.after" else 8)
    plant = "duplicates" if chance.random() < 0.2 else ""
    return Round(number, tuple(faults), point, nth if point else 0, plant, chance.uniform(0.0, 0.3))


@dataclass
class Tally:
    """What was done so far, and found. kills: by victim; only those of rounds that were fast enough before."""

    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    reached: Counter[str] = field(default_factory=Counter)
    died_at: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    operations: int = 0
    rates: list[float] = field(default_factory=list)
    slow: int = 0
    checks: int = 0
    documents: int = 0
    paid_s: list[float] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def count(self, faults: Sequence[str], life: Life, rate: float) -> None:
        """Adds a round that is over. rate: operations a second before the first fault."""
        self.reached += life.points
        self.unknown += life.unknown
        self.operations += life.documents
        if rate < FLOOR:
            self.slow += 1
            return
        self.rates.append(rate)
        self.faults.update(faults)
        self.kills["writer"] += 1
        self.died_at[life.killed_at or "a random moment"] += 1
        self.kills["redis"] += sum(one in ("redis_killed", "redis_emptied") for one in faults)
        self.kills["elasticsearch"] += "elasticsearch_killed" in faults


class Campaign:
    """Rounds in one world, and what became of the documents over all of them."""

    def __init__(self, world: World, seed: int, logs: Path) -> None:
        self.world = world
        self.seed = seed
        self.tally = Tally()
        self.history = History()
        self._logs = logs
        logs.mkdir(parents=True, exist_ok=True)

    def run(self, one: Round) -> None:
        """One round, up to the writer's end and the healing of all faults but that of a starting Elasticsearch."""
        chance = Random(f"{self.seed}:{one.number}:faults")
        with Life(self._arguments(one), self.history, self._logs / f"writer-{one.number}.log") as life:
            life.wait_for(lambda: life.documents >= WARM, START_S)
            rate = life.rate
            life.arm()
            done = [name for name in one.faults if self._may(name)]
            for name in done:
                FAULTS[name](self.world, life, chance)
            for number_id in oracle.seen(self.world.redis.url, self.world.elasticsearch.url):
                self.history.saw(*number_id)
            if one.point:
                life.wait_for(lambda: False, SELF_KILL_S)
            time.sleep(one.moment_s)
            life.kill()
            self.tally.count(done, life, rate)
            if life.died:
                self.tally.findings.append(Finding("died", "*", f"the writer ended by itself: {life.died}"))
        self.world.heal()

    def check(self) -> Judgement:
        """What the oracle finds once all is healed, paid and, where a store forgot, repaired."""
        started = time.monotonic()
        self.world.wait_whole()
        paid = self._pay()
        self.tally.paid_s.append(time.monotonic() - started)
        copies = oracle.in_redis(self.world.redis.url), oracle.in_elasticsearch(self.world.elasticsearch.url)
        judgement = oracle.judge(self.history, *copies, oracle.searchable_in_redis(self.world.redis.url))
        if not paid:
            judgement.findings.append(Finding("owed", "*", f"flush did not pay all within {PAID_S:g} s"))
        self.tally.checks += 1
        self.tally.documents += judgement.documents
        self.tally.findings += judgement.findings
        return judgement

    def _may(self, fault: str) -> bool:
        """Whether the world is fit for it: no store is emptied while the other may lack something, and
        Elasticsearch is not killed again before it is back."""
        if fault in EMPTYING:
            return self.world.whole and not self.world.lost_data
        return fault != "elasticsearch_killed" or self.world.whole

    def _pay(self) -> bool:
        """Whether all debts were paid in time, and repaired what is to be repaired."""
        with hybrid.open(self.world.data_dir, **self.world.settings) as engine:
            for _ in until(PAID_S):
                try:
                    paid = not engine.flush().entries
                    if paid and self.world.lost_data:
                        engine.repair()
                        self.world.lost_data = False
                except HybridError:
                    continue  # a shard is still starting
                if paid:
                    return True
        return False

    def _arguments(self, one: Round) -> list[str]:
        redis_url, elasticsearch_url = self.world.writer_urls
        given = ["--data-dir", str(self.world.data_dir), "--redis", redis_url, "--elasticsearch", elasticsearch_url]
        given += ["--seed", f"{self.seed}:{one.number}", "--first", str(self.history.next_number)]
        given += ["--point", one.point, "--nth", str(one.nth)]
        given += ["--plant", one.plant] if one.plant else []
        return [*given, "--poisoned"] if one.poisoned else given
