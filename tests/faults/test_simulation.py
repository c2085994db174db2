"""Whatever goes wrong, in whatever order: when all is well again, nothing is lost, torn, stale or resurrected."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.faults.simulation.campaign import Campaign, run_many
from tests.faults.simulation.schedule import run

SCHEDULES = 500


@pytest.fixture(autouse=True)
def no_log() -> Iterator[None]:
    """Keeping a hundred thousand warnings takes longer than all else."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_every_promise_is_kept_in_every_schedule() -> None:
    campaign = run_many(range(SCHEDULES))
    print(f"seeds 0 to {SCHEDULES - 1}", campaign.report(), campaign.verdict(), sep="\n")
    assert campaign.passed, f"{campaign.report()}\n{campaign.verdict()}"


def test_the_same_seed_gives_the_same_run() -> None:
    first, again = run(7), run(7)
    assert (first.trace, first.faults, first.reached) == (again.trace, again.faults, again.reached)
    assert first.trace != run(8).trace


def test_a_campaign_that_tried_nothing_has_not_passed() -> None:
    empty = Campaign()
    assert not empty.passed
    assert {"journal.before", "crash", "wiped"} <= set(empty.never_happened)
