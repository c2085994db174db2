"""Which queries a model cannot read."""

from __future__ import annotations

import pytest

from hybrid.scripts import unsupported

ENGLISH, KOREAN = frozenset({"en"}), frozenset({"ko", "en"})


@pytest.mark.parametrize(
    "text",
    [
        "조용한 노트북",
        "LG그램 노트북 추천",
        "노트북",
        "静かなノートパソコン",
        "тихий ноутбук",
        "محمول هادئ",
        "모니터 27 4K",
        "한a",
    ],
)
def test_a_query_mostly_in_another_script_is_not_for_an_english_model(text: str) -> None:
    assert unsupported(text, ENGLISH)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quiet laptop",
        "café naïve",
        "12 345",
        "🎧🎧",
        "…—",
        "laptop by 삼성",
        "ｆｕｌｌ　ｗｉｄｔｈ",
        "e\u0301",
        "μm sensor",
    ],
)
def test_a_query_mostly_in_latin_or_without_letters_is(text: str) -> None:
    assert not unsupported(text, ENGLISH)


def test_a_model_that_knows_the_language_can_read_it() -> None:
    assert not unsupported("조용한 노트북", KOREAN)
    assert not unsupported("노트북 筆記本", KOREAN)
    assert unsupported("тихий ноутбук", KOREAN)
    assert not unsupported("静かなノートパソコン", frozenset({"ja"}))


@pytest.mark.parametrize(
    ("text", "language"),
    [("LG gram 노트북", "ko"), ("iPhone 手机壳", "zh"), ("café laptop", "ru"), ("Beograd č", "sr")],
)
def test_latin_letters_are_foreign_to_no_model(text: str, language: str) -> None:
    assert not unsupported(text, frozenset({language}))


def test_nothing_is_said_of_a_model_whose_languages_are_not_known() -> None:
    assert not unsupported("조용한 노트북", frozenset())
