"""What do the steps after fusion hand on? Documents in an order, their scores, and what was done with each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from hybrid.model import Json

Notes = Mapping[str, Mapping[str, Json]]


@dataclass(frozen=True, slots=True)
class Order:
    """Documents in the order of an answer, none twice. scores: by id, higher is better. notes: by id, of each step
    that had a part in where the document stands or how it scores, what it did."""

    ids: tuple[str, ...]
    scores: Mapping[str, float]
    notes: Notes = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def among(self, wanted: Collection[str]) -> Order:
        """The same order with only the wanted documents."""
        return Order(tuple(one for one in self.ids if one in wanted), self.scores, self.notes)

    def sorted_by(self, key: Callable[[str], object]) -> Order:
        """By a key of the id, least first; equals stay in the order they are in."""
        return Order(tuple(sorted(self.ids, key=key)), self.scores, self.notes)  # type: ignore[arg-type]

    def noted(self, step: str, said: Mapping[str, Json]) -> Order:
        """With what a step says of these documents."""
        notes = {one: {**self.notes.get(one, {}), step: of} for one, of in said.items()}
        return Order(self.ids, self.scores, {**self.notes, **notes})


def ordered(ids: Iterable[str], scores: Iterable[float]) -> Order:
    """The order of parallel ids and scores."""
    listed = tuple(ids)
    return Order(listed, dict(zip(listed, scores, strict=True)))
