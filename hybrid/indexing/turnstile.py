"""Who is writing to a place now? Many writers at once, or the one who moves the collection, alone."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from hybrid.errors import JournalError
from hybrid.forks import forgets


class Turnstile:
    """Counts the writes of this process, and holds a lock on a file for them, which other processes see.

    Before it is a gate: who wants to be alone shuts it first, so that writes that keep coming do not keep him waiting.
    path: the file, made when it is first needed, and one for the gate beside it; None: for this process alone. The
    system gives a lock back when its holder dies. A child of the process has none of its writes, nor its locks. Raises
    JournalError where the file cannot be made.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._files: set[IO[bytes]] = set()
        forgets(self)
        self.forget()

    def forget(self) -> None:
        """In a child: a lock on a file lasts as long as any process has the file open."""
        for file in self._files:
            file.close()
        self._files = set()
        self._inside = 0
        self._file: IO[bytes] | None = None
        self._changed, self._gate, self._mine = threading.Condition(), threading.RLock(), _Mine()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """For the length of one write. Waits while somebody is `alone`, or wants to be; not within another write."""
        mine = self._mine
        if not mine.inside:
            with self._gate:
                self._unlocked(self._locked(".gate", fcntl.LOCK_SH))
        self._entered()
        mine.inside += 1
        try:
            yield
        finally:
            mine.inside -= 1
            if mine is self._mine:  # else this is a child, in which the write has not begun
                self._left()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Begins when all writes, those of other processes too, have ended; others wait."""
        with self._gate:
            shut = self._locked(".gate", fcntl.LOCK_EX)
            try:
                with self._changed:
                    self._changed.wait_for(lambda: not self._inside)
                held = self._locked("", fcntl.LOCK_EX)
                try:
                    yield
                finally:
                    self._unlocked(held)
            finally:
                self._unlocked(shut)

    def _entered(self) -> None:
        with self._changed:
            if not self._inside:
                self._file = self._locked("", fcntl.LOCK_SH)
            self._inside += 1

    def _left(self) -> None:
        with self._changed:
            self._inside -= 1
            if not self._inside:
                self._unlocked(self._file)
            self._changed.notify_all()

    def _locked(self, which: str, how: int) -> IO[bytes] | None:
        """The file, or the one beside it of which the name ends with `which`, locked."""
        if self._path is None:
            return None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = open(f"{self._path}{which}", "ab")  # noqa: SIM115 (closed by _unlocked, which ends the lock)
        except OSError as error:
            said = f"the journal {self._path.parent} cannot be used: {error.strerror}"
            raise JournalError(f"{said}. Correct the folder's permissions; no store was touched") from error
        self._files.add(file)
        fcntl.flock(file.fileno(), how)
        return file

    def _unlocked(self, file: IO[bytes] | None) -> None:
        if file is not None:
            file.close()
            self._files.discard(file)


class _Mine(threading.local):
    """inside: writes of this thread that are under way."""

    inside = 0
