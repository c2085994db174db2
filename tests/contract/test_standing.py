"""How a search sees one document, the same in every deployment."""

from __future__ import annotations

from typing import Any

import pytest

import hybrid
from hybrid.engine import Engine
from hybrid.errors import FilterError
from tests.embedders import HashedWords

DOCUMENTS = [
    {"id": f"n{number:03}", "title": "A lamp", "text": "light " * (number % 7 + 1), "brand": "acer"}
    for number in range(150)
] + [{"id": "far", "title": "A desk", "text": "of oak", "brand": "lg"}]


@pytest.fixture(params=["memory", "embedded", pytest.param("servers", marks=pytest.mark.servers)])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    settings: dict[str, Any] = {}
    if request.param == "servers":
        settings = {
            "redis": request.getfixturevalue("redis_url"),
            "elasticsearch": request.getfixturevalue("elasticsearch_url"),
        }
    folder = ":memory:" if request.param == "memory" else tmp_path_factory.mktemp("standing")
    with hybrid.open(folder, collection="standing", embedder=HashedWords(), **settings) as engine:
        engine.drop()
        engine.put(DOCUMENTS)
        yield engine
        engine.drop()


def test_a_document_is_explained_whether_it_is_found_or_not(engine: Engine) -> None:
    result = engine.search("light", window=20, limit=20)
    first = engine.explain(result.ids[0], "light", window=20)
    assert (first.exists, first.passes, first.rank, first.score) == (True, True, 1, result.hits[0].score)
    assert first.explain["text"]["status"] == "hit"

    everything = engine.search("light", window=200, limit=200)
    last = next(hit for hit in reversed(everything.hits) if hit.explain["text"]["status"] == "hit")
    seen = engine.explain(last.id, "light", window=20)
    assert (seen.rank, seen.score) == (None, 0.0)
    assert seen.explain["text"]["status"] == "not_in_window"
    assert seen.explain["text"]["raw_score"] == pytest.approx(last.explain["text"]["raw_score"], rel=1e-5)

    far = engine.explain("far", "light", window=20, filter='brand = "acer"')
    assert (far.exists, far.passes, far.rank) == (True, False, None)
    assert far.explain["text"]["status"] == "no_match"
    assert far.explain["vector"]["status"] == "not_in_window"
    assert engine.explain("nobody", "light").to_dict() == {
        "id": "nobody",
        "exists": False,
        "passes_filter": False,
        "rank": None,
        "score": 0.0,
        "explain": {},
    }
    with pytest.raises(FilterError):
        engine.explain("far", "light", filter="brnd = 1")
