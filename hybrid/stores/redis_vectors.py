"""How are vectors kept and searched in Redis? The vector store on RediSearch.

A record is written by one Lua script, all of it or nothing, and only over an older version. Filters on
text fields are not Redis's part: the index holds tags and numbers beside the vectors.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Self

import orjson
import redis
from redis import exceptions as given

from hybrid.errors import CollectionNotFound, DocumentError, StoreTimeout, StoreUnavailable
from hybrid.model import Json, Ranking, Record, State, Stored, WriteOutcome, Wrote
from hybrid.schema import Collection
from hybrid.settings import RedisSettings
from hybrid.stores import redis_layout as layout
from hybrid.stores import redis_status
from hybrid.stores.base import VectorQuery, check_query, check_vectors
from hybrid.stores.redis_client import NAME, connect, is_missing_index, location, meaning, run, translated

BATCH = 200
"""Records, or keys, in one pipeline."""

GRACE_S = 0.05
"""Seconds that Redis has to say that a search ran out of time, before the connection is given up."""

INDEXING_S = 120.0
"""Seconds that an index made over existing hashes may take to read them."""

_BODY = """
local held = redis.call('HMGET', KEYS[1], '_v', '_n')
if held[1] and held[1] >= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
for number = 1, tonumber(held[2] or 1) - 1 do redis.call('DEL', ARGV[2] .. number .. ARGV[3]) end
local at = 4
for _, key in ipairs(KEYS) do
  local last = at + tonumber(ARGV[at])
  redis.call('HSET', key, unpack(ARGV, at + 1, last))
  at = last + 1
end
return 1
"""
"""Writes a record over an older version; 1 if it did. It works out the keys of the older version's
passages itself, which is allowed because the hash tag puts them in the same slot.

KEYS: the document's hash, then its passages'. ARGV: the version, what stands before and after the number
in a passage's key, then for each key the number of its arguments and these (field, value, …)."""

_WRITE = "#!lua\n" + _BODY
_BURY = "#!lua flags=allow-oom\n" + _BODY
"""A tombstone is let in when memory is full: deleting is what makes room. `#!lua` has everything else refused
before the script begins, not halfway."""

_SHA = {script: hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest() for script in (_WRITE, _BURY)}


class RedisVectors:
    """One collection in Redis: a `VectorStore`. `client`: as `redis_client.connect` makes it (RESP3, bytes)."""

    def __init__(self, client: redis.Redis, name: str) -> None:
        self._client = client
        self._name = name
        self._collection: Collection | None = None

    @classmethod
    def connect(cls, settings: RedisSettings, name: str) -> Self:
        """The store of the collection `name`; nothing is sent yet."""
        return cls(connect(settings), name)

    @property
    def name(self) -> str:
        return NAME

    def load(self) -> Collection | None:
        with translated(self._client):
            meta = run(self._client, "GET", self._meta_key)
        if meta is None:
            return None
        collection = Collection.from_json(orjson.loads(meta))
        self._open(collection)
        return collection

    def create(self, collection: Collection) -> None:
        # The description comes first: a crash after it leaves a collection whose index `load` makes.
        with translated(self._client):
            run(self._client, "SET", self._meta_key, orjson.dumps(collection.to_json()), "NX")
        self.load()

    def drop(self) -> None:
        self._collection = None
        with translated(self._client):
            try:
                run(self._client, "FT.DROPINDEX", self._index)
            except given.ResponseError as error:
                if not is_missing_index(error):
                    raise
            keys = self._client.scan_iter(match=f"{layout.prefix(self._name)}[dp]:*", count=1000)
            for batch in _batches(keys, 1000):
                run(self._client, "UNLINK", *batch)
            run(self._client, "DEL", self._meta_key)

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        collection = self._opened
        outcomes: list[WriteOutcome] = []
        for batch in _batches(records, BATCH):
            outcomes += self._write(batch, collection)
        return outcomes

    def search(self, query: VectorQuery) -> Ranking:
        collection = self._opened
        check_query(query, collection)
        if query.limit == 0:
            return Ranking()
        deadline = time.monotonic() + query.timeout_s
        spec, k = collection.vector, query.limit
        while True:
            left = deadline - time.monotonic()
            rows = self._rows(layout.search_command(self._name, query.vector, k, left, spec), left)
            found = layout.ranking(self._name, rows, query.limit, spec.metric)
            if len(found) == query.limit or len(rows) < k:
                return found
            k *= 2  # passages of one document share a place, so look at more rows

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        held = zip(ids, self._read(ids, "_v", "_h", "_kind"), strict=True)
        return {one: State(int(v), h.decode(), deleted=kind == b"t") for one, (v, h, kind) in held if v is not None}

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        held = zip(ids, self._read(ids, "_v", "_src", "_pas"), strict=True)
        return {
            one: Stored(one, int(v), orjson.loads(source), tuple((start, end) for start, end in orjson.loads(spans)))
            for one, (v, source, spans) in held
            if source is not None
        }

    def refresh(self) -> None:
        self._wait_until_indexed()

    def count(self) -> int:
        with translated(self._client):
            return redis_status.count(self._client, self._name, "d")

    def status(self) -> dict[str, Json]:
        with translated(self._client):
            return redis_status.status(self._client, self._name)

    def ping(self) -> None:
        with translated(self._client):
            run(self._client, "PING")

    def close(self) -> None:
        self._client.close()

    @property
    def _index(self) -> str:
        return f"{layout.prefix(self._name)}idx"

    @property
    def _meta_key(self) -> str:
        return f"{layout.prefix(self._name)}meta"

    @property
    def _opened(self) -> Collection:
        if self._collection is None:
            raise CollectionNotFound(f"there is no open collection {self._name!r} in Redis. Create or load it first")
        return self._collection

    def _open(self, collection: Collection) -> None:
        with translated(self._client):
            try:
                run(self._client, "FT.INFO", self._index)
            except given.ResponseError as error:
                if not is_missing_index(error):
                    raise
                self._make_index(collection)
        self._wait_until_indexed()
        self._collection = collection

    def _make_index(self, collection: Collection) -> None:
        try:
            run(self._client, *layout.index_command(collection))
        except given.ResponseError as error:
            if "already exists" not in str(error):  # another process was quicker
                raise

    def _wait_until_indexed(self) -> None:
        """Until then searches would answer from a part, without an error."""
        deadline = time.monotonic() + INDEXING_S
        while True:
            with translated(self._client):
                info = run(self._client, "FT.INFO", self._index)
            if not int(info[b"indexing"]) and float(info[b"percent_indexed"]) >= 1:
                return
            if time.monotonic() > deadline:
                where, done = location(self._client), float(info[b"percent_indexed"])
                raise StoreUnavailable(NAME, f"Redis at {where} is still indexing ({done:.0%} done). Try again later")
            time.sleep(0.02)

    def _write(self, records: Sequence[Record], collection: Collection) -> list[WriteOutcome]:
        outcomes: dict[str, WriteOutcome] = {}
        commands: dict[str, list[layout.Argument]] = {}
        for record in records:
            try:
                check_vectors(record, collection)
                commands[record.id] = _command(record, collection)
            except DocumentError as error:
                outcomes[record.id] = WriteOutcome(Wrote.REJECTED, str(error))
        for one, done in zip(commands, self._run(list(commands.values())), strict=True):
            outcomes[one] = WriteOutcome(Wrote.WRITTEN if done else Wrote.SUPERSEDED)
        return [outcomes[record.id] for record in records]

    def _run(self, commands: Sequence[list[layout.Argument]]) -> list[int]:
        """The scripts' answers. Each either ran or is raised for; those before a failed one may have run."""
        with translated(self._client):
            answers = self._pipeline(commands)
            missing = [place for place, answer in enumerate(answers) if isinstance(answer, given.NoScriptError)]
            if missing:  # a server that started anew has forgotten them
                for script in _SHA:
                    run(self._client, "SCRIPT LOAD", script)
                again = self._pipeline([commands[place] for place in missing])
                answers = [again.pop(0) if isinstance(one, given.NoScriptError) else one for one in answers]
        failed = [answer for answer in answers if isinstance(answer, Exception)]
        if failed:
            error = meaning(
                failed[0], f"{location(self._client)}, {len(failed)} of {len(answers)} records not written,"
            )
            raise error from failed[0]
        return answers

    def _pipeline(self, commands: Sequence[Sequence[layout.Argument]]) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)  # type: ignore[no-untyped-call]
            return pipeline.execute(raise_on_error=False)

    def _read(self, ids: Sequence[str], *fields: str) -> Iterator[list[Any]]:
        """These fields of each document's hash, None for one that is not there."""
        for batch in _batches(ids, BATCH):
            commands = [("HMGET", layout.document_key(self._name, one), *fields) for one in batch]
            with translated(self._client):
                for answer in self._pipeline(commands):
                    if isinstance(answer, Exception):
                        raise answer
                    yield answer

    def _rows(self, command: Sequence[layout.Argument], timeout_s: float) -> list[dict[bytes, Any]]:
        """What a search found. The command runs outside `Redis.execute_command`, which has no limit per call."""
        if timeout_s <= 0:
            raise StoreTimeout(NAME, f"Redis at {location(self._client)} had no time left for this search")
        with translated(self._client):
            pool = self._client.connection_pool
            connection = pool.get_connection()
            try:
                connection.send_command(*command)  # type: ignore[no-untyped-call]
                reply = connection.read_response(timeout=timeout_s + GRACE_S)
            finally:
                pool.release(connection)
        if reply[b"warning"]:  # a search that ran out of time has fewer rows, or none, and no error
            warned = b"; ".join(reply[b"warning"]).decode()
            raise StoreTimeout(NAME, f"Redis at {location(self._client)} answered only in part ({warned}). Ask again")
        rows: list[dict[bytes, Any]] = reply[b"results"]
        return rows


def _command(record: Record, collection: Collection) -> list[layout.Argument]:
    """The call of the script that writes the record. Raises DocumentError as `layout.hashes` does."""
    stored = layout.hashes(record, collection)
    arguments: list[layout.Argument] = [layout.version_digits(record.version)]
    arguments += [f"{layout.prefix(collection.name)}p:", f":{record.id}"]
    for fields in stored.values():
        arguments.append(2 * len(fields))
        for pair in fields.items():
            arguments += pair
    return ["EVALSHA", _SHA[_BURY if record.deleted else _WRITE], len(stored), *stored, *arguments]


def _batches(items: Any, size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
