"""Fields in several languages, and synonyms: found alike in every text store and through the whole engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid
from hybrid import Engine
from hybrid.analysis import in_places
from hybrid.errors import SchemaError, SettingsError
from hybrid.languages import ANALYZERS
from hybrid.match import read
from hybrid.model import Record
from hybrid.schema import Field, FieldType, Schema
from hybrid.stores.base import TextQuery
from hybrid.synonyms import NONE
from hybrid.synonyms import read as synonyms
from hybrid.wording import Tongue, satisfied
from tests.contract.conftest import TEXT, kept
from tests.contract.deployments import DEPLOYMENTS, deployed
from tests.embedders import HashedWords

SCHEMA = Schema(
    (
        Field("de", FieldType.TEXT, boost=2.0, analyzer="german"),
        Field("fr", FieldType.TEXT, analyzer="french"),
        Field("en", FieldType.TEXT),
        Field("ko", FieldType.TEXT, analyzer="cjk"),
        Field("code", FieldType.TEXT, analyzer="keyword"),
    )
)
SOURCES: dict[str, dict[str, Any]] = {
    "haus": {"de": "Das Haus der Nachbarn", "code": "XJ 900/b"},
    "haeuser": {"de": "Viele Häuser am See", "en": "lake houses"},
    "chevaux": {"fr": "Les chevaux galopaient dans la plaine", "code": "xj 900/b"},
    "cheval": {"fr": "Un cheval qui galope", "ko": "말이 달린다"},
    "running": {"en": "running horses in the house"},
    "korean": {"ko": "조용한 노트북과 책상", "en": "quiet notebook"},
    "none": {"code": "house"},
}


@pytest.fixture(scope="module", params=TEXT)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with kept(request, tmp_path_factory.mktemp("languages"), SCHEMA) as store:
        rows = np.array([[1, 0, 0]], np.float32)
        store.write([Record(one, 1, "h", source, rows) for one, source in SOURCES.items()])
        store.refresh()
        yield store


QUERIES = [
    ("haus", "any", {"haus", "haeuser"}),  # each finds the other by its German stem
    ("Häuser", "any", {"haus", "haeuser"}),
    ("house", "any", {"haeuser", "running", "none"}),
    ("cheval", "any", {"cheval", "chevaux"}),
    ("galoper", "any", {"cheval", "chevaux"}),
    ("Häuser See", "all", {"haeuser"}),
    ("노트북", "any", {"korean"}),
    ("XJ 900/b", "any", {"haus"}),
    ("xj 900/b", "any", {"chevaux"}),
    ("Haus der Nachbarn", "phrase", {"haus"}),
    ("Häuser See", "phrase", set()),
    ("running horses", "phrase", {"running"}),
    ("house -horse", "query", {"haeuser", "none"}),
    ("house lake", "all", {"haeuser"}),
]


@pytest.mark.parametrize(("text", "mode", "found"), QUERIES)
def test_each_field_is_read_in_its_own_language(store: Any, text: str, mode: str, found: set[str]) -> None:
    query = TextQuery(text, 20, 20.0, match=read(mode), tongue=Tongue(SCHEMA.spoken))
    assert set(store.search(query).ids) == found
    places = {one: in_places(source, SCHEMA.searched, SCHEMA.analyzers) for one, source in SOURCES.items()}
    wanted = query.wanted
    assert wanted is not None
    assert {one for one, texts in places.items() if satisfied(wanted, texts)} == found


@pytest.mark.parametrize("analyzer", ANALYZERS)
def test_every_analyzer_finds_a_text_by_its_own_words(analyzer: str) -> None:
    schema = Schema((Field("text", FieldType.TEXT, analyzer=analyzer),))
    text = "Ωραία нова кошки casas Häuser 조용한 노트북 running chevaux 42"
    places = in_places({"text": text}, schema.searched, schema.analyzers)
    for query in (text, text.upper()) if analyzer not in ("keyword", "turkish") else (text,):
        wanted = TextQuery(query, 1, match=read("all"), tongue=Tongue(schema.spoken)).wanted
        assert wanted is not None
        assert satisfied(wanted, places)


def test_an_analyzer_there_is_not_is_named_with_those_there_are() -> None:
    with pytest.raises(SchemaError, match="no analyzer 'klingon'; there is: arabic"):
        Field("text", FieldType.TEXT, analyzer="klingon")


RULES = """# what people say
tv, television, television set
notebook => laptop, portable computer   # we call them laptops
handy=>mobile
"""


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    rules = tmp_path_factory.mktemp("rules") / "synonyms.txt"
    rules.write_text(RULES)
    fields = {"title": {"type": "text", "analyzer": "english"}, "titel": {"type": "text", "analyzer": "german"}}
    with deployed(request, tmp_path_factory, fields=fields, synonyms=rules) as engine:
        texts = {"a": "a television", "b": "an old TV", "c": "a notebook", "d": "a laptop", "e": "a set of pans"}
        assert engine.put({"id": one, "title": text} for one, text in texts.items()).ok
        assert engine.put([{"id": "f", "titel": "Handys und Mobiltelefone"}, {"id": "g", "title": "mobiles"}]).ok
        yield engine


def found(engine: Engine, query: str, **options: Any) -> set[str]:
    return set(engine.search(query, retrievers=["text"], **options).ids)


def test_words_that_mean_the_same_find_each_other(engine: Engine) -> None:
    assert found(engine, "television") == {"a", "b", "e"}  # "set" stands there as one of the words of an equal
    assert found(engine, "old televisions", match="all") == {"b"}
    assert found(engine, "tv") == {"a", "b", "e"}


def test_a_word_that_stands_for_others_is_not_looked_for_itself(engine: Engine) -> None:
    assert found(engine, "notebook") == {"d"}
    assert found(engine, "laptop") == {"d"}
    assert found(engine, "handy") == {"g"}


def test_a_plan_names_the_analyzers_and_the_synonyms(engine: Engine) -> None:
    body = engine.plan("tv").to_dict()
    assert body["analyzers"] == ["english", "german"]
    assert len(body["synonyms"]) == 16


def test_what_a_synonym_found_is_marked_in_its_own_language(engine: Engine) -> None:
    hits = engine.search("tv", retrievers=["text"], highlight=True).hits
    assert {hit.id: hit.highlights for hit in hits}["a"] == {"title": ["a <mark>television</mark>"]}
    german = engine.search("Mobiltelefon", retrievers=["text"], highlight=True).hits
    assert [hit.highlights for hit in german] == [{"titel": ["Handys und <mark>Mobiltelefone</mark>"]}]


def test_a_collection_of_other_analyzers_is_not_opened_by_mistake(tmp_path: Path) -> None:
    english, german = ({"text": {"type": "text", "analyzer": one}} for one in ("english", "german"))
    with hybrid.open(tmp_path, embedder=HashedWords(), fields=english) as engine:
        engine.put([{"id": "1", "text": "houses"}])
    with (
        hybrid.open(tmp_path, embedder=HashedWords(), fields=german) as other,
        pytest.raises(hybrid.HybridError, match="text"),
    ):
        other.search("house")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("tv, television\nalone\n", "2: 'alone' is one word alone"),
        ("a,,b", "1: 'a,,b' has an empty place"),
        ("a => ", "has an empty place"),
        ("a => b => c", "has an empty place"),
        ("hot dog => sausage", "'hot dog' is several words"),
    ],
)
def test_a_rule_that_is_wrong_is_named_by_its_line(tmp_path: Path, content: str, message: str) -> None:
    rules = tmp_path / "rules.txt"
    rules.write_text(content)
    with pytest.raises(SettingsError, match=message):
        synonyms(rules)


def test_a_file_that_is_not_there_is_named_and_none_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.txt cannot be read"):
        hybrid.open(":memory:", synonyms=tmp_path / "nowhere.txt")
    assert synonyms(None) == NONE
