"""Where a collection lies: what is dropped with it, and what is checked before it is made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hybrid
from hybrid.errors import JournalError
from hybrid.indexing.clock import put_back
from hybrid.indexing.entries import Entry
from tests.embedders import HashedWords


@pytest.mark.parametrize("reopened", [False, True])
def test_what_was_owed_when_a_collection_was_dropped_is_not_in_the_next_one(tmp_path: Path, reopened: bool) -> None:
    engine = hybrid.open(tmp_path, embedder=HashedWords())
    engine.put([{"id": "a", "title": "one"}])
    indexer = engine._location.place.indexer
    assert indexer is not None
    vectors = np.ones((1, HashedWords.dim), np.float32)
    indexer.journal.append([Entry("ghost", indexer.now(), "hash", {"title": "ghost"}, ("text", "vector"), vectors)])
    if reopened:
        engine.close()
        engine = hybrid.open(tmp_path, embedder=HashedWords())
    with engine:
        engine.drop()
        engine.put([{"id": "b", "title": "two"}])
        assert engine.flush().entries == 0
        assert engine.search("ghost one two").ids == ["b"]


def test_no_store_is_touched_where_the_journal_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "journal.sqlite").write_bytes(b"this is no database" * 100)
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        with pytest.raises(JournalError, match="cannot be used"):
            engine.put([{"id": "a", "title": "one"}])
        assert not engine.status()["exists"]


def bury(engine: hybrid.Engine, document_id: str) -> None:
    indexer = engine._location.place.indexer
    assert indexer is not None
    nothing = np.empty((0, HashedWords.dim), np.float32)
    bad = Entry(document_id, indexer.now(), "hash", {"title": "poison"}, ("text",), nothing)
    back = Entry(document_id, put_back(bad.version), "", {}, ("text", "vector"), nothing, deleted=True)
    indexer.journal.bury(bad, "text", "it is too large", back)


def test_status_tells_dead_letters_with_their_reason(tmp_path: Path) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put([{"id": "a", "title": "one"}])
        bury(engine, "x")
        journal = engine.status()["journal"]
    assert journal["dead"] == 1
    assert journal["dead_letters"] == [{"id": "x", "store": "text", "reason": "it is too large"}]


def test_a_document_that_is_corrected_or_deleted_is_no_dead_letter_any_more(tmp_path: Path) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put([{"id": "a", "title": "one"}])
        for one in ("x", "y"):
            bury(engine, one)
        engine.flush()
        engine.repair()
        assert engine.status()["journal"]["dead"] == 2  # nobody has done anything about them
        engine.put([{"id": "x", "title": "corrected"}])
        engine.delete(["y"], dry_run=True)
        assert [one["id"] for one in engine.status()["journal"]["dead_letters"]] == ["y"]
        engine.delete(["y"])
        assert engine.status()["journal"]["dead"] == 0
