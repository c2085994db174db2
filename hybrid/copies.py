"""What does each store hold of one document? Its versions side by side, and what the journal still owes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hybrid.bounded import at_once
from hybrid.errors import StoreError
from hybrid.model import Json, State, Stored
from hybrid.place import Place
from hybrid.search import Pools
from hybrid.stores.base import Store


@dataclass(frozen=True, slots=True)
class Copies:
    """One document as each store has it. copies: by retriever; one without a version holds nothing of it.

    owed: the stores that a newer version, which lies in the journal, is still owed to. agree: None where a store does
    not answer.
    """

    id: str
    copies: Mapping[str, Mapping[str, Json]]
    owed: tuple[str, ...]
    agree: bool | None

    @property
    def known(self) -> bool:
        """Whether any store, or the journal, has heard of it, or a store could not be asked."""
        return bool(self.owed) or any("version" in one or "failed" in one for one in self.copies.values())

    def to_dict(self) -> dict[str, Json]:
        """The copies as JSON; versions as strings, since they exceed 2^53."""
        copies = {name: dict(one) for name, one in self.copies.items()}
        return {"id": self.id, "stores": copies, "owed": list(self.owed), "agree": self.agree}


def copies(place: Place, document_id: str, pools: Pools, within_s: float) -> Copies:
    """What each store holds of the document now. A store that does not answer in time has `failed` instead."""

    def question(store: Store) -> tuple[State | None, Stored | None]:
        return store.states([document_id]).get(document_id), store.fetch([document_id]).get(document_id)

    said, errors = at_once(place.stores, question, pools, within_s, place.here)
    found = {
        name: {"store": store.name, **_copy(*said.get(name, (None, None)))} for name, store in place.stores.items()
    }
    for name, error in errors.items():
        found[name]["failed"] = error.code if isinstance(error, StoreError) else "store_error"
    states = {said[name][0] for name in said}
    agree = None if errors else len({state for state in states if state is None or not state.deleted}) <= 1
    entry = next(iter(place.left([document_id])), None)
    has = {name: state.version for name, (state, _) in said.items() if state is not None}
    # What a store has is not owed to it, though it may not be acknowledged yet.
    owed = tuple(name for name in entry.owed if has.get(name, 0) < entry.version) if entry else ()
    return Copies(document_id, found, owed, agree)


def _copy(state: State | None, stored: Stored | None) -> dict[str, Json]:
    if state is None:
        return {}
    facts: dict[str, Json] = {"version": str(state.version), "hash": state.hash, "tombstone": state.deleted}
    if stored is not None:
        facts |= {"passages": len(stored.passages), "fields": dict(stored.source)}
    return facts
