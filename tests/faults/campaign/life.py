"""One life of the writer: from its start to SIGKILL, and all that it said."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Self

import orjson

from tests.faults.campaign.history import History
from tests.faults.campaign.world import until

PROJECT = Path(__file__).parents[3]


class Life:
    """A running writer. A context manager; at its end the process is dead and all it said is in `history`.

    documents: operations acknowledged in this life; points: by failpoint, how often it was reached; unknown: by
    error, calls that ended in it; killed_at: the failpoint at which it killed itself, if it did.
    """

    def __init__(self, arguments: Sequence[str], history: History, log: Path) -> None:
        self.history = history
        self.points: Counter[str] = Counter()
        self.unknown: Counter[str] = Counter()
        self.killed_at = ""
        self.documents = 0
        self._first_plan = self._last_done = 0.0
        self._log = log
        self._errors = log.with_suffix(".err").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.campaign.writer", *arguments],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def rate(self) -> float:
        """Operations acknowledged a second, from the first one planned."""
        return self.documents / max(self._last_done - self._first_plan, 1e-3)

    @property
    def died(self) -> str:
        """Why the process ended by itself, in the last words of its standard error; "" where it was killed."""
        if self.running or self._process.returncode == -signal.SIGKILL:
            return ""
        return f"exit {self._process.returncode}: {self._log.with_suffix('.err').read_text()[-2000:]}"

    def wait_for(self, true: Callable[[], bool], seconds: float) -> bool:
        """Whether it came true in this life, within so many seconds."""
        for _ in until(seconds):
            if true() or not self.running:
                break
        return true()

    def arm(self) -> None:
        """Makes the failpoint count from now on."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # `died` says so
            os.write(self._process.stdin.fileno(), b"arm\n")

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone and its last words are read."""
        self._signal(signal.SIGKILL)
        self._process.wait(30)
        self._reader.join(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout, self._errors):
            if pipe is not None:
                pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        if self.running:
            os.kill(self.pid, number)

    def _read(self, said: IO[bytes]) -> None:
        with self._log.open("wb") as log:
            for line in said:
                log.write(line)
                if line.endswith(b"\n"):
                    self._take(orjson.loads(line))

    def _take(self, line: dict[str, object]) -> None:
        self.history.take(line)
        at, done, point, unknown = float(str(line["t"])), line.get("done"), line.get("point"), line.get("unknown")
        if "plan" in line and not self._first_plan:
            self._first_plan = at
        if isinstance(done, dict):
            self.documents += len(done)
            self._last_done = at
        if isinstance(point, str):
            self.points[point] += 1
            self.killed_at = point if line.get("killed") else self.killed_at
        if isinstance(unknown, str):
            self.unknown[unknown] += 1
