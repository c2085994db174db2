"""What is the floor? The same searches without an engine: the stores' own libraries and a few lines of Python.

No filters, no versions, no deadlines, no truth about what happened: what a search cannot do without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import redis
import tantivy
from elasticsearch import Elasticsearch

from hybrid.analysis import query_terms, tokens, weighted
from hybrid.bench.collection import Asked

WINDOW = 100
LIMIT = 10
K = 60


class Embedded:
    """tantivy in memory, one matrix product, reciprocal ranks in a dict, documents in another."""

    def __init__(self, documents: Iterable[dict[str, Any]], searched: Sequence[tuple[str, float]]) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
        builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
        self._index = tantivy.Index(builder.build())
        writer = self._index.writer(100_000_000, 1)
        self._documents: dict[str, dict[str, Any]] = {}
        rows = []
        for given in documents:
            fields = {name: value for name, value in given.items() if name not in ("id", "vector")}
            words = (token for text in weighted(fields, searched) for token in tokens(text))
            writer.add_document(tantivy.Document(id=[given["id"]], text=[" ".join(words)]))
            rows.append(given["vector"])
            self._documents[given["id"]] = fields
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._ids = list(self._documents)
        self._rows = np.stack(rows)

    def search(self, asked: Asked) -> list[dict[str, Any]]:
        """The ten best documents."""
        return [self._documents[one] for one in fused(self._by_words(asked.text), self._by_vector(asked.vector))]

    def _by_words(self, text: str) -> list[str]:
        schema, searcher = self._index.schema, self._index.searcher()
        terms = [tantivy.Query.term_query(schema, "text", term, "freq") for term in query_terms(text)]
        query = tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in terms])
        hits = searcher.search(query, WINDOW, count=False).hits
        return [str(searcher.doc(address).get_first("id")) for _, address in hits]

    def _by_vector(self, vector: Any) -> list[str]:
        scores = self._rows @ vector
        best = np.argpartition(-scores, WINDOW)[:WINDOW]
        return [self._ids[row] for row in best[np.argsort(-scores[best])]]


def fused(*rankings: Sequence[str]) -> list[str]:
    """The ten best ids by the sum of their reciprocal ranks."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for rank, one in enumerate(ranking, 1):
            scores[one] = scores.get(one, 0.0) + 1 / (K + rank)
    return sorted(scores, key=lambda one: -scores[one])[:LIMIT]


class Servers:
    """Two bare clients in two threads, sent exactly what the engine sends; their answers are read and left as they are.

    text: arguments of Elasticsearch's search. vector: a Redis command.
    """

    def __init__(self, elasticsearch: Elasticsearch, client: redis.Redis) -> None:
        self._elasticsearch = elasticsearch
        self._redis = client
        self._threads = ThreadPoolExecutor(2)

    def search(self, text: Mapping[str, Any], vector: Sequence[Any]) -> tuple[Any, Any]:
        """Both answers, once both are there."""
        words = self._threads.submit(self._elasticsearch.search, **text)
        near = self._threads.submit(self._redis.execute_command, *vector)
        return words.result(), near.result()

    def close(self) -> None:
        """Ends the threads."""
        self._threads.shutdown()
