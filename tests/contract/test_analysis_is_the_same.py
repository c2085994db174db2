"""The analysis here and the one Elasticsearch makes of `elasticsearch_settings` give the same tokens."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from elasticsearch import Elasticsearch
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.analysis import ANALYZER, elasticsearch_settings, prepare, slots

pytestmark = pytest.mark.servers

Analyse = Callable[[str], list[str]]
"""What gives the tokens in their places, "" where there is none."""


def up_to_the_last(places: list[str]) -> list[str]:
    """The places up to the last token: Elasticsearch does not tell of stop words behind it."""
    return places[: max((at for at, token in enumerate(places, 1) if token), default=0)]


TEXTS = [
    "The quick running dogs don't stop; the cats' toys and Jane's",
    "rock'n'roll John’s ‘quoted’ 'x' 1'000 1’000",
    "NX-4410 C++ C# v1.2 file1.txt 3.5kg 1,000.25 1.2.3 192.168.0.1 10:30 1;2 a;b 50% $9.99",
    "textwrap.shorten user_id __init__.py key:value U.S.A. e.g. a.b.c ..a. 1.a a.1 Ⅱ.Ⅲ",
    "http://example.com/a_b?x=1&y=2#z joe.doe@example.co.kr",
    "added adding egged ebbing international emergency biologists evenings generously",
    "LG그램 2024년에 갤럭시S24 삼성전자의 노트북을 가나'다 가.나 a'가 챗美 가１２ １２가 ａ가",
    "한국어 검색 엔진은 한 국 ㅋㅋㅋ \u1112\u1161\u11ab\u1100\u1173\u11af",
    "日本語の検索エンジン 人々 〆切 ラーメン らーめん ｶﾞｷﾞ ﾗｰﾒﾝ ＡＢＣ１２３ 漢字kanji漢字 123漢字1.5",
    "我爱北京天安门。中，国",
    "☕ 🍕pizza👨‍👩‍👧 👍🏽 🇰🇷🇺🇸 1️⃣ ❤️ ™®© ↔",
    "naïve café cafe\u0301 Ünïcödé straße İstanbul ΣΊΣΥΦΟΣ ǅ ﬁn",
    "ภาษาไทย ພາສາລາວ မြန်မာ ខ្មែរ हिन्दी भाषा العربية שלום Привет",
    "a\0b infor\u00admation zero\u200bwidth \ufeffbom nb\u00a0sp line\u2028sep tab\tnew\nline",
    "Ⅱ한 한Ⅱ가 ⅡⅢ",
    "①② x² ½ m² Ⅷ Ⓐ ﷺ",
    "x" * 600 + " " + "가" * 300 + " " + "9" * 256,
    "the of and",
    "",
    "''' '' ... ___ :::",
]

WORDS = ["the", "running", "don't", "3.5", "1,000", "C++", "그램", "한국어", "日本", "カナ", "ｶﾞ", "🍕", "étude", "Ⅱ"]
SIGNS = [" ", "", ".", "'", "’", "_", "-", ":", ",", "/", "\n", "\u00a0", "\u00ad", "·"]
MIXTURE = st.lists(st.sampled_from(WORDS + SIGNS) | st.text("aZ9é한日カ .'_", max_size=3), max_size=20).map("".join)


@pytest.fixture(scope="module")
def elasticsearch_tokens(elasticsearch_url: str) -> Iterator[Analyse]:
    name = f"analysis-{uuid.uuid4().hex}"
    with Elasticsearch(elasticsearch_url) as client:
        client.indices.create(index=name, settings={"analysis": elasticsearch_settings(), "number_of_replicas": 0})

        def analyse(text: str) -> list[str]:
            answer = client.indices.analyze(index=name, analyzer=ANALYZER, text=prepare(text))
            places: list[str] = []
            for found in answer["tokens"]:
                places += [""] * (found["position"] - len(places))
                places.append(found["token"])
            return places

        yield analyse
        client.indices.delete(index=name)


@pytest.mark.parametrize("text", TEXTS)
def test_written_texts_have_the_same_tokens(elasticsearch_tokens: Analyse, text: str) -> None:
    assert up_to_the_last(slots(text)) == elasticsearch_tokens(text)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=MIXTURE)
def test_mixed_texts_have_the_same_tokens(elasticsearch_tokens: Analyse, text: str) -> None:
    assert up_to_the_last(slots(text)) == elasticsearch_tokens(text)
