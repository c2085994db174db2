"""A campaign that finds nothing is worth something only where it finds the bugs that are there."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.faults.simulation.canaries import CANARIES, catch


@pytest.fixture(autouse=True)
def no_log() -> Iterator[None]:
    """Keeping a hundred thousand warnings takes longer than all else."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("bug", CANARIES)
def test_a_planted_bug_is_caught(bug: str) -> None:
    caught = catch(bug)
    print(caught)
    assert caught.schedules is not None
