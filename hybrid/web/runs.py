"""How is something measured that takes a while? In the background, one run at a time, while its progress is asked."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from hybrid.errors import HybridError, InputError
from hybrid.evaluation.comparison import Comparison

MOST_KEPT = 10
"""Runs whose result is kept."""

_log = logging.getLogger(__name__)

Measure = Callable[[Callable[[int], None]], Comparison]
"""What a run does: it is given what to call with the number of queries done."""


@dataclass(slots=True)
class Run:
    """One run. total: queries. found: its result; error: why there is none; neither while it is under way."""

    number: int
    name: str
    total: int
    done: int = 0
    found: Comparison | None = None
    error: HybridError | None = None
    began: float = field(default_factory=time.time)
    took_s: float = 0.0

    @property
    def state(self) -> str:
        """running, done or failed."""
        return "failed" if self.error else "done" if self.found else "running"


class Runs:
    """The runs of an application, the newest first. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[Run] = []
        self._count = 0

    def all(self) -> list[Run]:
        """Those that are kept."""
        with self._lock:
            return list(self._kept)

    def get(self, number: int) -> Run | None:
        """The run of this number, None where it is not kept."""
        return next((one for one in self.all() if one.number == number), None)

    def begin(self, name: str, total: int, measure: Measure) -> Run:
        """The run, begun. Raises InputError while another one is under way."""
        with self._lock:
            if any(one.state == "running" for one in self._kept):
                raise InputError("something is being measured already. Wait until it is done, then measure this")
            self._count += 1
            run = Run(self._count, name, total)
            self._kept = [run, *self._kept][:MOST_KEPT]
        threading.Thread(target=_measured, args=(run, measure), name=f"measuring-{run.number}", daemon=True).start()
        return run


def _measured(run: Run, measure: Measure) -> None:
    def told(count: int) -> None:
        run.done += count

    started = time.perf_counter()
    try:
        found = measure(told)
        run.took_s = time.perf_counter() - started
        run.found = found
    except HybridError as error:
        _log.warning("measuring %s failed: %s", run.name, error)
        run.error = error
    finally:
        if run.state == "running":
            run.error = InputError("it ended in a way that nobody foresaw; the log says more")
