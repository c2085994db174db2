"""Many searches at once: the same answers as one by one, and each fails alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import hybrid
from hybrid import Engine
from hybrid.errors import CursorError, FilterError, HybridError, QueryError
from hybrid.plan import Request
from hybrid.result import SearchResult
from tests.contract import shop
from tests.contract.deployments import DEPLOYMENTS, deployed
from tests.embedders import HashedWords

DOCUMENTS = shop.documents()


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with deployed(request, tmp_path_factory) as engine:
        assert engine.put(DOCUMENTS).ok
        yield engine


def told(result: SearchResult | HybridError) -> dict[str, Any]:
    """What an answer says, but for how long it took and where it goes on."""
    assert isinstance(result, SearchResult)
    body = result.to_dict()
    for name in ("took_ms", "timeline_ms", "next_cursor"):
        body.pop(name, None)
    for report in (*body["retrievers"].values(), *body.get("steps", {}).values()):
        report.pop("took_ms")
        report.pop("spent_ms", None)
    return body


def test_many_answers_are_those_of_single_searches(engine: Engine) -> None:
    queries = [*shop.queries(), "", "zzz", "the", shop.queries()[0]]
    many = engine.search_many(queries, limit=5, filter="price < 500")
    assert [told(one) for one in many] == [told(engine.search(one, limit=5, filter="price < 500")) for one in queries]


def test_searches_of_all_kinds_go_together(engine: Engine) -> None:
    first = engine.search("notebook", limit=3)
    requests = [
        Request("notebook", limit=3, explain=True),
        Request("notebook", retrievers=["text"], facets=["brand"], window=300),
        Request("notebook", retrievers=["vector"], facets=["brand"]),
        Request(filter="price < 100", sort=["price"]),
        Request(vector=[1.0] * 64, limit=4),
        Request("quiet", boosts=[{"field": "rating"}], diversity=0.5, offset=2),
        Request(cursor=first.next_cursor, limit=3),
        Request("notebook", limit=0),
    ]
    many = engine.search_many(requests)
    assert [told(one) for one in many] == [told(engine.search(one)) for one in requests]


def test_a_search_that_fails_fails_alone(engine: Engine) -> None:
    many = engine.search_many(
        [
            Request("laptop", filter="prize < 1"),
            Request("laptop"),
            Request("laptop", limit=-1),
            Request(cursor="nonsense"),
            Request("x" * 9000),
        ]
    )
    assert [type(one) for one in many] == [FilterError, SearchResult, QueryError, CursorError, QueryError]
    assert told(many[1]) == told(engine.search("laptop"))


def test_no_search_gives_no_answer_and_a_wrong_option_is_for_all(engine: Engine) -> None:
    assert engine.search_many([]) == []
    with pytest.raises(QueryError, match="no option 'limt'"):
        engine.search_many(["laptop"], limt=3)


def test_a_page_of_many_goes_on(engine: Engine) -> None:
    (first,) = engine.search_many(["notebook"], limit=3)
    assert isinstance(first, SearchResult)
    whole = engine.search("notebook", limit=6)
    assert [*first.ids, *engine.search(cursor=first.next_cursor, limit=3).ids] == whole.ids


def ids(result: SearchResult | HybridError) -> list[str]:
    assert isinstance(result, SearchResult)
    return result.ids


def test_many_searches_follow_a_collection_that_another_process_moved(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("moved")
    with hybrid.open(folder, embedder=HashedWords()) as engine, hybrid.open(folder, embedder=HashedWords()) as other:
        engine.put(DOCUMENTS[:20])
        before = [ids(one) for one in engine.search_many(["laptop", "lamp"])]
        assert other.reindex(embedder=HashedWords()) == 20
        assert [ids(one) for one in engine.search_many(["laptop", "lamp"])] == before
