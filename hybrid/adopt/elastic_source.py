"""How is somebody else's index read from Elasticsearch? Shard by shard, in the order in which it was written.

Every document has a sequence number in its shard, and a later write a larger one. So where reading stopped is one
number a shard, and reading on from there finds what was written since, too. Deletions leave nothing to be found.

Privileges on the index: read and view_index_metadata.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from elasticsearch import NotFoundError

from hybrid.adopt.base import PAGE, Page, document
from hybrid.errors import InputError, StoreError
from hybrid.model import Document, Json
from hybrid.schema import FieldType, Metric
from hybrid.settings import ElasticsearchSettings, VectorSettings
from hybrid.stores.elastic_client import check_complete, connect, location, translated

KEEP_ALIVE = "30m"
"""How long a page may take to be embedded and written."""

IN_FLIGHT = 1000
"""Sequence numbers before the last one seen that are read again: theirs may not have been searchable yet."""

_KINDS: dict[FieldType, str] = {
    FieldType.TEXT: "text match_only_text search_as_you_type semantic_text",
    FieldType.KEYWORD: "keyword constant_keyword wildcard ip version",
    FieldType.LONG: "long integer short byte unsigned_long",
    FieldType.DOUBLE: "double float half_float scaled_float",
    FieldType.BOOLEAN: "boolean",
    FieldType.DATE: "date date_nanos",
}
_TYPES = {name: kind for kind, names in _KINDS.items() for name in names.split()}
_METRICS = {"l2_norm": Metric.L2, "max_inner_product": Metric.IP}
_DESCRIBED = "*.mappings,*.settings.index.uuid,*.settings.index.number_of_shards"
_ASKED = (
    "pit_id,timed_out,_shards.failed,_shards.failures,hits.hits._id,hits.hits._source,hits.hits.fields,hits.hits.sort"
)


class ElasticSource:
    """An index, or all that an alias stands for. vector_field: the dense_vector field that becomes the documents' own
    vectors; others are left out. Raises InputError where there is no such index or field."""

    def __init__(self, settings: ElasticsearchSettings, index: str, vector_field: str | None = None) -> None:
        self._client = connect(settings)
        self._index = index
        self._vector_field = vector_field
        with translated(self._client):
            try:
                self._indices = dict(self._client.indices.get(index=index, filter_path=_DESCRIBED))
            except NotFoundError:
                self._indices = {}
        where = location(self._client)
        if not self._indices:
            raise InputError(f"there is no index {index!r} in Elasticsearch at {where}. Look with: GET _cat/indices")
        if any("collection" in one.get("mappings", {}).get("_meta", {}) for one in self._indices.values()):
            raise InputError(f"the index {index!r} is a collection of this program. Search it with --collection")
        if vector_field is not None and vector_field not in self._dense():
            known = ", ".join(self._dense()) or "none"
            raise InputError(f"the index {index!r} has no dense_vector field {vector_field!r}; it has: {known}")

    @property
    def identity(self) -> str:
        return f"{location(self._client)}/{self._index}"

    def types(self) -> Mapping[str, FieldType]:
        found = {name: _TYPES.get(of.get("type", "")) for name, of in self._properties().items()}
        return {name: kind for name, kind in found.items() if kind is not None}

    def vector(self) -> VectorSettings | None:
        if self._vector_field is None:
            return None
        of = self._dense()[self._vector_field]
        return VectorSettings(dim=of.get("dims"), metric=_METRICS.get(of.get("similarity", ""), Metric.COSINE))

    def notes(self) -> tuple[str, ...]:
        left = sorted(self._dense().keys() - {self._vector_field})
        return (f"these vectors were not taken along: {', '.join(left)}",) if left else ()

    def total(self) -> int:
        with translated(self._client):
            return int(self._client.count(index=self._index)["count"])

    def pages(self, position: Json) -> Iterator[Page]:
        done: dict[str, int] = dict(position or {})
        for name, of in sorted(self._indices.items()):
            settings = of["settings"]["index"]
            for shard in range(int(settings["number_of_shards"])):
                key = f"{settings['uuid']}/{shard}"
                for hits in self._shard(name, shard, done.get(key, -1) - IN_FLIGHT):
                    done = done | {key: max(done.get(key, -1), hits[-1]["sort"][0])}
                    yield Page([self._document(hit) for hit in hits], done)

    def close(self) -> None:
        self._client.close()

    def _properties(self) -> dict[str, Any]:
        """The fields of all indices; of one that they disagree on, nothing is said."""
        found: dict[str, Any] = {}
        for one in self._indices.values():
            for name, of in one.get("mappings", {}).get("properties", {}).items():
                found[name] = of if found.get(name, of).get("type") == of.get("type") else {}
        return found

    def _dense(self) -> dict[str, Any]:
        return {name: of for name, of in self._properties().items() if of.get("type") == "dense_vector"}

    def _shard(self, index: str, shard: int, since: int) -> Iterator[list[dict[str, Any]]]:
        """The documents of a shard with a larger sequence number, a page at a time, in that order."""
        with translated(self._client):
            opened = self._client.open_point_in_time(index=index, keep_alive=KEEP_ALIVE, preference=f"_shards:{shard}")
        body: dict[str, Json] = {
            "pit": {"id": opened["id"], "keep_alive": KEEP_ALIVE},
            "query": {"range": {"_seq_no": {"gt": since}}},
            "sort": ["_seq_no"],
            "size": PAGE,
            "track_total_hits": False,
            "_source": {"excludes": list(self._dense())},
            "fields": [self._vector_field] if self._vector_field else [],
        }
        try:
            while True:
                with translated(self._client):
                    answer = self._client.search(body=body, filter_path=_ASKED).body
                check_complete(answer, location(self._client))
                hits: list[dict[str, Any]] = answer.get("hits", {}).get("hits", [])
                if not hits:
                    return
                yield hits
                body["search_after"], body["pit"]["id"] = hits[-1]["sort"], answer["pit_id"]
        finally:
            with suppress(StoreError), translated(self._client):  # else it ends by itself
                self._client.close_point_in_time(id=body["pit"]["id"])

    def _document(self, hit: Mapping[str, Any]) -> Document:
        if "_source" not in hit:
            raise InputError(f"the index {self._index!r} keeps no _source, so its documents cannot be read")
        given = hit.get("fields", {}).get(self._vector_field)
        return document(hit["_id"], hit["_source"], None if given is None else np.array([given], np.float32))
