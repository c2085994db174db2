"""What does each retriever find? A plan put to the stores of a place, in the thread of whoever calls."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from hybrid import queries
from hybrid.embedding.base import Embedder
from hybrid.errors import EmbeddingError, StoreError
from hybrid.merge import among, cut, merged
from hybrid.model import Json, Ranking, Vector
from hybrid.place import Place
from hybrid.plan import TEXT, VECTOR, Plan
from hybrid.stores.base import BrowseQuery, TextQuery, VectorQuery

_log = logging.getLogger(__name__)


def by_text(place: Place, plan: Plan) -> Ranking:
    """What the text retriever finds, or lists where there is no query. Raises StoreError."""
    place.catalog.store(TEXT)
    started = time.perf_counter()
    first, *more = queries.texts(plan)
    if isinstance(first, BrowseQuery):
        found = place.text.browse(first)
    elif more:
        texts = [one for one in (first, *more) if isinstance(one, TextQuery)]
        found = merged(_all_of(place.text.search_many(texts)), plan.window)
    else:
        found = place.text.search(first)
    return _timed(found, store=started)


def by_vector(place: Place, plan: Plan) -> Ranking:
    """What the vector retriever finds, by the plan's vector or the model's. Raises StoreError, EmbeddingError."""
    place.catalog.store(VECTOR)
    began = time.perf_counter()
    asked = [queries.vector(plan, row) for row in _vectors(place, [plan])[0]]
    started = time.perf_counter()
    found = place.vector.search(asked[0]) if len(asked) == 1 else _best(place, plan, asked)
    embedding = {"embed": (started - began) * 1000} if plan.vector is None else {}
    found = _timed(replace(found, spent={**embedding, **found.spent}), store=started)
    return _allowed(place, plan, cut(found, dict(plan.within).get(VECTOR)))


def by_texts(place: Place, plans: Sequence[Plan]) -> list[Ranking | StoreError]:
    """What the text retriever finds for each plan that has one query. Raises StoreError where all fail."""
    place.catalog.store(TEXT)
    started = time.perf_counter()
    asked = [query for plan in plans for query in queries.texts(plan) if not isinstance(query, BrowseQuery)]
    found = place.text.search_many(asked)
    return [_timed(one, store=started) if isinstance(one, Ranking) else one for one in found]


def by_vectors(place: Place, plans: Sequence[Plan]) -> list[Ranking | StoreError]:
    """What the vector retriever finds for each plan that has one query; all are embedded together.

    Raises StoreError where all fail, and EmbeddingError.
    """
    place.catalog.store(VECTOR)
    began = time.perf_counter()
    rows = [rows[0] for rows in _vectors(place, plans)]
    started = time.perf_counter()
    asked = [queries.vector(plan, row) for plan, row in zip(plans, rows, strict=True)]
    found = zip(plans, place.vector.search_many(asked), strict=True)
    return [
        _allowed(place, plan, cut(_timed(one, store=started, embed=began), dict(plan.within).get(VECTOR)))
        if isinstance(one, Ranking)
        else one
        for plan, one in found
    ]


def facets(place: Place, plan: Plan) -> Ranking:
    """The facets of a plan that does not ask the text retriever, in a ranking without rows. Raises StoreError."""
    place.catalog.store(TEXT)
    query = queries.counting(plan)
    return place.text.browse(query) if query else Ranking()


def scores(place: Place, retriever: str, plan: Plan, ids: Sequence[str]) -> Mapping[str, float]:
    """The score that a retriever gives to each of these documents; those without one are left out."""
    place.catalog.store(retriever)
    if retriever == VECTOR:
        asked = [queries.vector(plan, row) for row in _vectors(place, [plan])[0]]
        found = [place.vector.scores(one, ids) for one in asked]
    else:
        found = [place.text.scores(one, ids) for one in queries.texts(plan) if isinstance(one, TextQuery)]
    known = {one for of in found for one in of}
    return {one: max(of[one] for of in found if one in of) for one in known}


def explained(place: Place, plan: Plan, ids: Sequence[str]) -> Mapping[str, Json]:
    """The text store's own explanation of each document's score; empty where it has none or does not answer."""
    query = queries.texts(plan)[0]
    if isinstance(query, BrowseQuery):
        return {}
    try:
        return place.text.explain(query, ids)
    except StoreError as error:
        _log.warning("scores cannot be explained: %s", error)
        return {}


def nearness(place: Place, plan: Plan, texts: Sequence[str]) -> list[float]:
    """The cosine similarity of each text to the query's vector. Raises EmbeddingError without a model."""
    query, rows = _vectors(place, [plan])[0][0], _model(place).embed_documents(texts)
    lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
    return list(np.divide(rows @ query, lengths, out=np.zeros(len(rows), np.float32), where=lengths > 0))


def _allowed(place: Place, plan: Plan, found: Ranking) -> Ranking:
    """The rows that meet the conditions of a query in mode `query`, which hold for every document; the text store,
    which knows the words, is asked."""
    query = queries.conditions(plan)
    if query is None or not found.ids:
        return found
    place.catalog.store(TEXT)
    good = place.text.scores(query, found.ids)
    return among(found, [at for at, one in enumerate(found.ids) if one in good])


def _best(place: Place, plan: Plan, asked: Sequence[VectorQuery]) -> Ranking:
    return merged(_all_of(place.vector.search_many(asked)), plan.window)


def _all_of(found: Sequence[Ranking | StoreError]) -> list[Ranking]:
    """The rankings of a retriever's queries. Raises the error of the first that failed."""
    for one in found:
        if isinstance(one, StoreError):
            raise one
    return [one for one in found if isinstance(one, Ranking)]


def _vectors(place: Place, plans: Sequence[Plan]) -> list[list[Vector]]:
    """Each plan's vectors: its own, or the model's of each of its texts."""
    texts = list(dict.fromkeys(text for plan in plans if plan.vector is None for text in plan.spoken))
    made = dict(zip(texts, _model(place).embed_queries(texts), strict=True)) if texts else {}
    return [
        [made[text] for text in plan.spoken] if plan.vector is None else [np.asarray(plan.vector, np.float32)]
        for plan in plans
    ]


def _model(place: Place) -> Embedder:
    embedder = place.model.get()
    if embedder is None:
        raise EmbeddingError("this collection has no model; give the query's vector: search(…, vector=[…])")
    return embedder


def _timed(found: Ranking, **began: float) -> Ranking:
    """The ranking with the milliseconds since each of these moments, of `time.perf_counter`, among its `spent`."""
    now = time.perf_counter()
    return replace(found, spent={**found.spent, **{of: (now - at) * 1000 for of, at in began.items()}})
