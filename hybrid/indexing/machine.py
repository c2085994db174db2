"""What does writing take from the machine? Time and threads; a simulation gives its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """now: seconds since 1970. threads: makes an executor of so many threads, of this name."""

    now: Callable[[], float] = time.time
    threads: Callable[[int, str], Executor] = ThreadPoolExecutor
