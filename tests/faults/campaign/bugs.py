"""What if the writer were wrong? Planted in the writer's process alone, to see that the oracle notices.

Late duplicates are no bug: a network may deliver a write twice, the second time after newer ones.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from hybrid.errors import HybridError
from hybrid.indexing import indexer
from hybrid.indexing.entries import Entry
from hybrid.indexing.journal import Journal
from hybrid.model import Record, WriteOutcome, Wrote
from hybrid.stores import elastic_text, redis_scripts, redis_vectors
from hybrid.stores.elastic_text import ElasticText
from hybrid.stores.redis_vectors import RedisVectors

LATE_S = 0.2
CHECK = "if held[1] and held[1] >= ARGV[1] then return 0 end\n"


class LateJournal(Journal):
    """Says that a change is durable, and makes it so a fifth of a second later."""

    def append(self, entries: Sequence[Entry]) -> None:
        late = threading.Timer(LATE_S, super().append, [list(entries)])
        late.daemon = True
        late.start()


class DroppingRedis(RedisVectors):
    """Says that it has written every record, and leaves out every hundredth."""

    _given = 0

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        numbered = list(enumerate(records, self._given + 1))
        self._given += len(records)
        kept = [one for number, one in numbered if number % 100]
        outcomes = dict(zip((one.id for one in kept), super().write(kept), strict=True))
        return [outcomes.get(one.id, WriteOutcome(Wrote.WRITTEN)) for one in records]


def _again(write: Callable[[Sequence[Record]], Any], records: Sequence[Record]) -> None:
    time.sleep(LATE_S)
    try:
        write(records)
    except HybridError:
        return  # what is lost on the way a second time is no loss


class DuplicatingRedis(RedisVectors):
    """Gets every write twice, the second time a fifth of a second later."""

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        threading.Thread(target=_again, args=(super().write, list(records)), daemon=True).start()
        return super().write(records)


class DuplicatingElastic(ElasticText):
    """Likewise."""

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        threading.Thread(target=_again, args=(super().write, list(records)), daemon=True).start()
        return super().write(records)


def duplicates() -> None:
    """Both stores get every write twice."""
    _replace(elastic_text, "ElasticText", DuplicatingElastic)
    _replace(redis_vectors, "RedisVectors", DuplicatingRedis)


def early_acknowledgement() -> None:
    """Changes are acknowledged before they are in the journal."""
    _replace(indexer, "Journal", LateJournal)


def dropped_writes() -> None:
    """Redis does not get every hundredth write."""
    _replace(redis_vectors, "RedisVectors", DroppingRedis)


def no_version_check() -> None:
    """Redis takes whatever comes; some writes come late, a second time."""
    duplicates()
    for name in ("WRITE", "BURY"):
        script: str = getattr(redis_scripts, name)
        unchecked = script.replace(CHECK, "")
        assert unchecked != script, "the script does not check versions as it did"
        redis_scripts._SHA[unchecked] = hashlib.sha1(unchecked.encode(), usedforsecurity=False).hexdigest()
        setattr(redis_vectors, name, unchecked)


def _replace(module: ModuleType, name: str, kind: type) -> None:
    """Puts a class where the engine looks for its own."""
    setattr(module, name, kind)


PLANTED: dict[str, Callable[[], None]] = {
    "early-acknowledgement": early_acknowledgement,
    "dropped-writes": dropped_writes,
    "no-version-check": no_version_check,
    "duplicates": duplicates,
}
