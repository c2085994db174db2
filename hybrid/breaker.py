"""Is it worth asking? A circuit breaker: a store that failed again and again is left alone for a while.

closed: asked as usual. open: not asked, so that its death costs no time-out. half open: after a while one search
asks it, as a probe; its success closes the circuit, its failure opens it for longer.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from hybrid.model import Json


class Circuit(StrEnum):
    """Whether a store is asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Patience:
    """failures: in a row, before the circuit opens. window: so many last answers, of which half were failures, open
    it too. wait_s, most_s: seconds until the first probe, doubled after each that fails, up to the most; with a
    jitter of a quarter."""

    failures: int = 5
    window: int = 20
    wait_s: float = 1.0
    most_s: float = 30.0


class Breaker:
    """The circuit of one store. Thread-safe. now: seconds, never stepping back.

    Who asks the store tells what became of it with the permit that it was given. Permits from before the circuit
    opened count no more: many searches that fail together say the same thing, and are not as many failed probes.
    """

    def __init__(self, patience: Patience = Patience(), now: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._now = now
        self._lock = threading.Lock()
        self._failures = 0
        self._last: deque[bool] = deque(maxlen=patience.window)  # whether each of the last ones failed
        self._openings = 0
        self._opened = 0
        self._permit = 0  # the one that counts; another each time the circuit opens
        self._until: float | None = None  # None: closed
        self._probe_until = 0.0

    def permit(self) -> int | None:
        """What to tell the outcome with; None: not to be asked now.

        A probe that is never told of ends by itself after the longest wait.
        """
        with self._lock:
            if self._until is not None:
                now = self._now()
                if now < self._until or now < self._probe_until:
                    return None
                self._probe_until = now + self._patience.most_s
            return self._permit

    def succeeded(self, permit: int) -> None:
        """Told of an answer: the circuit is closed."""
        with self._lock:
            if permit == self._permit:
                if self._until is not None:
                    self._last.clear()
                self._last.append(False)
                self._failures = self._opened = 0
                self._until, self._probe_until = None, 0.0

    def failed(self, permit: int) -> None:
        """Told of a failure: the circuit opens where it was one too many, or where it was the probe's."""
        with self._lock:
            if permit == self._permit:
                self._failures += 1
                self._last.append(True)
                if self._until is not None or self._failures >= self._patience.failures or self._half_failed():
                    self._open()

    def abstained(self, permit: int) -> None:
        """Told that the store was not asked after all: the next search may be the probe."""
        with self._lock:
            if permit == self._permit:
                self._probe_until = 0.0

    def stuck(self, permit: int) -> None:
        """Told that no thread was free in time. While the circuit is open only searches from before it opened can
        keep them, so the store hangs still, and the probe failed; while it is closed this says nothing of the store."""
        with self._lock:
            if permit == self._permit and self._until is not None:
                self._open()

    def _half_failed(self) -> bool:
        return len(self._last) == self._last.maxlen and 2 * sum(self._last) >= len(self._last)

    def _open(self) -> None:
        wait = min(self._patience.most_s, self._patience.wait_s * 2**self._opened)
        self._until = self._now() + wait * random.uniform(0.75, 1.25)
        self._opened = min(self._opened + 1, 16)
        self._openings += 1
        self._permit += 1
        self._probe_until = 0.0

    def to_dict(self) -> dict[str, Json]:
        """The circuit's state, failures in a row, seconds until it is asked again, and how often it opened, as JSON."""
        with self._lock:
            left = 0.0 if self._until is None else max(0.0, self._until - self._now())
            state = Circuit.CLOSED if self._until is None else Circuit.OPEN if left else Circuit.HALF_OPEN
            facts = {"circuit": str(state), "failures": self._failures, "openings": self._openings}
            return facts | {"retry_in_s": round(left, 3)}
