"""Schemas: what is inferred, what is checked, and that a collection survives being written down."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybrid.errors import CollectionMismatch, DocumentError, SchemaError
from hybrid.inferring import infer
from hybrid.model import Document
from hybrid.schema import (
    Collection,
    Field,
    FieldType,
    Metric,
    Schema,
    VectorAlgorithm,
    VectorSpec,
    VectorType,
    check_collection_name,
    check_id,
    iso,
    moment,
)

ALL = Schema(tuple(Field(kind.value, kind) for kind in FieldType))


def kinds(*sources: dict[str, Any]) -> dict[str, str]:
    return {
        one.name: str(one.type) for one in infer(Document(str(n), source) for n, source in enumerate(sources)).fields
    }


def refusal(schema: Schema, document: Document) -> DocumentError:
    with pytest.raises(DocumentError) as refused:
        schema.check(document)
    return refused.value


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["one two three four five six"], "text"),
        (["one two three four five"], "keyword"),
        (["x" * 65], "text"),
        (["x" * 64], "keyword"),
        (["a\nb"], "text"),
        (["short", "one two three four five six"], "text"),
        ([1, 2], "long"),
        ([1, 2.5], "double"),
        ([1.0], "double"),
        ([True, False], "boolean"),
        (["2024-01-31", "2024-01-31T10:00:00Z"], "date"),
        (["2024-01-31", "soon"], "keyword"),
        ([["a", "b"], "c"], "keyword"),
        ([[1, 2], []], None),
        ([["2024-01-31"]], "keyword"),
        ([[["one two three four five six"], ["x"]][0]], "keyword"),
        ([["x" * 5000]], None),
        ([True, 1], None),
        ([1, "a"], None),
        ([{"a": 1}], None),
        ([[None]], None),
        ([[], None], None),
    ],
)
def test_a_field_is_inferred_from_all_its_values(values: list[Any], kind: str | None) -> None:
    assert kinds({"text": "t"}, *({"f": value} for value in values)).get("f") == kind


@pytest.mark.parametrize("name", ["text", "Body", "content", "SUMMARY", "description"])
def test_a_field_of_a_conventional_name_is_text_however_short(name: str) -> None:
    assert kinds({name: "short"}) == {name: "text"}
    assert kinds({name: "2024-01-31"}) == {name: "text"}


def test_a_conventional_name_does_not_make_a_list_text() -> None:
    assert kinds({"text": "t", "contents": ["a", "b"]})["contents"] == "keyword"


def test_headings_come_first_and_count_double() -> None:
    schema = infer([Document("1", {"text": "t", "brand": "lg", "title": "T", "note": "a b c d e f", "Name": "N"})])
    assert schema.searched == (("title", 2.0), ("Name", 2.0), ("text", 1.0), ("note", 1.0))


def test_where_no_string_looks_like_text_all_strings_are() -> None:
    assert kinds({"colour": "red", "size": "L", "tags": ["a"], "n": 1}) == {
        "colour": "text",
        "size": "text",
        "tags": "keyword",
        "n": "long",
    }


def test_nothing_infers_nothing() -> None:
    assert infer([]).fields == ()
    assert kinds({}, {"a": None}) == {}


def test_names_that_cannot_be_fields_are_left_out() -> None:
    assert kinds(
        {"a b": "x", "1a": "x", "id": "x", "vector": "x", "é": "x", "_x": "x", "x" * 65: "x", "text": "t"}
    ) == {"text": "text"}


def test_one_bad_value_in_ten_costs_a_field_neither_its_type_nor_its_search() -> None:
    assert kinds(*({"text": "words"} for _ in range(9)), {"text": 5}) == {"text": "text"}
    assert kinds(*({"n": n, "text": "t"} for n in range(9)), {"n": "many"}) == {"n": "long", "text": "text"}
    assert kinds(*({"text": "words", "a": "x"} for _ in range(8)), {"text": 5}, {"text": None}) == {"a": "text"}


def test_only_the_sample_is_looked_at() -> None:
    documents = iter([Document("1", {"a": 1}), Document("2", {"a": 2.5}), Document("3", {"b": 1})])
    assert [one.name for one in infer(documents, sample=2).fields] == ["a"]
    assert next(documents).id == "3"


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=70)
    | st.sampled_from(["2024-01-31", "2024-01-31T00:00:00Z", "one two three four five six", "x" * 1100])
)
sources = st.dictionaries(
    st.sampled_from(["title", "text", "a", "b", "id", "a b"]),
    scalars | st.lists(scalars.filter(lambda value: value is not None), max_size=3),
    max_size=4,
)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(sources, max_size=3))  # too few for a value of another type to be one in ten
def test_a_document_fits_the_schema_that_was_inferred_from_it(given_sources: list[dict[str, Any]]) -> None:
    documents = [Document(str(number), source) for number, source in enumerate(given_sources)]
    schema = infer(documents)
    for document in documents:
        schema.check(document)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", ""),
        ("text", "가\0😀"),
        ("keyword", "x" * 4096),
        ("keyword", ["a", "b"]),
        ("keyword", []),
        ("long", 2**53),
        ("long", -(2**53)),
        ("long", 3.0),
        ("long", []),
        ("double", 1),
        ("double", -0.0),
        ("boolean", True),
        ("date", "2024-02-29"),
        ("date", None),
    ],
)
def test_a_value_that_fits_is_taken(kind: str, value: Any) -> None:
    ALL.check(Document("1", {kind: value}))


@pytest.mark.parametrize(
    ("kind", "value", "says"),
    [
        ("text", 5, "is text and takes a string, not 5"),
        ("text", ["a"], "not ['a']"),
        ("text", "a\udc80", "takes a string"),
        ("keyword", 5, "takes a string or a list of strings, not 5"),
        ("keyword", ["a", None], "not None"),
        ("keyword", "\ud800", "takes a string"),
        ("keyword", "x" * 4097, "has 4097 bytes; 4096 are the most"),
        ("keyword", ["ok", "가" * 1366], "has 4098 bytes"),
        ("long", 2**53 + 1, "within ±2^53, not 9007199254740993"),
        ("long", -(2**53) - 1, "within ±2^53"),
        ("long", 1.5, "takes a whole number"),
        ("long", True, "not True"),
        ("long", "1", "not '1'"),
        ("long", math.nan, "not nan"),
        ("long", math.inf, "not inf"),
        ("double", math.nan, "takes a finite number, not nan"),
        ("double", -math.inf, "not -inf"),
        ("double", False, "not False"),
        ("double", [1.5], "takes a finite number, not [1.5]"),
        ("boolean", 1, "takes true or false, not 1"),
        ("boolean", "true", "not 'true'"),
        ("date", "2024-02-30", 'takes a date such as "2024-01-31"'),
        ("date", 20240131, "takes a date"),
        ("date", "yesterday" * 20, "…"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_its_field(kind: str, value: Any, says: str) -> None:
    error = refusal(ALL, Document("d7", {"text": "fine", kind: value}))
    assert says in str(error)
    assert str(error).startswith(f"document 'd7': {'keyword' if 'bytes' in says else 'field'} '{kind}'")
    assert (error.document_id, error.field) == ("d7", kind)


@pytest.mark.parametrize("one", ["x", " ", "a/b c?#%", "x" * 512, "가" * 170, "😀", "../..", "\x7f"])
def test_an_id_may_be_any_short_string(one: str) -> None:
    assert check_id(one) == one


@pytest.mark.parametrize(
    ("one", "says"),
    [
        ("", "give every document a string id"),
        (None, "give every document a string id"),
        (5, "the id is 5"),
        (b"x", "string id"),
        ("x" * 513, "has 513 bytes; 512 are the most"),
        ("가" * 171, "has 513 bytes"),
        ("a\nb", "control character"),
        ("a\0", "control character"),
        ("\ud800", "lone surrogate"),
    ],
)
def test_an_id_that_cannot_be_is_refused(one: Any, says: str) -> None:
    with pytest.raises(DocumentError, match=says) as refused:
        check_id(one)
    assert refused.value.field == "id"


@pytest.mark.parametrize("name", ["a", "0", "shop-2_b", "x" * 64])
def test_a_collection_name(name: str) -> None:
    assert check_collection_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "_a", "A", "a b", "a/b", "..", "é", "x" * 65, "a\n", "a*"])
def test_a_collection_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(SchemaError, match="lower-case letters, digits, - and _, 64 at most"):
        check_collection_name(name)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1970-01-01", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1969-12-31T23:59:59Z", datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("2024-02-29 12:30", datetime(2024, 2, 29, 12, 30, tzinfo=UTC)),
        ("2024-01-31T09:00:00+09:00", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024-01-31T09:00:00+0900", datetime(2024, 1, 31, tzinfo=UTC)),
        ("2024-01-31T00:00:00.5Z", datetime(2024, 1, 31, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("0001-01-01", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T09:59:59.999999-14:00", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_a_date_is_milliseconds_since_1970_in_utc_rounded_down(text: str, meant: datetime) -> None:
    since = meant - datetime(1970, 1, 1, tzinfo=UTC)
    assert moment(text) == (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


@pytest.mark.parametrize(
    "text",
    "|2024|2024-1-1|2024-13-01|2023-02-29|20240131|2024-01-31T|2024-01-31T25:00|31.01.2024| 2024-01-31|2024-01-31\n|"
    "٢٠٢٤-٠١-٣١|2024-01-31T10|2024-W05-3|0000-01-01|2024-01-31T10:00 Z|"
    "0001-01-01T00:00:00+00:01|9999-12-31T23:59:59-00:01".split("|"),
)
def test_what_is_no_iso_date_is_none(text: str) -> None:
    assert moment(text) is None


@pytest.mark.parametrize("name", ["", "1a", "_a", "a b", "a.b", "a-b", "é", "x" * 65, "id", "vector", "a\n"])
def test_a_field_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(SchemaError):
        Field(name, FieldType.TEXT)


@pytest.mark.parametrize("boost", [0, -1, math.nan, math.inf])
def test_a_boost_is_a_number_above_0(boost: float) -> None:
    with pytest.raises(SchemaError, match="boost is"):
        Field("a", FieldType.TEXT, boost)


def test_a_schema_names_no_field_twice_and_has_at_most_500() -> None:
    with pytest.raises(SchemaError, match="fields named twice: a, b"):
        Schema(tuple(Field(name, FieldType.TEXT) for name in "abab"))
    Schema(tuple(Field(f"f{n}", FieldType.TEXT) for n in range(500)))
    with pytest.raises(SchemaError, match=r"501 fields; 500 are the most.*hybrid.toml"):
        Schema(tuple(Field(f"f{n}", FieldType.TEXT) for n in range(501)))


@pytest.mark.parametrize(
    "wrong", [{"dim": 0}, {"dim": 32769}, {"initial_cap": 0}, {"m": 1}, {"m": 513}, {"ef_runtime": 0}]
)
def test_a_vector_number_out_of_its_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match=f"vector {next(iter(wrong))} is .*; it must be from"):
        VectorSpec(**({"dim": 4} | wrong))


def test_embedded_text_is_the_embedded_fields_in_order() -> None:
    schema = Schema(
        (
            Field("title", FieldType.TEXT),
            Field("code", FieldType.TEXT, embedded=False),
            Field("brand", FieldType.KEYWORD),
            Field("text", FieldType.TEXT),
            Field("note", FieldType.TEXT),
        )
    )
    assert schema.embedded == ("title", "text", "note")
    source = {"text": "body", "title": "Head", "code": "x", "brand": "lg", "note": " "}
    assert schema.embedded_text(source) == "Head\nbody"
    assert schema.embedded_text({}) == ""


names = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True).filter(lambda name: name not in ("id", "vector"))
fields = st.builds(Field, names, st.sampled_from(FieldType), st.floats(0.01, 100), st.booleans(), alone=st.booleans())
collections = st.builds(
    Collection,
    st.from_regex(r"[a-z0-9][a-z0-9_-]{0,20}", fullmatch=True),
    st.lists(fields, max_size=5, unique_by=lambda one: one.name).map(lambda of: Schema(tuple(of))),
    st.builds(
        VectorSpec,
        st.integers(1, 4096),
        st.sampled_from(Metric),
        st.sampled_from(VectorAlgorithm),
        st.sampled_from(VectorType),
        st.none() | st.integers(1, 1000),
    ),
    st.text(max_size=20),
)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(collections)
def test_a_collection_written_as_json_is_read_back_equal(collection: Collection) -> None:
    again = Collection.from_json(json.loads(json.dumps(collection.to_json())))
    assert again == collection
    assert again.vector.metric is collection.vector.metric


def test_a_collection_of_the_format_before_is_read_with_no_field_by_itself() -> None:
    now = Collection("c", Schema((Field("title", FieldType.TEXT), Field("text", FieldType.TEXT))), VectorSpec(4), "m")
    before = now.to_json() | {"format": 4}
    assert "alone" not in before["schema"]["fields"][0]
    assert Collection.from_json(before) == replace(now, format=4)
    alone = replace(now, schema=now.schema.by_itself())
    assert Collection.from_json(alone.to_json()).schema.alone == ("title", "text")
    assert [one.get("alone") for one in alone.to_json()["schema"]["fields"]] == [True, True]


def test_a_collection_of_another_format_is_refused_with_both() -> None:
    body = Collection("c", ALL, VectorSpec(4), "m").to_json()
    with pytest.raises(CollectionMismatch, match=r"in format 7, this version reads format 4 and 5\. Index it again"):
        Collection.from_json(body | {"format": 7})
    with pytest.raises(CollectionMismatch, match="format None"):
        Collection.from_json({})


def test_a_collection_of_a_bad_name_cannot_be_made() -> None:
    with pytest.raises(SchemaError):
        Collection("Bad Name", ALL, VectorSpec(4), "m")


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (86_400_000, "1970-01-02"),
        (3_600_000, "1970-01-01T01:00:00Z"),
        (-62_135_596_800_000, "0001-01-01"),
    ],
)
def test_milliseconds_are_written_as_the_shortest_iso_date_that_reads_as_them(milliseconds: int, text: str) -> None:
    assert (iso(milliseconds), moment(text)) == (text, milliseconds)
