"""What users give as documents: dicts, Documents, DataFrame rows, numpy values, and everything that is none."""

from __future__ import annotations

import hashlib
import json
import math
import struct
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from hybrid.errors import DocumentError
from hybrid.indexing.documents import Malformed, content_hash, fingerprint, normalise, rows
from hybrid.model import Document
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec


def plain(**fields: Any) -> Any:
    return normalise({"id": "1", **fields}).fields


SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text() | st.just("null")
VALUES = st.recursive(SCALARS, lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(), of, max_size=2))


@drawn(st.dictionaries(st.text(), SCALARS | VALUES, max_size=4).filter(lambda of: not of.keys() & {"id", "vector"}))
def test_fields_are_what_their_json_gives_back_or_refused_where_it_would_lie(fields: dict[str, Any]) -> None:
    try:
        document = normalise(Document("1", fields))
    except DocumentError:
        with pytest.raises((TypeError, ValueError)):  # json that allows neither NaN nor lone surrogates
            json.dumps(fields, allow_nan=False, ensure_ascii=False).encode()
    else:
        said = json.dumps(fields, allow_nan=False, ensure_ascii=False)
        assert json.dumps(document.fields, ensure_ascii=False) == said  # types and −0.0 told apart
        assert document.fields is not fields


def refusal(given: Any) -> DocumentError:
    with pytest.raises(DocumentError) as refused:
        normalise(given)
    return refused.value


def test_a_dict_becomes_a_document_without_id_and_vector_among_its_fields() -> None:
    document = normalise({"id": "7", "title": "T", "none": None, "vector": [1, 2]})
    assert (document.id, document.fields) == ("7", {"title": "T"})
    assert document.vectors is not None
    assert document.vectors.tolist() == [[1.0, 2.0]]


def test_a_document_and_a_dict_of_the_same_content_are_the_same() -> None:
    given = normalise({"id": "7", "a": 1, "b": None})
    other = normalise(Document("7", {"a": 1, "b": None}))
    assert given.fields == other.fields == {"a": 1}


@pytest.mark.parametrize(("one", "expected"), [(7, "7"), (np.int64(7), "7"), ("007", "007"), (-1, "-1"), (0, "0")])
def test_whole_numbers_are_ids_too(one: Any, expected: str) -> None:
    assert normalise({"id": one}).id == expected


@pytest.mark.parametrize("one", [1.0, True, "", b"7", ["7"], math.nan, "a\nb", "x" * 513])
def test_other_ids_are_refused(one: Any) -> None:
    assert refusal({"id": one}).field == "id"


@pytest.mark.parametrize("given", [{}, {"id": None}, {"Id": "1", "title": "T"}])
def test_a_document_without_an_id_says_what_it_has(given: dict[str, Any]) -> None:
    message = str(refusal(given))
    assert "has no id" in message
    assert ", ".join(given) in message or "no fields" in message


@pytest.mark.parametrize("given", ["text", 5, None, ["id"], ("id", 1), Malformed("f, line 3", "this is not JSON")])
def test_what_is_no_document_is_refused(given: Any) -> None:
    assert str(refusal(given)).startswith(("a document is a dict with an id and fields, not ", "f, line 3: this is"))


def test_a_document_whose_fields_are_no_dict_is_refused() -> None:
    assert "its fields are a str; give a dict" in str(refusal(Document("1", "text")))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int32(5), 5),
        (np.float32(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("s"), "s"),
        (np.array([1, 2]), [1, 2]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.arange(6)[::2], [0, 2, 4]),
        (np.datetime64("2024-01-31"), "2024-01-31T00:00:00"),
        (date(2024, 1, 31), "2024-01-31"),
        (datetime(2024, 1, 31, 10, tzinfo=UTC), "2024-01-31T10:00:00+00:00"),
        (pd.Timestamp("2024-01-31"), "2024-01-31T00:00:00"),
        (pd.Timestamp("2024-01-31T00:00:00.000000001"), "2024-01-31T00:00:00"),
        ({"b", "a"}, ["a", "b"]),
        (frozenset({2, 1}), [1, 2]),
        ((1, "a"), [1, "a"]),
        ({"x": {"y": [np.int8(1)]}}, {"x": {"y": [1]}}),
        ("가\0😀", "가\0😀"),
        ("", ""),
    ],
)
def test_values_become_json(value: Any, expected: Any) -> None:
    assert plain(f=value) == {"f": expected}


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        np.float32("nan"),
        np.float64("-inf"),
        [1.0, math.nan],
        (math.inf,),
        {"deep": {"deeper": [math.nan]}},
        np.array([1.0, np.nan]),
        [np.array([np.inf], np.float32)],
    ],
)
def test_nan_and_infinity_are_refused_at_any_depth(value: Any) -> None:
    error = refusal({"id": "d1", "good": 1, "f": value})
    assert "leave it out where there is no value" in str(error)
    assert (error.document_id, error.field) == ("d1", "f")


@pytest.mark.parametrize(
    "value", [b"bytes", 2**70, object(), 1j, {1: 2}, {"a", 1}, "\ud800", pd.NaT, pd.NA, np.datetime64("NaT"), print]
)
def test_what_json_cannot_say_is_refused_by_name(value: Any) -> None:
    error = refusal({"id": "d1", "good": 1, "f": value})
    assert "document 'd1': field 'f' cannot be written as JSON" in str(error)
    assert error.document_id == "d1"


def test_what_is_given_is_left_as_it_was() -> None:
    given = {"id": "1", "tags": {"b", "a"}, "vector": [1.0]}
    normalise(given)
    assert given == {"id": "1", "tags": {"b", "a"}, "vector": [1.0]}


@pytest.mark.parametrize(
    ("vector", "shape"),
    [([1, 2, 3], (1, 3)), ([[1, 2], [3, 4]], (2, 2)), (np.ones((3, 2), np.float64), (3, 2)), ((1.5,), (1, 1))],
)
def test_a_vector_is_one_row_or_several(vector: Any, shape: tuple[int, int]) -> None:
    made = normalise({"id": "1", "vector": vector}).vectors
    assert made is not None
    assert made.shape == shape
    assert made.dtype == np.float32


@pytest.mark.parametrize("vector", [[], [[]], 5, "abc", ["a"], [[1], [1, 2]], np.ones((1, 1, 1)), [1j], [None]])
def test_a_vector_of_no_shape_is_refused(vector: Any) -> None:
    if vector == [None]:
        made = normalise({"id": "1", "vector": vector}).vectors
        assert made is not None  # numpy reads None as NaN, which the store's check refuses
        assert np.isnan(made).all()
        return
    assert refusal({"id": "1", "vector": vector}).field == "vector"


def test_a_component_beyond_float32_becomes_infinite_which_no_store_takes() -> None:
    made = normalise({"id": "1", "vector": [1e300]}).vectors
    assert made is not None
    assert np.isinf(made).all()


def test_rows_of_an_iterable_come_as_they_are() -> None:
    given: list[Any] = [{"id": 1}, "x"]
    assert list(rows(iter(given))) == given
    assert list(rows([])) == []


@pytest.mark.parametrize("one", [{"id": "1"}, "id", b"id", Document("1", {})])
def test_one_document_instead_of_many_is_refused(one: Any) -> None:
    with pytest.raises(DocumentError, match=f"not one {type(one).__name__}; give it in a list"):
        rows(one)


def test_a_data_frame_gives_its_rows_without_missing_cells() -> None:
    table = pd.DataFrame(
        {
            "id": ["a", "b"],
            "price": [1.5, math.nan],
            "count": pd.array([1, None], dtype="Int64"),
            "seen": [pd.Timestamp("2024-01-31"), pd.NaT],
            "note": ["x", None],
        }
    )
    assert [normalise(row).fields for row in rows(table)] == [
        {"price": 1.5, "count": 1, "seen": "2024-01-31T00:00:00", "note": "x"},
        {},
    ]


def test_the_index_of_a_data_frame_is_the_id_where_no_column_is() -> None:
    assert [row["id"] for row in rows(pd.DataFrame({"a": [1, 2]}, index=["x", "y"]))] == ["x", "y"]
    assert [row["id"] for row in rows(pd.DataFrame({"a": [1, 2]}))] == ["0", "1"]


def test_a_missing_id_is_not_made_up_from_the_index_which_could_be_another_ones_id() -> None:
    table = pd.DataFrame({"id": ["1", None], "a": [1, 2]})
    with pytest.raises(DocumentError, match="has no id"):
        [normalise(row) for row in rows(table)]


def test_an_empty_data_frame_has_no_rows() -> None:
    assert list(rows(pd.DataFrame({"id": []}))) == []


SCHEMA = Schema((Field("a", FieldType.TEXT),))
COLLECTION = Collection("c", SCHEMA, VectorSpec(2), "model")


def test_a_hash_does_not_change_with_the_order_of_keys() -> None:
    one = Document("1", {"a": 1, "b": {"x": 1, "y": 2}})
    other = Document("1", {"b": {"y": 2, "x": 1}, "a": 1})
    assert content_hash(one, "m") == content_hash(other, "m")


def test_a_hash_changes_with_every_part() -> None:
    vector = np.array([[1, 2]], np.float32)
    documents = [
        Document("1", {"a": "x"}),
        Document("2", {"a": "x"}),
        Document("1", {"a": "y"}),
        Document("1", {"b": "x"}),
        Document("1", {"a": ["x"]}),
        Document("1", {"a": "x", "b": "x"}),
        Document("1", {"a": "x"}, vector),
        Document("1", {"a": "x"}, vector[:, ::-1]),
        Document("1", {"a": "x"}, vector.reshape(2, 1)),
        Document("1", {"a": 1}),
        Document("1", {"a": 1.0}),
        Document("1", {"a": True}),
    ]
    hashes = [content_hash(one, "m") for one in documents] + [content_hash(documents[0], "other")]
    assert len(set(hashes)) == len(hashes)
    assert all(len(one) == 32 for one in hashes)


def test_a_hash_does_not_change_with_how_a_vector_lies_in_memory() -> None:
    one = Document("1", {}, np.array([[1, 2], [3, 4]], np.float32))
    other = replace(one, vectors=np.asfortranarray(np.array([[1, 2], [3, 4]], ">f4")))
    assert content_hash(one, "m") == content_hash(other, "m")


def test_a_hash_is_of_the_same_bytes_as_ever_so_that_no_collection_is_embedded_anew() -> None:
    vectors = np.array([[1, 2], [3, 4]], np.float32)
    said = b'"1"\n{"a":"x","b":2}\n"m"\n'
    with_vectors = said + b"(2, 2)" + b"".join(struct.pack("<f", number) for number in (1, 2, 3, 4))
    assert content_hash(Document("1", {"b": 2, "a": "x"}), "m") == _digest(said)
    assert content_hash(Document("1", {"b": 2, "a": "x"}, vectors), "m") == _digest(with_vectors)


def _digest(said: bytes) -> str:
    return hashlib.blake2b(said, digest_size=16).hexdigest()


def test_a_fingerprint_changes_with_model_schema_and_analysis_only() -> None:
    other_schema = Schema((Field("a", FieldType.TEXT, 2.0),))
    changed = [
        replace(COLLECTION, model="m2"),
        replace(COLLECTION, schema=other_schema),
        replace(COLLECTION, analysis="x"),
    ]
    prints = {fingerprint(one) for one in [COLLECTION, *changed]}
    assert len(prints) == 4
    assert fingerprint(replace(COLLECTION, name="other")) == fingerprint(COLLECTION)
