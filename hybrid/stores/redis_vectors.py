"""How are vectors kept and searched in Redis? The vector store on RediSearch.

A record is written by one Lua script, all of it or nothing, and only over an older version. Filters on
text fields are not Redis's part: the index holds tags and numbers beside the vectors.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice, repeat
from typing import Any, Self

import orjson
import redis
from redis import exceptions as given

from hybrid.errors import CollectionNotFound, DocumentError, StoreError, StoreTimeout, StoreUnavailable
from hybrid.filters.tree import Filter
from hybrid.model import Background, Json, Ranking, Record, State, Stored, WriteOutcome, Wrote
from hybrid.schema import Collection
from hybrid.settings import RedisSettings
from hybrid.stores import redis_durability, redis_status
from hybrid.stores import redis_layout as layout
from hybrid.stores import redis_query as asking
from hybrid.stores.base import VectorQuery, check_query, check_vectors, one_by_one, written
from hybrid.stores.exact import Change, ExactIndex
from hybrid.stores.redis_background import Sampling, Shape
from hybrid.stores.redis_client import NAME, connect, is_missing_index, location, meaning, replies, run, translated
from hybrid.stores.redis_scan import document_ids
from hybrid.stores.redis_scripts import BURY, COUNT, FORGET, READ, STATES, WRITE, call, pipelined, run_all, run_each

BATCH = 200
"""Records, or keys, in one pipeline."""

GRACE_S = 0.05
"""Seconds that Redis has to say that a search ran out of time, before the connection is given up."""

INDEXING_S = 120.0
"""Seconds that an index made over existing hashes may take to read them."""


class RedisVectors:
    """One collection in Redis: a `VectorStore`. `client`: as `redis_client.connect` makes it (RESP3, bytes)."""

    def __init__(self, client: redis.Redis, name: str) -> None:
        self._client = client
        self._name = name
        self._shape: Shape | None = None  # as it was last seen
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
            run(self._client, "DEL", self._meta_key, layout.tally_key(self._name), f"{layout.prefix(self._name)}sync")

    def redirect(self, name: str | None) -> None:
        key = f"{layout.prefix(self._name)}at"
        with translated(self._client):
            run(self._client, *(("DEL", key) if name is None else ("SET", key, name)))

    def redirected(self) -> str | None:
        with translated(self._client):
            name = run(self._client, "GET", f"{layout.prefix(self._name)}at")
        return None if name is None else name.decode()

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        collection = self._opened
        outcomes: dict[str, WriteOutcome] = {}
        fit: dict[str, Record] = {}
        for record in records:
            try:
                check_vectors(record, collection)
                fit[record.id] = record
            except DocumentError as error:
                outcomes[record.id] = WriteOutcome(Wrote.REJECTED, str(error))
        outcomes |= written(map(dict, _batches(fit.items(), BATCH)), partial(self._write, collection))
        return [outcomes[record.id] for record in records]

    def search(self, query: VectorQuery) -> Ranking:
        collection = self._opened
        check_query(query, collection)
        deadline = time.monotonic() + query.timeout_s
        total = self.count(query.filter) if query.total else None
        if query.limit == 0:
            return Ranking(total=total)
        metric, k = collection.vector.metric, query.limit
        background = None
        while True:
            left = deadline - time.monotonic()
            if query.background and background is None:
                reply, background = self._with_background(query, k, left)
            else:
                reply = self._replies([self.command(query, k, left)], left)[0]
            rows = self._rows(reply)
            found = layout.ranking(self._name, rows, query.limit, metric)
            if len(found) == query.limit or len(rows) < k:
                return replace(found, total=total, background=background)
            k *= 2  # passages of one document share a place, so look at more rows

    def _with_background(self, query: VectorQuery, k: int, timeout_s: float) -> tuple[Any, Background | None]:
        """The reply to a query, and how the collection scores, in one round trip where its shape is as it was."""
        sampling = Sampling(self._name, self._opened.vector)
        counting = sampling.counting()
        guess = self._shape or sampling.shape(*self._replies([counting], timeout_s, all_or_none=True))
        commands = [self.command(query, k, timeout_s), counting, sampling.command(query.vector, guess, timeout_s)]
        reply, counts, facts = self._replies(commands, timeout_s, all_or_none=True)
        shape = self._shape = sampling.shape(counts)
        if shape.kind != guess.kind:
            facts = self._replies([sampling.command(query.vector, shape, timeout_s)], timeout_s)[0]
        return reply, sampling.background(self._rows(facts), shape)

    def search_many(self, queries: Sequence[VectorQuery]) -> list[Ranking | StoreError]:
        """What `search` finds for each query, in one pipeline; those that need more rows are asked again."""
        collection = self._opened
        for query in queries:
            check_query(query, collection)
        timeout_s = max((query.timeout_s for query in queries), default=0.0)
        simple = {at: query for at, query in enumerate(queries) if query.limit and not query.total}
        if not simple:
            return one_by_one(self.search, queries)
        sampling = Sampling(self._name, collection.vector)
        shape = self._shape = sampling.shape(*self._replies([sampling.counting()], timeout_s, all_or_none=True))
        commands = [self.command(query, query.limit, timeout_s) for query in simple.values()]
        commands += [sampling.command(query.vector, shape, timeout_s) for query in simple.values() if query.background]
        replies = iter(self._replies(commands, timeout_s))
        near = {at: next(replies) for at in simple}
        facts = {at: next(replies) for at, query in simple.items() if query.background}
        return [self._found(query, near.get(at), facts.get(at), shape) for at, query in enumerate(queries)]

    def _found(self, query: VectorQuery, reply: Any, facts: Any, shape: Shape) -> Ranking | StoreError:
        """What a query found by its replies, or asked anew where there is none, or where it has too few documents."""
        try:
            if reply is None:
                return self.search(query)
            rows, spec = self._rows(reply), self._opened.vector
            found = layout.ranking(self._name, rows, query.limit, spec.metric)
            if len(found) < query.limit <= len(rows):
                return self.search(query)
            if facts is None:
                return found
            return replace(found, background=Sampling(self._name, spec).background(self._rows(facts), shape))
        except StoreError as error:
            return error

    def command(self, query: VectorQuery, k: int, timeout_s: float) -> list[layout.Argument]:
        """The command that a query is asked by. k: rows wanted. timeout_s: seconds it may take."""
        return asking.search_command(self._name, query.vector, k, timeout_s, self._opened.vector, query.filter)

    def scores(self, query: VectorQuery, ids: Sequence[str]) -> dict[str, float]:
        """Worked out here from the vectors, which one round trip brings."""
        held = self.records(ids)
        spec = self._opened.vector
        exact = ExactIndex(spec.dim, spec.metric)
        exact.apply(Change(one, 0, of.vectors) for one, of in held.items() if not of.deleted)
        return exact.scores(query.vector, ids)

    def render(self, query: VectorQuery) -> Json:
        return asking.shown(self.command(query, query.limit, query.timeout_s), len(query.vector))

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        found: dict[str, State] = {}
        for batch in _batches(ids, BATCH):
            command = call(STATES, layout.document_keys(self._name, batch), layout.around_ids(self._name))
            (held,) = run_all(self._client, [command], "states not read")
            for one, (version, digest, kind) in zip(batch, held, strict=True):
                if version is not None:
                    found[one] = State(int(version), digest.decode(), deleted=kind == b"t")
        return found

    def versions(self, ids: Sequence[str]) -> dict[str, int]:
        return {one: int(of[0]) for one, of in zip(ids, self._read(ids, "_v"), strict=True) if of[0] is not None}

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        held = zip(ids, self._read(ids, "_v", "_src", "_pas"), strict=True)
        return {
            one: Stored(one, int(v), orjson.loads(source), tuple((start, end) for start, end in orjson.loads(spans)))
            for one, (v, source, spans) in held
            if source is not None
        }

    def refresh(self) -> None:
        self._wait_until_indexed()

    def sync(self) -> bool:
        return redis_durability.sync(self._client, f"{layout.prefix(self._name)}sync")

    def incarnation(self) -> str:
        return redis_durability.incarnation(self._client)

    def generation(self) -> str:
        return redis_status.generation(self._client, self._name)

    def records(self, ids: Sequence[str]) -> dict[str, Record]:
        collection = self._opened
        found: dict[str, Record] = {}
        for batch in _batches(ids, BATCH):
            keys = layout.document_keys(self._name, batch)
            commands = [
                call(READ, [key], layout.around_number(self._name, one)) for key, one in zip(keys, batch, strict=True)
            ]
            answers = run_all(self._client, commands, "records not read")
            held = map(layout.record, batch, answers, repeat(collection.vector))
            found |= {one.id: one for one in held if one is not None}
        return found

    def scan(self) -> Iterator[tuple[str, State]]:
        """Every id once with its state, tombstones included; 8 bytes of memory for each."""
        for page in document_ids(self._client, self._name):
            yield from self.states(page).items()

    def expunge(self, before: int) -> int:
        old = (one for one, state in self.scan() if state.deleted and state.version < before)
        digits = layout.version_digits(before)
        removed = 0
        for batch in _batches(old, BATCH):
            commands = [call(FORGET, [layout.document_key(self._name, one)], [digits]) for one in batch]
            removed += sum(run_all(self._client, commands, "tombstones not removed"))
        return removed

    def take_writer(self) -> int:
        """The next number. `drop` leaves the counter: who wrote to the old collection may still run.

        A Redis that loses what it acknowledged may give a number again.
        """
        with translated(self._client):
            return int(run(self._client, "EVAL", COUNT, 1, f"{layout.prefix(self._name)}writers"))

    def count(self, filter: Filter | None = None) -> int:
        with translated(self._client):
            return redis_status.count(self._client, self._name, "d", filter)

    def status(self) -> dict[str, Json]:
        with translated(self._client):
            try:
                return redis_status.status(self._client, self._name)
            except given.ResponseError as error:
                if not is_missing_index(error):
                    raise
                return redis_status.of_server(self._client)

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

    def _write(self, collection: Collection, records: Mapping[str, Record]) -> dict[str, WriteOutcome | StoreError]:
        """What became of each record, by id."""
        outcomes: dict[str, WriteOutcome | StoreError] = {}
        commands: dict[str, list[layout.Argument]] = {}
        for one, record in records.items():
            try:
                commands[one] = _command(record, collection)
            except DocumentError as error:
                outcomes[one] = WriteOutcome(Wrote.REJECTED, str(error))
        where = location(self._client)
        for one, answer in zip(commands, run_each(self._client, list(commands.values())), strict=True):
            outcomes[one] = _outcome(answer, where)
        return outcomes

    def _read(self, ids: Sequence[str], *fields: str) -> Iterator[list[Any]]:
        """These fields of each document's hash, None for one that is not there."""
        for batch in _batches(ids, BATCH):
            commands = [("HMGET", layout.document_key(self._name, one), *fields) for one in batch]
            with translated(self._client):
                for answer in pipelined(self._client, commands):
                    if isinstance(answer, Exception):
                        raise answer
                    yield answer

    def _replies(
        self, commands: Sequence[list[layout.Argument]], timeout_s: float, *, all_or_none: bool = False
    ) -> list[Any]:
        if timeout_s <= 0:
            raise StoreTimeout(NAME, f"Redis at {location(self._client)} had no time left for this search")
        with translated(self._client):
            return replies(self._client, commands, timeout_s + GRACE_S, all_or_none=all_or_none)

    def _rows(self, reply: Any) -> list[dict[bytes, Any]]:
        """What a search found, by its reply."""
        if isinstance(reply, given.ResponseError):
            raise meaning(reply, location(self._client)) from reply
        if reply[b"warning"]:  # a search that ran out of time has fewer rows, or none, and no error
            warned = b"; ".join(reply[b"warning"]).decode()
            raise StoreTimeout(NAME, f"Redis at {location(self._client)} answered only in part ({warned}). Ask again")
        rows: list[dict[bytes, Any]] = reply[b"results"]
        return rows


def _command(record: Record, collection: Collection) -> list[layout.Argument]:
    """The call of the script that writes the record. Raises DocumentError as `layout.hashes` does."""
    stored = layout.hashes(record, collection)
    arguments: list[layout.Argument] = [layout.version_digits(record.version)]
    arguments += (*layout.around_number(collection.name, record.id), layout.tally_key(collection.name))
    for fields in stored.values():
        arguments.append(2 * len(fields))
        for pair in fields.items():
            arguments += pair
    return call(BURY if record.deleted else WRITE, list(stored), arguments)


def _batches(items: Any, size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _outcome(answer: Any, where: str) -> WriteOutcome | StoreError:
    if isinstance(answer, Exception):
        error = meaning(answer, where)
        error.__cause__ = answer
        return error
    return WriteOutcome(Wrote.WRITTEN if answer else Wrote.SUPERSEDED)
