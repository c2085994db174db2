"""What does a store hold, whoever writes to it? Records by id, those on its disk, and those still on their way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from enum import StrEnum
from random import Random

from hybrid.model import Record, WriteOutcome, Wrote

POISON = "poison"
"""A text that starts so is never taken by a store that has a mapping."""


class Durability(StrEnum):
    """When what was written is on the store's disk."""

    AT_ONCE = "at once"  # a translog that is synced before the answer
    ON_SYNC = "on sync"  # an append-only file
    NEVER = "never"  # snapshots from time to time


class Server:
    """One store, as all its clients see it. random: what happens to it, always the same for a seed.

    versions, seen: all that it ever held, versions by id, and pairs of id and text.
    haste: how likely one late batch arrives before a call, from 0 to 1.
    """

    def __init__(self, name: str, durability: Durability, random: Random, *, has_mapping: bool = False) -> None:
        self.name = name
        self.durability = durability
        self.random = random
        self.haste = random.choice((0.0, 0.02, 0.2))
        self.run = 0
        self.down = 0
        self.writers = 0
        self.rows: dict[str, Record] = {}
        self.versions: dict[str, set[int]] = defaultdict(set)
        self.seen: set[tuple[str, str]] = set()
        self._has_mapping = has_mapping
        self._disk: dict[str, Record] = {}
        self._unsynced: list[Record] = []
        self._late: list[list[Record]] = []

    def apply(self, record: Record) -> WriteOutcome:
        """The outcome of one record, by its version."""
        if self._has_mapping and str(record.source.get("text", "")).startswith(POISON):
            return WriteOutcome(Wrote.REJECTED, "mapper_parsing_exception")
        held = self.rows.get(record.id)
        if held is not None and held.version >= record.version:
            return WriteOutcome(Wrote.SUPERSEDED)
        self.hold(record)
        return WriteOutcome(Wrote.WRITTEN)

    def hold(self, record: Record) -> None:
        """Holds the record, whatever was there."""
        self.rows[record.id] = record
        self._unsynced.append(record)
        self.versions[record.id].add(record.version)
        self.seen.add((record.id, record.source.get("text", "")))
        if self.durability is Durability.AT_ONCE:
            self.sync()

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        """The outcome of each record."""
        return [self.apply(record) for record in records]

    def sync(self) -> bool:
        """Whether all is on the disk now."""
        if self.durability is Durability.NEVER:
            return False
        self._disk.update((record.id, record) for record in self._unsynced)
        self._unsynced.clear()
        return True

    def save(self) -> None:
        """A snapshot on the disk."""
        self._disk = dict(self.rows)
        self._unsynced.clear()

    def restart(self) -> None:
        """What is not on the disk is gone, but for a first part that the system wrote out by itself."""
        self.run += 1
        if self.durability is not Durability.NEVER:
            kept = self.random.randint(0, len(self._unsynced))
            self._disk.update((record.id, record) for record in self._unsynced[:kept])
        self._unsynced.clear()
        self.rows = dict(self._disk)

    def wipe(self) -> None:
        """Everything is gone."""
        self._disk = {}
        self._unsynced.clear()
        self.restart()

    def forget_deleted(self, before: int) -> int:
        """The number of tombstones below a version that are gone now."""
        old = [one for one, record in self.rows.items() if record.deleted and record.version < before]
        for one in old:
            del self.rows[one]
            self._disk.pop(one, None)
        self._unsynced = [record for record in self._unsynced if record.id not in old]
        return len(old)

    def delay(self, records: Sequence[Record]) -> None:
        """The batch arrives some time later."""
        self._late.append(list(records))

    def deliver(self) -> None:
        """One batch that was on its way for long arrives, where there is one."""
        if self._late:
            self.write(self._late.pop(self.random.randrange(len(self._late))))

    def deliver_all(self) -> None:
        """Nothing is on its way any more."""
        while self._late:
            self.deliver()
