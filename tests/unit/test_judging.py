"""Judging: pools that say nothing of who found what, ratings and clicks worked out by hand."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import hybrid
from hybrid.cli import cli
from hybrid.errors import InputError
from hybrid.evaluation import datasets, judging, tables
from tests.contract import shop
from tests.embedders import HashedWords


@pytest.fixture(scope="module")
def engine() -> Iterator[hybrid.Engine]:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put(shop.documents())
        yield engine


def test_a_pool_has_what_any_method_found_and_says_nothing_of_ranks(engine: hybrid.Engine, tmp_path: Path) -> None:
    pairs = judging.pooled(engine, ["silent notebook"], 5, {"silent notebook": {"e-001": 3}})
    ids = [one for _, one in pairs]
    for options in ({"retrievers": ["text"]}, {"retrievers": ["vector"]}, {"fusion": "rrf"}, {"fusion": "combmnz"}):
        assert set(engine.search("silent notebook", limit=5, **options).ids) - {"e-001"} <= set(ids)
    assert "e-001" not in ids
    count = judging.write_pool(engine, pairs, tmp_path / "pool.csv")
    lines = (tmp_path / "pool.csv").read_text().splitlines()
    assert (lines[0], len(lines)) == ("query,id,grade,text", count + 1)


def test_a_page_of_nothing_is_refused(engine: hybrid.Engine) -> None:
    with pytest.raises(InputError, match="there is nothing to rate"):
        judging.rating_page(engine, [])


def test_of_several_ratings_the_middle_one_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("query,id,grade,text\nq,a,3,x\nq,b,1,x\nq,c,,x\n")
    second.write_text("query,id,grade\nq,a,1\nq,b,1\n")
    read = judging.ratings([first, second])
    assert read.judgements == {"q": {"a": 1, "b": 1}}
    assert read.notes == (
        "1 row without a grade not taken",
        "2 pairs rated more than once, 1 of them differently; the middle counts",
    )


def test_clicks_are_held_against_those_that_their_ranks_get(tmp_path: Path) -> None:
    rows = ["query,id,rank,clicked"]
    rows += [f"q,top,1,{int(number < 10)}" for number in range(20)]  # half of the showings at rank 1
    rows += [f"q,low,2,{int(number < 8)}" for number in range(10)]
    rows += ["q,never,2,0"] * 10
    rows += ["q,rare,3,1"]
    (tmp_path / "log.csv").write_text("\n".join(rows))
    read = judging.clicks(tmp_path / "log.csv")
    # rank 1 gets 1/2, rank 2 8/20: top 10 of 10 expected, low 8 of 4, never 0
    assert read.judgements == {"q": {"top": 2, "low": 3, "never": 0}}
    assert read.notes == ("1 pair shown fewer than 10 times not taken",)


def test_what_was_never_shown_often_enough_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("query,id,rank,clicked\n" + "q,a,1,1\n" * 9)
    with pytest.raises(InputError, match="no document was shown 10 times for a query"):
        judging.clicks(tmp_path / "log.csv")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("q,a,0,1", "line 2: the rank is '0'; ranks are whole numbers from 1"),
        ("q,a,1.5,1", "line 2: the rank is '1.5'"),
        ("q,a,1,maybe", "line 2: clicked is 'maybe'; it must be 0 or 1"),
        ("q,,1,1", "line 2: the id is empty"),
        (",a,1,1", "line 2: the query is empty"),
        ("q,a,1", "line 2: 3 cells are too few; query, id, rank, clicked are needed"),
    ],
)
def test_a_row_of_a_click_log_that_cannot_be_is_named(tmp_path: Path, row: str, message: str) -> None:
    (tmp_path / "log.csv").write_text(f"query,id,rank,clicked\n{row}\n")
    with pytest.raises(InputError, match=re.escape(message)):
        judging.clicks(tmp_path / "log.csv")


@given(st.text())
def test_no_cell_is_a_formula_and_each_is_read_back(cell: str) -> None:
    assert not tables.guarded(cell).startswith(("=", "+", "-", "@"))
    assert tables.plain(tables.guarded(cell)) == cell


@pytest.mark.parametrize("cell", ["=1+1", "-5", "@x", "+49", "'=1", "''-5"])
def test_formulas_are_guarded(cell: str) -> None:
    assert tables.guarded(cell) == f"'{cell}"


def test_a_pool_of_hostile_documents_is_read_back_and_runs_nothing(tmp_path: Path) -> None:
    pool, judged = tmp_path / "pool.csv", tmp_path / "judged.csv"
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put([{"id": "=HYPERLINK(1)", "text": '=cmd|"calc", and\nmore'}, {"id": '-5, "b"', "text": "calc"}])
        pairs = judging.pooled(engine, ["+calc"], 5, {})
        assert judging.write_pool(engine, pairs, pool) == 2
        engine.delete(['-5, "b"'])
        assert [text for _, one, text in judging.shown(engine, pairs) if one.startswith("-5")] == [""]
    rows = list(csv.reader(io.StringIO(pool.read_text())))
    assert sorted(rows[1:]) == [
        ["'+calc", '\'-5, "b"', "", "calc"],
        ["'+calc", "'=HYPERLINK(1)", "", '\'=cmd|"calc", and more'],
    ]
    rated = [[*row[:2], str(number), row[3]] for number, row in enumerate(rows[1:], 1)]
    with pool.open("w") as file:
        csv.writer(file).writerows([rows[0], *rated])
    read = judging.ratings([pool])
    assert read.judgements["+calc"].keys() == {"=HYPERLINK(1)", '-5, "b"'}
    judging.write(read.judgements, judged)
    assert datasets.read(judged).judgements == read.judgements


def test_judging_goes_from_queries_to_a_table_that_eval_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYBRID_MODEL", "none")
    documents = [{"id": str(one), "text": f"laptop {one}", "vector": [1.0, float(one)]} for one in range(5)]
    Path("docs.jsonl").write_text("\n".join(map(json.dumps, documents)))
    Path("queries.txt").write_text("laptop\n\nlaptop\n")

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(cli, arguments, catch_exceptions=False)

    assert run("index", "docs.jsonl").exit_code == 0
    with pytest.raises(hybrid.HybridError):  # the model that would embed the queries is none
        run("judge", "pool", "queries.txt", "--out", "pool.csv")
    Path("rated.csv").write_text("query,id,grade\nlaptop,1,2\n")
    made = run("judge", "ratings", "rated.csv", "--out", "judged.csv")
    assert made.stdout == "1 judgement of 1 query: judged.csv\n"
    assert Path("judged.csv").read_text() == "query,id,grade\nlaptop,1,2\n"
