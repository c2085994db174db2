"""What are the nouns? Frozen values that every other part speaks in.

Scores: higher is better. Ranks: from 1. Versions: larger is newer. Vectors: float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hybrid.display import contributions_html, frame, ranks_text

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


@dataclass(frozen=True, slots=True)
class State:
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


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What became of one record in one store; `reason` is empty unless it was rejected."""

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


@dataclass(frozen=True, slots=True)
class Passage:
    """The passage of a long document that its vector hit was found by; `number` from 0."""

    number: int
    text: str


class Integrity(StrEnum):
    """Whether a document's two stores agreed, as far as a search saw both."""

    OK = "ok"
    TORN = "torn"  # they hold different versions of it
    MISSING = "missing"  # one of them does not have it


@dataclass(frozen=True, slots=True)
class Hit:
    """One document of an answer. rank: from 1; score: fused, higher is better.

    explain: for each retriever a dict with `status` (hit, not_found, failed, skipped) and, for a
    hit, rank (from 1), raw_score, normalized, weight and contribution; contributions add up to
    the score for additive fusion methods. Where more was asked, not_found is not_in_window (with the raw_score),
    no_match or missing (from that store). integrity: whether the two stores agreed on the document; what
    does not is queued for repair. shaping: what steps after fusion had a part in the hit's place or score: boosts
    (score_before, which contributions add up to, and factors), rerank, collapse, diversity, pinned.
    highlights: by field, pieces of its text as HTML, `<mark>` the only markup, as
    `hybrid.fragments` makes them; None where they were not asked for.
    """

    id: str
    rank: int
    score: float
    document: Mapping[str, Json]
    explain: Mapping[str, Mapping[str, Json]]
    passage: Passage | None = None
    integrity: Integrity = Integrity.OK
    shaping: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    highlights: Mapping[str, Sequence[str]] | None = None

    def to_dict(self) -> dict[str, Json]:
        """The hit as JSON."""
        body: dict[str, Json] = {
            "id": self.id,
            "rank": self.rank,
            "score": self.score,
            "document": dict(self.document),
            "explain": {name: dict(part) for name, part in self.explain.items()},
        }
        if self.passage is not None:
            body["passage"] = {"number": self.passage.number, "text": self.passage.text}
        if self.integrity is not Integrity.OK:
            body["integrity"] = str(self.integrity)
        if self.shaping:
            body["shaping"] = {step: dict(said) for step, said in self.shaping.items()}
        if self.highlights is not None:
            body["highlights"] = {name: list(pieces) for name, pieces in self.highlights.items()}
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


class Counts(StrEnum):
    """What a number of documents counts, the total of an answer or those of its facets."""

    TEXT_MATCHES = "text_matches"  # documents with a word of the query, of those the filter lets through
    FILTER_MATCHES = "filter_matches"  # documents the filter lets through
    WINDOW = "window"  # documents that a retriever returned: the store that could count more did not answer
    NOTHING = "nothing"  # they could not be counted


@dataclass(frozen=True, slots=True)
class Total:
    """How many documents there are to an answer. exact: False where there may be more. counts: which ones."""

    value: int
    exact: bool
    counts: Counts

    def to_dict(self) -> dict[str, Json]:
        """The total as JSON; its `relation` is eq or gte, as in Elasticsearch."""
        return {"value": self.value, "relation": "eq" if self.exact else "gte", "counts": str(self.counts)}


@dataclass(frozen=True, slots=True)
class Facets:
    """What was counted beside the hits, by name of the facet, as `hybrid.facets` says, and of which documents."""

    found: Mapping[str, Json]
    counts: Counts


@dataclass(frozen=True, slots=True)
class SearchResult:
    """An answer: the hits and how they came about.

    took_ms: milliseconds; timeline: what they went to: plan, wait (for the retrievers), fuse, hydrate (fetch the
    documents), explain. degraded: a retriever that was asked did not answer, so scores cannot be
    compared with those of a whole answer. fusion: method, its parameters, weights and window.
    retrievers: by name, how each one's part went. total: of documents, not only of hits. facets: None where none
    was asked. next_cursor: goes on with this very answer; None where it ends here. window_exhausted: it ends here
    because the retrievers were asked for no more; a larger window may find more. skipped: documents of this
    page that were deleted after they were found. steps: how the steps after fusion went that can fail, by name.
    remembered: the stores were not searched, as this was found before and they have not changed since.
    """

    query: str
    took_ms: float
    degraded: bool
    fusion: Mapping[str, Json]
    retrievers: Mapping[str, RetrieverReport]
    hits: Sequence[Hit]
    total: Total | None = None
    facets: Facets | None = None
    next_cursor: str | None = None
    window_exhausted: bool = False
    skipped: int = 0
    timeline: Mapping[str, float] = field(default_factory=dict)
    steps: Mapping[str, RetrieverReport] = field(default_factory=dict)
    remembered: bool = False

    def __len__(self) -> int:
        return len(self.hits)

    def __str__(self) -> str:
        state = ", ".join(f"{name} {report.status}" for name, report in self.retrievers.items())
        parts = [
            (hit.rank, label(hit), hit.score, {name: of.get("rank") for name, of in hit.explain.items()})
            for hit in self.hits
        ]
        return ranks_text(parts, f"{self.query!r}: {len(self.hits)} hits in {self.took_ms:.1f} ms, {state}")

    @property
    def ids(self) -> list[str]:
        """The ids of the hits, best first."""
        return [hit.id for hit in self.hits]

    def to_dict(self) -> dict[str, Json]:
        """The answer as JSON, as the HTTP endpoint gives it; what was not asked or did not happen has no key."""
        body: dict[str, Json] = {
            "query": self.query,
            "took_ms": round(self.took_ms, 3),
            "timeline_ms": {name: round(spent, 3) for name, spent in self.timeline.items()},
            "degraded": self.degraded,
            "fusion": dict(self.fusion),
            "retrievers": {name: report.to_dict() for name, report in self.retrievers.items()},
            "window_exhausted": self.window_exhausted,
        }
        if self.total is not None:
            body["total"] = self.total.to_dict()
        if self.facets is not None:
            body |= {"facets": dict(self.facets.found), "facets_count": str(self.facets.counts)}
        if self.next_cursor is not None:
            body["next_cursor"] = self.next_cursor
        if self.skipped:
            body["skipped"] = self.skipped
        if self.remembered:
            body["remembered"] = True
        if self.steps:
            body["steps"] = {name: report.to_dict() for name, report in self.steps.items()}
        return body | {"hits": [hit.to_dict() for hit in self.hits]}

    def rows(self) -> list[dict[str, Json]]:
        """One flat dict a hit: rank, id, score, each retriever's rank and contribution, and the fields."""
        return [self._row(hit) for hit in self.hits]

    def _row(self, hit: Hit) -> dict[str, Json]:
        row: dict[str, Json] = {"rank": hit.rank, "id": hit.id, "score": hit.score}
        for name, part in hit.explain.items():
            row |= {f"{name}_rank": part.get("rank"), f"{name}_contribution": part.get("contribution", 0.0)}
        return row | {name: value for name, value in hit.document.items() if name not in row}

    def to_pandas(self) -> Json:
        """A pandas DataFrame of `rows()`. Raises MissingExtra without pandas."""
        return frame(self.rows())

    def _repr_html_(self) -> str:
        rows = (
            (
                hit.rank,
                label(hit),
                hit.score,
                {name: part.get("contribution", 0.0) for name, part in hit.explain.items()},
            )
            for hit in self.hits
        )
        state = ", ".join(f"{name} {report.status} {report.took_ms:.1f} ms" for name, report in self.retrievers.items())
        return contributions_html(rows, list(self.retrievers), f"{self.query} · {self.took_ms:.1f} ms · {state}")


def label(hit: Hit) -> str:
    """What to call a hit in one line: its title or name if it has one, else its id."""
    named = (hit.document.get(key) for key in ("title", "name", "headline", "subject"))
    return next((value for value in named if isinstance(value, str) and value.strip()), hit.id)
