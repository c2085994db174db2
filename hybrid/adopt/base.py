"""What is adopted? The documents of an index that somebody else made and keeps, a page at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from hybrid.errors import DocumentError, SchemaError
from hybrid.inferring import infer
from hybrid.model import Document, Json, Vector
from hybrid.schema import Field, FieldType, Schema
from hybrid.settings import VectorSettings

PAGE = 500
"""Documents that are read, and written, together."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents, and where to go on once they are written, as JSON; None: from the beginning."""

    documents: Sequence[Document]
    position: Json


class Source(Protocol):
    """An index that is read and never written. What reading raises is a StoreError."""

    @property
    def identity(self) -> str:
        """What names it, the server included."""
        ...

    def types(self) -> Mapping[str, FieldType]:
        """By field that it has a type for, the one that is most like it."""
        ...

    def vector(self) -> VectorSettings | None:
        """The vector index that its documents' vectors lie in; None where they bring none."""
        ...

    def notes(self) -> tuple[str, ...]:
        """What is worth knowing of what is not read."""
        ...

    def total(self) -> int:
        """About how many documents it has."""
        ...

    def pages(self, position: Json) -> Iterator[Page]:
        """The documents from a position on, that of an earlier page, or from the beginning (None)."""
        ...

    def close(self) -> None:
        """Gives back connections."""
        ...


def document(document_id: str, fields: Mapping[str, Any], vectors: Vector | None = None) -> Document:
    """The document of an index that knows no reserved names: a field `id` that is not its id, and a field `vector`,
    become `id_` and `vector_`."""
    rest = {name: value for name, value in fields.items() if name != "id" or str(value) != document_id}
    named = {f"{name}_" if name in ("id", "vector") else name: value for name, value in rest.items()}
    return Document(document_id, named, vectors)


def fitted(types: Mapping[str, FieldType], sample: Sequence[Document]) -> Schema:
    """The schema of these documents: each field has the index's type for it where all its values fit, else the one
    that the values suggest."""
    inferred = infer(sample)
    guessed = {one.name: one for one in inferred.fields}
    fields = [_field(name, types.get(name), guessed.get(name), sample) for name in dict.fromkeys([*guessed, *types])]
    schema = Schema(tuple(one for one in fields if one is not None))
    return schema if schema.searched or not inferred.searched else inferred


def _field(name: str, kind: FieldType | None, guessed: Field | None, sample: Sequence[Document]) -> Field | None:
    if kind is None or (guessed is not None and guessed.type is kind):
        return guessed
    try:
        wanted = replace(guessed, type=kind, boost=1.0) if guessed else Field(name, kind)
    except SchemaError:
        return None  # a name that cannot be searched by; its values are kept and shown
    return wanted if all(_fits(wanted, one) for one in sample) else guessed


def _fits(field: Field, one: Document) -> bool:
    try:
        Schema((field,)).check(Document("any", one.fields))
    except DocumentError:
        return False
    return True
