"""What is there to be done about documents that stream in? Read lot by lot, and compared with what is known of them.

While one lot is looked up, the next are read and hashed. What every store has already, with this very content, was
checked when it was written, and is not checked again.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np

from hybrid.errors import DocumentError
from hybrid.indexing.changes import FLYING, Asked, Change, Lookup
from hybrid.indexing.documents import Located, content_hash, fingerprint, normalise
from hybrid.indexing.flush import BATCH
from hybrid.model import Document, DocumentOutcome, Outcome
from hybrid.schema import Collection

_OVERTAKEN = "a later one of the same id came close behind"

T = TypeVar("T")

MOST_BYTES = 16_000_000
"""Bytes of text and vectors in a lot, but for the last document of it: a few lots are in memory at the same time."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A lot: the outcomes that are known already, and what each of the other documents changes."""

    settled: Sequence[DocumentOutcome]
    changes: Sequence[Change]


class _Content(NamedTuple):
    """A document, the hash of its content, and what it was made of."""

    document: Document
    hash: str
    given: Any


@dataclass(frozen=True, slots=True)
class _Lot:
    """Documents by id, of which one that is overtaken by a later one goes; settled: outcomes of such as went."""

    contents: dict[str, _Content] = field(default_factory=dict)
    settled: list[DocumentOutcome] = field(default_factory=list)


class Lots:
    """Compares documents of one collection with what its stores and its journal have."""

    def __init__(self, collection: Collection, lookup: Lookup) -> None:
        self._collection = collection
        self._fields = frozenset(one.name for one in collection.schema.fields)
        self._made_by = fingerprint(collection)
        self._lookup = lookup
        self.unknown_fields: Counter[str] = Counter()
        """Documents by field that is not in the schema."""

    def compared(self, documents: Iterable[Any], *, strict: bool) -> Iterator[Compared]:
        """The documents lot by lot. Raises, if strict, the DocumentError of the first that is refused, after all lots
        before its own."""
        flying: deque[tuple[_Lot, Asked]] = deque()
        refused: DocumentError | None = None
        with self._lookup.asking() as ask:
            for given in bounded(documents):
                try:
                    lot = self._read(given, [earlier for earlier, _ in flying], strict)
                except DocumentError as error:
                    refused = error
                    break
                flying.append((lot, ask(list(lot.contents))))
                if len(flying) == FLYING:
                    yield self._compare(*flying.popleft(), strict)
            while flying:
                yield self._compare(*flying.popleft(), strict)
        if refused is not None:
            raise refused

    def _read(self, given: Iterable[Any], flying: Sequence[_Lot], strict: bool) -> _Lot:
        """The documents as a lot. Of an id that comes again while it is looked up the last one counts: what is found
        out about it would be too old for the others."""
        lot = _Lot()
        taken = set[str]().union(*(earlier.contents for earlier in flying))
        for one in given:
            try:
                document = normalise(one)
                if document.id in lot.contents or document.id in taken:
                    self._check(document)  # one that is refused takes no other's place
                    earlier = next(of for of in (lot, *flying) if document.id in of.contents)
                    lot.settled.append(self._overtaken(earlier.contents[document.id]))
                    if earlier is not lot:
                        del earlier.contents[document.id]
            except DocumentError as error:
                if strict:
                    raise
                lot.settled.append(rejected(one, error))
                continue
            lot.contents[document.id] = _Content(document, content_hash(document, self._made_by), one)
            if not self._fields.issuperset(document.fields):
                self.unknown_fields.update(document.fields.keys() - self._fields)
        return lot

    def _compare(self, lot: _Lot, asked: Asked, strict: bool) -> Compared:
        known = asked.known()
        unchanged = known.unchanged({one: content.hash for one, content in lot.contents.items()})
        settled = [*lot.settled]
        changes = []
        for one, content in lot.contents.items():
            if one in unchanged:
                settled.append(DocumentOutcome(one, Outcome.UNCHANGED))
                continue
            try:
                self._check(content.document)
            except DocumentError as error:
                if strict:
                    raise
                settled.append(rejected(content.given, error))
                continue
            change = known.change(content.document, content.hash)
            if change.lacking:
                changes.append(change)
            else:
                settled.append(DocumentOutcome(one, change.outcome))
        return Compared(settled, changes)

    def _check(self, document: Document) -> None:
        self._collection.schema.check(document)
        self._collection.check_vectors(document.id, document.vectors)

    def _overtaken(self, content: _Content) -> DocumentOutcome:
        try:
            self._check(content.document)
        except DocumentError as error:
            return rejected(content.given, error)
        return DocumentOutcome(content.document.id, Outcome.SUPERSEDED, _OVERTAKEN)


def windows(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items, so many at a time."""
    source = iter(items)
    while window := list(islice(source, size)):
        yield window


def bounded(documents: Iterable[Any]) -> Iterator[list[Any]]:
    """The documents, at most BATCH at a time, and fewer where they are large."""
    lot: list[Any] = []
    size = 0
    for one in documents:
        lot.append(one)
        size += _size(one)
        if len(lot) == BATCH or size >= MOST_BYTES:
            yield lot
            lot, size = [], 0
    if lot:
        yield lot


def _size(given: Any) -> int:
    """Bytes of what may be large in a document, roughly: its texts, and vectors that are arrays."""
    fields = given.fields if isinstance(given, Document) else given
    if not isinstance(fields, dict):
        return 0
    vectors = given.vectors if fields is not given else fields.get("vector")
    texts = sum([len(value) for value in fields.values() if type(value) is str])
    return texts + (vectors.nbytes if isinstance(vectors, np.ndarray) else 0)


def rejections(documents: Iterable[Any], *, strict: bool) -> Iterator[DocumentOutcome]:
    """The rejections of what cannot be a document, whatever the collection; strict: raises the first."""
    for given in documents:
        try:
            normalise(given)
        except DocumentError as error:
            if strict:
                raise
            yield rejected(given, error)


def rejected(given: Any, error: DocumentError) -> DocumentOutcome:
    """The outcome of what was given as a document and is refused."""
    where = f"{given.where}: " if isinstance(given, Located) else ""
    return DocumentOutcome(error.document_id or _id_of(given), Outcome.REJECTED, f"{where}{error}")


def _id_of(given: Any) -> str:
    value = given.get("id") if isinstance(given, Mapping) else None
    return str(value) if value is not None else ""
