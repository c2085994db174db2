"""What is wrong, since when, and what is to be done? The troubles of a collection, the worst first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hybrid.model import Json

LATE_S = 60.0
"""Seconds after which a change that a store is owed is late."""

_KEEPS = "Nothing is lost: changes wait in the journal, and are written when it answers."


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong. key: what it is, the same as long as it lasts. since: seconds since 1970."""

    key: str
    what: str
    do: str
    since: float | None = None

    def to_dict(self) -> dict[str, Json]:
        """The trouble as JSON."""
        return asdict(self)


@dataclass(slots=True)
class Watch:
    """What this server saw until now: when each trouble first showed, and how the last check ended."""

    first: dict[str, float] = field(default_factory=dict)
    checked: dict[str, Any] | None = None

    def since(self, troubles: list[Trouble], now: float) -> list[Trouble]:
        """The troubles with the time since when; those that are over are forgotten."""
        self.first = {one.key: self.first.get(one.key, now) for one in troubles}
        return [one if one.since else replace(one, since=self.first[one.key]) for one in troubles]


def troubles(status: Mapping[str, Any], ping: Mapping[str, str], checked: Mapping[str, Any] | None) -> list[Trouble]:
    """What is wrong by the engine's `status` and `ping`, and by the last check of the stores; the worst first."""
    return [
        *_journal(status, ping),
        *_stores(status, ping),
        *_debts(status["journal"]),
        *_counts(status),
        *_drift(checked),
        *_warnings(status),
    ]


def _journal(status: Mapping[str, Any], ping: Mapping[str, str]) -> Iterator[Trouble]:
    if ping.get("journal", "ok") != "ok" or "error" in status["journal"]:
        yield Trouble(
            "journal",
            "The journal cannot be written, so no change is taken.",
            "Free space on the disk of the data folder, and check that this user may write there. The log says more.",
        )


def _stores(status: Mapping[str, Any], ping: Mapping[str, str]) -> Iterator[Trouble]:
    down = [name for name, of in status["stores"].items() if "error" in of or ping.get(name, "ok") != "ok"]
    for name in down:
        store = status["stores"][name]["store"]
        what = f"The {name} store ({store}) does not answer."
        if len(down) == len(status["stores"]):
            yield Trouble(f"store {name}", what, f"No search is answered. Start {store}, and read its log. {_KEEPS}")
        else:
            other = "meaning alone" if name == "text" else "words alone"
            do = f"Searches are answered by {other}. Start {store}, and read its log. {_KEEPS}"
            yield Trouble(f"store {name}", what, do)
    for name, of in status["circuits"].items():
        if of["circuit"] != "closed" and name not in down:
            yield Trouble(
                f"circuit {name}",
                f"The {name} store is left alone after {of['failures']} failures in a row.",
                f"It is asked again in {of['retry_in_s']:.0f} s. Where that goes on, read the store's log.",
            )


def _debts(journal: Mapping[str, Any]) -> Iterator[Trouble]:
    if journal.get("dead"):
        yield Trouble(
            "dead",
            f"{_changes(journal['dead'])} will never be taken by a store.",
            "hybrid status names them, and why. Correct these documents and send them again.",
        )
    for name, count in journal.get("owed", {}).items():
        if count and journal["oldest_s"] > LATE_S:
            yield Trouble(
                f"owed {name}",
                f"The {name} store is owed {_changes(count)}.",
                "They are written when it answers; where it does already, pay them now with: hybrid flush",
                time.time() - journal["oldest_s"],
            )


def _counts(status: Mapping[str, Any]) -> Iterator[Trouble]:
    counts = {name: of["documents"] for name, of in status["stores"].items() if "documents" in of}
    if len(set(counts.values())) > 1 and not any(status["journal"].get("owed", {}).values()):
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        yield Trouble(
            "counts", f"The stores hold different numbers of documents: {told}.", "Compare the stores, below."
        )


def _drift(checked: Mapping[str, Any] | None) -> Iterator[Trouble]:
    differ = sum(checked["counts"].values()) - checked["repaired"] if checked else 0
    if checked and differ > 0:
        what = f"The stores disagree about {differ} {'document' if differ == 1 else 'documents'}."
        yield Trouble("drift", what, "Look at what differs, below, then repair it.", checked["at"])


def _warnings(status: Mapping[str, Any]) -> Iterator[Trouble]:
    for name, of in status["stores"].items():
        for warning in of.get("warnings", ()):
            yield Trouble(
                f"warning {name} {warning}", f"{of['store']}: {warning}", "The store's own documentation tells."
            )


def _changes(count: int) -> str:
    return f"{count} {'change' if count == 1 else 'changes'}"
