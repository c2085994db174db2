"""Errors, health, headers and dead stores: what is told, and what is never told."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import hybrid
from hybrid.errors import (
    CollectionMismatch,
    DocumentError,
    EmbeddingError,
    HybridError,
    JournalError,
    ModelNotFound,
    Overloaded,
    RetrieverRequired,
    SearchUnavailable,
    SettingsError,
    StoreDenied,
    StoreFull,
    StoreReplyError,
    StoreTimeout,
    StoreUnavailable,
)
from hybrid.web import create_app
from hybrid.web.problems import of_hybrid
from tests.embedders import HashedWords
from tests.web.conftest import OpenWith
from tests.web.test_search_api import problem

PAGES = ["/", "/search?q=laptop", "/search?q=laptop&limit=x", "/nowhere", "/api/v1/search?q=a", "/static/style.css"]


@pytest.mark.parametrize("url", PAGES)
def test_every_answer_forbids_what_the_page_does_not_need(shop_client: FlaskClient, url: str) -> None:
    with shop_client.get(url) as response:
        assert response.headers["Content-Security-Policy"] == (
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"


def test_what_is_not_there_is_a_problem_for_programs_and_a_page_for_people(client: FlaskClient) -> None:
    problem(client.get("/api/v1/nothing"), 404, "not_found")
    problem(client.get("/nowhere", headers={"Accept": "application/json"}), 404, "not_found")
    page = client.get("/nowhere", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "There is no such page" in page.text


@pytest.mark.parametrize(
    "path", ["/evaluate/runs/9.json", "/collections/documents/nobody?format=json", "/evaluate/judge.json?depth=x"]
)
def test_where_json_is_asked_for_a_problem_is_json_too(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers={"Accept": "*/*"})
    assert (response.status_code in (400, 404), response.mimetype) == (True, "application/problem+json")


def test_what_sends_a_file_and_reads_lines_is_told_a_problem_that_it_can_read(client: FlaskClient) -> None:
    sent = {"file": (io.BytesIO(b"x"), "a.exe")}
    refused = client.post("/collections/upload", data=sent, headers={"Accept": "application/x-ndjson"})
    assert "a.exe: files named like this are not taken" in problem(refused, 400, "invalid_input")["detail"]
    assert client.post("/collections/upload", headers={"Accept": "text/html"}).mimetype == "text/html"


def test_what_is_no_search_is_not_headed_as_one(client: FlaskClient) -> None:
    html = {"Accept": "text/html"}
    assert "<h1>What was given is wrong</h1>" in client.post("/collections/upload", headers=html).text
    assert "<h1>주어진 것이 잘못되었습니다</h1>" in client.post("/collections/upload?lang=ko", headers=html).text
    assert "<h1>The request cannot be read</h1>" in client.post("/evaluate/judge/rate", headers=html).text
    assert "<h1>That cannot be searched for</h1>" in client.get("/compare?q=a&a.k=0", headers=html).text


def test_a_wrong_method_is_told_the_right_ones(client: FlaskClient) -> None:
    response = client.delete("/api/v1/search?q=a")
    problem(response, 405, "method_not_allowed")
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}
    assert client.post("/search").status_code == 405


def test_an_app_asked_by_a_name_that_is_not_its_own_refuses(engine: hybrid.Engine) -> None:
    client = create_app(engine, trusted_hosts=["localhost"]).test_client()
    assert client.get("/healthz").status_code == 200
    problem(client.get("/healthz", headers={"Host": "evil.example"}), 400, "bad_request")
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/", headers={"Host": "localhost.evil.example"}).status_code == 400
    assert client.get("/", headers={"Host": "no host!"}).status_code == 400
    assert client.get("/", headers={"Host": "LocalHost:99"}).status_code == 200


@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (DocumentError("no", document_id="a", field="price"), 422, "no"),
        (CollectionMismatch("other model"), 409, "other model"),
        (StoreUnavailable("redis", "db7.internal:6379 refused"), 503, "redis store cannot be reached"),
        (StoreTimeout("redis", "db7.internal:6379"), 503, "did not answer in time"),
        (StoreDenied("elasticsearch", "user root at db7.internal"), 503, "elasticsearch store refused access"),
        (StoreFull("redis", "db7.internal"), 503, "no room"),
        (StoreReplyError("redis", "db7.internal"), 503, "makes no sense"),
        (SearchUnavailable({"text": "db7.internal", "vector": "store_timeout"}), 503, "text store failed"),
        (ModelNotFound("/home/me/models on db7.internal"), 503, "model is not available"),
        (JournalError("/var/db7/journal"), 503, "nothing was changed"),
        (EmbeddingError("db7.internal"), 500, "nobody foresaw"),
        (SettingsError("db7.internal"), 500, "nobody foresaw"),
    ],
)
def test_each_error_has_its_status_and_names_no_host(
    engine: hybrid.Engine, error: HybridError, status: int, shown: str
) -> None:
    with create_app(engine).test_request_context():
        said = of_hybrid(error)
    assert (said.status, said.code) == (status, error.code)
    assert shown in said.detail
    assert "db7" not in repr(said)
    assert dict(said.headers) == ({"Retry-After": "1"} if status == 503 else {})


def test_alive_is_alive_even_when_all_stores_are_dead(partly_dead: OpenWith) -> None:
    response = partly_dead("redis", "elasticsearch").get("/healthz")
    assert (response.status_code, response.get_json()) == (200, {"status": "ok"})


def test_ready_while_both_stores_answer(shop_client: FlaskClient) -> None:
    for url in ("/readyz", "/readyz?require=any", "/readyz?require=all"):
        response = shop_client.get(url)
        assert response.status_code == 200
        assert response.get_json() == {"status": "ready", "stores": {"text": "ok", "vector": "ok"}, "journal": "ok"}
    problem(shop_client.get("/readyz?require=most"), 400, "invalid_query")


def test_ready_with_one_dead_store_unless_all_are_required(partly_dead: OpenWith) -> None:
    client = partly_dead("redis")
    stores = {"text": "ok", "vector": "unavailable"}
    loose, strict = client.get("/readyz"), client.get("/readyz?require=all")
    assert (loose.status_code, loose.get_json()) == (200, {"status": "ready", "stores": stores, "journal": "ok"})
    assert (strict.status_code, strict.get_json()) == (
        503,
        {"status": "unavailable", "stores": stores, "journal": "ok"},
    )


def test_not_ready_when_the_journal_cannot_be_written(tmp_path: Path) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "title": "one"}])
        client = create_app(engine).test_client()
        assert client.get("/readyz").status_code == 200
    engine = hybrid.open(tmp_path, embedder=HashedWords())
    journal = tmp_path / "documents" / "journal.sqlite"
    journal.write_bytes(b"this is no database" * 100)
    with engine:
        response = create_app(engine).test_client().get("/readyz")
    assert response.status_code == 503
    assert response.get_json()["journal"] == "unavailable"


def test_not_ready_when_both_stores_are_dead(partly_dead: OpenWith) -> None:
    response = partly_dead("redis", "elasticsearch").get("/readyz")
    assert response.status_code == 503
    assert response.get_json()["stores"] == {"text": "unavailable", "vector": "unavailable"}


def test_with_one_dead_store_the_other_answers_and_the_json_says_so(partly_dead: OpenWith) -> None:
    body = partly_dead("redis").get("/api/v1/search?q=quiet+laptop").get_json()
    assert body["degraded"] is True
    assert sorted(hit["id"] for hit in body["hits"]) == ["1", "2", "3"]
    assert body["retrievers"]["vector"]["status"] == "failed"
    assert body["retrievers"]["vector"]["reason"] == "store_unavailable"
    assert body["hits"][0]["explain"]["vector"] == {"status": "failed", "contribution": 0.0}


def test_with_one_dead_store_the_page_says_which_and_why(partly_dead: OpenWith) -> None:
    by_text = partly_dead("redis").get("/search?q=quiet+laptop")
    assert by_text.status_code == 200
    assert "The vector store cannot be reached. These results come from text only." in by_text.text
    assert "vector: failed" in by_text.text
    by_vector = partly_dead("elasticsearch").get("/search?q=quiet+laptop")
    assert "The text store cannot be reached. These results come from vector only." in by_vector.text


@pytest.mark.parametrize("url", ["/api/v1/search?q=laptop", "/api/v1/documents/1", "/search.json?q=laptop"])
def test_with_no_store_nothing_is_answered_as_if_it_were_empty(
    partly_dead: OpenWith, closed_port: int, url: str
) -> None:
    response = partly_dead("redis", "elasticsearch").get(url)
    body = problem(response, 503, "store_unavailable")
    assert response.headers["Retry-After"] == "1"
    assert body["store"] in ("redis", "elasticsearch")
    assert str(closed_port) not in response.text
    assert "127.0.0.1" not in response.text


def test_with_no_store_the_page_says_so_and_keeps_the_question(partly_dead: OpenWith, closed_port: int) -> None:
    response = partly_dead("redis", "elasticsearch").get("/search?q=quiet+laptop")
    assert (response.status_code, response.mimetype) == (503, "text/html")
    assert response.headers["Retry-After"] == "1"
    assert "Search is not available right now" in response.text
    assert 'value="quiet laptop"' in response.text
    assert str(closed_port) not in response.text


def test_when_the_only_asked_retriever_fails_there_is_no_empty_answer(partly_dead: OpenWith) -> None:
    response = partly_dead("redis").get("/api/v1/search?q=laptop&retrievers=vector")
    assert problem(response, 503, "search_unavailable")["retrievers"].keys() == {"vector"}


def test_a_write_that_a_dead_store_is_owed_is_accepted_and_says_so(partly_dead: OpenWith) -> None:
    client = partly_dead("redis")
    written = client.put("/api/v1/documents/9", json={"title": "x"})
    deleted = client.delete("/api/v1/documents/1")
    assert (written.status_code, written.get_json()) == (202, {"id": "9", "status": "pending", "owed": ["vector"]})
    assert (deleted.status_code, deleted.get_json()) == (202, {"id": "1", "status": "pending", "owed": ["vector"]})
    assert [hit["id"] for hit in client.get("/api/v1/search?q=x").get_json()["hits"]] == ["9"]


def test_a_search_that_was_shed_is_a_503_that_says_when_to_come_back() -> None:
    said = of_hybrid(Overloaded({"text": "overloaded", "vector": "overloaded"}))
    assert (said.status, said.code, said.headers) == (503, "overloaded", {"Retry-After": "1"})
    assert said.members == {"retrievers": {"text": "overloaded", "vector": "overloaded"}}
    assert said.detail.startswith("Too many searches wait already. The text store has too many searches waiting.")


def test_a_required_store_that_did_not_answer_is_a_503_that_names_it() -> None:
    said = of_hybrid(RetrieverRequired({"vector": "circuit_open"}, {"vector": "redis at secret:6379"}))
    assert (said.status, said.code) == (503, "retriever_required")
    assert "The vector store has not answered for a while, and is asked again soon." in said.detail
    assert "secret" not in said.detail
