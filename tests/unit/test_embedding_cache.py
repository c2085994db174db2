"""The query cache, on a small real embedder of letter counts."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from hybrid.embedding.base import Embedder
from hybrid.embedding.cache import CachedQueries, CacheInfo
from hybrid.model import Vector


class LetterCounts:
    """Counts of the letters a to d. Keeps the batches of queries that it was asked for."""

    name = "letters"
    dim = 4
    max_tokens = 10
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        return np.array([[text.count(letter) for letter in "abcd"] for text in texts], np.float32).reshape(-1, 4)

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        self.asked.append(list(texts))
        return self.embed_documents(texts)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text) for text in texts]


@pytest.fixture
def letters() -> LetterCounts:
    return LetterCounts()


def test_a_query_is_embedded_once(letters: LetterCounts) -> None:
    cached = CachedQueries(letters)
    first = cached.embed_queries(["aab"])
    assert first.tolist() == cached.embed_queries(["aab"]).tolist() == [[2, 1, 0, 0]]
    assert letters.asked == [["aab"]]
    assert cached.info() == CacheInfo(hits=1, misses=1, entries=1, size=1024)


def test_only_unknown_queries_are_embedded_each_once_in_one_batch_and_the_order_is_kept(letters: LetterCounts) -> None:
    cached = CachedQueries(letters)
    cached.embed_queries(["b"])
    assert cached.embed_queries(["c", "b", "a", "c"]).argmax(axis=1).tolist() == [2, 1, 0, 2]
    assert letters.asked == [["b"], ["c", "a"]]
    assert cached.info() == CacheInfo(hits=2, misses=3, entries=3, size=1024)


def test_the_query_not_used_for_longest_is_forgotten(letters: LetterCounts) -> None:
    cached = CachedQueries(letters, size=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        cached.embed_queries([text])
    assert letters.asked == [["a"], ["b"], ["c"], ["b"]]


def test_a_batch_larger_than_the_cache_is_answered_whole(letters: LetterCounts) -> None:
    cached = CachedQueries(letters, size=2)
    assert cached.embed_queries(["a", "b", "c", "d"]).tolist() == np.eye(4).tolist()
    assert cached.info().entries == 2


def test_no_queries_give_no_rows(letters: LetterCounts) -> None:
    vectors = CachedQueries(letters).embed_queries([])
    assert (vectors.shape, vectors.dtype) == ((0, 4), np.float32)
    assert letters.asked == []


def test_an_answer_cannot_be_written_to(letters: LetterCounts) -> None:
    cached = CachedQueries(letters)
    with pytest.raises(ValueError, match="read-only"):
        cached.embed_queries(["a"])[0, 0] = 9
    assert cached.embed_queries(["a"]).tolist() == [[1, 0, 0, 0]]


def test_documents_and_everything_else_go_straight_through(letters: LetterCounts) -> None:
    cached = CachedQueries(letters)
    assert isinstance(cached, Embedder)
    assert cached.embed_documents(["ab", "ab"]).tolist() == [[1, 1, 0, 0]] * 2
    assert cached.count_tokens(["abc"]) == [3]
    assert (cached.name, cached.dim, cached.max_tokens, cached.languages) == ("letters", 4, 10, {"en"})
    assert cached.info() == CacheInfo(hits=0, misses=0, entries=0, size=1024)


def test_many_threads_get_right_answers_and_every_text_is_counted(letters: LetterCounts) -> None:
    cached = CachedQueries(letters, size=3)
    texts = ["a", "b", "c", "d", "ab", "cd"] * 50
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda text: cached.embed_queries([text])[0].tolist(), texts))
    assert answers == letters.embed_documents(texts).tolist()
    info = cached.info()
    assert (info.hits + info.misses, info.entries) == (300, 3)
    assert info.misses == len(letters.asked)
