"""Which highlights are wanted? The option of a search, checked against the schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from hybrid import bounds
from hybrid.errors import QueryError
from hybrid.model import Json
from hybrid.schema import Schema

SENTENCES = "sentences"
MOST_FRAGMENTS = 20
SIZES = (20, 10_000)
"""The least and the most characters of a fragment."""


@dataclass(frozen=True, slots=True)
class Highlight:
    """Pieces of each hit's text, in HTML, with the words of the query in <mark>.

    fields: searched fields that are looked at. fragments: pieces of each at most. size: characters of a piece, marks
    not counted. sentences: of a hit that has no word of the query, mark the sentence that is nearest to it in meaning,
    which the model has to be asked for; otherwise the passage that was found is shown from its start.
    """

    fields: tuple[str, ...]
    fragments: int = 2
    size: int = 200
    sentences: bool = False

    def to_dict(self) -> dict[str, Json]:
        """The option as JSON."""
        return asdict(self) | {"fields": list(self.fields)}


def read(given: Any, schema: Schema) -> Highlight | None:
    """The highlights that are wanted, None where none are.

    given: a boolean, "sentences", or a dict with any of the fields of `Highlight`. Raises QueryError.
    """
    searched = tuple(name for name, _ in schema.searched)
    if given is False or given is None:
        return None
    if given is True:
        return Highlight(searched)
    if given == SENTENCES:
        return Highlight(searched, sentences=True)
    if not isinstance(given, Mapping):
        raise _wrong(f'highlight is {given!r}; it is true, false, "{SENTENCES}", or an object such as {{"size": 150}}')
    strangers = sorted(str(name) for name in given.keys() - set(Highlight.__dataclass_fields__))
    if strangers:
        known = ", ".join(Highlight.__dataclass_fields__)
        raise _wrong(f"highlight has no option {', '.join(strangers)}; it has: {known}")
    usual = Highlight(searched)
    return Highlight(
        fields=_fields(given.get("fields", searched), searched),
        fragments=bounds.whole("highlight.fragments", given.get("fragments", usual.fragments), 1, MOST_FRAGMENTS),
        size=bounds.whole("highlight.size", given.get("size", usual.size), *SIZES),
        sentences=bounds.flag("highlight.sentences", given.get("sentences", usual.sentences)),
    )


def _fields(given: Any, searched: tuple[str, ...]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not names or any(name not in searched for name in names):
        raise _wrong(f"highlight.fields are {given!r}; choose from the fields that are searched: {', '.join(searched)}")
    return tuple(name for name in searched if name in names)


def _wrong(said: str) -> QueryError:
    return QueryError(said, field="highlight")
