"""How does a text become a vector with any model, or on a GPU? With sentence-transformers, an optional part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from hybrid.embedding.factory import SENTENCE_TRANSFORMERS
from hybrid.errors import EmbeddingError, MissingExtra, ModelNotFound
from hybrid.model import Vector

try:
    import torch
    from sentence_transformers import SentenceTransformer
except ImportError as error:
    raise MissingExtra("sentence-transformers", "opening a model with sentence-transformers") from error

_NO_WINDOW = 512
"""The window in tokens of a model that does not say; most have this one."""


class SentenceTransformersEmbedder:
    """An embedder on sentence-transformers. Vectors have unit length. Thread-safe: one call runs at a time.

    Prompts of models that tell queries from passages are put before the text. The same text gives the same vector to
    float rounding (about 1e-7): torch sums in an order that depends on the batch.
    """

    def __init__(self, name: str, model: SentenceTransformer) -> None:
        self._name = name
        self._model: Any = model
        self._lock = Lock()  # its tokenizer sets padding and truncation on itself: not for two threads at once
        window = int(model.max_seq_length or _NO_WINDOW)
        blank, *prompts = self.count_tokens(["", *(prompt for prompt in model.prompts.values() if prompt)])
        self._max_tokens = window - max((prompt - blank for prompt in prompts), default=0)
        self._dim = int(self._model.encode([""], show_progress_bar=False).shape[1])

    @property
    def name(self) -> str:
        """The model's name, as it was asked for."""
        return self._name

    @property
    def dim(self) -> int:
        """Components of a vector."""
        return self._dim

    @property
    def max_tokens(self) -> int:
        """The model's window less its longest prompt; a longer text is cut there."""
        return self._max_tokens

    @property
    def languages(self) -> frozenset[str]:
        """Empty: the library does not know."""
        return frozenset()

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, dim), unit length, row i for texts[i]. Raises EmbeddingError."""
        return self._embed(self._model.encode_document, texts)

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """float32 (n, dim), unit length, row i for texts[i]. Raises EmbeddingError."""
        return self._embed(self._model.encode_query, texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of the model's tokens of each text, special tokens included, prompts not, not cut."""
        if not texts:
            return []
        with self._lock:
            encoded = self._model.tokenizer(list(texts), padding=False, truncation=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]

    def _embed(self, encode: Callable[..., Any], texts: Sequence[str]) -> Vector:
        if not texts:
            return np.empty((0, self.dim), np.float32)
        try:
            with self._lock:
                vectors = encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        except (TypeError, ValueError, RuntimeError) as error:  # not a text; what torch raises, memory included
            raise EmbeddingError(f"the model {self._name} could not embed {len(texts)} texts: {error}") from error
        return np.asarray(vectors, np.float32)


def open_sentence_transformers(
    name: str, model_path: Path | None, cache: Path, threads: int | None = None
) -> SentenceTransformersEmbedder:
    """The embedder of the model `name`, any that sentence-transformers can load; on a GPU where there is one.

    name: with or without the prefix that names this library; the embedder keeps it as it is.
    model_path: a folder with the model's files; then nothing is fetched. threads: of torch, for the whole process;
    None for its own choice.
    Raises: ModelNotFound.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        model = SentenceTransformer(
            str(model_path or name.removeprefix(SENTENCE_TRANSFORMERS)),
            cache_folder=str(cache),
            local_files_only=model_path is not None,
        )
    except (OSError, ValueError) as error:
        raise ModelNotFound(
            f"sentence-transformers could not load {model_path or name}: {error}. Check the name, or put the model's "
            "files into a folder and set HYBRID_MODEL_PATH to it"
        ) from error
    return SentenceTransformersEmbedder(name, model)
