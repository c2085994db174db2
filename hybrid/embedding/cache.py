"""Which queries were embedded before? A least-recently-used cache around any embedder."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import numpy as np

from hybrid.embedding.base import Embedder
from hybrid.model import Vector


@dataclass(frozen=True, slots=True)
class CacheInfo:
    """hits: texts answered from the cache; misses: texts embedded; entries: texts held now, at most `size`."""

    hits: int
    misses: int
    entries: int
    size: int


class CachedQueries:
    """An embedder that remembers the vectors of the last `size` queries. Documents go straight through."""

    def __init__(self, embedder: Embedder, size: int = 1024) -> None:
        self._embedder = embedder
        self._size = size
        self._rows: OrderedDict[str, Vector] = OrderedDict()
        self._lock = Lock()
        self._hits = 0
        self._misses = 0

    @property
    def name(self) -> str:
        """The model's name."""
        return self._embedder.name

    @property
    def dim(self) -> int:
        """Components of a vector."""
        return self._embedder.dim

    @property
    def max_tokens(self) -> int:
        """The model's window in tokens."""
        return self._embedder.max_tokens

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes; empty: not known."""
        return self._embedder.languages

    def info(self) -> CacheInfo:
        """How well the cache does since it was made."""
        with self._lock:
            return CacheInfo(self._hits, self._misses, len(self._rows), self._size)

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, dim), row i for texts[i]. Not cached: a document is rarely embedded twice."""
        return self._embedder.embed_documents(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """float32 (n, dim), row i for texts[i], read-only."""
        rows = self._known(texts)
        missing = [text for text in dict.fromkeys(texts) if text not in rows]
        if missing:
            rows.update(zip(missing, self._embedder.embed_queries(missing), strict=True))
        self._remember(texts, rows, len(missing))
        answer = np.stack([rows[text] for text in texts]) if texts else np.empty((0, self.dim), np.float32)
        answer.setflags(write=False)
        return answer

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of the model's tokens of each text, special tokens included, not cut."""
        return self._embedder.count_tokens(texts)

    def _known(self, texts: Sequence[str]) -> dict[str, Vector]:
        with self._lock:
            return {text: self._rows[text] for text in texts if text in self._rows}

    def _remember(self, texts: Sequence[str], rows: dict[str, Vector], misses: int) -> None:
        with self._lock:
            self._misses += misses
            self._hits += len(texts) - misses
            for text in texts:
                # A copy: a row of a batch would keep the whole batch in memory.
                self._rows.setdefault(text, rows[text].copy())
                self._rows.move_to_end(text)
            while len(self._rows) > self._size:
                self._rows.popitem(last=False)
