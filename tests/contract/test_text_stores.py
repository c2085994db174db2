"""What text stores promise: which words find which documents, in which order."""

from __future__ import annotations

import time

import pytest

from hybrid.model import Wrote
from hybrid.stores.base import TextStore
from tests.contract.records import WRITTEN, find_text, make_record, make_tombstone


def put(store: TextStore, **texts: str) -> None:
    assert store.write([make_record(name, text=text) for name, text in texts.items()]) == [WRITTEN] * len(texts)


def found(store: TextStore, text: str) -> set[str]:
    return set(find_text(store, text).ids)


@pytest.mark.parametrize("query", ["", " ", "the of and", "?!… --", "\0", "zebra"])
def test_a_query_without_words_that_match_finds_nothing(text_store: TextStore, query: str) -> None:
    put(text_store, a="the quick fox", b="of and")
    assert find_text(text_store, query).ids == ()


def test_a_query_on_an_empty_store_finds_nothing(text_store: TextStore) -> None:
    assert find_text(text_store, "fox").ids == ()


def test_a_store_of_empty_texts_finds_nothing(text_store: TextStore) -> None:
    put(text_store, a="", b="the")
    assert find_text(text_store, "fox").ids == ()


def test_any_word_of_the_query_is_enough_and_more_are_better(text_store: TextStore) -> None:
    put(text_store, one="red apple tree", two="green apple pie", none="blue berry jam")
    assert find_text(text_store, "green apple").ids == ("two", "one")


def test_a_match_in_the_title_is_worth_more(text_store: TextStore) -> None:
    text_store.write(
        [
            make_record("body", title="laptop stand", text="quiet keyboard"),
            make_record("title", title="quiet keyboard", text="laptop stand"),
        ]
    )
    assert find_text(text_store, "quiet").ids == ("title", "body")
    assert find_text(text_store, "stand").ids == ("body", "title")


def test_rare_words_and_short_texts_are_worth_more(text_store: TextStore) -> None:
    put(text_store, a="apple pear", b="apple plum", c="apple pear fig nut oat rye", d="apple")
    assert find_text(text_store, "pear").ids == ("a", "c")
    assert find_text(text_store, "plum apple").ids[0] == "b"


def test_scores_are_positive_even_for_a_word_that_all_documents_have(text_store: TextStore) -> None:
    put(text_store, a="apple", b="apple")
    result = find_text(text_store, "apple")
    assert result.ids == ("a", "b")
    assert all(score > 0 for score in result.scores)


def test_a_word_said_twice_in_the_query_counts_more(text_store: TextStore) -> None:
    put(text_store, a="pear", b="plum")
    assert find_text(text_store, "pear plum plum").ids == ("b", "a")
    assert find_text(text_store, "plum pear pear").ids == ("a", "b")


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("he runs daily", "running"),
        ("The CHAIRS", "chair"),
        ("don’t", "DON'T"),
        ("textwrap.shorten()", "shorten"),
        ("user_id", "id"),
        ("version 3.5", "3.5"),
        ("NX-4410", "nx 4410"),
        ("ＡＢＣ", "abc"),
        ("cafe\u0301", "café"),
        ("infor\u00admation", "information"),
        ("한국어 검색엔진은 빠르다", "검색"),
        ("LG그램 노트북", "그램"),
        ("LG그램 노트북", "lg"),
        ("2024년에 나온", "2024"),
        ("日本語の検索", "検索"),
        ("我爱北京天安门", "北京"),
        ("ピザ 🍕", "🍕"),
        ("한글", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
        ("a\0b fox", "fox"),
    ],
)
def test_a_document_is_found_by(text_store: TextStore, text: str, query: str) -> None:
    put(text_store, a=text, b="something else")
    assert found(text_store, query) == {"a"}


@pytest.mark.parametrize(
    ("text", "query"), [("version 3.5", "3"), ("한국어 검색", "국검"), ("한국어 검색", "어검"), ("category", "cat")]
)
def test_a_document_is_not_found_by(text_store: TextStore, text: str, query: str) -> None:
    put(text_store, a=text)
    assert found(text_store, query) == set()


@pytest.mark.parametrize("query", ['"', "(", "a AND", "title:fox", "fox*", "/fox/", "fox~2 +fox -fox", "fox^9", "{}[]"])
def test_signs_of_query_languages_mean_nothing(text_store: TextStore, query: str) -> None:
    put(text_store, a="a quick fox", b="hen")
    assert found(text_store, query) == ({"a"} if "fox" in query else set())


def test_fields_that_are_not_text_are_not_searched(text_store: TextStore) -> None:
    text_store.write([make_record("a", brand="acer", note="hidden")])
    assert found(text_store, "acer hidden") == set()


def test_an_updated_document_is_found_by_its_new_words_only(text_store: TextStore) -> None:
    text_store.write([make_record("a", 1, title="old")])
    text_store.write([make_record("a", 2, title="new")])
    assert found(text_store, "old") == set()
    assert find_text(text_store, "new").versions == (2,)


def test_a_tombstone_is_found_by_nothing(text_store: TextStore) -> None:
    text_store.write([make_record("a", 1, title="fox")])
    text_store.write([make_tombstone("a", 2)])
    assert find_text(text_store, "fox").ids == ()


def test_a_query_of_ten_thousand_words_is_answered(text_store: TextStore) -> None:
    put(text_store, a="word5 apple", b="pear")
    query = " ".join(f"word{number}" for number in range(10_000))
    started = time.monotonic()
    assert found(text_store, query) == {"a"}
    assert time.monotonic() - started < 5


def test_a_word_of_a_hundred_thousand_letters_does_no_harm(text_store: TextStore) -> None:
    put(text_store, a="x" * 100_000 + " fox", b="hen")
    assert found(text_store, "fox") == {"a"}
    assert found(text_store, "x" * 100_000) == {"a"}


def test_text_rankings_name_no_passages(text_store: TextStore) -> None:
    put(text_store, a="fox")
    assert find_text(text_store, "fox").passages == ()


def test_the_text_store_does_not_judge_vectors(text_store: TextStore) -> None:
    outcome = text_store.write([make_record("a", vectors=[(0, 0, 0)], text="fox")])[0].outcome
    assert outcome is Wrote.WRITTEN
    assert found(text_store, "fox") == {"a"}
