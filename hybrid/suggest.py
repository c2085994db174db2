"""What may be meant? Words that finish what is typed, and words in place of those that no document has.

All are words of documents that the filter lets through, as they are written, in lower case; a word that only other
documents have is neither shown, nor does it count as known.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from hybrid.analysis import tokens
from hybrid.filters.tree import Filter
from hybrid.model import Json, Span
from hybrid.stores.base import TextQuery, TextStore, WordQuery
from hybrid.surface import LONGEST_WORD, typed
from hybrid.wording import PLAIN, Tongue

MOST_WORDS = 8
"""Words of what is typed that are looked at, the last ones."""

MOST_SUGGESTED = 100


@dataclass(frozen=True, slots=True)
class Completion:
    """A way to finish what is typed. text: all of it, with the last word whole. count: documents that have that word
    and those before it."""

    text: str
    word: str
    count: int


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What may be meant by what was typed. completions: of most documents first.

    did_you_mean: the text with the nearest word in place of each that no document has; None where all words are known,
    or nothing is near.
    """

    query: str
    completions: Sequence[Completion] = ()
    did_you_mean: str | None = None

    def to_dict(self) -> dict[str, Json]:
        """The suggestions as JSON."""
        completions = [asdict(one) for one in self.completions]
        return {"query": self.query, "completions": completions, "did_you_mean": self.did_you_mean}


def edits(word: str) -> int:
    """How many edits a word may be away: none from up to two characters, one from up to five, else two; as Lucene's
    AUTO."""
    return 0 if len(word) < 3 else 1 if len(word) < 6 else 2


def suggestions(
    store: TextStore, text: str, tree: Filter | None, limit: int, timeout_s: float, tongue: Tongue = PLAIN
) -> Suggestions:
    """What the documents of a filter suggest for a text that is being typed. Raises StoreError.

    tongue: how texts are read; where fields are read in several ways, completions do not depend on earlier words.
    limit: completions wanted. timeout_s: seconds that each question to the store may take.
    """
    placed = typed(text)[-MOST_WORDS:]
    unfinished = bool(placed) and placed[-1][0][1] == len(text)
    asked = WordQuery(1, timeout_s=timeout_s, filter=tree)
    completions = _completions(store, text, placed, replace(asked, limit=limit), tongue) if unfinished and limit else []
    begun = unfinished and (completions or store.words(replace(asked, start=placed[-1][1])))
    return Suggestions(text, completions, _corrected(store, text, placed[:-1] if begun else placed, asked, tongue))


def _completions(
    store: TextStore, text: str, placed: Sequence[tuple[Span, str]], asked: WordQuery, tongue: Tongue
) -> list[Completion]:
    (start, _), begun = placed[-1]
    earlier = tokens(text[:start], tongue.analyzers[0]) if len(tongue.analyzers) == 1 else []
    before = tuple(dict.fromkeys(earlier))
    found = store.words(replace(asked, start=begun, terms=before))
    return [Completion(text[:start] + word, word, count) for word, count in found]


def _corrected(
    store: TextStore, text: str, placed: Sequence[tuple[Span, str]], asked: WordQuery, tongue: Tongue
) -> str | None:
    """The text with each unknown word replaced by the nearest known one; None where nothing is replaced."""
    parts, at, until = [], 0, time.monotonic() + asked.timeout_s
    for (start, end), word in placed:
        if time.monotonic() > until:  # nobody waits for it any more
            break
        instead = None if _known(store, word, asked, tongue) else _nearest(store, word, asked)
        if instead is not None:
            parts += [text[at:start], instead]
            at = end
    return "".join([*parts, text[at:]]) if parts else None


def _known(store: TextStore, word: str, asked: WordQuery, tongue: Tongue) -> bool:
    """Whether a search for the word, or for each bigram of it, finds a document; or would not look for it."""
    found = tokens(word, tongue.analyzers[0])
    parts = found if len(found) > 1 else [word] if found else []
    return len(word) > LONGEST_WORD or all(
        store.search(TextQuery(part, 1, asked.timeout_s, asked.filter, tongue=tongue)).ids for part in parts
    )


def _nearest(store: TextStore, word: str, asked: WordQuery) -> str | None:
    if not (most := edits(word)):
        return None
    return next((found for found, _ in store.words(replace(asked, near=word, edits=most))), None)
