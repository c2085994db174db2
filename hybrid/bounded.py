"""What if a store hangs after a search? What else it is asked, it is asked as for a search: in its own pool, behind
its own breaker, for a while."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from hybrid.errors import HybridError, StoreError, StoreFull, StoreTimeout, StoreUnavailable
from hybrid.model import Ranking, State, Status, Stored
from hybrid.search import CIRCUIT_OPEN, DEADLINE, OVERLOADED, Pools, run
from hybrid.stores.base import Store

T = TypeVar("T")

_MEANINGS: dict[str, type[StoreError]] = {
    DEADLINE: StoreTimeout,
    CIRCUIT_OPEN: StoreUnavailable,
    OVERLOADED: StoreFull,
}
"""The error for each reason why a store was not asked, or did not answer; for others, what it raised itself."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A store that is never waited for longer than `within_s` seconds a question, and not asked while it is dead.

    retriever: whose pool and breaker it has. here: it computes in this process, cannot hang, and needs no thread.
    """

    store: Store
    retriever: str
    pools: Pools
    within_s: float
    here: bool = False

    @property
    def name(self) -> str:
        return self.store.name

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        """As the store's. Raises StoreError as `ask` does."""
        return self.ask(lambda store: store.fetch(ids))

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        """As the store's. Raises StoreError as `ask` does."""
        return self.ask(lambda store: store.states(ids))

    def ask(self, question: Callable[[Store], T]) -> T:
        """What the question returns. Raises what it raises, and StoreTimeout, StoreUnavailable and StoreFull."""
        results: list[T] = []
        errors: list[HybridError] = []

        def call() -> Ranking:
            try:
                results.append(question(self.store))
            except HybridError as error:
                errors.append(error)
                raise
            return Ranking()

        inline = (self.retriever,) if self.here else ()
        answer = run({self.retriever: call}, self.pools, {self.retriever: self.within_s}, inline)[self.retriever]
        if answer.report.status is Status.OK:
            return results[0]
        kind = _MEANINGS.get(answer.report.reason)
        raise errors[0] if kind is None and errors else (kind or StoreError)(self.name, answer.detail)
