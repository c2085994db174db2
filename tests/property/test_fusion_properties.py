"""What holds for every fusion method, whatever the rankings."""

from __future__ import annotations

import math
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.fusion import FusedRanking, Fusion, fuse, methods, registered

Rankings: TypeAlias = dict[str, dict[str, float]]

IDS = st.sampled_from("abcdefgh")
NAMES = ("text", "vector", "image")
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
GRID = st.integers(-8, 8).map(float)
WEIGHTS = st.fixed_dictionaries(dict.fromkeys(NAMES, st.integers(0, 12).map(lambda quarter: quarter / 4))).filter(any)
METHODS = st.sampled_from(methods())
STEADY = st.sampled_from([one for one in methods() if one not in ("dbsf", "log_odds")])
"""Methods by which a higher score is never worse; the others say in their docstrings why it may be."""


bounded = settings(max_examples=150, derandomize=True, deadline=None)


def rankings(scores: st.SearchStrategy[float]) -> st.SearchStrategy[Rankings]:
    return st.fixed_dictionaries({name: st.dictionaries(IDS, scores, max_size=8) for name in NAMES})


WEIGHED = WEIGHTS.filter(lambda weights: any(weights.values()))


def seen(fused: FusedRanking) -> tuple[tuple[str, ...], list[str]]:
    return fused.ids, [score.hex() for score in fused.scores]


@bounded
@given(rankings(FLOATS), METHODS, WEIGHED, st.permutations(NAMES), st.randoms(use_true_random=False))
def test_the_order_of_retrievers_and_rows_changes_no_bit(
    given_rankings: Rankings, method: str, weights: dict[str, float], names: list[str], random: object
) -> None:
    def shuffled(ranking: dict[str, float]) -> list[tuple[str, float]]:
        rows = list(ranking.items())
        random.shuffle(rows)  # type: ignore[attr-defined]
        return rows

    other = {name: shuffled(given_rankings[name]) for name in names}
    assert seen(fuse(other, method, weights=weights)) == seen(fuse(given_rankings, method, weights=weights))


@bounded
@given(rankings(FLOATS), METHODS, WEIGHED, st.sampled_from([0.0, 1.0, 60.0]))
def test_a_score_is_the_exact_sum_of_contributions_and_each_is_weight_times_normalized(
    given_rankings: Rankings, method: str, weights: dict[str, float], k: float
) -> None:
    fused = fuse(given_rankings, method, k=k, weights=weights)
    of = registered(Fusion(method))
    for one, score in zip(fused.ids, fused.scores, strict=True):
        parts = fused.explain(one).values()
        assert not of.additive or score == math.fsum(part["contribution"] for part in parts)
        for part in parts:
            if part["status"] == "hit":
                assert part["contribution"] == part["weight"] * part["normalized"]
                assert not of.bounded or 0 <= part["normalized"] <= 1


@bounded
@given(rankings(FLOATS), METHODS)
def test_each_document_is_ranked_once_and_scores_do_not_increase(given_rankings: Rankings, method: str) -> None:
    fused = fuse(given_rankings, method)
    assert sorted(fused.ids) == sorted(set().union(*given_rankings.values()))
    assert list(fused.scores) == sorted(fused.scores, reverse=True)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(rankings(GRID), STEADY, WEIGHED, st.sampled_from(NAMES), IDS, st.integers(0, 20))
def test_raising_a_documents_score_never_lowers_its_fused_rank(
    given_rankings: Rankings, method: str, weights: dict[str, float], name: str, one: str, more: int
) -> None:
    # Scores on a grid: where differences are exact, min-max cannot round another document upwards.
    if one not in given_rankings[name]:
        return
    better = given_rankings | {name: given_rankings[name] | {one: given_rankings[name][one] + more}}
    before = fuse(given_rankings, method, weights=weights).ids.index(one)
    assert fuse(better, method, weights=weights).ids.index(one) <= before


@bounded
@given(rankings(FLOATS), WEIGHED)
def test_rrf_looks_at_ranks_only(given_rankings: Rankings, weights: dict[str, float]) -> None:
    # Ranks by (score, id): as bare lists in that order, the answer is the same.
    lists = {
        name: [one for one, _ in sorted(ranking.items(), key=lambda row: (-row[1], row[0]))]
        for name, ranking in given_rankings.items()
    }
    assert seen(fuse(lists, "rrf", weights=weights)) == seen(fuse(given_rankings, "rrf", weights=weights))


@bounded
@given(rankings(GRID), st.integers(-3, 3), st.integers(-50, 50))
def test_weighted_does_not_depend_on_a_retrievers_scale(given_rankings: Rankings, power: int, shift: int) -> None:
    scaled = given_rankings | {"text": {one: s * 2.0**power + shift for one, s in given_rankings["text"].items()}}
    assert seen(fuse(scaled, "weighted")) == seen(fuse(given_rankings, "weighted"))
