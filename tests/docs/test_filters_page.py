"""The page about filters says what the language does."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from hybrid import filters
from hybrid.errors import FilterError
from hybrid.filters import check, grammar
from hybrid.schema import Field, FieldType, Schema

PAGE = (Path(__file__).parents[2] / "docs" / "filters.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SCHEMA = Schema(
    (
        Field("title", FieldType.TEXT),
        *(Field(name, FieldType.KEYWORD) for name in ("brand", "tags", "ean")),
        *(Field(name, FieldType.DOUBLE) for name in ("price", "rating")),
        Field("released", FieldType.DATE),
    )
)


def test_every_example_can_be_read() -> None:
    lines = BLOCKS[0][1].splitlines()
    assert len(lines) == 3
    assert all(filters.read(line, SCHEMA) for line in lines)


def test_the_json_example_is_the_first_one_without_its_date() -> None:
    (body,) = [text for language, text in BLOCKS if language == "json"]
    first = BLOCKS[0][1].splitlines()[0] + " AND exists(ean)"
    assert filters.read(orjson.loads(body), SCHEMA) == filters.read(first, SCHEMA)


def test_the_error_is_the_one_that_is_shown() -> None:
    with pytest.raises(FilterError) as wrong:
        filters.read('brand = "acer" AND prize < 800', SCHEMA)
    assert BLOCKS[-1][1].strip() == str(wrong.value)


def test_the_bounds_are_those_of_the_program() -> None:
    told = PAGE.rpartition("Bounds: ")[2].replace(",", "")
    bounds = [grammar.MAX_CHARACTERS, check.MAX_LEVELS, grammar.MAX_CONDITIONS, grammar.MAX_VALUES]
    assert [int(number) for number in re.findall(r"\d+", told)] == bounds
