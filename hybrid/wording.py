"""Which tokens is a text store asked for? A query and how it must match, taken apart by the one analysis.

A store finds the documents that have all of `must`, nothing of `must_not`, and at least `least` of `should`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

from hybrid.analysis import MAX_TERMS, as_keyword, prepare, slots
from hybrid.languages import ENGLISH, KEYWORD, SIMPLE
from hybrid.match import Boosts, Match, Mode, Sign, pieces
from hybrid.surface import distance, typed
from hybrid.synonyms import NONE, Synonyms


@dataclass(frozen=True, slots=True)
class Word:
    """A token, or one that is at most so many edits off, or any of `also`: what other analyzers make of the word, and
    what it stands for. times: how often it stands in the query."""

    token: str
    times: int = 1
    edits: int = 0
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens one after the other, "" for a stop word between, whichever. text: as it was given, prepared."""

    tokens: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Either:
    """Any of these phrases, of which each is what one analyzer makes of it."""

    phrases: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Begins:
    """A word, as it is written, that begins so, or what it is when it is finished. Of a field alone, whose words are
    not kept as they are written, a token that begins so."""

    start: str
    finished: Phrase | Either | Word | None = None


Part: TypeAlias = Word | Phrase | Begins | Either


@dataclass(frozen=True, slots=True)
class Tongue:
    """How queries are read: the analyzers of a collection's fields, and synonyms."""

    analyzers: tuple[str, ...] = (ENGLISH,)
    synonyms: Synonyms = NONE


PLAIN = Tongue()


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


def wanted(text: str, match: Match, tongue: Tongue = PLAIN) -> Wanted | None:
    """What a query looks for; None where there is nothing to be found by."""
    match match.mode:
        case Mode.PHRASE:
            must = _phrase(text, tongue)
            return Wanted(must=must) if must else None
        case Mode.PREFIX:
            return _typed(text, match, tongue)
        case Mode.QUERY:
            return _queried(text, match, tongue)
        case _:
            words = _words(text, match, tongue)
            return Wanted(words, match.least(len(words))) if words else None


def conditions(text: str, match: Match, tongue: Tongue = PLAIN) -> Wanted | None:
    """What a query in mode `query` asks of every document, however it was found; None where it asks nothing."""
    if match.mode is not Mode.QUERY:
        return None
    of = _signed(text, match, tongue)
    return Wanted(must=of[Sign.MUST], must_not=of[Sign.MUST_NOT]) if of[Sign.MUST] or of[Sign.MUST_NOT] else None


def _words(text: str, match: Match, tongue: Tongue) -> tuple[Part, ...]:
    """The words of a text, each once, by what the first analyzer that keeps it makes of it."""
    counts: dict[tuple[str, ...], int] = {}
    most = MAX_TERMS // max(len(match.fields), 1)  # each is looked for in each field
    for tokens in _read(text, tongue.analyzers):
        if tokens in counts or len(counts) < most:
            counts[tokens] = counts.get(tokens, 0) + 1
    whole = (as_keyword(prepare(text)),) if KEYWORD in tongue.analyzers else ()
    known = _expansions(tongue)
    words = []
    for tokens, times in counts.items():
        of = known.get(tokens[0])
        found = tuple(dict.fromkeys((*((of.instead or tokens) if of else tokens), *(of.also if of else ()), *whole)))
        words.append(Word(found[0], times, match.edits(found[0]), found[1:]))
    if not words and whole and text.strip():
        words.append(Word(whole[0]))
    return tuple(words)


def _read(text: str, analyzers: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """What the analyzers make of each word, those that leave it out not counted; words that all leave out are not
    there."""
    by = [slots(text, one) for one in analyzers if one != KEYWORD] or [slots(text, SIMPLE)]
    for made in zip(*by, strict=True):
        if tokens := tuple(dict.fromkeys(filter(None, made))):
            yield tokens


@dataclass(frozen=True, slots=True)
class _Expansion:
    """What a token stands for: tokens looked for beside it, or instead of it."""

    also: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()


@lru_cache(maxsize=64)
def _expansions(tongue: Tongue) -> Mapping[str, _Expansion]:
    """By token of a rule's word what it stands for."""
    found: dict[str, _Expansion] = {}
    for rule in tongue.synonyms.rules:
        others = tuple(one for other in rule.stands_for for tokens in _read(other, tongue.analyzers) for one in tokens)
        for tokens in _read(rule.word, tongue.analyzers):
            before = found.get(tokens[0], _Expansion())
            if rule.itself:
                found[tokens[0]] = _Expansion((*before.also, *others), before.instead)
            else:
                found[tokens[0]] = _Expansion(before.also, (*before.instead, *others))
    return found


def _phrase(text: str, tongue: Tongue) -> tuple[Part, ...]:
    """The phrase of a text; a word where it is one, nothing where it has stop words only."""
    made = [_follows(slots(text, one), text) for one in tongue.analyzers if one != KEYWORD]
    phrases = tuple(dict.fromkeys(one for one in made if one))
    whole = (as_keyword(prepare(text)),) if KEYWORD in tongue.analyzers and text.strip() else ()
    single = [one.tokens[0] for one in phrases if len(one.tokens) == 1]
    several = tuple(one for one in phrases if len(one.tokens) > 1)
    if several and not single and not whole:
        return (several[0],) if len(several) == 1 else (Either(several),)
    if several:
        return (Either((*several, *(Phrase((one,), one) for one in (*single, *whole)))),)
    tokens = (*single, *whole)
    return (Word(tokens[0], also=tokens[1:]),) if tokens else ()


def _follows(tokens: list[str], text: str) -> Phrase | None:
    there = [at for at, token in enumerate(tokens[:MAX_TERMS]) if token]
    return Phrase(tuple(tokens[there[0] : there[-1] + 1]), prepare(text)) if there else None


def _typed(text: str, match: Match, tongue: Tongue) -> Wanted | None:
    placed = typed(text)
    if not placed:
        return None
    (start, end), last = placed[-1]
    words = _words(text[:start], match, tongue) if text[:start].strip() else ()
    finished = next((one for one in _phrase(text[start:end], tongue) if not isinstance(one, Begins)), None)
    parts = (*words, Begins(last, finished))
    return Wanted(parts, match.least(len(parts)))


def _signed(text: str, match: Match, tongue: Tongue) -> dict[Sign, tuple[Part, ...]]:
    """The parts by sign. A signed word of several tokens, such as -nx-4410 or a run of Chinese, Japanese or Korean, is
    meant as it stands, one token after the other: each of them alone would shut out, or let in, what it is not."""
    found: dict[Sign, tuple[Part, ...]] = dict.fromkeys(Sign, ())
    loose = []
    for piece in pieces(text):
        if piece.sign is Sign.MAY:
            loose.append(piece.text)
        else:
            exact = replace(match, fuzziness=0) if piece.sign is Sign.MUST_NOT else match
            joined = piece.quoted or len(list(_read(piece.text, tongue.analyzers))) > 1
            found[piece.sign] += _phrase(piece.text, tongue) if joined else _words(piece.text, exact, tongue)
    return found | {Sign.MAY: _words(" ".join(loose), match, tongue)}


def _queried(text: str, match: Match, tongue: Tongue) -> Wanted | None:
    of = _signed(text, match, tongue)
    may, must = of[Sign.MAY], of[Sign.MUST]
    if not may and not must:
        return None  # only what must not be there: nothing to look for
    least = match.least(len(may)) if may and (match.minimum or not must) else 0
    return Wanted(may, least, must, of[Sign.MUST_NOT])


def tokens_of(of: Wanted) -> list[str]:
    """The tokens that documents are scored by, each as often as it stands in the query."""
    found: list[str] = []
    for part in (*of.must, *of.should):
        match part:
            case Word(token, times, _, also):
                found += [token, *also] * times
            case Either(phrases):
                found += [one for phrase in phrases for one in phrase.tokens if one]
            case Phrase(tokens):
                found += [one for one in tokens if one]
            case Begins(_, finished):
                found += tokens_of(Wanted((finished,))) if finished else []
    return found


def loose(of: Wanted) -> list[Part]:
    """The parts that many tokens satisfy: a document that has one scores as for a word of rarity 1, however rare it
    is, beside what it scores for the word as it stands."""
    parts = (*of.must, *of.should)
    return [one for one in parts if isinstance(one, Begins) or (isinstance(one, Word) and one.edits > 0)]


def unit(of: Wanted | None, factor: float, fields: Boosts = ()) -> float | None:
    """What a document with all words would score for each nat of their rarity; None where there are none.

    factor: the most that a word of rarity 1 can score. fields: of
    several the one that counts most is meant, as few words stand in all.
    """
    if of is None:
        return None
    counts = (_length(part) for part in (*of.must, *of.should))
    return factor * max((boost for _, boost in fields), default=1.0) * sum(counts) or None


def _length(part: Part) -> int:
    """The words of a part that all can count for a document."""
    match part:
        case Word(_, times):
            return times
        case Begins():
            return 1
        case Phrase(tokens):
            return sum(map(bool, tokens))
        case Either(phrases):
            return max(map(_length, phrases))


def satisfied(of: Wanted, texts: Sequence[Sequence[str]], written: Collection[str] | None = None) -> bool:
    """Whether a document of these texts, each its tokens in their places, matches: the reference for every store.

    texts: those that are searched. written: their words as they are written; None where fields are chosen.
    """
    if any(stands(part, texts, written) for part in of.must_not):
        return False
    if not all(stands(part, texts, written) for part in of.must):
        return False
    return sum(stands(part, texts, written) for part in of.should) >= of.least


def stands(part: Part, texts: Sequence[Sequence[str]], written: Collection[str] | None = None) -> bool:
    """Whether a document of these texts has a part, as `satisfied` says."""
    there = {token for text in texts for token in text if token}
    return _stands(part, there, texts, there if written is None else written)


def _stands(part: Part, there: Collection[str], texts: Sequence[Sequence[str]], written: Collection[str]) -> bool:
    match part:
        case Word(token, _, 0, also):
            return token in there or any(one in there for one in also)
        case Word(token, _, edits, also):
            near = any(distance(token, one, edits) <= edits for one in there)
            return near or any(one in there for one in also)
        case Either(phrases):
            return any(_stands(one, there, texts, written) for one in phrases)
        case Begins(start, finished):
            begun = any(word.startswith(start) for word in written)
            return begun or (finished is not None and _stands(finished, there, texts, written))
        case Phrase(tokens, _):
            return any(_follow(tokens, text) for text in texts)


def _follow(tokens: Sequence[str], text: Sequence[str]) -> bool:
    return any(
        all(not token or text[at + step] == token for step, token in enumerate(tokens))
        for at in range(len(text) - len(tokens) + 1)
    )
