"""What if a store hangs after a search? What else it is asked, it is asked as for a search: in its own pool, behind
its own breaker, for a while."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from hybrid.errors import HybridError, StoreError, StoreFull, StoreTimeout, StoreUnavailable
from hybrid.model import Ranking, State, Status, Stored
from hybrid.search import CIRCUIT_OPEN, DEADLINE, OVERLOADED, Answer, Pools, run
from hybrid.stores.base import Store

T = TypeVar("T")
Said = tuple[dict[str, T], dict[str, HybridError]]
"""By retriever what its store said, and by retriever why a store said nothing."""

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
        inline = (self.retriever,) if self.here else ()
        said, errors = at_once({self.retriever: self.store}, question, self.pools, self.within_s, inline)
        for error in errors.values():
            raise error
        return said[self.retriever]


def at_once(
    stores: Mapping[str, Store],
    question: Callable[[Store], T],
    pools: Pools,
    within_s: float,
    inline: Collection[str] = (),
) -> Said[T]:
    """What each store says to a question, in `within_s` seconds at the latest.

    inline: retrievers whose stores compute in this process. A store that does not answer in time, or is left alone,
    has a StoreTimeout, StoreUnavailable or StoreFull; another that failed has what it raised.
    """
    said: dict[str, T] = {}
    raised: dict[str, HybridError] = {}

    def call(name: str) -> Ranking:
        try:
            said[name] = question(stores[name])
        except HybridError as error:
            raised[name] = error
            raise
        return Ranking()

    answers = run({name: partial(call, name) for name in stores}, pools, dict.fromkeys(stores, within_s), inline)
    good = {name for name, answer in answers.items() if answer.report.status is Status.OK}
    errors = {name: _error(stores[name], answers[name], raised.get(name)) for name in stores if name not in good}
    return {name: said[name] for name in stores if name in good}, errors


def _error(store: Store, answer: Answer, raised: HybridError | None) -> HybridError:
    kind = _MEANINGS.get(answer.report.reason)
    return raised if kind is None and raised else (kind or StoreError)(store.name, answer.detail)
