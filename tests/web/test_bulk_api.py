"""POST /api/v1/documents: a line in is a line out, in order, streamed, and whoever was cut off sends it again."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Iterable, Iterator
from http.client import HTTPConnection
from typing import Any

import numpy as np
import orjson
import pytest
from flask.testing import FlaskClient

import hybrid
from hybrid.errors import BacklogFull, StoreUnavailable
from hybrid.model import DocumentOutcome, Outcome
from hybrid.web import bulk, create_app
from hybrid.web.serving import Server
from tests.embedders import HashedWords
from tests.web.conftest import OpenWith
from tests.web.test_search_api import problem

URL = "/api/v1/documents"
NDJSON = "application/x-ndjson"
STORES = {"text": "written", "vector": "written"}
NOT = {"text": "untouched", "vector": "untouched"}


def body(*lines: Any) -> bytes:
    return b"".join(one if isinstance(one, bytes) else orjson.dumps(one) + b"\n" for one in lines)


def sent(client: FlaskClient, data: bytes, content_type: str = NDJSON) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What is said of each line, and the summary."""
    response = client.post(URL, data=data, content_type=content_type)
    assert (response.status_code, response.mimetype) == (200, NDJSON)
    assert response.data.endswith(b"}\n")
    *lines, summary = map(orjson.loads, response.data.splitlines())
    assert summary.pop("summary") is True
    return lines, summary


def test_a_line_in_is_a_line_out_in_order(engine: hybrid.Engine, client: FlaskClient) -> None:
    engine.put([{"id": "b", "title": "Old", "price": 2}, {"id": "c", "title": "Same", "price": 3}])
    lines, summary = sent(
        client,
        body({"id": "a", "title": "New"}, {"id": "c", "title": "Same", "price": 3}, {"id": "b", "title": "Newer"})
        + body({"_delete": "c"}, {"_delete": "nobody"}, {"id": 7, "title": "A number"}),
    )
    assert lines == [
        {"line": 1, "id": "a", "status": "created", **STORES},
        {"line": 2, "id": "c", "status": "unchanged", **NOT},
        {"line": 3, "id": "b", "status": "updated", **STORES},
        {"line": 4, "id": "c", "status": "deleted", **STORES},
        {"line": 5, "id": "nobody", "status": "not_found", **NOT},
        {"line": 6, "id": "7", "status": "created", **STORES},
    ]
    counts = {"created": 2, "unchanged": 1, "updated": 1, "deleted": 1, "not_found": 1}
    assert summary == {"lines": 6, "counts": counts, "complete": True}
    assert sorted(one["id"] for one in engine.export()) == ["7", "a", "b"]
    assert [hit["id"] for hit in client.get("/api/v1/search?q=newer&limit=1").get_json()["hits"]] == ["b"]


def test_lines_of_one_id_act_one_after_the_other(engine: hybrid.Engine, client: FlaskClient) -> None:
    lines, _ = sent(
        client,
        body(
            {"_delete": "a"},
            {"id": "a", "title": "one"},
            {"id": "a", "title": "two"},
            {"_delete": "a"},
            {"_delete": "a"},
            {"id": "a", "title": "three"},
            {"id": "b", "title": "other"},
        ),
    )
    said = [line["status"] for line in lines]
    assert said == ["not_found", "created", "updated", "deleted", "not_found", "created", "created"]
    assert engine.get("a") == {"title": "three"}


def test_a_line_that_is_wrong_is_rejected_alone_with_its_number(engine: hybrid.Engine, client: FlaskClient) -> None:
    engine.put([{"id": "0", "title": "Zero", "price": 1}])
    lines, summary = sent(
        client,
        body({"id": "1", "title": "One"}, b'{"id": "2", "ti\n', b"\n  \n", {"title": "no id"}, b"[1]\n")
        + body({"id": "3", "price": "cheap", "title": 3}, {"id": "x" * 513}, {"_delete": ""})
        + body(b'{"id": "deep", "a": ' + b"[" * 300 + b"]" * 300 + b"}\n", b'{"id": "4", "title": "Four"}'),
    )
    assert [(line["line"], line["id"], line["status"]) for line in lines] == [
        (1, "1", "created"),
        (2, None, "rejected"),
        (5, None, "rejected"),
        (6, None, "rejected"),
        (7, "3", "rejected"),
        (8, None, "rejected"),
        (9, None, "rejected"),
        (10, None, "rejected"),
        (11, "4", "created"),
    ]
    faults = [line["error"] for line in lines if line["status"] == "rejected"]
    invalid, document = "invalid_json", "invalid_document"
    assert [one["code"] for one in faults] == [invalid, document, document, document, document, document, invalid]
    assert faults[0]["detail"].startswith("line 2 is not JSON")
    assert faults[0]["type"] == "/problems/invalid_json"
    assert {one["pointer"] for one in faults[3]["errors"]} == {"/title", "/price"}
    assert summary == {"lines": 9, "counts": {"created": 2, "rejected": 7}, "complete": True}


def test_an_array_is_answered_like_lines(client: FlaskClient) -> None:
    array = orjson.dumps([{"id": "a", "title": "A"}, 3, {"id": "b", "title": "B"}])
    lines, _ = sent(client, array, "application/json")
    assert [(line["line"], line["status"]) for line in lines] == [(1, "created"), (2, "rejected"), (3, "created")]


@pytest.mark.parametrize("content_type", [NDJSON, "application/json"])
def test_nothing_is_written_by_nothing(client: FlaskClient, content_type: str) -> None:
    assert sent(client, b"[]" if "x-" not in content_type else b"", content_type) == (
        [],
        {"lines": 0, "counts": {}, "complete": True},
    )
    problem(client.get("/api/v1/count"), 404, "collection_not_found")


def test_what_is_no_bulk_body_is_a_problem(client: FlaskClient) -> None:
    problem(client.post(URL, data=b"{}", content_type="application/json"), 400, "invalid_json")
    problem(client.post(URL, data=b"[{]", content_type="application/json"), 400, "invalid_json")
    problem(client.post(URL, data=b"a,b", content_type="text/csv"), 415, "unsupported_media_type")
    problem(client.post(f"{URL}?wait=maybe", data=b"", content_type=NDJSON), 400, "invalid_query")
    problem(client.post(f"{URL}?collection=other", data=b"", content_type=NDJSON), 404, "collection_not_found")


def test_a_store_that_is_owed_documents_is_named(partly_dead: OpenWith) -> None:
    lines, summary = sent(partly_dead("redis"), body({"id": "9", "title": "x"}, {"_delete": "1"}))
    owed = {"text": "written", "vector": "owed"}
    assert lines == [
        {"line": 1, "id": "9", "status": "pending", **owed},
        {"line": 2, "id": "1", "status": "pending", **owed},
    ]
    assert summary["counts"] == {"pending": 2}


def test_a_write_that_another_overtook_and_one_that_a_store_refuses_are_told(
    engine: hybrid.Engine, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.put([{"id": "0", "title": "x"}])
    said = (Outcome.SUPERSEDED, "newer"), (Outcome.REJECTED, "mapper_parsing_exception on secret-host")

    def put(documents: Iterable[Any], *, on_outcome: Any = None, **_: Any) -> None:
        for one, (outcome, reason) in zip(documents, said, strict=False):
            on_outcome(DocumentOutcome(one.id, outcome, reason))

    monkeypatch.setattr(engine, "put", put)
    response = client.post(URL, data=body({"id": "a"}, {"id": "b"}), content_type=NDJSON)
    first, second, _ = map(orjson.loads, response.data.splitlines())
    assert first == {"line": 1, "id": "a", "status": "superseded", **NOT}
    assert (second["status"], second["error"]["code"]) == ("rejected", "invalid_document")
    assert "secret-host" not in response.text


def test_what_cannot_be_begun_is_a_problem_and_what_stops_midway_says_so(
    engine: hybrid.Engine, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST_LINES", 2)
    put, full = engine.put, BacklogFull(9, 9)

    def fails(documents: Any, **options: Any) -> Any:
        listed = list(documents)
        if any(one.id == "bad" for one in listed):
            put(listed[:1], **options)
            raise full
        return put(listed, **options)

    monkeypatch.setattr(engine, "put", fails)
    lines, summary = sent(
        client, body(*({"id": str(n), "title": "x"} for n in range(3)), {"id": "bad"}, {"id": "never read"})
    )
    assert [line["id"] for line in lines] == ["0", "1", "2"]
    assert (summary["lines"], summary["complete"], summary["error"]["code"]) == (3, False, "backlog_full")
    assert sorted(one["id"] for one in engine.export()) == ["0", "1", "2"]

    def dead(*_: Any, **__: Any) -> Any:
        raise StoreUnavailable("redis", "db7.internal")

    monkeypatch.setattr(engine, "put", dead)
    response = client.post(URL, data=body({"id": "x"}), content_type=NDJSON)
    problem(response, 503, "store_unavailable")
    assert "db7" not in response.text


class Source:
    """A body of lines that are made as they are read, and counted."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.lines = lines
        self.made = 0

    def read(self, size: int) -> bytes:
        """One line, whatever size is asked for."""
        self.made += 1
        return next(self.lines, b"")[:size]


def test_lines_are_answered_while_the_body_still_comes(engine: hybrid.Engine, client: FlaskClient) -> None:
    source = Source(orjson.dumps({"id": str(n), "title": "x"}) + b"\n" for n in range(5000))
    chunked = {"wsgi.input": source, "wsgi.input_terminated": True, "CONTENT_TYPE": NDJSON}
    answer = client.post(URL, environ_overrides=chunked)
    first = next(answer.iter_encoded())
    assert first.count(b"\n") == bulk.MOST_LINES
    assert source.made == bulk.MOST_LINES
    answer.close()
    assert engine.count() == bulk.MOST_LINES


def test_a_line_that_is_too_long_is_not_held(monkeypatch: pytest.MonkeyPatch, client: FlaskClient) -> None:
    monkeypatch.setattr(bulk, "MAX_LINE", 100_000)
    long = body({"id": "long", "title": "x" * 300_000})
    lines, _ = sent(client, body({"id": "1"}) + long + body({"id": "2", "title": "y" * 90_000}) + long[:-1])
    assert [(line["line"], line["status"]) for line in lines] == [
        (1, "created"),
        (2, "rejected"),
        (3, "created"),
        (4, "rejected"),
    ]
    assert "100000 bytes" in lines[1]["error"]["detail"]


def test_lines_may_be_more_than_a_body_and_parts_end_by_their_bytes(
    monkeypatch: pytest.MonkeyPatch, engine: hybrid.Engine
) -> None:
    client = create_app(engine).test_client()
    client.application.config["MAX_CONTENT_LENGTH"] = 1000
    monkeypatch.setattr(bulk, "MOST_BYTES", 2000)
    data = body(*({"id": str(n), "title": "x" * 500} for n in range(9)))
    response = client.post(URL, data=data, content_type=NDJSON)
    assert [part.count(b"\n") for part in response.iter_encoded()] == [4, 4, 1, 1]
    problem(client.post(URL, data=b"[" + b" " * 1000 + b"]", content_type="application/json"), 413, CODE_413)


CODE_413 = "request_entity_too_large"


def test_the_server_lets_lines_in_that_are_more_than_any_other_body(engine: hybrid.Engine) -> None:
    server = Server(engine, port=0)
    thread = threading.Thread(target=server.run)
    thread.start()
    lines = b"x" * 15_000_000 + b"\n"
    try:
        connection = HTTPConnection(server.url.removeprefix("http://"), timeout=60)
        connection.request("POST", URL, lines * 5, {"Content-Type": f"{NDJSON}; charset=utf-8"})
        response = connection.getresponse()
        *said, summary = map(orjson.loads, response.read().splitlines())
        assert (response.status, summary["lines"]) == (200, 5)
        assert [one["error"]["code"] for one in said] == ["invalid_json"] * 5
        connection.request("POST", URL, b"[" + lines + lines, {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert (response.status, orjson.loads(response.read())["code"]) == (413, CODE_413)
    finally:
        connection.close()
        server.stop()
        thread.join(20)


class Constant(HashedWords):
    """The same vector for all texts, at no cost."""

    def embed_documents(self, texts: Any) -> Any:
        return np.full((len(texts), self.dim), 0.125, np.float32)


@pytest.mark.parametrize("part", range(5))
def test_a_body_cut_anywhere_and_sent_again_leaves_every_document_once(
    monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    """50 cuts in all, in sending or in answering: nothing is there twice, nothing is lost, nothing said was untrue."""
    monkeypatch.setattr(bulk, "MOST_LINES", 150)
    random_ = random.Random(part)
    documents = [{"id": f"{n}", "title": f"book {n}", "price": n} for n in range(1000)]
    whole = body(*documents)
    for _ in range(10):
        with hybrid.open(":memory:", embedder=Constant()) as engine:
            client = create_app(engine).test_client()
            said = _cut_off(client, whole, random_)
            there = {one["id"] for one in engine.export()}
            assert {one for one, status in said.items() if status == "created"} <= there
            again, summary = sent(client, whole)
            assert [line["id"] for line in again] == [one["id"] for one in documents]
            assert {line["status"] for line in again if line["id"] in there} <= {"unchanged"}
            assert {line["status"] for line in again if line["id"] not in there} <= {"created"}
            assert (summary["lines"], summary["complete"]) == (1000, True)
            assert sorted(engine.export(), key=lambda one: int(one["id"])) == documents


def _cut_off(client: FlaskClient, whole: bytes, random_: random.Random) -> dict[str, str]:
    """What was said of each id by an answer that nobody read to its end, or to a body that ended too early."""
    cut = random_.randrange(len(whole))
    if random_.random() < 0.5:  # the rest of the body never came
        response = client.post(
            URL, input_stream=io.BytesIO(whole[:cut]), content_type=NDJSON, content_length=len(whole), buffered=False
        )
        if response.status_code != 200:
            problem(response, 400, "bad_request")
            return {}
        lines = response.data.splitlines()
    else:  # the connection broke while the answer came
        response = client.post(URL, data=whole[:cut], content_type=NDJSON, buffered=False)
        parts = response.iter_encoded()
        lines = b"".join(next(parts, b"") for _ in range(random_.randrange(8))).splitlines()
        response.close()
    said = [orjson.loads(line) for line in lines]
    return {line["id"]: line["status"] for line in said if line.get("id")}
