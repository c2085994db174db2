"""Where does a document stand in an answer that does not show it? Its rank, or why it has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hybrid.answer import Found, explained
from hybrid.filters.meaning import facts, matches
from hybrid.model import Json, Stored
from hybrid.result import Hit
from hybrid.schema import Schema


@dataclass(frozen=True, slots=True)
class Standing:
    """How a search sees one document. exists: whether it is there. passes: whether the filter lets it through.

    rank: from 1, its place in the answer; None where it has none. score: fused, 0 without a rank. explain: by
    retriever, as of a hit with `explain=True`: hit, not_in_window (with the raw_score), no_match, missing, failed or
    skipped; empty where there is no such document.
    """

    id: str
    exists: bool
    passes: bool = False
    rank: int | None = None
    score: float = 0.0
    explain: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Json]:
        """The standing as JSON."""
        parts = {name: dict(part) for name, part in self.explain.items()}
        facts = {"exists": self.exists, "passes_filter": self.passes, "rank": self.rank, "score": self.score}
        return {"id": self.id, **facts, "explain": parts}


def hit_of(of: Found, stored: Stored) -> Hit:
    """A document as if it were a hit of the answer; rank 0 where it is none, though it may have been found."""
    place = of.order.ids.index(stored.id) + 1 if stored.id in of.order.ids else 0
    score = of.order.scores[stored.id] if place else 0.0
    return Hit(stored.id, place, score, stored.source, explained(of, stored.id))


def standing(of: Found, hit: Hit, schema: Schema) -> Standing:
    """What there is to say of a document that exists. hit: as `hit_of` gives it, its explanation complete."""
    tree = of.plan.filter
    passes = tree is None or matches(tree, facts(hit.id, hit.document, schema))
    return Standing(hit.id, True, passes, hit.rank or None, hit.score, hit.explain)
