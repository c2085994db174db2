"""Where is a long text cut so that each part fits the model's window? At sentences, with an overlap."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from hybrid.model import Span

Count = Callable[[Sequence[str]], list[int]]
"""The number of tokens of each text, special tokens included."""

# To the end of a line, or to `.!?…` and closing marks before white space, or to a CJK full stop.
_SENTENCE = re.compile(r"""\S.*?(?:[.!?…]["')\]”’»]*(?=\s)|[。！？][」』”’）]*|$)""", re.MULTILINE)
_WORD = re.compile(r"\S+")

_SPARE = 4
"""More special tokens than any known model adds to a text."""

_SLICES = 8
"""A word that is longer than the window is cut into parts of about window / 8, so that they can overlap."""


def split(text: str, max_tokens: int, count: Count, overlap: float = 0.15) -> tuple[Span, ...]:
    """The passages of `text`: spans in characters, in order, at least one; a blank text has the one span (0, 0).

    Together they hold every character that is not white space, and none starts or ends with white space. A text that
    fits the window is one passage. Otherwise passages are whole sentences or lines, and a passage repeats the last
    ones of the passage before, up to `overlap` of the window (0 to 1). A sentence longer than the window is cut
    between words, and a word longer than the window between characters.
    max_tokens: the model's window, special tokens included. The size of a passage is the sum of its parts' tokens,
    which is its own number of tokens wherever the tokenizer splits at white space.
    """
    bare = text.strip()
    if not bare:
        return ((0, 0),)
    start = text.index(bare)
    whole = (start, start + len(bare))
    # A token of an ASCII text has at least one character. Not so elsewhere: a Hangul syllable can be three tokens.
    if bare.isascii() and len(bare) + _SPARE <= max_tokens:
        return (whole,)
    pieces, sizes, room = _pieces(text, max_tokens, count)
    if sum(sizes) <= room:
        return (whole,)
    return tuple(_pack(pieces, sizes, room, overlap * room))


def _pieces(text: str, max_tokens: int, count: Count) -> tuple[list[Span], list[int], int]:
    """Sentences, cut further where one does not fit; the tokens of each; and the tokens there is room for."""
    pieces = list(sentences(text))
    special, *counts = count(["", *(text[start:end] for start, end in pieces)])
    room = max(1, max_tokens - special)
    tokens = {piece: number - special for piece, number in zip(pieces, counts, strict=True)}
    for cut in (_words, _slices, *[_halves] * len(text).bit_length()):
        finer = {
            piece: list(cut(text, piece, tokens[piece] / room))
            for piece in pieces
            if tokens[piece] > room and piece[1] - piece[0] > 1
        }
        if not finer:
            break
        fresh = list(chain.from_iterable(finer.values()))
        counts = count([text[start:end] for start, end in fresh])
        tokens |= {piece: number - special for piece, number in zip(fresh, counts, strict=True)}
        pieces = [part for piece in pieces for part in finer.get(piece, [piece])]
    return pieces, [tokens[piece] for piece in pieces], room


def sentences(text: str) -> Iterator[Span]:
    """The sentences and lines of a text, none blank, without the white space around them."""
    for match in _SENTENCE.finditer(text):
        yield match.start(), match.start() + len(match.group().rstrip())


def _words(text: str, piece: Span, _times: float) -> Iterator[Span]:
    return (match.span() for match in _WORD.finditer(text, *piece))


def _slices(_text: str, piece: Span, times: float) -> Iterator[Span]:
    start, end = piece
    step = max(1, int((end - start) / times / _SLICES))
    return ((at, min(at + step, end)) for at in range(start, end, step))


def _halves(_text: str, piece: Span, _times: float) -> Iterator[Span]:
    start, end = piece
    middle = (start + end) // 2
    return iter(((start, middle), (middle, end)))


def _pack(pieces: Sequence[Span], sizes: Sequence[int], room: int, repeat: float) -> Iterator[Span]:
    """Spans of as many pieces as fit; each starts with pieces of up to `repeat` tokens of the one before."""
    first = 0
    while first < len(pieces):
        after, used = first + 1, sizes[first]
        while after < len(pieces) and used + sizes[after] <= room:
            used += sizes[after]
            after += 1
        yield pieces[first][0], pieces[after - 1][1]
        if after == len(pieces):
            return
        # Repeated pieces must leave room for the next one, or the next passage would hold nothing new.
        kept, spare = 0, min(repeat, room - sizes[after])
        start = first
        first = after
        while first - 1 > start and kept + sizes[first - 1] <= spare:
            first -= 1
            kept += sizes[first]
