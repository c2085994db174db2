"""Cursors: an answer goes on where it was, for ten minutes, and by nobody's own making."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hybrid
from hybrid.errors import CursorError, CursorGone
from hybrid.pages import KEPT_S, MOST_KEPT, Pages
from tests.embedders import HashedWords


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_cursor_gives_back_its_answer_and_place() -> None:
    pages: Pages[str] = Pages()
    key = pages.keep("answer", 3)
    assert pages.find(pages.cursor(key, 20)) == (key, "answer", 20)
    assert pages.find(pages.cursor(key, 0)) == (key, "answer", 0)


def test_an_answer_is_kept_for_ten_minutes() -> None:
    clock = Clock()
    pages: Pages[str] = Pages(clock)
    cursor = pages.cursor(pages.keep("answer", 1), 1)
    clock.now = KEPT_S
    assert pages.find(cursor)[1] == "answer"
    clock.now = KEPT_S + 1
    with pytest.raises(CursorGone, match=r"not kept any more.*10 minutes at most.*Search again"):
        pages.find(cursor)


def test_what_was_read_last_is_kept_longest_when_there_is_no_more_room() -> None:
    pages: Pages[int] = Pages()
    cursors = [pages.cursor(pages.keep(number, MOST_KEPT // 4), 0) for number in range(4)]
    pages.find(cursors[0])
    pages.keep(4, MOST_KEPT // 4)
    assert pages.find(cursors[0])[1] == 0
    with pytest.raises(CursorGone):
        pages.find(cursors[1])
    assert pages.find(cursors[2])[1] == 2


def test_an_answer_larger_than_all_room_is_kept_all_the_same() -> None:
    pages: Pages[str] = Pages()
    assert pages.find(pages.cursor(pages.keep("huge", 2 * MOST_KEPT), 0))[1] == "huge"


def test_what_a_request_says_takes_room_too() -> None:
    """Else requests with filters of megabytes would be kept by the thousand."""
    large = {"not": {"field": "id", "op": "in", "value": [f"{number:04000}" for number in range(1000)]}}
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put({"id": str(number), "title": "lamp"} for number in range(3))
        first = engine.search("lamp", limit=1).next_cursor
        for _ in range(MOST_KEPT // 40_000):
            assert engine.search("lamp", filter=large, limit=1).next_cursor
        with pytest.raises(CursorGone):
            engine.search(cursor=first)


@pytest.mark.parametrize(
    "cursor", ["", "x", "한국어", "=" * 40, "A" * 37, "A" * 40, urlsafe_b64encode(b"a" * 29).decode()]
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(CursorError, match="was not made by this engine, or was changed"):
        Pages[str]().find(cursor)


def test_a_cursor_of_another_engine_is_refused() -> None:
    pages: Pages[str] = Pages()
    with pytest.raises(CursorError):
        Pages[str]().find(pages.cursor(pages.keep("answer", 1), 1))


@given(place=st.integers(0, 27), change=st.integers(1, 255))
def test_a_cursor_with_any_byte_changed_is_refused(place: int, change: int) -> None:
    pages: Pages[str] = Pages()
    raw = bytearray(urlsafe_b64decode(pages.cursor(pages.keep("answer", 1), 1)))
    raw[place] ^= change
    with pytest.raises(CursorError):
        pages.find(urlsafe_b64encode(bytes(raw)).decode())
