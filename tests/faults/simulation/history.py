"""What was promised? Every change with its version, and whether the writer said that it will stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hybrid.model import DocumentOutcome, Outcome, State
from tests.faults.simulation.server import POISON


@dataclass(slots=True, eq=False)
class Change:
    """One document given to `put` (text) or `delete` (text None). hash: of its content, "" where deleted.

    floor: the version that it must be above, as it began later. version: 0 while it is not in the journal.
    overtaken: another one that began before this one ended took its place in the journal.
    """

    id: str
    text: str | None
    hash: str
    floor: int = 0
    version: int = 0
    overtaken: bool = False


@dataclass(frozen=True, slots=True)
class Promise:
    """What an id holds from this version on: a text, or None where it is deleted."""

    version: int
    text: str | None


@dataclass(slots=True)
class History:
    """All that writers did. in_order: clocks agree, so that a later change has a larger version. brings_back: what was
    promised before a change that could not be taken counts again, as all share a journal and no store forgot anything.

    broken: promises that were found broken already, by kind.
    """

    in_order: bool
    brings_back: bool = False
    changes: list[Change] = field(default_factory=list)
    promises: dict[str, list[Promise]] = field(default_factory=lambda: defaultdict(list))
    broken: list[tuple[str, str]] = field(default_factory=list)
    _overtaken: set[str] = field(default_factory=set)
    """Ids with a change that a later one overtook in the journal: it may be what stands before a rejected one."""
    _last: dict[tuple[str, str], int] = field(default_factory=dict)
    _versions: dict[tuple[str, str | None], int] = field(default_factory=dict)

    def begun(self, journal: str, changes: Mapping[str, Change]) -> None:
        """A writer on this journal is given the changes now."""
        for one, change in changes.items():
            promised = max((of.version for of in self.promises[one]), default=0) if self.in_order else 0
            change.floor = max(promised, self._last.get((journal, one), 0))
            self.changes.append(change)

    def journaled(
        self,
        journal: str,
        changes: Mapping[str, Change],
        before: Mapping[str, State],
        after: Mapping[str, State],
        is_copy: Callable[[str, int], bool],
    ) -> None:
        """The changes are said to be in the journal, where there were these states before, and these are now.

        is_copy: whether a version of an id is one that a store had already.
        """
        for one, state in after.items():
            change = changes[one]
            if (state.hash, state.deleted) != (change.hash, change.text is None):
                change.overtaken = change.overtaken or state.version > change.floor
                continue  # or nothing was to be done
            if state == before.get(one) and change.text is None:
                continue  # deleted before
            if state != before.get(one) and state.version <= change.floor and not is_copy(one, state.version):
                self.broken.append(("stale", f"{one}: version {state.version} came after {change.floor}"))
            self._versions[one, change.text] = max(self.version_of(one, change.text), state.version)
            self._last[journal, one] = max(self._last.get((journal, one), 0), state.version)
            change.version = state.version

    def answered(self, changes: Mapping[str, Change], outcome: DocumentOutcome) -> None:
        """A writer said what became of one change."""
        change = changes[outcome.id]
        if outcome.outcome is Outcome.UNCHANGED:
            change.version = max(change.version, self._versions.get((change.id, change.text), 0))
        elif outcome.outcome not in (Outcome.CREATED, Outcome.UPDATED, Outcome.DELETED, Outcome.PENDING):
            return
        if not change.version and change.overtaken:
            self._overtaken.add(change.id)
            return
        if not change.version:
            self.broken.append(("lost", f"{change.id}: {outcome.outcome}, but it was not in the journal"))
        self.promises[change.id].append(Promise(change.version, change.text))

    def promised(self, document_id: str) -> Promise | None:
        """The newest promise on an id of what can be taken; none where it was not brought back after later changes."""
        kept = [one for one in self.promises[document_id] if not is_poison(one.text)]
        newest = max(kept, key=lambda one: one.version, default=None)
        if newest is None:
            return None
        bad = (change.version for change in self.changes if change.id == document_id and is_poison(change.text))
        brought_back = self.brings_back and document_id not in self._overtaken
        return newest if sum(version >= newest.version for version in bad) <= brought_back else None

    def version_of(self, document_id: str, text: str | None) -> int:
        """The version at which a text, or a deletion, was last journaled; 0 where it never was."""
        return self._versions.get((document_id, text), 0)


def is_poison(text: str | None) -> bool:
    """Whether a store with a mapping will never take it."""
    return text is not None and text.startswith(POISON)
