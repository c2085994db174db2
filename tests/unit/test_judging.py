"""Judging: pools that say nothing of who found what, ratings and clicks worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import hybrid
from hybrid.cli import cli
from hybrid.evaluation import judging
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


def test_of_several_ratings_the_middle_one_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.write_text("query,id,grade,text\nq,a,3,x\nq,b,1,x\nq,c,,x\n")
    second.write_text("query,id,grade\nq,a,1\nq,b,1\n")
    read = judging.ratings([first, second])
    assert read.judgements == {"q": {"a": 1, "b": 1}}
    assert read.notes == (
        "1 rows have no grade",
        "2 pairs were rated more than once, 1 of them differently; the middle counts",
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
    assert read.notes == ("1 pairs were shown fewer than 10 times",)


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
    assert made.stdout == "1 judgements of 1 queries: judged.csv\n"
    assert Path("judged.csv").read_text() == "query,id,grade\nlaptop,1,2\n"
