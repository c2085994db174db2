"""Of records that are written part by part, what fails is refused, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from hybrid.errors import StoreError, StoreFull, StoreUnavailable
from hybrid.model import WriteOutcome, Wrote
from hybrid.stores.base import written

FULL = StoreFull("redis", "no room")
GONE = StoreUnavailable("redis", "gone")
TAKEN = WriteOutcome(Wrote.WRITTEN)

Said = WriteOutcome | StoreError
Write = Callable[[Mapping[str, Said]], Mapping[str, Said]]


def just(part: Mapping[str, Said]) -> Mapping[str, Said]:
    """Says of each record what the test says; a part with GONE in it is not answered."""
    if GONE in part.values():
        raise GONE
    return part


def test_nothing_is_written_where_there_is_nothing() -> None:
    assert written([], just) == {}


def test_a_record_that_fails_alone_is_refused_with_the_reason() -> None:
    parts = [{"a": TAKEN, "b": FULL}, {"c": WriteOutcome(Wrote.REJECTED, "bad"), "d": WriteOutcome(Wrote.SUPERSEDED)}]
    assert written(parts, just) == {
        "a": TAKEN,
        "b": WriteOutcome(Wrote.REFUSED, str(FULL)),
        "c": WriteOutcome(Wrote.REJECTED, "bad"),
        "d": WriteOutcome(Wrote.SUPERSEDED),
    }


def test_a_part_that_fails_is_refused_with_all_after_it_which_are_not_tried() -> None:
    asked: list[str] = []

    def write(part: Mapping[str, Said]) -> Mapping[str, Said]:
        asked.extend(part)
        return just(part)

    refused = WriteOutcome(Wrote.REFUSED, str(GONE))
    assert written([{"a": TAKEN}, {"b": GONE, "c": TAKEN}, {"d": TAKEN}], write) == {
        "a": TAKEN,
        "b": refused,
        "c": refused,
        "d": refused,
    }
    assert asked == ["a", "b", "c"]


@pytest.mark.parametrize("parts", [[{"a": FULL}, {"b": GONE}], [{"a": FULL, "b": FULL}]])
def test_where_nothing_is_taken_the_first_error_is_raised(parts: list[dict[str, Said]]) -> None:
    with pytest.raises(StoreFull) as caught:
        written(parts, just)
    assert caught.value is FULL
