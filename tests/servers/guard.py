"""Runs one command and sees to it that nothing of it outlives the process that asked for it.

Usage: guard.py UID COMMAND...   (UID -1: stay who we are)

The command runs in a process group of its own, as a child of this small process, which writes the child's pid to
standard output and then reads standard input. End of input means that the asker is gone, for whatever reason (SIGKILL
too), and kills the group, stopped processes included. Ends when the command ends, after the last process of its group.

A separate file of the standard library alone: PR_SET_PDEATHSIG would follow the starting thread, not the process,
and would not reach the children of a launcher.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path


def guarded(command: Sequence[str], uid: int = -1) -> list[str]:
    """The command line that runs `command` under guard: isolated and without site-packages, so it starts in 20 ms."""
    return [sys.executable, "-I", "-S", __file__, str(uid), *command]


def kill_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def lives(group: int) -> bool:
    """Whether the group has a process that is not a zombie (an orphan may stay one, depending on what runs as init)."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state, _parent, its_group = stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                return True
    return False


def kill_at_end_of_input(group: int) -> None:
    os.read(0, 1)  # the asker writes nothing
    kill_group(group)


def main(uid: int, command: Sequence[str]) -> int:
    user = uid if uid >= 0 else None
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        start_new_session=True,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    print(child.pid, flush=True)
    threading.Thread(target=kill_at_end_of_input, args=(child.pid,), daemon=True).start()
    status = child.wait()
    kill_group(child.pid)
    deadline = time.monotonic() + 10
    while lives(child.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
