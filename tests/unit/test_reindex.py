"""A collection made anew, with another model or more fields, while it is searched and written to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import hybrid
from hybrid import Engine
from hybrid.errors import CollectionMismatch, EmbeddingError, StoreError, StoreTimeout
from hybrid.indexing.entries import Entry
from hybrid.model import State, Vector
from hybrid.place import Place
from hybrid.reindex import grown
from hybrid.schema import FORMAT, READABLE
from hybrid.settings import Settings
from tests.embedders import HashedWords
from tests.eventually import eventually


class Halved(HashedWords):
    """Another model: half the components."""

    name = "hashed-words-32"
    dim = 32

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 32), unit length."""
        rows = super().embed_documents(texts)[:, :32] + 1e-3
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        halves: Vector = (rows / length).astype(np.float32)
        return halves


def documents(count: int) -> list[dict[str, str]]:
    return [{"id": str(n), "title": f"word{n} thing", "text": "common"} for n in range(count)]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put(documents(600))
        engine.delete(["5"])
        yield engine


def test_all_documents_are_there_with_the_new_model(engine: Engine, tmp_path: Path) -> None:
    assert engine.reindex(embedder=Halved()) == 600  # with the one tombstone
    assert engine.collection.model == "hashed-words-32"
    assert engine.collection.vector.dim == 32
    assert engine.verify().agree
    assert engine.search("word17").ids[0] == "17"
    assert not engine.search("word17").degraded
    assert engine.put(documents(600)[:5]).to_dict()["counts"] == {"unchanged": 5}
    with hybrid.open(tmp_path, embedder=Halved()) as again:
        assert again.search("word17").ids[0] == "17"
        assert "5" not in again.search("word5 thing", limit=1000).ids


def test_what_the_version_before_made_is_made_anew_as_this_one_makes_it(engine: Engine) -> None:
    old = replace(engine.collection, format=READABLE[0])
    store = engine._location.place.text
    became = grown(old, store, "documents~2", old.model, old.vector.dim, Settings(by_field=True))
    assert (became.format, became.schema.alone) == (FORMAT, ("title", "text"))
    assert grown(old, store, "documents~2", old.model, old.vector.dim, Settings()).schema == old.schema


def test_the_old_model_is_refused_afterwards_with_both_names(engine: Engine, tmp_path: Path) -> None:
    engine.reindex(embedder=Halved())
    with (
        hybrid.open(tmp_path, embedder=HashedWords()) as old,
        pytest.raises(CollectionMismatch, match=r"'hashed-words-32'.*'hashed-words-64'.*hybrid reindex"),
    ):
        old.search("word1")


def test_a_deleted_document_stays_deleted_for_late_older_writes(engine: Engine) -> None:
    tombstone = engine._location.place.vector.states(["5"])["5"]
    engine.reindex(embedder=Halved())
    assert engine._location.place.vector.states(["5"])["5"] == tombstone
    assert engine._location.place.text.states(["5"])["5"].version == tombstone.version


def test_the_old_place_is_gone(engine: Engine) -> None:
    old = engine._location.place
    engine.reindex(embedder=Halved())
    assert old.vector.load() is None
    assert old.text.load() is None


def test_it_can_be_done_again_and_dropped(engine: Engine, tmp_path: Path) -> None:
    engine.reindex(embedder=Halved())
    engine.reindex(embedder=HashedWords())
    assert engine.collection.name == "documents~3"
    engine.drop()
    engine.put([{"id": "1", "title": "fresh"}])
    assert engine.collection.name == "documents"
    with hybrid.open(tmp_path, embedder=HashedWords()) as again:
        assert again.search("fresh").ids == ["1"]


def test_fields_that_came_later_become_part_of_the_schema(engine: Engine) -> None:
    report = engine.put(
        [{"id": "900", "title": "late", "colour": "red", "note": "a few words about it, really many words"}]
    )
    assert "colour" in report.notes[0]
    engine.reindex()
    assert [one.name for one in engine.collection.schema.fields] == ["title", "text", "colour", "note"]
    assert engine.search("really many", retrievers=["text"]).ids == ["900"]


def test_searches_and_writes_go_on_and_nothing_is_lost(engine: Engine) -> None:
    stop, seen = threading.Event(), []

    def search() -> None:
        while not stop.is_set():
            answer = engine.search("word17")
            seen.append((answer.ids[0], answer.degraded))

    def write() -> None:
        for number in range(600, 620):
            engine.put([{"id": str(number), "title": f"word{number} thing", "text": "common"}])
            engine.put([{"id": "17", "title": f"word17 edition {number}", "text": "common"}])

    threads = [threading.Thread(target=search), threading.Thread(target=write)]
    for thread in threads:
        thread.start()
    engine.reindex(embedder=Halved())
    threads[1].join()
    stop.set()
    threads[0].join()
    assert engine.verify().agree
    assert all(engine.get(str(number)) for number in range(600, 620))
    assert engine.get("17")["title"] == "word17 edition 619"
    assert {first for first, _ in seen} == {"17"}
    assert sum(degraded for _, degraded in seen) == 0


def test_another_engine_follows_to_the_new_place(engine: Engine, tmp_path: Path) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as other:
        assert other.search("word17").ids[0] == "17"
        engine.reindex()
        assert other.search("word17").ids[0] == "17"
        assert other.collection.name == "documents~2"


@pytest.mark.parametrize("name", ["text", "vector"])
@pytest.mark.parametrize("writes", [False, True])
def test_a_store_that_was_emptied_after_the_move_gets_all_again(
    engine: Engine, tmp_path: Path, name: str, writes: bool
) -> None:
    engine.reindex()
    with hybrid.open(tmp_path, embedder=HashedWords()) as before:
        before.search("word17")
        engine._location.place.stores[name].drop()
        engine._location._base.stores[name].redirect(None)
        with hybrid.open(tmp_path, embedder=HashedWords()) as after:
            for one in (engine, before, after):
                if writes and one is after:  # the others had it open
                    one.put([{"id": "600", "title": "another"}])
                assert one.search("word17").ids[0] == "17"
                assert one.collection.name == "documents~2"
            assert before.repair()[1] >= 590  # hits were repaired behind the searches
            assert [of.redirected() for of in engine._location._base.stores.values()] == ["documents~2"] * 2
            for one in (before, after):
                assert one.verify().agree
                assert not one.search("word17").degraded


def test_what_is_dropped_after_the_move_is_gone_for_all(engine: Engine, tmp_path: Path) -> None:
    engine.reindex()
    with hybrid.open(tmp_path, embedder=HashedWords()) as other:
        other.search("word17")
        engine.drop()
        engine.put([{"id": "1", "title": "fresh"}])
        assert (other.search("fresh").ids, other.collection.name) == (["1"], "documents")
        assert other.put([{"id": "2", "title": "fresh, too"}]).ok


def test_a_model_that_cannot_be_had_leaves_everything_as_it_was(engine: Engine) -> None:
    with pytest.raises(hybrid.HybridError):
        engine.reindex("sentence-transformers:any")
    assert engine.collection.name == "documents"
    assert engine.search("word17").ids[0] == "17"
    assert engine.verify().agree


class Dying(Halved):
    """The process dies, or the model fails, when it comes to a word."""

    def __init__(self, word: str, error: BaseException) -> None:
        super().__init__()
        self.word = word
        self.error = error

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        if any(self.word in text for text in texts):
            raise self.error
        return super().embed_documents(texts)


def writes_when_all_is_copied(engine: Engine, told: list[int]) -> Callable[[int], None]:
    """What writes to the old place, and deletes there, so that the last pass has something to copy."""

    def write(count: int) -> None:
        told.append(count)
        if sum(told) == 600:
            engine.put([{"id": "early", "title": "for one pass more"}])
        if sum(told) == 601:
            engine.put([{"id": "late", "title": "lateword"}])
            engine.delete(["17"])

    return write


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EmbeddingError("out of memory")], ids=["dies", "fails"])
def test_who_dies_or_fails_in_the_last_pass_loses_nothing_that_was_written_meanwhile(
    engine: Engine, tmp_path: Path, error: BaseException
) -> None:
    with pytest.raises((KeyboardInterrupt, StoreError)):
        engine.reindex(embedder=Dying("lateword", error), told=writes_when_all_is_copied(engine, []))
    with hybrid.open(tmp_path, embedder=HashedWords()) as again:
        for one in (engine, again):
            assert one.collection.name == "documents"
            assert one.search("lateword").ids[0] == "late"
            assert "17" not in one.search("word17", limit=1000).ids
        assert again.verify().agree
        assert again.reindex(embedder=Halved()) > 0
        assert again.search("lateword").ids[0] == "late"


def test_what_is_written_and_deleted_when_all_is_copied_goes_along(engine: Engine) -> None:
    told: list[int] = []
    count = engine.reindex(embedder=Halved(), told=writes_when_all_is_copied(engine, told))
    assert (count, sum(told)) == (603, 603)
    assert engine.search("lateword").ids[0] == "late"
    assert "17" not in engine.search("word17", limit=1000).ids
    assert engine.verify().agree


@pytest.mark.parametrize("name", ["text", "vector"])
@pytest.mark.parametrize("done", [False, True])
def test_a_store_that_does_not_note_the_move_leaves_everything_as_it_was(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, done: bool
) -> None:
    store = engine._location.place.stores[name]
    redirect = store.redirect

    def fails(to: str | None) -> None:
        if done or to is None:
            redirect(to)
        if to is not None:
            raise StoreTimeout(name, "no answer in time")

    with monkeypatch.context() as patched:
        patched.setattr(store, "redirect", fails)
        with pytest.raises(StoreTimeout):
            engine.reindex(embedder=Halved())
    with hybrid.open(tmp_path, embedder=HashedWords()) as again:
        for one in (engine, again):
            assert one.collection.name == "documents"
            assert one.put([{"id": f"{name}{done}", "title": "written"}]).ok
        assert [of.redirected() for of in again._location._base.stores.values()] == [None, None]


def test_what_is_paid_while_the_last_pass_copies_is_not_forgotten(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    location, old = engine._location, engine._location.place
    indexer = old.writing(engine.collection)
    entry = Entry(
        "owed", indexer.now(), "hash", {"title": "owedword"}, ("text", "vector"), np.ones((1, 64), np.float32)
    )
    indexer.journal.append([entry])
    indexer.journal.postpone({"owed": entry.version})
    scan = old.text.scan

    def scanned() -> Iterator[tuple[str, State]]:
        yield from scan()
        engine.flush()  # as another process may: then the journal has it no more

    monkeypatch.setattr(old.text, "scan", scanned)
    new = Place(engine.settings.model_copy(update={"collection": "documents~2"}), HashedWords())
    new.catalog.create(replace(engine.collection, name="documents~2"))
    assert location._rest(old, new) == 601
    assert old.text.states(["owed"]).keys() == new.text.states(["owed"]).keys() == {"owed"}
    new.close()


class Breaking(HashedWords):
    """Makes no vectors of documents while `broken`."""

    broken = False

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        if self.broken:
            raise EmbeddingError("broken for the test")
        return super().embed_documents(texts)


def test_a_change_that_the_stores_are_still_owed_goes_along(tmp_path: Path) -> None:
    model = Breaking()

    def breaks_after_the_copying(_: int) -> None:
        if not model.broken:
            model.broken = True
            report = engine.put([{"id": "owed", "title": "owedword"}])
            assert report.to_dict()["counts"] == {"pending": 1}

    with hybrid.open(tmp_path, embedder=model) as engine:
        engine.put(documents(3))
        engine.reindex(embedder=Halved(), told=breaks_after_the_copying)
        assert engine.search("owedword", retrievers=["text"]).ids == ["owed"]
        assert engine.verify().agree


def test_a_write_of_another_process_ends_before_the_old_place_goes(engine: Engine, tmp_path: Path) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as other:
        assert other.search("word17").ids[0] == "17"
        begun, moved = threading.Event(), threading.Event()

        def slow() -> Iterator[dict[str, str]]:
            yield {"id": "slow1", "title": "slowword"}
            begun.set()
            moved.wait(10)
            yield {"id": "slow2", "title": "slowword"}

        writer = threading.Thread(target=lambda: other.put(slow()))
        writer.start()
        begun.wait(10)
        mover = threading.Thread(target=lambda: engine.reindex())
        mover.start()
        assert eventually(lambda: (tmp_path / "documents~2" / "journal.sqlite").exists())
        time.sleep(0.3)
        assert mover.is_alive()  # it waits for the writer
        assert engine.collection.name == "documents"
        assert engine.search("word17").ids[0] == "17"
        moved.set()
        writer.join()
        mover.join()
        assert other.put([{"id": "later", "title": "slowword"}]).ok
        assert engine.search("slowword", retrievers=["text"]).ids == ["later", "slow1", "slow2"]
