"""Random combinations of what a search can be asked for, and what must hold of every answer to them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import strategies as st

from hybrid import Engine
from hybrid.errors import EmbeddingError, QueryError, SearchUnavailable
from hybrid.model import Vector
from hybrid.result import Hit, SearchResult
from tests.contract import shop
from tests.embedders import HashedWords

BY_ID = {document["id"]: document for document in shop.documents()}
BROKEN = "unreadable"
"""A word that the model of these tests fails at, so that there is no vector of the query."""

PASSES: Mapping[str, Callable[[Mapping[str, Any]], bool]] = {
    "price < 100": lambda of: of["price"] < 100,
    "in_stock = true": lambda of: of["in_stock"],
    'NOT category IN ["book"]': lambda of: of["category"] != "book",
    "price < 0": lambda of: of["price"] < 0,
}
"""By filter whether a document satisfies it, without the filter language."""

CLASHES = [{"sort", "diversity"}, {"sort", "rerank"}, {"sort", "boosts"}, {"knee", "rerank"}, {"facets", "queries"}]
"""What does not go together."""

MATCHES: list[Any] = ["all", "prefix", {"fuzziness": 1}, {"fields": ["text"]}]
MATCHES += [{"mode": "query", "fields": {"title": 3, "text": 1}}]
QUERIES = st.sampled_from(["quiet small notebook", "black", "zzz", f"quiet {BROKEN} notebook"])
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "filter": st.sampled_from(sorted(PASSES)),
        "facets": st.just(["brand"]),
        "boosts": st.sampled_from([[{"field": "rating", "modifier": "sqrt"}], [{"filter": "price < 50", "weight": 3}]]),
        "collapse": st.sampled_from(["brand", "in_stock"]),
        "diversity": st.sampled_from([0.2, 0.8]),
        "pinned": st.lists(st.sampled_from(["e-001", "e-148", "k-001", "nowhere"]), max_size=3),
        "rerank": st.just({"limit": 4}),
        "min_score": st.sampled_from([0.02, 0.5]),
        "knee": st.just(True),
        "sort": st.sampled_from([["price"], ["-price"]]),
        "retrievers": st.sampled_from([["text"], ["vector"]]),
        "weights": st.just({"text": 2.0}),
        "fusion": st.sampled_from(["rrf", "weighted", "dbsf"]),
        "window": st.sampled_from([20, 100]),
        "match": st.sampled_from(MATCHES),
        "queries": st.just(["desk lamp"]),
        "within": st.just({"text": 0.5}),
        "without": st.just(["e-002", "e-005"]),
        "highlight": st.just(True),
        "explain": st.just(True),
    },
)


class Model(HashedWords):
    """Fails at queries with the broken word; else as HashedWords."""

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        if any(BROKEN in text for text in texts):
            raise EmbeddingError("the model cannot read this")
        return super().embed_queries(texts)


def searched(engine: Engine, query: str, limit: int, options: Mapping[str, Any], *, dead: str = "") -> None:
    """Runs a search as one answer and page by page, and checks both. dead: the retriever whose store is away.

    A combination that is refused must be one of those that do not go together, and is told by its names.
    """
    clashes = [one for one in CLASHES if one <= options.keys()]
    if "text" not in options.get("retrievers", ["text"]):
        clashes = [one for one in clashes if "queries" not in one]
    if clashes:
        with pytest.raises(QueryError) as refused:
            engine.search(query, **options)
        assert any(all(name in str(refused.value) for name in one) for one in clashes)
        return
    asked = set(options.get("retrievers", ["text", "vector"]))
    failing = asked & ({dead} | ({"vector"} if BROKEN in query else set()))
    if failing == asked:
        with pytest.raises(SearchUnavailable):
            engine.search(query, **options)
        return
    whole = engine.search(query, limit=20, **options)
    _check(whole, options, failing)
    if whole.facets is not None and dead != "text":
        _check_facets(engine, query, whole, options)
    found = engine.search(query, limit=limit, **options)
    hits = list(found.hits)
    while found.next_cursor and len(hits) < 20:
        found = engine.search(cursor=found.next_cursor, limit=limit)
        hits += found.hits
    assert [hit.id for hit in hits][: len(whole)] == whole.ids


def _check(answer: SearchResult, options: Mapping[str, Any], failing: set[str]) -> None:
    ids, pinned = answer.ids, set(options.get("pinned", ()))
    assert len(set(ids)) == len(ids) <= 20
    assert [hit.rank for hit in answer.hits] == list(range(1, len(answer) + 1))
    assert not set(ids) & set(options.get("without", ()))
    assert "filter" not in options or all(PASSES[options["filter"]](BY_ID[one]) for one in ids)
    assert answer.degraded or not failing
    for hit in answer.hits:
        factors = [one["factor"] for one in hit.shaping.get("boosts", {"factors": []})["factors"]]
        parts = sum(part["contribution"] for part in hit.explain.values())
        assert hit.score == pytest.approx(parts * math.prod(factors))
        assert all(hit.explain[name]["status"] == "failed" for name in failing)
        assert hit.document == {name: value for name, value in BY_ID[hit.id].items() if name != "id"}
    _check_order([hit for hit in answer.hits if hit.id not in pinned], options)


def _check_order(hits: Sequence[Hit], options: Mapping[str, Any]) -> None:
    """Order, least score and collapse, of the hits that are not pinned."""
    if "sort" in options:
        prices = [hit.document["price"] for hit in hits]
        assert prices == sorted(prices, reverse=options["sort"] == ["-price"])
    elif not {"rerank", "diversity"} & options.keys():
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)
    assert all(hit.score >= options.get("min_score", -math.inf) for hit in hits)
    if "collapse" in options:
        values = [hit.document[options["collapse"]] for hit in hits]
        assert len(values) == len(set(values))


def _check_facets(engine: Engine, query: str, answer: SearchResult, options: Mapping[str, Any]) -> None:
    """The facet counts what the text retriever finds alone, or, without it, what the filter lets through."""
    assert answer.facets is not None
    kept = {name: options[name] for name in ("filter", "match", "without") if name in options}
    if "text" in options.get("retrievers", ["text"]):
        counted = engine.search(query, retrievers=["text"], limit=1000, **kept).ids
    else:
        kept.pop("match", None)
        counted = engine.search(limit=1000, **kept).ids
    brands = Counter(BY_ID[one]["brand"] for one in counted)
    best = sorted(brands.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
    assert [(one["value"], one["count"]) for one in answer.facets.found["brand"]] == best
