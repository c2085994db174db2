"""Reciprocal rank fusion."""

from __future__ import annotations

from collections.abc import Mapping

from hybrid.fusion.base import Column, Fusion, Shares, method


@method
def rrf(columns: Mapping[str, Column], fusion: Fusion) -> dict[str, Shares]:
    """Shares of reciprocal rank fusion: score = Σ weight / (k + rank), rank from 1.

    Cormack, Clarke, Büttcher: "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
    Learning Methods", SIGIR 2009, with k = 60; weights as in Elasticsearch 9.2. Scores are not looked at.
    Raising one document's score in one ranking never lowers its fused rank: no other's rank gets better.
    """
    k = fusion.k
    shares = {}
    for name, column in columns.items():
        weight = fusion.weight(name)
        normalized = [1.0 / (k + rank) for rank in range(1, len(column.ids) + 1)]
        shares[name] = Shares(normalized, [weight * value for value in normalized])
    return shares
