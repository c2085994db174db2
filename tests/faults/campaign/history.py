"""What was promised? The writer's words, kept as the states that each document may be in.

There is one writer to a document, so its operations have an order: their numbers. What was acknowledged must hold;
what is unknown (the writer was killed, or a call ended in an error or a time-out) may have happened or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.faults.campaign.content import Kind, Operation

UNSURE = ("", "superseded")
"""Outcomes that leave open what happened: a write that was sent twice is superseded by itself."""


@dataclass
class Past:
    """One document. sure: the last operation known to have happened, None: there was none; later: those after it
    of which nobody knows. seen: that `sure` was seen in a store, and perhaps not acknowledged."""

    sure: Operation | None = None
    later: list[Operation] = field(default_factory=list)
    seen: bool = False

    @property
    def allowed(self) -> dict[int, Operation]:
        """Puts whose content may be in the stores, by number."""
        return {one.number: one for one in (self.sure, *self.later) if one and one.kind is Kind.PUT}

    @property
    def may_be_gone(self) -> bool:
        """Whether there may be no such document."""
        return not self.sure or any(one.kind is Kind.DELETE for one in (self.sure, *self.later))


class History:
    """What the writer said, by document, and, over all its lives, what it tried."""

    def __init__(self) -> None:
        self.pasts: dict[str, Past] = {}
        self.tried: dict[int, Operation] = {}
        self.acknowledged = 0
        self._planned: list[Operation] = []

    @property
    def next_number(self) -> int:
        """The number of the next operation."""
        return max(self.tried, default=0) + 1

    def take(self, line: Mapping[str, object]) -> None:
        """Learns from one line of the writer's."""
        plan, done = line.get("plan"), line.get("done")
        if isinstance(plan, list):
            self._plan(Operation(one, number, Kind(kind)) for one, number, kind in plan)
        elif isinstance(done, dict):
            for one in self._planned:
                self._end(one, done.get(one.id, ""))
            self._planned = []

    def saw(self, document_id: str, number: int) -> None:
        """A store showed this content: from now on it must be there, or something newer."""
        past = self.pasts.get(document_id)
        found = past.allowed.get(number) if past else None
        if past and found and found is not past.sure:
            self._sure(past, found)
            past.seen = True

    def settle(self, document_id: str, number: int | None) -> None:
        """The stores agree on this content (None: gone), and all that was owed is paid: nothing else can come."""
        past = self.pasts[document_id]
        deletes = [one for one in (past.sure, *past.later) if one and one.kind is Kind.DELETE]
        gone = deletes[-1] if deletes else None
        self.pasts[document_id] = Past(gone if number is None else past.allowed[number])

    def _plan(self, operations: Iterable[Operation]) -> None:
        self._planned = list(operations)
        for one in self._planned:
            self.tried[one.number] = one
            if one.kind is not Kind.POISON:
                self.pasts.setdefault(one.id, Past()).later.append(one)

    def _end(self, operation: Operation, outcome: str) -> None:
        past = self.pasts.get(operation.id)
        if operation.kind is Kind.POISON or past is None or outcome in UNSURE:
            return
        if outcome == "rejected":
            past.later.remove(operation)
        else:
            self.acknowledged += 1
            self._sure(past, operation)

    @staticmethod
    def _sure(past: Past, operation: Operation) -> None:
        past.sure, past.seen = operation, False
        past.later = [one for one in past.later if one.number > operation.number]

    def __iter__(self) -> Iterator[tuple[str, Past]]:
        return iter(self.pasts.items())
