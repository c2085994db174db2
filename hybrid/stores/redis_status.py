"""What does an operator of Redis want to know? Sizes, parameters and warnings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import redis
from redis.exceptions import NoPermissionError

from hybrid.filters.tree import Filter
from hybrid.model import Json
from hybrid.stores import redis_layout as layout
from hybrid.stores import redis_query as asking
from hybrid.stores.redis_client import run, translated

SAFE_REDIS = (8, 2, 2)
SAFE_SEARCH = (2, 10, 10)
"""Older ones have published security holes (CVE-2025-49844, CVE-2024-51737)."""


def count(client: redis.Redis, name: str, kind: str, tree: Filter | None = None) -> int:
    """The number of hashes of one kind that satisfy a filter: d (documents), p (further passages), t (tombstones)."""
    return int(run(client, *asking.count_command(name, kind, tree))[b"total_results"])


def status(client: redis.Redis, name: str) -> dict[str, Json]:
    """The collection's counts, index and server. Sizes in bytes; `server` is None where INFO is not allowed."""
    documents, passages, tombstones = (count(client, name, kind) for kind in "dpt")
    index = run(client, "FT.INFO", f"{layout.prefix(name)}idx")
    server = _server(client)
    return {
        "documents": documents,
        "tombstones": tombstones,
        "passages": documents + passages,
        "index": _index(index),
        "document_bytes": _document_bytes(client, name),
        "server": server,
        "warnings": warnings(server, int(index[b"hash_indexing_failures"])),
    }


def of_server(client: redis.Redis) -> dict[str, Json]:
    """As `status`, of a server that has nothing of the collection."""
    server = _server(client)
    return {"server": server, "warnings": warnings(server, 0)}


def generation(client: redis.Redis, name: str) -> str:
    """What names the state of the index: each hash that is indexed anew takes the next number."""
    with translated(client):
        info = run(client, "FT.INFO", f"{layout.prefix(name)}idx")
        started = run(client, "INFO", "server")["run_id"]
    return f"{started}/{info[b'max_doc_id']}/{info[b'num_docs']}"


def _index(info: Mapping[bytes, Any]) -> dict[str, Json]:
    vector = next(one for one in info[b"attributes"] if one[b"identifier"] == b"_vec")
    hnsw = {"m": b"M", "ef_construction": b"ef_construction"}
    return {
        "algorithm": vector[b"algorithm"].decode(),
        "metric": vector[b"distance_metric"].decode(),
        "type": vector[b"data_type"].decode(),
        "dim": int(vector[b"dim"]),
        **{name: int(vector[key]) for name, key in hnsw.items() if key in vector},
        "indexed": float(info[b"percent_indexed"]),
        "indexing_failures": int(info[b"hash_indexing_failures"]),
        "vector_bytes": round(float(info[b"vector_index_sz_mb"]) * 2**20),
        "filter_bytes": round(float(info[b"total_index_memory_sz_mb"]) * 2**20),
    }


def _document_bytes(client: redis.Redis, name: str) -> int | None:
    """The memory of one document's hash, None where there is none or MEMORY is not allowed."""
    found = run(client, *asking.count_command(name, "d")[:3], "NOCONTENT", "LIMIT", 0, 1, "DIALECT", 2)
    try:
        return run(client, "MEMORY USAGE", found[b"results"][0][b"id"]) if found[b"results"] else None
    except NoPermissionError:
        return None


def _server(client: redis.Redis) -> dict[str, Json] | None:
    try:
        info: dict[str, Any] = run(client, "INFO", "everything")
    except NoPermissionError:
        return None
    modules = {one["name"]: one["ver"] for one in info.get("modules", ())}
    packed = int(modules.get("search", 0))  # 21005 is 2.10.5
    return {
        "version": info["redis_version"],
        "search_version": info.get("search_version") or f"{packed // 10000}.{packed // 100 % 100}.{packed % 100}",
        "used_memory_bytes": int(info["used_memory"]),
        "max_memory_bytes": int(info.get("maxmemory", 0)) or None,
        "eviction_policy": info.get("maxmemory_policy", ""),
        "append_only_file": bool(info.get("aof_enabled")),
    }


def warnings(server: Mapping[str, Json] | None, indexing_failures: int) -> list[str]:
    """What an operator should look at. server: as `status` gives it."""
    found = []
    if indexing_failures:
        found.append(f"{indexing_failures} hashes could not be indexed and are found by no search. Run: hybrid verify")
    if server is None:
        return [*found, "Redis does not let this user see INFO: memory, persistence and versions are not known"]
    if server["eviction_policy"] != "noeviction":
        found.append(
            f"maxmemory-policy is {server['eviction_policy']}: Redis may throw documents away. Set it to noeviction"
        )
    if not server["append_only_file"]:
        found.append("the append-only file is off: a restart may lose documents. Set appendonly to yes")
    limit = server["max_memory_bytes"]
    if limit and server["used_memory_bytes"] > 0.9 * limit:
        found.append("more than 90 % of maxmemory is used. Raise maxmemory, or delete documents")
    for what, key, safe in (("Redis", "version", SAFE_REDIS), ("RediSearch", "search_version", SAFE_SEARCH)):
        if version(server[key]) < safe:
            found.append(f"{what} {server[key]} has known security holes. Use {'.'.join(map(str, safe))} or newer")
    return found


def version(text: str) -> tuple[int, ...]:
    """The numbers at the beginning of a version: (8, 2, 3) for "8.2.3-rc1"."""
    found = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in found[0].split(".")) if found else ()
