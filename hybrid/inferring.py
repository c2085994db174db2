"""Which fields do documents have, where nobody says? A schema by the first of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from hybrid.model import Document, Json
from hybrid.schema import FIELD_NAME, MAX_KEYWORD_BYTES, RESERVED, Field, FieldType, Schema, moment

_FAMILIES = {bool: "boolean", int: "number", float: "number", str: "string"}
_COMMON = 0.9
_HEADINGS = frozenset({"title", "name", "headline", "subject", "heading"})
_PROSE = _HEADINGS | {"text", "body", "content", "description", "summary", "abstract", "contents"}


def infer(documents: Iterable[Document], sample: int = 1000) -> Schema:
    """The schema that the first `sample` documents suggest.

    Long, many-worded or conventionally named strings (title, text, …) are text, and all strings where
    none is; other strings are keywords; numbers are long when all are whole, else double; ISO 8601
    strings are dates. Headings get boost 2 and come first. Left out are fields of which more than one value
    in ten is of another type than the rest, and lists of anything but short strings, which are keywords.
    """
    values: dict[str, list[Json]] = {}
    lists: set[str] = set()
    for document in islice(documents, sample):
        for name, value in document.fields.items():
            if value is not None and FIELD_NAME.fullmatch(name) and name not in RESERVED:
                values.setdefault(name, []).extend(value if isinstance(value, list) else [value])
                lists |= {name} if isinstance(value, list) else set()
    guessed = {name: _guess(name, seen, name in lists) for name, seen in values.items()}
    if FieldType.TEXT not in guessed.values():
        guessed |= {name: FieldType.TEXT for name in guessed.keys() - lists if guessed[name] is FieldType.KEYWORD}
    fields = [
        Field(name, kind, boost=2.0 if _is_heading(name, kind) else 1.0) for name, kind in guessed.items() if kind
    ]
    fields.sort(key=lambda one: one.boost, reverse=True)
    return Schema(tuple(fields))


def _is_heading(name: str, kind: FieldType) -> bool:
    return kind is FieldType.TEXT and name.lower() in _HEADINGS


def _guess(name: str, values: list[Json], in_lists: bool) -> FieldType | None:
    """The type of nine in ten values or more, so that one bad value in a thousand does not cost a field its search."""
    families = Counter(_FAMILIES.get(type(value)) for value in values)
    family, most = families.most_common(1)[0] if families else (None, 0)
    common = [value for value in values if _FAMILIES.get(type(value)) == family]
    if family is None or most < _COMMON * len(values) or (in_lists and family != "string"):
        return None
    if family == "number":
        return FieldType.LONG if all(isinstance(value, int) for value in common) else FieldType.DOUBLE
    return FieldType.BOOLEAN if family == "boolean" else _guess_string(name, common, in_lists)


def _guess_string(name: str, values: list[str], in_lists: bool) -> FieldType | None:
    if in_lists:
        return FieldType.KEYWORD if all(len(value) * 4 <= MAX_KEYWORD_BYTES for value in values) else None
    if all(moment(value) is not None for value in values) and name.lower() not in _PROSE:
        return FieldType.DATE
    if name.lower() in _PROSE:
        return FieldType.TEXT
    prose = any(len(value) > 64 or len(value.split()) > 5 or "\n" in value for value in values)
    return FieldType.TEXT if prose else FieldType.KEYWORD
