"""What does a document say? All of it follows from its id and a number that only grows, so that old content shows."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from hybrid.model import Vector

COLLECTION = "campaign"
DIM = 8
PASSAGES = 3
"""A document has from 1 to so many vectors; their number changes from one version to the next."""

REFUSED_BYTES = 300_000
"""Length of a text that Elasticsearch, as the campaign starts it, takes for too large."""

HOT, COLD, POISONED = 12, 600, 4


class Kind(StrEnum):
    """What is done to a document."""

    PUT = "put"
    DELETE = "delete"
    POISON = "poison"  # a put that Elasticsearch will never take


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing done to one document. number: larger than that of any operation before, on whatever document."""

    id: str
    number: int
    kind: Kind


def vectors(document_id: str, number: int) -> Vector:
    """float32 (n, 8), of unit length; n from 1 to 3."""
    drawn = np.random.default_rng([*document_id.encode(), number])
    made = drawn.standard_normal((1 + number % PASSAGES, DIM)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return made


def text(document_id: str, number: int) -> str:
    """Words that no other version of any document has."""
    return f"document {document_id} in version number {number}"


def document(operation: Operation) -> dict[str, Any]:
    """What is given to `put`."""
    said = text(operation.id, operation.number)
    body = said if operation.kind is Kind.PUT else said.ljust(REFUSED_BYTES, "x")
    return {
        "id": operation.id,
        "text": body,
        "number": operation.number,
        "vector": vectors(operation.id, operation.number),
    }


def batches(seed: str, first: int, *, poisoned: bool) -> Iterator[list[Operation]]:
    """Without end: operations to be done together, all puts or all deletes, no id twice.

    first: the first operation's number. A few ids come again and again, most of them seldom.
    poisoned: now and then one document is put in good order, and then poisoned.
    """
    chance = random.Random(seed)
    number = first
    before: list[str] = []
    while True:
        kind = Kind.DELETE if chance.random() < 0.2 else Kind.PUT
        hot = [f"hot-{one}" for one in chance.sample(range(HOT), chance.randint(1, 3))]
        cold = [f"cold-{chance.randrange(COLD)}" for _ in range(chance.randint(1, 10))]
        groups = [(kind, list(dict.fromkeys(hot + cold + before)))]
        before = cold[::2]  # these come twice within a moment, and then not for long
        if poisoned and chance.random() < 0.1:
            one = f"poisoned-{chance.randrange(POISONED)}"
            groups += [(Kind.PUT, [one]), (Kind.POISON, [one])]
        for what, ids in groups:
            yield [Operation(document_id, number + place, what) for place, document_id in enumerate(ids)]
            number += len(ids)
