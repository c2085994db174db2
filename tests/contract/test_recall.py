"""Answers that are remembered: only where the collection is as it was, whoever wrote to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import hybrid
from hybrid import Engine
from tests.contract import shop
from tests.contract.deployments import DEPLOYMENTS, deployed
from tests.embedders import HashedWords
from tests.eventually import eventually

DOCUMENTS = shop.documents()


@pytest.fixture(params=DEPLOYMENTS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with deployed(request, tmp_path_factory, remembered=2) as engine:
        assert engine.put(DOCUMENTS[:60]).ok
        yield engine


def remembered(engine: Engine, *queries: str, **options: Any) -> bool:
    """Whether an answer is given from memory once it was asked a few times and nothing is written."""
    return eventually(lambda: all(engine.search(query, **options).remembered for query in queries))


def told(answer: Any) -> list[dict[str, Any]]:
    return [hit.to_dict() for hit in answer.hits]


def test_the_same_search_is_answered_from_memory_and_says_so(engine: Engine) -> None:
    first = engine.search("notebook")
    assert not first.remembered
    assert remembered(engine, "notebook")
    again = engine.search("notebook")
    assert told(again) == told(first)
    assert again.to_dict()["remembered"] is True
    assert "recall" in again.timeline
    assert engine.search("notebook", limit=3, offset=2).ids == first.ids[2:5]
    assert not engine.search("notebook", filter="price < 100").remembered


def test_no_answer_is_older_than_a_write(engine: Engine) -> None:
    assert remembered(engine, "zanzibar")
    for number in range(5):
        engine.put([{"id": "new", "title": "zanzibar", "text": f"zanzibar {'x ' * number}", "price": number}])
        found = engine.search("zanzibar", retrievers=["text"])
        assert (found.remembered, found.hits[0].document["price"]) == (False, number)
        assert remembered(engine, "zanzibar", retrievers=["text"])
    engine.delete(["new"])
    assert engine.search("zanzibar", retrievers=["text"]).ids == []


def test_what_another_process_writes_is_seen(engine: Engine) -> None:
    if engine.settings.in_memory:
        return  # nobody else can write there
    assert remembered(engine, "zanzibar", retrievers=["text"])
    with hybrid.Engine(engine.settings, HashedWords()) as other:
        other.put([{"id": "new", "title": "zanzibar", "text": "zanzibar"}])
    assert engine.search("zanzibar", retrievers=["text"]).ids == ["new"]


def test_answers_while_documents_are_written_are_never_stale(engine: Engine) -> None:
    stop, written = threading.Event(), [0]

    def write() -> None:
        while not stop.is_set():
            engine.put([{"id": "counter", "title": "zanzibar", "text": "zanzibar", "price": written[0] + 1}])
            written[0] += 1

    writer = threading.Thread(target=write)
    engine.put([{"id": "counter", "title": "zanzibar", "text": "zanzibar", "price": 0}])
    writer.start()
    try:
        while written[0] < 5:
            before = written[0]
            found = engine.search("zanzibar", retrievers=["text"], filter=f"price >= {before}")
            assert found.ids == ["counter"], before
    finally:
        stop.set()
        writer.join()


def test_only_so_many_are_kept_and_status_counts_hits(engine: Engine) -> None:
    for query in ("a1", "b2", "c3"):
        assert remembered(engine, query)
    info = engine.status()["caches"]["answers"]
    assert (info["entries"], info["size"]) == (2, 2)
    assert info["hits"] >= 3
    assert not engine.search("a1").remembered


def test_without_the_setting_nothing_is_remembered() -> None:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put(DOCUMENTS[:5])
        assert not any(engine.search("notebook").remembered for _ in range(3))
        assert engine.status()["caches"]["answers"] == {"hits": 0, "misses": 0, "entries": 0, "size": 0}
