"""GET and DELETE /api/v1/documents, GET /api/v1/count, and PATCH of one: many documents at once, and single fields."""

from __future__ import annotations

import http.client
import json
import threading
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import hybrid
from hybrid.errors import StoreUnavailable
from hybrid.web.serving import Server
from tests.web.test_search_api import problem

SHOP = [
    {"id": "1", "title": "Quiet laptop", "price": 900},
    {"id": "2", "title": "조용한\n노트북", "price": 800},
    {"id": "a/b,c&d", "title": "Book", "price": 10},
]
URL = "/api/v1/documents"


@pytest.fixture(autouse=True)
def filled(engine: hybrid.Engine) -> None:
    engine.put(SHOP)


def lines(response: TestResponse) -> dict[str, dict[str, Any]]:
    assert response.status_code == 200
    assert response.mimetype == "application/x-ndjson"
    rows = [json.loads(line) for line in response.data.splitlines()]
    return {row["id"]: row for row in rows}


def test_all_documents_come_a_line_each(client: FlaskClient) -> None:
    assert lines(client.get(URL)) == {one["id"]: one for one in SHOP}
    assert client.get(URL).data.endswith(b"}\n")


def test_a_filter_and_ids_choose(client: FlaskClient) -> None:
    assert lines(client.get(f"{URL}?filter={quote('price < 850')}")).keys() == {"2", "a/b,c&d"}
    assert client.get(f"{URL}?filter={quote('price < 0')}").data == b""
    assert lines(client.get(f"{URL}?id=1&id=nobody&id={quote('a/b,c&d')}")) == {one["id"]: one for one in SHOP[::2]}
    assert problem(client.get(f"{URL}?id=1&filter=price%3C1"), 400, "invalid_query")["field"] == "filter"


def test_what_cannot_be_exported_is_a_problem_not_half_an_answer(client: FlaskClient) -> None:
    assert problem(client.get(f"{URL}?filter={quote('price <')}"), 400, "invalid_filter")["position"] == 7
    assert problem(client.get(f"{URL}?fliter=a"), 400, "invalid_query")["field"] == "fliter"
    problem(client.get(f"{URL}?collection=others"), 404, "collection_not_found")


def test_they_are_counted(client: FlaskClient) -> None:
    assert client.get("/api/v1/count").get_json() == {"count": 3}
    assert client.get(f"/api/v1/count?filter={quote('price >= 800')}").get_json() == {"count": 2}
    problem(client.get("/api/v1/count?filter=a%3D%3D"), 400, "invalid_filter")


def test_a_filter_deletes_and_a_dry_run_tells(client: FlaskClient) -> None:
    url = f"{URL}?filter={quote('price >= 800')}"
    dry = client.delete(f"{url}&dry_run=true").get_json()
    assert (dry["counts"], dry["dry_run"]) == ({"deleted": 2}, True)
    assert client.get("/api/v1/count").get_json() == {"count": 3}
    wet = client.delete(url).get_json()
    assert (wet["counts"], wet["dry_run"]) == ({"deleted": 2}, False)
    assert lines(client.get(URL)).keys() == {"a/b,c&d"}


@pytest.mark.parametrize("arguments", ["", "?filter=", "?filter=%20", "?id=1", "?filter=price%3C1&dry_run=yes"])
def test_nothing_is_deleted_by_a_request_that_does_not_say_what(client: FlaskClient, arguments: str) -> None:
    problem(client.delete(f"{URL}{arguments}"), 400, "invalid_query")
    assert client.get("/api/v1/count").get_json() == {"count": 3}


def test_single_fields_are_changed_and_removed(client: FlaskClient) -> None:
    assert client.patch(f"{URL}/1", json={"price": 850, "title": "Loud laptop"}).get_json() == {
        "id": "1",
        "status": "updated",
    }
    merge = {"data": b'{"price": null}', "content_type": "application/merge-patch+json"}
    assert client.patch(f"{URL}/1", **merge).get_json()["status"] == "updated"
    assert client.patch(f"{URL}/1", **merge).get_json()["status"] == "unchanged"
    assert client.get(f"{URL}/1").get_json()["document"] == {"title": "Loud laptop"}
    problem(client.patch(f"{URL}/nobody", json={"price": 1}), 404, "document_not_found")
    assert problem(client.patch(f"{URL}/2", json={"price": "cheap"}), 422, "invalid_document")["field"] == "price"
    problem(client.patch(f"{URL}/2", data=b"[1]", content_type="application/json"), 400, "invalid_json")


def test_an_update_can_say_what_it_expects(client: FlaskClient) -> None:
    def expecting(value: Any) -> str:
        return f"{URL}/1?expected={quote(json.dumps(value))}"

    assert (
        problem(client.patch(expecting({"price": 1}), json={"price": 2}), 409, "document_conflict")["field"] == "price"
    )
    assert client.patch(expecting({"price": 900, "brand": None}), json={"price": 2}).get_json()["status"] == "updated"
    for wrong in ([1], "price"):
        problem(client.patch(expecting(wrong), json={"price": 3}), 400, "invalid_query")
    problem(client.patch(f"{URL}/1?expected=%7B", json={"price": 3}), 400, "invalid_query")
    assert client.get(f"{URL}/1").get_json()["document"]["price"] == 2


def test_an_answer_that_breaks_off_is_seen_to_be_no_whole_one(
    engine: hybrid.Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine.put({"id": f"n{n}", "title": "words"} for n in range(600))
    text, fetch, calls = engine._location.place.text, engine._location.place.text.fetch, iter(range(100))

    def dies(ids: Any) -> Any:
        if next(calls):
            raise StoreUnavailable("elasticsearch", "killed midway")
        return fetch(ids)

    monkeypatch.setattr(text, "fetch", dies)
    server = Server(engine, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", int(server.url.rpartition(":")[2]), timeout=10)
        connection.request("GET", URL)
        response = connection.getresponse()
        assert response.status == 200
        with pytest.raises(http.client.IncompleteRead):
            response.read()
        connection.close()
    finally:
        server.stop()
        thread.join()
    assert "killed midway" in caplog.text
