"""Settings compared on one query: fused by the one fusion there is, and how alike their lists are."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid import fuse
from hybrid.comparing import Setting, alike, compared, jaccard, rbo
from hybrid.errors import FusionError, QueryError
from hybrid.fusion import Fusion
from hybrid.model import Ranking

BOTH = ("text", "vector")
RANKINGS = {
    "text": Ranking(("a", "b", "c"), (9.0, 8.0, 7.0), (1, 1, 1)),
    "vector": Ranking(("c", "d", "a"), (0.9, 0.8, 0.7), (1, 1, 1)),
}


def test_each_setting_is_fused_as_a_search_would() -> None:
    rrf, text, top = compared(
        RANKINGS,
        [
            Setting(BOTH, Fusion("rrf"), 100),
            Setting(("text",), Fusion("rrf"), 100),
            Setting(BOTH, Fusion("rrf", weights=(("text", 0.0),)), 1),
        ],
        10,
    )
    fused = fuse({name: of.ids for name, of in RANKINGS.items()}, "rrf")
    assert (rrf.ids, rrf.scores) == (fused.ids, fused.scores)
    # a: 1/61 + 1/63, c: 1/63 + 1/61: equal, so the better first rank, then the id
    assert rrf.ids == ("a", "c", "b", "d")
    assert rrf.contributions["c"] == {"text": float(Fraction(1, 63)), "vector": float(Fraction(1, 61))}
    assert rrf.moves == {"a": 0, "c": 0, "b": 0, "d": 0}
    assert text.ids == ("a", "b", "c")
    assert text.moves == {"a": 0, "b": 1, "c": -1}
    assert top.ids == ("c", "a")  # of each ranking the first alone; a adds nothing
    assert top.moves == {"c": 1, "a": -1}


def test_a_document_that_the_first_does_not_show_has_not_moved() -> None:
    _, vector = compared(RANKINGS, [Setting(("text",), Fusion("rrf"), 2), Setting(("vector",), Fusion("rrf"), 2)], 2)
    assert vector.moves == {"c": None, "d": None}


def test_what_cannot_be_compared_is_refused() -> None:
    one = Setting(BOTH, Fusion("rrf"), 10)
    with pytest.raises(QueryError, match="5 settings are compared; from 1 to 4"):
        compared(RANKINGS, [one] * 5, 10)
    with pytest.raises(FusionError, match="no fusion 'magic'"):
        compared(RANKINGS, [Setting(BOTH, Fusion("magic"), 10)], 10)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("", "", Fraction(1)), ("ab", "", Fraction(0)), ("ab", "ba", Fraction(1)), ("abc", "bcd", Fraction(2, 4))],
)
def test_jaccard_is_the_part_that_both_have(one: str, other: str, expected: Fraction) -> None:
    assert jaccard(one, other) == expected
    assert jaccard(other, one) == expected


def slowly(one: str, other: str, p: Fraction) -> Fraction:
    """Equation 32 of Webber, Moffat and Zobel, written as it stands there, in fractions."""
    short, long = sorted((one, other), key=len)
    s, l = len(short), len(long)  # noqa: E741

    def overlap(depth: int) -> int:
        return len(set(short[:depth]) & set(long[:depth]))

    first = sum(Fraction(overlap(d), d) * p**d for d in range(1, l + 1))
    second = sum(Fraction(overlap(s) * (d - s), s * d) * p**d for d in range(s + 1, l + 1))
    return (1 - p) / p * (first + second) + (Fraction(overlap(l) - overlap(s), l) + Fraction(overlap(s), s)) * p**l


def test_rank_biased_overlap_by_hand() -> None:
    # p = 1/2, ab against ba: depths 0/1 and 2/2: (1/2)/(1/2) × (0 + 1/4) + 1 × 1/4
    assert rbo("ab", "ba", 0.5) == pytest.approx(0.5)
    assert slowly("ab", "ba", Fraction(1, 2)) == Fraction(1, 2)
    assert rbo("", "") == 1
    assert rbo("", "a") == 0
    assert rbo("abc", "xyz") == 0


LISTS = st.lists(st.sampled_from("abcdefghij"), unique=True, min_size=1).map("".join)


@given(LISTS, LISTS, st.fractions(Fraction(1, 10), Fraction(99, 100)))
def test_rank_biased_overlap_is_that_of_the_paper(one: str, other: str, p: Fraction) -> None:
    said = rbo(one, other, float(p))
    assert math.isclose(said, float(slowly(one, other, p)), abs_tol=1e-9)
    assert math.isclose(said, rbo(other, one, float(p)), abs_tol=1e-12)
    assert -1e-9 <= said <= 1 + 1e-9
    assert math.isclose(rbo(one, one, float(p)), 1, abs_tol=1e-9)
    assert alike(one, one).to_dict() == {"jaccard": 1.0, "rbo": 1.0}
