"""How is the web application served? By waitress, on this machine only unless allowed, ending cleanly."""

from __future__ import annotations

import ipaddress
import signal
import socket
import threading
import time
from typing import Any

from waitress import create_server, wasyncore  # type: ignore[import-untyped]

from hybrid.engine import Engine
from hybrid.errors import SettingsError
from hybrid.web import MAX_BODY, create_app
from hybrid.web.bodies import Channel

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
CONNECTIONS = 1000
"""Clients that are connected at once; they take turns at the threads."""

GRACE_S = 10.0
"""Seconds that requests under way have to finish after `stop`."""


class Server:
    """Serves the page and the API of an engine; the port is open once it is made.

    host: a name or address; beyond this machine only where the settings have tokens, or with allow_remote. port: 0 for
    a free one. threads: requests answered at once. log_queries: as of `create_app`. Raises SettingsError.
    """

    def __init__(
        self,
        engine: Engine,
        host: str = "127.0.0.1",
        port: int = 8080,
        *,
        threads: int = 8,
        allow_remote: bool = False,
        log_queries: bool = False,
    ) -> None:
        family, address = _address(host, port)
        local = ipaddress.ip_address(address[0]).is_loopback
        guarded = bool(engine.settings.api.tokens)
        if not (local or guarded or allow_remote):
            raise SettingsError(
                f"{host} can be reached from other machines, and there are no tokens: anyone could read, write and "
                "delete. Make some (hybrid token NAME), serve on 127.0.0.1, or say --allow-remote where something in "
                "front protects it"
            )
        listener = _listener(family, address)
        # A page elsewhere can point its own host name at 127.0.0.1 (DNS rebinding), but not ask by ours.
        names = None if allow_remote or (guarded and not local) else (*LOCAL_NAMES, host.lower())
        self._app = create_app(engine, trusted_hosts=names, log_queries=log_queries)
        self._sockets: dict[int, Any] = {}
        self._waitress: Any = create_server(
            self._app,
            map=self._sockets,
            sockets=[listener],
            threads=threads,
            connection_limit=CONNECTIONS,
            ident=None,
            max_request_body_size=4 * MAX_BODY,  # the application answers bodies that are a little too large better
        )
        self._waitress.channel_class = Channel
        self._waitress.adj.holders = engine.settings.api.holders
        shown = f"[{address[0]}]" if family is socket.AF_INET6 else address[0]
        self.url = f"http://{shown}:{listener.getsockname()[1]}"
        """Where it is served, without a slash at the end."""
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open = True

    def run(self) -> None:
        """Serves until `stop`, SIGTERM or SIGINT; then lets requests under way finish, for 10 seconds at most.

        The signals are listened to in the main thread only; a second one ends the program as usual.
        """
        before = self._listen_to_signals() if threading.current_thread() is threading.main_thread() else {}
        try:
            while not self._stopping.is_set():
                self._turn(60.0)
            self._drain()
        finally:
            _restore(before)
            self._close()

    def stop(self) -> None:
        """Makes `run` return, now or when it is called. Any thread or signal handler may call it, more than once."""
        self._stopping.set()
        with self._lock:
            if self._open:
                self._waitress.pull_trigger()

    def _turn(self, seconds: float) -> None:
        """Waits for sockets once, at most so long, and serves those that are ready."""
        wasyncore.loop(seconds, True, self._sockets, 1)

    def _drain(self) -> None:
        wasyncore.dispatcher.close(self._waitress)  # the listening socket only: nobody new
        end = time.monotonic() + GRACE_S
        while self._busy() and time.monotonic() < end:
            self._turn(0.1)

    def _busy(self) -> bool:
        channels = list(self._waitress.active_channels.values())
        return any(channel.requests or channel.total_outbufs_len for channel in channels)

    def _close(self) -> None:
        with self._lock:
            self._open = False
        self._waitress.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._sockets)

    def _listen_to_signals(self) -> dict[int, Any]:
        """The handlers that were there before."""
        before: dict[int, Any] = {}

        def end(*_: object) -> None:
            _restore(before)
            self._stopping.set()
            self._waitress.pull_trigger()

        before |= {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
        return before


def _restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)


def _address(host: str, port: int) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """The first address of a host. Raises SettingsError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{host!r} is no address to serve on ({error}). Use 127.0.0.1") from error
    return found[0][0], found[0][4]


def _listener(family: socket.AddressFamily, address: tuple[Any, ...]) -> socket.socket:
    try:
        return socket.create_server(address[:2], family=family, backlog=CONNECTIONS)
    except OSError as error:
        raise SettingsError(
            f"cannot serve on {address[0]} port {address[1]}: {error.strerror}. Choose another port"
        ) from error
