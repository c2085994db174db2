"""How is an index adopted? Read page by page, put into a collection, and the place noted after each page."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError

from hybrid import settings as configuration
from hybrid.adopt.base import Source, fitted
from hybrid.adopt.elastic_source import ElasticSource
from hybrid.adopt.redis_source import RedisSource
from hybrid.embedding.base import Embedder
from hybrid.embedding.lazy import LazyEmbedder
from hybrid.engine import Engine
from hybrid.errors import CollectionNotFound, InputError, SettingsError
from hybrid.indexing.report import fold
from hybrid.model import DocumentOutcome, Json, WriteReport
from hybrid.settings import ElasticsearchSettings, FieldSettings, RedisSettings, Settings, VectorSettings

_Server = TypeVar("_Server", ElasticsearchSettings, RedisSettings)


def adopt(
    *,
    elasticsearch_index: str | None = None,
    redis_index: str | None = None,
    server: str | None = None,
    vector_field: str | None = None,
    restart: bool = False,
    told: Callable[[DocumentOutcome], None] | None = None,
    embedder: Embedder | None = None,
    **settings: Any,
) -> WriteReport:
    """What became of the documents of an index of Elasticsearch, or of Redis, copied into a collection of both stores.

    The index is only read. Its documents' own vectors (Redis; Elasticsearch with `vector_field`) are taken along, and
    are searched with the model of the settings, which must be the one that made them; else the model makes vectors.
    A call that is broken off goes on where it was, and a later one takes what was written to the index since (of
    Redis: reads all again); what is unchanged is not embedded. Documents deleted there stay here.
    server: URL of the index's server where it is not the collection's. restart: from the beginning. told: called with
    each document's outcome. settings: as of `hybrid.open`. Raises InputError, SettingsError and StoreError.
    """
    read = configuration.read(**settings)
    with closing(_source(read, elasticsearch_index, redis_index, server, vector_field)) as source:
        with closing(_engine(read, source, embedder)) as engine:
            started = time.perf_counter()
            report = fold(_adopted(engine, source, restart, told or (lambda _: None)), started)
            engine.put(())  # searches see all of it
        return dataclasses.replace(report, notes=source.notes())


def total(*, elasticsearch_index: str | None, redis_index: str | None, server: str | None, **settings: Any) -> int:
    """About how many documents the index has."""
    read = configuration.read(**settings)
    with closing(_source(read, elasticsearch_index, redis_index, server, None)) as source:
        return source.total()


def _source(read: Settings, elastic: str | None, redis: str | None, server: str | None, field: str | None) -> Source:
    if (elastic is None) == (redis is None):
        raise InputError("name one index to adopt: --elasticsearch-index NAME, or --redis-index NAME")
    if elastic is not None:
        elasticsearch = read.elasticsearch if server is None else _reached(ElasticsearchSettings, server)
        if elasticsearch is None:
            raise SettingsError("no Elasticsearch is named. Give its URL: --elasticsearch URL, or --from URL")
        return ElasticSource(elasticsearch, elastic, field)
    there = read.redis if server is None else _reached(RedisSettings, server)
    if there is None:
        raise SettingsError("no Redis is named. Give its URL: --redis URL, or --from URL")
    return RedisSource(there, redis or "", field)


def _reached(kind: type[_Server], server: str) -> _Server:
    """How to reach another server than the collection's, to which the settings' credentials do not go."""
    try:
        return kind.model_validate({"url": server})
    except ValidationError as error:
        raise SettingsError(f"the index's server cannot be reached: {error.errors()[0]['msg']}") from None


def _engine(settings: Settings, source: Source, embedder: Embedder | None) -> Engine:
    """The engine of the collection, which is to get the index's fields and vector index where it is not there yet."""
    model = LazyEmbedder(settings, embedder).get()
    vector = source.vector()
    if model is not None and vector is not None and vector.dim != model.dim:
        raise SettingsError(
            f"the index's vectors have {vector.dim} components, and the model {model.name!r} makes {model.dim}. "
            "Set the model that made them, or 'none' to search by vectors that you bring"
        )
    engine = Engine(settings, model)
    try:
        _ = engine.collection
    except CollectionNotFound:
        engine.close()
        return Engine(settings.model_copy(update=_described(settings, source, vector)), model)
    return engine


def _described(settings: Settings, source: Source, vector: VectorSettings | None) -> dict[str, Any]:
    """The settings of the fields and of the vector index, as far as they are not given."""
    found: dict[str, Any] = {}
    first = next(source.pages(None), None)
    if not settings.fields and first is not None:
        fields = fitted(source.types(), first.documents).fields
        found["fields"] = {
            one.name: FieldSettings(type=one.type, boost=one.boost, embedded=one.embedded) for one in fields
        }
    if vector is not None and not settings.vector.model_fields_set:
        found["vector"] = vector
    return found


def _adopted(
    engine: Engine, source: Source, restart: bool, told: Callable[[DocumentOutcome], None]
) -> Iterator[DocumentOutcome]:
    bookmark = _Bookmark(engine, source.identity)
    for page in source.pages(None if restart else bookmark.read()):
        outcomes: list[DocumentOutcome] = []
        engine.put(page.documents, wait=False, on_outcome=outcomes.append)
        bookmark.write(page.position)
        for outcome in outcomes:
            told(outcome)
            yield outcome


class _Bookmark:
    """Where reading goes on: a file of the collection's folder. It counts as long as the stores are those that were
    written to, so that a collection that was dropped, or a store that may have lost writes, is filled anew."""

    def __init__(self, engine: Engine, identity: str) -> None:
        self._engine = engine
        self._identity = identity
        settings = engine.settings
        self._path: Path | None = None if settings.in_memory else settings.folder / "adopted.json"

    def read(self) -> Json:
        """The position; None where there is none, or it does not count."""
        try:
            kept = self._kept().get(self._identity)
            return kept["position"] if kept and kept["stores"] == self._engine.incarnation() else None
        except CollectionNotFound:
            return None

    def write(self, position: Json) -> None:
        """Keeps the position of documents that are in the journal, or in the stores, by now."""
        if self._path is None or not self._path.parent.exists():  # nothing but rejected documents so far
            return
        try:
            stores = self._engine.incarnation()
        except CollectionNotFound:
            return
        kept = self._kept() | {self._identity: {"stores": stores, "position": position}}
        new = self._path.with_suffix(".new")
        new.write_bytes(orjson.dumps(kept))
        new.replace(self._path)

    def _kept(self) -> dict[str, Any]:
        if self._path is None or not self._path.exists():
            return {}
        found: dict[str, Any] = orjson.loads(self._path.read_bytes())
        return found
