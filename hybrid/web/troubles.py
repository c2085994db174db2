"""What is wrong, since when, and what is to be done? The troubles of a collection, the worst first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hybrid.model import Json
from hybrid.web.saying import IN_ENGLISH, Say

LATE_S = 60.0
"""Seconds after which a change that a store is owed is late."""


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
        first = {one.key: self.first.get(one.key, now) for one in troubles}
        self.first = first  # which others who look may have replaced before the next line
        return [one if one.since else replace(one, since=first[one.key]) for one in troubles]


def troubles(
    status: Mapping[str, Any], ping: Mapping[str, str], checked: Mapping[str, Any] | None, say: Say = IN_ENGLISH
) -> list[Trouble]:
    """What is wrong by the engine's `status` and `ping`, and by the last check of the stores; the worst first."""
    return [
        *_journal(status, ping, say),
        *_stores(status, ping, say),
        *_debts(status["journal"], say),
        *_counts(status, say),
        *_drift(checked, say),
        *_warnings(status, say),
    ]


def _journal(status: Mapping[str, Any], ping: Mapping[str, str], say: Say) -> Iterator[Trouble]:
    if ping.get("journal", "ok") != "ok" or "error" in status["journal"]:
        yield Trouble("journal", say.text("no_journal"), say.text("do_no_journal"))


def _stores(status: Mapping[str, Any], ping: Mapping[str, str], say: Say) -> Iterator[Trouble]:
    odd = [name for name, of in status["stores"].items() if "error" in of and ping.get(name) == "ok"]
    down = [name for name, of in status["stores"].items() if "error" in of or ping.get(name, "ok") != "ok"]
    for name in odd:
        what = say.text("store_odd", name=say.strings.name(name), store=status["stores"][name]["store"])
        yield Trouble(f"odd {name}", what, say.text("do_store_odd"))
    for name in (one for one in down if one not in odd):
        store = status["stores"][name]["store"]
        key = "do_all_down" if len(down) == len(status["stores"]) else f"do_{name}_down"
        do = say.text(key, store=store, kept=say.text("nothing_lost"))
        yield Trouble(f"store {name}", say.text("store_down", name=say.strings.name(name), store=store), do)
    for name, of in status["circuits"].items():
        if of["circuit"] != "closed" and name not in down:
            yield Trouble(
                f"circuit {name}",
                say.text("circuit_is_open", name=say.strings.name(name), count=of["failures"]),
                say.text("do_circuit_is_open", seconds=f"{of['retry_in_s']:.0f}"),
            )


def _debts(journal: Mapping[str, Any], say: Say) -> Iterator[Trouble]:
    if journal.get("dead"):
        yield Trouble("dead", say.text("dead", count=journal["dead"]), say.text("do_dead"))
    for name, count in journal.get("owed", {}).items():
        if count and journal["oldest_s"] > LATE_S:
            what = say.text("owed", name=say.strings.name(name), count=count)
            yield Trouble(f"owed {name}", what, say.text("do_owed"), time.time() - journal["oldest_s"])


def _counts(status: Mapping[str, Any], say: Say) -> Iterator[Trouble]:
    counts = {name: of["documents"] for name, of in status["stores"].items() if "documents" in of}
    if len(set(counts.values())) > 1 and not any(status["journal"].get("owed", {}).values()):
        told = ", ".join(f"{say.strings.name(name)} {count}" for name, count in counts.items())
        yield Trouble("counts", say.text("counts_differ", told=told), say.text("do_counts_differ"))


def _drift(checked: Mapping[str, Any] | None, say: Say) -> Iterator[Trouble]:
    differ = sum(checked["counts"].values()) - checked["repaired"] if checked else 0
    if checked and differ > 0:
        yield Trouble("drift", say.text("drift", count=differ), say.text("do_drift"), checked["at"])


def _warnings(status: Mapping[str, Any], say: Say) -> Iterator[Trouble]:
    for name, of in status["stores"].items():
        for warning in of.get("warnings", ()):
            yield Trouble(f"warning {name} {warning}", f"{of['store']}: {warning}", say.text("do_warning"))
