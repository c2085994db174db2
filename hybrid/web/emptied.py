"""Why is the list empty? The filter or the query, and what each condition that is taken away would leave."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hybrid import filters
from hybrid.errors import StoreError
from hybrid.filters.tree import Filter
from hybrid.web.addresses import Address
from hybrid.web.choices import label
from hybrid.web.strings import Strings
from hybrid.web.wire import engine


@dataclass(frozen=True, slots=True)
class Offer:
    """A way out. words: what it does; url: the page; count: documents that pass then, None where it is not known."""

    words: str
    url: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Emptied:
    """Why there are no hits, in words, and the ways out."""

    reason: str
    offers: tuple[Offer, ...]


def emptied(
    less: Mapping[str, Filter | None],
    tree: Filter | None,
    at: Address,
    strings: Strings,
    *,
    by_words_alone: bool,
    booleans: Collection[str] = (),
) -> Emptied | None:
    """Why nothing was found; None where there is nothing to say but that.

    less: by argument of the address that holds a condition, the filter without it. tree: the whole filter. booleans:
    fields whose values are yes and no.
    """
    try:
        passing = None if tree is None else _count(tree)
        if passing == 0:
            offers = (_offer(name, of, at, strings, booleans) for name, of in less.items())
            return Emptied(strings.no_document_passes, tuple(offers))
    except StoreError:  # the page says already which store does not answer
        return None
    if by_words_alone:
        return Emptied(strings.no_words, (Offer(strings.ask_meaning, str(at.without(("retrievers",)))),))
    return None


def _offer(name: str, left: Filter | None, at: Address, strings: Strings, booleans: Collection[str]) -> Offer:
    count = _count(left)
    start, _, field = name.partition(".")
    given = [value for one, value in at.arguments if one == name]
    values = map(strings.value, given) if start == "f" and field in booleans else given
    words = f"{label(field)} {', '.join(values)}" if start in ("f", "from", "to") else ", ".join(values)
    said = strings.without_one if count == 1 else strings.without
    return Offer(said.format(words=words, count=f"{count:,}"), str(at.without((name,))), count)


def _count(tree: Filter | None) -> int:
    return engine().count(None if tree is None else filters.to_json(tree))
