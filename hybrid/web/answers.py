"""What do answers look like? A model of each JSON answer, for its description and for the tests that hold it to it.

The engine's own `to_dict` makes the answers. A key that is only there where there is something to say is `absent`
otherwise, never null. Keys may be added; those that are here stay, as docs/api.md promises.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from hybrid.model import Json, Outcome, Status
from hybrid.result import Counts, Integrity
from hybrid.schema import FieldType
from hybrid.web.choices import Chosen, FacetView, RangeView, SortLink
from hybrid.web.codes import CODES
from hybrid.web.emptied import Emptied


def absent() -> Any:
    """The default of a key that may not be there."""
    return Field(default_factory=lambda: None)


class Place(BaseModel):
    """One fault of a request: what is wrong, and where: an argument of the URL, or a JSON pointer in the body."""

    detail: str
    pointer: str = absent()
    parameter: str = absent()


class ProblemAnswer(BaseModel):
    """What went wrong, as RFC 9457 says. code is stable; type is the address of the page about it."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(json_schema_extra={"enum": [*sorted(CODES)]})
    request_id: str
    errors: list[Place] = absent()
    field: str = absent()
    position: int = absent()
    store: str = absent()
    retrievers: dict[str, str] = absent()


class ProblemInside(ProblemAnswer):
    """A problem of one of many searches."""

    request_id: str = absent()


class RetrieverSaid(BaseModel):
    """How one retriever's part of a search went."""

    status: Status
    took_ms: float
    returned: int
    reason: str = absent()
    spent_ms: dict[str, float] = absent()
    evidence: dict[str, float] = absent()


class Explained(BaseModel):
    """What one retriever contributed to a hit."""

    status: str
    contribution: float
    rank: int = absent()
    raw_score: float | None = absent()
    normalized: float | None = absent()
    weight: float = absent()
    explanation: Json = absent()


class PassageFound(BaseModel):
    """The passage of a long document that it was found by."""

    number: int
    text: str


class HitFound(BaseModel):
    """One document of an answer."""

    id: str
    rank: int
    score: float
    document: dict[str, Json]
    explain: dict[str, Explained]
    passage: PassageFound = absent()
    integrity: Integrity = absent()
    shaping: dict[str, dict[str, Json]] = absent()
    highlights: dict[str, list[str]] = absent()


class TotalCounted(BaseModel):
    """How many documents there are, and what is counted."""

    value: int
    relation: Literal["eq", "gte"]
    counts: Counts


class Fused(BaseModel):
    """How the rankings were fused; of a search for nothing, how all documents are sorted."""

    method: str
    window: int
    k: float = absent()
    weights: dict[str, float] = absent()
    normalizer: str = absent()
    compat: str = absent()
    sort: list[str] = absent()


class SearchAnswer(BaseModel):
    """The hits of a search, and how they came about."""

    query: str
    took_ms: float
    timeline_ms: dict[str, float]
    degraded: bool
    fusion: Fused
    retrievers: dict[str, RetrieverSaid]
    window_exhausted: bool
    total: TotalCounted = absent()
    facets: dict[str, list[dict[str, Json]] | dict[str, Json]] = absent()
    facets_count: Counts = absent()
    next_cursor: str = absent()
    skipped: int = absent()
    remembered: bool = absent()
    steps: dict[str, RetrieverSaid] = absent()
    hits: list[HitFound]


class PageFacts(BaseModel):
    """What the search page shows beside the hits, each choice with the page that it leads to."""

    facets: list[FacetView]
    ranges: list[RangeView]
    chosen: list[Chosen]
    clear_url: str
    sorts: list[SortLink]
    next_url: str
    did_you_mean: dict[str, str] | None
    emptied: Emptied | None
    other: dict[str, Json] | None


class PageAnswer(SearchAnswer):
    """The hits of the search page, and what it shows beside them."""

    page: PageFacts


class ComparedSide(BaseModel):
    """What one setting makes of a query: ids, scores, and of each id its parts and how far it moved from the first."""

    ids: list[str]
    scores: list[float]
    contributions: dict[str, dict[str, float]]
    moves: dict[str, int | None]
    setting: dict[str, Json]
    like_the_first: dict[str, float]


class CompareAnswer(BaseModel):
    """The same rankings fused in several ways."""

    query: str
    sides: dict[str, ComparedSide]
    url: str


class PlanAnswer(BaseModel):
    """What a search would ask each store, where `plan=true`; its keys are for people, and may change."""

    plan: dict[str, Json]
    key: str
    text: Json = absent()
    vector: Json = absent()


class ManyAnswer(BaseModel):
    """The answers to many searches, in their order."""

    answers: list[SearchAnswer | ProblemInside]


class StandingAnswer(BaseModel):
    """How a search sees one document. rank: its place in the answer, null where it has none."""

    id: str
    exists: bool
    passes_filter: bool
    rank: int | None
    score: float
    explain: dict[str, Explained]


class CompletionFound(BaseModel):
    """One way to finish what is being typed. count: documents with the word."""

    text: str
    word: str
    count: int


class SuggestAnswer(BaseModel):
    """Ways to finish a text, and what may be meant by it."""

    query: str
    completions: list[CompletionFound]
    did_you_mean: str | None


class DocumentAnswer(BaseModel):
    """One document."""

    id: str
    document: dict[str, Json]


class WrittenAnswer(BaseModel):
    """What became of a document. owed: stores that did not take it yet; they get it later by themselves."""

    id: str
    status: Outcome
    owed: list[str] = absent()
    notes: list[str] = absent()


class CountAnswer(BaseModel):
    """A number of documents."""

    count: int


class PendingDocument(BaseModel):
    """A document that a store is owed."""

    id: str
    outcome: Outcome
    owed: list[str]


class DeletedAnswer(BaseModel):
    """What became of the documents of a filter."""

    counts: dict[str, int]
    problems: list[PendingDocument]
    notes: list[str]
    took_s: float
    dry_run: bool


class LineFault(BaseModel):
    """Why a line was rejected."""

    type: str
    code: str
    detail: str
    errors: list[Place] = absent()


StoreState = Literal["written", "owed", "untouched"]


class LineAnswer(BaseModel):
    """What became of one line of a bulk body."""

    line: int
    id: str | None
    status: Outcome
    text: StoreState
    vector: StoreState
    error: LineFault = absent()


class BulkSummary(BaseModel):
    """The last line of a bulk answer. complete: whether all lines were read and answered."""

    summary: Literal[True]
    lines: int
    counts: dict[str, int]
    complete: bool
    error: LineFault = absent()


class FieldHeld(BaseModel):
    """One field of a collection's schema."""

    name: str
    type: FieldType
    boost: float
    embedded: bool
    analyzer: str
    alone: bool = absent()


class CollectionHeld(BaseModel):
    """A collection: what its documents hold, how its vectors are compared, and how many documents there are."""

    name: str
    model: str
    documents: int
    fields: list[FieldHeld]
    vector: dict[str, Json]


class CollectionsAnswer(BaseModel):
    """The collections that can be asked."""

    collections: list[CollectionHeld]


class StatusAnswer(BaseModel):
    """How the collection does. troubles: what is wrong; checked: the last comparison of the stores, null before."""

    name: str
    exists: bool
    model: str
    troubles: list[dict[str, Json]]
    fields: list[FieldHeld]
    stores: dict[str, dict[str, Json]]
    journal: dict[str, Json]
    circuits: dict[str, dict[str, Json]]
    caches: dict[str, dict[str, Json]]
    checked: dict[str, Json] | None


class AliveAnswer(BaseModel):
    """The process answers."""

    status: Literal["ok"]


StoreHealth = Literal["ok", "unavailable"]


class ReadyAnswer(BaseModel):
    """Whether searches and writes can be answered, and each store and the journal."""

    status: Literal["ready", "unavailable"]
    stores: dict[str, StoreHealth]
    journal: StoreHealth
