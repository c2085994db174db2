"""Reciprocal rank fusion."""

from __future__ import annotations

from collections.abc import Mapping

from hybrid.fusion.base import Column, Fusion, Shares, method


@method(by_rank=True)
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


@method(by_rank=True)
def isr(columns: Mapping[str, Column], fusion: Fusion) -> dict[str, Shares]:
    """Shares of inverse square rank: score = Σ weight / rank², rank from 1 (Mourão, Martins, Magalhães, "Inverse Square
    Rank Fusion", 2013, without its factor for the number of retrievers). Scores and k are not looked at. Raising a
    score never lowers its rank."""
    normalized = {name: [1.0 / rank**2 for rank in range(1, len(of.ids) + 1)] for name, of in columns.items()}
    return {
        name: Shares(values, [fusion.weight(name) * value for value in values]) for name, values in normalized.items()
    }
