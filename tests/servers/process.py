"""A server as a process that can be started, stopped, killed and paused, for ordinary tests and for fault tests."""

import abc
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.errors import ServerError
from tests.servers.guard import guarded

STOP_SECONDS = 20
POLL_SECONDS = 0.05
LOG_LINES_SHOWN = 25


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server(abc.ABC):
    """One server with its own folder and port, both kept over restarts. A context manager: starts, waits, stops.

    `start` returns at once, so that two servers can start at the same time; `wait_ready` waits. Whatever happens to
    this process, the server does not outlive it (see guard.py).
    """

    name: str
    ready_seconds: float
    uid: int = -1  # the user who runs it; -1: the one who runs the tests

    def __init__(self, home: Path, port: int | None = None) -> None:
        self.home = home
        self.port = port or free_port()
        self.log = home / "log"
        self._guard: subprocess.Popen[str] | None = None
        self.pid = 0  # of the last start; also the number of its process group

    @property
    @abc.abstractmethod
    def url(self) -> str:
        """The address that clients take."""

    @abc.abstractmethod
    def _command(self) -> Sequence[str]: ...

    @abc.abstractmethod
    def _environment(self) -> Mapping[str, str]: ...

    def _working_folder(self) -> Path:
        return self.home

    @abc.abstractmethod
    def _prepare(self) -> None:
        """Writes what the server wants to find in its folder; called before every start."""

    @abc.abstractmethod
    def _answers(self) -> bool: ...

    @property
    def running(self) -> bool:
        return self._guard is not None and self._guard.poll() is None

    def start(self) -> None:
        """Starts the process and returns at once.

        Raises: ServerError when the command cannot be run at all.
        """
        if self.running:
            raise ServerError(f"{self.name} on port {self.port} runs already: stop() or kill() it first")
        self.home.mkdir(parents=True, exist_ok=True)
        self._prepare()
        with self.log.open("ab") as log:
            self._guard = subprocess.Popen(
                guarded(self._command(), self.uid),
                cwd=self._working_folder(),
                env=dict(self._environment()),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,  # a signal to the tests' own group must not hit the guard
            )
        assert self._guard.stdout is not None
        pid = self._guard.stdout.readline()
        if not pid:
            self._reap()
            raise ServerError(self._failure("could not be run"))
        self.pid = int(pid)

    def wait_ready(self, seconds: float | None = None) -> None:
        """Returns when the server answers as it should (for Redis: when it has loaded its data).

        Raises: ServerError when the process ends or `seconds` (default: enough for a busy machine) go by.
        """
        seconds = seconds or self.ready_seconds
        deadline = time.monotonic() + seconds
        while not (self.running and self._answers()):
            if not self.running:
                self._reap()
                raise ServerError(self._failure("ended instead of answering"))
            if time.monotonic() > deadline:
                raise ServerError(self._failure(f"did not answer within {seconds:g} s"))
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Ends the server in good order (SIGTERM, after a while SIGKILL); does nothing when it does not run."""
        if self._guard is None:
            return
        self.resume()
        self._signal(os.kill, signal.SIGTERM)
        try:
            self._guard.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._signal(os.killpg, signal.SIGKILL)
        self._reap()

    def kill(self) -> None:
        """Ends all its processes with SIGKILL, as a power cut would, and returns when they are gone."""
        self._signal(os.killpg, signal.SIGKILL)
        self._reap()

    def pause(self) -> None:
        """Freezes all its processes (SIGSTOP): connections stay open and nothing answers."""
        self._signal(os.killpg, signal.SIGSTOP)

    def resume(self) -> None:
        """Undoes `pause`."""
        self._signal(os.killpg, signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _signal(self, send: Callable[[int, int], None], number: signal.Signals) -> None:
        if self.running:
            with contextlib.suppress(ProcessLookupError):  # it ended in this very moment
                send(self.pid, number)

    def _reap(self) -> None:
        if self._guard is not None:
            with self._guard:  # closes the pipes and waits: the guard ends with the last process of the group
                pass
            self._guard = None

    def _failure(self, what: str) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES_SHOWN:] if self.log.exists() else []
        return "\n".join([f"{self.name} on port {self.port} {what}. The end of its log, {self.log}:", *lines])
