"""The default fusion, worked out by hand: what counts as nothing, and how much a retriever is trusted."""

from __future__ import annotations

import math
from statistics import mean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid import sample
from hybrid.fusion import Column, Fusion, combine, fuse
from hybrid.fusion.standard import above
from hybrid.model import Background
from hybrid.schema import Metric
from hybrid.stores.exact import Change, ExactIndex

STANDARD = Fusion("standard")


def parts(name: str, **columns: Column) -> dict[str, float]:
    """By id a retriever's normalised values."""
    fused = combine(columns, STANDARD)
    return dict(zip(columns[name].ids, fused.shares[name].normalized, strict=True))


def near(*scores: float, documents: int = 1000, mean: float = 0.0, deviation: float = 0.125) -> Column:
    return Column("abcdefgh"[: len(scores)], scores, Background(documents, mean, deviation))


def worded(*scores: float, unit: float = 1.0, full: bool = False) -> Column:
    return Column("abcdefgh"[: len(scores)], scores, unit=unit, full=full)


def test_a_similarity_counts_from_three_quarters_of_the_way_to_the_last_row() -> None:
    # z = .5 / .125 = 4: full trust; low = 0 + ¾ · .25 = .1875
    found = parts("vector", vector=near(0.5, 0.375, 0.25), text=worded(1.0))
    assert found == {"a": 1.0, "b": (0.375 - 0.1875) / (0.5 - 0.1875), "c": (0.25 - 0.1875) / (0.5 - 0.1875)}


def test_a_best_row_that_is_half_as_far_out_is_trusted_a_quarter() -> None:
    assert parts("vector", vector=near(0.25, 0.0), text=worded(1.0)) == {"a": 0.25, "b": 0.0}


@pytest.mark.parametrize("best", [0.0, -0.5])
def test_a_best_row_that_is_no_better_than_the_mean_is_not_trusted(best: float) -> None:
    assert parts("vector", vector=near(best, -0.6), text=worded(1.0))["a"] == 0.0


def test_where_all_documents_are_equally_near_nothing_is_known() -> None:
    assert parts("vector", vector=near(0.5, 0.5, mean=0.5, deviation=0.0), text=worded(1.0)) == {"a": 0.0, "b": 0.0}


def test_words_count_from_nothing_and_from_the_last_row_of_a_full_window() -> None:
    beside = near(0.5)
    assert parts("text", text=worded(8.0, 2.0), vector=beside) == {"a": 1.0, "b": 0.25}
    assert parts("text", text=worded(8.0, 4.0, 2.0, full=True), vector=beside) == {"a": 1.0, "b": 2 / 6, "c": 0.0}


def test_a_best_document_with_few_of_the_words_is_trusted_by_its_reach() -> None:
    # 20 words, each in no other document: 20 · ln 2002; a tenth of it is enough
    enough = 0.1 * 20 * math.log(2002)
    found = parts("text", text=worded(enough / 2, 0.0, unit=20.0), vector=near(0.5))
    assert found["a"] == pytest.approx(0.5)
    assert parts("text", text=worded(enough * 1.01, unit=20.0), vector=near(0.5))["a"] == 1.0


def test_a_retriever_alone_is_trusted_whatever_it_knows() -> None:
    assert parts("vector", vector=near(0.0625, 0.0)) == {"a": 1.0, "b": 0.0}
    assert parts("vector", vector=near(0.0625), text=Column((), ()))["a"] == 1.0


def test_scores_add_up_by_weight_and_the_facts_are_told() -> None:
    columns = {"text": worded(8.0, 4.0), "vector": Column(("b", "c"), (0.5, 0.25), Background(1000, 0.0, 0.125))}
    fused = combine(columns, Fusion("standard", weights=(("text", 2.0), ("vector", 3.0))))
    assert dict(zip(fused.ids, fused.scores, strict=True)) == {"b": 2 * 0.5 + 3 * 1.0, "a": 2 * 1.0, "c": 3 * 0.2}
    assert fused.shares["vector"].facts == {"mean": 0.0, "deviation": 0.125, "z": 4.0, "low": 0.1875, "trust": 1.0}
    assert fused.shares["text"].facts == {"reach": 8 / math.log(2002), "low": 0.0, "trust": 1.0}


def test_plain_lists_are_fused_by_their_range() -> None:
    fused = fuse({"one": {"a": 3.0, "b": 2.0, "c": 1.0}, "other": {"b": 9.0, "a": 9.0}}, "standard")
    assert dict(zip(fused.ids, fused.scores, strict=True)) == {"a": 2.0, "b": 1.5, "c": 0.0}


def test_a_retriever_that_knows_nothing_changes_nothing_above_what_the_other_found() -> None:
    noise = Column("xyz", (0.03, 0.02, 0.01), Background(1000, 0.0, 0.05))
    assert combine({"text": worded(8.0, 7.0, 6.0), "vector": noise}, STANDARD).ids[:3] == ("a", "b", "c")


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=8), st.floats(-1e300, 1e300))
def test_heights_lie_between_nothing_and_one(scores: list[float], low: float) -> None:
    found = above(sorted(scores, reverse=True), low)
    assert all(0 <= value <= 1 for value in found)
    assert found == sorted(found, reverse=True)


def test_half_of_all_ids_are_on_each_next_level() -> None:
    levels = [sample.level(f"document {number}") for number in range(20_000)]
    for level in range(5):
        share = sum(one >= level for one in levels) / len(levels)
        assert share == pytest.approx(0.5**level, abs=0.015)
    assert 0 <= min(levels) <= max(levels) <= sample.HIGHEST


@pytest.mark.parametrize(
    ("documents", "level"), [(0, 0), (1, 0), (511, 0), (512, 1), (1023, 1), (1024, 2), (19_406, 6), (2**40, 32)]
)
def test_a_sample_has_some_three_hundred_documents_however_many_there_are(documents: int, level: int) -> None:
    assert sample.from_level(documents) == level


@pytest.mark.parametrize("metric", list(Metric))
def test_a_background_is_that_of_the_best_vectors_of_the_sample(metric: Metric) -> None:
    random = np.random.default_rng(7)
    index = ExactIndex(4, metric)
    vectors = {f"d{number}": random.standard_normal((number % 3 + 1, 4), dtype=np.float32) for number in range(700)}
    index.apply(Change(one, 1, rows) for one, rows in vectors.items())
    query = random.standard_normal(4, dtype=np.float32)
    drawn = [one for one in vectors if sample.level(one) >= 1]
    scores = list(index.scores(query, drawn).values())
    found = index.background(query)
    assert found is not None
    assert found.documents == 700
    assert (found.mean, found.deviation) == pytest.approx((mean(scores), stdev(scores)), rel=1e-12)


def test_the_order_in_which_documents_came_changes_no_bit() -> None:
    random = np.random.default_rng(8)
    rows = {f"d{number}": random.standard_normal((1, 16), dtype=np.float32) for number in range(300)}
    query = random.standard_normal(16, dtype=np.float32)
    found = []
    for names in (list(rows), list(reversed(rows))):
        index = ExactIndex(16, Metric.COSINE)
        index.apply(Change(one, 1, rows[one]) for one in names)
        index.apply([Change("gone", 1, rows["d0"]), Change("gone", 2)])
        found.append(index.background(query))
    assert found[0] == found[1]


def test_an_empty_index_has_no_background_and_one_document_no_deviation() -> None:
    index = ExactIndex(2, Metric.COSINE)
    assert index.background(np.array([1, 0], np.float32)) is None
    index.apply([Change("a", 1, np.array([[0, 1]], np.float32))])
    assert index.background(np.array([1, 0], np.float32)) == Background(1, 0.0, 0.0)
