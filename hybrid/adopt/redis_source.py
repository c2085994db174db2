"""How is somebody else's vector index read from Redis? What FT.INFO says of it, and the hashes under its prefixes.

Redis keeps no order of writes, so whoever begins anew reads all again; only a pass that was broken off goes on, by its
SCAN cursor, as long as the server has not restarted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from redis import exceptions as given

from hybrid.adopt.base import PAGE, Page, document
from hybrid.errors import InputError
from hybrid.model import Document, Json, Vector
from hybrid.schema import FieldType, Metric, VectorAlgorithm
from hybrid.settings import RedisSettings, VectorSettings
from hybrid.stores import redis_durability
from hybrid.stores.redis_client import connect, is_missing_index, location, run, translated
from hybrid.stores.redis_scripts import pipelined

_NUMBERS = {b"FLOAT32": "<f4", b"FLOAT64": "<f8", b"FLOAT16": "<f2", b"INT8": "<i1", b"UINT8": "<u1"}
_TYPES = {b"TEXT": FieldType.TEXT, b"TAG": FieldType.KEYWORD, b"NUMERIC": FieldType.DOUBLE}
SCANNED = 1000
"""Keys that Redis looks at for one answer."""

_SPECIAL = re.compile(rb"[\[\]*?\\^]")


class RedisSource:
    """An index over hashes. A document's id is its key, without the prefix where the index has only one.

    vector_field: the vector field to take along, where there are several. Raises InputError where there is no such
    index or field, or one that cannot be read.
    """

    def __init__(self, settings: RedisSettings, index: str, vector_field: str | None = None) -> None:
        self._client = connect(settings)
        self._index = index
        with translated(self._client):
            try:
                info = run(self._client, "FT.INFO", index)
            except given.ResponseError as error:
                if not is_missing_index(error):
                    raise
                where = location(self._client)
                raise InputError(f"there is no index {index!r} in Redis at {where}. Look with: FT._LIST") from None
        definition = info[b"index_definition"]
        self._prefixes: list[bytes] = definition[b"prefixes"]
        self._attributes = {one[b"identifier"].decode(): one for one in info[b"attributes"]}
        self._documents = int(info[b"num_docs"])
        self._check(definition[b"key_type"].decode(), vector_field)
        self._vector_field = vector_field or next(iter(self._vectors()), None)

    def _check(self, kind: str, vector_field: str | None) -> None:
        if kind != "HASH":
            raise InputError(f"the index {self._index!r} is over {kind} values; only one over hashes can be adopted")
        if self._index.startswith("hs:{"):
            raise InputError(f"the index {self._index!r} is a collection of this program. Search it with --collection")
        known = self._vectors()
        if (vector_field is None and len(known) > 1) or (vector_field is not None and vector_field not in known):
            raise InputError(
                f"the index {self._index!r} has the vector fields {', '.join(known) or '(none)'}; "
                "name one of them with --vector-field"
            )
        strange = {name: of[b"data_type"].decode() for name, of in known.items() if of[b"data_type"] not in _NUMBERS}
        if strange:
            raise InputError(f"vectors of the type {', '.join(strange.values())} cannot be read from {self._index!r}")

    @property
    def identity(self) -> str:
        return f"redis://{location(self._client)}/{self._index}"

    def types(self) -> Mapping[str, FieldType]:
        found = {name: _TYPES.get(of[b"type"]) for name, of in self._attributes.items()}
        return {name: kind for name, kind in found.items() if kind is not None}

    def vector(self) -> VectorSettings | None:
        if self._vector_field is None:
            return None
        of = self._attributes[self._vector_field]
        algorithm = of[b"algorithm"].decode()
        known = algorithm if algorithm in list(VectorAlgorithm) else VectorAlgorithm.HNSW
        return VectorSettings(
            dim=int(of[b"dim"]), metric=Metric(of[b"distance_metric"].decode()), algorithm=VectorAlgorithm(known)
        )

    def notes(self) -> tuple[str, ...]:
        left = sorted(self._vectors().keys() - {self._vector_field})
        return (f"these vectors were not taken along: {', '.join(left)}",) if left else ()

    def total(self) -> int:
        return self._documents

    def pages(self, position: Json) -> Iterator[Page]:
        with translated(self._client):
            this_run = redis_durability.incarnation(self._client)
        going_on = position is not None and position["run"] == this_run
        first, cursor = (position["prefix"], position["cursor"]) if going_on else (0, 0)
        for number in range(first, len(self._prefixes)):
            last = number + 1 == len(self._prefixes)
            for keys, cursor in self._keys(self._prefixes[number], cursor):  # noqa: B020 (0 at the end of a prefix)
                where = {"run": this_run, "prefix": number + (cursor == 0), "cursor": cursor}
                yield Page(self._read(keys), None if last and cursor == 0 else where)

    def _keys(self, prefix: bytes, cursor: int) -> Iterator[tuple[list[bytes], int]]:
        """The keys of hashes that begin so, a page at a time, with the cursor that goes on after it, 0 at the end."""
        pattern = _SPECIAL.sub(rb"\\\g<0>", prefix) + b"*"
        keys: list[bytes] = []
        while True:
            with translated(self._client):
                found = run(self._client, "SCAN", cursor, "MATCH", pattern, "COUNT", SCANNED, "TYPE", "hash")
            cursor = int(found[0])
            keys += found[1]
            if len(keys) >= PAGE or not cursor:
                yield keys, cursor
                keys = []
            if not cursor:
                return

    def close(self) -> None:
        self._client.close()

    def _vectors(self) -> dict[str, Any]:
        return {name: of for name, of in self._attributes.items() if of[b"type"] == b"VECTOR"}

    def _read(self, keys: list[bytes]) -> list[Document]:
        if not keys:
            return []
        with translated(self._client):
            answers = pipelined(self._client, [("HGETALL", key) for key in keys])
            failed = [one for one in answers if isinstance(one, Exception) and "WRONGTYPE" not in str(one)]
            if failed:
                raise failed[0]
        held = zip(keys, answers, strict=True)
        return [self._document(key, of) for key, of in held if isinstance(of, Mapping) and of]

    def _document(self, key: bytes, held: Mapping[bytes, bytes]) -> Document:
        one = key.removeprefix(self._prefixes[0]) if len(self._prefixes) == 1 else key
        named = {name.decode(errors="replace"): value for name, value in held.items()}
        fields = {name: self._value(name, value) for name, value in named.items() if name not in self._vectors()}
        blob = named.get(self._vector_field or "")
        vectors = None if blob is None else self._numbers(blob)
        return document(one.decode(errors="surrogateescape"), fields, vectors)

    def _value(self, name: str, value: bytes) -> Json:
        """A hash field's value as its type in the index has it; None, which leaves it out, where it is no text."""
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return None
        of = self._attributes.get(name, {})
        if of.get(b"type") == b"NUMERIC":
            try:
                return float(text) if float(text) % 1 else int(float(text))
            except (ValueError, OverflowError):
                return text
        if of.get(b"type") == b"TAG":
            tags = [tag.strip() for tag in text.split(of.get(b"SEPARATOR", b",").decode()) if tag.strip()]
            return tags[0] if len(tags) == 1 else tags
        return text

    def _numbers(self, blob: bytes) -> Vector:
        """(1, n) float32; empty, which no collection takes, where the bytes are no numbers."""
        kind = np.dtype(_NUMBERS[self._attributes[self._vector_field or ""][b"data_type"]])
        whole = blob if len(blob) % kind.itemsize == 0 else b""
        return np.frombuffer(whole, kind).astype(np.float32)[np.newaxis]
