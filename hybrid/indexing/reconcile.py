"""Do the stores agree? Digests of both compared, differences named, and repaired through the versioned path."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from itertools import islice
from zlib import crc32

from hybrid.indexing.clock import Clock
from hybrid.indexing.entries import Entry
from hybrid.indexing.flush import BATCH, Flusher
from hybrid.indexing.journal import Journal
from hybrid.model import Json, State
from hybrid.stores.base import Store

BUCKETS = 256


class Fault(StrEnum):
    """How a document's two stores disagree."""

    MISSING = "missing"  # one store has it, the other never heard of it
    STALE = "stale"  # one store has an older version than the other
    ORPHAN = "orphan"  # one store still has a document that was deleted in the other
    TORN = "torn"  # both have the same version with different content


@dataclass(frozen=True, slots=True)
class Difference:
    """A document that the stores disagree about. store: the one that is behind ("" where neither is).

    versions: by store, None where it is not known there.
    """

    id: str
    fault: Fault
    store: str
    versions: Mapping[str, int | None]

    def to_dict(self) -> dict[str, Json]:
        """The difference as JSON; versions as strings, since they exceed 2^53."""
        versions = {name: None if version is None else str(version) for name, version in self.versions.items()}
        return {"id": self.id, "fault": str(self.fault), "store": self.store, "versions": versions}


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found. compared: ids known to any store; pending: changes that the journal owes, left out.

    Written later than `snapshot` (a version), or pending: not looked at. took_s: seconds.
    """

    compared: int
    differences: Sequence[Difference]
    pending: int
    snapshot: int
    took_s: float

    @property
    def agree(self) -> bool:
        """True when the stores hold the same documents in the same versions."""
        return not self.differences

    @property
    def counts(self) -> dict[str, int]:
        """Differences by fault, all four always there."""
        return {str(fault): sum(one.fault is fault for one in self.differences) for fault in Fault}

    def to_dict(self) -> dict[str, Json]:
        """The verification as JSON, with the first 1,000 differences."""
        return {
            "agree": self.agree,
            "compared": self.compared,
            "pending": self.pending,
            "counts": self.counts,
            "differences": [one.to_dict() for one in islice(self.differences, 1000)],
            "took_s": round(self.took_s, 3),
        }


def verify(stores: Mapping[str, Store], journal: Journal, snapshot: int, horizon: int) -> Verification:
    """Where the stores disagree about what was written up to the version `snapshot`.

    horizon: the version below which tombstones are removed for good, and may be gone from one store already.

    Both stores are read once for a digest a bucket of ids; only the ids of buckets that differ are read again
    and compared, and those that differ once more. Raises StoreError.
    """
    started = time.perf_counter()
    digests = {name: _digests(store, snapshot) for name, store in stores.items()}
    tables = list(digests.values())
    differing = {bucket for bucket in range(BUCKETS) if len({table[bucket] for table in tables}) > 1}
    differences = _differences(stores, journal, snapshot, horizon, differing) if differing else []
    compared = max(sum(count for count, _ in table) for table in tables)
    return Verification(compared, differences, journal.waiting(), snapshot, time.perf_counter() - started)


def repair(
    ids: Iterable[str],
    stores: Mapping[str, Store],
    journal: Journal,
    flusher: Flusher,
    clock: Clock,
    horizon: int,
) -> int:
    """The number of documents of these ids that were repaired: what is behind gets the newest record there is.

    horizon: as of `verify`.

    States are read anew, so what was written since is not touched. A torn document gets a new version
    of the first store's content in both. Raises StoreError and JournalError.
    """
    source = iter(ids)
    repaired = 0
    while batch := list(islice(source, BATCH)):
        entries = list(_cures(batch, stores, clock, horizon))
        journal.append(entries)
        paid = flusher.pay(entries)
        repaired += sum(not of.owed and not of.rejected for of in paid.values())
    return repaired


def _digests(store: Store, snapshot: int) -> list[tuple[int, int]]:
    """For each bucket how many ids it has, and the xor of their states' digests."""
    counts, sums = [0] * BUCKETS, [0] * BUCKETS
    for one, state in store.scan():
        if state.version <= snapshot:
            bucket = _bucket(one)
            counts[bucket] += 1
            sums[bucket] ^= _digest(one, state)
    return list(zip(counts, sums, strict=True))


def _bucket(document_id: str) -> int:
    return crc32(document_id.encode()) % BUCKETS


def _digest(document_id: str, state: State) -> int:
    text = f"{document_id}\0{state.version}\0{state.hash}\0{state.deleted:d}"
    return int.from_bytes(blake2b(text.encode(), digest_size=16).digest())


def _differences(
    stores: Mapping[str, Store], journal: Journal, snapshot: int, horizon: int, buckets: set[int]
) -> list[Difference]:
    """The differences among the ids of these buckets, sorted by id."""
    known: dict[str, dict[str, State]] = {}
    for name, store in stores.items():
        for one, state in store.scan():
            if _bucket(one) in buckets:
                known.setdefault(one, {})[name] = state
    doubtful = [one for one, states in known.items() if _difference(one, states, list(stores), horizon)]
    found: list[Difference] = []
    for start in range(0, len(doubtful), 1000):
        found += _certain(doubtful[start : start + 1000], stores, journal, snapshot, horizon)
    return sorted(found, key=lambda one: one.id)


def _certain(
    ids: Sequence[str], stores: Mapping[str, Store], journal: Journal, snapshot: int, horizon: int
) -> Iterator[Difference]:
    """The differences among these ids that are there still: one store was read after the other, and while that went on
    the later one may have been given what the earlier one had."""
    pending = journal.owing(ids)  # first: what is paid later is in the stores by then
    for one, states in _states(ids, stores).items():
        difference = _difference(one, states, list(stores), horizon)
        if difference is not None and one not in pending and _old(states.values(), snapshot):
            yield difference


def _states(ids: Sequence[str], stores: Mapping[str, Store]) -> dict[str, dict[str, State]]:
    """By id that any store knows, its state in each that does."""
    found = {name: store.states(ids) for name, store in stores.items()}
    known = {one: {name: of[one] for name, of in found.items() if one in of} for one in ids}
    return {one: states for one, states in known.items() if states}


def _old(states: Iterable[State], snapshot: int) -> bool:
    return all(state.version <= snapshot for state in states)


def _difference(document_id: str, states: Mapping[str, State], names: Sequence[str], horizon: int) -> Difference | None:
    """How the states of one id differ; None where they agree. An old tombstone that only one store has kept is none."""
    newest = max(states.values(), key=lambda state: state.version)
    versions = {name: states[name].version if name in states else None for name in names}
    behind = next((name for name in names if name not in states or states[name].version < newest.version), "")
    if not behind:
        torn = len(set(states.values())) > 1
        return Difference(document_id, Fault.TORN, "", versions) if torn else None
    if behind not in states:
        is_old = newest.deleted and newest.version < horizon
        return None if is_old else Difference(document_id, Fault.MISSING, behind, versions)
    fault = Fault.ORPHAN if newest.deleted and not states[behind].deleted else Fault.STALE
    return Difference(document_id, fault, behind, versions)


def _cures(ids: Sequence[str], stores: Mapping[str, Store], clock: Clock, horizon: int) -> Iterator[Entry]:
    wanted: dict[str, dict[str, Difference]] = {name: {} for name in stores}
    for one, known in _states(ids, stores).items():
        difference = _difference(one, known, list(stores), horizon)
        if difference is not None:
            holder = next(name for name in known if name != difference.store)
            wanted[holder][one] = difference
    for holder, differences in wanted.items():
        records = stores[holder].records(list(differences)) if differences else {}
        for one, record in records.items():
            torn = differences[one].fault is Fault.TORN
            yield Entry(
                id=one,
                version=clock.tick() if torn else record.version,
                hash=record.hash,
                source=record.source,
                owed=tuple(stores) if torn else (differences[one].store,),
                vectors=record.vectors if len(record.vectors) or record.deleted else None,
                passages=record.passages,
                deleted=record.deleted,
            )
