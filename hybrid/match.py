"""How must words match? What a request says of it, as a value of the plan.

any      some word of the query; the more, the better (the default)
all      every word
phrase   all words, one after the other
prefix   every word, of which the last one is still being typed
query    words, "quoted phrases" that must stand there, +words that must, and -words or -"phrases" that must not;
         a signed word that has several tokens, such as -nx-4410, is a phrase
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias

from hybrid import bounds
from hybrid.errors import QueryError
from hybrid.model import Json


class Mode(StrEnum):
    """Which documents match, as the module says."""

    ANY = "any"
    ALL = "all"
    PHRASE = "phrase"
    PREFIX = "prefix"
    QUERY = "query"


Fuzziness = Literal[0, 1, 2, "auto"]

Boosts: TypeAlias = tuple[tuple[str, float], ...]
"""Fields and their boosts."""

_KNOWN = ("mode", "minimum", "fuzziness", "fields")
_MOST_EDITS = ((2, 0), (5, 1))
"""Characters of a word up to which so many edits are too many to tell it from another; of longer ones 2 are not."""


@dataclass(frozen=True, slots=True)
class Match:
    """How the text retriever matches words. minimum: how many of the words that may match must, as Elasticsearch's
    minimum_should_match: 2, "-1", "75%", "2<75%"; empty: as the mode says. fuzziness: edits (insertion, deletion,
    substitution, transposition) that a word may be off; "auto": 0 up to 2 characters, 1 up to 5, else 2, which is also
    the most that a number gives. fields: where words are looked for, each with its boost; empty: in all text, as one.
    """

    mode: Mode = Mode.ANY
    minimum: str = ""
    fuzziness: Fuzziness = 0
    fields: tuple[tuple[str, float], ...] = ()

    def edits(self, token: str) -> int:
        """Edits that a token may be off."""
        most = next((edits for length, edits in _MOST_EDITS if len(token) <= length), 2)
        return most if self.fuzziness == "auto" else min(most, self.fuzziness)

    def least(self, words: int) -> int:
        """How many of so many different words must match, from 1."""
        if self.minimum:
            return max(1, min(words, _calculated(self.minimum, words)))
        return max(1, words) if self.mode in (Mode.ALL, Mode.PREFIX) else 1

    def to_dict(self) -> dict[str, Json]:
        """The value as JSON; fields where they are chosen."""
        chosen: dict[str, Json] = {"fields": dict(self.fields)} if self.fields else {}
        return {"mode": str(self.mode), "minimum": self.minimum, "fuzziness": self.fuzziness} | chosen


ANY = Match()
"""Some word, exactly."""

_AMOUNT = re.compile(r"(-?\d+)(%?)")
_CONDITION = re.compile(r"(\d+)<(-?\d+%?)")


def _calculated(minimum: str, words: int) -> int:
    """Elasticsearch's rule: of "n<amount" conditions the last one that holds counts; without any all words must."""
    parts = minimum.split()
    if len(parts) == 1 and "<" not in parts[0]:
        return _amount(parts[0], words)
    held = [found[2] for part in parts if (found := _CONDITION.fullmatch(part)) and words > int(found[1])]
    return _amount(held[-1], words) if held else words


def _amount(text: str, words: int) -> int:
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return words
    number = int(found[1])
    if found[2]:
        part = words * abs(number) // 100
        return part if number >= 0 else words - part
    return number if number >= 0 else words + number


def read(given: Any, searched: Boosts = ()) -> Match:
    """The match of a request: a mode's name, or a dict with mode, minimum, fuzziness and fields. Raises QueryError.

    searched: the text fields there are, with the boosts that they have where a request names none.
    """
    if given is None:
        return Match()
    wanted = {"mode": given} if isinstance(given, str) else given
    if not isinstance(wanted, Mapping):
        raise QueryError(f"match is {given!r}; give a mode ({', '.join(Mode)}) or a dict", field="match")
    strangers = sorted(str(name) for name in wanted.keys() - set(_KNOWN))
    if strangers:
        raise QueryError(f"match has {', '.join(strangers)}; it has: {', '.join(_KNOWN)}", field="match")
    mode = bounds.choice("match.mode", wanted.get("mode", Mode.ANY), Mode)
    minimum, fuzziness = _minimum(wanted.get("minimum", "")), _fuzziness(wanted.get("fuzziness", 0))
    match = Match(mode, minimum, fuzziness, _fields(wanted.get("fields"), dict(searched)))
    if mode is Mode.PHRASE and (match.minimum or match.fuzziness):
        raise QueryError(
            "a phrase matches as a whole, so there is no minimum or fuzziness; use mode 'all' for words in any order",
            field="match",
        )
    return match


def _fields(given: Any, searched: Mapping[str, float]) -> Boosts:
    """The fields that are named, in the schema's order; () where none are, as in an empty list."""
    if given is None:
        return ()
    named = [given] if isinstance(given, str) else given
    if isinstance(named, Sequence) and all(isinstance(name, str) for name in named):
        named = dict.fromkeys(named)
    if not isinstance(named, Mapping):
        raise QueryError(f"match.fields is {given!r}; give names, or boosts by name: {{'title': 3}}", field="match")
    for name in named.keys() - searched.keys():
        near = ", ".join(bounds.nearest(str(name), searched)) or "none"
        raise QueryError(f"match.fields names {name!r}, which is no text field here; there is: {near}", field="match")
    asked = {name: searched[name] if boost is None else boost for name, boost in named.items()}
    boosts = {name: bounds.number(f"match.fields.{name}", boost, 0, 1000) for name, boost in asked.items()}
    for name in (name for name, boost in boosts.items() if not boost):
        raise QueryError(f"match.fields gives {name!r} the boost 0; leave it out to search without it", field="match")
    return tuple((name, boosts[name]) for name in searched if name in boosts)


def _minimum(given: Any) -> str:
    text = str(given) if isinstance(given, int | str) and not isinstance(given, bool) else None
    parts = [] if text is None else text.split()
    good = (len(parts) == 1 and _AMOUNT.fullmatch(parts[0])) or all(_CONDITION.fullmatch(part) for part in parts)
    if text is None or not good or any(len(part) > 12 for part in parts):
        raise QueryError(f"match.minimum is {given!r}; give such as 2, '-1', '75%' or '2<75%'", field="match")
    return " ".join(parts)


def _fuzziness(given: Any) -> Fuzziness:
    if isinstance(given, bool) or given not in (0, 1, 2, "auto"):
        raise QueryError(f"match.fuzziness is {given!r}; it is 0, 1, 2 or 'auto'", field="match")
    fuzziness: Fuzziness = given
    return fuzziness


class Sign(StrEnum):
    """What a piece of a query says of a document."""

    MAY = ""
    MUST = "+"
    MUST_NOT = "-"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a query in mode `query`: its words, one after the other where it is quoted."""

    sign: Sign
    text: str
    quoted: bool


_PIECE = re.compile(r'(?P<sign>[+-]?)(?:"(?P<phrase>[^"]*)"|(?P<word>[^\s"]+))')


def pieces(text: str) -> list[Piece]:
    """The pieces of a query in mode `query`. A quote without its partner is a sign like any other.

    A quoted phrase without a sign must stand there.
    """
    found = []
    for one in _PIECE.finditer(text):
        sign, phrase = Sign(one["sign"]), one["phrase"]
        if phrase is None:
            found.append(Piece(sign, one["word"], quoted=False))
        else:
            found.append(Piece(sign or Sign.MUST, phrase, quoted=True))
    return found


def spoken(text: str, match: Match) -> str:
    """What a model reads of a query: in mode `query` without signs, and without what must not be there.

    Raises QueryError where that is all there is.
    """
    if match.mode is not Mode.QUERY:
        return text
    found = pieces(text)
    read = " ".join(piece.text for piece in found if piece.sign is not Sign.MUST_NOT)
    if found and not read.strip():
        raise QueryError(
            "the query only says what must not be there, and nothing to look for; add a word without a minus, "
            "or leave the query empty and use a filter",
            field="query",
        )
    return read
