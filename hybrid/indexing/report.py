"""What became of a whole write? Outcomes folded into one report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping

from hybrid.model import DocumentOutcome, Outcome, WriteReport

MOST_PROBLEMS = 100


def fold(outcomes: Iterable[DocumentOutcome], started: float) -> WriteReport:
    """The report of the outcomes. started: `time.perf_counter()` when the write began."""
    counts: Counter[Outcome] = Counter()
    problems: list[DocumentOutcome] = []
    for outcome in outcomes:
        counts[outcome.outcome] += 1
        if outcome.outcome in (Outcome.REJECTED, Outcome.PENDING) and len(problems) < MOST_PROBLEMS:
            problems.append(outcome)
    return WriteReport(dict(counts), tuple(problems), (), time.perf_counter() - started)


def note_of_unknown(fields: Mapping[str, int]) -> tuple[str, ...]:
    """A sentence on the fields that are stored but not in the schema; nothing where there are none."""
    if not fields:
        return ()
    named = ", ".join(f"{name} ({count})" for name, count in sorted(fields.items())[:20])
    return (
        f"these fields are not in the collection's schema, so they are stored and shown but not searched: {named} "
        "(in brackets: documents). To search them too: hybrid reindex",
    )
