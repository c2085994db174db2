"""Is hybrid helping? Data sets, measures, bootstrap and verdicts, worked out by hand or against plain loops."""

from __future__ import annotations

import gzip
import io
import json
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import hybrid
from hybrid.cli import cli
from hybrid.errors import InputError, MissingExtra
from hybrid.evaluation import datasets, evaluate, pictures, report, tune
from hybrid.evaluation.comparison import DEFAULT, Comparison, chance, compared, over_all, shown, signed
from hybrid.evaluation.datasets import Dataset
from hybrid.evaluation.measures import measured, recall_by_depth
from hybrid.evaluation.retrieval import Kept, kept, present
from hybrid.evaluation.significance import difference, interval
from hybrid.fusion import Column, Fusion
from hybrid.presets import Preset
from tests.contract import shop
from tests.embedders import HashedWords

QRELS = "query-id\tcorpus-id\tscore\n"


def beir(folder: Path, *, zipped: bool = False, qrels: str = QRELS + "q1\ta\t2\nq1\tb\t1\nq2\tb\t1\n") -> Path:
    """A data set of three documents and two queries."""

    def write(path: Path, text: str) -> None:
        if zipped:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(text.encode()))
        else:
            path.write_text(text)

    (folder / "qrels").mkdir(parents=True)
    texts = {"a": "quiet laptop", "b": "desk lamp", "c": "red chair"}
    lines = [json.dumps({"_id": one, "title": "", "text": text}) for one, text in texts.items()]
    write(folder / "corpus.jsonl", "\n".join(lines))
    queries = [
        json.dumps({"_id": one, "text": text}) for one, text in {"q1": "laptop", "q2": "lamp", "q3": "chair"}.items()
    ]
    write(folder / "queries.jsonl", "\n".join(queries))
    write(folder / "qrels" / "test.tsv", qrels)
    return folder


@pytest.mark.parametrize("zipped", [False, True])
def test_a_beir_folder_is_read_plain_or_zipped(tmp_path: Path, zipped: bool) -> None:
    found = datasets.read(beir(tmp_path / "small", zipped=zipped))
    assert (found.name, dict(found.queries)) == ("small", {"q1": "laptop", "q2": "lamp"})
    assert found.judgements == {"q1": {"a": 2, "b": 1}, "q2": {"b": 1}}
    assert found.notes == ("1 query without judgements not asked",)


def test_what_does_not_count_is_counted_and_told(tmp_path: Path) -> None:
    qrels = QRELS + "q1\ta\t1\nq1\tnowhere\t1\nq2\tb\t0\nq9\ta\t1\nq1\ta\t1\n"
    read = datasets.read(beir(tmp_path / "odd", qrels=qrels))
    found = datasets.known(read, {"a", "b", "c"}.intersection)
    assert found.judgements == {"q1": {"a": 1}}
    assert found.notes == (
        "1 judgement came twice for the same query and document; the last one counts",
        "1 query without judgements not asked",
        "1 judgement not counted: no such query (q9)",
        "1 query without a relevant document not counted",
        "all judgements have the grade 1, so documents that nobody judged count as not relevant",
        "1 judgement not counted: no such document (nowhere)",
    )


def test_a_table_of_queries_is_a_data_set_too(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text('query,id,grade\n"quiet, small laptop",a,3\nlamp,b,\nlamp,c,1\n')
    found = datasets.read(table)
    assert found.judgements == {"quiet, small laptop": {"a": 3}, "lamp": {"c": 1}}
    assert found.corpus is None
    assert found.notes == ("1 row without a grade not counted",)


def test_a_frame_of_judgements_is_told_how_it_becomes_a_file() -> None:
    table = pd.DataFrame({"query": ["lamp"], "id": ["a"], "grade": [1]})
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put([{"id": "a", "text": "a lamp"}])
        with pytest.raises(InputError, match=r"not a DataFrame.*to_csv\("):
            evaluate(engine, table)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nothing.csv", None, "there is no data set"),
        ("empty.csv", "", "has no judgements"),
        ("grades.csv", "query,id,grade\nq,a,good\n", "line 2: the grade is 'good'"),
        ("short.csv", "query,id,grade\nq,a\n", "line 2: 2 cells are too few"),
        ("wrong.csv", "query,id,grade\nq,a,0\n", "no query has a relevant document"),
        ("latin.csv", b"query,id,grade\ncaf\xe9,a,1\n", "is not UTF-8"),
    ],
)
def test_a_table_that_cannot_be_read_is_named_by_its_line(
    tmp_path: Path, name: str, content: str | bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=re.escape(message)):
        datasets.read(path)


def test_a_folder_without_judgements_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "queries.jsonl").write_text('{"_id": "1", "text": "a"}\n')
    with pytest.raises(InputError, match=r"has no qrels/test\.tsv"):
        datasets.read(tmp_path)


def test_measures_are_those_worked_out_by_hand() -> None:
    judged = {"q": {"a": 3, "b": 1, "c": 0}, "nothing": {"a": 1}}
    found = measured({"q": ["x", "a", "c", "b"]}, judged)
    ideal = 3 + 1 / math.log2(3)
    assert found["ndcg@10"] == pytest.approx([(3 / math.log2(3) + 1 / math.log2(5)) / ideal, 0])
    assert found["mrr@10"] == pytest.approx([1 / 2, 0])
    assert found["map"] == pytest.approx([(1 / 2 + 2 / 4) / 2, 0])
    assert found["recall@10"] == pytest.approx([1, 0])
    assert recall_by_depth({"q": ["x", "a", "c", "b"]}, {"q": judged["q"]}, 5).tolist() == [0, 0.5, 0.5, 1, 1]


def plain_ndcg(ranking: list[str], grades: dict[str, int]) -> float:
    gains = [grades.get(one, 0) / math.log2(rank + 1) for rank, one in enumerate(ranking[:10], 1)]
    best = [grade / math.log2(rank + 1) for rank, grade in enumerate(sorted(grades.values(), reverse=True)[:10], 1)]
    return sum(gains) / sum(best)


@given(
    st.lists(st.integers(0, 19), unique=True, max_size=20),
    st.dictionaries(st.integers(0, 19), st.integers(0, 3), min_size=1).filter(lambda of: any(of.values())),
)
def test_ndcg_is_that_of_a_plain_loop(ranking: list[int], grades: dict[int, int]) -> None:
    ids, judged = [str(one) for one in ranking], {str(one): grade for one, grade in grades.items()}
    found = measured({"q": ids}, {"q": judged}, ["ndcg@10"])["ndcg@10"][0]
    assert found == pytest.approx(plain_ndcg(ids, judged))


def test_an_interval_holds_the_mean_and_is_the_same_each_time() -> None:
    values = np.random.default_rng(3).random(200)
    of = interval(values)
    assert of.low < of.mean < of.high
    assert of.high - of.low == pytest.approx(2 * 1.96 * values.std() / math.sqrt(200), rel=0.1)
    assert of == interval(values)


def test_what_is_always_better_is_sure_and_what_is_as_often_worse_is_not() -> None:
    base = np.full(50, 0.5)
    sure = difference(base + 0.1, base)
    assert (round(sure.mean, 9), sure.sure) == (0.1, True)
    even = difference(base + np.tile([0.1, -0.1], 25), base)
    assert not even.sure
    assert difference(base, base).p == 1.0


def test_a_sure_difference_is_rare_where_there_is_none() -> None:
    random = np.random.default_rng(20261126)
    print("seed 20261126")
    found = [difference(random.normal(size=40), np.zeros(40)).sure for _ in range(100)]
    assert sum(found) <= 12  # 5 of 100 are meant


def comparison(gain: float, count: int = 40) -> Comparison:
    base = np.linspace(0.2, 0.8, count)
    values = {"text": base, "vector": base - 0.1, "rrf": base + gain / 2, DEFAULT: base + gain}
    names = ("ndcg@10", "mrr@10", "map", "recall@10", "recall@100")
    recall = {name: np.linspace(0, 1, 5) for name in values}
    queries = [f"query <{number}>" for number in range(count)]
    return Comparison("set", queries, {name: dict.fromkeys(names, of) for name, of in values.items()}, recall, ("odd",))


@pytest.mark.parametrize(
    ("gain", "count", "verdict"),
    [
        (0.05, 40, "hybrid helps (+.050, p < .001)"),
        (-0.05, 40, "hybrid does not help (−.050, p < .001): use text only"),
        (0.0, 40, "hybrid makes no sure difference (+.000, p = 1.000): text only does as well"),
        (0.05, 19, "nothing can be said: 19 judged queries, and 20 are the fewest"),
    ],
)
def test_the_verdict_is_a_plain_sentence(gain: float, count: int, verdict: str) -> None:
    assert comparison(gain, count).verdict() == verdict


def test_over_several_sets_each_counts_the_same() -> None:
    found = over_all([comparison(0.1, 100), comparison(-0.1, 20)], DEFAULT, "text")
    assert found.mean == pytest.approx(0.0, abs=1e-12)


def test_numbers_are_written_shortly() -> None:
    assert [shown(0.7368), shown(1.0), signed(0.034), signed(-0.5), chance(0.0342), chance(0.0001)] == [
        *(".737", "1.000", "+.034", "−.500", "p = .034", "p < .001")
    ]


def test_a_page_stands_alone_and_shows_what_it_is_given_as_text() -> None:
    page = pictures.page([comparison(0.05)])
    assert "query &lt;0&gt;" in page
    assert "query <0>" not in page
    assert not re.search(r"<script|src=|href=|url\(", page)
    assert page.count("<svg") == 3
    assert "hybrid helps (+.050, p &lt; .001)" in page


@pytest.fixture(scope="module")
def engine() -> Iterator[hybrid.Engine]:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put(shop.documents())
        yield engine


def judged_shop() -> Dataset:
    judgements: dict[str, dict[str, int]] = {}
    for line in (shop.FIXTURES / "qrels.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")[-3:]
        judgements.setdefault(query, {})[document] = int(grade)
    rows = [json.loads(line) for line in (shop.FIXTURES / "queries.jsonl").read_text().splitlines()]
    texts = {str(row.get("_id", row.get("id"))): row["text"] for row in rows}
    good = {query: of for query, of in judgements.items() if query in texts and any(of.values())}
    return Dataset("shop", {query: texts[query] for query in good}, good)


def test_what_is_measured_is_what_a_search_answers(engine: hybrid.Engine) -> None:
    dataset = judged_shop()
    rankings = kept(engine, dataset, 50, lambda _: None)
    for query, text in list(dataset.queries.items())[:20]:
        for fusion in ("standard", "rrf"):
            searched = engine.search(text, fusion=fusion, window=50, limit=50, deadline_s=60)
            assert rankings.searched(Fusion(fusion))[query][:50] == tuple(searched.ids)
    found = compared(rankings, {"rrf": Fusion("rrf")})
    assert list(found.values) == ["text", "vector", "rrf", DEFAULT]
    assert found.metrics()[DEFAULT]["ndcg@10"] > 0.5


def test_a_notebook_gets_a_value_that_shows_itself(engine: hybrid.Engine, tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("query,id,grade\nsilent notebook,e-001,3\nsilent notebook,nowhere,1\n")
    found = evaluate(engine, table, ["rrf", "weighted"])
    frame = found.to_pandas()
    assert list(frame["method"]) == ["text", "vector", "rrf", "weighted", "default"]
    assert frame["ndcg@10"][0] == found.metrics()["text"]["ndcg@10"]
    assert "nothing can be said" in found._repr_html_()
    assert any("nowhere" in note for note in found.notes)


def test_a_smaller_window_keeps_the_first_rows() -> None:
    column = Column(("a", "b", "c"), (3.0, 2.0, 1.0), full=False)
    few = Kept(Dataset("d", {}, {}), 3, {"q": {"text": column}}, {}).within(2).columns["q"]["text"]
    assert few == Column(("a", "b"), (3.0, 2.0), full=True)
    assert Kept(Dataset("d", {}, {}), 9, {"q": {"text": column}}, {}).within(5).columns["q"]["text"] == column


def test_the_command_measures_a_folder_and_prints_what_programs_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = beir(tmp_path / "small")
    ran = CliRunner().invoke(cli, ["eval", str(folder), "--json", "--html", "page.html", "--fusion", "weighted"])
    assert ran.exit_code == 0, ran.output
    body: dict[str, Any] = json.loads(ran.stdout)
    assert body["dataset"] == "small"
    assert body["metrics"].keys() == {"text", "vector", "weighted", "default"}
    assert body["metrics"]["text"]["ndcg@10"] == pytest.approx(
        (measured({"q1": ["a"], "q2": ["b"]}, {"q1": {"a": 2, "b": 1}, "q2": {"b": 1}})["ndcg@10"]).mean()
    )
    assert "nothing can be said: 2 judged queries" in ran.stderr
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    again = CliRunner().invoke(cli, ["eval", str(folder), "--json", "--fusion", "weighted"])
    assert json.loads(again.stdout) == body


def test_a_command_on_nothing_is_one_line(tmp_path: Path) -> None:
    ran = CliRunner().invoke(cli, ["eval", str(tmp_path)])
    assert isinstance(ran.exception, InputError)


def test_grades_have_bounds_and_may_be_written_with_a_point(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("query,id,grade\nlaptop,a,3.0\nlaptop,b,-1000\nlaptop,c,1000\n")
    assert datasets.read(table).judgements == {"laptop": {"a": 3, "b": -1000, "c": 1000}}
    for grade in ("1001", "-1001", "9" * 5000):
        table.write_text(f"query,id,grade\nlaptop,a,3\nlaptop,b,{grade}\n")
        with pytest.raises(InputError, match=r"mine\.csv, line 3: the grade is .* from -1000 to 1000"):
            datasets.read(table)
    table.write_text("query,id,grade\nlaptop,a,2.5\n")
    with pytest.raises(InputError, match=r"line 2: the grade is '2\.5'; give a whole number"):
        datasets.read(table)
    with pytest.raises(InputError, match="document 'a': the grade is 100000000"):
        Dataset("mine", {"q": "laptop"}, {"q": {"a": 100_000_000}})


def test_an_id_of_two_queries_is_told(tmp_path: Path) -> None:
    folder = beir(tmp_path / "twice")
    with (folder / "queries.jsonl").open("a") as file:
        file.write('\n{"_id": "q1", "text": "notebook"}')
    found = datasets.read(folder)
    assert found.queries["q1"] == "notebook"
    assert "1 query with an id that came before; the last one of an id counts" in found.notes


def test_without_the_measuring_library_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: hybrid.Engine
) -> None:
    monkeypatch.setitem(sys.modules, "ir_measures", None)  # as if it was not installed
    monkeypatch.chdir(tmp_path)
    folder = beir(tmp_path / "small")
    for verb in ("eval", "tune"):
        ran = CliRunner().invoke(cli, [verb, str(folder)])
        assert isinstance(ran.exception, MissingExtra)
        assert not (tmp_path / "hybrid-data").exists()
    missed = engine.status()["caches"]["answers"]["misses"]
    for measure in (evaluate, tune):
        with pytest.raises(MissingExtra):
            measure(engine, folder)
    assert engine.status()["caches"]["answers"]["misses"] == missed


def test_fused_rankings_end_where_those_of_one_retriever_do() -> None:
    of = {name: Column(ids, (2.0, 1.0), full=True) for name, ids in (("text", ("a", "b")), ("vector", ("c", "d")))}
    found = Kept(Dataset("d", {}, {}), 2, {"q": of}, {"q": ("text", "vector")})
    assert len(found.fused(Fusion("rrf"))["q"]) == len(found.searched(Fusion("rrf"))["q"]) == 2


def test_differences_are_in_what_programs_and_people_read() -> None:
    found = comparison(0.05)
    body = found.to_dict()
    against = found.against_single(DEFAULT)
    assert body["single"] == found.best_single
    assert body["differences"].keys() == found.values.keys() - {found.best_single}
    assert body["differences"][DEFAULT] == {
        "mean": against.mean,
        "low": against.low,
        "high": against.high,
        "p": against.p,
    }
    assert f"<td>{signed(against.mean)}</td><td>{signed(against.low)} to {signed(against.high)}</td>" in pictures.page(
        [found]
    )


def test_judged_documents_are_looked_up_many_at_once(engine: hybrid.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    get_many = engine.get_many
    monkeypatch.setattr(engine, "get_many", lambda ids: asked.append(len(ids)) or get_many(ids))
    judged = {"e-001": 1, "": 1, "x" * 5000: 1} | {f"nowhere-{number}": 1 for number in range(1500)}
    found = present(engine, Dataset("d", {"q": "laptop"}, {"q": judged}))
    assert found.judgements == {"q": {"e-001": 1}}
    assert asked == [1000, 501]


def test_a_preset_that_was_tuned_on_the_same_data_set_is_told(engine: hybrid.Engine) -> None:
    dataset = judged_shop()
    rankings = kept(engine, dataset, 20, lambda _: None)
    presets = {name: Preset(Fusion("rrf"), 20, {"dataset": of}) for name, of in (("same", "shop"), ("other", "books"))}
    found = compared(rankings, {}, presets)
    note = "preset same was tuned on shop itself, so what it gains here says little"
    assert [one for one in found.notes if one.startswith("preset")] == [note]
    console = Console(width=300, record=True, file=io.StringIO())
    console.print(report.summary([found, found]))
    assert f"note: {note}" in console.export_text()
