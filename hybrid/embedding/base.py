"""What turns content into vectors? The protocol that every embedder follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from hybrid.model import Vector


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors. Thread-safe; the same text always gives the same vector.

    name: of the model, part of the collection's fingerprint.
    dim: components of a vector.
    max_tokens: the model's window; a longer text is cut there, so callers split it first.
    languages: ISO 639-1 codes of the languages the model knows; empty: not known.
    """

    @property
    def name(self) -> str: ...

    @property
    def dim(self) -> int: ...

    @property
    def max_tokens(self) -> int: ...

    @property
    def languages(self) -> frozenset[str]: ...

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, dim), row i for texts[i]; (0, dim) for no texts. Raises EmbeddingError."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """float32 (n, dim), row i for texts[i]; differs from documents where a model has prefixes."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of the model's tokens of each text, special tokens included, not cut."""
        ...
