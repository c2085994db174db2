"""Which stores does a collection lie in? Made from the settings; nothing is asked of a server yet."""

from __future__ import annotations

import importlib
from typing import Any, cast

from hybrid.settings import Settings
from hybrid.stores.base import TextStore, VectorStore


def text_store(settings: Settings) -> TextStore:
    """Elasticsearch where it is set, else the embedded text store, in memory or in the data folder."""
    name = settings.collection
    if settings.elasticsearch is not None:
        return cast(TextStore, _class("elastic_text", "ElasticText").connect(settings.elasticsearch, name))
    if settings.in_memory:
        return cast(TextStore, _class("memory", "MemoryText")(name))
    return cast(TextStore, _class("embedded_text", "TantivyText")(settings.folder / "text", name))


def vector_store(settings: Settings) -> VectorStore:
    """Redis where it is set, else the embedded vector store, in memory or in the data folder."""
    name = settings.collection
    if settings.redis is not None:
        return cast(VectorStore, _class("redis_vectors", "RedisVectors").connect(settings.redis, name))
    path = None if settings.in_memory else settings.folder / "vectors.sqlite"
    return cast(VectorStore, _class("embedded_vectors", "SqliteVectors")(path, name))


def _class(module: str, name: str) -> Any:
    """A store's class; its module, and the client library it needs, is imported only when it is used."""
    return getattr(importlib.import_module(f"hybrid.stores.{module}"), name)
