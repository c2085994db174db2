"""How a plan is run: late, failing and surprising retrievers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from hybrid.breaker import Breaker
from hybrid.errors import (
    EmbeddingError,
    Overloaded,
    QueryError,
    RetrieverRequired,
    SearchUnavailable,
    StoreTimeout,
    StoreUnavailable,
)
from hybrid.model import Ranking, RetrieverReport, Status
from hybrid.policy import Policy
from hybrid.search import CIRCUIT_OPEN, OVERLOADED, POOL_THREADS, WAITING, Answer, Pools, run, settle


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


IN_TIME = {"text": 5.0, "vector": 5.0}
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
    answers = run({"text": found, "vector": Ranking}, pools, IN_TIME)
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
    answers = run({"vector": failing(error), "text": found}, pools, IN_TIME)
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
    answers = run({"vector": late, "text": found}, pools, {"vector": 0.05, "text": 5})
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

    answers = run({"text": meets, "vector": meets}, pools, {"text": 20, "vector": 20})
    assert {answer.report.status for answer in answers.values()} == {Status.OK}


def test_a_hanging_store_never_starves_the_other(pools: Pools) -> None:
    release = threading.Event()

    def hangs() -> Ranking:
        release.wait(30)
        return FOUND

    for _ in range(POOL_THREADS + 2):
        run({"vector": hangs}, pools, {"vector": 0.001})
    answers = run({"vector": hangs, "text": found}, pools, {"vector": 0.2, "text": 5})
    release.set()
    assert answers["text"].report.status is Status.OK
    assert answers["vector"].report.status is not Status.OK


def test_each_retriever_has_its_own_deadline(pools: Pools) -> None:
    release = threading.Event()

    def late() -> Ranking:
        release.wait(30)
        return FOUND

    def a_little_late() -> Ranking:
        time.sleep(0.1)
        return FOUND

    answers = run({"vector": late, "text": a_little_late}, pools, {"vector": 0.01, "text": 20})
    release.set()
    assert answers["vector"].report.reason == "deadline"
    assert answers["text"].report.status is Status.OK


def test_a_store_that_failed_five_times_is_not_asked_until_its_time_comes(pools: Pools) -> None:
    asked = 0

    def dies() -> Ranking:
        nonlocal asked
        asked += 1
        raise StoreUnavailable("redis", "refused")

    reasons = [run({"vector": dies, "text": found}, pools, IN_TIME)["vector"].report.reason for _ in range(7)]
    assert reasons == ["store_unavailable"] * 5 + [CIRCUIT_OPEN] * 2
    assert asked == 5
    assert pools.circuits()["vector"]["circuit"] == "open"
    assert pools.circuits()["text"] == {"circuit": "closed", "failures": 0, "openings": 0, "retry_in_s": 0.0}


@pytest.mark.parametrize("error", [EmbeddingError("no"), QueryError("no")])
def test_an_error_that_is_not_the_stores_never_shuts_it_off(pools: Pools, error: Exception) -> None:
    for _ in range(10):
        assert run({"vector": failing(error)}, pools, IN_TIME)["vector"].report.reason == error.code  # type: ignore[attr-defined]


def test_searches_beyond_the_queue_are_shed_at_once(pools: Pools) -> None:
    release = threading.Event()

    def hangs() -> Ranking:
        release.wait(30)
        return FOUND

    held = [pools.of("vector").submit(lambda: ok_answer(hangs())) for _ in range(POOL_THREADS + WAITING)]
    assert all(held)
    answers = run({"vector": hangs, "text": found}, pools, IN_TIME)
    assert (answers["vector"].report.status, answers["vector"].report.reason) == (Status.FAILED, OVERLOADED)
    assert answers["text"].report.status is Status.OK
    assert sum(thread.name.startswith("hybrid-vector") for thread in threading.enumerate()) == POOL_THREADS
    release.set()
    for future in held:
        assert future is not None
        future.result(30)
    assert run({"vector": found}, pools, IN_TIME)["vector"].report.status is Status.OK


def opened(pools: Pools, clock: Clock) -> Breaker:
    """The breaker of the vector store, its circuit half open."""
    breaker = pools.of("vector").breaker = Breaker(now=clock)
    for _ in range(5):
        breaker.failed(0)
    clock.now += 2
    assert breaker.to_dict()["circuit"] == "half_open"
    return breaker


def test_a_probe_that_is_shed_leaves_its_place_to_the_next_search(pools: Pools) -> None:
    release = threading.Event()
    breaker = opened(pools, Clock())
    held = [pools.of("vector").submit(lambda: ok_answer(_after(release))) for _ in range(POOL_THREADS + WAITING)]
    assert run({"vector": found}, pools, IN_TIME)["vector"].report.reason == OVERLOADED
    release.set()
    for future in held:
        assert future is not None
        future.result(30)
    assert run({"vector": found}, pools, IN_TIME)["vector"].report.status is Status.OK
    assert breaker.to_dict()["circuit"] == "closed"


def test_a_probe_that_finds_all_threads_hanging_is_followed_by_another_soon(pools: Pools) -> None:
    release, clock = threading.Event(), Clock()
    breaker = opened(pools, clock)
    held = [pools.of("vector").submit(lambda: ok_answer(_after(release))) for _ in range(POOL_THREADS)]
    assert run({"vector": found}, pools, {"vector": 0.01})["vector"].report.reason == "deadline"
    assert 1.5 <= breaker.to_dict()["retry_in_s"] <= 2.5
    release.set()
    for future in held:
        assert future is not None
        future.result(30)
    clock.now += 2.6
    assert run({"vector": found}, pools, IN_TIME)["vector"].report.status is Status.OK


def _after(event: threading.Event) -> Ranking:
    event.wait(30)
    return FOUND


def ok_answer(ranking: Ranking = FOUND) -> Answer:
    return Answer(RetrieverReport(Status.OK, 1.0, len(ranking)), ranking)


def lost(reason: str = "store_unavailable") -> Answer:
    return Answer(RetrieverReport(Status.FAILED, 1.0, 0, reason), Ranking(), "it said no")


def test_one_answer_is_enough_for_a_partial_one() -> None:
    settle({"text": ok_answer(), "vector": lost()}, Policy.PARTIAL, ())
    settle({"text": ok_answer(), "vector": lost()}, Policy.PARTIAL, ("text",))
    settle({"text": ok_answer(), "vector": ok_answer()}, Policy.FAIL, ("text", "vector"))


def test_no_answer_is_never_an_empty_one() -> None:
    with pytest.raises(
        SearchUnavailable, match=r"no retriever could answer \(text: it said no; vector: it said no\)"
    ) as no:
        settle({"text": lost(), "vector": lost("store_timeout")}, Policy.PARTIAL, ())
    assert no.value.reasons == {"text": "store_unavailable", "vector": "store_timeout"}


def test_the_policy_to_fail_takes_no_half_answer() -> None:
    with pytest.raises(RetrieverRequired, match=r"a required retriever did not answer \(vector: it said no\)") as no:
        settle({"text": ok_answer(), "vector": lost()}, Policy.FAIL, ())
    assert no.value.reasons == {"vector": "store_unavailable"}


def test_a_required_retriever_must_answer() -> None:
    with pytest.raises(RetrieverRequired):
        settle({"text": ok_answer(), "vector": lost()}, Policy.PARTIAL, ("vector",))


def test_a_search_that_could_not_begin_at_all_says_so() -> None:
    with pytest.raises(Overloaded, match="too many searches wait already"):
        settle({"text": lost(OVERLOADED), "vector": lost(OVERLOADED)}, Policy.PARTIAL, ())


def test_what_only_computes_is_asked_in_the_callers_own_thread_once_the_others_have_begun(pools: Pools) -> None:
    begun, threads = threading.Event(), []

    def remote() -> Ranking:
        begun.set()
        return FOUND

    def local() -> Ranking:
        assert begun.wait(10)
        threads.append(threading.current_thread())
        return FOUND

    answers = run({"text": local, "vector": remote}, pools, IN_TIME, inline=("text",))
    assert {answer.report.status for answer in answers.values()} == {Status.OK}
    assert list(answers) == ["text", "vector"]
    assert threads == [threading.current_thread()]
