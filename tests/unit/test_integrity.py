"""A document on which the stores disagree is told by the search that sees it, and repaired soon after."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hybrid
from hybrid import Engine
from hybrid.errors import DocumentError
from hybrid.indexing.entries import Entry
from hybrid.indexing.journal import Journal
from hybrid.model import Record, Vector
from hybrid.result import Integrity
from hybrid.stores.base import Store
from tests.embedders import HashedWords
from tests.eventually import eventually


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "title": "quiet laptop"}, {"id": "2", "title": "loud drum"}])
        yield engine


def behind_its_back(engine: Engine, name: str) -> Store:
    """One of the engine's own stores, to be written to without the other."""
    return engine._location.place.stores[name]


def newer(store: Store, document_id: str, title: str) -> Record:
    record = store.records([document_id])[document_id]
    return replace(record, version=record.version + 1, hash="other", source={"title": title})


def integrity(engine: Engine, query: str, **options: object) -> dict[str, Integrity]:
    return {hit.id: hit.integrity for hit in engine.search(query, **options).hits}


def settled(engine: Engine) -> bool:
    """Whether the stores agree, and nothing is on its way to either."""
    found = engine.verify()
    return found.agree and not found.pending


def test_documents_in_agreement_say_nothing_of_it(engine: Engine) -> None:
    assert set(integrity(engine, "quiet laptop").values()) == {Integrity.OK}
    assert all("integrity" not in hit.to_dict() for hit in engine.search("quiet laptop").hits)


@pytest.mark.parametrize("name", ["text", "vector"])
def test_a_document_with_a_newer_version_in_one_store_is_torn_and_soon_repaired(engine: Engine, name: str) -> None:
    store = behind_its_back(engine, name)
    store.write([newer(store, "1", "quiet laptop, second edition")])
    store.refresh()
    answer = engine.search("quiet laptop")
    assert {hit.id: hit.to_dict().get("integrity") for hit in answer.hits} == {"1": "torn", "2": None}
    assert eventually(lambda: settled(engine))
    assert engine.get("1") == {"title": "quiet laptop, second edition"}
    assert eventually(lambda: integrity(engine, "quiet laptop")["1"] is Integrity.OK)


def test_a_document_that_one_store_lacks_is_missing_and_soon_repaired(engine: Engine) -> None:
    store = behind_its_back(engine, "text")
    vector = behind_its_back(engine, "vector").records(["1"])["1"]
    store.write([replace(vector, id="3", source={"title": "quiet lamp"})])
    store.refresh()
    assert integrity(engine, "quiet")["3"] is Integrity.MISSING
    assert eventually(lambda: settled(engine))
    assert eventually(lambda: integrity(engine, "quiet")["3"] is Integrity.OK)


def test_what_only_the_vector_store_saw_is_looked_at_after_the_answer(engine: Engine) -> None:
    store = behind_its_back(engine, "vector")
    record = replace(store.records(["1"])["1"], id="3", source={"title": "quiet lamp"})
    store.write([record])
    assert integrity(engine, "quiet laptop")["3"] is Integrity.OK  # the text store was not asked
    assert eventually(lambda: engine.search("lamp", retrievers=["text"]).ids == ["3"])
    assert eventually(lambda: settled(engine))


def test_verify_asks_both_stores_before_the_answer(engine: Engine) -> None:
    store = behind_its_back(engine, "vector")
    store.write([replace(store.records(["1"])["1"], id="3", source={"title": "quiet lamp"})])
    assert integrity(engine, "quiet laptop", verify=True) == {
        "1": Integrity.OK,
        "2": Integrity.OK,
        "3": Integrity.MISSING,
    }


def test_verify_must_be_true_or_false(engine: Engine) -> None:
    with pytest.raises(hybrid.HybridError, match="verify is 'yes'; it must be true or false"):
        engine.search("laptop", verify="yes")


def test_a_search_alone_writes_no_journal_where_nothing_is_wrong(tmp_path: Path, engine: Engine) -> None:
    engine.close()
    journal = tmp_path / "documents" / "journal.sqlite"
    journal.unlink()
    with hybrid.open(tmp_path, embedder=HashedWords()) as reader:
        reader.search("quiet laptop")
    assert not journal.exists()


def test_the_work_in_the_background_outlives_what_nobody_foresaw(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, failed = behind_its_back(engine, "text"), []
    store.write([newer(store, "1", "quiet laptop")])

    def fails(_: object) -> None:
        failed.append("once")
        monkeypatch.undo()
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(store, "states", fails)
    assert integrity(engine, "quiet laptop")["1"] is Integrity.TORN
    assert eventually(lambda: bool(failed))
    assert eventually(lambda: set(integrity(engine, "quiet laptop").values()) == {Integrity.OK})


class Poisoned(HashedWords):
    """Makes a vector that no store keeps of a text that starts with `poison`."""

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 64)."""
        rows = super().embed_documents(texts)
        rows[[text.startswith("poison") for text in texts]] = np.nan
        return rows


@pytest.mark.parametrize(
    "act",
    [
        lambda engine: engine.update("1", {"title": "poison"}),
        lambda engine: engine.put([{"id": "1", "title": "poison"}], strict=True),
    ],
    ids=["update", "strict"],
)
def test_what_was_rejected_is_put_back_also_where_the_rejection_is_raised(
    tmp_path: Path, act: Callable[[Engine], object]
) -> None:
    with hybrid.open(tmp_path, embedder=Poisoned()) as engine:
        engine.put([{"id": "1", "title": "quiet laptop"}])
        with pytest.raises(DocumentError):
            act(engine)
        assert eventually(lambda: settled(engine))
        assert engine.get("1") == {"title": "quiet laptop"}


def owe(engine: Engine) -> None:
    """Leaves a change in the journal, as a process does that died."""
    collection = engine.collection
    with closing(Journal(engine._location.place.settings.journal)) as journal:
        vectors = np.ones((1, collection.vector.dim), np.float32)
        journal.append([Entry("owed", 1, "hash", {"title": "owed"}, ("text", "vector"), vectors)])


def test_who_works_in_the_background_does_so_from_the_first_write_on(tmp_path: Path) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as serving:
        serving.work()
        serving.put([{"id": "1", "title": "quiet laptop"}])
        owe(serving)
        assert eventually(lambda: not serving.vitals()["journal"]["owed"], 10)


@pytest.mark.parametrize(
    "first", [lambda engine: engine.delete(["1"]), lambda engine: engine.update("1", {"title": "loud"})]
)
def test_who_works_in_the_background_goes_along_where_the_collection_is_moved(
    engine: Engine, tmp_path: Path, first: Callable[[Engine], object]
) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as serving:
        serving.work()
        engine.reindex()
        first(serving)
        assert serving.collection.name == "documents~2"
        owe(serving)
        assert eventually(lambda: not serving.vitals()["journal"]["owed"], 10)
