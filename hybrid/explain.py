"""Why did a retriever not find a hit that another one found? Asked of its store, for the hits of one page."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from hybrid.errors import CollectionNotFound, StoreError
from hybrid.integrity import Stateful
from hybrid.model import Json
from hybrid.result import Hit

_log = logging.getLogger(__name__)

Scores = Callable[[Sequence[str]], Mapping[str, float]]
"""The score that a retriever gives to each of some documents, whatever its window; those without one are left out."""

_Part = dict[str, Json]


def absences(hits: Sequence[Hit], store: Stateful, retriever: str, scores: Scores) -> dict[str, _Part]:
    """By id of each hit that the retriever answered without, its part of the explanation.

    not_in_window: it has this raw_score, but others' were better. no_match: it has no score for this query.
    missing: the store does not have the document. Empty where the store does not answer.
    """
    ids = [hit.id for hit in hits if hit.explain[retriever]["status"] == "not_found"]
    if not ids:
        return {}
    try:
        known = scores(ids)
        held = store.states([one for one in ids if one not in known])
    except (StoreError, CollectionNotFound) as error:
        _log.warning("why documents were not found cannot be told: %s", error)
        return {}
    there = {one for one, state in held.items() if not state.deleted}
    return {one: _part(known.get(one), one in there) for one in ids}


def _part(score: float | None, is_there: bool) -> _Part:
    if score is not None:
        return {"status": "not_in_window", "raw_score": score, "contribution": 0.0}
    return {"status": "no_match" if is_there else "missing", "contribution": 0.0}


def merged(hits: Sequence[Hit], retriever: str, parts: Mapping[str, _Part]) -> tuple[Hit, ...]:
    """The hits with these parts of their explanations, by id; what a part does not say stays."""
    return tuple(
        replace(hit, explain={**hit.explain, retriever: {**hit.explain[retriever], **parts[hit.id]}})
        if hit.id in parts
        else hit
        for hit in hits
    )
