"""Embedded and servers: the same documents give the same answers, through the whole engine and the real model."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import pytest

import hybrid
from hybrid import Engine
from hybrid.model import Status
from tests.contract import shop
from tests.eventually import eventually
from tests.servers.fixtures import ElasticsearchMaker, RedisMaker

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with hybrid.open(tmp_path_factory.mktemp("embedded")) as engine:
        assert engine.put(shop.documents()).ok
        yield engine


@pytest.fixture(scope="module")
def on_servers(redis_url: str, elasticsearch_url: str) -> Iterator[Engine]:
    name = f"shop-{uuid.uuid4().hex}"
    with hybrid.open(redis=redis_url, elasticsearch=elasticsearch_url, collection=name) as engine:
        assert engine.put(shop.documents()).ok
        yield engine
        engine.drop()


def overlap(one: list[str], other: list[str]) -> float:
    return len(set(one) & set(other)) / max(len(one), len(other), 1) if one or other else 1.0


def test_the_text_retrievers_top_ten_overlap_by_nine_tenths_on_average(embedded: Engine, on_servers: Engine) -> None:
    found = [
        [engine.search(query, retrievers=["text"]).ids for engine in (embedded, on_servers)] for query in shop.queries()
    ]
    assert len(found) == 60
    assert fmean(overlap(one, other) for one, other in found) >= 0.9


def test_the_vector_retrievers_top_ten_are_equal(embedded: Engine, on_servers: Engine) -> None:
    for query in shop.queries():
        one, other = (engine.search(query, retrievers=["vector"]) for engine in (embedded, on_servers))
        assert one.ids == other.ids, query
        assert [hit.score for hit in one.hits] == pytest.approx([hit.score for hit in other.hits], abs=1e-6)
        raw = [[hit.explain["vector"]["raw_score"] for hit in result.hits] for result in (one, other)]
        assert raw[0] == pytest.approx(raw[1], abs=2e-6)


def test_whole_answers_have_the_same_shape_and_mostly_the_same_hits(embedded: Engine, on_servers: Engine) -> None:
    overlaps = []
    for query in shop.queries():
        one, other = (engine.search(query) for engine in (embedded, on_servers))
        assert one.to_dict().keys() == other.to_dict().keys()
        assert one.fusion == other.fusion
        assert [hit.document for hit in one.hits if hit.id in other.ids] == [
            on_servers.get(hit.id) for hit in one.hits if hit.id in other.ids
        ]
        overlaps.append(overlap(one.ids, other.ids))
    assert fmean(overlaps) >= 0.9


def test_a_document_that_only_a_late_paragraph_answers_is_found_by_that_passage_in_both(
    embedded: Engine, on_servers: Engine
) -> None:
    for engine in (embedded, on_servers):
        hit = next(hit for hit in engine.search("screen for someone prone to migraine").hits if hit.id == "e-148")
        assert hit.passage is not None
        assert hit.passage.number > 0
        assert hit.passage.text in hit.document["text"]


def test_putting_the_same_documents_again_changes_nothing_on_servers(on_servers: Engine) -> None:
    report = on_servers.put(shop.documents())
    assert {str(outcome): count for outcome, count in report.counts.items()} == {"unchanged": len(shop.documents())}


def test_status_tells_counts_index_parameters_sizes_and_memory_of_both_servers(on_servers: Engine) -> None:
    stores = on_servers.status()["stores"]
    assert [stores["text"]["documents"], stores["vector"]["documents"]] == [302, 302]
    told = {key for body in stores.values() for key in _keys(body)}
    assert {"algorithm", "metric", "dim"} <= told
    assert any("memory" in key for key in told)
    assert any("bytes" in key for key in told)


def test_before_anything_is_indexed_status_tells_how_the_servers_are(
    redis_url: str, elasticsearch_url: str, tmp_path: Path
) -> None:
    name = f"fresh-{uuid.uuid4().hex}"
    with hybrid.open(tmp_path, redis=redis_url, elasticsearch=elasticsearch_url, collection=name) as engine:
        status = engine.status()
    assert not status["exists"]
    for of in status["stores"].values():
        assert "error" not in of
        assert of["server"]["version"]
        assert not any("index" in warning for warning in of["warnings"])


def _keys(body: dict[str, object]) -> Iterator[str]:
    for key, value in body.items():
        yield key
        if isinstance(value, dict):
            yield from _keys(value)


def test_a_store_that_dies_makes_answers_degraded_and_its_return_makes_them_whole(
    own_redis: RedisMaker, own_elasticsearch: ElasticsearchMaker
) -> None:
    redis, elasticsearch = own_redis(), own_elasticsearch()
    with hybrid.open(redis=redis.url, elasticsearch=elasticsearch.url, deadline_s=5.0) as engine:
        engine.put(shop.documents()[:50])
        before = [(hit.id, hit.score, hit.explain) for hit in engine.search("quiet laptop").hits]
        redis.kill()
        answer = engine.search("laptop")
        assert answer.degraded
        assert answer.retrievers["vector"].status is Status.FAILED
        assert answer.retrievers["vector"].reason == "store_unavailable"
        assert answer.retrievers["text"].status is Status.OK
        assert all(hit.explain["vector"] == {"status": "failed", "contribution": 0.0} for hit in answer.hits)
        elasticsearch.kill()
        with pytest.raises(hybrid.HybridError, match="no retriever could answer") as caught:
            engine.search("laptop")
        assert caught.value.code == "search_unavailable"
        redis.start()
        redis.wait_ready()
        alone = engine.search("laptop")
        assert alone.degraded
        assert alone.retrievers["vector"].status is Status.OK
        elasticsearch.start()
        elasticsearch.wait_ready()
        assert eventually(lambda: not engine.search("laptop").degraded)
        assert [(hit.id, hit.score, hit.explain) for hit in engine.search("quiet laptop").hits] == before


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"algorithm": "HNSW", "m": 8, "ef_construction": 100, "ef_runtime": 30}, "HNSW"),
        ({"algorithm": "FLAT", "metric": "IP", "initial_cap": 500}, "FLAT"),
    ],
)
def test_the_vector_index_is_made_as_the_settings_say(
    settings: dict[str, object], told: str, redis_url: str, tmp_path: Path
) -> None:
    name = f"shop-{uuid.uuid4().hex}"
    with hybrid.open(tmp_path, redis=redis_url, collection=name, vector=settings) as engine:
        engine.put(shop.documents()[:20])
        assert told in str(engine.status()["stores"]["vector"])
        assert len(engine.search("laptop")) == 10
        engine.drop()
