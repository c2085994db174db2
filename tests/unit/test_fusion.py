"""Fusion: values as fractions worked out by hand, order, and everything that is refused."""

from __future__ import annotations

import copy
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hybrid.errors import FusionError
from hybrid.fusion import Column, Fusion, combine, fuse, methods
from hybrid.fusion.normalizers import min_max

TEXT = {"a": 12.0, "b": 7.0, "c": 2.0}
VECTOR = {"b": 0.9, "d": 0.5}


def scores(fused: Any) -> dict[str, float]:
    return dict(zip(fused.ids, fused.scores, strict=True))


def test_rrf_adds_one_over_k_plus_rank() -> None:
    assert scores(fuse({"text": TEXT, "vector": VECTOR})) == pytest.approx(
        {"b": 1 / 62 + 1 / 61, "a": 1 / 61, "d": 1 / 62, "c": 1 / 63}, rel=1e-15
    )
    assert fuse({"text": TEXT, "vector": VECTOR}).ids == ("b", "a", "d", "c")


def test_rrf_takes_k_and_weights() -> None:
    fused = fuse({"text": TEXT, "vector": VECTOR}, k=0, weights={"vector": 3})
    assert scores(fused) == {"b": 1 / 2 + 3 / 1, "d": 3 / 2, "a": 1 / 1, "c": 1 / 3}


def test_a_retriever_that_is_missing_changes_no_other_ones_weight() -> None:
    assert scores(fuse({"vector": VECTOR}, weights={"vector": 2})) == {"b": 2 * (1 / 61), "d": 2 * (1 / 62)}
    both = combine({"vector": Column(("b",), (1.0,))}, Fusion("rrf", 60, (("text", 5.0), ("vector", 2.0))))
    assert both.scores == (2 * (1 / 61),)


def test_weighted_scales_each_ranking_from_worst_to_best() -> None:
    fused = fuse({"text": TEXT, "vector": VECTOR}, "weighted", weights={"text": 2})
    assert scores(fused) == {"b": 2 * 0.5 + 1, "a": 2.0, "c": 0.0, "d": 0.0}
    assert fused.ids == ("a", "b", "d", "c")  # a and b tie in rank too, so the id decides; d has a better rank than c


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], []),
        ([5.0], [1.0]),
        ([2.0, 2.0], [1.0, 1.0]),
        ([3.0, 2.0, -1.0], [1.0, 0.75, 0.0]),
        ([1.7e308, 0.0, -1.7e308], [1.0, 0.5, 0.0]),
        ([5e-324, 0.0], [1.0, 0.0]),
        ([math.inf], [1.0]),
    ],
)
def test_min_max(given: list[float], expected: list[float]) -> None:
    assert min_max(given) == expected


def test_ties_go_by_best_rank_then_by_id() -> None:
    # k = 1: p has 1/(1+1), q has 1/(1+3) + 1/(1+3): both 1/2. And x, y tie in score and in rank.
    fused = fuse({"a": ["p", "x", "q"], "b": ["z", "y", "q"]}, k=1)
    assert fused.ids == ("p", "z", "q", "x", "y")
    assert fused.scores[:3] == (0.5, 0.5, 0.5)


def test_equal_scores_in_a_ranking_go_by_id() -> None:
    assert fuse({"a": {"b": 1.0, "a": 1.0, "c": 2.0}}).ids == ("c", "a", "b")


def test_ids_sort_by_code_point_whatever_the_script() -> None:
    assert fuse({"a": dict.fromkeys(["가", "é", "z", "😀", "Z"], 1.0)}).ids == ("Z", "z", "é", "가", "😀")


def test_scores_decide_the_ranks_and_not_the_order_given() -> None:
    pairs = [("low", 1), ("high", 9), ("middle", 5)]
    assert fuse({"a": pairs}).ids == fuse({"a": dict(pairs)}).ids == ("high", "middle", "low")


def test_a_list_of_ids_is_a_ranking_best_first() -> None:
    assert fuse({"a": ["z", "y"], "b": ("y",)}, k=0).ids == ("y", "z")


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.int64(2), Fraction(1, 2), 3, -0.0])
def test_any_kind_of_real_number_is_a_score(number: Any) -> None:
    fused = fuse({"a": {"x": number}}, "weighted")
    assert type(fused.explain("x")["a"]["raw_score"]) is float
    assert fused.scores == (1.0,)


@pytest.mark.parametrize("method", methods())
def test_nothing_fused_is_nothing(method: str) -> None:
    assert fuse({}, method).ids == ()
    assert fuse({"a": {}, "b": {}}, method).ids == ()
    one_empty = fuse({"a": {}, "b": {"x": 2.0, "y": 1.0}}, method)
    assert one_empty.scores == fuse({"b": {"x": 2.0, "y": 1.0}}, method).scores
    assert one_empty.explain("x")["a"] == {"status": "not_found", "contribution": 0.0}


@pytest.mark.parametrize("method", methods())
def test_what_is_given_is_left_as_it_was(method: str) -> None:
    rankings: dict[str, Any] = {"a": {"x": 1.0, "y": 2.0}, "b": [("y", 3.0), ("x", 4.0)]}
    weights = {"b": 2.0}
    before = copy.deepcopy((rankings, weights))
    fuse(rankings, method, weights=weights)
    assert (rankings, weights) == before


def test_explain_says_everything_of_a_hit_and_of_a_miss() -> None:
    fused = fuse({"text": TEXT, "vector": VECTOR}, "weighted", weights={"text": 2})
    assert fused.explain("a") == {
        "text": {
            "status": "hit",
            "rank": 1,
            "raw_score": 12.0,
            "normalized": 1.0,
            "weight": 2,
            "contribution": 2.0,
        },
        "vector": {"status": "not_found", "contribution": 0.0},
    }
    assert [part["status"] for part in fused.explain("nobody").values()] == ["not_found", "not_found"]
    assert fused.rows()[1]["text_rank"] == 2
    assert len(fused) == 4


def test_a_retriever_of_weight_0_adds_nothing_and_the_other_decides() -> None:
    fused = fuse({"a": ["x"], "b": ["y"]}, weights={"a": 0})
    assert scores(fused) == {"y": 1 / 61, "x": 0.0}


@pytest.mark.parametrize(
    ("rankings", "options", "says"),
    [
        ({"a": {"x": math.nan}}, {}, "'a': the score of 'x' is nan"),
        ({"a": {"x": math.inf}}, {}, "leave out what has no score"),
        ({"a": {"x": -math.inf}}, {}, "is -inf"),
        ({"a": {"x": True}}, {}, "is True, not a number"),
        ({"a": {"x": "9"}}, {}, "is '9', not a number"),
        ({"a": {"x": None}}, {}, "is None, not a number"),
        ({"a": {"x": 10**400}}, {}, "leave out what has no score"),
        ({"a": [("x", 1), ("y", 2), ("x", 3)]}, {}, "the id 'x' twice"),
        ({"a": ["x", "x"]}, {}, "the id 'x' twice"),
        ({"a": [("x", 1, 2)]}, {}, "a row is a pair"),
        ({"a": [(1, 2.0)]}, {}, "with a string id"),
        ({"a": {1: 2.0}}, {}, "with a string id"),
        ({"a": ["x", ("y", 1.0)]}, {}, "a row is a pair"),
        ({"a": "xyz"}, {}, "'a' is a string"),
        ([["x"], ["y"]], {}, "the rankings are a list; give them by name"),
        ({"a": ["x"]}, {"method": "weighted"}, "has no scores, which is what is fused"),
        ({"a": ["x"]}, {"method": "RRF"}, "there is no fusion 'RRF'; there is: combmax, combmnz, combsum"),
        ({"a": ["x"]}, {"method": None}, "there is no fusion None"),
        ({"a": ["x"]}, {"k": -1}, "k is -1"),
        ({"a": ["x"]}, {"k": math.nan}, "k is nan"),
        ({"a": ["x"]}, {"k": math.inf}, "k is inf"),
        ({"a": ["x"]}, {"k": "60"}, "k is '60'"),
        ({"a": ["x"]}, {"k": True}, "k is True"),
        ({"a": ["x"]}, {"weights": {"a": -0.1}}, "the weight of 'a' is -0.1"),
        ({"a": ["x"]}, {"weights": {"a": math.nan}}, "the weight of 'a' is nan"),
        ({"a": ["x"]}, {"weights": {"a": "2"}}, "the weight of 'a' is '2'"),
        ({"a": ["x"]}, {"weights": {"a": True}}, "the weight of 'a' is True"),
        ({"a": ["x"], "b": ["x"]}, {"weights": {"a": 0, "b": 0.0}}, "all weights are 0"),
        ({"a": ["x"]}, {"weights": {"b": 1}}, "weights name b, but the rankings are: a"),
    ],
)
def test_what_cannot_be_fused_is_refused_by_name(rankings: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises(FusionError) as refused:
        fuse(rankings, **options)
    assert says in str(refused.value)
