"""Which documents stand for the whole collection? The same ones in every store: those whose ids are drawn.

Each id has a level, from 0, drawn by its hash: half of all ids have level 0, a quarter level 1, and so on. The
sample is all documents from the level on at which about 256 to 512 of them are expected. It is a function of the
ids alone, so it moves little when documents come and go.
"""

from __future__ import annotations

from hashlib import blake2b

LEAST = 256
"""Documents of a sample, where there are so many, as expected at least. 100 gave the same relevance as all."""

HIGHEST = 62


def level(document_id: str) -> int:
    """The level of an id, from 0 to HIGHEST: the zero bits that its hash ends with."""
    drawn = int.from_bytes(blake2b(document_id.encode(), digest_size=8).digest(), "big") | 1 << HIGHEST
    return (drawn & -drawn).bit_length() - 1


def from_level(documents: int) -> int:
    """The level from which on ids of so many documents are in the sample, from 0."""
    return max(0, (max(documents, 1) // LEAST).bit_length() - 1)
