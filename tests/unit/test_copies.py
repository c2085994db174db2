"""What is said of one document in both stores: what the journal owes is what a store has not."""

from __future__ import annotations

import hybrid
from hybrid.indexing.entries import Entry
from tests.embedders import HashedWords


def test_what_a_store_has_is_not_owed_to_it_though_it_is_not_acknowledged_yet() -> None:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "text": "a quiet laptop"}])
        indexer = engine._location.place.indexer
        assert indexer is not None
        indexer.settled()
        indexer.journal.clear()
        version = int(str(engine.copies("1").copies["vector"]["version"]))
        indexer.journal.append([Entry("1", version, "h", {"text": "x"}, ("text", "vector"))])
        assert engine.copies("1").owed == ()
        indexer.journal.append([Entry("1", version + 2, "h", {"text": "x"}, ("vector",))])
        assert engine.copies("1").owed == ("vector",)
