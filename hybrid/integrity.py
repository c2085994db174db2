"""Do the stores agree on what a search found? What it saw by itself, and what it can ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from hybrid.model import State
from hybrid.plan import TEXT, VECTOR
from hybrid.result import Hit, Integrity, SearchResult


class Stateful(Protocol):
    """What knows the versions of documents: a store, or what stands before it."""

    def states(self, ids: Sequence[str]) -> dict[str, State]: ...


def disagreeing(result: SearchResult) -> list[str]:
    """The ids of hits on which the search saw the stores disagree."""
    return [hit.id for hit in result.hits if hit.integrity is not Integrity.OK]


def unseen(result: SearchResult) -> list[str]:
    """The ids of hits that only the vector retriever found, so that the text store's version was not seen."""
    return [
        hit.id for hit in result.hits if hit.explain[VECTOR]["status"] == "hit" and hit.explain[TEXT]["status"] != "hit"
    ]


def confirmed(result: SearchResult, stores: Iterable[Stateful]) -> SearchResult:
    """The result with every hit's integrity as the stores themselves tell it now. Raises StoreError."""
    ids = result.ids
    known = [store.states(ids) for store in stores]
    return replace(result, hits=tuple(_confirmed(hit, [of.get(hit.id) for of in known]) for hit in result.hits))


def _confirmed(hit: Hit, states: list[State | None]) -> Hit:
    if None in states:
        return replace(hit, integrity=Integrity.MISSING)
    return replace(hit, integrity=Integrity.OK if len(set(states)) == 1 else Integrity.TORN)
