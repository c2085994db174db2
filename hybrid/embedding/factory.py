"""Which embedder belongs to a model's name? Imports the heavy library only when its model is opened."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from hybrid.embedding.base import Embedder
from hybrid.embedding.cache import CachedQueries

SENTENCE_TRANSFORMERS = "sentence-transformers:"
"""A model's name with this prefix is opened with the sentence-transformers library, any other with fastembed."""


def open_embedder(
    model: str, *, model_path: Path | None, cache: Path, threads: int | None, query_cache: int = 1024
) -> Embedder:
    """The embedder of `model`, loaded and ready.

    model_path: a folder with the model's files; None: looked for in `cache`, then fetched. threads: None for one a
    core. query_cache: how many queries' vectors are remembered, 0 for none.
    Raises: ModelNotFound; MissingExtra when the model needs a library that is not installed.
    """
    if model.startswith(SENTENCE_TRANSFORMERS):
        open_model = import_module("hybrid.embedding.sentence_transformers_embedder").open_sentence_transformers
    else:
        open_model = import_module("hybrid.embedding.fastembed_embedder").open_fastembed
    embedder: Embedder = open_model(model, model_path, cache, threads)
    return CachedQueries(embedder, query_cache) if query_cache else embedder
