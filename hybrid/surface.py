"""What of a text do people see? Its words as they are written, and where in it the tokens of the analysis stand."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from hybrid.analysis import STOP_WORDS, folded, placed, prepare, runs
from hybrid.languages import ENGLISH
from hybrid.model import Json, Span

LONGEST_WORD = 40
"""Characters of the longest word that is suggested: longer ones are keys and checksums."""

_REMEMBERED = 100
"""Characters of the longest piece between white space whose words are remembered."""

_JOINING = re.compile("[\u00ad\u1160-\u11ff\uff9e\uff9f]")
"""What, besides marks, may become one with the character before it, or vanish."""


def words(text: str) -> set[str]:
    """The words of a text as they are written, in lower case; without stop words and longer ones."""
    found: set[str] = set()
    for piece in set(text.split()):  # no word has white space in it, and most pieces come again and again
        found |= _remembered(piece) if len(piece) <= _REMEMBERED else _words(piece)
    return found


def _words(piece: str) -> frozenset[str]:
    prepared = prepare(piece)
    found = (folded(prepared[slice(*run.span())]) for run in runs(prepared))
    return frozenset(word for word in found if len(word) <= LONGEST_WORD) - STOP_WORDS


_remembered = lru_cache(maxsize=100_000)(_words)


def document_words(source: Mapping[str, Json], fields: Sequence[tuple[str, float]]) -> list[str]:
    """The words of a document's searched fields, sorted. fields: names and boosts, as `Schema.searched`."""
    texts = (source.get(name) for name, _ in fields)
    return sorted(words("\n".join(text for text in texts if isinstance(text, str))))


def typed(text: str) -> list[tuple[Span, str]]:
    """The words of what somebody types, stop words too, each in lower case and with its place in the text."""
    prepared, places = _aligned(text)
    return [(_within(places, *run.span()), folded(prepared[slice(*run.span())])) for run in runs(prepared)]


def spans(text: str, analyzer: str = ENGLISH) -> Iterator[tuple[Span, str]]:
    """The tokens of a text, in order, each with its place in the text as it is given."""
    prepared, places = _aligned(text)
    for start, end, token in placed(prepared, analyzer):
        yield _within(places, start, end), token


def _within(places: Sequence[Span] | None, start: int, end: int) -> Span:
    return (start, end) if places is None else (places[start][0], places[end - 1][1])


def _aligned(text: str) -> tuple[str, list[Span] | None]:
    """The prepared text, and of each of its characters the place in the text; None: the same."""
    prepared = prepare(text)
    if prepared == text:
        return text, None
    parts = [(span, prepare(text[slice(*span)])) for span in _clusters(text)]
    return "".join(part for _, part in parts), [span for span, part in parts for _ in part]


def _clusters(text: str) -> Iterator[Span]:
    """The parts of a text that can be prepared each by itself: a character with what may become one with it."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not _joins(text[at]):
            yield start, at
            start = at


@lru_cache(maxsize=10_000)
def _joins(char: str) -> bool:
    return unicodedata.category(char)[0] == "M" or _JOINING.match(char) is not None


def distance(one: str, other: str, most: int) -> int:
    """The edits that make one word of the other, `most` + 1 where they are more.

    An edit inserts, deletes or replaces a character, or swaps two neighbours, of which none is edited again (optimal
    string alignment, https://en.wikipedia.org/wiki/Damerau–Levenshtein_distance).
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and (a, one[i - 2]) == (other[j - 2], b):
                best = min(best, older[j - 2] + 1)
            row.append(best)
        if min(row) > most and min(before) > most:
            return most + 1
    return min(row[-1], most + 1)
