"""The analysis by hand-worked tokens; that Elasticsearch gives the same ones is a contract test."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.analysis import MAX_TERMS, STOP_WORDS, elasticsearch_settings, prepare, query_terms, tokens, weighted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("the of and", []),
        ("?! … --", []),
        ("Running dogs run", ["run", "dog", "run"]),
        ("don't DON’T", ["don't", "don't"]),
        ("Jane's cats'", ["jane", "cat"]),
        ("textwrap.shorten", ["textwrap", "shorten"]),
        ("user_id key:value", ["user", "id", "key", "valu"]),
        ("3.5 1,000 1.2.3 v1.2", ["3.5", "1,000", "1.2.3", "v1.2"]),
        ("file1.txt 3.", ["file1", "txt", "3"]),
        ("NX-4410", ["nx", "4410"]),
        ("C++ C#", ["c", "c"]),
        ("added egging", ["add", "egg"]),
        ("international emergency", ["intern", "emerg"]),
        ("café cafe\u0301", ["café", "café"]),
        ("infor\u00admation", ["inform"]),
        ("İstanbul ΣΊΣΥΦΟΣ", ["istanbul", "σίσυφοσ"]),
    ],
)
def test_western_texts_become(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("한국어 검색", ["한국", "국어", "검색"]),
        ("한 국", ["한", "국"]),
        ("LG그램", ["lg", "그램"]),
        ("2024년에", ["2024", "년에"]),
        ("갤럭시S24는", ["갤럭", "럭시", "s24", "는"]),
        ("\u1112\u1161\u11ab\u1100\u1173\u11af", ["한글"]),
        ("日本語の検索", ["日本", "本語", "語の", "の検", "検索"]),
        ("ラーメン", ["ラー", "ーメ", "メン"]),
        ("ｶﾞｷ ＡＢＣ１", ["ガキ", "abc1"]),
        ("漢字kanji漢", ["漢字", "kanji", "漢"]),
        ("我爱。北京", ["我爱", "北京"]),
        ("ภาษาไทย", ["ภาษาไทย"]),
    ],
)
def test_texts_in_asian_scripts_become(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_emoji_are_words() -> None:
    assert tokens("🍕pizza👨‍👩‍👧 👍🏽🇰🇷🇺🇸") == ["🍕", "pizza", "👨‍👩‍👧", "👍🏽", "🇰🇷", "🇺🇸"]


def test_a_very_long_word_is_cut_in_pieces() -> None:
    assert [len(token) for token in tokens("7" * 600)] == [255, 255, 90]


def test_a_lone_surrogate_parts_words_and_does_no_harm() -> None:
    assert tokens("fox\ud800hen") == ["fox", "hen"]
    prepare("\udfff").encode()


@given(st.text())
def test_any_text_has_tokens_that_an_index_can_hold(text: str) -> None:
    for token in tokens(text):
        assert token
        assert not any(char.isspace() for char in token)
        assert token not in STOP_WORDS
        assert len(token.encode()) <= 4 * 255


@given(st.text())
def test_preparing_twice_changes_nothing_more(text: str) -> None:
    assert prepare(prepare(text)) == prepare(text)
    assert tokens(prepare(text)) == tokens(text)


def test_query_terms_are_counted_in_order() -> None:
    assert list(query_terms("plum pear the plums").items()) == [("plum", 2), ("pear", 1)]


def test_a_long_query_keeps_its_first_terms_and_their_later_counts() -> None:
    terms = query_terms(" ".join(f"w{number}" for number in range(MAX_TERMS + 500)) + " w0")
    assert len(terms) == MAX_TERMS
    assert terms["w0"] == 2
    assert f"w{MAX_TERMS}" not in terms


def test_a_boost_repeats_the_text_from_one_to_eight_times() -> None:
    source = {"a": "A", "b": "B", "c": "C", "d": "D", "number": 3, "none": None, "empty": ""}
    fields = [("b", 2.4), ("a", 1.0), ("c", 0.1), ("d", 1e9), ("number", 1), ("none", 1), ("empty", 1), ("absent", 1)]
    assert weighted(source, fields) == ["B", "B", "A", "C", *["D"] * 8]


def test_weighted_texts_are_prepared() -> None:
    assert weighted({"a": "e\u0301"}, [("a", 1.0)]) == ["é"]


def test_elasticsearch_gets_our_own_stop_words() -> None:
    assert elasticsearch_settings()["filter"]["hybrid_stop"]["stopwords"] == sorted(STOP_WORDS)


def test_threads_get_the_same_tokens() -> None:
    texts = [f"running dogs number {number} 한국어" for number in range(200)]
    expected = [tokens(text) for text in texts]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(tokens, texts * 5)) == expected * 5
