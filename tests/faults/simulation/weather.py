"""What goes wrong? Faults drawn from a seed, counted as they happen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class Fault(StrEnum):
    """What may happen to one step of a write. After a time-out nobody knows what was done."""

    REFUSED = "refused"  # not done, and said so
    TIMEOUT_BEFORE = "timeout-before"  # not done
    TIMEOUT_AFTER = "timeout-after"  # done
    FULL = "full"  # 429 for the whole batch
    PARTIAL = "partial"  # 429 after a part of the batch
    TWICE = "twice"  # the batch arrives two times, the answer is that to the second
    LATE = "late"  # the batch arrives when others have long been there
    AGAIN = "again"  # the batch arrives and is answered, and arrives once more much later
    UNFORESEEN = "unforeseen"  # a bug in the client
    DOWN = "down"  # refused from now on, for some calls
    RESTART_BEFORE = "restart-before"  # the store crashed and is back, which the client does not notice
    RESTART_WITHIN = "restart-within"  # done, then the store crashed before it answered
    RESTART_AFTER = "restart-after"  # done and answered, then the store crashed and is back
    WIPED = "wiped"  # the store lost all it had
    MODEL = "model"  # the model fails
    POISON = "poison"  # a document that one store will never take
    DISK_FULL = "disk-full"  # the journal's
    CRASH = "crash"  # of the writer, at a failpoint
    KILLED = "killed"  # the writer, between two calls
    CLOCK_BACK = "clock-back"  # of a writer's machine


RESTARTS = frozenset({Fault.RESTART_BEFORE, Fault.RESTART_WITHIN, Fault.RESTART_AFTER})
ANY_CALL = (Fault.REFUSED, Fault.TIMEOUT_BEFORE, Fault.DOWN, Fault.RESTART_BEFORE, Fault.RESTART_AFTER)
WRITES = (
    *ANY_CALL,
    Fault.TIMEOUT_AFTER,
    Fault.FULL,
    Fault.PARTIAL,
    Fault.TWICE,
    Fault.LATE,
    Fault.UNFORESEEN,
    Fault.RESTART_WITHIN,
)


@dataclass(slots=True)
class Weather:
    """rate: how likely a fault is at one call, from 0 to 1. kinds: those that a schedule has. calm: nothing happens."""

    rate: float
    kinds: frozenset[Fault]
    calm: bool = False
    counts: Counter[Fault] = field(default_factory=Counter)

    def draw(self, rng: Random, possible: Sequence[Fault]) -> Fault | None:
        """A fault among those possible, or none; not yet counted."""
        if self.calm or rng.random() >= self.rate:
            return None
        there = [fault for fault in possible if fault in self.kinds]
        return rng.choice(there) if there else None

    def strikes(self, rng: Random, fault: Fault, rate: float) -> bool:
        """Whether this fault happens now; counted where it does."""
        happens = not self.calm and fault in self.kinds and rng.random() < rate
        self.counts[fault] += happens
        return happens
