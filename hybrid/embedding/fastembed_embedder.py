"""How does a text become a vector without torch? With fastembed: ONNX models on onnxruntime."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fastembed import TextEmbedding
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, InvalidGraph, InvalidProtobuf
from tokenizers import Tokenizer

from hybrid.embedding import weights
from hybrid.errors import EmbeddingError, ModelNotFound
from hybrid.model import Vector

BATCH_TOKENS = 512
"""Tokens of one batch, padding included. On two cores the fastest for long texts, and 4 % off it for short ones."""

_FASTEMBED_NAMES = {weights.DEFAULT_MODEL: "sentence-transformers/all-MiniLM-L6-v2"}
_LANGUAGES = {weights.DEFAULT_MODEL: frozenset({"en"})}
_UNREADABLE = (OSError, ValueError, Fail, InvalidArgument, InvalidGraph, InvalidProtobuf)
_PROBE = ("a", "Does a neighbour in the batch, or its padding, change the vector of the text beside it?", "42 € 東京")


class FastEmbedder:
    """An embedder on fastembed. Vectors have unit length. Thread-safe.

    The same text gives the same vector, bit for bit, whatever is embedded beside it: a model that does not keep this
    in batches (its activations are quantised by the batch's range) is run text by text.
    """

    def __init__(self, name: str, model: TextEmbedding) -> None:
        self._name = name
        self._model = model
        loaded: Any = model.model
        self._max_tokens: int = loaded.tokenizer.truncation["max_length"]
        # A copy: changing the library's own would switch its truncation off.
        self._counter = Tokenizer.from_str(loaded.tokenizer.to_str())
        self._counter.no_truncation()
        self._counter.no_padding()
        self._batch_tokens = BATCH_TOKENS if _batches_are_exact(model) else 0

    @property
    def name(self) -> str:
        """The model's name, as it was asked for."""
        return self._name

    @property
    def dim(self) -> int:
        """Components of a vector."""
        return int(self._model.embedding_size)

    @property
    def max_tokens(self) -> int:
        """The model's window, special tokens included; a longer text is cut there."""
        return self._max_tokens

    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes of the languages the model knows; empty: not known."""
        return _LANGUAGES.get(self._name, frozenset())

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, dim), unit length, row i for texts[i]. Raises EmbeddingError."""
        return self._embed(texts, self._model.passage_embed)

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """float32 (n, dim), unit length, row i for texts[i]. Raises EmbeddingError."""
        return self._embed(texts, self._model.query_embed)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """The number of the model's tokens of each text, special tokens included, not cut. Raises EmbeddingError."""
        try:
            return [len(encoding) for encoding in self._counter.encode_batch_fast(list(texts))]
        except TypeError as error:
            raise EmbeddingError(
                "a text cannot be split into tokens: each must be a str of valid Unicode, without lone surrogates. "
                "Clean the text with text.encode('utf-8', 'replace').decode()"
            ) from error

    def _embed(self, texts: Sequence[str], run: Callable[..., Iterable[Any]]) -> Vector:
        vectors = np.empty((len(texts), self.dim), np.float32)
        lengths = [min(length, self._max_tokens) for length in self.count_tokens(texts)]
        for rows in _batches(lengths, self._batch_tokens):
            vectors[rows] = list(run([texts[row] for row in rows], batch_size=len(rows)))
        return _unit(vectors)


def open_fastembed(name: str, model_path: Path | None, cache: Path, threads: int | None = None) -> FastEmbedder:
    """The embedder of the model `name`: the default one, or any text model that fastembed lists.

    model_path: a folder with the model's files; then, and where `cache` has them, nothing is fetched.
    threads: of one inference; None for one a core.
    Raises: ModelNotFound.
    """
    known = _FASTEMBED_NAMES.get(name, name)
    folder = weights.locate(name, model_path, cache, _model_file(known))
    try:
        model = TextEmbedding(
            known,
            cache_dir=str(folder or cache),
            threads=threads or os.cpu_count(),
            specific_model_path=str(folder) if folder else None,
        )
    except _UNREADABLE as error:
        tried = f"in {folder}" if folder else f"in {cache / name}, nor on the model hub"
        raise ModelNotFound(
            f"the model {name} could not be loaded: no usable files {tried} ({error}). "
            "Put them into a folder and set HYBRID_MODEL_PATH to it"
        ) from error
    return FastEmbedder(name, model)


def _model_file(name: str) -> str:
    for model in TextEmbedding.list_supported_models():
        if model["model"].lower() == name.lower():
            return str(model["model_file"])
    raise ModelNotFound(
        f"fastembed has no text model {name}. Take {weights.DEFAULT_MODEL}, a name from "
        "fastembed.TextEmbedding.list_supported_models(), or 'sentence-transformers:NAME' for any other model"
    )


def _batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """The numbers of the texts of each batch: of similar length, since the shorter ones are padded."""
    batch: list[int] = []
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[row] > tokens:
            yield batch
            batch = []
        batch.append(row)
    if batch:
        yield batch


def _batches_are_exact(model: TextEmbedding) -> bool:
    alone = [next(iter(model.embed([text]))) for text in _PROBE]
    return np.array_equal(np.array(alone), np.array(list(model.embed(list(_PROBE)))))


def _unit(vectors: Vector) -> Vector:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Vector = vectors / np.maximum(norms, np.finfo(np.float32).tiny)
    return unit
