"""Which documents say the same? One of each value of a field, or few that are alike."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hybrid.filters.meaning import Facts
from hybrid.model import Vector
from hybrid.shaping.order import Order

MOST_COMPARED = 1_000
"""Documents that are chosen from by their likeness; those after them stay where they are."""


def collapsed(order: Order, field: str, facts: Mapping[str, Facts]) -> Order:
    """The first document of each value of the field; one without a value stands for itself.

    Noted is the value, and how many documents of the order have it. Of several values all count together.
    """
    groups: dict[object, list[str]] = {}
    for one in order.ids:
        values = facts.get(one, {}).get(field)
        groups.setdefault(values or one, []).append(one)
    said = {
        of[0]: {"field": field, "value": list(values) if len(values) > 1 else values[0], "documents": len(of)}
        for values, of in groups.items()
        if isinstance(values, tuple)
    }
    return order.among({of[0] for of in groups.values()}).noted("collapse", said)


def diverse(order: Order, diversity: float, vectors: Mapping[str, Vector]) -> Order:
    """By maximal marginal relevance: each time the document that scores well and is unlike those before it.

    relevance = score / best score, likeness = the largest cosine to any document before; the next is the one with the
    largest (1 − diversity) · relevance − diversity · likeness (Carbonell and Goldstein, 1998, with λ = 1 − diversity).
    vectors: float32 (n, dim) by id, of which the mean is taken; a document without any is like no other. Noted is
    the likeness.
    """
    ids, rest = order.ids[:MOST_COMPARED], order.ids[MOST_COMPARED:]
    if not ids:
        return order
    top = max(order.scores[one] for one in ids)
    relevance = np.array([order.scores[one] / top if top > 0 else 0.0 for one in ids])
    rows = _directions(ids, vectors)
    likeness = np.zeros(len(ids))
    left = np.ones(len(ids), np.bool_)
    chosen: list[str] = []
    said = {}
    for _ in ids:
        gain = (1 - diversity) * relevance - diversity * likeness
        best = int(np.argmax(np.where(left, gain, -np.inf)))  # the first of equals
        chosen.append(ids[best])
        said[ids[best]] = {"likeness": float(likeness[best])}
        left[best] = False
        likeness = np.maximum(likeness, rows @ rows[best]) if len(chosen) > 1 else rows @ rows[best]
    return Order((*chosen, *rest), order.scores, order.notes).noted("diversity", said)


def _directions(ids: tuple[str, ...], vectors: Mapping[str, Vector]) -> Vector:
    """float32 (ids, dim): the mean of each document's vectors, of unit length, or zeros."""
    dim = next((of.shape[1] for of in vectors.values() if len(of)), 1)
    rows = np.zeros((len(ids), dim), np.float32)
    for number, one in enumerate(ids):
        if len(vectors.get(one, ())):
            mean = vectors[one].mean(axis=0)
            length = float(np.linalg.norm(mean))
            rows[number] = mean / length if length else mean
    return rows
