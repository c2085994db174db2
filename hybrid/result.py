"""What does a search give back? Hits, what they are of, and how each retriever's part went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hybrid.display import contributions_html, frame, ranks_text
from hybrid.model import Json, RetrieverReport


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
