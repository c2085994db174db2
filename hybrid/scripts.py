"""Can a model read a query? By the scripts of its letters, and those that the model's languages are written in."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

_SCRIPTS = {
    "ko": "HANGUL CJK",
    "zh": "CJK BOPOMOFO",
    "ja": "CJK HIRAGANA KATAKANA KATAKANA-HIRAGANA",
    **dict.fromkeys("ru uk bg sr mk be kk ky mn tg".split(), "CYRILLIC"),
    "el": "GREEK",
    **dict.fromkeys("ar fa ur ps".split(), "ARABIC"),
    **dict.fromkeys("he yi".split(), "HEBREW"),
    "th": "THAI",
    **dict.fromkeys("hi mr ne sa".split(), "DEVANAGARI"),
    "bn": "BENGALI",
    "ta": "TAMIL",
    "te": "TELUGU",
    "ka": "GEORGIAN",
    "hy": "ARMENIAN",
    "am": "ETHIOPIC",
    "my": "MYANMAR",
    "km": "KHMER",
    "lo": "LAO",
}
"""Scripts by language, as Unicode's names of letters begin; one that is not named is written in Latin."""

_EVERYWHERE = "LATIN"
"""Brands, units and abbreviations stand in this script in texts of every language, and so in what models learn from."""


def unsupported(text: str, languages: frozenset[str]) -> bool:
    """Whether a model that knows these languages (ISO 639-1) cannot read the text: the half of its letters or more
    are of scripts that none of them is written in. False where the languages are not known, or there are no letters.

    Latin letters are never foreign. Half, so that a foreign word in an English query does not make the rest
    unreadable, and a brand in a Korean one does not make it English.
    """
    if not languages or text.isascii():
        return False
    known = {script for one in languages for script in _SCRIPTS.get(one, "").split()} | {_EVERYWHERE}
    scripts = Counter(_script(char) for char in text if char.isalpha())
    foreign = sum(count for script, count in scripts.items() if script not in known)
    return foreign > 0 and 2 * foreign >= scripts.total()


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    """The script of a letter: the first word of its name, full and half width left out."""
    name = unicodedata.name(char, "").removeprefix("FULLWIDTH ").removeprefix("HALFWIDTH ")
    return name.partition(" ")[0]
