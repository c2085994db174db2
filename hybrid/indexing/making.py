"""How do changes get the vectors that they did not bring? Embedded together, and apart where that fails, so that one
that the model cannot take holds up no other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from hybrid.embedding.base import Embedder
from hybrid.embedding.passages import split
from hybrid.errors import HybridError
from hybrid.indexing.entries import Entry
from hybrid.model import Record, Span, Vector
from hybrid.schema import Collection

_log = logging.getLogger(__name__)

MOST_PASSAGES = 128
"""Passages of one document that are embedded; at 256 tokens each, a text of some 150 kB."""

AT_ONCE = 256
"""Passages that are embedded in one call of the model: half a minute's work where it is slow."""

_PARTS = 8
"""Parts in which changes are embedded that could not be all together."""

_HOPELESS = 5
"""Calls of the model that fail, none having done well, until it is taken to be the model's fault: with 512 changes,
these are all of them, a part, a part of that, and two single ones."""


@dataclass(slots=True)
class Made:
    """The records of changes, by id; and of those that have no vectors yet, why."""

    records: dict[str, Record] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    failures: int = 0

    @property
    def is_hopeless(self) -> bool:
        """Whether it is the model that fails, and not a single change."""
        return self.failures >= _HOPELESS and not self.records

    def fail(self, entries: Sequence[Entry], why: str) -> None:
        """Notes why these have no vectors."""
        self.failed |= dict.fromkeys((entry.id for entry in entries), why)


class Maker:
    """Makes records of the changes of one collection. Thread-safe. before_each: called before the model is."""

    def __init__(
        self, collection: Collection, embedder: Callable[[], Embedder | None], before_each: Callable[[], None]
    ) -> None:
        self._collection = collection
        self._embedder = embedder
        self._before_each = before_each

    def made(self, entries: Sequence[Entry]) -> Made:
        """The records of the changes; those without vectors get the model's."""
        made = Made()
        lacking = [entry for entry in entries if entry.vectors is None]
        if lacking:
            self._embed_all(lacking, made)
        for entry in entries:
            if entry.vectors is not None:
                made.records[entry.id] = _record(entry, entry.vectors, entry.passages)
        return made

    def _embed_all(self, entries: Sequence[Entry], made: Made) -> None:
        try:
            embedder = self._embedder()
        except Exception as error:  # noqa: BLE001 (the changes stay owed, whatever went wrong)
            made.fail(entries, _said(error))
            return
        if embedder is None:
            made.fail(entries, "it has no vector and there is no model")
        else:
            self._embed(entries, embedder, made)

    def _embed(self, entries: Sequence[Entry], embedder: Embedder, made: Made) -> None:
        """Embeds the changes together; where that fails in parts, until those are found that cannot be embedded."""
        try:
            made.records |= self._embedded(entries, embedder)
        except Exception as error:  # noqa: BLE001 (the changes stay owed, whatever went wrong)
            made.failures += 1
            why = _said(error)
            if len(entries) == 1:
                made.fail(entries, why)
                return
            for part in _parts(entries):
                if made.is_hopeless:
                    made.fail(part, why)
                else:
                    self._embed(part, embedder, made)

    def _embedded(self, entries: Sequence[Entry], embedder: Embedder) -> dict[str, Record]:
        """The record of each change by id."""
        texts = [self._collection.schema.embedded_text(entry.source) for entry in entries]
        spans = [split(text, embedder.max_tokens, embedder.count_tokens)[:MOST_PASSAGES] for text in texts]
        for entry, of in zip(entries, spans, strict=True):
            if len(of) == MOST_PASSAGES:
                _log.warning("document %r is long: after %d passages it is found by its words only", entry.id, len(of))
        flat = [text[start:end] for text, of in zip(texts, spans, strict=True) for start, end in of]
        rows = np.split(self._vectors(flat, embedder), np.cumsum([len(of) for of in spans])[:-1])
        return {entry.id: _record(entry, of, span) for entry, of, span in zip(entries, rows, spans, strict=True)}

    def _vectors(self, texts: Sequence[str], embedder: Embedder) -> Vector:
        made = []
        for start in range(0, len(texts), AT_ONCE):
            self._before_each()
            made.append(embedder.embed_documents(texts[start : start + AT_ONCE]))
        return np.concatenate(made)


def _said(error: Exception) -> str:
    if isinstance(error, HybridError):
        _log.warning("changes could not be embedded and are tried again later: %s", error)
        return str(error)
    _log.error("the model failed in a way nobody foresaw", exc_info=error)
    return f"{type(error).__name__} (see the log)"


def _parts(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    rest = iter(entries)
    while part := list(islice(rest, -(-len(entries) // _PARTS))):
        yield part


def _record(entry: Entry, vectors: Vector, passages: tuple[Span, ...]) -> Record:
    return Record(entry.id, entry.version, entry.hash, entry.source, vectors, passages, entry.deleted)
