"""What is told of a campaign: a closing line, and the figures behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import median

from hybrid.indexing.failpoints import POINTS
from tests.faults.campaign.oracle import FINDINGS
from tests.faults.campaign.rounds import FLOOR, Tally


def unreached(tally: Tally) -> list[str]:
    """Failpoints that no writer came to: nothing is known of them."""
    return [point for point in POINTS if not tally.reached[point]]


def closing(tally: Tally) -> str:
    """The last line: kills, what was found, and the largest chance of a loss that would still be 95 % sure to show."""
    kills = sum(tally.kills.values())
    by = ", ".join(f"{who} {count}" for who, count in sorted(tally.kills.items()))
    counts = {kind: sum(one.kind == kind for one in tally.findings) for kind in FINDINGS}
    others = Counter(one.kind for one in tally.findings if one.kind not in FINDINGS)
    found = _listed(counts | others)
    bound = f"{3 / kills:.2%}" if kills and not tally.findings else "none"
    return f"kills {kills} ({by}), {found} (bound 3/N: {bound})"


def details(tally: Tally, disk: str, took_s: float) -> str:
    """Some lines: rates, times, failpoints and faults."""
    rates, paid = sorted(tally.rates) or [0.0], sorted(tally.paid_s) or [0.0]
    points = {one: f"{tally.reached[one]}/{tally.died_at[one]}" for one in POINTS}
    lines = [
        f"{took_s:.0f} s, {len(tally.rates)} rounds that count, {tally.slow} that do not (below {FLOOR:g} operations/s "
        f"before the first fault); rate before the first fault: median {median(rates):.0f}, least {rates[0]:.0f}",
        f"{tally.operations} operations acknowledged; "
        f"{tally.checks} checks of both stores, {tally.documents} documents compared; until all was paid and repaired: "
        f"median {median(paid):.1f} s, most {paid[-1]:.1f} s",
        f"failpoints, reached/died there: {_listed(points)}; at a random moment: {tally.died_at['a random moment']}",
        f"faults: {_listed(dict(sorted(tally.faults.items())))}",
        f"calls that nobody knows the outcome of: {_listed(dict(tally.unknown))}; full disk: {disk}",
    ]
    missing = unreached(tally)
    return "\n".join([*lines, f"never reached: {', '.join(missing)}"] if missing else lines)


def _listed(counts: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
