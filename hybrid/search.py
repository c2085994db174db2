"""How is a plan run? All retrievers at once, each in its store's own pool, until one deadline."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial

from hybrid.errors import HybridError, StoreTimeout
from hybrid.model import Ranking, RetrieverReport, Status

_log = logging.getLogger(__name__)

POOL_THREADS = 8
"""Searches that one store answers at once; more wait in line."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One retriever's part: how it went, and what it found (empty unless the status is OK)."""

    report: RetrieverReport
    ranking: Ranking
    detail: str = ""


class Pools:
    """One bounded thread pool a retriever, made when first used, and made again after a fork."""

    def __init__(self) -> None:
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._pid = os.getpid()

    def submit(self, retriever: str, call: Callable[[], Answer]) -> Future[Answer]:
        """The future answer of a retriever."""
        if self._pid != os.getpid():
            self._pools, self._pid = {}, os.getpid()
        pool = self._pools.get(retriever)
        if pool is None:
            made = ThreadPoolExecutor(POOL_THREADS, thread_name_prefix=f"hybrid-{retriever}")
            pool = self._pools.setdefault(retriever, made)
        return pool.submit(call)

    def close(self) -> None:
        """Ends the threads; calls that have not started are dropped."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


def run(calls: Mapping[str, Callable[[], Ranking]], pools: Pools, deadline_s: float) -> dict[str, Answer]:
    """Each retriever's answer, by name. Returns by the deadline; who has not answered is a TIMEOUT.

    deadline_s: seconds from now. A retriever that fails changes nothing for the others.
    """
    started = time.perf_counter()
    futures = {name: pools.submit(name, partial(_answer, name, call, started)) for name, call in calls.items()}
    wait(futures.values(), timeout=deadline_s)
    return {name: _settled(future, started) for name, future in futures.items()}


def _settled(future: Future[Answer], started: float) -> Answer:
    if future.done():
        return future.result()
    future.cancel()
    return _without(Status.TIMEOUT, started, "deadline", "no answer by the deadline")


def _answer(name: str, call: Callable[[], Ranking], started: float) -> Answer:
    """What the call found, or why it did not. The boundary at which any failure becomes an answer."""
    try:
        ranking = call()
    except StoreTimeout as error:
        return _without(Status.TIMEOUT, started, error.code, str(error))
    except HybridError as error:
        return _without(Status.FAILED, started, error.code, str(error))
    except Exception as error:  # noqa: BLE001 (a retriever must never take the other down)
        _log.exception("the %s retriever failed in a way nobody foresaw", name)
        return _without(Status.FAILED, started, "internal", f"{type(error).__name__} (see the log)")
    return Answer(RetrieverReport(Status.OK, _ms(started), len(ranking)), ranking)


def _without(status: Status, started: float, reason: str, detail: str) -> Answer:
    return Answer(RetrieverReport(status, _ms(started), 0, reason), Ranking(), detail)


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1000
