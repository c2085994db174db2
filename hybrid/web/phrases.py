"""What is one thing that a page says, in each language? A row of a table: the languages stand beside each other.

A language joins with one more field here, which every row then has to give.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrase:
    """English, Korean, and the English of one alone. {…} stands for what is put in; {count} chooses between the two."""

    en: str
    ko: str
    one: str = ""

    def said(self, lang: str, count: object = None) -> str:
        """The phrase in a language, of so many."""
        text: str = getattr(self, lang)
        return self.one if self.one and lang == "en" and count == 1 else text


def same(korean: Mapping[str, str], prefix: str) -> dict[str, Phrase]:
    """Phrases, by prefix and key, whose English is the key itself, with spaces."""
    return {prefix + key: Phrase(key.replace("_", " "), text) for key, text in korean.items()}
