"""Fragments: pieces of the text, marks the only markup, the best ones first of all."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.analysis import query_terms, tokens
from hybrid.fragments import MOST_CHARACTERS, Mark, best, marks, opening, pieces
from tests.contract.filtering import HOSTILE

EVIL = [
    *HOSTILE,
    "<mark>quiet</mark>",
    "</mark><mark>",
    "&lt;mark&gt;",
    "<img src=x onerror=alert(1)>",
    "quiet & \"loud\" 'quiet' <b>",
    "&amp;amp; quiet&#x27;",
    "…quiet…",
    "검색엔진과 검색 엔진",
    "quiet" * 100,
    "quiet. " * 100,
]


def marked(text: str, query: str, most: int = 2, size: int = 200) -> list[str]:
    return best(text, marks(text, query_terms(query)), most, size)


def test_words_with_the_same_stem_are_marked_in_any_case() -> None:
    assert marked("Quiet laptops for a QUIETER desk", "quiet laptop") == [
        "<mark>Quiet</mark> <mark>laptops</mark> for a QUIETER desk"
    ]
    assert marked("Tom&Jerry's café", "jerry CAFE\u0301") == ["Tom&amp;<mark>Jerry&#x27;s</mark> <mark>café</mark>"]


def test_bigrams_that_overlap_are_one_mark() -> None:
    assert marked("검색엔진은", "검색엔진") == ["<mark>검색엔진</mark>은"]
    assert marked("검색 엔진", "검색엔진") == ["<mark>검색</mark> <mark>엔진</mark>"]
    assert marked("東京都", "東京") == ["<mark>東京</mark>都"]


def test_a_text_without_the_words_has_no_fragment() -> None:
    assert marked("A loud drill", "quiet") == marked("", "quiet") == marked("quiet", "the") == marked("  ", "") == []


def test_of_a_long_text_the_sentences_with_most_different_words_are_shown() -> None:
    filler = "Nothing is said here at all. " * 4
    text = f"Quiet, quiet, quiet. {filler}A laptop is quiet. {filler}One laptop."
    assert marked(text, "quiet laptop", most=1, size=30) == ["…A <mark>laptop</mark> is <mark>quiet</mark>.…"]
    assert marked(text, "quiet laptop", most=2, size=30) == [
        "<mark>Quiet</mark>, <mark>quiet</mark>, <mark>quiet</mark>.…",
        "…A <mark>laptop</mark> is <mark>quiet</mark>.…",
    ]
    assert marked(text, "laptop", most=9, size=30)[-1] == "…One <mark>laptop</mark>."


def test_a_fragment_takes_the_sentences_that_follow_as_far_as_there_is_room() -> None:
    text = "One quiet. Two. Three is much too long for that."
    assert marked(text, "quiet", size=20) == ["One <mark>quiet</mark>. Two.…"]
    assert marked(text, "quiet", size=14) == ["One <mark>quiet</mark>.…"]


def test_a_long_sentence_is_cut_between_words() -> None:
    assert marked("aaaa bbbb cccc quiet dddd eeee ffff", "quiet", size=20) == ["aaaa bbbb cccc <mark>quiet</mark>…"]
    assert marked("aaaa bbbb ccccc quiet dddd eeee ffff", "quiet", size=20) == ["…<mark>quiet</mark> dddd eeee ffff"]
    assert marked("가나다라마바사아자차카타파하거너더러검색", "검색", size=20) == [
        "가나다라마바사아자차카타파하거너더러<mark>검색</mark>"
    ]
    assert marked("가나다라마바사아자차카타파하거너더러버검색엔진", "검색", size=20) == ["…<mark>검색</mark>엔진"]


def test_what_stands_behind_the_bound_is_never_marked() -> None:
    assert marked("x " * (MOST_CHARACTERS // 2) + "quiet", "quiet") == []


def test_an_opening_begins_where_it_is_told() -> None:
    text = "One is here. Two is here. Three is here."
    assert opening(text, 13, 20) == "…Two is here.…"
    assert opening(text, 13, 100) == "…Two is here. Three is here."
    assert opening(text, 13, 100, [Mark(13, 25)]) == "…<mark>Two is here.</mark> Three is here."
    assert opening("", 0, 20) == opening("   ", 0, 20) == ""


def test_pieces_are_the_plain_text() -> None:
    assert pieces("…A &lt;b&gt; <mark>quiet &amp;</mark> fan") == [
        ("…A <b> ", False),
        ("quiet &", True),
        (" fan", False),
    ]
    assert pieces("") == []


def check(text: str, fragment: str, size: int) -> None:
    tags = re.findall(r"<[^>]*>", fragment)
    assert tags == ["<mark>", "</mark>"] * (len(tags) // 2)
    bare = fragment.replace("<mark>", "").replace("</mark>", "")
    assert not re.search(r"[<>\"']", bare)
    assert all(one in ("&amp;", "&lt;", "&gt;", "&quot;", "&#x27;") for one in re.findall(r"&[^;]*;?", bare))
    plain = unescape(bare)
    ways = {plain, plain.removeprefix("…"), plain.removesuffix("…"), plain.removeprefix("…").removesuffix("…")}
    assert any(one in text for one in ways)
    assert "".join(piece for piece, _ in pieces(fragment)) == plain
    assert len(plain) <= size + 2


@given(
    st.lists(st.one_of(st.sampled_from(EVIL), st.text(max_size=20), st.just("quiet"), st.just(". "))).map("".join),
    st.one_of(st.sampled_from(EVIL), st.text(max_size=10), st.just("quiet")),
    st.integers(1, 5),
    st.integers(20, 60),
)
def test_a_fragment_is_a_piece_of_the_text_and_marks_are_its_only_markup(
    text: str, query: str, most: int, size: int
) -> None:
    terms = query_terms(query)
    found = marked(text, query, most, size)
    assert len(found) <= most
    assert bool(found) == any(token in terms for token in tokens(text))
    for fragment in found:
        check(text, fragment, size)
        assert "<mark>" in fragment
    for start in {0, len(text) // 2, len(text)}:
        check(text, opening(text, start, size, marks(text, terms)), size)


@pytest.mark.parametrize("text", EVIL)
def test_hostile_texts_are_shown_as_they_are(text: str) -> None:
    for query in ("quiet", "mark", text):
        for fragment in marked(text, query, 3, 10_000):
            assert "".join(piece for piece, _ in pieces(fragment)) == text.strip()
