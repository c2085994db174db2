"""The default: scores above nothing, counted by the evidence that a retriever knows anything."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hybrid.fusion.base import Column, Fusion, Shares, method
from hybrid.model import Background

KEPT = 0.75
"""How far from the mean of all documents to the last row of the window a similarity starts to count."""

SURE_Z = 4.0
"""Deviations above the mean at which the best similarity is beyond chance: one in 30,000 draws."""

SURE_REACH = 0.1
"""Part of the highest score that a query could give at which the best document's words are no chance."""


@method
def standard(columns: Mapping[str, Column], fusion: Fusion) -> dict[str, Shares]:
    """Shares of score = Σ weight × trust × (s − low) / (best − low), within each ranking.

    low is what counts as nothing: the last row of a full window; of similarities, of which every document has one,
    mean + ¾ (last − mean), as being in the window says something by itself; 0 for words where the window is not full.
    trust, from 0 to 1, is the evidence that the best row is more than chance. For similarities min(1, z²/16), where
    z = (best − mean) / deviation over a sample of the collection: z²/2 is the log-likelihood ratio, in nats, between
    "as near as it looks" and "drawn from the collection", and noise alone has a best z of about √(2 ln n). For words
    min(1, best / (0.1 × the score of a document that had all of them, each in no other document)). 1 where neither is
    known, or where there is one ranking only. `k` is not looked at.

    So a retriever that knows nothing of a query (a model without its language, say) loses its say, which no rank
    and no range of a window can show. Raising the best score of a ranking may lower others' share, and raises trust.
    """
    documents = max((of.background.documents for of in columns.values() if of.background), default=None)
    alone = sum(bool(of.ids) for of in columns.values()) < 2
    return {name: _shares(of, fusion.weight(name), documents, alone) for name, of in columns.items()}


def _shares(column: Column, weight: float, documents: int | None, alone: bool) -> Shares:
    if not column.ids:
        return Shares([], [])
    best, last = column.scores[0], column.scores[-1]
    if column.background is not None:
        low, trust, facts = _near(best, last, column.background)
    elif column.unit is not None and documents is not None:
        low, trust, facts = _worded(best, last if column.full else 0.0, column.unit, documents)
    else:
        low, trust, facts = last if column.full else min(last, 0.0), 1.0, {}
    trust = 1.0 if alone else trust
    normalized = [trust * part for part in above(column.scores, low)]
    return Shares(normalized, [weight * value for value in normalized], facts | {"low": low, "trust": trust})


def _near(best: float, last: float, background: Background) -> tuple[float, float, dict[str, float]]:
    mean, deviation = background.mean, background.deviation
    z = (best - mean) / deviation if deviation > 0 else 0.0
    trust = min(1.0, (max(z, 0.0) / SURE_Z) ** 2)
    return mean + KEPT * max(0.0, last - mean), trust, {"mean": mean, "deviation": deviation, "z": z}


def _worded(best: float, low: float, unit: float, documents: int) -> tuple[float, float, dict[str, float]]:
    highest = unit * math.log(2 * documents + 2)  # Lucene's idf of a word that one document at most has
    reach = best / highest if highest > 0 else 0.0
    return low, min(1.0, max(reach, 0.0) / SURE_REACH), {"reach": reach}


def above(scores: Sequence[float], low: float) -> list[float]:
    """Each score's height above `low` of the best one's, from 0 to 1; all 1 where the best is not above it."""
    best = scores[0]
    if not best > low:
        return [1.0] * len(scores)
    if math.isinf(best - low):  # of huge scores: halves, so that the range stays finite
        scores, best, low = [score / 2 for score in scores], best / 2, low / 2
    span = best - low
    return [(score - low) / span if score > low else 0.0 for score in scores]
