"""Which words mean the same? A file of synonyms, read once, applied to queries alone.

Solr's format, a rule a line, # for comments:

    tv, television, telly      each of them also finds the others
    notebook => laptop         a query for a notebook looks for laptops instead

What a word stands for may be several words, any of which will do. A side that is looked for is one word: of
several words in a list of equals, those of two or more only stand for the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hybrid.analysis import runs
from hybrid.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Rule:
    """A word, what it stands for, and whether the word itself is looked for too."""

    word: str
    stands_for: tuple[str, ...]
    itself: bool


@dataclass(frozen=True, slots=True)
class Synonyms:
    """The rules of a file. digest: hex digits that change with the file."""

    rules: tuple[Rule, ...]
    digest: str


NONE = Synonyms((), "")


def read(path: Path | None) -> Synonyms:
    """The synonyms of a file, none where there is none. Raises SettingsError with the line that is wrong."""
    if path is None:
        return NONE
    try:
        content = path.read_bytes()
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"synonyms: {path} cannot be read: {error}. Correct the setting, or the file") from error
    rules = tuple(rule for number, line in enumerate(text.splitlines(), 1) for rule in _rules(line, f"{path}:{number}"))
    return Synonyms(rules, hashlib.blake2b(content, digest_size=8).hexdigest())


def _rules(line: str, where: str) -> Iterator[Rule]:
    rule = line.partition("#")[0].strip()
    if not rule:
        return
    left, arrow, right = rule.partition("=>")
    words = _listed(left, where)
    if arrow:
        others = _listed(right, where)
        for word in words:
            if _several(word):
                raise SettingsError(f"{where}: {word!r} is several words, and only one can be looked for. Remove it")
            yield Rule(word, tuple(others), itself=word in others)
        return
    if len(words) < 2:
        raise SettingsError(f"{where}: {rule!r} is one word alone. Write 'a, b' or 'a => b'")
    for word in words:
        if not _several(word):
            yield Rule(word, tuple(one for one in words if one != word), itself=True)


def _listed(text: str, where: str) -> list[str]:
    words = [one.strip() for one in text.split(",")]
    if "=>" in text or not all(words):
        raise SettingsError(f"{where}: {text.strip()!r} has an empty place. Write 'a, b, c' or 'a => b, c'")
    return list(dict.fromkeys(words))


def _several(text: str) -> bool:
    return sum(1 for _ in runs(text)) > 1
