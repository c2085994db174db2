"""What are the nouns? Frozen values that every other part speaks in.

Scores: higher is better. Ranks: from 1. Versions: larger is newer. Vectors: float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float32]
"""float32, (dim,) for one or (n, dim) for several."""

Json: TypeAlias = Any
"""A value that JSON can say: None, bool, int, float, str, list, dict."""

Span: TypeAlias = tuple[int, int]
"""Start (from 0) and end (exclusive) of a passage, in characters of the document's embedded text."""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """What a user gives: an id, named fields, and, optionally, vectors instead of the model's.

    `vectors`: float32 (n, dim), one row a passage, n >= 1; None: the collection's model makes them.
    """

    id: str
    fields: Mapping[str, Json]
    vectors: Vector | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """What a store is asked to hold: one version of one document, or its tombstone.

    version: larger is newer; a store refuses a version that is not larger than its own.
    hash: hex digest of everything that decides the content (fields, supplied vectors, model, schema).
    vectors: float32 (n, dim), row i belongs to passages[i]; (0, dim) for a tombstone.
    passages: where each passage stands in the embedded text; empty where vectors were supplied.
    deleted: a tombstone: no source, no vectors, found by no search, but it holds its version.
    """

    id: str
    version: int
    hash: str
    source: Mapping[str, Json]
    vectors: Vector
    passages: tuple[Span, ...] = ()
    deleted: bool = False


class State(NamedTuple):
    """What a store knows of one id: version, content hash, and whether it is a tombstone."""

    version: int
    hash: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """A document as a store gives it back, without vectors."""

    id: str
    version: int
    source: Mapping[str, Json]
    passages: tuple[Span, ...] = ()


class Wrote(StrEnum):
    """What became of one record in one store."""

    WRITTEN = "written"
    SUPERSEDED = "superseded"  # the store holds this version or a newer one
    REJECTED = "rejected"  # the store will never take it (mapping conflict, too large)
    REFUSED = "refused"  # the store does not take it now, or is not known to (no room, too busy); it may later


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What became of one record in one store; `reason` is empty unless it was rejected or refused."""

    outcome: Wrote
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Background:
    """How a query scores the whole collection, by a sample of its documents, each by its best passage: what shows
    whether the best scores are more than chance. documents: of the collection. deviation: of the sample (n − 1)."""

    documents: int
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one retriever found, best first: parallel columns, one row a document.

    ids: no id twice. scores: higher is better, never NaN, not increasing; equal scores go by id.
    versions: the version each row was found at. passages: number (from 0) of the best passage
    of each row, empty for a text retriever. total: documents that match in all, not only those in the window;
    None where it was not asked; `exact` is False where there may be more. facets: by name, what each one counted,
    as `hybrid.facets` says. background: where it was asked. unit: of a text search, the score that a document with
    all words of the query would have for each nat of their rarity (idf). spent: milliseconds by what they went to:
    embed (the query's vector), store (the call),
    took (of the call, what the store itself says it needed).
    """

    ids: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    versions: tuple[int, ...] = ()
    passages: tuple[int, ...] = ()
    total: int | None = None
    exact: bool = True
    facets: Mapping[str, Json] = field(default_factory=dict)
    spent: Mapping[str, float] = field(default_factory=dict)
    background: Background | None = None
    unit: float | None = None

    def __len__(self) -> int:
        return len(self.ids)


class Status(StrEnum):
    """How a retriever's part of a search ended."""

    OK = "ok"
    TIMEOUT = "timeout"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class RetrieverReport:
    """How one retriever's part of one search went. took_ms: milliseconds since the search began; returned: documents.

    spent_ms: what they went to, as far as is known; see `Ranking.spent`. evidence: what fusion went by, of the whole
    ranking: `standard` says mean, deviation and z of similarities, or the reach of words, low and trust.
    """

    status: Status
    took_ms: float
    returned: int
    reason: str = ""
    spent_ms: Mapping[str, float] = field(default_factory=dict)
    evidence: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Json]:
        """The report as JSON; `reason`, `spent_ms` and `evidence` only where there are any."""
        body: dict[str, Json] = {
            "status": str(self.status),
            "took_ms": round(self.took_ms, 3),
            "returned": self.returned,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.spent_ms:
            body["spent_ms"] = {name: round(spent, 3) for name, spent in self.spent_ms.items()}
        if self.evidence:
            body["evidence"] = dict(self.evidence)
        return body


class Outcome(StrEnum):
    """What became of one document given to `put` or `delete`."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    NOT_FOUND = "not_found"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    PENDING = "pending"  # a store did not take it yet


@dataclass(frozen=True, slots=True)
class DocumentOutcome:
    """What became of one document. `owed` names the stores that did not take it (PENDING)."""

    id: str
    outcome: Outcome
    reason: str = ""
    owed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteReport:
    """What became of a whole `put` or `delete`.

    counts: documents by outcome, only outcomes that happened. problems: the first documents that were
    rejected or are pending, at most 100, in the order given. notes: things worth knowing, such as
    fields that are stored but not in the schema. took_s: seconds.
    """

    counts: Mapping[Outcome, int] = field(default_factory=dict)
    problems: Sequence[DocumentOutcome] = ()
    notes: Sequence[str] = ()
    took_s: float = 0.0

    @property
    def ok(self) -> bool:
        """True when nothing was rejected and no store is owed anything."""
        return not (self.counts.get(Outcome.REJECTED) or self.counts.get(Outcome.PENDING))

    def to_dict(self) -> dict[str, Json]:
        """The report as JSON."""
        return {
            "counts": {str(outcome): count for outcome, count in self.counts.items()},
            "problems": [
                {"id": p.id, "outcome": str(p.outcome), "reason": p.reason, "owed": list(p.owed)} for p in self.problems
            ],
            "notes": list(self.notes),
            "took_s": round(self.took_s, 3),
        }
