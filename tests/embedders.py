"""Real embedders for tests: small, deterministic and without files, but what they say follows from the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b

import numpy as np

from hybrid.model import Vector


class HashedWords:
    """Words and their three-character pieces, hashed into 64 signed buckets, of unit length.

    Texts that share words or parts of words are near each other. No text is a zero vector.
    max_tokens: words, and two for the start and the end.
    """

    def __init__(self, max_tokens: int = 256) -> None:
        self.max_tokens = max_tokens

    name = "hashed-words-64"
    dim = 64
    languages: frozenset[str] = frozenset()

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 64)."""
        rows = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for feature, weight in _features(text):
                number = int.from_bytes(blake2b(feature.encode(), digest_size=8).digest(), "big")
                row[number % self.dim] += weight if number >> 32 & 1 else -weight
        return rows / np.linalg.norm(rows, axis=1, keepdims=True) if len(texts) else rows

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 64), as documents."""
        return self.embed_documents(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Words and two."""
        return [len(text.split()) + 2 for text in texts]


class Breaks(HashedWords):
    """Fails in a way nobody foresaw at any text that says `break here`; else as HashedWords."""

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 64)."""
        if any("break here" in text for text in texts):
            raise RuntimeError("secret-host.internal refused to embed")
        return super().embed_documents(texts)


def _features(text: str) -> Iterator[tuple[str, float]]:
    yield "<text>", 0.01  # so that a blank text is no zero vector
    for word in re.findall(r"\w+", text.lower()):
        yield word, 1.0
        padded = f"<{word}>"
        yield from ((padded[at : at + 3], 0.4) for at in range(len(padded) - 2))
