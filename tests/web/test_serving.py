"""The real server: where it listens, what it refuses, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest

import hybrid
from hybrid import tokens
from hybrid.errors import SettingsError
from hybrid.web.serving import Server
from tests.embedders import HashedWords

ROOT = Path(__file__).parents[2]


class Slow(HashedWords):
    """Takes its time over a query, and says when it started."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds
        self.started = threading.Event()

    def embed_queries(self, texts):  # type: ignore[no-untyped-def]
        self.started.set()
        time.sleep(self.seconds)
        return super().embed_queries(texts)


def ask(url: str, path: str, host: str | None = None) -> tuple[int, bytes]:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": host} if host else {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


@pytest.fixture
def slow() -> Slow:
    return Slow(0.5)


@pytest.fixture
def engine(slow: Slow) -> Iterator[hybrid.Engine]:
    with hybrid.open(":memory:", embedder=slow, deadline_s=10) as engine:
        engine.put([{"id": "a", "title": "A quiet laptop"}])
        yield engine


@pytest.fixture
def server(engine: hybrid.Engine) -> Iterator[Server]:
    """A server on a free port, running in a thread; ended and gone afterwards."""
    server = Server(engine, port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    yield server
    server.stop()
    thread.join(20)
    assert not thread.is_alive()


def test_many_who_are_connected_and_silent_hinder_nobody(server: Server) -> None:
    address = (urlsplit(server.url).hostname, urlsplit(server.url).port)
    with ExitStack() as silent:
        for _ in range(300):
            silent.enter_context(socket.create_connection(address))  # type: ignore[arg-type]
        assert ask(server.url, "/healthz")[0] == 200


def test_it_answers_on_this_machine_at_the_url_it_names(server: Server) -> None:
    assert urlsplit(server.url).hostname == "127.0.0.1"
    assert urlsplit(server.url).port
    assert ask(server.url, "/healthz") == (200, b'{"status":"ok"}')
    status, body = ask(server.url, "/api/v1/search?q=laptop")
    assert (status, b'"id":"a"' in body) == (200, True)


def test_it_answers_to_its_own_names_only(server: Server) -> None:
    port = urlsplit(server.url).port
    assert ask(server.url, "/", host=f"localhost:{port}")[0] == 200
    assert ask(server.url, "/", host=f"evil.example:{port}")[0] == 400


def test_a_host_that_cannot_be_read_is_none_of_its_own(server: Server) -> None:
    assert [ask(server.url, "/healthz", host)[0] for host in ("[:::]", "[", "[::1", "a]b")] == [400] * 4


def test_it_answers_on_an_ipv6_address(engine: hybrid.Engine) -> None:
    server = Server(engine, "::1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    assert server.url.startswith("http://[::1]:")
    assert ask(server.url, "/healthz")[0] == 200
    assert ask(server.url, "/", host="evil.example")[0] == 400
    server.stop()
    thread.join(20)


def test_it_listens_beyond_this_machine_only_when_that_is_allowed(engine: hybrid.Engine) -> None:
    for host in ("0.0.0.0", "::"):
        with pytest.raises(SettingsError, match="there are no tokens"):
            Server(engine, host, 0)
    server = Server(engine, "0.0.0.0", 0, allow_remote=True)
    thread = threading.Thread(target=server.run)
    thread.start()
    local = server.url.replace("0.0.0.0", "127.0.0.1")
    assert ask(local, "/healthz", host="search.example")[0] == 200
    server.stop()
    thread.join(20)


@pytest.mark.parametrize("shown", ["", "Bearer hyb_wrong", "Basic eDp5", "Bearer hyb_reads", "Bearer hyb_writes"])
@pytest.mark.parametrize("length", ["Content-Length: 100000000", "Transfer-Encoding: chunked"])
def test_a_large_body_is_taken_of_who_has_a_token_only(shown: str, length: str) -> None:
    """Others are refused before they have sent it, so that their bodies fill no disk."""
    roles = (("hyb_reads", "read"), ("hyb_writes", "write"))
    held = [{"name": role, "role": role, "digest": tokens.digest(token)} for token, role in roles]
    with hybrid.open(":memory:", embedder=HashedWords(), api={"tokens": held}) as engine:
        server = Server(engine, port=0)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            with socket.create_connection((urlsplit(server.url).hostname, urlsplit(server.url).port), 3) as client:
                head = [
                    "POST /api/v1/documents HTTP/1.1",
                    "Host: localhost",
                    "Content-Type: application/x-ndjson",
                    length,
                ]
                client.sendall("\r\n".join([*head, *([f"Authorization: {shown}"] if shown else []), "", ""]).encode())
                if "chunked" in length:
                    client.sendall(b"20000\r\n" + b" " * 0x20000 + b"\r\n")
                if shown in ("Bearer hyb_reads", "Bearer hyb_writes"):
                    client.settimeout(0.5)
                    with pytest.raises(TimeoutError):  # it waits for the rest
                        client.recv(1)
                else:
                    said = client.recv(65536)
                    assert said.startswith(b"HTTP/1.1 401 ")
                    assert b"www-authenticate: bearer" in said.lower()
        finally:
            server.stop()
            thread.join(20)


def test_a_port_that_is_taken_and_a_host_that_is_none_are_told(engine: hybrid.Engine, server: Server) -> None:
    port = urlsplit(server.url).port
    assert port
    with pytest.raises(SettingsError, match=f"port {port}: Address already in use"):
        Server(engine, port=port)
    with pytest.raises(SettingsError, match="no address"):
        Server(engine, "no such host", 0)


def test_a_request_under_way_is_finished_and_nobody_new_is_let_in(engine: hybrid.Engine, slow: Slow) -> None:
    server = Server(engine, port=0)
    answers: list[tuple[int, bytes]] = []
    serving = threading.Thread(target=server.run)
    asking = threading.Thread(target=lambda: answers.append(ask(server.url, "/api/v1/search?q=laptop")))
    serving.start()
    asking.start()
    assert slow.started.wait(10)
    server.stop()
    server.stop()
    serving.join(20)
    asking.join(20)
    assert [status for status, _ in answers] == [200]
    with pytest.raises(ConnectionRefusedError):
        ask(server.url, "/healthz")


def test_an_idle_connection_does_not_hold_up_the_end(server: Server) -> None:
    parts = urlsplit(server.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 0)), timeout=10) as idle:
        assert ask(server.url, "/healthz")[0] == 200
        server.stop()
        assert idle.recv(1) == b""


def test_stopped_before_it_runs_it_ends_at_once(engine: hybrid.Engine) -> None:
    server = Server(engine, port=0)
    server.stop()
    server.run()
    server.stop()


PROGRAM = """
import sys, time
import hybrid
from hybrid.web.serving import Server
from tests.embedders import HashedWords


class Slow(HashedWords):
    def embed_queries(self, texts):
        print("a search is under way", flush=True)
        time.sleep(1)
        return super().embed_queries(texts)

    def embed_documents(self, texts):
        if len(texts) > 1:
            print("a write is under way", flush=True)
            time.sleep(0.3)
        return super().embed_documents(texts)


with hybrid.open(sys.argv[1], embedder=Slow(), deadline_s=10) as engine:
    engine.put([{"id": "a", "title": "A quiet laptop"}])
    server = Server(engine, port=0)
    print(server.url, flush=True)
    server.run()
print("ended well", flush=True)
"""


@contextmanager
def program(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process that serves a collection, and its URL; in the end it has ended by itself, and said nothing wrong."""
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as running:
        assert running.stdout
        assert running.stderr
        yield running, running.stdout.readline().strip()
        assert running.stdout.readlines()[-1] == "ended well\n"
        assert running.stderr.read() == ""
        assert running.wait(20) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_program_once_its_answers_are_given(number: signal.Signals, tmp_path: Path) -> None:
    answers: list[tuple[int, bytes]] = []
    with program(tmp_path) as (running, url):
        asking = threading.Thread(target=lambda: answers.append(ask(url, "/api/v1/search?q=laptop")))
        asking.start()
        assert running.stdout
        assert running.stdout.readline() == "a search is under way\n"
        running.send_signal(number)
        asking.join(20)
    assert [status for status, _ in answers] == [200]


def test_a_write_under_way_is_finished_and_all_that_was_answered_is_there(tmp_path: Path) -> None:
    count = 3000
    lines = b"".join(b'{"id": "%d", "title": "lamp %d"}\n' % (number, number) for number in range(count))
    said: list[bytes] = []

    def send(url: str) -> None:
        connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        connection.request("POST", "/api/v1/documents", lines, {"Content-Type": "application/x-ndjson"})
        said.extend(connection.getresponse().read().splitlines())
        connection.close()

    with program(tmp_path) as (running, url):
        sending = threading.Thread(target=send, args=(url,))
        sending.start()
        assert running.stdout
        assert running.stdout.readline() == "a write is under way\n"
        running.send_signal(signal.SIGTERM)
        sending.join(30)
    *each, summary = map(orjson.loads, said)
    assert [one["status"] for one in each] == ["created"] * count
    assert (summary["lines"], summary["complete"]) == (count, True)
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        assert engine.count() == count + 1
        assert engine.verify().agree
        assert engine.flush().entries == 0
