"""Indexes that others made, adopted from real servers: copied, found by words and by meaning, and never touched."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis
from click.testing import CliRunner
from elasticsearch import Elasticsearch, helpers

import hybrid
from hybrid import cli
from hybrid.adopt import adopt, elastic_source, redis_source
from hybrid.adopt.base import document, fitted
from hybrid.errors import InputError, SettingsError
from hybrid.model import Document, DocumentOutcome
from hybrid.schema import FieldType
from tests.embedders import HashedWords

WORDS = ("quiet laptop", "cordless drill", "조용한 노트북", "book about the sea", "loud printer")


def counts(report: hybrid.WriteReport) -> dict[str, int]:
    return {str(outcome): count for outcome, count in report.counts.items()}


def source(n: int) -> dict[str, Any]:
    return {
        "name": WORDS[n % 5],
        "sku": f"S {n}",
        "price": n + 0.5,
        "stock": n,
        "sold": n % 2 == 0,
        "added": f"2024-01-{n % 28 + 1:02}",
        "seen": 1_700_000_000_000 + n,
        "maker": {"city": "Seoul"},
        "id": 1000 + n,
        "embedding": [1.0, float(n), 0.5],
    }


MAPPINGS = {
    "dynamic": False,
    "properties": {
        "name": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "sku": {"type": "keyword"},
        "price": {"type": "double"},
        "stock": {"type": "integer"},
        "sold": {"type": "boolean"},
        "added": {"type": "date"},
        "seen": {"type": "date"},
        "embedding": {"type": "dense_vector", "dims": 3, "similarity": "l2_norm"},
    },
}


class Foreign:
    """An index of Elasticsearch with documents of `source`."""

    def __init__(self, url: str) -> None:
        self.client = Elasticsearch(url)
        self.name = f"foreign-{uuid.uuid4().hex}"
        settings = {"number_of_shards": 2, "number_of_replicas": 0}
        self.client.indices.create(index=self.name, settings=settings, mappings=MAPPINGS)
        self.write(range(40))

    def write(self, numbers: Any, **changes: Any) -> None:
        actions = ({"_index": self.name, "_id": f"n{n}", "_source": source(n) | changes} for n in numbers)
        helpers.bulk(self.client, actions, refresh=True)

    def state(self) -> Any:
        """All there is to change: documents with their versions, mappings, settings and aliases."""
        hits = self.client.search(index=self.name, size=1000, version=True, seq_no_primary_term=True, sort=["sku"])
        return hits["hits"]["hits"], self.client.indices.get(index=self.name).body


@pytest.fixture
def foreign(elasticsearch_url: str) -> Iterator[Foreign]:
    made = Foreign(elasticsearch_url)
    yield made
    made.client.indices.delete(index=made.name)
    made.client.close()


def fields(n: int) -> dict[str, Any]:
    """What is to become of `source(n)`."""
    given = {name: value for name, value in source(n).items() if name not in ("id", "embedding")}
    return given | {"id_": 1000 + n}


@pytest.mark.servers
def test_an_index_of_elasticsearch_becomes_hybrid_and_stays_as_it_was(
    foreign: Foreign, redis_url: str, elasticsearch_url: str
) -> None:
    before = foreign.state()
    servers = {"redis": redis_url, "elasticsearch": elasticsearch_url}
    name = f"adopted-{uuid.uuid4().hex}"
    report = adopt(elasticsearch_index=foreign.name, embedder=HashedWords(), collection=name, **servers)
    assert counts(report) == {"created": 40}
    assert report.notes == ("these vectors were not taken along: embedding",)
    assert foreign.state() == before
    with hybrid.open(collection=name, embedder=HashedWords(), **servers) as engine:
        assert {one["id"]: one for one in engine.export()} == {f"n{n}": {"id": f"n{n}"} | fields(n) for n in range(40)}
        hit = engine.search("quiet laptop", filter="price < 1 AND added = 2024-01-01").hits[0]
        assert (hit.id, {part["status"] for part in hit.explain.values()}) == ("n0", {"hit"})
        kinds = {one.name: one.type for one in engine.collection.schema.fields}
        assert kinds == {
            "name": FieldType.TEXT,
            "sku": FieldType.KEYWORD,
            "price": FieldType.DOUBLE,
            "stock": FieldType.LONG,
            "sold": FieldType.BOOLEAN,
            "added": FieldType.DATE,
            "seen": FieldType.LONG,  # a date there, but numbers in the documents
            "id_": FieldType.LONG,
        }
        assert engine.verify().agree
        engine.drop()


@pytest.mark.servers
def test_what_was_broken_off_goes_on_and_what_was_written_since_is_taken(
    foreign: Foreign, elasticsearch_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elastic_source, "PAGE", 5)
    monkeypatch.setattr(elastic_source, "IN_FLIGHT", 0)
    settings: dict[str, Any] = {"server": elasticsearch_url, "data_dir": tmp_path, "embedder": HashedWords()}
    seen: list[str] = []

    def told(outcome: DocumentOutcome) -> None:
        seen.append(outcome.id)
        if len(seen) == 13:  # in the third page, which is written by then
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adopt(elasticsearch_index=foreign.name, told=told, **settings)
    assert counts(adopt(elasticsearch_index=foreign.name, **settings)) == {"created": 40 - 15}
    assert counts(adopt(elasticsearch_index=foreign.name, **settings)) == {}
    foreign.write([3], stock=99)
    foreign.write([40])
    assert counts(adopt(elasticsearch_index=foreign.name, **settings)) == {"created": 1, "updated": 1}
    assert counts(adopt(elasticsearch_index=foreign.name, restart=True, **settings)) == {"unchanged": 41}
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        assert engine.count() == 41
        assert engine.get("n3")["stock"] == 99
        engine.drop()
    assert counts(adopt(elasticsearch_index=foreign.name, **settings)) == {"created": 41}


@pytest.mark.servers
def test_the_vectors_of_an_index_of_elasticsearch_can_be_taken_along(
    foreign: Foreign, elasticsearch_url: str, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"elasticsearch_index": foreign.name, "server": elasticsearch_url, "data_dir": tmp_path}
    with pytest.raises(InputError, match="no dense_vector field 'name'; it has: embedding"):
        adopt(vector_field="name", model="none", **given)
    with pytest.raises(SettingsError, match="have 3 components, and the model 'hashed-words-64' makes 64"):
        adopt(vector_field="embedding", embedder=HashedWords(), **given)
    assert adopt(vector_field="embedding", model="none", **given).ok
    with hybrid.open(tmp_path, model="none") as engine:
        assert engine.collection.vector.metric == "L2"
        found = engine.search(vector=[1.0, 7.2, 0.5], retrievers=["vector"], limit=3)
        assert found.ids == ["n7", "n8", "n6"]
        assert found.hits[0].explain["vector"]["raw_score"] == pytest.approx(-0.2, abs=1e-6)


class ForeignRedis:
    """A search index over hashes: 25 documents with vectors, one without, and one whose vector is broken."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(url, protocol=3)
        self.prefix = f"foreign[{uuid.uuid4().hex}]:"
        self.name = f"{self.prefix}index"
        vector = ["VECTOR", "HNSW", 6, "TYPE", "FLOAT32", "DIM", 2, "DISTANCE_METRIC", "IP"]
        kinds = ["name", "TEXT", "tags", "TAG", "SEPARATOR", ";", "price", "NUMERIC", "vec", *vector]
        self.run("FT.CREATE", self.name, "ON", "HASH", "PREFIX", 1, self.prefix, "SCHEMA", *kinds)
        for n in range(25):
            self.write(str(n), vec=np.float32([1, n]).tobytes())
        self.write("bare")
        self.write("broken", vec=b"12345")
        self.client.set(f"{self.prefix}no-hash", "x")

    def run(self, *command: Any) -> Any:
        return self.client.execute_command(*command)  # type: ignore[no-untyped-call]

    def write(self, one: str, **more: Any) -> None:
        about = {"name": WORDS[len(one) % 5], "tags": "new; light", "price": "7.5", "size": "3", "raw": b"\xff"}
        self.client.hset(self.prefix + one, mapping=about | more)

    def state(self) -> dict[bytes, Any]:
        keys = [key for key in self.client.scan_iter(count=1000) if key.startswith(self.prefix.encode())]
        return {key: self.client.dump(key) for key in keys}


@pytest.fixture
def foreign_redis(redis_url: str) -> Iterator[ForeignRedis]:
    made = ForeignRedis(redis_url)
    yield made
    made.run("FT.DROPINDEX", made.name, "DD")
    made.client.delete(f"{made.prefix}no-hash")
    made.client.close()


@pytest.mark.servers
def test_a_vector_index_of_redis_gets_text_and_stays_as_it_was(
    foreign_redis: ForeignRedis, redis_url: str, tmp_path: Path
) -> None:
    before = foreign_redis.state()
    report = adopt(redis_index=foreign_redis.name, server=redis_url, data_dir=tmp_path, model="none")
    assert counts(report) == {"created": 25, "rejected": 2}
    assert {one.id for one in report.problems} == {"bare", "broken"}
    assert foreign_redis.state() == before
    with hybrid.open(tmp_path, model="none") as engine:
        about = {"name": "cordless drill", "tags": ["new", "light"], "price": 7.5, "size": "3"}
        assert engine.get("7") == about
        spec = engine.collection.vector
        assert (spec.dim, spec.metric, spec.algorithm) == (2, "IP", "HNSW")
        assert engine.search(vector=[0.0, 1.0], retrievers=["vector"], limit=2).ids == ["24", "23"]
        assert engine.search("drilled", retrievers=["text"], filter='tags = "light"', limit=50).total.value == 10  # type: ignore[union-attr]


@pytest.mark.servers
def test_a_pass_through_redis_that_was_broken_off_goes_on(
    foreign_redis: ForeignRedis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_source, "PAGE", 1)
    monkeypatch.setattr(redis_source, "SCANNED", 10)
    given: dict[str, Any] = {"redis_index": foreign_redis.name, "server": redis_url, "data_dir": tmp_path}
    first: list[str] = []

    def told(outcome: DocumentOutcome) -> None:
        first.append(outcome.id)
        if len(first) == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adopt(told=told, model="none", **given)
    rest: list[str] = []
    adopt(told=lambda outcome: rest.append(outcome.id), model="none", **given)
    assert len(rest) <= 27 - 12
    with hybrid.open(tmp_path, model="none") as engine:
        assert {one["id"] for one in engine.export()} == set(map(str, range(25)))
    again = adopt(model="none", **given)  # Redis keeps no order of writes: all are read, none is written
    assert counts(again) == {"unchanged": 25, "rejected": 2}


@pytest.mark.servers
@pytest.mark.parametrize("kind", ["elasticsearch", "redis"])
def test_what_cannot_be_adopted_is_said(
    kind: str, redis_url: str, elasticsearch_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue(f"{kind}_url")
    with pytest.raises(InputError, match=r"there is no index 'nowhere' in \w+ at .*\. Look with"):
        adopt(**{f"{kind}_index": "nowhere"}, server=url, data_dir=tmp_path, model="none")
    name = f"own-{uuid.uuid4().hex}"
    with hybrid.open(redis=redis_url, elasticsearch=elasticsearch_url, model="none", collection=name) as engine:
        engine.put([{"id": "1", "title": "words", "vector": [1.0]}])
        own = {"elasticsearch": f"hybrid-{name}", "redis": f"hs:{{{name}}}:idx"}[kind]
        with pytest.raises(InputError, match="is a collection of this program"):
            adopt(**{f"{kind}_index": own}, server=url, data_dir=tmp_path, model="none")
        engine.drop()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, InputError),
        ({"elasticsearch_index": "a", "redis_index": "b"}, InputError),
        ({"elasticsearch_index": "a"}, SettingsError),
        ({"redis_index": "a"}, SettingsError),
        ({"redis_index": "a", "server": "http://localhost"}, SettingsError),
    ],
)
def test_one_index_and_its_server_must_be_named(given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        adopt(model="none", data_dir=":memory:", **given)


@pytest.mark.servers
def test_one_command_makes_it_hybrid(
    foreign_redis: ForeignRedis, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["adopt", "--redis-index", foreign_redis.name, "--from", redis_url, "--model", "none", "--json"]
    ran = CliRunner().invoke(cli.cli, arguments)
    assert ran.exit_code == 1  # two were rejected
    assert '"created": 25' in ran.stdout
    assert "27/" in ran.stderr  # the progress
    found = CliRunner().invoke(cli.cli, ["count", "--model", "none"])
    assert found.output == "25\n"


def docs(*rows: dict[str, Any]) -> list[Document]:
    return [document(str(n), row) for n, row in enumerate(rows)]


def test_an_index_type_counts_where_the_values_fit_it() -> None:
    types = {
        "title": FieldType.TEXT,
        "b": FieldType.DOUBLE,
        "c": FieldType.LONG,
        "d": FieldType.DATE,
        "bad name": FieldType.LONG,
    }
    schema = fitted(types, docs({"title": "x", "b": 1, "c": "5"}, {"title": "y", "e": True, "bad name": 1}))
    assert {one.name: str(one.type) for one in schema.fields} == {
        "title": "text",
        "b": "double",
        "c": "keyword",
        "e": "boolean",
        "d": "date",
    }


def test_words_are_searched_even_where_the_index_has_keywords_alone() -> None:
    assert fitted({"a": FieldType.KEYWORD}, docs({"a": "x"})).searched == (("a", 1.0),)
    assert fitted({}, []).fields == ()


def test_reserved_names_give_way() -> None:
    assert document("7", {"id": 7, "vector": "north"}).fields == {"vector_": "north"}
    assert document("7", {"id": "8", "a": 1}).fields == {"id_": "8", "a": 1}
    assert document("None", {"a": 1}).fields == {"a": 1}
