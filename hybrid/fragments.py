"""Which pieces of a text show best why it was found? Whole sentences where they fit, with marks, as HTML.

`<mark>` is the only markup there is; all else is escaped. Without marks and escapes, and without the ellipsis that says
that there is more, a fragment is a piece of the text, character by character.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from html import escape, unescape

from hybrid.embedding.passages import sentences
from hybrid.languages import ENGLISH
from hybrid.model import Span
from hybrid.surface import spans

MOST_CHARACTERS = 100_000
"""Characters of a field that are looked at; what stands behind them is never marked."""

_OPEN, _CLOSE, _MORE = "<mark>", "</mark>", "…"


@dataclass(frozen=True, slots=True)
class Mark:
    """A part of a text that is marked, and what for: words of one term count once."""

    start: int
    end: int
    term: str = ""


def marks(text: str, terms: Collection[str], analyzer: str = ENGLISH) -> list[Mark]:
    """Where the words of a text stand whose token, by an analyzer, is one of the terms."""
    return [Mark(*span, term) for span, term in spans(text[:MOST_CHARACTERS], analyzer) if term in terms]


def best(text: str, found: Sequence[Mark], most: int, size: int) -> list[str]:
    """The fragments with most different terms, then most marks, the first of equal ones; as they stand in the text.

    found: in order of their starts. most: fragments. size: characters of one, marks and ellipsis not counted. Empty
    where nothing is marked.
    """
    scored = [(_worth(found, window), window) for window in _windows(text, found, size)]
    scored.sort(key=lambda pair: (pair[0], -pair[1][0]), reverse=True)
    chosen: list[Span] = []
    for _, (start, end) in scored:
        if len(chosen) < most and all(end <= other[0] or start >= other[1] for other in chosen):
            chosen.append((start, end))
    return [_fragment(text, window, found) for window in sorted(chosen)]


def opening(text: str, start: int, size: int, found: Sequence[Mark] = ()) -> str:
    """The one fragment that begins with the first sentence from `start` on."""
    units = [(start + a, start + b) for a, b in _units(text[start : start + 2 * size], (), size)]
    return _fragment(text, _grown(units, 0, size), found) if units else ""


def pieces(fragment: str) -> list[tuple[str, bool]]:
    """A fragment taken apart into plain text, and whether it is marked: for what shows no HTML."""
    found: list[tuple[str, bool]] = []
    for number, part in enumerate(fragment.split(_OPEN)):
        inside, _, after = part.partition(_CLOSE) if number else ("", "", part)
        found += [(unescape(inside), True), (unescape(after), False)]
    return [(text, marked) for text, marked in found if text]


def _windows(text: str, found: Sequence[Mark], size: int) -> Iterator[Span]:
    """Each piece of the text that begins with a sentence that has a mark, and goes on as long as there is room."""
    bare = text.strip()
    if len(bare) <= size:
        start = text.index(bare)
        yield from [(start, start + len(bare))] if found else []
        return
    units = list(_units(text[:MOST_CHARACTERS], found, size))
    for number, unit in enumerate(units):
        if _inside(found, unit):
            yield _grown(units, number, size)


def _grown(units: Sequence[Span], first: int, size: int) -> Span:
    start, end = units[first]
    for _, further in units[first + 1 :]:
        if further - start > size:
            break
        end = further
    return start, end


def _units(text: str, found: Sequence[Mark], size: int) -> Iterator[Span]:
    """The sentences of the text; those that are too long cut between words, or, without words, before a mark."""
    for start, end in sentences(text):
        at = start
        while end - at > size:
            cut = _cut(text, at, size, found)
            yield at, cut
            at = cut + (len(text[cut:end]) - len(text[cut:end].lstrip()))
        if at < end:
            yield at, end


def _cut(text: str, start: int, size: int, found: Sequence[Mark]) -> int:
    """Where a unit that begins at `start` ends, not after `size` characters and not within a mark."""
    space = max(text.rfind(char, start + 1, start + size + 1) for char in " \t\u3000")
    if space > start:
        return start + len(text[start:space].rstrip())
    split = next((one for one in _inside(found, (start, start + size)) if one.end > start + size), None)
    return split.start if split and split.start > start else start + size


def _inside(found: Sequence[Mark], window: Span) -> Sequence[Mark]:
    """The marks that begin within a window."""
    low, high = (bisect_left(found, at, key=lambda one: one.start) for at in window)
    return found[low:high]


def _worth(found: Sequence[Mark], window: Span) -> tuple[int, int]:
    inside = _inside(found, window)
    return len({one.term for one in inside}), len(inside)


def _fragment(text: str, window: Span, found: Sequence[Mark]) -> str:
    """The window as HTML, with marks that touch joined, and an ellipsis wherever the text goes on."""
    start, end = window
    parts, at = [_MORE if text[:start].strip() else ""], start
    for low, high in _joined(_inside(found, window), end):
        parts += [escape(text[at:low]), _OPEN, escape(text[low:high]), _CLOSE]
        at = high
    return "".join([*parts, escape(text[at:end]), _MORE if text[end:].strip() else ""])


def _joined(found: Sequence[Mark], most: int) -> list[Span]:
    joined: list[Span] = []
    for one in found:
        start, end = one.start, min(one.end, most)
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
