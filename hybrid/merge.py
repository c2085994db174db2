"""What do several queries of one retriever find together? Each document by the one that suits it best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hybrid.model import Ranking


def merged(rankings: Sequence[Ranking], limit: int) -> Ranking:
    """The best documents of rankings whose scores can be compared, each once, by its best score; equal ones by id.

    total: of the query with the most matches, and no more than a lower bound where there are several.
    """
    if len(rankings) == 1:
        return rankings[0]
    best: dict[str, tuple[float, Ranking, int]] = {}
    for ranking in rankings:
        for place, (one, score) in enumerate(zip(ranking.ids, ranking.scores, strict=True)):
            if one not in best or score > best[one][0]:
                best[one] = (score, ranking, place)
    order = sorted(best, key=lambda one: (-best[one][0], one))[:limit]
    rows = [best[one] for one in order]
    totals = [ranking.total for ranking in rankings if ranking.total is not None]
    return Ranking(
        ids=tuple(order),
        scores=tuple(score for score, _, _ in rows),
        versions=tuple(ranking.versions[place] for _, ranking, place in rows),
        passages=tuple(ranking.passages[place] for _, ranking, place in rows if ranking.passages),
        total=max(totals, default=None),
        exact=False,
        background=rows[0][1].background if rows else None,  # of the query that the best document came by
        unit=rows[0][1].unit if rows else None,
    )


def cut(ranking: Ranking, least: float | None) -> Ranking:
    """The rows of a ranking whose score is at least this; None: all."""
    if least is None or not ranking.scores or ranking.scores[-1] >= least:
        return ranking
    return among(ranking, [place for place, score in enumerate(ranking.scores) if score >= least])


def among(ranking: Ranking, places: Sequence[int]) -> Ranking:
    """The rows of a ranking at these places, from 0."""
    return replace(
        ranking,
        ids=tuple(ranking.ids[place] for place in places),
        scores=tuple(ranking.scores[place] for place in places),
        versions=tuple(ranking.versions[place] for place in places),
        passages=tuple(ranking.passages[place] for place in places if ranking.passages),
    )
