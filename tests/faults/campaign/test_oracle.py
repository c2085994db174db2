"""The oracle's own verdicts, on histories and stores made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.faults.campaign.content import vectors
from tests.faults.campaign.history import History
from tests.faults.campaign.oracle import Copy, judge

ONE, TWO, THREE = (Copy(10 * number, f"h{number}", number) for number in (1, 2, 3))
GONE = Copy(90, "", None)


def history(*steps: tuple[str, int, str]) -> History:
    """Of document "a". steps: kind, number, and the outcome, "" where nobody knows it."""
    made = History()
    for kind, number, outcome in steps:
        made.take({"plan": [["a", number, kind]]})
        made.take({"done": {"a": outcome}} if outcome else {"unknown": "StoreTimeout"})
    return made


def found(past: History, redis: Copy | None, elasticsearch: Copy | None) -> list[str]:
    there = [{"a": copy} if copy else {} for copy in (redis, elasticsearch)]
    searchable = int(redis is not None and redis.number is not None)
    return [one.kind for one in judge(past, there[0], there[1], searchable).findings]


PUT = ("put", 1, "created")
AGAIN = ("put", 2, "updated")
DELETED = ("delete", 2, "deleted")
PERHAPS = ("put", 2, "")


@pytest.mark.parametrize(
    ("steps", "redis", "elasticsearch", "kinds"),
    [
        ([], None, None, []),
        ([], ONE, ONE, ["dirty", "dirty"]),
        ([PUT], ONE, ONE, []),
        ([PUT], None, None, ["lost"]),
        ([PUT], GONE, None, ["lost"]),
        ([PUT], ONE, None, ["some_lost"]),
        ([PUT], GONE, ONE, ["some_lost"]),
        ([PUT], TWO, ONE, ["dirty"]),
        ([PUT, AGAIN], TWO, TWO, []),
        ([PUT, AGAIN], ONE, TWO, ["stale"]),
        ([PUT, PERHAPS], ONE, ONE, []),
        ([PUT, PERHAPS], TWO, TWO, []),
        ([PUT, PERHAPS], ONE, TWO, ["torn"]),
        ([PUT, PERHAPS], None, None, ["lost"]),
        ([PUT, DELETED], GONE, None, []),
        ([PUT, DELETED], None, GONE, []),
        ([PUT, DELETED], ONE, GONE, ["resurrected"]),
        ([PUT, DELETED, ("put", 3, "")], THREE, GONE, ["torn"]),
        ([PUT, ("delete", 2, "")], GONE, GONE, []),
        ([PUT, ("delete", 2, "")], GONE, ONE, ["torn"]),
        ([PUT, ("put", 2, "superseded")], TWO, TWO, []),
        ([PUT, ("put", 2, "rejected")], TWO, TWO, ["dirty", "dirty"]),
        ([PUT, ("poison", 2, "pending")], ONE, ONE, []),
        ([PUT, ("poison", 2, "pending")], TWO, ONE, ["dirty"]),
        ([PUT], replace(ONE, whole=False), ONE, ["undead_vector"]),
        ([PUT], replace(ONE, version=11), ONE, ["torn"]),
    ],
)
def test_what_is_found(
    steps: list[tuple[str, int, str]], redis: Copy | None, elasticsearch: Copy | None, kinds: list[str]
) -> None:
    assert found(history(*steps), redis, elasticsearch) == kinds


def test_what_was_seen_may_not_go_again() -> None:
    past = history(PUT, PERHAPS)
    past.saw("a", 2)
    assert found(past, None, None) == ["dirty"]
    assert found(past, ONE, ONE) == ["stale", "stale"]
    assert found(past, TWO, TWO) == []


def test_what_was_settled_cannot_be_otherwise_later() -> None:
    past = history(PUT, PERHAPS)
    assert found(past, ONE, ONE) == []
    assert found(past, TWO, TWO) == ["dirty", "dirty"]


def test_documents_that_redis_holds_and_does_not_find_are_lost_to_searches() -> None:
    assert [one.kind for one in judge(history(PUT), {"a": ONE}, {"a": ONE}, 0).findings] == ["some_lost"]


def test_text_and_vectors_of_another_version_are_told() -> None:
    source = {"number": 1, "text": "document a in version number 1"}
    assert Copy.of("a", 10, "h", source, vectors("a", 1)).whole
    assert not Copy.of("a", 10, "h", source, vectors("a", 4)).whole  # as many, but others
    assert not Copy.of("a", 10, "h", source, vectors("a", 1)[:1]).whole
    assert not Copy.of("a", 10, "h", source | {"text": "document a in version number 2"}, vectors("a", 1)).whole
