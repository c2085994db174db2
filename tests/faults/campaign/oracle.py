"""What is in the stores, and may it be? Read with the stores' own clients, every document and every tombstone.

The terms are those of Jepsen's checker for Elasticsearch; "all" means both stores, "some" either of them.
"""

from __future__ import annotations

from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
import redis
from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from hybrid.model import Vector
from tests.faults.campaign.content import COLLECTION, DIM, Kind, text, vectors
from tests.faults.campaign.history import History, Past

FINDINGS = ("lost", "some_lost", "dirty", "resurrected", "stale", "torn", "undead_vector")
"""lost: acknowledged and in neither store; some_lost: in one of them. dirty: never asked for, refused, or seen once and
then gone. resurrected: deleted, and there. stale: older than what was acknowledged. torn: the stores hold different
versions. undead_vector: a vector or a text that belongs to another version than the number beside it."""

PREFIX = f"hs:{{{COLLECTION}}}:"
INDEX = f"hybrid-{COLLECTION}"
WAIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Copy:
    """What one store holds of one document. number: of its content, None for a tombstone; whole: text and
    vectors are those of that number."""

    version: int
    hash: str
    number: int | None
    whole: bool = True

    @classmethod
    def of(cls, document_id: str, version: int, digest: str, source: Mapping[str, Any], held: Vector) -> Copy:
        """A document that is there. held: all vectors kept for it, (n, dim)."""
        number = int(source["number"])
        wanted = vectors(document_id, number)
        whole = held.shape == wanted.shape and np.allclose(held, wanted, atol=1e-5)
        return cls(version, digest, number, bool(whole and source["text"] == text(document_id, number)))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be."""

    kind: str
    id: str
    said: str


@dataclass
class Judgement:
    """What a check found; documents: those compared."""

    documents: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        return Counter(one.kind for one in self.findings)


def in_redis(url: str) -> dict[str, Copy]:
    """Every document and tombstone of the collection in Redis, by id."""
    with redis.Redis.from_url(url, socket_timeout=WAIT_S, protocol=3) as client:
        keys = list(client.scan_iter(match=f"{PREFIX}[dp]:*", count=1000))
        with client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hgetall(key)
            hashes = dict(zip((key.decode() for key in keys), pipeline.execute(), strict=True))
    passages: dict[str, dict[int, bytes]] = {}
    for key, held in hashes.items():
        kind, _, rest = key.removeprefix(PREFIX).partition(":")
        if kind == "p":
            number, _, document_id = rest.partition(":")
            passages.setdefault(document_id, {})[int(number)] = held[b"_vec"]
    return {
        one: _redis_copy(one, held, passages.get(one, {}))
        for key, held in hashes.items()
        if (one := key.removeprefix(f"{PREFIX}d:")) != key
    }


def _redis_copy(document_id: str, held: Mapping[bytes, bytes], further: Mapping[int, bytes]) -> Copy:
    version, digest = int(held[b"_v"]), held[b"_h"].decode()
    if held[b"_kind"] == b"t":
        return Copy(version, digest, None, whole=not further)
    blobs = held[b"_vec"] + b"".join(further[number] for number in sorted(further))
    rows = np.frombuffer(blobs, "<f4").reshape(-1, DIM)
    return Copy.of(document_id, version, digest, orjson.loads(held[b"_src"]), rows)


def searchable_in_redis(url: str) -> int:
    """How many documents the search index of Redis knows."""
    with redis.Redis.from_url(url, socket_timeout=WAIT_S, protocol=3) as client:
        command = ("FT.SEARCH", f"{PREFIX}idx", "@_kind:{d}", "LIMIT", 0, 0, "DIALECT", 2)
        return int(client.execute_command(*command)[b"total_results"])


def in_elasticsearch(url: str) -> dict[str, Copy]:
    """Every document and tombstone of the collection in Elasticsearch, by id, as a search finds them."""
    with Elasticsearch(url, request_timeout=WAIT_S) as client:
        client.indices.refresh(index=INDEX)
        answer = client.search(index=INDEX, size=10_000, version=True, query={"match_all": {}})
    assert not answer["timed_out"], answer
    assert not answer["_shards"]["failed"], answer
    return {hit["_id"]: _elastic_copy(hit) for hit in answer["hits"]["hits"]}


def _elastic_copy(hit: Mapping[str, Any]) -> Copy:
    source, own = hit["_source"], hit["_source"]["_hybrid"]
    if own.get("deleted"):
        return Copy(hit["_version"], own["hash"], None)
    rows = np.frombuffer(b64decode(own["vectors"]), "<f4").reshape(-1, DIM)
    return Copy.of(hit["_id"], hit["_version"], own["hash"], source, rows)


def seen(redis_url: str, elasticsearch_url: str) -> list[tuple[str, int]]:
    """Ids and numbers that a reader sees at this moment in the stores that answer at once."""
    found: list[tuple[str, int]] = []
    ids = [f"hot-{number}" for number in range(8)]
    try:
        with redis.Redis.from_url(redis_url, socket_timeout=0.3, socket_connect_timeout=0.3) as client:
            answers = [client.hget(f"{PREFIX}d:{one}", "number") for one in ids]
        found += [(one, int(number)) for one, number in zip(ids, answers, strict=True) if number is not None]
    except redis.RedisError:
        found = []  # it was harmed in this very moment
    try:
        with Elasticsearch(elasticsearch_url, request_timeout=0.3, max_retries=0) as client:
            docs = client.mget(index=INDEX, ids=ids)["docs"]
        found += [(one["_id"], one["_source"]["number"]) for one in docs if "number" in one.get("_source", {})]
    except (TransportError, ApiError):
        return found
    return found


def judge(history: History, one: Mapping[str, Copy], other: Mapping[str, Copy], searchable: int) -> Judgement:
    """What must not be, by document. one, other: what Redis and Elasticsearch hold. searchable: documents that the
    search index of Redis knows. A history without findings is settled by what is there."""
    ids = sorted(history.pasts.keys() | one.keys() | other.keys())
    judgement = Judgement(len(ids))
    for document_id in ids:
        past = history.pasts.get(document_id, Past())
        copies = one.get(document_id), other.get(document_id)
        found = list(_findings(history, document_id, past, *copies))
        judgement.findings += found
        if not found and document_id in history.pasts:
            history.settle(document_id, copies[0].number if copies[0] else None)
    there = sum(copy.number is not None for copy in one.values())
    if searchable != there:
        judgement.findings.append(Finding("some_lost", "*", f"Redis holds {there} documents and finds {searchable}"))
    return judgement


def _findings(
    history: History, document_id: str, past: Past, one: Copy | None, other: Copy | None
) -> Iterator[Finding]:
    said = f"sure {past.sure}, then perhaps {past.later}; Redis {one}, Elasticsearch {other}"
    wrong = [_wrong(history, past, copy) for copy in (one, other)]
    if wrong == ["lost", "lost"]:
        yield Finding("dirty" if past.seen else "lost", document_id, said)
    else:
        for kind in filter(None, wrong):
            yield Finding({"lost": "some_lost"}.get(kind, kind), document_id, said)
    if not any(wrong) and _content(one) != _content(other):
        yield Finding("torn", document_id, said)
    if not all(copy is None or copy.whole for copy in (one, other)):
        yield Finding("undead_vector", document_id, said)


def _wrong(history: History, past: Past, copy: Copy | None) -> str:
    """What is wrong with one store's copy; "" for nothing."""
    number = copy.number if copy else None
    if number is None:
        return "" if past.may_be_gone else "lost"
    if number in past.allowed:
        return ""
    tried = history.tried.get(number)
    if past.sure is None or tried is None or tried.kind is not Kind.PUT or number > past.sure.number:
        return "dirty"
    return "resurrected" if past.sure.kind is Kind.DELETE else "stale"


def _content(copy: Copy | None) -> tuple[int, int, str] | None:
    """What has to be the same in both stores. A tombstone may be absent from one."""
    return None if copy is None or copy.number is None else (copy.number, copy.version, copy.hash)
