"""How is text taken apart into tokens? The one analysis of all text stores.

Words are cut as Unicode's UAX #29 and Elasticsearch's `standard` tokenizer cut them, folded to lower
case and half width, cleared of English stop words and stemmed (Snowball English, "porter2"). Chinese,
Japanese and Korean runs become bigrams, so that they are found without a dictionary.

On top of that, in both: names such as `textwrap.shorten`, `user_id` and `key:value` are several words,
`3.5` and `1,000` are one, and Korean is cut from the Latin letters and digits it is written against
(`LG그램`, `2024년에`).

`tokens` makes the tokens here, `elasticsearch_settings` has Elasticsearch make the same ones; a contract
test compares them on the real server.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from urllib.parse import quote

from py_rust_stemmers import SnowballStemmer

from hybrid import languages
from hybrid.languages import ENGLISH, KEYWORD, LANGUAGES
from hybrid.model import Json

ANALYZER = "hybrid"
"""The analyzer's name in Elasticsearch."""

STOP_WORDS = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they "
    "this to was will with".split()
)
"""Lucene's English stop words."""

LONGEST = 255
"""Characters of the longest token; a longer one is cut into pieces of this length."""

MAX_TERMS = 1024
"""Different tokens of a query that are searched for; further ones are left out."""

_APOSTROPHES = "'‘’"
_BETWEEN_DIGITS = ".,;․﹒﹐﹔⁄"
_BETWEEN_LETTERS = ".:·․‧﹒﹕"
_JOINERS = "_\u202f‿⁀⁔︳︴﹍﹎﹏"
_SOFT_HYPHEN = "\u00ad"
_ODD_WIDTH = re.compile("[！-～･-ﾟ]+")


def prepare(text: str) -> str:
    """The text as it is analysed: composed (NFC), of normal width, without soft hyphens and lone surrogates.

    What is given to Elasticsearch goes through this first, at write and at query; `tokens` does it itself.
    """
    if text.isascii():
        return text
    valid = text.replace(_SOFT_HYPHEN, "").encode("utf-8", "replace").decode()
    narrow = _ODD_WIDTH.sub(lambda found: unicodedata.normalize("NFKC", found[0]), valid)
    return unicodedata.normalize("NFC", narrow)


def tokens(text: str, analyzer: str = ENGLISH) -> list[str]:
    """The tokens of the text, in order, with repetitions; empty for one of stop words and signs only."""
    return [token for token in slots(text, analyzer) if token]


def query_terms(text: str, analyzer: str = ENGLISH) -> dict[str, int]:
    """The tokens of a query and how often each comes; of a very long one the first `MAX_TERMS` different tokens.

    The bound keeps a query below Lucene's limit of clauses (`indices.query.bool.max_clause_count`).
    """
    counts: dict[str, int] = {}
    for token in tokens(text, analyzer):
        if token in counts or len(counts) < MAX_TERMS:
            counts[token] = counts.get(token, 0) + 1
    return counts


def weighted(source: Mapping[str, Json], fields: Sequence[tuple[str, float]]) -> list[str]:
    """The texts a document is found by: each field's, prepared, repeated as its boost says (rounded, 1 to 8).

    All of them are indexed as one field: on judged collections that ranked better than a sum or a maximum over
    a field each, whose short titles let BM25's length and rarity run wild.
    """
    texts = ((source.get(name), min(max(round(boost), 1), 8)) for name, boost in fields)
    return [prepare(text) for text, times in texts if isinstance(text, str) and text for _ in range(times)]


def elasticsearch_settings() -> dict[str, Json]:
    """The `analysis` part of an Elasticsearch index's settings, with the analyzer `ANALYZER`.

    It gives the same tokens as `tokens` for a text that went through `prepare`.
    """
    joiners = f"[{_JOINERS}]|(?<=[\\p{{L}}\\p{{M}}\\p{{Nl}}])[{_BETWEEN_LETTERS}](?=[\\p{{L}}\\p{{Nl}}])"
    hangul, other = "\\p{IsHangul}", "[\\p{L}\\p{Nl}\\p{Nd}&&[^\\p{IsHangul}\\p{IsHan}\\p{IsHiragana}\\p{IsKatakana}]]"
    borders = f"(?<={hangul})'?(?={other})|(?<={other})'?(?={hangul})|(?<={hangul})'(?={hangul})"
    return {
        "char_filter": {
            "hybrid_apostrophes": {"type": "mapping", "mappings": [f"{one}=>'" for one in _APOSTROPHES[1:]]},
            "hybrid_joiners": {"type": "pattern_replace", "pattern": joiners, "replacement": " "},
            "hybrid_hangul": {"type": "pattern_replace", "pattern": borders, "replacement": " "},
        },
        "filter": {
            "hybrid_stop": {"type": "stop", "stopwords": sorted(STOP_WORDS)},
            "hybrid_stem": {"type": "snowball", "language": "English"},
        },
        "analyzer": {
            ANALYZER: {
                "type": "custom",
                "char_filter": ["hybrid_apostrophes", "hybrid_joiners", "hybrid_hangul"],
                "tokenizer": "standard",
                "filter": ["lowercase", "cjk_bigram", "hybrid_stop", "hybrid_stem"],
            }
        },
    }


class _Kinds(dict[int, str]):
    """The kind of each code point, one letter, worked out when it is first met.

    a letter, 9 digit, h Hangul, k Katakana, c Han, r Hiragana, t a script without spaces (Thai, Lao, Khmer,
    Burmese), m mark that belongs to the character before it, e emoji, s skin tone, g half a flag, ' and .
    the signs inside words and numbers, and a space for all that parts tokens.
    """

    def __missing__(self, code: int) -> str:
        kind = self[code] = _kind(chr(code))
        return kind


_SCRIPTS = (
    (re.compile("CJK (UNIFIED|COMPATIBILITY|RADICAL)|KANGXI RADICAL|IDEOGRAPHIC NUMBER|HANGZHOU"), "c"),
    (re.compile("(HALFWIDTH )?HANGUL"), "h"),
    (re.compile("HIRAGANA"), "r"),
    (re.compile("KATAKANA"), "k"),
    (re.compile("THAI|LAO|KHMER|MYANMAR|TAI|NEW TAI"), "t"),
)
_PICTOGRAPHS = re.compile(
    "[©®‼⁉™ℹ↔-↙↩↪⌚⌛⌨⎈⏏⏩-⏳⏸-⏺Ⓜ▪▫▶◀◻-◾☀-★☇-☒☔-⚅⚐-✅✈-✒✔✖✝✡✨✳✴❄❇❌❎❓-❕❗❣-❧➕-➗➡➰➿⤴⤵⬅-⬇⬛⬜⭐⭕〰〽㊗㊙"
    "\U0001f000-\U0001f0ff\U0001f10d-\U0001f10f\U0001f12f\U0001f16c-\U0001f171\U0001f17e\U0001f17f\U0001f18e"
    "\U0001f191-\U0001f19a\U0001f201\U0001f202\U0001f21a\U0001f22f\U0001f232-\U0001f23a\U0001f249-\U0001f3fa"
    "\U0001f400-\U0001f53d\U0001f546-\U0001f64f\U0001f680-\U0001f6ff\U0001f7d5-\U0001f7ff\U0001f90c-\U0001f93a"
    "\U0001f93c-\U0001f945\U0001f947-\U0001faff]"
)
_SIGNS = (
    (re.compile(f"[{_APOSTROPHES}]"), "'"),
    (re.compile(f"[{_BETWEEN_DIGITS}]"), "."),
    (re.compile("\u200d"), "z"),
    (re.compile("[\u200b〆\u3037]"), " "),
    (re.compile("々|[Ⓐ-ⓩ]"), "a"),
    (re.compile("[🏻-🏿]"), "s"),
    (re.compile("[🇦-🇿]"), "g"),
    (_PICTOGRAPHS, "e"),
)


def _kind(char: str) -> str:
    """The kind of a character; the names stand for the Unicode scripts, which Python does not know."""
    for sign, kind in _SIGNS:
        if sign.match(char):
            return kind
    category = unicodedata.category(char)
    if category == "Nd":
        return "9"
    if category[0] in "LM" or category in ("Nl", "So"):
        for script, kind in _SCRIPTS:
            if script.match(unicodedata.name(char, "")):
                return "m" if category[0] == "M" and kind != "t" else kind
    if category[0] == "M" or category == "Cf":
        return "m"
    return "a" if category[0] == "L" or category == "Nl" else " "


_KINDS = _Kinds()
_PLAIN = str.maketrans(dict.fromkeys(_APOSTROPHES, "'"))
_MARKS = "[mz]*"
_RUN = re.compile(
    f"(?P<word>(?:a{_MARKS}(?:'{_MARKS}(?=a))?|9{_MARKS}(?:[.']{_MARKS}(?=9))?)+)"
    f"|(?P<cjk>(?:[hkcr]{_MARKS})+)"
    "|(?P<whole>(?:t[mz]*)+|gg|e[smz]*(?:(?<=z)e[smz]*)*|s)"
)
_STEMMER = SnowballStemmer("english")
_STEMMERS = {language: SnowballStemmer(language) for language in LANGUAGES if language != ENGLISH}
_STOPPED = {language: frozenset(listed.split()) for language, listed in languages.STOP_WORDS.items()}
_UNDOUBLED = re.compile("([aeo](?:bb|dd|ff|gg|mm|nn|pp|rr|tt))(?:ed|ing)(?:ly)?(?:'s?)?")


def runs(text: str) -> Iterator[re.Match[str]]:
    """Where the words of a prepared text stand, stop words too; a run of CJK is one, its `lastgroup` "cjk"."""
    return _RUN.finditer(text.translate(_KINDS))


def placed(text: str, analyzer: str = ENGLISH) -> Iterator[tuple[int, int, str]]:
    """The tokens of a prepared text, in order, each with its start and end there; neighbouring bigrams overlap."""
    return (one for one in _slots(text, analyzer) if one[2])


def slots(text: str, analyzer: str = ENGLISH) -> list[str]:
    """The tokens of the text in their places: "" stands where a stop word does. What phrases are made of.

    All analyzers but `keyword` find the same places.
    """
    return [token for _, _, token in _slots(prepare(text), analyzer)]


def in_places(
    source: Mapping[str, Json], fields: Sequence[tuple[str, float]], by: Mapping[str, str]
) -> list[list[str]]:
    """The tokens, in their places, of the texts that a document is found by, as `weighted` repeats them.

    by: the analyzer of each field.
    """
    found: list[list[str]] = []
    for name, boost in fields:
        texts = weighted(source, [(name, boost)])
        found += [slots(texts[0], by[name])] * len(texts) if texts else []
    return found


def as_keyword(text: str) -> str:
    """The token of a whole text; none of words begins so, and it has no white space."""
    return "=" + quote(text, safe="")


def _slots(text: str, analyzer: str) -> Iterator[tuple[int, int, str]]:
    if analyzer == KEYWORD:
        yield 0, len(text), as_keyword(text)
        return
    for run in runs(text):
        start, end = run.span()
        if run.lastgroup == "cjk":
            for at, token in enumerate(_bigrams(folded(text[start:end])), start):
                yield at, at + len(token), token
            continue
        for at in range(start, end, LONGEST):
            yield at, min(at + LONGEST, end), _term(text[at : min(at + LONGEST, end)], analyzer)


def _bigrams(run: str) -> Iterator[str]:
    return (first + second for first, second in pairwise(run)) if len(run) > 1 else iter(run)


def folded(raw: str) -> str:
    """Lower case, code point by code point as Lucene does it, and plain apostrophes."""
    if raw.isascii():
        return raw.lower()
    return "".join(char.lower()[0] for char in raw.translate(_PLAIN))


@lru_cache(maxsize=200_000)
def _term(raw: str, analyzer: str) -> str:
    """The token of one word; empty for a stop word."""
    word = folded(raw)
    if analyzer != ENGLISH:
        return _elsewhere(word, analyzer)
    if word in STOP_WORDS:
        return ""
    # Lucene keeps the double letter of "add", "ebb", "egg", which is newer than this stemmer.
    short = _UNDOUBLED.fullmatch(word)
    return short[1] if short else str(_STEMMER.stem_word(word))


def _elsewhere(word: str, analyzer: str) -> str:
    if word in _STOPPED.get(analyzer, ()):
        return ""
    stemmer = _STEMMERS.get(analyzer)
    return str(stemmer.stem_word(word)) if stemmer else word
