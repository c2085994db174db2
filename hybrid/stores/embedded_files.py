"""How is an index kept in files? Stamps, locks and whole replacements, and what its errors mean."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hybrid.errors import HybridError, StoreDenied, StoreError, StoreFull, StoreReplyError, StoreTimeout

NAME = "tantivy"

Stamp = tuple[int, int, int]


def stamp(path: Path) -> Stamp:
    """What changes when a file is replaced."""
    found = os.stat(path)
    return found.st_ino, found.st_mtime_ns, found.st_size


def replace(path: Path, content: bytes) -> None:
    """Writes the file whole and durably."""
    new = path.with_suffix(".new")
    with open(new, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Raises errors of files, and of tantivy, which are ValueErrors with a text, as errors of this package."""
    try:
        yield
    except HybridError:
        raise
    except (OSError, ValueError) as error:
        said = f"{folder}: {error}"
        kind, advice = next((row[1:] for row in _FAULTS if row[0] in said), _OTHER)
        raise kind(NAME, f"{said}. {advice}") from error


_FAULTS: tuple[tuple[str, type[StoreError], str], ...] = (
    ("No space left", StoreFull, "Make room and try again"),
    ("Disk quota exceeded", StoreFull, "Make room and try again"),
    ("Permission denied", StoreDenied, "Check the owner and mode of the folder"),
    ("Read-only file system", StoreDenied, "Use a folder that can be written"),
    ("Not a directory", StoreReplyError, "Choose another data folder"),
    ("LockBusy", StoreTimeout, "Another program is writing to the index; try again"),
)
_OTHER: tuple[type[StoreError], str] = (StoreReplyError, "Delete the folder and index again if it stays so")
