"""The tree of errors is the one drawn, codes are unique, and what errors carry can be read."""

from __future__ import annotations

import inspect
import re

import pytest

from hybrid import errors
from hybrid.errors import (
    DocumentError,
    HybridError,
    InputError,
    MissingExtra,
    QueryError,
    SearchUnavailable,
    StoreTimeout,
)

CLASSES = [one for _, one in inspect.getmembers(errors, inspect.isclass) if one.__module__ == errors.__name__]


def drawn() -> dict[str, str]:
    """The parent of each class, as the docstring of hybrid.errors draws it."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([│├└─ ]*)([A-Z]\w+)  ", line)
        if found:
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            parents[found[2]] = path[depth - 1] if depth else "Exception"
    return parents


def test_the_drawing_is_the_class_tree() -> None:
    assert drawn() == {one.__name__: one.__bases__[0].__name__ for one in CLASSES}


def test_every_code_is_unique_and_its_own() -> None:
    codes = [vars(one)["code"] for one in CLASSES]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch("[a-z_]+", code) for code in codes)


@pytest.mark.parametrize("one", CLASSES)
def test_every_error_says_when_it_is_raised(one: type[HybridError]) -> None:
    assert (one.__doc__ or "").rstrip().endswith(".") or "." in (one.__doc__ or "")


def test_wrong_input_is_also_a_value_error() -> None:
    assert issubclass(InputError, ValueError)
    assert not issubclass(StoreTimeout, ValueError)


def test_an_error_of_a_document_names_it_and_its_field() -> None:
    error = DocumentError("no", document_id="7", field="price")
    assert (str(error), error.document_id, error.field) == ("no", "7", "price")
    assert (DocumentError("no").document_id, DocumentError("no").field, QueryError("no").field) == (None, None, None)


def test_an_error_of_a_store_starts_with_its_name() -> None:
    error = StoreTimeout("redis", "no answer in 2 s")
    assert (str(error), error.store, error.code) == ("redis: no answer in 2 s", "redis", "store_timeout")


def test_a_missing_extra_says_what_to_install() -> None:
    assert "pip install 'hybrid-engine[parquet]'" in str(MissingExtra("parquet", "reading x.parquet"))


def test_unavailable_search_lists_each_reason_and_what_to_do() -> None:
    error = SearchUnavailable({"vector": "down", "text": "late"})
    assert str(error) == "no retriever could answer (text: late; vector: down). Check the stores with: hybrid status"
    assert error.reasons == {"vector": "down", "text": "late"}
