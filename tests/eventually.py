"""Waiting for what comes true soon, without guessing how soon."""

import time
from collections.abc import Callable


def eventually(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether it came true within so many seconds; asked twenty times a second."""
    deadline = time.monotonic() + seconds
    while not (came := true()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return came
