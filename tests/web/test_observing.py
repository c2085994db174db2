"""Metrics and logs: what they count and say, and what they never say."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from flask.testing import FlaskClient

import hybrid
from hybrid.web import create_app
from hybrid.web.logs import JsonLines
from tests.embedders import HashedWords


def counts(client: FlaskClient) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_searches_requests_and_problems_are_counted(client: FlaskClient) -> None:
    client.put("/api/v1/documents/1", json={"title": "Quiet laptop"})
    for _ in range(3):
        client.get("/api/v1/search?q=laptop&fusion=rrf")
    client.get("/api/v1/search?q=laptop&limit=-1")
    said = counts(client)
    assert said['hybrid_searches_total{degraded="false",fusion="rrf"}'] == 3
    assert said['hybrid_http_requests_total{endpoint="api.search",method="GET",status="200"}'] == 3
    assert said['hybrid_http_requests_total{endpoint="api.search",method="GET",status="400"}'] == 1
    assert said['hybrid_http_problems_total{code="invalid_query"}'] == 1
    assert said['hybrid_retriever_seconds_count{retriever="text"}'] == 3
    assert said['hybrid_retriever_seconds_bucket{le="+Inf",retriever="vector"}'] == 3
    assert said["hybrid_search_seconds_count"] == 3
    assert said["hybrid_dead_letters"] == 0
    assert said['hybrid_circuit_open{retriever="text"}'] == 0


def test_methods_that_nobody_knows_are_counted_as_one(client: FlaskClient) -> None:
    for number in range(5):
        assert client.open("/healthz", method=f"X{number}").status_code == 405
    said = {name: value for name, value in counts(client).items() if "405" in name and "_created" not in name}
    assert said == {'hybrid_http_requests_total{endpoint="none",method="other",status="405"}': 5}


def test_two_applications_count_apart(engine: hybrid.Engine) -> None:
    one, other = (create_app(engine).test_client() for _ in range(2))
    one.get("/healthz")
    asked = 'hybrid_http_requests_total{endpoint="health.alive",method="GET",status="200"}'
    assert (counts(one)[asked], asked in counts(other)) == (1, False)


def test_what_is_missing_is_counted_by_reason(partly_dead: Callable[..., FlaskClient]) -> None:
    client = partly_dead("redis")
    client.get("/api/v1/search?q=x")
    said = counts(client)
    assert said['hybrid_searches_total{degraded="true",fusion="standard"}'] == 1
    assert said['hybrid_retriever_lost_total{reason="store_unavailable",retriever="vector"}'] == 1
    client.put("/api/v1/documents/9", json={"title": "x"})
    said = counts(client)
    assert said['hybrid_journal_owed{store="vector"}'] == said["hybrid_journal_entries"] == 1


def test_each_request_is_one_line_without_query_or_token(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hybrid.requests")
    client.put("/api/v1/documents/1", json={"title": "Quiet laptop"})
    caplog.clear()
    client.get("/api/v1/search?q=laptop", headers={"X-Request-ID": "abc-1", "Authorization": "Bearer hyb_secret"})
    client.get("/api/v1/search?q=laptop&limit=x")
    client.get("/healthz")
    first, second = (record for record in caplog.records if record.name == "hybrid.requests")
    facts = first.facts  # type: ignore[attr-defined]
    assert facts.pop("took_ms") > 0
    assert facts == {
        "request_id": "abc-1",
        "method": "GET",
        "endpoint": "api.search",
        "status": 200,
        "fusion": "standard",
        "hits": 1,
    }
    assert (second.facts["status"], second.facts["code"]) == (400, "invalid_query")  # type: ignore[attr-defined]
    assert "laptop" not in caplog.text
    assert "secret" not in caplog.text
    line = orjson.loads(JsonLines().format(first))
    assert (line["request_id"], line["level"], line["logger"]) == ("abc-1", "info", "hybrid.requests")
    assert line["time"].endswith("Z")


def test_queries_are_written_down_where_the_operator_wants_it(
    engine: hybrid.Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "hybrid.requests")
    engine.put([{"id": "1", "title": "Quiet laptop"}])
    create_app(engine, log_queries=True).test_client().get("/api/v1/search?q=quiet+lamps")
    assert caplog.records[-1].facts["query"] == "quiet lamps"  # type: ignore[attr-defined]
    assert caplog.records[-1].getMessage().endswith(" query='quiet lamps'")


@pytest.mark.parametrize(
    "query", ["lamp\nINFO hybrid.requests: forged", "lamp status=200", "lamp\u2028x", "lamp\x1b[2J"]
)
def test_a_query_cannot_forge_a_line_or_a_fact(
    engine: hybrid.Engine, caplog: pytest.LogCaptureFixture, query: str
) -> None:
    caplog.set_level(logging.INFO, "hybrid.requests")
    engine.put([{"id": "1", "title": "Quiet laptop"}])
    create_app(engine, log_queries=True).test_client().get("/api/v1/search", query_string={"q": query})
    said = caplog.records[-1].getMessage()
    assert said.isprintable()
    assert said.endswith(f" query={query!r}")


def test_a_trace_is_part_of_its_line() -> None:
    try:
        raise ValueError("no")
    except ValueError as error:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "it %s", ("failed",), (ValueError, error, None))
    line = orjson.loads(JsonLines().format(record))
    assert (line["message"], line["level"], line["trace"]) == ("it failed", "error", "ValueError: no")


def test_elasticsearch_is_told_on_whose_behalf_it_is_asked(tmp_path: Path) -> None:
    """What is sent is read from the wire; nobody answers, and the next request is another's."""
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "title": "Quiet laptop"}])
    heard: list[bytes] = []

    def listen(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                heard.append(connection.recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=listen, args=(server,))
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with hybrid.open(tmp_path, embedder=HashedWords(), elasticsearch=url) as engine:
            client = create_app(engine).test_client()
            client.get("/api/v1/search?q=laptop", headers={"X-Request-ID": "night-7"})
            of_the_request = len(heard)
            engine.ping()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    assert any(b"night-7" in one for one in heard[:of_the_request])
    assert all(b"x-opaque-id: night-7" in one.lower() for one in heard[:of_the_request])
    assert not any(b"x-opaque-id" in one.lower() for one in heard[of_the_request:])
