"""Words as they are written, and where tokens stand: by hand, and as the analysis has them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.analysis import STOP_WORDS, folded, prepare, runs, tokens
from hybrid.surface import LONGEST_WORD, distance, document_words, spans, typed, words
from tests.contract.filtering import HOSTILE

TEXTS = st.one_of(
    st.text(),
    st.text("aB9'.,:_- \n\x1c\x85\u2028\u202f\u00ad\u0301\u3099がカﾞﾊﾟＡ한ᄒ\u1161ก👩\u200d💻"),
    st.sampled_from(HOSTILE),
)


def test_words_are_lower_case_and_no_stop_words() -> None:
    assert words("The Quiet LAPTOP's fan, and the quiet one") == {"quiet", "laptop's", "fan", "one"}
    assert words("") == words("the of ... !") == set()
    assert words("x" * LONGEST_WORD) == {"x" * LONGEST_WORD}
    assert words("x" * (LONGEST_WORD + 1)) == set()


def test_words_are_of_normal_width_and_composed() -> None:
    assert words("ＡＢＣ cafe\u0301 ﾗｯﾌﾟ lap\u00adtop") == {"abc", "café", "ラップ", "laptop"}


def test_a_documents_words_are_those_of_its_searched_fields() -> None:
    source = {"title": "Quiet laptop", "text": "laptop fan", "brand": "acer", "n": 3}
    assert document_words(source, (("title", 2.0), ("text", 1.0), ("n", 1.0), ("none", 1.0))) == [
        "fan",
        "laptop",
        "quiet",
    ]


@given(TEXTS)
def test_words_are_the_runs_of_the_whole_text(text: str) -> None:
    prepared = prepare(text)
    whole = {folded(prepared[slice(*run.span())]) for run in runs(prepared)}
    assert words(text) == {word for word in whole if len(word) <= LONGEST_WORD} - STOP_WORDS


@given(TEXTS)
def test_spans_have_the_tokens_of_the_analysis_in_order_within_the_text(text: str) -> None:
    found = list(spans(text))
    assert [token for _, token in found] == tokens(text)
    assert all(0 <= start < end <= len(text) for (start, end), _ in found)
    assert [span for span, _ in found] == sorted(span for span, _ in found)


@given(TEXTS)
def test_what_is_typed_is_found_again_at_its_place(text: str) -> None:
    for (start, end), word in typed(text):
        assert word in folded(prepare(text[start:end]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Quiet laptops", [("Quiet", "quiet"), ("laptops", "laptop")]),
        ("검색엔진", [("검색", "검색"), ("색엔", "색엔"), ("엔진", "엔진")]),
        (unicodedata.normalize("NFD", "검색"), [(unicodedata.normalize("NFD", "검색"), "검색")]),
        ("lap\u00adtop cafe\u0301s", [("lap\u00adtop", "laptop"), ("cafe\u0301s", "café")]),
        ("ＡＢＣ ﾊﾟﾝ", [("ＡＢＣ", "abc"), ("ﾊﾟﾝ", "パン")]),
        ("the", []),
    ],
)
def test_tokens_stand_where_their_words_are_written(text: str, expected: list[tuple[str, str]]) -> None:
    assert [(text[start:end], token) for (start, end), token in spans(text)] == expected


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [
        ("", "", 0),
        ("a", "", 1),
        ("laptop", "laptop", 0),
        ("laptop", "latpop", 1),
        ("laptop", "lapto", 1),
        ("laptop", "xlaptop", 1),
        ("laptop", "lqptpo", 2),
        ("ca", "abc", 3),  # a swapped pair is not edited again
        ("laptop", "quiet", 3),
        ("노트북", "노트묵", 1),
    ],
)
def test_edits_are_counted(one: str, other: str, edits: int) -> None:
    assert distance(one, other, 2) == distance(other, one, 2) == min(edits, 3)


@given(st.text("ab", max_size=6), st.text("ab", max_size=6), st.integers(0, 4))
def test_edits_beyond_the_bound_are_only_known_to_be_more(one: str, other: str, most: int) -> None:
    assert distance(one, other, most) == min(distance(one, other, 12), most + 1)
