"""Which tokens is a text store asked for? A query and how it must match, taken apart by the one analysis.

A store finds the documents that have all of `must`, nothing of `must_not`, and at least `least` of `should`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from hybrid.analysis import MAX_TERMS, prepare, query_terms, slots
from hybrid.match import Match, Mode, Sign, pieces
from hybrid.surface import distance


@dataclass(frozen=True, slots=True)
class Word:
    """A token, or one that is at most so many edits off. times: how often it stands in the query."""

    token: str
    times: int = 1
    edits: int = 0


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens one after the other, "" for a stop word between, whichever. text: as it was given, prepared."""

    tokens: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Any of these tokens."""

    tokens: tuple[str, ...]


Part: TypeAlias = Word | Phrase | AnyOf


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a document must have to match, as the module says."""

    should: tuple[Part, ...] = ()
    least: int = 0
    must: tuple[Part, ...] = ()
    must_not: tuple[Part, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether any one token, exactly, will do."""
        exact = all(isinstance(one, Word) and not one.edits for one in self.should)
        return exact and self.least == 1 and not (self.must or self.must_not)


def wanted(text: str, match: Match, endings: Sequence[str] = ()) -> Wanted | None:
    """What a query looks for; None where there is nothing to be found by.

    endings: in mode `prefix`, the words as they are written that the last one may become.
    """
    match match.mode:
        case Mode.PHRASE:
            must = _phrase(text)
            return Wanted(must=must) if must else None
        case Mode.PREFIX:
            return _typed(text, match, endings)
        case Mode.QUERY:
            return _queried(text, match)
        case _:
            words = _words(text, match)
            return Wanted(words, match.least(len(words))) if words else None


def conditions(text: str, match: Match) -> Wanted | None:
    """What a query in mode `query` asks of every document, however it was found; None where it asks nothing."""
    if match.mode is not Mode.QUERY:
        return None
    of = _signed(text, match)
    return Wanted(must=of[Sign.MUST], must_not=of[Sign.MUST_NOT]) if of[Sign.MUST] or of[Sign.MUST_NOT] else None


def _words(text: str, match: Match) -> tuple[Part, ...]:
    return tuple(Word(token, times, match.edits(token)) for token, times in query_terms(text).items())


def _phrase(text: str) -> tuple[Part, ...]:
    """The phrase of a text; a word where it is one, nothing where it has stop words only."""
    tokens = slots(text)[:MAX_TERMS]
    while tokens and not tokens[0]:
        tokens.pop(0)
    while tokens and not tokens[-1]:
        tokens.pop()
    if not tokens:
        return ()
    return (Word(tokens[0]),) if len(tokens) == 1 else (Phrase(tuple(tokens), prepare(text)),)


def _typed(text: str, match: Match, endings: Sequence[str]) -> Wanted | None:
    *_, last = text.split() or [""]
    before = text[: text.rindex(last)] if last else text
    tokens = [token for word in (last, *endings) for token in query_terms(word)]
    words = _words(before, match)
    ending: tuple[Part, ...] = (AnyOf(tuple(dict.fromkeys(tokens))),) if tokens else ()
    parts = (*words, *ending)
    return Wanted(parts, match.least(len(parts))) if parts else None


def _signed(text: str, match: Match) -> dict[Sign, tuple[Part, ...]]:
    found: dict[Sign, tuple[Part, ...]] = dict.fromkeys(Sign, ())
    loose = []
    for piece in pieces(text):
        if piece.sign is Sign.MAY:
            loose.append(piece.text)
        else:
            exact = Match() if piece.sign is Sign.MUST_NOT else match
            found[piece.sign] += _phrase(piece.text) if piece.quoted else _words(piece.text, exact)
    return found | {Sign.MAY: _words(" ".join(loose), match)}


def _queried(text: str, match: Match) -> Wanted | None:
    of = _signed(text, match)
    may, must = of[Sign.MAY], of[Sign.MUST]
    if not may and not must:
        return None  # only what must not be there: nothing to look for
    least = match.least(len(may)) if may and (match.minimum or not must) else 0
    return Wanted(may, least, must, of[Sign.MUST_NOT])


def tokens_of(of: Wanted) -> list[str]:
    """The tokens that documents are scored by, each as often as it stands in the query."""
    found: list[str] = []
    for part in (*of.must, *of.should):
        found += [part.token] * part.times if isinstance(part, Word) else [one for one in part.tokens if one]
    return found


def unit(of: Wanted | None, factor: float) -> float | None:
    """What a document with all words would score for each nat of their rarity; None where there are none.

    factor: the most that a word of rarity 1 can score: 1 in Lucene; 1 + k1 where BM25 has that factor.
    """
    return None if of is None else factor * len(tokens_of(of)) or None


def satisfied(of: Wanted, texts: Sequence[Sequence[str]]) -> bool:
    """Whether a document of these texts, each its tokens in their places, matches: the reference for every store."""
    there = {token for text in texts for token in text if token}
    if any(_stands(part, there, texts) for part in of.must_not):
        return False
    if not all(_stands(part, there, texts) for part in of.must):
        return False
    return sum(_stands(part, there, texts) for part in of.should) >= of.least


def _stands(part: Part, there: Collection[str], texts: Sequence[Sequence[str]]) -> bool:
    match part:
        case Word(token, _, 0):
            return token in there
        case Word(token, _, edits):
            return any(distance(token, one, edits) <= edits for one in there)
        case AnyOf(tokens):
            return any(token in there for token in tokens)
        case Phrase(tokens, _):
            return any(_follow(tokens, text) for text in texts)


def _follow(tokens: Sequence[str], text: Sequence[str]) -> bool:
    return any(
        all(not token or text[at + step] == token for step, token in enumerate(tokens))
        for at in range(len(text) - len(tokens) + 1)
    )
