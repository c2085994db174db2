"""What may a user give as a document? Dicts, Documents and DataFrame rows, made into Documents."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import orjson

from hybrid.errors import DocumentError
from hybrid.model import Document, Json, Vector
from hybrid.schema import Collection, check_id

_NONE = type(None)
_NAMES = {str}
_SIMPLE = {str, int, float, bool, _NONE}
"""Types of values that are the same when JSON gives them back, or left out."""
_FLOAT = np.dtype(np.float32)
_LITTLE_ENDIAN = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class Malformed:
    """A piece of a source that is no document: where it stands, and what is wrong with it."""

    where: str
    reason: str


class Located(dict[str, Any]):
    """A document as a dict that knows where it stands in its source."""

    def __init__(self, fields: Mapping[str, Any], where: str) -> None:
        super().__init__(fields)
        self.where = where


def rows(documents: Any) -> Iterator[Any]:
    """The documents one by one: of an iterable, or the rows of a pandas DataFrame as dicts.

    A DataFrame's `id` column is the id; without such a column, its index is. Missing cells are left out.
    """
    if hasattr(documents, "itertuples") and hasattr(documents, "columns"):
        return _frame_rows(documents)
    if isinstance(documents, Mapping | str | bytes | Document) or not isinstance(documents, Iterable):
        raise DocumentError(
            f"put takes many documents, not one {type(documents).__name__}; give it in a list: [document]"
        )
    return iter(documents)


def _frame_rows(table: Any) -> Iterator[dict[str, Any]]:
    names = [str(name) for name in table.columns]
    for index, *cells in table.itertuples(index=True, name=None):
        row = {name: cell for name, cell in zip(names, cells, strict=True) if not _missing(cell)}
        yield row if "id" in names else {"id": str(index)} | row


def _missing(cell: Any) -> bool:
    return (
        cell is None or type(cell).__name__ in ("NAType", "NaTType") or (isinstance(cell, float) and math.isnan(cell))
    )


def normalise(given: Any) -> Document:
    """The Document of a dict with an `id` (and, optionally, a `vector`), or the Document itself.

    Numbers as ids become strings. Raises DocumentError where there is no id, or a value JSON cannot say.
    """
    if type(given) is dict or isinstance(given, Mapping):
        fields = dict(given)
        one = fields.pop("id", None)
        if one is None:
            shown = ", ".join(str(name) for name in list(given)[:5]) or "no fields"
            raise DocumentError(f"a document has no id (it has: {shown}); give each one an 'id'", field="id")
        document_id = check_id(as_id(one))
        vectors = _vectors(document_id, fields.pop("vector", None))
        return Document(document_id, _plain(document_id, fields), vectors)
    if isinstance(given, Document):
        check_id(given.id)
        if not isinstance(given.fields, Mapping):
            raise DocumentError(
                f"document {given.id!r}: its fields are a {type(given.fields).__name__}; give a dict of fields by name",
                document_id=given.id,
            )
        return Document(given.id, _plain(given.id, dict(given.fields)), _vectors(given.id, given.vectors))
    if isinstance(given, Malformed):
        raise DocumentError(f"{given.where}: {given.reason}")
    raise DocumentError(f"a document is a dict with an id and fields, not {type(given).__name__}")


def as_id(given: Any) -> Any:
    """The id as a string where it is a whole number; anything else as it is."""
    if type(given) is str:
        return given  # the usual case
    return str(given) if isinstance(given, int | np.integer) and not isinstance(given, bool) else given


def _plain(document_id: str, fields: dict[str, Any]) -> dict[str, Json]:
    """The fields with JSON types only: numpy numbers, dates and the like become plain values; None is left out."""
    kinds = {*map(type, fields.values())}
    there = {name: value for name, value in fields.items() if value is not None} if _NONE in kinds else fields
    try:
        said = _json(there)
        if kinds <= _SIMPLE and b"null" not in said and {*map(type, there)} <= _NAMES:
            return there  # the usual case: as its JSON would give it back, where NaN and infinity would be null
        plain: dict[str, Json] = orjson.loads(said)
    except (TypeError, ValueError) as error:
        raise DocumentError(
            f"document {document_id!r}: {_unsayable(fields)}; use strings, numbers, booleans, dates and lists",
            document_id=document_id,
        ) from error
    for name, value in there.items():
        if not _finite(value):
            shown = value if isinstance(value, Real) else "a value that holds NaN or infinity"
            raise DocumentError(
                f"document {document_id!r}: field {name!r} is {shown}; leave it out where there is no value",
                document_id=document_id,
                field=name,
            )
    return plain


def _finite(value: Any) -> bool:
    """Whether there is no NaN and no infinity in it, which JSON would turn into null, at any depth."""
    if isinstance(value, Mapping):
        return all(map(_finite, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_finite, value))
    if isinstance(value, np.ndarray):
        return value.dtype.kind != "f" or bool(np.isfinite(value).all())
    return not isinstance(value, float | np.floating) or math.isfinite(value)


def _json(fields: dict[str, Any]) -> bytes:
    return orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY, default=_simple)


def _simple(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):  # of strings, or not contiguous
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "to_pydatetime") and not _missing(value):
        return value.to_pydatetime(warn=False)  # JSON's dates have microseconds; nanoseconds are cut off
    raise TypeError(type(value).__name__)


def _unsayable(fields: Mapping[str, Any]) -> str:
    for name, value in fields.items():
        try:
            _json({name: value})
        except (TypeError, ValueError) as error:
            return f"field {name!r} cannot be written as JSON ({error})"
    return "its fields cannot be written as JSON"


def _vectors(document_id: str, given: Any) -> Vector | None:
    """float32 (n, dim) of one vector or several; None for None."""
    if given is None:
        return None
    if type(given) is np.ndarray and given.dtype == _FLOAT and given.ndim == 1 and given.size:
        return given[None]  # the usual case
    try:
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is refused as such
            array = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise DocumentError(
            f"document {document_id!r}: its vector is not a list of numbers", document_id=document_id, field="vector"
        ) from error
    if array.ndim not in (1, 2) or array.size == 0:
        raise DocumentError(
            f"document {document_id!r}: its vector has shape {array.shape}; give (dim,) or (passages, dim)",
            document_id=document_id,
            field="vector",
        )
    return np.atleast_2d(array)


def fingerprint(collection: Collection) -> str:
    """Hex digits that change whenever the model, schema or analysis do."""
    about = (collection.model, collection.to_json()["schema"], collection.analysis)
    return hashlib.blake2b(orjson.dumps(about), digest_size=16).hexdigest()


def content_hash(document: Document, made_by: str) -> str:
    """32 hex digits that change whenever the id, fields, supplied vectors or the collection's fingerprint do."""
    fields = orjson.dumps(document.fields, option=orjson.OPT_SORT_KEYS)
    said = b"\n".join((orjson.dumps(document.id), fields, orjson.dumps(made_by), b""))
    digest = hashlib.blake2b(said, digest_size=16)
    if document.vectors is not None:
        shape = b"(%d, %d)" % document.vectors.shape
        digest.update(shape + document.vectors.astype(_LITTLE_ENDIAN, copy=False).tobytes())
    return digest.hexdigest()
