"""Is it worth asking? A circuit breaker: a store that failed again and again is left alone for a while.

closed: asked as usual. open: not asked, so that its death costs no time-out. half open: after a while one search
asks it, as a probe; its success closes the circuit, its failure opens it for longer.
"""

from __future__ import annotations

import random
import threading
import time
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
    """failures: in a row, before the circuit opens. wait_s, most_s: seconds until the first probe, doubled after
    each that fails, up to the most; with a jitter of a quarter."""

    failures: int = 5
    wait_s: float = 1.0
    most_s: float = 30.0


class Breaker:
    """The circuit of one store. Thread-safe. now: seconds, never stepping back."""

    def __init__(self, patience: Patience = Patience(), now: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._now = now
        self._lock = threading.Lock()
        self._failures = 0
        self._opened = 0
        self._until: float | None = None  # None: closed
        self._probe_until = 0.0

    def permits(self) -> bool:
        """Whether to ask now. A probe that is never told of ends by itself after the longest wait."""
        with self._lock:
            if self._until is None:
                return True
            now = self._now()
            if now < self._until or now < self._probe_until:
                return False
            self._probe_until = now + self._patience.most_s
            return True

    def succeeded(self) -> None:
        """Told of an answer: the circuit is closed."""
        with self._lock:
            self._failures = self._opened = 0
            self._until, self._probe_until = None, 0.0

    def failed(self) -> None:
        """Told of a failure: the circuit opens where it was one too many, or where it was the probe's."""
        with self._lock:
            self._failures += 1
            if self._until is not None or self._failures >= self._patience.failures:
                wait = min(self._patience.most_s, self._patience.wait_s * 2**self._opened)
                self._until = self._now() + wait * random.uniform(0.75, 1.25)
                self._opened = min(self._opened + 1, 16)
                self._probe_until = 0.0

    def abstained(self) -> None:
        """Told that the store was not asked after all: the next search may be the probe."""
        with self._lock:
            self._probe_until = 0.0

    def to_dict(self) -> dict[str, Json]:
        """The circuit's state, failures in a row, and seconds until it is asked again, as JSON."""
        with self._lock:
            left = 0.0 if self._until is None else max(0.0, self._until - self._now())
            state = Circuit.CLOSED if self._until is None else Circuit.OPEN if left else Circuit.HALF_OPEN
            return {"circuit": str(state), "failures": self._failures, "retry_in_s": round(left, 3)}
