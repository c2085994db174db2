"""What does the network do? A TCP proxy on the loopback interface that can be told to misbehave."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from enum import StrEnum
from typing import Self

CHUNK = 65_536
DELAY_S = 0.03
POLL_S = 0.1
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER for which closing sends a reset."""


class Mode(StrEnum):
    """How the proxy treats what passes."""

    PASS = "pass"
    DELAY = "delay"  # 30 ms a piece, each way
    SWALLOW = "swallow"  # nothing passes, connections stay open
    RESET = "reset"  # half of an answer passes, then the connection is reset
    REFUSE = "refuse"  # connections end as soon as they are made, and those that are there
    DRIP = "drip"  # answers pass a byte at a time, twenty a second
    CANNED = "canned"  # questions do not pass; each is answered by `canned`


class Proxy:
    """Between clients and a server at 127.0.0.1:`target`. A context manager; its threads end with it."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._mode = Mode.PASS
        self.canned = b""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.settimeout(POLL_S)
        self.port: int = self._listener.getsockname()[1]
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    @property
    def mode(self) -> Mode:
        return self._mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        """From now on. Leaving SWALLOW resets what was swallowed: it never arrived in time."""
        before, self._mode = self._mode, mode
        if mode is Mode.REFUSE or before is Mode.SWALLOW:
            self._drop()

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._drop()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _drop(self) -> None:
        with self._lock:
            dropped, self._sockets = self._sockets, set()
        for one in dropped:
            _reset(one)

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            if self._mode is Mode.REFUSE:
                _reset(client)
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=1)
            except OSError:
                _reset(client)
                continue
            self._join(client, server)

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        for one in (client, server):
            one.settimeout(POLL_S)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets |= {client, server}
        pairs = ((client, server, False), (server, client, True))
        fresh = [threading.Thread(target=self._pump, args=pair, daemon=True) for pair in pairs]
        self._threads = [self._threads[0], *(one for one in self._threads[1:] if one.is_alive()), *fresh]
        for thread in fresh:
            thread.start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        """Passes on what one side sends, until either ends."""
        with contextlib.suppress(OSError):
            while not self._ended.is_set():
                try:
                    data = source.recv(CHUNK)
                except TimeoutError:
                    continue
                if not data:
                    break
                while self._mode is Mode.SWALLOW and not self._ended.is_set():
                    time.sleep(0.02)
                if self._mode is Mode.DELAY:
                    time.sleep(DELAY_S)
                if self._mode is Mode.RESET and answers:
                    sink.sendall(data[: len(data) // 2])
                    break
                if self._mode is Mode.CANNED and not answers:
                    source.sendall(self.canned)
                    continue
                self._send(sink, data, slowly=answers)
        with self._lock:
            self._sockets -= {source, sink}
        _reset(source)
        _reset(sink)

    def _send(self, sink: socket.socket, data: bytes, *, slowly: bool) -> None:
        """Passes data on, byte by byte as long as the mode is DRIP."""
        sent = 0
        while slowly and self._mode is Mode.DRIP and sent < len(data) and not self._ended.is_set():
            sink.sendall(data[sent : sent + 1])
            sent += 1
            time.sleep(0.05)
        sink.sendall(data[sent:])


def _reset(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    one.close()
