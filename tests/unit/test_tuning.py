"""Tuning finds what is better, says honestly by how much, and keeps nothing that is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

import hybrid
from hybrid import presets
from hybrid.cli import cli
from hybrid.engine import Engine
from hybrid.errors import InputError
from hybrid.evaluation import commands, evaluate, retrieval, tune
from hybrid.evaluation.comparison import described
from hybrid.evaluation.datasets import Dataset
from hybrid.evaluation.significance import difference
from hybrid.evaluation.tuning import candidates, fields_tried, unseen
from hybrid.fusion import Fusion, methods
from hybrid.fusion.normalizers import NORMALIZERS
from hybrid.model import Vector
from hybrid.plan import STANDARD
from hybrid.presets import Preset
from hybrid.schema import Field, FieldType, Schema
from tests.embedders import HashedWords

COUNT = 24


class KnowsThings(HashedWords):
    """Sees that a query `word7` means the document `thing 7`; the words themselves say nothing to it."""

    name = "knows-things"
    dim = COUNT + 1

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 25): the axis of the thing, or the last one."""
        return self._axes(re.search(r"thing (\d+)", text) for text in texts)

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 25): the axis of the word's number."""
        return self._axes(re.search(r"word(\d+)", text) for text in texts)

    def _axes(self, numbers: Any) -> Vector:
        return np.eye(self.dim, dtype=np.float32)[[int(one[1]) if one else COUNT for one in numbers]]


def documents() -> Iterator[dict[str, str]]:
    """For each word, what it means, and what has the word and is wrong."""
    for number in range(COUNT):
        yield {"_id": f"a-wrong-{number}", "title": "", "text": f"word{number} besides"}
        yield {"_id": f"right-{number:02}", "title": "", "text": f"thing {number}"}


def folder(path: Path) -> Path:
    """The documents, a query for each word, and judgements, as a BEIR folder."""
    path.mkdir()
    (path / "corpus.jsonl").write_text("".join(json.dumps(one) + "\n" for one in documents()))
    queries = [{"_id": f"q{number}", "text": f"word{number}"} for number in range(COUNT)]
    (path / "queries.jsonl").write_text("".join(json.dumps(one) + "\n" for one in queries))
    rows = [f"q{number}\tright-{number:02}\t1\n" for number in range(COUNT)]
    (path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(rows))
    return path


def judged(count: int = COUNT) -> Dataset:
    texts = {f"q{number}": f"word{number}" for number in range(count)}
    return Dataset("words", texts, {query: {f"right-{int(query[1:]):02}": 1} for query in texts})


@pytest.fixture(scope="module")
def engine() -> Iterator[hybrid.Engine]:
    with hybrid.open(":memory:", embedder=KnowsThings()) as engine:
        engine.put({"id": one["_id"], "text": one["text"]} for one in documents())
        yield engine


def test_the_candidates_begin_with_the_default_and_none_comes_twice() -> None:
    found = candidates(100)
    assert found[0] == Preset(STANDARD, 100)
    assert {one.fusion.method for one in found} == set(methods()) - {"combsum"}
    assert {one.fusion.normalizer for one in found if one.fusion.method == "weighted"} == set(NORMALIZERS)
    assert {one.window for one in found} == {20, 50, 100}
    assert len({(one.fusion, one.window) for one in found}) == len(found)
    assert {one.fusion.k for one in found if one.fusion.method != "rrf"} == {60.0}
    assert {one.window for one in candidates(20)} == {20}


def test_a_choice_is_judged_where_it_was_not_made() -> None:
    """The second candidate is best by one lucky query of twenty, and a little worse on each other one.

    Chosen without that query's fold it wins nothing, and without another fold it loses .01 on each of that fold's
    four: sixteen queries of twenty.
    """
    lucky = np.full(20, -0.01)
    lucky[7] = 1.0
    values = np.array([np.zeros(20), lucky])
    assert values[1].mean() == pytest.approx((1 - 19 / 100) / 20)
    found = unseen(values)
    assert found[7] == 0
    assert found.mean() == pytest.approx(-(16 / 100) / 20)


def noise(random: np.random.Generator) -> NDArray[np.float64]:
    """Fifty candidates that are all as good, on sixty queries."""
    return random.normal(0.5, 0.2, (50, 60))


def test_of_many_candidates_that_are_all_as_good_none_is_found_better() -> None:
    random = np.random.default_rng(20261126)
    print("seed 20261126")
    honest = flattered = 0
    for _ in range(60):
        values = noise(random)
        honest += _better(unseen(values), values[0])
        flattered += _better(values[np.argmax(values.mean(axis=1))], values[0])
    assert honest <= 7  # 3 are meant: one in twenty, either way, and folds share queries
    assert flattered >= 12  # as the choice would look on the queries it was made by


def _better(values: NDArray[np.float64], default: NDArray[np.float64]) -> bool:
    found = difference(values, default)
    return found.sure and found.mean > 0


def test_what_is_better_is_found_and_by_how_much() -> None:
    random = np.random.default_rng(20261126)
    print("seed 20261126")
    values = noise(random)
    values[17] = values[0] + 0.3
    assert difference(unseen(values), values[0]).mean == pytest.approx(0.3, abs=0.01)


def test_tuning_finds_the_retriever_that_knows_more(engine: hybrid.Engine) -> None:
    found = tune(engine, judged(), window=20)
    best = found.best.fusion
    assert found.better
    assert (found.seen, found.queries, found.tried) == (1.0, COUNT, len(candidates(20)))
    assert found.default < 0.9
    assert 0.3 < found.gain.mean <= 1 - found.default
    assert best.weight("vector") / best.weight("text") > 1 or best.method != "standard"
    assert found.verdict().startswith("better than the default: +.")
    assert found.preset() == Preset(best, 20, found.best.tuned)
    assert found.best.tuned["dataset"] == "words"
    assert found.to_dict()["better"] is True


def test_what_is_not_better_is_not_kept(engine: hybrid.Engine) -> None:
    texts = {f"q{number}": f"thing {number}" for number in range(COUNT)}  # both find these, so nothing is better
    easy = Dataset("easy", texts, {query: {f"right-{int(query[1:]):02}": 1} for query in texts})
    found = tune(engine, easy, window=20)
    assert not found.better
    assert found.verdict() == (
        "not better than the default (+.000 on queries that took no part in the choice, p = 1.000): keep the default"
    )
    with pytest.raises(InputError, match="there is nothing to keep: not better than the default"):
        found.preset()


def test_fewer_than_twenty_queries_say_nothing(engine: hybrid.Engine) -> None:
    with pytest.raises(InputError, match="words has 19 judged queries; tuning takes 20 or more"):
        tune(engine, judged(19), window=20)


def test_what_was_tuned_is_measured_as_a_search_goes_by_it(engine: hybrid.Engine) -> None:
    best = tune(engine, judged(), window=20).preset()
    presets.save(best, Path("words.toml"))
    with hybrid.open(":memory:", embedder=KnowsThings(), preset="words.toml") as tuned:
        tuned.put({"id": one["_id"], "text": one["text"]} for one in documents())
        found = evaluate(tuned, judged(), window=20)
        assert tuned.search("word3").ids[0] == "right-03"
    assert engine.search("word3").ids[0] == "a-wrong-3"
    assert list(found.values) == ["text", "vector", "rrf", "preset words.toml", "default"]
    assert found.metrics()["preset words.toml"]["ndcg@10"] == 1.0
    assert found.metrics()["default"]["ndcg@10"] < 0.9


def test_fusions_of_one_method_are_told_apart(engine: hybrid.Engine) -> None:
    found = evaluate(engine, judged(), ["rrf", Fusion("rrf", 10), Fusion("weighted", 10, (("vector", 2),))], 20)
    assert list(found.values) == ["text", "vector", "rrf", "rrf, k = 10", "weighted, vector × 2", "default"]
    assert described(Fusion("rrf", 0.5, (("text", 1.0), ("vector", 0.25)))) == "rrf, k = 0.5, vector × 0.25"


def test_the_command_writes_a_preset_that_others_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "Engine", partial(Engine, embedder=KnowsThings()))
    words = folder(tmp_path / "words")
    runner = CliRunner()
    ran = runner.invoke(cli, ["tune", str(words), "--name", "mine", "--window", "20", "--json"])
    assert ran.exit_code == 0, ran.output
    body = json.loads(ran.stdout)
    assert (body["better"], body["written"]) == (True, "hybrid-data/mine.preset.toml")
    assert "use it with: --preset mine" in ran.stderr
    measured = runner.invoke(cli, ["eval", str(words), "--preset", "mine", "--json"])
    assert json.loads(measured.stdout)["metrics"]["preset mine"]["ndcg@10"] == 1.0
    settings = retrieval.collection_of(commands.datasets.read(words), hybrid.settings.read(preset="mine"))
    with Engine(settings, KnowsThings()) as there:
        assert there.preset.options() == body["best"]
        assert there.search("word3").ids[0] == "right-03"


def test_the_command_writes_nothing_that_is_not_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "Engine", partial(Engine, embedder=HashedWords()))
    words = folder(tmp_path / "words")
    (words / "qrels.tsv").write_text("".join(f"q{number}\ta-wrong-{number}\t1\n" for number in range(COUNT)))
    ran = CliRunner().invoke(cli, ["tune", str(words), "--window", "20"])
    assert ran.exit_code == 1
    assert "keep the default" in ran.stdout
    assert list(Path("hybrid-data").glob("*.toml")) == []


def titled() -> Iterator[dict[str, str]]:
    """For each word a document that it is the title's, among others, and a wrong one that says it twice in its text."""
    for number in range(COUNT):
        yield {"id": f"right-{number:02}", "title": f"word{number} alpha beta gamma delta epsilon", "text": "filler"}
        yield {"id": f"a-wrong-{number:02}", "title": "other", "text": f"word{number} word{number}"}


def test_boosts_of_fields_are_tried_where_fields_lie_by_themselves(tmp_path: Path) -> None:
    schema = Schema(tuple(Field(name, FieldType.TEXT, alone=name != "e") for name in "abcdef"))
    alike, *raised = fields_tried(schema)
    assert alike == tuple((name, 1.0) for name in "abcdf")
    assert [dict(one) for one in raised] == [dict(alike) | {name: 3.0} for name in "abcd"]
    assert fields_tried(Schema((Field("a", FieldType.TEXT, alone=True), Field("b", FieldType.TEXT)))) == []
    found = candidates(100, [alike])
    assert found[: -len({one.fusion for one in found if one.fields})] == candidates(100)
    assert {one.window for one in found if one.fields} == {100}
    with hybrid.open(":memory:", embedder=KnowsThings(), by_field=True) as engine:
        engine.put(titled())
        assert engine.search("word7").ids[0] == "a-wrong-07"
        found_best = tune(engine, judged())
        best = found_best.preset()
        assert dict(best.fields) == {"title": 3.0, "text": 1.0}
        assert (found_best.default, found_best.seen) == (pytest.approx(1 / np.log2(3)), 1.0)
        assert found_best.gain.mean == pytest.approx(1 - 1 / np.log2(3))
        assert "title × 3, text × 1" in found_best.told()
        assert engine.search("word7", **best.options()).ids[0] == "right-07"
    presets.save(best, tmp_path / "fields.toml")
    with hybrid.open(":memory:", embedder=KnowsThings(), by_field=True, preset=str(tmp_path / "fields.toml")) as engine:
        engine.put(titled())
        assert engine.preset == best
        assert engine.search("word7").ids[0] == "right-07"
        assert engine.search("word7", fusion="rrf").ids[0] == "a-wrong-07"  # takes nothing of the preset
        assert engine.search("word7", match={"fields": {"title": 0.1, "text": 1}}).ids[0] == "a-wrong-07"
        measured = evaluate(engine, judged())
        (name,) = (name for name in measured.values if name.startswith("preset"))
        assert measured.values[name]["ndcg@10"].mean() == 1.0
        assert measured.values["default"]["ndcg@10"].mean() == pytest.approx(found_best.default)
