"""Fields that a search chooses: through the whole engine, on each deployment, and for collections that lack them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import hybrid
from hybrid import Engine
from hybrid.analysis import slots
from hybrid.errors import QueryError
from tests.contract import shop
from tests.contract.deployments import DEPLOYMENTS, deployed
from tests.embedders import HashedWords

BY_ID = {document["id"]: document for document in shop.documents()}


def having(token: str, *fields: str) -> set[str]:
    return {one for one, of in BY_ID.items() if any(token in slots(of.get(name) or "") for name in fields)}


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Engine]]:
    """An engine whose fields lie by themselves, too, and one whose fields do not."""
    with deployed(request, tmp_path_factory, by_field=True) as engine, deployed(request, tmp_path_factory) as plain:
        assert engine.put(shop.documents()).ok
        assert plain.put(shop.documents()).ok
        yield engine, plain


@pytest.fixture
def engine(pair: tuple[Engine, Engine]) -> Engine:
    return pair[0]


@pytest.fixture
def plain(pair: tuple[Engine, Engine]) -> Engine:
    return pair[1]


@pytest.fixture(params=[one for one in DEPLOYMENTS if one != "memory"])
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with deployed(request, tmp_path_factory) as engine:
        yield engine


def found(engine: Engine, query: str, **match: Any) -> list[str]:
    return engine.search(query, match=match, retrievers=["text"], limit=1000).ids


def test_words_are_looked_for_in_the_chosen_fields_alone(engine: Engine) -> None:
    for fields in (["title"], ["text"], ["title", "text"], {"title": 3, "text": None}):
        assert set(found(engine, "notebook", fields=fields)) == having("notebook", *fields)
    assert having("notebook", "title") != having("notebook", "text") != having("notebook", "title", "text")
    assert set(found(engine, "notebook fan", mode="all", fields=["title", "text"])) == having(
        "notebook", "title", "text"
    ) & having("fan", "title", "text")


def test_a_boost_puts_the_hits_of_its_field_first(engine: Engine) -> None:
    for name, other in (("title", "text"), ("text", "title")):
        order = found(engine, "notebook", fields={name: 100, other: 0.01})
        first = having("notebook", name)
        assert set(order[: len(first)]) == first


def test_all_text_is_searched_as_one_unless_fields_are_named(engine: Engine, plain: Engine) -> None:
    for query in ("quiet notebook", "조용한 노트북", "desk lamp"):
        with_fields, without = (one.search(query, limit=50) for one in (engine, plain))
        assert [(hit.id, hit.score) for hit in with_fields.hits] == [(hit.id, hit.score) for hit in without.hits]


def test_conditions_of_chosen_fields_hold_for_what_the_vectors_find(engine: Engine) -> None:
    hits = engine.search("laptop -notebook", match={"mode": "query", "fields": ["title"]}, limit=1000)
    assert not set(hits.ids) & having("notebook", "title")
    assert set(hits.ids) & having("notebook", "text")


def test_a_name_that_is_no_field_is_refused_with_the_nearest(engine: Engine) -> None:
    with pytest.raises(QueryError, match="names 'titel', which is no text field here; there is: title, text"):
        engine.search("laptop", match={"fields": {"titel": 2}})
    with pytest.raises(QueryError, match="names 'brand', which is no text field"):
        engine.search("laptop", match={"fields": ["brand"]})


def test_a_collection_without_such_fields_says_how_to_get_them(plain: Engine) -> None:
    with pytest.raises(QueryError, match=r"title, and all text .* indexed as one.* by_field = true .*: hybrid reindex"):
        plain.search("laptop", match={"fields": ["title"]})


def test_a_collection_is_made_anew_with_such_fields(fresh: Engine) -> None:
    assert fresh.put(shop.documents()[:40]).ok
    before = fresh.search("quiet notebook").ids
    with Engine(fresh.settings.model_copy(update={"by_field": True}), HashedWords()) as again:
        with pytest.raises(QueryError, match="reindex"):
            again.search("laptop", match={"fields": ["title"]})
        assert again.reindex() == 40
        assert set(found(again, "notebook", fields=["title"])) & having("notebook", "title")
        assert again.search("quiet notebook").ids == before


def test_one_text_field_is_all_text() -> None:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "text": "a quiet laptop"}, {"id": "2", "text": "a lamp"}])
        assert engine.search("laptop", match={"fields": {"text": 7}}, retrievers=["text"]).ids == ["1"]
