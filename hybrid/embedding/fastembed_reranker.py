"""How are a few documents put in order without torch? With fastembed's cross-encoders, on onnxruntime."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from fastembed.rerank.cross_encoder import TextCrossEncoder
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile

from hybrid.errors import EmbeddingError, ModelNotFound

_UNREADABLE = (OSError, ValueError, KeyError, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, NoSuchFile)


class FastReranker:
    """A reranker on fastembed. Scores are the model's logits, of any range. Thread-safe."""

    def __init__(self, name: str, model: TextCrossEncoder) -> None:
        self._name = name
        self._model = model

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """The score of each text, higher is better. Raises EmbeddingError."""
        try:
            return [float(score) for score in self._model.rerank(query, list(texts))]
        except (TypeError, ValueError, Fail) as error:
            raise EmbeddingError(f"the model {self._name} could not compare {len(texts)} texts: {error}") from error


def open_reranker(name: str, model_path: Path | None, cache: Path, threads: int | None = None) -> FastReranker:
    """The reranker of a cross-encoder that fastembed lists.

    model_path: a folder with the model's files; then, and where `cache` has them, nothing is fetched. threads: None
    for one a core. Raises ModelNotFound.
    """
    known = [str(one["model"]) for one in TextCrossEncoder.list_supported_models()]
    if name not in known:
        raise ModelNotFound(
            f"fastembed has no reranker {name}; it has: {', '.join(known)}. "
            "Another one can be given to hybrid.open(reranker=…)"
        )
    try:
        model = TextCrossEncoder(
            name,
            cache_dir=str(cache),
            threads=threads or os.cpu_count(),
            specific_model_path=str(model_path) if model_path else None,
        )
    except _UNREADABLE as error:
        raise ModelNotFound(
            f"the reranker {name} could not be loaded from {model_path or cache}: {error}. "
            "Put its files into a folder and set rerank.model_path to it"
        ) from error
    return FastReranker(name, model)
