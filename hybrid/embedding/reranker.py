"""Which of a few documents answers best? Cross-encoders, which read query and document together; the operator's."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, runtime_checkable

from hybrid.settings import Settings


@runtime_checkable
class Reranker(Protocol):
    """Scores texts by how well they answer a query. Thread-safe; the same pair always gets the same score."""

    @property
    def name(self) -> str: ...

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """The score of each text, higher is better, of any range. Raises EmbeddingError."""
        ...


class LazyReranker:
    """The reranker that the settings name, opened when it is first needed; or the one that is given. Thread-safe."""

    def __init__(self, settings: Settings, given: Reranker | None = None) -> None:
        self._settings = settings
        self._reranker = given
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The model's name; empty where there is none."""
        return self._reranker.name if self._reranker is not None else self._settings.rerank.model or ""

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """As the reranker's. Raises EmbeddingError, ModelNotFound and MissingExtra."""
        with self._lock:
            if self._reranker is None:
                self._reranker = _open(self._settings)
        return self._reranker.score(query, texts)


def _open(settings: Settings) -> Reranker:
    module = import_module("hybrid.embedding.fastembed_reranker")  # heavy, so not before it is needed
    wanted = settings.rerank
    reranker: Reranker = module.open_reranker(
        wanted.model, wanted.model_path, settings.model_cache, settings.model_threads
    )
    return reranker
