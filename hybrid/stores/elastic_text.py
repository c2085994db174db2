"""How is text kept and searched in Elasticsearch? The text store on BM25.

Versions are Elasticsearch's own, given from outside (`version_type: external`): it refuses a record that
is not newer than the one it holds, tombstones included, because a tombstone is a document like any other.

Privileges on `hybrid-*`: create_index, manage, read and write; and, for all of `status`, monitor on the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self

from elasticsearch import ApiError, BadRequestError, Elasticsearch, NotFoundError

from hybrid.errors import CollectionMismatch, CollectionNotFound, DocumentError, StoreError, StoreUnavailable
from hybrid.filters.tree import Filter
from hybrid.model import Json, Ranking, Record, State, Stored, WriteOutcome, Wrote
from hybrid.schema import Collection
from hybrid.settings import ElasticsearchSettings
from hybrid.stores import counting, elastic_status
from hybrid.stores import elastic_mapping as mapping
from hybrid.stores import elastic_query as asking
from hybrid.stores.base import BrowseQuery, TextQuery, WordQuery, written
from hybrid.stores.elastic_client import ANSWER_S, NAME, check_complete, connect, location, reason, refused, translated

BATCH = 512
BATCH_BYTES = 5_000_000
"""A bulk request is sent when it has so many records or bytes."""

READ, READ_BARE = 200, 1000
"""Documents read in one request, with their sources and without."""

PAGE = 5000
"""States read in one request of a scan."""

TOO_LARGE = 413
"""The HTTP status of a request that is longer than the server, or a proxy before it, takes."""

_PAGED = (
    "pit_id,timed_out,_shards.failed,_shards.failures,"
    "hits.hits.sort,hits.hits._version,hits.hits._seq_no,hits.hits._primary_term,hits.hits.fields"
)
_DESCRIBED = "*.mappings._meta,*.settings.index.translog,*.settings.index.uuid"
_STARTED = "*.shards.primary,*.shards.start_time_in_millis,*.shards.target.id"


class ElasticText:
    """One collection in Elasticsearch: a `TextStore`. `client`: as `elastic_client.connect` makes it."""

    def __init__(self, client: Elasticsearch, name: str, shards: int = 1) -> None:
        self._client = client
        self._name = name
        self._shards = shards
        self._index = mapping.index_name(name)
        self._collection: Collection | None = None
        self._is_durable = False

    @classmethod
    def connect(cls, settings: ElasticsearchSettings, name: str) -> Self:
        """The store of the collection `name`; nothing is sent yet."""
        return cls(connect(settings), name, settings.shards)

    @property
    def name(self) -> str:
        return NAME

    def load(self) -> Collection | None:
        with translated(self._client):
            try:
                answer = self._client.indices.get(index=self._index, filter_path=_DESCRIBED)
            except NotFoundError:
                return None
        index = answer[self._index]
        meta = index.get("mappings", {}).get("_meta", {})
        if "collection" not in meta:
            raise CollectionMismatch(
                f"the index {self._index!r} in Elasticsearch was not made by this program. "
                "Choose another collection name, or delete the index"
            )
        self._is_durable = index["settings"]["index"].get("translog", {}).get("durability") != "async"
        self._collection = Collection.from_json(meta["collection"])
        return self._collection

    def create(self, collection: Collection) -> None:
        with translated(self._client):
            try:
                self._client.indices.create(index=self._index, **mapping.index_body(collection, self._shards))
            except BadRequestError as error:
                if error.message != "resource_already_exists_exception":
                    raise
        self.load()

    def drop(self) -> None:
        self._collection = None
        with translated(self._client):
            self._client.indices.delete(index=self._index, ignore_unavailable=True)

    def redirect(self, name: str | None) -> None:
        alias = mapping.moved_alias(self._name)
        with translated(self._client):
            if name is None:
                self._client.options(ignore_status=404).indices.delete_alias(index="*", name=alias)
            else:
                remove = {"remove": {"index": f"{mapping.index_name('*')}", "alias": alias, "must_exist": False}}
                add = {"add": {"index": mapping.index_name(name), "alias": alias}}
                self._client.indices.update_aliases(actions=[remove, add])

    def redirected(self) -> str | None:
        with translated(self._client):
            found = self._client.options(ignore_status=404).indices.get_alias(name=mapping.moved_alias(self._name))
        names = [index for index in found if index.startswith(mapping.index_name(""))]
        return names[0].removeprefix(mapping.index_name("")) if names else None

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        schema = self._opened.schema
        outcomes: dict[str, WriteOutcome] = {}
        lines: dict[str, tuple[bytes, bytes]] = {}
        for record in records:
            try:
                lines[record.id] = mapping.bulk_lines(record, schema)
            except DocumentError as error:
                outcomes[record.id] = WriteOutcome(Wrote.REJECTED, str(error))
        outcomes |= written(mapping.batches(lines, BATCH, BATCH_BYTES), self._write)
        return [outcomes[record.id] for record in records]

    def search(self, query: TextQuery) -> Ranking:
        schema = self._opened.schema
        body = asking.search_body(query)
        if body is None:
            facets = asking.facets(query.facets, {}, schema)
            return Ranking(total=0 if query.total else None, facets=facets)
        return asking.ranking(self._ask(body, query.timeout_s, asking.ANSWER), query, schema)

    def search_many(self, queries: Sequence[TextQuery]) -> list[Ranking | StoreError]:
        """What `search` finds for each query, by `_msearch`."""
        schema = self._opened.schema
        bodies = {place: body for place, query in enumerate(queries) if (body := asking.search_body(query))}
        answers = self._ask_many(list(bodies.values()), max((of.timeout_s for of in queries), default=0.0))
        found = dict(zip(bodies, answers, strict=True))
        return [
            self.search(query)  # a query without words, which asks nothing
            if place not in found
            else answer
            if isinstance(answer := found[place], StoreError)
            else asking.ranking(answer, query, schema)
            for place, query in enumerate(queries)
        ]

    def browse(self, query: BrowseQuery) -> Ranking:
        schema = self._opened.schema
        answer = self._ask(asking.browse_body(query), query.timeout_s, asking.ANSWER)
        return asking.ranking(answer, query, schema)

    def words(self, query: WordQuery) -> list[tuple[str, int]]:
        answer = self._ask(asking.words_body(query), query.timeout_s, asking.ANSWER) if query.limit else {}
        return counting.words(asking.words_of(answer), query)

    def frequencies(self, tokens: Sequence[str]) -> dict[str, int]:
        if not tokens:
            return {}
        answer = self._ask(asking.frequencies_body(tokens), ANSWER_S, asking.ANSWER)
        return asking.frequencies_of(answer, tokens)

    def scores(self, query: TextQuery, ids: Sequence[str]) -> dict[str, float]:
        hits = self._of(query, ids, explain=False)
        return {hit["sort"][-1]: hit["sort"][0] for hit in hits}

    def explain(self, query: TextQuery, ids: Sequence[str]) -> dict[str, Json]:
        hits = self._of(query, ids, explain=True)
        return {hit["sort"][-1]: hit["_explanation"] for hit in hits}

    def render(self, query: TextQuery | BrowseQuery) -> Json:
        body = asking.search_body(query) if isinstance(query, TextQuery) else asking.browse_body(query)
        return {"index": self._index, "search_type": "dfs_query_then_fetch", "body": body}

    def _of(self, query: TextQuery, ids: Sequence[str], *, explain: bool) -> list[dict[str, Any]]:
        """The hits of the query's text among these documents."""
        body = asking.scores_body(query, ids, explain=explain)
        if body is None:
            return []
        path = f"{asking.ANSWER},hits.hits._explanation"
        hits: list[dict[str, Any]] = self._ask(body, query.timeout_s, path).get("hits", {}).get("hits", [])
        return hits

    def _ask(self, body: asking.Body, timeout_s: float, path: str) -> dict[str, Any]:
        """The answer to a search. Scores are the same however the index is parted, and equal scores go by id."""
        with translated(self._client):
            client = self._client.options(request_timeout=timeout_s)
            answer: dict[str, Any] = client.search(
                index=self._index, body=body, search_type="dfs_query_then_fetch", filter_path=path
            ).body
        check_complete(answer, location(self._client))
        return answer

    def _ask_many(self, bodies: Sequence[asking.Body], timeout_s: float) -> list[dict[str, Any] | StoreError]:
        """The answers to several searches; for each that failed, why."""
        if not bodies:
            return []
        header = {"index": self._index, "search_type": "dfs_query_then_fetch"}
        lines = [line for body in bodies for line in (header, body)]
        path = ",".join(f"responses.{one}" for one in ("error", "status", *asking.ANSWER.split(",")))
        with translated(self._client):
            client = self._client.options(request_timeout=timeout_s)
            responses = client.msearch(searches=lines, filter_path=path).body["responses"]
        return [self._complete(answer) for answer in responses]

    def _complete(self, answer: dict[str, Any]) -> dict[str, Any] | StoreError:
        where = location(self._client)
        if "error" in answer:
            return refused(where, answer["status"], answer["error"])
        try:
            check_complete(answer, where)
        except StoreError as error:
            return error
        return answer

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        read = self._read(ids, READ_BARE, source=False, stored_fields=list(mapping.STATE))
        return {found["_id"]: mapping.state(found) for found in read}

    def versions(self, ids: Sequence[str]) -> dict[str, int]:
        """A third of what `states` costs Elasticsearch, which has nothing to unpack for it."""
        read = self._read(ids, READ_BARE, source=False, filter_path=_BARE)
        return {found["_id"]: found["_version"] for found in read}

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        held = map(mapping.stored, self._read(ids, source_excludes=[f"{mapping.OWN}.vectors"]))
        return {one.id: one for one in held if one is not None}

    def refresh(self) -> None:
        with translated(self._client):
            self._client.indices.refresh(index=self._index)

    def sync(self) -> bool:
        """True: what is acknowledged is on the disk of each copy. False where the index's translog is asynchronous."""
        return self._is_durable

    def incarnation(self) -> str:
        """Where and when the index's primary started: another after a restart, and when the index is made again."""
        with translated(self._client):
            answer = self._client.indices.recovery(index=self._index, filter_path=_STARTED)
        shards = [shard for shard in answer.get(self._index, {}).get("shards", ()) if shard["primary"]]
        if not shards:
            where = location(self._client)
            raise StoreUnavailable(NAME, f"Elasticsearch at {where} is still loading the index. Try again later")
        return ",".join(sorted(f"{one['target']['id']}/{one['start_time_in_millis']}" for one in shards))

    def generation(self) -> str:
        return elastic_status.generation(self._client, self._index)

    def records(self, ids: Sequence[str]) -> dict[str, Record]:
        dim = self._opened.vector.dim
        return {found["_id"]: mapping.record(found, dim) for found in self._read(ids)}

    def scan(self, filter: Filter | None = None) -> Iterator[tuple[str, State]]:
        """Every id with its state at the time of the first, tombstones included, in no order; constant memory."""
        for page in self._pages(None if filter is None else asking.count_body(filter)["query"]):
            yield from map(mapping.row, page)

    def expunge(self, before: int) -> int:
        removed = 0
        for page in self._pages(mapping.TOMBSTONES):
            removals = [mapping.removal(hit) for hit in page if hit["_version"] < before]
            with translated(self._client):
                items = self._bulk(removals) if removals else []
            failed = [item for item in items if item["status"] not in (200, 409)]  # 409: it was written over
            if failed:
                where = f"{location(self._client)}, {len(failed)} of {len(items)} tombstones not removed,"
                raise refused(where, failed[0]["status"], failed[0].get("error"))
            removed += sum(item["status"] == 200 for item in items)
        return removed

    def count(self, filter: Filter | None = None) -> int:
        with translated(self._client):
            return int(self._client.count(index=self._index, body=asking.count_body(filter))["count"])

    def status(self) -> dict[str, Json]:
        with translated(self._client):
            try:
                return elastic_status.status(self._client, self._index)
            except NotFoundError:
                return elastic_status.of_server(self._client)

    def ping(self) -> None:
        with translated(self._client):
            # Neither `ping`, which hides the reason, nor `info`, which needs a privilege.
            self._client.indices.get_settings(index=self._index, ignore_unavailable=True, filter_path="none")

    def close(self) -> None:
        self._client.close()

    @property
    def _opened(self) -> Collection:
        if self._collection is None:
            raise CollectionNotFound(
                f"there is no open collection {self._name!r} in Elasticsearch. Create or load it first"
            )
        return self._collection

    def _write(self, lines: Mapping[str, tuple[bytes, bytes]]) -> dict[str, WriteOutcome | StoreError]:
        """What became of each record, by id. lines: the two lines of each."""
        with translated(self._client):
            try:
                items = self._bulk([line for pair in lines.values() for line in pair])
            except ApiError as error:
                if error.meta.status != TOO_LARGE:
                    raise
                return self._write_parts(lines)
        where = location(self._client)
        return {one: _outcome(item, where) for one, item in zip(lines, items, strict=True)}

    def _write_parts(self, lines: Mapping[str, tuple[bytes, bytes]]) -> dict[str, WriteOutcome | StoreError]:
        """As `_write`, for what is too large for one request: in halves, until the one record is found."""
        pairs = list(lines.items())
        if len(pairs) > 1:
            half = len(pairs) // 2
            return self._write(dict(pairs[:half])) | self._write(dict(pairs[half:]))
        ((one, pair),) = pairs
        said = (
            f"document {one!r} takes {sum(map(len, pair))} bytes in a request, more than Elasticsearch accepts. "
            "Shorten it, or raise http.max_content_length there"
        )
        return {one: WriteOutcome(Wrote.REJECTED, said)}

    def _bulk(self, operations: Sequence[Any]) -> list[dict[str, Any]]:
        """Status and error of each operation."""
        answer = self._client.bulk(
            index=mapping.write_alias(self._name),
            operations=operations,
            require_alias=True,
            timeout="20s",
            filter_path="items.*.status,items.*.error",
        )
        return [one for item in answer["items"] for one in item.values()]

    def _pages(self, among: Json | None) -> Iterator[list[dict[str, Any]]]:
        """All states as they are now, or only those that the query `among` finds; a page of hits at a time."""
        self.refresh()
        after = None
        with self._point_in_time() as point:
            while True:
                body = mapping.page_body(point, after, PAGE, among)
                with translated(self._client):
                    answer = self._client.search(body=body, filter_path=_PAGED).body
                check_complete(answer, location(self._client))
                page = answer.get("hits", {}).get("hits", [])
                if page:
                    yield page
                if len(page) < PAGE:
                    return
                after, point = page[-1]["sort"], answer["pit_id"]

    @contextmanager
    def _point_in_time(self) -> Iterator[str]:
        with translated(self._client):
            point: str = self._client.open_point_in_time(index=self._index, keep_alive=mapping.KEEP_ALIVE)["id"]
        try:
            yield point
        finally:
            with suppress(StoreError), translated(self._client):  # else it ends by itself
                self._client.close_point_in_time(id=point)

    def _read(self, ids: Sequence[str], most: int = READ, **source: Any) -> Iterator[dict[str, Any]]:
        """The documents of these ids that are there, so many in a request. source: which part of it to read."""
        for start in range(0, len(ids), most):
            with translated(self._client):
                answer = self._client.mget(index=self._index, ids=list(ids[start : start + most]), **source)
            for found in answer["docs"]:
                if "error" in found:
                    status = 503 if "shard" in found["error"]["type"] else 404
                    raise refused(location(self._client), status, found["error"])
                if "_version" in found:  # it was found
                    yield found


_BARE = "docs._id,docs._version,docs.error"
"""All that is read of a document of which only the version is wanted."""

_OUTCOMES = {
    200: Wrote.WRITTEN,
    201: Wrote.WRITTEN,
    400: Wrote.REJECTED,
    409: Wrote.SUPERSEDED,
}


def _outcome(item: Mapping[str, Any], where: str) -> WriteOutcome | StoreError:
    outcome = _OUTCOMES.get(item["status"])
    if outcome is None:
        return refused(where, item["status"], item.get("error"))
    return WriteOutcome(outcome, reason(item.get("error")) if outcome is Wrote.REJECTED else "")
