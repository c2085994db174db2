"""Each fusion method and normalizer, in fractions; and what rankings may be given as."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import stdev
from typing import Any

import pandas as pd
import pytest

from hybrid.errors import FusionError
from hybrid.fusion import Column, Fusion, combine, fuse, method, methods
from hybrid.fusion import base as registry
from hybrid.fusion.base import Shares
from hybrid.fusion.normalizers import NORMALIZERS
from hybrid.model import Background, Ranking

WORLD = {"text": {"a": 12.0, "b": 7.0, "c": 2.0}, "vector": {"b": 0.75, "d": 0.5, "a": 0.25}}
MIN_MAX = {"text": {"a": 1.0, "b": 0.5, "c": 0.0}, "vector": {"b": 1.0, "d": 0.5, "a": 0.0}}


def scores(name: str, **options: Any) -> dict[str, float]:
    found = fuse(WORLD, name, **options)
    return dict(zip(found.ids, found.scores, strict=True))


def test_sums_products_and_maxima_of_min_max() -> None:
    assert (
        scores("weighted") == scores("combsum") == scores("relative_score") == {"b": 1.5, "a": 1.0, "d": 0.5, "c": 0.0}
    )
    assert scores("combmnz") == {"b": 3.0, "a": 2.0, "d": 0.5, "c": 0.0}
    assert scores("combmax") == {"a": 1.0, "b": 1.0, "d": 0.5, "c": 0.0}
    assert scores("combmnz", weights={"text": 2.0}) == {"b": 4.0, "a": 4.0, "d": 0.5, "c": 0.0}


def test_inverse_square_ranks() -> None:
    assert scores("isr") == {"b": 1 / 4 + 1, "a": 1 + 1 / 9, "d": 1 / 4, "c": 1 / 9}
    assert fuse({"one": ["x", "y"]}, "isr").scores == (1.0, 0.25)


def test_places_between_three_deviations() -> None:
    text, vector = stdev([12, 7, 2]), stdev([0.75, 0.5, 0.25])
    assert (text, vector) == (5.0, 0.25)
    assert scores("dbsf") == pytest.approx(
        {"a": 0.5 + 5 / 30 + 0.5 - 1 / 6, "b": 0.5 + 0.5 + 1 / 6, "c": 0.5 - 1 / 6, "d": 0.5}
    )


def test_log_odds_are_deviations_above_the_collection_or_the_ranking() -> None:
    assert scores("log_odds") == {"a": 1.0 - 1.0, "b": 0.0 + 1.0, "c": -1.0, "d": 0.0}
    columns = {"vector": Column(("a", "b"), (0.5, 0.25), Background(100, 0.25, 0.125))}
    found = combine(columns, Fusion("log_odds"))
    assert dict(zip(found.ids, found.scores, strict=True)) == {"a": 2.0, "b": 0.0}


TEXT = Column(("a", "b", "c"), (12.0, 6.0, 3.0), unit=1.0)


@pytest.mark.parametrize(
    ("name", "column", "values"),
    [
        ("min_max", TEXT, [1, 1 / 3, 0]),
        ("theoretical", TEXT, [1, 1 / 2, 1 / 4]),
        ("theoretical", Column("ab", (0.5, -0.25), Background(9, 0, 1)), [1, 0.75 / 1.5]),
        ("theoretical", Column("ab", (3.0, 1.0)), [1, 0]),
        ("max", TEXT, [1, 1 / 2, 1 / 4]),
        ("max", Column("ab", (0.0, -1.0)), [1, 1]),
        ("l2", Column("ab", (4.0, 3.0)), [4 / 5, 3 / 5]),
        ("l2", Column("ab", (0.0, 0.0)), [0, 0]),
        ("z_score", Column("abc", (3.0, 2.0, 1.0)), [1, 0, -1]),
        ("z_score", Column("ab", (3.0, 3.0)), [0, 0]),
        ("standardised", Column("ab", (0.5, 0.25), Background(9, 0.25, 0.125)), [2, 0]),
        ("dbsf", Column("abc", (3.0, 2.0, 1.0)), [4 / 6, 1 / 2, 2 / 6]),
        ("dbsf", Column("a", (3.0,)), [1 / 2]),
        ("none", TEXT, [12, 6, 3]),
    ],
)
def test_scores_become_comparable(name: str, column: Column, values: list[float]) -> None:
    assert NORMALIZERS[name](column) == pytest.approx(values, abs=1e-12)


@pytest.mark.parametrize("name", sorted(NORMALIZERS))
@pytest.mark.parametrize("column", [Column((), ()), Column("a", (1e308,)), Column("ab", (1e308, -1e308))])
def test_no_scores_and_huge_ones_are_no_trouble(name: str, column: Column) -> None:
    found = NORMALIZERS[name](column)
    assert len(found) == len(column.ids)
    assert all(math.isfinite(value) for value in found)


@pytest.mark.parametrize("name", methods())
def test_nothing_fused_is_nothing_and_inputs_are_left_as_they_are(name: str) -> None:
    given = {"text": dict(WORLD["text"]), "vector": {}}
    fuse(given, name)
    assert given == {"text": WORLD["text"], "vector": {}}
    assert fuse({"text": {}, "vector": {}}, name).ids == ()


@pytest.fixture
def borda() -> Iterator[str]:
    """A user's own method, which joins with one line."""

    @method(by_rank=True, bounded=False)
    def borda(columns: Any, fusion: Fusion) -> dict[str, Shares]:
        points = {name: [float(len(of.ids) - at) for at in range(len(of.ids))] for name, of in columns.items()}
        return {name: Shares(of, [fusion.weight(name) * one for one in of]) for name, of in points.items()}

    yield borda.__name__
    del registry._METHODS["borda"]


def test_a_users_own_function_joins(borda: str) -> None:
    assert scores(borda) == {"b": 2 + 3, "a": 3 + 1, "d": 2, "c": 1}
    assert borda in methods()


@dataclass
class Document:
    """As LangChain's."""

    page_content: str
    id: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass
class Node:
    """As LlamaIndex'."""

    node_id: str


@dataclass
class NodeWithScore:
    """As LlamaIndex'."""

    node: Node
    score: float | None


@pytest.mark.parametrize(
    "given",
    [
        {"a": 2.0, "b": 1.0},
        [("b", 1.0), ("a", 2.0)],
        pd.DataFrame({"id": ["b", "a"], "score": [1.0, 2.0], "more": [0, 0]}),
        pd.DataFrame({"score": [1, 2]}, index=["b", "a"]),
        [(Document("…", id="b"), 1.0), (Document("…", metadata={"id": "a"}), 2.0)],
        [NodeWithScore(Node("a"), 2.0), NodeWithScore(Node("b"), 1.0)],
        Ranking(("a", "b"), (2.0, 1.0)),
    ],
)
def test_a_ranking_may_be_given_as(given: Any) -> None:
    found = fuse({"one": given, "other": {"b": 5.0}}, "weighted")
    assert dict(zip(found.ids, found.scores, strict=True)) == {"a": 1.0, "b": 1.0}


@pytest.mark.parametrize(
    "given",
    [["a", "b"], [Document("a"), Document("b")], [NodeWithScore(Node(one), None) for one in "ab"]],
)
def test_a_ranking_without_scores_is_fused_by_its_order(given: Any) -> None:
    assert fuse({"one": given}).ids == ("a", "b")
    with pytest.raises(FusionError, match="has no scores"):
        fuse({"one": given}, "weighted")


def test_a_table_without_scores_says_which_column_is_missing() -> None:
    with pytest.raises(FusionError, match="without a column 'score'"):
        fuse({"one": pd.DataFrame({"id": ["a"], "points": [1.0]})})
