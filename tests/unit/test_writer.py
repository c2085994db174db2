"""Writing: what is created, updated, unchanged, rejected; and that nothing is done twice."""

from __future__ import annotations

import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hybrid
from hybrid.engine import Engine
from hybrid.errors import DocumentError, HybridError
from hybrid.indexing.changes import FLYING
from hybrid.indexing.flush import BATCH, PAYERS
from hybrid.indexing.journal import Journal
from hybrid.indexing.lots import bounded
from hybrid.indexing.making import AT_ONCE, MOST_PASSAGES
from hybrid.indexing.writer import AHEAD
from hybrid.model import Document, DocumentOutcome, Record, Vector, WriteOutcome, WriteReport
from hybrid.writing import SAMPLE
from tests.embedders import HashedWords
from tests.eventually import eventually

WINDOW = FLYING * BATCH
"""Documents that are looked up together."""


class Counting(HashedWords):
    """Remembers every text that it embeds."""

    def __init__(self, max_tokens: int = 256) -> None:
        super().__init__(max_tokens)
        self.texts: list[str] = []

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 64)."""
        self.texts += texts
        return super().embed_documents(texts)


@pytest.fixture
def embedder() -> Counting:
    return Counting()


@pytest.fixture
def engine(embedder: Counting) -> Iterator[Engine]:
    with hybrid.open(":memory:", embedder=embedder) as made:
        yield made


def counts(report: WriteReport) -> dict[str, int]:
    return {str(outcome): count for outcome, count in report.counts.items()}


def doc(one: int | str, text: Any = "some words", **fields: Any) -> dict[str, Any]:
    return {"id": str(one), "text": text, **fields}


def test_documents_are_created_updated_and_left_unchanged(engine: Engine) -> None:
    assert counts(engine.put([doc(1), doc(2)])) == {"created": 2}
    assert counts(engine.put([doc(1), doc(2, "new words"), doc(3)])) == {"unchanged": 1, "updated": 1, "created": 1}
    assert engine.get("2") == {"text": "new words"}


def test_unchanged_content_is_not_embedded_again(engine: Engine, embedder: Counting) -> None:
    engine.put([doc(1, "first", tags=["b"]), doc(2, "second")])
    assert embedder.texts == ["first", "second"]
    engine.put([doc(1, "first", tags=["b"]), doc(2, "changed")])
    assert embedder.texts == ["first", "second", "changed"]


def test_a_change_of_a_field_that_is_not_embedded_is_a_change_all_the_same(engine: Engine) -> None:
    engine.put([doc(1, price=1)])
    assert counts(engine.put([doc(1, price=2)])) == {"updated": 1}
    assert counts(engine.put([doc(1)])) == {"updated": 1}
    assert engine.get("1") == {"text": "some words"}


def test_the_last_of_equal_ids_in_a_batch_wins(engine: Engine, embedder: Counting) -> None:
    assert counts(engine.put([doc(1, "a"), doc(2, "b"), doc(1, "c"), doc(1, "d")])) == {"superseded": 2, "created": 2}
    assert engine.get("1") == {"text": "d"}
    assert embedder.texts == ["d", "b"]


def test_the_last_of_equal_ids_in_two_batches_wins(engine: Engine) -> None:
    many = [doc(n) for n in range(WINDOW)]
    assert counts(engine.put([*many, doc(0, "last")])) == {"created": WINDOW, "updated": 1}
    assert engine.get("0") == {"text": "last"}


def test_of_an_id_that_comes_again_while_it_is_looked_up_the_last_one_counts(engine: Engine) -> None:
    engine.put([doc("a", "first")])
    between = [doc(n) for n in range(BATCH)]
    assert counts(engine.put([doc("a", "second"), *between, doc("a", "first")])) == {
        "superseded": 1,
        "created": BATCH,
        "unchanged": 1,
    }
    assert engine.get("a") == {"text": "first"}
    assert counts(engine.put([doc("a", "first"), *between, doc("a", "second")])) == {
        "superseded": 1,
        "unchanged": BATCH,
        "updated": 1,
    }
    assert engine.get("a") == {"text": "second"}


def test_a_bad_one_that_is_overtaken_is_rejected_all_the_same(engine: Engine) -> None:
    between = [doc(n) for n in range(BATCH)]
    report = engine.put([doc("a", 5), *between, doc("a", "good"), doc("a", 6)])
    assert counts(report) == {"rejected": 2, "created": BATCH + 1}
    assert engine.get("a") == {"text": "good"}


@pytest.mark.parametrize("bad", [doc(1, 5), doc(1, vector=[1.0, 2.0]), doc(1, vector=[0.0] * 64), doc(1, x=2**70)])
def test_a_rejected_document_does_not_take_the_place_of_a_good_one_of_its_id(engine: Engine, bad: Any) -> None:
    engine.put([doc(0)])
    assert counts(engine.put([doc(1, "good"), bad])) == {"created": 1, "rejected": 1}
    assert engine.get("1") == {"text": "good"}


def test_rejected_documents_are_told_and_do_not_block_the_others(engine: Engine) -> None:
    engine.put([doc(0, price=1.5)])
    report = engine.put(
        [doc(1), {"text": "no id"}, "text", doc(2, price="cheap"), doc("", "x"), doc(3, vector=[np.nan] * 64), doc(4)]
    )
    assert counts(report) == {"rejected": 5, "created": 2}
    assert not report.ok
    assert sorted(problem.id for problem in report.problems) == ["", "", "", "2", "3"]  # in no promised order
    (of_the_price,) = (problem.reason for problem in report.problems if problem.id == "2")
    assert "field 'price' is double and takes a finite number, not 'cheap'" in of_the_price
    assert "NaN" in report.problems[4].reason
    assert report.to_dict()["counts"] == {"rejected": 5, "created": 2}


def test_at_most_100_problems_are_kept_but_all_are_counted(engine: Engine) -> None:
    report = engine.put([doc(1), *({"text": "no id"} for _ in range(150))])
    assert (counts(report)["rejected"], len(report.problems)) == (150, 100)


@pytest.mark.parametrize("bad", [{"text": "no id"}, doc(2, 5), doc(2, vector=[1.0]), doc(2, vector=[0.0] * 64)])
def test_strict_stops_at_the_first_rejection_and_writes_nothing_of_its_batch(engine: Engine, bad: Any) -> None:
    engine.put([doc(0)])
    with pytest.raises(DocumentError):
        engine.put([doc(1), bad], strict=True)
    assert sorted(engine.search("words").ids) == ["0"]


def test_strict_stops_where_all_is_rejected(engine: Engine) -> None:
    with pytest.raises(DocumentError, match="has no id"):
        engine.put([{"text": "x"}], strict=True)


class Waits(Counting):
    """Embeds many texts only as often as it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may = threading.Semaphore(0)

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 64)."""
        if len(texts) > 1:
            assert self.may.acquire(timeout=60)
        return super().embed_documents(texts)


@pytest.fixture
def at_a_terminal() -> Iterator[None]:
    """Has Ctrl-C raise KeyboardInterrupt, which is ignored where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("at_a_terminal")
def test_ctrl_c_leaves_what_was_not_begun_to_the_journal(tmp_path: Path) -> None:
    embedder, documents = Waits(), [doc(n) for n in range(AHEAD * BATCH)]
    main = threading.main_thread().ident
    assert main is not None

    def press() -> None:
        with closing(Journal(tmp_path / "documents" / "journal.sqlite")) as journal:
            assert eventually(lambda: journal.backlog().owed.get("text", 0) == len(documents))
        time.sleep(0.2)  # until the last batch is handed over
        signal.pthread_kill(main, signal.SIGINT)
        time.sleep(0.2)
        embedder.may.release(PAYERS * BATCH // AT_ONCE)

    with hybrid.open(tmp_path, embedder=embedder) as engine:
        engine.put([doc("first")])
        engine.flush()
        presser = threading.Thread(target=press)
        presser.start()
        with pytest.raises(KeyboardInterrupt):
            engine.put(documents)
        presser.join()
        assert len(embedder.texts) == 1 + PAYERS * BATCH
        left = dict.fromkeys(("text", "vector"), (AHEAD - PAYERS) * BATCH)
        assert eventually(lambda: engine.status()["journal"]["owed"] == left)
        embedder.may.release(100)
        assert engine.flush().entries == 0


def test_documents_that_are_all_rejected_make_no_collection(engine: Engine) -> None:
    seen: list[DocumentOutcome] = []
    report = engine.put([{"txet": "x"}, 5], on_outcome=seen.append)
    assert counts(report) == {"rejected": 2}
    assert [outcome.id for outcome in seen] == ["", ""]
    assert engine.status()["exists"] is False
    assert counts(engine.put([doc(1)])) == {"created": 1}
    assert engine.search("words", retrievers=["text"]).ids == ["1"]


def test_nothing_put_is_nothing_done(engine: Engine) -> None:
    assert counts(engine.put([])) == {}
    assert engine.put([]).ok
    assert engine.status()["exists"] is False


def test_each_outcome_is_told_as_it_happens(engine: Engine) -> None:
    seen: list[DocumentOutcome] = []
    engine.put([doc(1), {"x": 1}], on_outcome=seen.append)
    assert [(one.id, str(one.outcome)) for one in seen] == [("", "rejected"), ("1", "created")]


def test_fields_first_seen_later_are_stored_and_reported(engine: Engine) -> None:
    engine.put([doc(1)])
    report = engine.put([doc(2, colour="red", size=1), doc(3, colour="blue")])
    assert "colour (2), size (1)" in report.notes[0]
    assert engine.get("2")["colour"] == "red"


def test_a_stream_is_consumed_batch_by_batch(engine: Engine) -> None:
    read = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal read
        while True:
            read += 1
            yield doc(read)

    class Enough(Exception):
        pass

    done = 0
    ahead = 0

    def watch(_: DocumentOutcome) -> None:
        nonlocal done, ahead
        done += 1
        ahead = max(ahead, read - done)
        if done == SAMPLE + 3 * BATCH:
            raise Enough

    with pytest.raises(Enough):
        engine.put(endless(), on_outcome=watch)
    assert read <= SAMPLE + 3 * BATCH + 2 * WINDOW
    assert ahead <= 2 * WINDOW + AHEAD * BATCH  # the sample comes first, and is then written


@pytest.mark.parametrize("made", [dict, lambda **fields: Document(fields.pop("id"), fields)], ids=["dict", "Document"])
def test_large_documents_are_read_fewer_at_a_time(monkeypatch: pytest.MonkeyPatch, made: Callable[..., Any]) -> None:
    monkeypatch.setattr("hybrid.indexing.lots.MOST_BYTES", 10_000)
    small = [made(id=str(number), text="words") for number in range(BATCH + 1)]
    large = [made(id=str(number), text="long " * 1000) for number in range(3)]
    vectors = [Document(str(number), {}, np.ones((1, 1000), np.float32)) for number in range(4)]
    assert [len(lot) for lot in bounded(small)] == [BATCH, 1]
    assert [len(lot) for lot in bounded(large)] == [2, 1]
    assert [len(lot) for lot in bounded(vectors)] == [3, 1]
    assert [len(lot) for lot in bounded(["no document", None])] == [2]


def test_what_arrives_at_both_stores_a_second_time_is_not_superseded_by_itself(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.put([doc(1)])
    for store in engine._location.place.stores.values():
        monkeypatch.setattr(store, "write", twice(store.write))
    assert counts(engine.put([doc(1, "changed"), doc(2)])) == {"updated": 1, "created": 1}
    assert counts(engine.delete(["1"])) == {"deleted": 1}


def twice(write: Callable[[Sequence[Record]], list[WriteOutcome]]) -> Callable[[Sequence[Record]], list[WriteOutcome]]:
    """Sends all again, as a client does whose connection broke before the answer."""

    def written(records: Sequence[Record]) -> list[WriteOutcome]:
        write(records)
        return write(records)

    return written


def test_more_documents_than_the_backlog_are_written_to_stores_that_keep_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hybrid.indexing.writer.BACKLOG_WAIT_S", 0.5)
    with hybrid.open(":memory:", embedder=HashedWords(), durability={"backlog": 1000}) as engine:
        for start in range(0, 2400, 600):
            assert counts(engine.put(doc(number) for number in range(start, start + 600))) == {"created": 600}
        assert engine.count() == 2400


def test_what_came_before_an_error_of_the_source_is_written(engine: Engine) -> None:
    def breaks() -> Iterator[dict[str, Any]]:
        yield from (doc(n) for n in range(SAMPLE + WINDOW))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        engine.put(breaks())
    engine.put([doc("last")])
    assert engine.status()["stores"]["text"]["documents"] > SAMPLE


def test_deleting(engine: Engine) -> None:
    engine.put([doc(1), doc(2), doc(3)])
    assert counts(engine.delete(["1", "1", "nobody"])) == {"deleted": 1, "not_found": 1}
    assert counts(engine.delete(["1"])) == {"not_found": 1}
    assert counts(engine.delete([2])) == {"deleted": 1}  # type: ignore[list-item]
    assert counts(engine.delete(iter(["3"]))) == {"deleted": 1}
    assert engine.search("words").ids == []
    assert counts(engine.put([doc(1)])) == {"created": 1}
    assert engine.search("words").ids == ["1"]


@pytest.mark.parametrize("ids", ["1", "ab"])
def test_deleting_a_string_is_refused(engine: Engine, ids: str) -> None:
    engine.put([doc(1), doc("a"), doc("b")])
    with pytest.raises(HybridError, match=r"write delete\(\['"):
        engine.delete(ids)
    assert len(engine.search("words")) == 3


def test_a_vector_of_another_dimension_is_told_both_and_whose_the_wanted_one_is(engine: Engine) -> None:
    (problem,) = engine.put([doc(1, vector=[1.0, 2.0])]).problems
    assert problem.reason == (
        "document '1': a vector has 2 components, and those of this collection have 64, as its model "
        "hashed-words-64 makes them. For vectors of your own make it with model 'none'"
    )


def test_supplied_vectors_are_taken_instead_of_the_models(engine: Engine, embedder: Counting) -> None:
    rows = np.eye(64, dtype=np.float32)
    engine.put([Document("a", {"text": "x"}, rows[0]), doc("b", vector=[list(rows[1]), list(rows[2])]), doc("c")])
    assert embedder.texts == ["some words"]
    for number, one in [(0, "a"), (1, "b"), (2, "b")]:
        assert engine.search("", vector=rows[number], retrievers=["vector"]).ids[0] == one
    assert counts(engine.put([Document("a", {"text": "x"}, rows[0])])) == {"unchanged": 1}
    assert counts(engine.put([Document("a", {"text": "x"}, rows[5])])) == {"updated": 1}


def test_a_text_of_no_words_can_be_written_and_read(engine: Engine) -> None:
    engine.put([doc(1), doc(2, ""), doc(3, "\u3000"), {"id": "4"}])
    assert engine.get("4") == {}
    assert engine.search("words", retrievers=["text"]).ids == ["1"]


def test_one_store_that_lost_its_documents_gets_them_back_with_their_versions(tmp_path: Path) -> None:
    def versions(engine: Engine) -> dict[str, dict[str, int]]:
        return {
            name: {one: state.version for one, state in store.states(["1", "2"]).items()}
            for name, store in engine._location.place.stores.items()
        }

    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put([doc(1, "quiet laptop"), doc(2, "loud drill")])
        before = versions(engine)
    shutil.rmtree(tmp_path / "documents" / "text")
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        degraded = engine.search("laptop")
        assert (degraded.degraded, degraded.ids[0]) == (True, "1")
        assert counts(engine.put([doc(1, "quiet laptop"), doc(2, "loud drill")])) == {"updated": 2}
        assert versions(engine) == before
        assert engine.search("laptop", retrievers=["text"]).ids == ["1"]
        assert counts(engine.put([doc(1, "quiet laptop"), doc(2, "loud drill")])) == {"unchanged": 2}


def test_a_very_long_text_is_embedded_up_to_a_limit_and_found_by_words_beyond(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    sentences = " ".join(f"sentence number {n} says little." for n in range(20_000))
    engine.put([{"id": "long", "title": "long", "text": f"{sentences} The word is xylophone."}])
    record = engine._location.place.vector.records(["long"])["long"]
    assert len(record.vectors) == len(record.passages) == MOST_PASSAGES
    assert "document 'long' is long: after 128 passages it is found by its words only" in caplog.text
    assert engine.search("xylophone", retrievers=["text"]).ids == ["long"]
