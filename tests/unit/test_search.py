"""How a plan is run and answered: late, failing and surprising retrievers, and documents that go missing meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from hybrid import plan
from hybrid.answer import answered
from hybrid.errors import EmbeddingError, SearchUnavailable, StoreTimeout, StoreUnavailable
from hybrid.hydrate import hydrated
from hybrid.model import Json, Ranking, RetrieverReport, SearchResult, Status, Stored
from hybrid.schema import Field, FieldType, Schema
from hybrid.search import POOL_THREADS, Answer, Pools, run

SCHEMA = Schema((Field("text", FieldType.TEXT),))
FOUND = Ranking(("a", "b"), (2.0, 1.0), (1, 1), (0, 0))


@pytest.fixture
def pools() -> Iterator[Pools]:
    made = Pools()
    yield made
    made.close()


def failing(error: BaseException) -> Callable[[], Ranking]:
    def call() -> Ranking:
        raise error

    return call


def found() -> Ranking:
    return FOUND


def test_each_retriever_answers_for_itself(pools: Pools) -> None:
    answers = run({"text": found, "vector": Ranking}, pools, 5)
    assert answers["text"].ranking is FOUND
    assert (answers["text"].report.status, answers["text"].report.returned) == (Status.OK, 2)
    assert (answers["vector"].report.status, answers["vector"].report.returned) == (Status.OK, 0)


@pytest.mark.parametrize(
    ("error", "status", "reason", "detail"),
    [
        (StoreUnavailable("redis", "refused"), Status.FAILED, "store_unavailable", "redis: refused"),
        (StoreTimeout("redis", "late"), Status.TIMEOUT, "store_timeout", "redis: late"),
        (EmbeddingError("no"), Status.FAILED, "embedding", "no"),
        (KeyError("secret"), Status.FAILED, "internal", "KeyError (see the log)"),
    ],
)
def test_an_error_becomes_an_answer_and_the_other_retriever_does_not_notice(
    pools: Pools, error: Exception, status: Status, reason: str, detail: str
) -> None:
    answers = run({"vector": failing(error), "text": found}, pools, 5)
    assert answers["text"].report.status is Status.OK
    failed = answers["vector"]
    assert (failed.report.status, failed.report.reason, failed.detail) == (status, reason, detail)
    assert (failed.report.returned, failed.ranking) == (0, Ranking())


def test_who_is_late_is_a_timeout_and_the_answer_comes_by_the_deadline(pools: Pools) -> None:
    release = threading.Event()

    def late() -> Ranking:
        release.wait(30)
        return FOUND

    started = time.perf_counter()
    answers = run({"vector": late, "text": found}, pools, 0.05)
    took = time.perf_counter() - started
    release.set()
    assert took < 5  # far from the 30 s that the retriever would take
    assert answers["text"].report.status is Status.OK
    assert (answers["vector"].report.status, answers["vector"].report.reason) == (Status.TIMEOUT, "deadline")
    assert answers["vector"].report.took_ms >= 50


def test_both_retrievers_run_at_once(pools: Pools) -> None:
    together = threading.Barrier(2)

    def meets() -> Ranking:
        together.wait(10)  # broken, and so an error, unless the other comes too
        return FOUND

    answers = run({"text": meets, "vector": meets}, pools, 20)
    assert {answer.report.status for answer in answers.values()} == {Status.OK}


def test_a_hanging_store_never_starves_the_other(pools: Pools) -> None:
    release = threading.Event()

    def hangs() -> Ranking:
        release.wait(30)
        return FOUND

    for _ in range(POOL_THREADS + 2):
        run({"vector": hangs}, pools, 0.001)
    answers = run({"vector": hangs, "text": found}, pools, 0.2)
    release.set()
    assert answers["text"].report.status is Status.OK
    assert answers["vector"].report.status is Status.TIMEOUT


class Shelf:
    """A store as `hydrated` and `answered` see it: it has a name and gives documents back."""

    def __init__(self, name: str, error: StoreUnavailable | None = None, **documents: Stored) -> None:
        self.name = name
        self.asked: list[list[str]] = []
        self._error = error
        self._documents = documents

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        self.asked.append(list(ids))
        if self._error:
            raise self._error
        return {one: self._documents[one] for one in ids if one in self._documents}


def stored(one: str, text: str = "", passages: tuple[tuple[int, int], ...] = ()) -> Stored:
    return Stored(one, 1, {"text": text}, passages)


def shelves(*of: Shelf) -> Any:
    return list(of)


def test_documents_come_from_the_first_store_and_the_next_is_asked_for_the_rest_only() -> None:
    first, second = Shelf("redis", a=stored("a")), Shelf("elasticsearch", a=stored("a"), b=stored("b"))
    assert list(hydrated(["a", "b", "c"], shelves(first, second)).documents) == ["a", "b"]
    assert (first.asked, second.asked) == ([["a", "b", "c"]], [["b", "c"]])


def test_no_store_is_asked_for_nothing() -> None:
    shelf = Shelf("redis")
    assert hydrated([], shelves(shelf)).documents == {}
    assert shelf.asked == []


def test_a_store_that_does_not_answer_is_made_up_for_by_the_other() -> None:
    dead = Shelf("redis", StoreUnavailable("redis", "refused"))
    assert list(hydrated(["a"], shelves(dead, Shelf("elasticsearch", a=stored("a")))).documents) == ["a"]
    with pytest.raises(SearchUnavailable, match="redis: redis: refused"):
        hydrated(["a", "b"], shelves(dead, Shelf("elasticsearch", a=stored("a"))))


def ok(*ids: str, passages: tuple[int, ...] = ()) -> Answer:
    ranking = Ranking(ids, tuple(float(-n) for n in range(len(ids))), (1,) * len(ids), passages)
    return Answer(RetrieverReport(Status.OK, 1.0, len(ids)), ranking)


LATE = Answer(RetrieverReport(Status.TIMEOUT, 9.0, 0, "deadline"), Ranking(), "no answer by the deadline")


def result(answers: dict[str, Answer], vector: Shelf, text: Shelf | None = None, **options: Any) -> SearchResult:
    made = plan.make(plan.request("q", **options), SCHEMA, window=10, deadline_s=1)
    stores: Any = {"text": text or Shelf("elasticsearch"), "vector": vector}
    return answered(made, answers, stores, SCHEMA, time.perf_counter())


def explained(answer: SearchResult, number: int, key: str = "status") -> dict[str, Json]:
    return {name: part[key] for name, part in answer.hits[number].explain.items()}


def test_a_whole_answer_explains_each_hit_by_both_retrievers() -> None:
    shelf = Shelf("redis", a=stored("a"), b=stored("b"))
    answer = result({"text": ok("a", "b"), "vector": ok("b", passages=(0,))}, shelf)
    assert answer.ids == ["b", "a"]
    assert not answer.degraded
    assert [hit.rank for hit in answer.hits] == [1, 2]
    assert explained(answer, 1) == {"text": "hit", "vector": "not_found"}
    assert sum(explained(answer, 0, "contribution").values()) == pytest.approx(answer.hits[0].score, rel=1e-15)


def test_a_missing_retriever_makes_a_degraded_answer_that_says_so() -> None:
    answer = result({"text": ok("a"), "vector": LATE}, Shelf("redis", a=stored("a")))
    assert answer.degraded
    assert answer.retrievers["vector"].reason == "deadline"
    assert answer.hits[0].explain["vector"] == {"status": "failed", "contribution": 0.0}


def test_a_store_whose_retriever_failed_is_asked_for_documents_last() -> None:
    redis, elasticsearch = Shelf("redis", a=stored("a")), Shelf("elasticsearch", a=stored("a"))
    result({"text": ok("a"), "vector": LATE}, redis, elasticsearch)
    assert (redis.asked, elasticsearch.asked) == ([], [["a"]])


def test_a_retriever_that_was_not_asked_is_skipped_and_not_missed() -> None:
    answer = result({"text": ok("a")}, Shelf("redis", a=stored("a")), retrievers=["text"])
    assert not answer.degraded
    assert answer.retrievers["vector"].to_dict()["status"] == "skipped"
    assert explained(answer, 0) == {"text": "hit", "vector": "skipped"}


def test_no_answer_at_all_is_an_error_with_each_reason() -> None:
    with pytest.raises(SearchUnavailable) as error:
        result({"text": LATE, "vector": LATE}, Shelf("redis"))
    assert set(error.value.reasons) == {"text", "vector"}


def test_a_document_deleted_meanwhile_is_skipped_and_ranks_close_up() -> None:
    answer = result({"text": ok("a", "gone", "b"), "vector": ok()}, Shelf("redis", a=stored("a"), b=stored("b")))
    assert [(hit.id, hit.rank) for hit in answer.hits] == [("a", 1), ("b", 2)]


def test_a_hit_names_its_best_passage_where_there_are_several() -> None:
    spans = ((0, 3), (4, 7))
    shelf = Shelf("redis", a=stored("a", "one two", spans), b=stored("b", "one", ((0, 3),)), c=stored("c", "own"))
    answer = result({"text": ok(), "vector": ok("a", "b", "c", passages=(1, 0, 0))}, shelf)
    assert answer.hits[0].to_dict()["passage"] == {"number": 1, "text": "two"}
    assert [hit.passage for hit in answer.hits[1:]] == [None, None]


def test_a_document_rewritten_shorter_meanwhile_names_no_passage_it_does_not_have() -> None:
    shelf = Shelf("redis", a=stored("a", "one two", ((0, 3), (4, 7))))
    answer = result({"text": ok(), "vector": ok("a", passages=(5,))}, shelf)
    assert (answer.ids, answer.hits[0].passage) == (["a"], None)


def test_a_limit_cuts_the_page_and_0_asks_no_store() -> None:
    shelf = Shelf("redis", a=stored("a"), b=stored("b"))
    assert result({"text": ok("a", "b"), "vector": ok()}, shelf, limit=1).ids == ["a"]
    assert result({"text": ok("a", "b"), "vector": ok()}, shelf, limit=0).ids == []
    assert shelf.asked == [["a"]]
