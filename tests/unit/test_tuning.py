"""Tuning, presets and judging: honest gains, files that are checked, ratings and clicks worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import hybrid
from hybrid import presets
from hybrid.cli import cli
from hybrid.errors import InputError
from hybrid.evaluation import judging, tuning
from hybrid.evaluation.datasets import Dataset
from hybrid.evaluation.retrieval import Kept
from hybrid.fusion import Column, Fusion
from hybrid.presets import Preset
from tests.contract import shop
from tests.embedders import HashedWords


def kept(count: int, vector_knows: float, seed: int = 5) -> Kept:
    """Queries with one right document: text has it among the first three, the vector first with this chance."""
    random = np.random.default_rng(seed)
    columns, asked, judgements = {}, {}, {}
    for number in range(count):
        query, others = f"q{number}", [f"x{other}" for other in range(9)]
        text, vector = list(others), list(others)
        text.insert(int(random.integers(0, 3)), "right")
        vector.insert(0 if random.random() < vector_knows else 9, "right")
        scores = tuple(np.linspace(1, 0, 10))
        columns[query] = {"text": Column(tuple(text), scores), "vector": Column(tuple(vector), scores)}
        asked[query] = ("text", "vector")
        judgements[query] = {"right": 1}
    return Kept(Dataset("made", {one: one for one in judgements}, judgements), 10, columns, asked)


def test_what_is_better_is_found_and_its_gain_is_measured_on_other_queries() -> None:
    found = tuning.tuned(kept(80, vector_knows=0.95), tuning.candidates(10))
    assert found.better
    assert found.best != tuning.Candidate(Fusion(), 10)
    assert found.gain.mean <= found.seen - found.default + 1e-9
    assert found.verdict().startswith("better than the default: +")
    preset = found.preset("made")
    assert (preset.fusion, preset.window) == (found.best.fusion, found.best.window)


def test_noise_is_not_taken_for_a_gain() -> None:
    sure = 0
    for seed in range(5):
        data = kept(40, vector_knows=0.5, seed=seed)
        random = np.random.default_rng(seed)
        for columns in data.columns.values():
            for name, column in columns.items():
                columns[name] = Column(tuple(random.permutation(column.ids)), column.scores)  # type: ignore[index]
        sure += tuning.tuned(data, tuning.candidates(10)).better
    assert sure <= 1


def test_the_default_is_kept_unless_something_is_better() -> None:
    data = kept(40, vector_knows=1.0)
    same = [tuning.Candidate(Fusion(), 10), tuning.Candidate(Fusion("standard"), 10)]
    found = tuning.tuned(data, same)
    assert (found.best, found.gain.mean, found.better) == (same[0], 0.0, False)
    assert "keep the default" in found.verdict()


def test_few_queries_tune_nothing() -> None:
    with pytest.raises(InputError, match="has 19 judged queries; tuning takes 20"):
        tuning.tuned(kept(19, 0.5), tuning.candidates(10))


def test_candidates_begin_with_the_default_and_none_comes_twice() -> None:
    found = tuning.candidates(100)
    assert found[0] == tuning.Candidate(Fusion(), 100)
    assert len(found) == len(set(found)) > 100
    assert tuning.Candidate(Fusion("weighted", normalizer="theoretical"), 100) in found


PRESET = Preset(
    Fusion("weighted", 60.0, (("text", 1.0), ("vector", 2.0)), "max"), 50, {"dataset": 'é "x"', "gain": 0.1}
)


def test_a_preset_comes_back_as_it_was_written(tmp_path: Path) -> None:
    presets.save(PRESET, presets.path_of("mine", tmp_path))
    assert presets.load("mine", tmp_path) == PRESET


def test_searches_that_name_no_fusion_have_the_preset(tmp_path: Path) -> None:
    presets.save(PRESET, presets.path_of("mine", tmp_path))
    with hybrid.open(tmp_path, embedder=HashedWords(), preset="mine") as engine:
        engine.put(shop.documents()[:20])
        facts = engine.search("laptop").fusion
        assert facts == {
            "method": "weighted",
            "normalizer": "max",
            "weights": {"text": 1.0, "vector": 2.0},
            "window": 50,
        }
        assert engine.search("laptop", weights={"text": 3}).fusion["weights"] == {"text": 3, "vector": 1.0}
        assert engine.search("laptop", fusion="rrf").fusion["method"] == "rrf"
        assert engine.search("laptop", **PRESET.options()).ids == engine.search("laptop").ids


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "must have a method"),
        ("[fusion]\nmethod = 'best'", "there is no fusion 'best'"),
        ("[fusion]\nmethod = 'rrf'\nsize = 3", "must have a method, and may have"),
        ("[fusion]\nmethod = 'rrf'\nwindow = 0", "window is 0"),
        ("[fusion]\nmethod = 'rrf'\n[fusion.weights]\nimage = 2", "must name a weight"),
        ("[fusion", "cannot be read"),
    ],
)
def test_a_preset_that_says_what_cannot_be_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = presets.path_of("mine", tmp_path)
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        presets.load("mine", tmp_path)


def test_a_preset_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is none\. Make one with: hybrid tune"):
        presets.load("mine", tmp_path)
    presets.save(PRESET, presets.path_of("other", tmp_path))
    with pytest.raises(InputError, match="there is: other"):
        presets.load("mine", tmp_path)
    with pytest.raises(InputError, match="is no name of a preset"):
        presets.path_of("../etc/passwd", tmp_path)


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
