"""What does an operator of Elasticsearch want to know? Sizes, health and warnings."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from elasticsearch import AuthorizationException, Elasticsearch

from hybrid.model import Json
from hybrid.stores.elastic_client import translated
from hybrid.stores.elastic_mapping import OWN
from hybrid.stores.redis_status import version

SAFE = (8, 19)


_SEEN = "*.*.shards.*.seq_no.max_seq_no,*.*.shards.*.commit.generation,*.*.shards.*.refresh.external_total"


def generation(client: Elasticsearch, index: str) -> str:
    """What names the state that a search sees: of each shard the last operation, commit and refresh."""
    with translated(client):
        answer = client.indices.stats(index=index, metric=["refresh"], level="shards", filter_path=_SEEN)
    return orjson.dumps(answer.body, option=orjson.OPT_SORT_KEYS).decode()


def count(client: Elasticsearch, index: str, *, deleted: bool) -> int:
    """The number of documents, or, with `deleted`, of tombstones."""
    tombstone = {"term": {f"{OWN}.deleted": True}}
    query = tombstone if deleted else {"bool": {"must_not": tombstone}}
    return int(client.count(index=index, query=query)["count"])


def status(client: Elasticsearch, index: str) -> dict[str, Json]:
    """The collection's counts, index and server. Sizes in bytes; `server` is None where monitoring is not allowed."""
    stats = client.indices.stats(index=index, metric=["store", "docs"])["_all"]
    settings = next(iter(client.indices.get_settings(index=index).body.values()))["settings"]["index"]
    read_only = "read_only_allow_delete" in settings.get("blocks", {})
    server = _server(client, index)  # last: it waits for an index that is not there
    return {
        "documents": count(client, index, deleted=False),
        "tombstones": count(client, index, deleted=True),
        "index": {
            "name": index,
            "bytes": stats["primaries"]["store"]["size_in_bytes"],
            "bytes_with_replicas": stats["total"]["store"]["size_in_bytes"],
            "shards": int(settings["number_of_shards"]),
            "replicas": int(settings["number_of_replicas"]),
            "read_only": read_only,
        },
        "server": server,
        "warnings": warnings(server, read_only=read_only),
    }


def of_server(client: Elasticsearch) -> dict[str, Json]:
    """As `status`, of a server that has nothing of the collection."""
    server = _server(client)
    return {"server": server, "warnings": warnings(server, read_only=False, indexed=False)}


def _server(client: Elasticsearch, index: str | None = None) -> dict[str, Json] | None:
    try:
        health = client.cluster.health(index=index)
        nodes = client.nodes.stats(metric=["jvm", "fs"])["nodes"].values()
        number = client.info()["version"]["number"]
    except AuthorizationException:
        return None
    return {
        "version": number,
        "health": health["status"],
        "nodes": health["number_of_nodes"],
        "unassigned_shards": health["unassigned_shards"],
        "heap_percent": max(node["jvm"]["mem"]["heap_used_percent"] for node in nodes),
        "disk_free_bytes": min(node["fs"]["total"]["available_in_bytes"] for node in nodes),
        "disk_percent": max(_used(node["fs"]["total"]) for node in nodes),
    }


def _used(disk: Mapping[str, int]) -> int:
    return round(100 * (1 - disk["available_in_bytes"] / disk["total_in_bytes"]))


def warnings(server: Mapping[str, Json] | None, *, read_only: bool, indexed: bool = True) -> list[str]:
    """What an operator should look at. server: as `status` gives it; indexed: its health is that of the index."""
    found = []
    if read_only:
        found.append("the index takes no writes because the disk is nearly full. Make room there")
    if server is None:
        return [*found, "Elasticsearch does not let this user monitor it: health, memory and version are not known"]
    if indexed and server["health"] != "green":
        found.append(f"the index is {server['health']}: {server['unassigned_shards']} copies of shards are missing")
    if server["heap_percent"] > 85:
        found.append(f"{server['heap_percent']} % of the heap is used. Give Elasticsearch more memory")
    if server["disk_percent"] > 85:
        found.append(f"{server['disk_percent']} % of the disk is used; at 95 % writes end. Make room there")
    if version(server["version"]) < SAFE:
        found.append(f"Elasticsearch {server['version']} is too old. Use {'.'.join(map(str, SAFE))} or newer")
    return found
