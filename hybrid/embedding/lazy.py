"""When is the model loaded? At its first use, once, whoever comes first."""

from __future__ import annotations

import threading
from dataclasses import asdict

from hybrid.embedding.base import Embedder
from hybrid.embedding.cache import CachedQueries
from hybrid.embedding.factory import open_embedder
from hybrid.forks import forgets
from hybrid.schema import NO_MODEL
from hybrid.settings import Settings


class LazyEmbedder:
    """The embedder of the settings, or the one given, loaded when first asked for. Thread-safe.

    `name` is known without loading.
    """

    def __init__(self, settings: Settings, given: Embedder | None = None) -> None:
        self._settings = settings
        self._embedder = given
        self._lock = threading.Lock()
        self.name = given.name if given is not None else settings.model
        forgets(self)

    def forget(self) -> None:
        """In a child of the process: nobody there is loading the model."""
        self._lock = threading.Lock()

    def cached(self) -> dict[str, int]:
        """How well the cache of query vectors does; empty while no model is loaded, or for one without a cache."""
        return asdict(self._embedder.info()) if isinstance(self._embedder, CachedQueries) else {}

    def get(self) -> Embedder | None:
        """The embedder; None where documents bring their own vectors. Raises ModelNotFound or MissingExtra."""
        if self._embedder is None and self.name != NO_MODEL:
            with self._lock:
                if self._embedder is None:
                    self._embedder = open_embedder(
                        self.name,
                        model_path=self._settings.model_path,
                        cache=self._settings.model_cache,
                        threads=self._settings.model_threads,
                    )
        return self._embedder
