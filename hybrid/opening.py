"""How does one get an engine? By the settings, and what is said beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hybrid import settings as configuration
from hybrid.embedding.base import Embedder
from hybrid.embedding.reranker import Reranker
from hybrid.engine import Engine


def open(
    data_dir: str | Path | None = None,
    *,
    embedder: Embedder | None = None,
    reranker: Reranker | None = None,
    **settings: Any,
) -> Engine:
    """An engine on a collection: embedded in `data_dir` (":memory:" for nothing on disk), or on servers.

    settings: any of `hybrid.settings.Settings`, such as redis="redis://…", elasticsearch="https://…",
    collection, model. What is not given comes from the environment, hybrid.toml, and defaults.
    embedder, reranker: any objects that follow `hybrid.Embedder` and `hybrid.embedding.reranker.Reranker`, instead
    of the models that are set.
    Raises SettingsError.
    """
    return Engine(configuration.read(data_dir=data_dir, **settings), embedder, reranker)
