"""What may be asked for as highlights, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from hybrid.errors import QueryError
from hybrid.highlight import Highlight, read
from hybrid.schema import Field, FieldType, Schema

SCHEMA = Schema((Field("title", FieldType.TEXT), Field("text", FieldType.TEXT), Field("brand", FieldType.KEYWORD)))
BOTH = ("title", "text")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (False, None),
        (None, None),
        (True, Highlight(BOTH)),
        ({}, Highlight(BOTH)),
        ("sentences", Highlight(BOTH, sentences=True)),
        ({"fields": "text"}, Highlight(("text",))),
        ({"fields": ["text", "title"], "fragments": 1, "size": 20}, Highlight(BOTH, 1, 20)),
        ({"sentences": True}, Highlight(BOTH, sentences=True)),
    ],
)
def test_what_is_asked_for(given: Any, expected: Highlight | None) -> None:
    assert read(given, SCHEMA) == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("yes", "it is true, false"),
        (1, "it is true, false"),
        ({"sise": 20}, "no option sise; it has: fields, fragments, size, sentences"),
        ({"fields": ["brand"]}, "choose from the fields that are searched: title, text"),
        ({"fields": []}, "choose from"),
        ({"fields": 3}, "choose from"),
        ({"fields": [["title"]]}, "choose from"),
        ({"size": 19}, "from 20 to 10000"),
        ({"size": True}, "whole number"),
        ({"fragments": 0}, "from 1 to 20"),
        ({"sentences": 1}, "true or false"),
    ],
)
def test_what_is_refused(given: Any, said: str) -> None:
    with pytest.raises(QueryError, match=said) as wrong:
        read(given, SCHEMA)
    assert str(wrong.value.field).startswith("highlight")
