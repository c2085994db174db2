"""How are many plans run together? Their queries embedded at once, each store asked once, each answer as if alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from hybrid import retrieve
from hybrid.errors import HybridError
from hybrid.hydrate import Shelf
from hybrid.model import Ranking, RetrieverReport, Status, Stored
from hybrid.place import Place
from hybrid.plan import RETRIEVERS, TEXT, Plan
from hybrid.search import FAIR_S, Answer, Pools, run


def together(place: Place, plans: Sequence[Plan], pools: Pools) -> list[dict[str, Answer]]:
    """Each retriever's answer to each plan. The plans share the longest time that any of them has.

    A query that fails in a store fails alone; a store that does not answer fails all that ask it.
    """
    asking = {name: [plan for plan in plans if name in plan.retrievers] for name in RETRIEVERS}
    found: dict[str, list[Ranking | HybridError]] = {}

    def call(name: str) -> Callable[[], Ranking]:
        ask = retrieve.by_texts if name == TEXT else retrieve.by_vectors

        def asked() -> Ranking:
            found[name] = list(ask(place, asking[name]))
            return Ranking()

        return asked

    calls = {name: call(name) for name, several in asking.items() if several}
    within_s = max(of for plan in plans for _, of in plan.deadlines)
    inline = [name for name in calls if all(name in place.computing(plan) for plan in asking[name])]
    fair_s = min(FAIR_S, place.settings.deadline_s)
    answers = run(calls, pools, dict.fromkeys(calls, within_s), inline, fair_s=fair_s)
    by_plan: dict[int, dict[str, Answer]] = {id(plan): {} for plan in plans}
    for name, answer in answers.items():
        for plan, one in zip(asking[name], _parted(answer, found.get(name), len(asking[name])), strict=True):
            by_plan[id(plan)][name] = one
    return [by_plan[id(plan)] for plan in plans]


def _parted(answer: Answer, found: Sequence[Ranking | HybridError] | None, count: int) -> list[Answer]:
    """The answer to each query of a batch; of one that failed as a whole, the failure for each."""
    if answer.report.status is not Status.OK or found is None:
        return [answer] * count
    return [_one(answer.report, one) for one in found]


def _one(report: RetrieverReport, found: Ranking | HybridError) -> Answer:
    if isinstance(found, HybridError):
        failed = RetrieverReport(Status.FAILED, report.took_ms, 0, found.code)
        return Answer(failed, Ranking(), str(found))
    return Answer(replace(report, returned=len(found)), found)


@dataclass(frozen=True, slots=True)
class AtHand:
    """A shelf that gives what was fetched before, and asks for the rest."""

    shelf: Shelf
    documents: Mapping[str, Stored]

    @property
    def name(self) -> str:
        return self.shelf.name

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        """The documents of these ids; raises as the shelf does."""
        known = {one: self.documents[one] for one in ids if one in self.documents}
        missing = [one for one in ids if one not in known]
        return known | (self.shelf.fetch(missing) if missing else {})
