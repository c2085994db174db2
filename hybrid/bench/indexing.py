"""How fast are documents written? Against each store's own bulk loader, with the same documents, vectors given.

The loaders know no versions, no journal and no second store: they are the floor. Rounds are
interleaved and medians compared, so that a noisy machine disturbs all alike.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from elasticsearch.helpers import streaming_bulk

from hybrid.engine import Engine
from hybrid.errors import SettingsError
from hybrid.indexing.documents import content_hash, fingerprint, normalise
from hybrid.inferring import infer
from hybrid.model import Json, Outcome, Record
from hybrid.schema import NO_MODEL, Collection
from hybrid.settings import ElasticsearchSettings, RedisSettings, Settings, VectorSettings
from hybrid.stores import elastic_client, elastic_mapping, redis_client, redis_layout
from hybrid.stores.elastic_text import ElasticText
from hybrid.stores.redis_vectors import RedisVectors

DIM = 384
WORDS = 50
PIPELINE = 200
PATIENCE_S = 60.0
"""Seconds that the stores have to take in the end what they refused at first."""

Given = Iterable[dict[str, Any]]
_TAKEN = {Outcome.CREATED, Outcome.UNCHANGED, Outcome.PENDING}
_SEED = 20260101


@dataclass(frozen=True, slots=True)
class _Servers:
    redis: RedisSettings
    elasticsearch: ElasticsearchSettings


def documents(count: int) -> Iterator[dict[str, Any]]:
    """So many documents of 50 words and a vector of 384 components, always the same ones."""
    random = np.random.default_rng(_SEED)
    for number in range(count):
        ranks = np.minimum(random.zipf(1.3, WORDS), 50_000)
        words = [f"w{rank}" for rank in ranks]
        yield {
            "id": f"document-{number}",
            "title": " ".join(words[:6]),
            "text": " ".join(words),
            "brand": f"brand {number % 50}",
            "price": float(number % 1000),
            "vector": random.standard_normal(DIM, dtype=np.float32),
        }


def run(settings: Settings, count: int, rounds: int, say: Callable[[str], None]) -> dict[str, Json]:
    """Medians of documents a second for both loaders, the dual write and an unchanged re-write, as JSON.

    Raises SettingsError unless both servers are set.
    """
    if settings.redis is None or settings.elasticsearch is None:
        raise SettingsError("the benchmark needs both servers; give --redis and --elasticsearch")
    servers = _Servers(settings.redis, settings.elasticsearch)
    same = list(documents(count))  # made beforehand: making them is nobody's writing
    rates: dict[str, list[float]] = {"elasticsearch": [], "redis": [], "hybrid": [], "unchanged": []}
    for turn in range(rounds):
        rates["elasticsearch"].append(count / _elasticsearch(servers, same))
        rates["redis"].append(count / _redis(servers, same))
        first, again = _hybrid(settings, lambda: same)
        rates["hybrid"].append(count / first)
        rates["unchanged"].append(count / again)
        say(f"round {turn + 1}: " + ", ".join(f"{name} {of[-1]:.0f}/s" for name, of in rates.items()))
    medians = {name: statistics.median(of) for name, of in rates.items()}
    return {
        "documents": count,
        "rounds": rounds,
        "documents_per_second": {name: round(rate, 1) for name, rate in medians.items()},
        "of_the_slower_loader": round(medians["hybrid"] / min(medians["elasticsearch"], medians["redis"]), 3),
        "unchanged_to_first": round(medians["unchanged"] / medians["hybrid"], 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }


def memory(settings: Settings, count: int) -> dict[str, Json]:
    """Peak memory (MB) of this process after so many documents were written through the engine, and the rate."""
    took, _ = _hybrid(settings, lambda: documents(count), again=False)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"documents": count, "peak_memory_mb": round(peak, 1), "documents_per_second": round(count / took, 1)}


def _hybrid(settings: Settings, given: Callable[[], Given], *, again: bool = True) -> tuple[float, float]:
    """Seconds to write the documents through an engine, and to write them again, unchanged."""
    own = settings.model_copy(
        update={"collection": "bench-hybrid", "model": NO_MODEL, "vector": VectorSettings(dim=DIM)}
    )
    with Engine(own) as engine:
        engine.drop()
        try:
            first = _timed(lambda: _all_taken(engine, given()))
            return first, _timed(lambda: _all_taken(engine, given())) if again else 0.0
        finally:
            engine.drop()


def _all_taken(engine: Engine, given: Given) -> None:
    """Returns when both stores have all documents; what they did not take at once is paid, and takes its time."""
    report = engine.put(given, wait=False)
    if not report.ok and (report.counts.keys() - _TAKEN or not _paid(engine)):
        counts = {str(outcome): number for outcome, number in report.counts.items()}
        reason = next((one.reason for one in report.problems), "")
        raise SettingsError(f"not all documents were taken, so there is nothing to compare: {counts} ({reason})")


def _paid(engine: Engine) -> bool:
    """Whether the stores took what they are owed, which a busy Elasticsearch refuses for a while."""
    end = time.monotonic() + PATIENCE_S
    while any(engine.flush().owed.values()):
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True


def _elasticsearch(servers: _Servers, given: Given) -> float:
    collection = _collection("bench-elasticsearch")
    alias = elastic_mapping.write_alias(collection.name)
    actions = (
        {"_index": alias, "_id": record.id, "_source": elastic_mapping.document(record, collection.schema)}
        for record in _records(collection, given)
    )
    with (
        closing(ElasticText.connect(servers.elasticsearch, collection.name)) as store,
        closing(elastic_client.connect(servers.elasticsearch)) as client,
        _made(store, collection),
    ):
        return _timed(lambda: _exhaust(streaming_bulk(client, actions, chunk_size=500)))


def _redis(servers: _Servers, given: Given) -> float:
    collection = _collection("bench-redis")
    with (
        closing(RedisVectors.connect(servers.redis, collection.name)) as store,
        closing(redis_client.connect(servers.redis)) as client,
        _made(store, collection),
    ):
        return _timed(lambda: _load_redis(client, collection, given))


def _load_redis(client: Any, collection: Collection, given: Given) -> None:
    records = _records(collection, given)
    while batch := list(islice(records, PIPELINE)):
        pipeline = client.pipeline(transaction=False)
        for record in batch:
            for key, fields in redis_layout.hashes(record, collection).items():
                pipeline.hset(key, mapping=fields)
        pipeline.execute()


def _collection(name: str) -> Collection:
    schema = infer(normalise(document) for document in documents(100))
    return Collection(name, schema, VectorSettings().spec(DIM), NO_MODEL)


def _records(collection: Collection, given: Given) -> Iterator[Record]:
    made_by = fingerprint(collection)
    for number, document in enumerate(given, 1):
        one = normalise(document)
        if one.vectors is not None:
            yield Record(one.id, number, content_hash(one, made_by), one.fields, one.vectors)


@contextmanager
def _made(store: ElasticText | RedisVectors, collection: Collection) -> Iterator[None]:
    store.drop()
    store.create(collection)
    try:
        yield
    finally:
        store.drop()


def _exhaust(items: Iterable[Any]) -> None:
    for _ in items:
        pass


def _timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
