"""Which collection an engine is on: made once, found again, and refused where it is another one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import hybrid
from hybrid.catalog import Catalog
from hybrid.engine import Engine
from hybrid.errors import CollectionMismatch, CollectionNotFound, SchemaError, SettingsError
from hybrid.model import Document
from tests.embedders import HashedWords


class Other(HashedWords):
    """The same vectors under another name."""

    name = "other-model"


def engine(folder: Path | str, **settings: Any) -> Engine:
    return hybrid.open(folder, embedder=settings.pop("embedder", None) or HashedWords(), **settings)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with engine(tmp_path) as made:
        made.put([{"id": "1", "title": "Laptop", "price": 5}])
    return tmp_path


def test_a_collection_that_is_not_there_says_where_it_was_looked_for_and_what_to_do() -> None:
    with engine(":memory:", collection="shop") as made, pytest.raises(CollectionNotFound) as error:
        made.search("x")
    assert str(error.value) == (
        "there is no collection 'shop' yet (looked in numpy and rank-bm25). "
        "Index something first: hybrid index FILE, or try: hybrid demo"
    )


@pytest.mark.parametrize("verb", ["search", "get", "delete", "plan"])
def test_nothing_can_be_done_with_a_collection_that_is_not_there(verb: str) -> None:
    with engine(":memory:") as made, pytest.raises(CollectionNotFound):
        getattr(made, verb)(["x"] if verb == "delete" else "x")


def test_a_collection_is_found_again_as_it_was(folder: Path) -> None:
    with engine(folder) as made:
        assert made.collection.model == "hashed-words-64"
        assert made.collection.schema.searched == (("title", 2.0),)
        assert made.get("1") == {"title": "Laptop", "price": 5}
        assert made.search("laptop").ids == ["1"]


def test_another_model_is_refused_with_both_names_and_what_to_do(folder: Path) -> None:
    with engine(folder, embedder=Other()) as made, pytest.raises(CollectionMismatch) as error:
        made.search("laptop")
    assert "was made with model 'hashed-words-64', and now 'other-model' is set" in str(error.value)
    assert "set model = 'hashed-words-64', or make the vectors anew with: hybrid reindex" in str(error.value)


def test_another_model_writes_nothing_either(folder: Path) -> None:
    with engine(folder, embedder=Other()) as made, pytest.raises(CollectionMismatch):
        made.put([{"id": "2", "title": "x"}])
    with engine(folder) as made:
        assert made.search("laptop").ids == ["1"]


def test_other_fields_are_refused_by_name(folder: Path) -> None:
    fields: dict[str, Any] = {"title": {"type": "text", "boost": 2}, "price": "double", "brand": "keyword"}
    with engine(folder, fields=fields) as made, pytest.raises(CollectionMismatch, match=r"hybrid.toml: brand, price\."):
        made.search("laptop")


def test_the_same_fields_in_another_order_are_refused_too(folder: Path) -> None:
    fields: dict[str, Any] = {"price": "long", "title": {"type": "text", "boost": 2}}
    with engine(folder, fields=fields) as made, pytest.raises(CollectionMismatch, match="their order"):
        made.search("laptop")


def test_the_same_fields_are_fine(folder: Path) -> None:
    with engine(folder, fields={"title": {"type": "text", "boost": 2}, "price": "long"}) as made:
        assert made.search("laptop").ids == ["1"]


def test_other_vector_settings_are_refused_and_not_silently_left_out(folder: Path) -> None:
    with engine(folder, vector={"metric": "L2", "m": 16}) as made, pytest.raises(CollectionMismatch) as error:
        made.search("laptop")
    assert "metric is COSINE, not L2" in str(error.value)
    with engine(folder, vector={"metric": "COSINE"}) as made:
        assert made.search("laptop").ids == ["1"]


def test_a_dimension_that_is_not_the_models_is_refused() -> None:
    with engine(":memory:", vector={"dim": 5}) as made, pytest.raises(SettingsError, match="makes vectors of 64"):
        made.put([{"id": "1", "text": "x"}])


def test_fields_that_are_given_are_taken_instead_of_what_documents_suggest() -> None:
    with engine(":memory:", fields={"code": "text", "text": "keyword"}) as made:
        made.put([{"id": "1", "code": "abc", "text": "hidden words"}])
        assert made.search("abc", retrievers=["text"]).ids == ["1"]
        assert made.search("hidden", retrievers=["text"]).ids == []


def test_documents_without_any_text_make_no_collection() -> None:
    with engine(":memory:") as made:
        with pytest.raises(SchemaError, match="nothing to search by"):
            made.put([{"id": "1", "price": 5}])
        assert made.status()["exists"] is False


def test_dropping_forgets_everything_and_the_next_put_makes_it_anew(folder: Path) -> None:
    with engine(folder) as made:
        made.drop()
        with pytest.raises(CollectionNotFound):
            made.search("laptop")
        made.drop()  # nothing there: nothing happens
        made.put([{"id": "2", "text": "other"}])
        assert made.collection.schema.searched == (("text", 1.0),)
        assert made.search("laptop other").ids == ["2"]
    with engine(folder) as made:
        assert made.search("other").ids == ["2"]


@pytest.mark.parametrize("lost", ["text", "vectors.sqlite"])
def test_a_store_that_lost_the_collection_does_not_keep_the_other_from_answering(folder: Path, lost: str) -> None:
    for path in sorted((folder / "documents").rglob("*"), reverse=True):
        if path.relative_to(folder / "documents").parts[0].startswith(lost):
            path.rmdir() if path.is_dir() else path.unlink()
    with engine(folder) as made:
        answer = made.search("laptop")
        assert (answer.ids, answer.degraded) == (["1"], True)
        assert {report.reason for report in answer.retrievers.values()} == {"", "store_reply"}
        assert made.get("1")["title"] == "Laptop"
        assert made.status()["exists"] is True
        made.put([{"id": "1", "title": "Laptop", "price": 5}])
        assert not made.search("laptop").degraded


def test_two_collections_lie_side_by_side(folder: Path) -> None:
    with engine(folder, collection="second") as other:
        other.put([{"id": "1", "text": "drill"}])
        assert other.search("drill laptop").ids == ["1"]
    with engine(folder) as made:
        assert made.get("1")["title"] == "Laptop"


@pytest.mark.parametrize("same", [True, False])
def test_a_collection_that_someone_else_makes_meanwhile_is_the_one_that_counts(same: bool) -> None:
    with engine(":memory:") as made:
        catalog = made._location.place.catalog
        other = catalog if same else Catalog(made.settings, "hashed-words-64", made._location.place.stores)

        def meanwhile() -> Iterator[Document]:
            other.make([Document("1", {"title": "theirs"})], 64)
            yield Document("2", {"text": "ours"})

        assert catalog.make(meanwhile(), 64).schema.searched == (("title", 2.0),)
        assert catalog.collection == other.collection == made._location.place.text.load()


def test_first_puts_of_several_threads_agree_on_one_collection() -> None:
    with engine(":memory:") as made, ThreadPoolExecutor(8) as pool:
        fields = ["title", "text", "body", "name"]
        reports = list(
            pool.map(lambda n: made.put([{"id": str(n), fields[n % 4]: "words", "text": "words"}]), range(8))
        )
        assert sum(sum(report.counts.values()) for report in reports) == 8
        assert made._location.place.text.load() == made._location.place.vector.load() == made.collection
        assert len(made.search("words", retrievers=["text"])) == 8


def test_supplied_vectors_are_enough_where_there_is_no_model() -> None:
    with hybrid.open(":memory:", model="none") as made:
        with pytest.raises(SchemaError, match="no document brings a vector"):
            made.put([{"id": "1", "text": "x"}])
        made.put([{"id": "1", "text": "x", "vector": [1, 0, 0]}, {"id": "2", "vector": [0, 1, 0]}])
        assert made.collection.vector.dim == 3
        assert made.search("", vector=[0, 1, 0.1], retrievers=["vector"]).ids == ["2", "1"]
        report = made.put([{"id": "3", "text": "y"}])
        assert "has no vector, and this collection has no model" in report.problems[0].reason
