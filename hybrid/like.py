"""What are documents like? Their mean vector and their most telling words, as the query of a search for others."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hybrid import bounds
from hybrid.analysis import query_terms
from hybrid.bounded import Bounded
from hybrid.errors import DocumentNotFound, QueryError
from hybrid.hydrate import hydrated
from hybrid.languages import KEYWORD, SIMPLE
from hybrid.model import Stored, Vector
from hybrid.place import Place
from hybrid.plan import TEXT, VECTOR, Request
from hybrid.schema import Metric, Schema
from hybrid.surface import document_words

MOST_LIKE = 20
"""Documents that a search may ask for the like of."""

TELLING = 25
"""Words of theirs that are searched for, as many as Elasticsearch's more_like_this takes."""


def resolved(request: Request, place: Place, stores: Mapping[str, Bounded]) -> Request:
    """The request with the query and the vector that its `like` stands for, and without the documents themselves.

    Raises QueryError for a request that has a query or a vector too, DocumentNotFound, and StoreError.
    """
    if request.like is None:
        return request
    ids = _ids(request.like)
    if request.query.strip() or request.vector is not None or request.queries:
        raise QueryError("like stands for a query; leave out query, queries and vector, or like", field="like")
    held = hydrated(ids, (stores[VECTOR], stores[TEXT])).documents
    missing = [one for one in ids if one not in held]
    if missing:
        raise DocumentNotFound(f"there is no document {missing[0]!r} to find others like it")
    schema = place.catalog.collection.schema
    return replace(
        request,
        query=" ".join(_telling(place, stores[TEXT], list(held.values()), schema)),
        vector=_mean(place, stores[VECTOR], ids),
        like=None,
        without=tuple(ids),
    )


def _ids(given: Any) -> list[str]:
    ids = [given] if isinstance(given, str) else list(given) if isinstance(given, Sequence) else []
    if not 1 <= len(ids) <= MOST_LIKE or not all(isinstance(one, str) for one in ids):
        raise QueryError(f"like is {given!r:.200}; give an id, or a list of at most {MOST_LIKE} ids", field="like")
    return list(dict.fromkeys(ids))


def _mean(place: Place, store: Bounded, ids: Sequence[str]) -> tuple[float, ...]:
    """The mean of the documents' vectors, each document's passages counting as one; of unit length under COSINE."""
    records = store.ask(lambda of: of.records(ids))
    rows: Vector = np.stack([records[one].vectors.mean(axis=0) for one in ids if one in records])
    mean = rows.mean(axis=0, dtype=np.float64)
    length = float(np.linalg.norm(mean))
    if place.catalog.collection.vector.metric is Metric.COSINE and length:
        mean = mean / length
    return bounds.components(mean.tolist()) or ()


def _telling(place: Place, store: Bounded, documents: Sequence[Stored], schema: Schema) -> list[str]:
    """The words that tell the documents best from others: the largest count × ln((n + 1) / (documents with it + 1)).

    A word stands for its token; each token is there once, by the first way it is written.
    """
    analyzer = next((one for one in schema.spoken if one != KEYWORD), SIMPLE)
    counts: Counter[str] = Counter()
    written: dict[str, str] = {}
    for one in documents:
        text = " ".join(str(one.source.get(name, "")) for name, _ in schema.searched)
        counts.update(query_terms(text, analyzer))
        for word in document_words(one.source, schema.searched):
            for token in query_terms(word, analyzer):
                written.setdefault(token, word)
    known = [token for token, _ in counts.most_common(200) if token in written]
    total = store.ask(lambda of: of.count())
    having = store.ask(lambda _: place.text.frequencies(known))
    rarity = {token: math.log((total + 1) / (having.get(token, 0) + 1)) for token in known}
    best = sorted(known, key=lambda token: (-counts[token] * rarity[token], token))[:TELLING]
    return list(dict.fromkeys(written[token] for token in best))
