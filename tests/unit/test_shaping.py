"""The steps after fusion, on orders and facts worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.errors import FilterError, QueryError
from hybrid.filters.tree import Moment
from hybrid.schema import Field, FieldType, Schema, moment
from hybrid.shaping.boosts import Decay, Favour, Growth, Modifier, Slope, boosted
from hybrid.shaping.cut import before_knee, from_score
from hybrid.shaping.groups import collapsed, diverse
from hybrid.shaping.order import Order, ordered
from hybrid.shaping.wishes import NOTHING, Rerank, Wishes, read
from hybrid.sorting import Sort

SCHEMA = Schema(
    (
        Field("title", FieldType.TEXT),
        Field("brand", FieldType.KEYWORD),
        Field("rating", FieldType.DOUBLE),
        Field("sold", FieldType.LONG),
        Field("released", FieldType.DATE),
    )
)
MODEL = Rerank("a model", 20, 1.0)


def order(**scores: float) -> Order:
    return ordered(scores, scores.values())


@pytest.mark.parametrize(
    ("modifier", "value", "factor"),
    [
        (Modifier.NONE, 3.0, 3.0),
        (Modifier.LOG1P, 9.0, 1.0),
        (Modifier.LN1P, math.e - 1, 1.0),
        (Modifier.LOG2P, 98.0, 2.0),
        (Modifier.LN2P, math.e - 2, 1.0),
        (Modifier.SQUARE, 3.0, 9.0),
        (Modifier.SQRT, 9.0, 3.0),
        (Modifier.RECIPROCAL, 4.0, 0.25),
        (Modifier.RECIPROCAL, 0.0, 0.0),
    ],
)
def test_a_number_becomes_a_factor(modifier: Modifier, value: float, factor: float) -> None:
    assert Growth("rating", modifier).of({"rating": (value,)}) == pytest.approx(factor, abs=1e-12)


def test_a_factor_has_a_weight_and_a_number_a_factor_and_what_is_missing_a_value() -> None:
    growth = Growth("rating", factor=2.0, missing=0.5, weight=3.0)
    assert growth.of({"rating": (4.0,)}) == 3 * 2 * 4
    assert growth.of({}) == 3 * 2 * 0.5
    assert growth.of({"rating": (-4.0,)}) == 0.0  # a score never changes its sign


@pytest.mark.parametrize(
    ("slope", "at_scale", "at_twice"),
    [(Slope.GAUSS, 1 / 2, 1 / 16), (Slope.EXP, 1 / 2, 1 / 4), (Slope.LINEAR, 1 / 2, 0)],
)
def test_a_decay_is_one_at_the_origin_and_a_half_at_the_scale(slope: Slope, at_scale: float, at_twice: float) -> None:
    decay = Decay("rating", slope, origin=100, scale=10, offset=5)
    found = [decay.of({"rating": (value,)}) for value in (100, 95, 105, 115, 85, 125)]
    assert found == pytest.approx([1, 1, 1, at_scale, at_scale, at_twice], abs=1e-12)
    assert decay.of({}) == 1.0


def test_a_favour_is_for_those_the_filter_lets_through() -> None:
    (favour,) = read(Wishes(boosts=[{"filter": 'brand = "acer"', "weight": 3}]), (), SCHEMA, None, "q").boosts
    assert isinstance(favour, Favour)
    assert (favour.of({"brand": ("acer",)}), favour.of({"brand": ("lg",)}), favour.of({})) == (3.0, 1.0, 1.0)


def test_boosts_multiply_and_the_breakdown_is_kept() -> None:
    boosts = (Growth("rating"), Growth("sold", missing=2.0))
    found = boosted(
        order(a=1.0, b=0.5, c=0.5), boosts, {"a": {"rating": (0.5,)}, "b": {"rating": (3.0,), "sold": (1,)}}
    )
    assert found.ids == ("b", "a", "c")
    assert dict(found.scores) == {"a": 1.0 * 0.5 * 2, "b": 0.5 * 3 * 1, "c": 0.5 * 1 * 2}
    assert found.notes["b"] == {
        "boosts": {"score_before": 0.5, "factors": [{"by": "rating", "factor": 3.0}, {"by": "sold", "factor": 1.0}]}
    }


def test_equal_scores_stay_in_the_order_they_were_in() -> None:
    assert boosted(order(z=0.5, a=0.5), (), {}).ids == ("z", "a")


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0, 1)), st.floats(0, 1))
def test_a_least_score_keeps_exactly_those_that_have_it(scores: dict[str, float], least: float) -> None:
    best = sorted(scores, key=lambda one: (-scores[one], one))
    found = from_score(ordered(best, [scores[one] for one in best]), least)
    assert found.ids == tuple(one for one in best if scores[one] >= least)


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([], 0),
        ([1.0], 1),
        ([1.0, 0.1], 2),
        ([1.0, 1.0, 1.0], 3),
        ([1.0, 0.9, 0.8, 0.7, 0.6], 5),  # a straight line has no knee
        ([1.0, 0.95, 0.9, 0.2, 0.15, 0.1], 3),
        ([10.0, 1.0, 0.9, 0.8, 0.7], 1),
    ],
)
def test_an_answer_ends_before_the_scores_level_out(scores: list[float], kept: int) -> None:
    assert len(before_knee(ordered([f"d{rank}" for rank in range(len(scores))], scores))) == kept


def test_of_each_value_the_first_document_is_kept_and_those_without_one_all() -> None:
    facts: Any = {"a": {"brand": ("x",)}, "b": {"brand": ("x",)}, "c": {}, "d": {}, "e": {"brand": ("x", "y")}}
    found = collapsed(order(a=5, b=4, c=3, d=2, e=1), "brand", facts)
    assert found.ids == ("a", "c", "d", "e")
    assert found.notes["a"] == {"collapse": {"field": "brand", "value": "x", "documents": 2}}
    assert found.notes["e"] == {"collapse": {"field": "brand", "value": ["x", "y"], "documents": 1}}
    assert "c" not in found.notes


VECTORS = {name: np.array([row], np.float32) for name, row in {"a": [1, 0], "b": [1, 0], "c": [0, 1]}.items()}


def test_an_unlike_document_comes_before_a_better_one_that_says_the_same() -> None:
    # after a: b has .5 · .9 − .5 · 1 = −.05, c has .5 · .5 − .5 · 0 = .25
    found = diverse(order(a=1.0, b=0.9, c=0.5), 0.5, VECTORS)
    assert found.ids == ("a", "c", "b")
    assert [found.notes[one]["diversity"]["likeness"] for one in "acb"] == [0.0, 0.0, 1.0]
    assert found.scores == {"a": 1.0, "b": 0.9, "c": 0.5}


def test_without_diversity_the_order_stays_and_without_vectors_too() -> None:
    assert diverse(order(a=1.0, b=0.9, c=0.5), 0.0, VECTORS).ids == ("a", "b", "c")
    assert diverse(order(a=1.0, b=0.9, c=0.5), 0.9, {}).ids == ("a", "b", "c")
    assert diverse(order(), 0.5, {}).ids == ()


def test_documents_that_point_away_from_each_other_are_the_least_alike() -> None:
    vectors = {"a": np.array([[1, 0]], np.float32), "b": np.array([[-1, 0]], np.float32), "c": VECTORS["c"]}
    assert diverse(order(a=1.0, c=0.9, b=0.9), 0.9, vectors).ids == ("a", "b", "c")


@given(st.permutations("abcdef"), st.floats(0, 1), st.integers(0, 99))
def test_diversity_loses_and_doubles_nothing(ids: list[str], diversity: float, seed: int) -> None:
    rows = np.random.default_rng(seed).standard_normal((6, 4), dtype=np.float32)
    vectors = {one: rows[number : number + 1] for number, one in enumerate(ids)}
    found = diverse(ordered(ids, [6, 5, 4, 3, 2, 1]), diversity, vectors)
    assert sorted(found.ids) == sorted(ids)
    assert found.ids[0] == ids[0]


def test_a_decay_of_a_date_begins_now_and_is_told_as_a_date() -> None:
    wishes = Wishes(boosts=[{"field": "released", "scale": "30d", "origin": "2026-03-01", "slope": "exp"}])
    shaping = read(wishes, (), SCHEMA, None, "q")
    month = Moment(moment("2026-01-30") or 0)
    assert shaping.boosts[0].of({"released": (month,)}) == pytest.approx(0.5)
    assert shaping.to_dict()["boosts"][0]["origin"] == "2026-03-01"
    (now,) = read(Wishes(boosts=[{"field": "released", "scale": "1w"}]), (), SCHEMA, None, "q").boosts
    assert isinstance(now, Decay)
    assert now.origin > 1_700_000_000_000


def test_a_request_that_wants_nothing_shapes_nothing() -> None:
    assert read(Wishes(), (), SCHEMA, MODEL, "q") == NOTHING
    assert not NOTHING
    assert NOTHING.to_dict() == {}


def test_steps_are_told_in_the_order_in_which_they_are_done() -> None:
    wishes = Wishes(
        pinned=["b", "a", "b"], diversity=0.3, collapse="brand", min_score=0, rerank={"limit": 5, "min_score": 0.1}
    )
    shaping = read(wishes, (), SCHEMA, MODEL, "q")
    assert shaping.steps == ("rerank", "min_score", "collapse", "diversity", "pinned")
    assert shaping.to_dict() == {
        "rerank": {"model": "a model", "limit": 5, "within_s": 1.0, "min_score": 0.1},
        "min_score": 0.0,
        "collapse": "brand",
        "diversity": 0.3,
        "pinned": ["b", "a"],
    }


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"boosts": "rating"}, "boosts", "give a list"),
    ({"boosts": ["rating"]}, "boosts", "give a dict"),
    ({"boosts": [{}] * 17}, "boosts", "at most 16"),
    ({"boosts": [{"field": "ratng"}]}, "boosts", "there is: rating, sold"),
    ({"boosts": [{"field": "brand"}]}, "boosts", "of long and double there is"),
    ({"boosts": [{"field": "rating", "scle": 3}]}, "boosts", "this kind has: field, modifier"),
    ({"boosts": [{"field": "rating", "modifier": "log"}]}, "boosts", "it is one of: none, log1p"),
    ({"boosts": [{"field": "rating", "weight": -1}]}, "boosts", "a number from 0"),
    ({"boosts": [{"field": "rating", "factor": math.nan}]}, "boosts", "must be a number"),
    ({"boosts": [{"field": "rating", "scale": 1}]}, "boosts", "boosts.origin is None"),
    ({"boosts": [{"field": "rating", "scale": 0, "origin": 1}]}, "boosts", "must be above 0"),
    ({"boosts": [{"field": "rating", "scale": 1, "origin": 1, "decay": 1}]}, "boosts", "must be between 0 and 1"),
    ({"boosts": [{"field": "released", "scale": 30}]}, "boosts", "such as '30d'"),
    ({"boosts": [{"field": "released", "scale": "30d", "origin": "soon"}]}, "boosts", "give 'now' or a date"),
    ({"boosts": [{"filter": " "}]}, "boosts", "empty filter"),
    ({"min_score": "high"}, "min_score", "must be a number"),
    ({"min_score": True}, "min_score", "must be a number"),
    ({"knee": 1}, "knee", "true or false"),
    ({"collapse": "title"}, "collapse", "there is: brand, rating, released, sold"),
    ({"diversity": 1.5}, "diversity", "from 0 to 1"),
    ({"pinned": [1]}, "pinned", "ids, as strings"),
    ({"pinned": ["a"] * 101}, "pinned", "at most 100"),
    ({"rerank": "a-model"}, "rerank", "it is true, or a dict"),
    ({"rerank": {"model": "evil"}}, "rerank", "it has: limit, min_score"),
    ({"rerank": {"limit": 21}}, "rerank", "from 1 to 20"),
    ({"rerank": True, "knee": True}, "rerank", "do not go together"),
]


@pytest.mark.parametrize(("wishes", "field", "message"), WRONG)
def test_what_cannot_be_done_is_refused_by_name(wishes: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(QueryError) as wrong:
        read(Wishes(**wishes), (), SCHEMA, MODEL, "q")
    assert wrong.value.field == field
    assert message in str(wrong.value)


@pytest.mark.parametrize(
    ("wishes", "other"),
    [({"diversity": 0.5}, "diversity"), ({"rerank": True}, "rerank"), ({"boosts": [{"field": "rating"}]}, "boosts")],
)
def test_an_order_by_field_goes_with_no_other_order(wishes: dict[str, Any], other: str) -> None:
    with pytest.raises(QueryError, match=f"sort and {other} do not go together"):
        read(Wishes(**wishes), (Sort("rating"),), SCHEMA, MODEL, "q")


def test_a_boost_whose_filter_cannot_be_read_points_at_the_place() -> None:
    with pytest.raises(FilterError, match="brnd"):
        read(Wishes(boosts=[{"filter": 'brnd = "x"'}]), (), SCHEMA, None, "q")


def test_there_is_no_reranking_without_a_model_or_without_words() -> None:
    with pytest.raises(QueryError, match=r"\[rerank\] model"):
        read(Wishes(rerank=True), (), SCHEMA, None, "q")
    with pytest.raises(QueryError, match="there are none"):
        read(Wishes(rerank=True), (), SCHEMA, MODEL, " ")
