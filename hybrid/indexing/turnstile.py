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

    path: the file, made when it is first needed; None: for this process alone. The system gives a lock back
    when its holder dies. A child of the process has none of its writes, nor its locks. Raises JournalError where the
    file cannot be made.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._inside = 0
        self._file: IO[bytes] | None = None
        self._held: IO[bytes] | None = None
        self._changed = threading.Condition()
        forgets(self)

    def forget(self) -> None:
        """In a child: a lock on a file lasts as long as any process has the file open."""
        self._unlocked(self._file)
        self._unlocked(self._held)
        self._file = self._held = None
        self._inside, self._changed = 0, threading.Condition()

    @contextmanager
    def passing(self) -> Iterator[None]:
        """For the length of one write. Waits while somebody is `alone`."""
        changed = self._changed
        with changed:
            if not self._inside:
                self._file = self._locked(fcntl.LOCK_SH)
            self._inside += 1
        try:
            yield
        finally:
            if changed is self._changed:  # else this is a child, in which the write has not begun
                self._left()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Begins when all writes, those of other processes too, have ended; others wait."""
        with self._changed:
            self._changed.wait_for(lambda: not self._inside)
            held = self._held = self._locked(fcntl.LOCK_EX)
            try:
                yield
            finally:
                self._unlocked(held)

    def _left(self) -> None:
        with self._changed:
            self._inside -= 1
            if not self._inside:
                self._unlocked(self._file)
            self._changed.notify_all()

    def _locked(self, how: int) -> IO[bytes] | None:
        if self._path is None:
            return None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = open(self._path, "ab")  # noqa: SIM115 (closed by _unlocked, which ends the lock)
        except OSError as error:
            said = f"the journal {self._path.parent} cannot be used: {error.strerror}"
            raise JournalError(f"{said}. Correct the folder's permissions; no store was touched") from error
        fcntl.flock(file.fileno(), how)
        return file

    @staticmethod
    def _unlocked(file: IO[bytes] | None) -> None:
        if file is not None:
            file.close()
