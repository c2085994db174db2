"""What would another engine make of these rankings? Its own formula, on the same rows: same scores, same order.

Seven engines ship seven different "RRF"s; each is here by its own rank origin and constant. Sources are those named
with each; rows are given to all alike, ties by id. Retrievers are the ones named `text` and `vector` where a formula
tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hybrid.fusion.base import Column, Fusion, Shares, method
from hybrid.fusion.normalizers import NORMALIZERS, Normalizer, l2, min_max, population_three_sigma, three_sigma
from hybrid.fusion.weighted import by

Columns = Mapping[str, Column]


def _ranked(
    columns: Columns, fusion: Fusion, value: Callable[[int, float], float], usual: float = 1.0
) -> dict[str, Shares]:
    """Shares by position. value: of a position, from 0, and a weight. usual: the weight where none is given."""
    given = dict(fusion.weights)
    shares = {}
    for name, column in columns.items():
        weight = given.get(name, usual)
        contributions = [value(position, weight) for position in range(len(column.ids))]
        shares[name] = Shares(contributions, contributions)
    return shares


def _scored(
    columns: Columns,
    fusion: Fusion,
    normalizer: Normalizer,
    usual: Mapping[str, float] | float = 1.0,
) -> dict[str, Shares]:
    given = dict(fusion.weights)
    weights = {name: given.get(name, usual if isinstance(usual, float) else usual.get(name, 1.0)) for name in columns}
    return {name: by(normalizer, of, weights[name]) for name, of in columns.items()}


def _even(columns: Columns) -> float:
    return 1.0 / len(columns) if columns else 1.0


@method(name="elasticsearch/rrf", bounded=False, by_rank=True)
def _elasticsearch_rrf(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """weight / (k + rank), rank from 1, k 60 (rrf retriever, weights since 9.2)."""
    return _ranked(columns, fusion, lambda at, weight: weight / (fusion.k + at + 1))


@method(name="elasticsearch/linear", normalizers=("none", "minmax", "l2_norm"), bounded=False)
def _elasticsearch_linear(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """Σ weight × normalised score; none where none is named; equal scores give 1 by minmax (linear retriever)."""
    chosen = {"": "none", "none": "none", "minmax": "min_max", "l2_norm": "l2"}[fusion.normalizer]
    return _scored(columns, fusion, NORMALIZERS[chosen])


@method(name="opensearch/rrf", bounded=False, by_rank=True)
def _opensearch_rrf(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """weight / (k + rank), rank from 1, k 60 (score-ranker-processor). Without weights each counts 1."""
    return _ranked(columns, fusion, lambda at, weight: weight / (fusion.k + at + 1))


def _opensearch(values: list[float]) -> list[float]:
    return [0.001 if value == 0 else value for value in values]


@method(name="opensearch/arithmetic_mean", normalizers=("min_max", "l2"), bounded=False)
def _opensearch_mean(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """Σ weight × s / Σ weight over all retrievers; min_max has .001 for 0, and 1 where scores are equal
    (normalization-processor)."""
    total = sum(fusion.weight(name) for name in columns) or 1.0
    chosen = l2 if fusion.normalizer == "l2" else min_max
    made = {name: chosen(of.scores) for name, of in columns.items()}
    values = made if chosen is l2 else {name: _opensearch(of) for name, of in made.items()}
    return {name: Shares(of, [fusion.weight(name) / total * one for one in of]) for name, of in values.items()}


@method(name="redis/rrf", bounded=False, by_rank=True)
def _redis_rrf(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """1 / (k + rank), rank from 1, k 60; weights are not looked at (FT.HYBRID COMBINE RRF)."""
    return _ranked(columns, fusion, lambda at, _: 1 / (fusion.k + at + 1))


@method(name="redis/linear", bounded=False)
def _redis_linear(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """ALPHA × text as it is + BETA × (1 + cosine) / 2; .3 and .7 where none are given (FT.HYBRID LINEAR)."""
    given = {"text": 0.3, "vector": 0.7} | dict(fusion.weights)
    return {
        name: by(_half if name == "vector" else NORMALIZERS["none"], of, given.get(name, 1.0))
        for name, of in columns.items()
    }


def _half(column: Column) -> list[float]:
    return [(1 + score) / 2 for score in column.scores]


_ALPHA = {"text": 0.25, "vector": 0.75}
"""Weaviate's alpha of .75."""


@method(name="weaviate/ranked", bounded=False, by_rank=True)
def _weaviate_ranked(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """weight / (60 + position), position from 0; alpha .75 for the vector (rankedFusion)."""
    given = _ALPHA | dict(fusion.weights)
    return _ranked(columns, Fusion(weights=tuple(given.items())), lambda at, weight: weight / (60 + at))


@method(name="weaviate/relative_score", bounded=False)
def _weaviate_relative(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """weight × min-max, the full weight where scores are equal; alpha .75 for the vector (relativeScoreFusion)."""
    return _scored(columns, fusion, NORMALIZERS["min_max"], _ALPHA)


@method(name="qdrant/rrf", bounded=False, by_rank=True)
def _qdrant_rrf(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """1 / (rank / weight + k − 1), rank from 1, k 2 of its own: the weight divides the rank.
    A k that is not 60 is taken as it is."""
    k = 2.0 if fusion.k == 60 else fusion.k
    return _ranked(columns, fusion, lambda at, weight: 1 / ((at + 1) / weight + k - 1) if weight else 0.0)


@method(name="qdrant/dbsf", bounded=False)
def _qdrant_dbsf(columns: Columns, _: Fusion) -> dict[str, Shares]:
    """Σ place between mean ± 3 deviations (n − 1), ½ where scores are equal; weights are not looked at."""
    return _scored(columns, Fusion(), lambda of: three_sigma(of.scores))


def _shares_of_one(columns: Columns, fusion: Fusion) -> dict[str, float]:
    total = sum(fusion.weight(name) for name in columns) or 1.0
    return {name: fusion.weight(name) / total for name in columns}


@method(name="haystack/reciprocal_rank_fusion", bounded=False, by_rank=True)
def _haystack_rrf(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """61 × weight / (61 + position), position from 0, weights sum to 1: first everywhere is 1 (DocumentJoiner)."""
    weights = tuple(_shares_of_one(columns, fusion).items())
    return _ranked(columns, Fusion(weights=weights), lambda at, weight: 61 * weight / (61 + at))


@method(name="haystack/distribution_based_rank_fusion", gather=max, bounded=False)
def _haystack_dbsf(columns: Columns, _: Fusion) -> dict[str, Shares]:
    """The largest place between mean ± 3 population deviations, scores as they are where they are equal (since 3.4,
    0 before); weights are not looked at."""
    return _scored(columns, Fusion(), lambda of: list(of.scores) if _equal(of) else population_three_sigma(of.scores))


@method(name="haystack/merge", bounded=False)
def _haystack_merge(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """Σ weight × score as it is, weights made to sum to 1."""
    return _scored(columns, Fusion(weights=tuple(_shares_of_one(columns, fusion).items())), NORMALIZERS["none"])


@method(name="langchain/rrf", bounded=False, by_rank=True)
def _langchain_rrf(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """weight / (60 + rank), rank from 1, weights 1/n where none are given (EnsembleRetriever, c = 60)."""
    return _ranked(columns, fusion, lambda at, weight: weight / (fusion.k + at + 1), _even(columns))


@method(name="llamaindex/reciprocal_rerank", bounded=False, by_rank=True)
def _llamaindex_rrf(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """1 / (60 + position), position from 0; weights are not looked at (QueryFusionRetriever)."""
    return _ranked(columns, fusion, lambda at, _: 1 / (60.0 + at))


@method(name="llamaindex/relative_score", bounded=False)
def _llamaindex_relative(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """Σ weight × min-max, 1 where scores are equal; weights 1/n where none are given."""
    return _scored(columns, fusion, NORMALIZERS["min_max"], _even(columns))


@method(name="llamaindex/dist_based_score", bounded=False)
def _llamaindex_dist(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """Σ weight × the place between mean ± 3 population deviations, 1 where scores are equal; weights 1/n."""
    return _scored(columns, fusion, _population_or_one, _even(columns))


def _population_or_one(column: Column) -> list[float]:
    return [1.0] * len(column.scores) if _equal(column) else population_three_sigma(column.scores)


def _equal(column: Column) -> bool:
    return not column.scores or min(column.scores) == max(column.scores)


@method(name="llamaindex/simple", gather=max, bounded=False)
def _llamaindex_simple(columns: Columns, _: Fusion) -> dict[str, Shares]:
    """The largest score as it is."""
    return _scored(columns, Fusion(), NORMALIZERS["none"])


@method(name="lancedb/rrf", bounded=False, by_rank=True)
def _lancedb_rrf(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """1 / (k + rank), rank from 1, k 60; weights are not looked at (RRFReranker)."""
    return _ranked(columns, fusion, lambda at, _: 1 / (fusion.k + at + 1))
