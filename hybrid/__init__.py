"""Hybrid search on Redis vectors and Elasticsearch text, or embedded without any server.

    engine = hybrid.open()                      # embedded, in ./hybrid-data
    engine.put([{"id": "1", "title": "A quiet laptop"}])
    result = engine.search("silent notebook")

Names are loaded when first used, so that importing this package does nothing and takes no time.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybrid.embedding.base import Embedder
    from hybrid.engine import Engine
    from hybrid.errors import HybridError
    from hybrid.fusion import FusedRanking, fuse
    from hybrid.model import Document, WriteReport
    from hybrid.opening import open
    from hybrid.plan import Plan, Request
    from hybrid.result import Hit, SearchResult
    from hybrid.settings import Settings

__version__ = "0.1.0"

__all__ = [
    "Document",
    "Embedder",
    "Engine",
    "FusedRanking",
    "Hit",
    "HybridError",
    "Plan",
    "Request",
    "SearchResult",
    "Settings",
    "WriteReport",
    "fuse",
    "open",
]

_HOMES = {
    "Document": "hybrid.model",
    "Embedder": "hybrid.embedding.base",
    "Engine": "hybrid.engine",
    "FusedRanking": "hybrid.fusion",
    "Hit": "hybrid.result",
    "HybridError": "hybrid.errors",
    "Plan": "hybrid.plan",
    "Request": "hybrid.plan",
    "SearchResult": "hybrid.result",
    "Settings": "hybrid.settings",
    "WriteReport": "hybrid.model",
    "fuse": "hybrid.fusion",
    "open": "hybrid.opening",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'hybrid' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
