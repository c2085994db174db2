"""Ratings leave and come back byte for byte, and what is wrong with a file is told by its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybrid.errors import InputError
from hybrid.evaluation import exchange
from hybrid.evaluation.rated import AGREED, Rating, Ratings, counted, differing, per_query

HOSTILE = [
    Rating("=1+1", "'=2", "anna", 3),
    Rating("a", "0", "0", 1),
    Rating("조용한 노트북", "가 나", "김 판사", 0),
    Rating('say "hi", \r\n\tthen\r', 'id "quoted", 50%', "", -2),
    Rating("a%20b", "%", "'", 1000),
    Rating("\u2028 \u00a0x\ufeff", " lead and trail ", "x\ny", None),
    Rating("</script><b>", "a\u0085b", "bob", 2),
]


def again(ratings: list[Rating], form: str) -> bytes:
    first = exchange.written(ratings, form)
    rows, faults = exchange.read(first, form)
    assert faults == []
    kept = Ratings(None)
    kept.rate(row.rating for row in rows)
    assert [one for one in kept.all() if form != "trec" or one.grade is not None] == sorted_of(ratings, form)
    said = exchange.written(kept.all(), form)
    kept.close()
    assert said == first
    return first


def sorted_of(ratings: list[Rating], form: str) -> list[Rating]:
    return [one for one in ratings if form != "trec" or one.grade is not None]


@pytest.mark.parametrize("form", list(exchange.FORMS))
def test_what_was_exported_and_imported_is_exported_byte_for_byte(form: str) -> None:
    kept = Ratings(None)
    kept.rate(HOSTILE)
    body = again(kept.all(), form)
    kept.close()
    assert "가".encode() in body


_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
_query = _text.filter(lambda one: one.strip())
_id = _text.filter(lambda one: min(one) >= " ")


@given(
    st.lists(
        st.builds(Rating, _query, _id, _text, st.integers(-1000, 1000)),
        unique_by=lambda r: (r.query, r.document, r.judge),
    )
)
def test_any_ratings_come_back(ratings: list[Rating]) -> None:
    kept = sorted(ratings, key=lambda one: (one.query, one.document, one.judge))
    for form in exchange.FORMS:
        again(kept, form)


def test_the_three_forms_are_these() -> None:
    rated = [Rating("red lamp", "a", "anna", 2), Rating("red lamp", "b", "anna", None)]
    assert exchange.written(rated, "csv") == (b"query,id,grade,judge\r\nred lamp,a,2,anna\r\nred lamp,b,,anna\r\n")
    assert exchange.written(rated, "trec") == b"red%20lamp anna a 2\n"
    assert exchange.written(rated, "json") == (
        b'[\n{"query":"red lamp","id":"a","grade":2,"judge":"anna"},'
        b'\n{"query":"red lamp","id":"b","grade":null,"judge":"anna"}\n]\n'
    )


def test_each_line_that_is_wrong_is_named() -> None:
    body = b'query,id,grade,judge\nq,a,1,x\nq,b,high,x\n,c,1,x\nq,d\nq,e,1001,x\n\nq,f,2.0,x\nq,"cut'
    rows, faults = exchange.read(body, "csv")
    assert [(row.line, row.rating.document, row.rating.grade) for row in rows] == [(2, "a", 1), (8, "f", 2)]
    assert [one.line for one in faults] == [3, 4, 5, 6, 9]
    assert [one.line for one in exchange.read(b"q 0 a 1\nq 0 a\nq 0 b x\n", "trec")[1]] == [2, 3]
    assert [
        one.line for one in exchange.read(b'[\n{"query":"q","id":"a","grade":1},\n{"query":1,"id":"a"}\n]', "json")[1]
    ] == [3]
    for form, cut in (
        ("json", b'[\n{"query":"q","id'),
        ("csv", b"query,grade\nq,1\n"),
        ("csv", b"query,id,grade\n\xff"),
    ):
        with pytest.raises(InputError, match=r"line [12]"):
            exchange.read(cut, form)


def test_an_import_says_what_it_would_do_before_it_does_it() -> None:
    there = [Rating("q", "a", "x", 1), Rating("q", "b", "x", 1)]
    body = b"query,id,grade,judge\nq,a,3,x\nq,b,1,x\nq,a,0,y\nq,nowhere,1,x\nstrange,a,1,x\nq,a,2,x\nq,c,,\n"
    plan = exchange.planned(body, "csv", there, {"a", "b", "c"}.intersection, {"q"})
    assert [(row.line, old) for row, old in plan.differ] == [(2, 1)]
    assert [row.line for row in plan.no_document] == [5]
    assert [row.line for row in plan.no_query] == [6]
    assert [(one.line, one.why) for one in plan.faults] == [(7, "line 2 rates the same query and document")]
    assert plan.blank == 1
    assert not plan.clear
    assert plan.taken(strangers=False, replace=False) == [Rating("q", "b", "x", 1), Rating("q", "a", "y", 0)]
    assert Rating("q", "a", "x", 3) in plan.taken(strangers=False, replace=True)
    assert len(plan.taken(strangers=True, replace=True)) == 5
    assert exchange.planned(b"q 0 a 1\n", "trec", [], {"a"}.intersection, set()).clear


def test_of_several_judges_none_is_overwritten_and_a_choice_counts(tmp_path: Path) -> None:
    kept = Ratings(tmp_path / "new" / "ratings.sqlite")
    kept.rate([Rating("q", "a", "anna", 3), Rating("q", "a", "bob", 0), Rating("q", "b", "bob", None)])
    kept.close()
    kept = Ratings(tmp_path / "new" / "ratings.sqlite")
    assert differing(kept.all()) == {("q", "a"): {"anna": 3, "bob": 0}}
    assert counted(kept.all()) == {"q": {"a": 0}}  # the lower of two
    assert per_query(kept.all()) == {"q": 2}
    kept.rate([Rating("q", "a", AGREED, 2)])
    assert (differing(kept.all()), counted(kept.all())) == ({}, {"q": {"a": 2}})
    kept.take_back("q", "a", AGREED)
    assert kept.all("q") == [Rating("q", "a", "anna", 3), Rating("q", "a", "bob", 0), Rating("q", "b", "bob", None)]
    kept.close()


def test_where_ratings_cannot_be_kept_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be kept"):
        Ratings(tmp_path / "file" / "ratings.sqlite").all()
