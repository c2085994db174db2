"""How is a plan run? All retrievers at once, each in its store's own pool, behind its store's own breaker, until its
deadline."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial

from hybrid.breaker import Breaker
from hybrid.errors import (
    EmbeddingError,
    HybridError,
    MissingExtra,
    Overloaded,
    RetrieverRequired,
    SearchUnavailable,
    StoreError,
    StoreReplyError,
    StoreTimeout,
)
from hybrid.model import Json, Ranking, RetrieverReport, Status
from hybrid.policy import Policy

_log = logging.getLogger(__name__)

POOL_THREADS = 8
"""Searches that one store answers at once."""

WAITING = 64
"""Searches that wait for a thread of one store at most; further ones go without that store."""

OVERLOADED = Overloaded.code
CIRCUIT_OPEN = "circuit_open"
DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class Answer:
    """One retriever's part: how it went, and what it found (empty unless the status is OK)."""

    report: RetrieverReport
    ranking: Ranking
    detail: str = ""


class Pool:
    """The threads of one store, a bounded queue before them, and the store's circuit breaker."""

    def __init__(self, name: str) -> None:
        self.breaker = Breaker()
        self._threads = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix=f"hybrid-{name}")
        self._places = threading.Semaphore(POOL_THREADS + WAITING)

    def submit(self, call: Callable[[], Answer]) -> Future[Answer] | None:
        """The future answer; None where too many wait already."""
        if not self._places.acquire(blocking=False):
            return None
        future = self._threads.submit(copy_context().run, call)  # what names the request goes along
        future.add_done_callback(lambda _: self._places.release())
        return future

    def close(self) -> None:
        """Ends the threads; calls that have not started are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class Pools:
    """One pool a retriever, made when first used, and made again after a fork."""

    def __init__(self) -> None:
        self._pools: dict[str, Pool] = {}
        self._pid = os.getpid()
        self._lock = threading.Lock()

    def of(self, retriever: str) -> Pool:
        """The retriever's pool."""
        if self._pid != os.getpid():
            self._pools, self._pid, self._lock = {}, os.getpid(), threading.Lock()
        pool = self._pools.get(retriever)
        if pool is None:
            with self._lock:
                pool = self._pools.get(retriever) or self._pools.setdefault(retriever, Pool(retriever))
        return pool

    def circuits(self) -> dict[str, dict[str, Json]]:
        """The state of each retriever's circuit, as JSON; of those that were asked before."""
        return {name: pool.breaker.to_dict() for name, pool in list(self._pools.items())}

    def close(self) -> None:
        """Ends all threads."""
        for pool in self._pools.values():
            pool.close()


FAIR_S = 0.1
"""Seconds that a store must have had for its silence to be held against it, where who asks says how many it has."""


def run(
    calls: Mapping[str, Callable[[], Ranking]],
    pools: Pools,
    deadlines: Mapping[str, float],
    inline: Collection[str] = (),
    *,
    fair_s: float = 0.0,
) -> dict[str, Answer]:
    """Each retriever's answer, by name. Returns by the latest deadline; who is late is a TIMEOUT.

    deadlines: seconds from now, by name. fair_s: of less time, that it was missed is not held against the store: who
    asks may have left none, and others must not lose the store by it. inline: retrievers that only compute, in this
    process, and cannot hang: they are asked in the caller's own thread, after the others have begun, which takes less
    time than handing so little work to another. A retriever that fails changes nothing for the others.
    """
    started = time.perf_counter()
    begun = {
        name: _begun(name, call, pools.of(name), started, deadlines[name], fair=deadlines[name] >= fair_s)
        for name, call in calls.items()
        if name not in inline
    }
    for name in inline:
        if name in calls:
            breaker = pools.of(name).breaker
            verdict = _Verdict(breaker, breaker.permit(), started + deadlines[name], deadlines[name] >= fair_s)
            begun[name] = _answer(name, calls[name], verdict, started)
    under_way = {name: one for name, one in begun.items() if isinstance(one, _UnderWay)}
    for name in sorted(under_way, key=lambda name: deadlines[name]):
        wait((under_way[name].future,), timeout=max(0.0, deadlines[name] - (time.perf_counter() - started)))
    answers = {name: one for name, one in begun.items() if isinstance(one, Answer)}
    settled = {name: _settled(one, started) for name, one in under_way.items()}
    return {name: (answers | settled)[name] for name in calls}


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Tells a breaker what became of a call, unless it ended after its deadline, when that was told already.

    permit: the breaker's; None for a call that it did not permit and that was made all the same. fair: whether the time
    was such that to be late says something of the store.
    """

    breaker: Breaker
    permit: int | None
    deadline: float
    fair: bool

    def late(self, how: Callable[[Breaker, int], None]) -> Callable[[Breaker, int], None]:
        """What to tell of a call that was late: how, where that is fair."""
        return how if self.fair else Breaker.abstained

    def tell(self, how: Callable[[Breaker, int], None]) -> None:
        """Tells it now, and nothing after the deadline."""
        if self.permit is not None and time.perf_counter() < self.deadline:
            how(self.breaker, self.permit)

    def tell_late(self, how: Callable[[Breaker, int], None]) -> None:
        """Tells it whatever the time."""
        if self.permit is not None:
            how(self.breaker, self.permit)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A call that was handed to its store's threads."""

    future: Future[Answer]
    verdict: _Verdict


def _begun(
    name: str, call: Callable[[], Ranking], pool: Pool, started: float, within_s: float, *, fair: bool
) -> _UnderWay | Answer:
    """The call under way, or, where the store is not to be asked, why not."""
    verdict = _Verdict(pool.breaker, pool.breaker.permit(), started + within_s, fair)
    if verdict.permit is None:
        said = f"the {name} store failed several times in a row and is asked again soon"
        return _without(Status.FAILED, started, CIRCUIT_OPEN, said)
    future = pool.submit(partial(_answer, name, call, verdict, started))
    if future is None:
        verdict.tell_late(Breaker.abstained)
        said = f"{POOL_THREADS + WAITING} searches of the {name} store are under way or wait"
        return _without(Status.FAILED, started, OVERLOADED, said)
    return _UnderWay(future, verdict)


def _settled(call: _UnderWay, started: float) -> Answer:
    if call.future.done():
        return call.future.result()
    never_began = call.future.cancel()
    late = call.verdict.late(Breaker.stuck if never_began else Breaker.failed)
    call.verdict.tell_late(late)  # now, and not when it ends, if it does
    return _without(Status.TIMEOUT, started, DEADLINE, "no answer by the deadline")


def _answer(name: str, call: Callable[[], Ranking], verdict: _Verdict, started: float) -> Answer:
    """What the call found, or why it did not. The boundary at which any failure becomes an answer."""
    try:
        ranking = call()
    except StoreTimeout as error:
        verdict.tell(verdict.late(Breaker.failed))
        return _without(Status.TIMEOUT, started, error.code, str(error))
    except HybridError as error:
        verdict.tell(_meaning(error))
        return _without(Status.FAILED, started, error.code, str(error))
    except Exception as error:  # noqa: BLE001 (a retriever must never take the other down)
        _log.exception("the %s retriever failed in a way nobody foresaw", name)
        verdict.tell(Breaker.failed)
        return _without(Status.FAILED, started, "internal", f"{type(error).__name__} (see the log)")
    verdict.tell(Breaker.succeeded)
    return Answer(RetrieverReport(Status.OK, _ms(started), len(ranking)), ranking)


def _meaning(error: HybridError) -> Callable[[Breaker, int], None]:
    """What an error says of the store: that it failed, that it answered, or that it was not asked at all."""
    if isinstance(error, EmbeddingError | MissingExtra):
        return Breaker.abstained
    if isinstance(error, StoreError) and not isinstance(error, StoreReplyError):
        return Breaker.failed
    return Breaker.succeeded


def _without(status: Status, started: float, reason: str, detail: str) -> Answer:
    return Answer(RetrieverReport(status, _ms(started), 0, reason), Ranking(), detail)


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def settle(answers: Mapping[str, Answer], policy: Policy, require: Sequence[str]) -> None:
    """Returns where the answers are enough for the policy.

    Raises SearchUnavailable where none is OK (Overloaded where none could begin), and RetrieverRequired where one
    that was required, or, by the policy FAIL, any one, is not.
    """
    lost = {name: answer for name, answer in answers.items() if answer.report.status is not Status.OK}
    reasons = {name: answer.report.reason for name, answer in lost.items()}
    details = {name: answer.detail for name, answer in lost.items()}
    if len(lost) == len(answers):
        shed = set(reasons.values()) == {OVERLOADED}
        raise (Overloaded if shed else SearchUnavailable)(reasons, details)
    missed = lost if policy is Policy.FAIL else [name for name in require if name in lost]
    if missed:
        raise RetrieverRequired({name: reasons[name] for name in missed}, {name: details[name] for name in missed})
