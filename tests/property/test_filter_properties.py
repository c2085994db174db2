"""Whatever is typed as a filter is read or refused with a place in it; whatever tree is written reads as itself."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid import filters
from hybrid.errors import FilterError
from hybrid.filters.meaning import matches
from hybrid.filters.tree import Not
from tests.contract import filtering

COLLECTION = filtering.collection("c", 4)
RECORDS = filtering.records(COLLECTION, 4)
FACTS = {record.id: filtering.facts_of(COLLECTION, record) for record in RECORDS}
PIECES = [
    "f0",
    "f1",
    "=",
    "<",
    ">=",
    "!=",
    "IN",
    "[",
    "]",
    "(",
    ")",
    ",",
    "AND",
    "or",
    "NOT",
    "exists",
    '"',
    "'",
    "\\",
    "5",
]
PIECES += ["1e9", "-", "2024-01-01", "true", '"a b"', "`", " ", "\n", "한", "\0", "🎧", "{", "|", "@"]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map(" ".join) | st.text(max_size=60))
@settings(max_examples=500)
def test_any_text_is_read_or_refused_within_it(text: str) -> None:
    place = _place_of_fault(text)
    assert place is None or 0 <= place <= len(text)


def _place_of_fault(text: str) -> int | None:
    """Where a filter is wrong, -1 where that is not said; None where it is right."""
    try:
        filters.read(text, COLLECTION.schema)
    except FilterError as error:
        return -1 if error.position is None else error.position
    return None


@pytest.mark.parametrize("seed", range(5))
def test_a_tree_reads_as_itself_and_means_the_same(seed: int) -> None:
    random = Random(seed)
    for _ in range(200):
        tree = filtering.tree(COLLECTION, list(FACTS), random)
        expected = {one for one, facts in FACTS.items() if matches(tree, facts)}
        for written in (filters.show(tree), filters.to_json(tree)):
            again = filters.read(written, COLLECTION.schema)
            assert again is not None
            assert {one for one, facts in FACTS.items() if matches(again, facts)} == expected
        read = filters.read(filters.show(tree), COLLECTION.schema)
        assert read is not None
        assert filters.read(filters.show(read), COLLECTION.schema) == read
        assert {one for one, facts in FACTS.items() if matches(Not(tree), facts)} == FACTS.keys() - expected
