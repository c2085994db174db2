"""A preset is what searches go by that do not say how they are fused: from Python, the shell, the page and the API."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

import hybrid
from hybrid import presets
from hybrid.cli import cli
from hybrid.errors import FusionError, InputError
from hybrid.fusion import Fusion, methods
from hybrid.plan import STANDARD, Defaults, Request, make
from hybrid.presets import Preset
from hybrid.schema import Field, FieldType, Schema
from hybrid.settings import Settings, read
from hybrid.web import create_app
from tests.embedders import HashedWords

TUNED = '[fusion]\nmethod = "rrf"\nk = 10.0\nwindow = 50\n\n[fusion.weights]\ntext = 1\nvector = 2.0\n'
FUSION = Fusion("rrf", 10.0, (("text", 1.0), ("vector", 2.0)))

_weights = st.dictionaries(st.sampled_from(["text", "vector"]), st.floats(0.01, 1e6))
_fusions = st.one_of(
    st.builds(
        Fusion, st.sampled_from(methods()), st.floats(1, 1e9), _weights.map(lambda of: tuple(sorted(of.items())))
    ),
    st.builds(Fusion, st.just("weighted"), normalizer=st.sampled_from(["l2", "theoretical"])),
    st.builds(Fusion, st.just("rrf"), compat=st.sampled_from(["elasticsearch", "qdrant"])),
)
_facts = st.dictionaries(st.text(max_size=8), st.text() | st.integers(-1000, 1000) | st.floats(-1e9, 1e9), max_size=4)


@example(STANDARD, 100, {"\x7f": "\x7f", "": '\n"\\'})
@given(_fusions, st.integers(1, 10_000), _facts)
def test_what_is_written_is_read_back(fusion: Fusion, window: int, facts: dict[str, Any]) -> None:
    preset = Preset(fusion, window, facts)
    presets.save(preset, Path("some.toml"))
    assert presets.load("some.toml", Settings()) == preset


def test_the_page_of_the_documentation_shows_a_preset() -> None:
    page = (Path(__file__).parents[2] / "docs" / "evaluation.md").read_text()
    Path("shown.toml").write_text(page.partition("```toml\n")[2].partition("```")[0])
    shown = presets.load("shown.toml", Settings())
    assert shown == Preset(Fusion("weighted", weights=(("vector", 2.0),), normalizer="z_score"), 50)


def test_a_name_stands_for_a_file_beside_the_collections() -> None:
    settings = Settings(data_dir=Path("data"))
    assert presets.path_of("tuned", settings) == Path("data/tuned.preset.toml")
    assert presets.path_of("./elsewhere.toml", settings) == Path("elsewhere.toml")
    with pytest.raises(InputError, match=r"there is none\. Make one with: hybrid tune"):
        presets.load("tuned", settings)
    presets.save(Preset(FUSION, 50), presets.path_of("b-2", settings))
    presets.save(Preset(FUSION, 50), presets.path_of("a_1", settings))
    with pytest.raises(InputError, match="there is no preset 'tuned' in data; there is: a_1, b-2"):
        presets.load("tuned", settings)


@pytest.mark.parametrize("name", ["", "../x", "Tuned", "a/b", "ü", "a" * 65, "-a", "x\n"])
def test_what_could_lead_elsewhere_is_no_name(name: str) -> None:
    with pytest.raises(InputError, match="is no name of a preset"):
        presets.path_of(name, Settings())


def test_in_memory_a_preset_is_a_file() -> None:
    with pytest.raises(InputError, match=r"name the file instead, such as \./tuned\.toml"):
        presets.path_of("tuned", Settings(data_dir=":memory:"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it must have a table [fusion]"),
        ("fusion = 1", "it must have a table [fusion]"),
        ("[fusion]\nk = 1", "[fusion] must have a method"),
        (
            '[fusion]\nmethod = "rrf"\nwieghts = 1',
            "[fusion] must have a method, may have compat, k, normalizer, weights, window",
        ),
        ('[fusion]\nmethod = "rrf"\n[fussion]', "and nothing else"),
        ('[fusion]\nmethod = "borda"', "there is no fusion 'borda'"),
        ("[fusion]\nmethod = 5", "there is no fusion 5"),
        ('[fusion]\nmethod = "rrf"\nk = 0', "k is 0; the rank constant of a search is a number from 1"),
        ('[fusion]\nmethod = "rrf"\nk = nan', "k is nan"),
        ('[fusion]\nmethod = "rrf"\nwindow = 0', "window is 0; it must be a whole number from 1 to 10000"),
        ('[fusion]\nmethod = "rrf"\nwindow = 20.0', "window is 20.0"),
        ('[fusion]\nmethod = "rrf"\nweights = 2', "the weights must be a table"),
        ('[fusion]\nmethod = "rrf"\n[fusion.weights]\nimages = 1', "weights name images"),
        ('[fusion]\nmethod = "rrf"\n[fusion.weights]\nvector = "2"', "the weight of 'vector' is '2'"),
        ('[fusion]\nmethod = "rrf"\n[fusion.weights]\ntext = 0\nvector = 0', "all weights are 0"),
        ('[fusion]\nmethod = "weighted"\nnormalizer = 5', "weighted has no normalizer 5"),
        ('[fusion]\nmethod = "rrf"\ncompat = "solr"', "there are no formulas of 'solr'"),
        ('[fusion]\nmethod = "rrf"\n[fields]\ntitle = 0', "fields.title is 0; it must be a number from 0.001 to 1000"),
        ('fields = 1\n[fusion]\nmethod = "rrf"', "[fields] and [tuned], and nothing else"),
        ("[fusion", "cannot be read"),
    ],
)
def test_a_file_that_says_what_cannot_be_is_named_with_what_is_right(text: str, message: str) -> None:
    Path("bad.toml").write_text(text)
    with pytest.raises(InputError, match=re.escape(message)) as wrong:
        hybrid.open(":memory:", preset="bad.toml")
    assert "bad.toml" in str(wrong.value)


def test_a_file_that_cannot_be_written_is_an_error_that_names_it() -> None:
    Path("taken").write_text("")
    with pytest.raises(InputError, match=re.escape("taken/tuned.toml cannot be written")):
        presets.save(Preset(FUSION, 50), Path("taken/tuned.toml"))


SCHEMA = Schema((Field("text", FieldType.TEXT),))
USING = Defaults(window=50, fusion=FUSION)


@pytest.mark.parametrize(
    ("options", "fusion"),
    [
        ({}, FUSION),
        ({"k": 5}, Fusion("rrf", 5, FUSION.weights)),
        ({"weights": {"text": 3}}, Fusion("rrf", 10.0, (("text", 3),))),
        ({"weights": {}}, Fusion("rrf", 10.0)),
        ({"fusion": "rrf"}, Fusion("rrf")),
        ({"fusion": "rrf", "k": 60}, Fusion("rrf")),
        ({"k": 60}, Fusion("rrf", 60, FUSION.weights)),
        ({"compat": "elasticsearch", "fusion": "rrf"}, Fusion("rrf", compat="elasticsearch")),
        ({"fusion": "weighted", "weights": {"vector": 2}}, Fusion("weighted", weights=(("vector", 2),))),
    ],
)
def test_a_fusion_that_is_named_takes_nothing_of_the_preset(options: dict[str, Any], fusion: Fusion) -> None:
    assert make(Request("a", **options), SCHEMA, USING).fusion == fusion


def test_a_retriever_that_the_preset_weighs_nothing_does_not_stand_in_for_the_model() -> None:
    def left_out(weights: dict[str, float]) -> tuple[tuple[str, str], ...]:
        fusion = Fusion("rrf", weights=tuple(weights.items()))
        return make(Request("노트북"), SCHEMA, Defaults(languages=lambda: frozenset({"en"}), fusion=fusion)).left_out

    assert left_out({}) == (("vector", "language_unsupported"),)
    assert left_out({"text": 0.0}) == ()


@pytest.fixture
def engine() -> Iterator[hybrid.Engine]:
    Path("tuned.toml").write_text(TUNED)
    with hybrid.open(":memory:", embedder=HashedWords(), preset="tuned.toml") as engine:
        engine.put([{"id": str(number), "text": f"quiet laptop {'x' * number}"} for number in range(80)])
        yield engine


def test_a_search_goes_by_the_preset_as_if_it_had_said_so(engine: hybrid.Engine) -> None:
    found = engine.search("quiet laptop")
    assert found.fusion == {"method": "rrf", "k": 10.0, "weights": {"text": 1, "vector": 2.0}, "window": 50}
    assert engine.preset == Preset(FUSION, 50)
    with hybrid.open(":memory:", embedder=HashedWords()) as plain:
        plain.put([{"id": str(number), "text": f"quiet laptop {'x' * number}"} for number in range(80)])
        assert plain.preset == Preset(STANDARD, 100)
        said = plain.search("quiet laptop", **engine.preset.options())
    assert [(hit.id, hit.score) for hit in said.hits] == [(hit.id, hit.score) for hit in found.hits]
    with pytest.raises(FusionError, match="k is 0"):
        engine.search("quiet", k=0)


def test_the_page_and_the_api_go_by_it(engine: hybrid.Engine) -> None:
    client = create_app(engine).test_client()
    tuned = {"method": "rrf", "k": 10.0, "weights": {"text": 1.0, "vector": 2.0}, "window": 50}
    assert client.get("/api/v1/search?q=laptop").json["fusion"] == tuned
    assert client.post("/api/v1/search", json={"query": "laptop"}).json["fusion"] == tuned
    named = client.get("/api/v1/search?q=laptop&fusion=weighted").json["fusion"]
    assert named == {"method": "weighted", "weights": {"text": 1.0, "vector": 1.0}, "window": 50}
    page = client.get("/search?q=laptop").text
    assert '<option value="" selected>As tuned (tuned.toml)</option>' in page
    assert re.search(r'name="weight\.vector" value="2"', page)
    form = client.get("/search.json?q=laptop&fusion=&weight.text=1&weight.vector=2&limit=10&retrievers=")
    assert form.json["fusion"] == tuned


def test_the_shell_goes_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYBRID_MODEL", "none")
    presets.save(Preset(FUSION, 50), presets.path_of("tuned", read()))
    Path("docs.jsonl").write_text('{"id": "1", "text": "quiet laptop", "vector": [1, 2]}\n')
    runner = CliRunner()
    assert runner.invoke(cli, ["index", "docs.jsonl"]).exit_code == 0

    def fusion(*options: str) -> Any:
        ran = runner.invoke(cli, ["search", "laptop", "--retriever", "text", "--json", *options])
        return json.loads(ran.stdout)["fusion"]

    assert fusion("--preset", "tuned") == {"method": "rrf", "k": 10.0, "weights": {"text": 1.0}, "window": 50}
    assert fusion("--preset", "tuned", "--weight", "text=3")["weights"] == {"text": 3.0}
    assert fusion()["method"] == "standard"
    monkeypatch.setenv("HYBRID_PRESET", "tuned")
    assert fusion()["k"] == 10.0
    ran = runner.invoke(cli, ["search", "laptop", "--preset", "tunde"])
    assert isinstance(ran.exception, InputError)
    assert "there is: tuned" in str(ran.exception)
