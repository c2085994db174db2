"""PUT, GET and DELETE /api/v1/documents/{id}: one document at a time, whatever its id."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

import hybrid
from hybrid.web import create_app
from tests.embedders import Breaks
from tests.web.test_search_api import problem

LAPTOP = {"title": "A quiet laptop", "text": "It has no fan at all.", "price": 749.5}


def url(document_id: str) -> str:
    return f"/api/v1/documents/{quote(document_id, safe='')}"


def test_a_document_is_created_unchanged_updated_and_deleted(client: FlaskClient) -> None:
    created = client.put(url("a"), json=LAPTOP)
    assert (created.status_code, created.get_json()) == (201, {"id": "a", "status": "created"})
    assert created.headers["Location"] == "/api/v1/documents/a"
    assert client.get(url("a")).get_json() == {"id": "a", "document": LAPTOP}

    unchanged = client.put(url("a"), json={"id": "a"} | LAPTOP)
    assert (unchanged.status_code, unchanged.get_json()) == (200, {"id": "a", "status": "unchanged"})
    updated = client.put(url("a"), json=LAPTOP | {"price": 1})
    assert (updated.status_code, updated.get_json()) == (200, {"id": "a", "status": "updated"})

    deleted = client.delete(url("a"))
    assert (deleted.status_code, deleted.get_json()) == (200, {"id": "a", "status": "deleted"})
    problem(client.get(url("a")), 404, "document_not_found")
    problem(client.delete(url("a")), 404, "document_not_found")


def test_a_document_that_was_put_is_found_at_once(client: FlaskClient) -> None:
    client.put(url("a"), json=LAPTOP)
    client.put(url("b"), json={"title": "A loud printer"})
    hits = client.get("/api/v1/search?q=quiet+laptop").get_json()["hits"]
    assert hits[0]["id"] == "a"
    assert hits[0]["document"] == LAPTOP


@pytest.mark.parametrize(
    "document_id",
    [
        "shelf/3/box 4",
        "/leading",
        "trailing/",
        "two//slashes",
        "노트북 하나",
        "100% wool",
        "%2F",
        "a?b#c&d=e",
        "a+b",
        "..",
        "🦊",
        "<script>",
        "x" * 512,
    ],
)
def test_any_id_comes_back_as_it_was_given(client: FlaskClient, document_id: str) -> None:
    created = client.put(url(document_id), json=LAPTOP)
    assert (created.status_code, created.get_json()["id"]) == (201, document_id)
    assert client.get(url(document_id)).get_json()["id"] == document_id
    assert client.get(created.headers["Location"]).get_json()["id"] == document_id
    assert client.get("/search.json?q=laptop").get_json()["hits"][0]["id"] == document_id
    assert client.delete(url(document_id)).status_code == 200


@pytest.mark.parametrize(("document_id", "field"), [("x" * 513, "id"), ("tab\there", "id")])
def test_an_id_that_cannot_be_is_refused_and_makes_no_collection(
    client: FlaskClient, document_id: str, field: str
) -> None:
    assert problem(client.put(url(document_id), json=LAPTOP), 422, "invalid_document")["field"] == field
    problem(client.get("/api/v1/search?q=a"), 404, "collection_not_found")


def test_an_id_that_is_not_utf8_is_not_taken_for_another(client: FlaskClient) -> None:
    raw = {"PATH_INFO": "/api/v1/documents/\xff"}  # as a server hands on %FF; the client itself would repair it
    problem(client.put("/", json=LAPTOP, environ_overrides=raw), 400, "bad_request")


def test_the_id_in_the_body_must_be_that_of_the_url(client: FlaskClient) -> None:
    assert problem(client.put(url("a"), json={"id": "b"} | LAPTOP), 422, "invalid_document")["field"] == "id"


def test_a_value_of_another_type_than_the_field_has_is_refused(client: FlaskClient) -> None:
    client.put(url("a"), json=LAPTOP)
    said = problem(client.put(url("b"), json=LAPTOP | {"price": "cheap"}), 422, "invalid_document")
    assert said["field"] == "price"
    assert "'b'" in said["detail"]
    problem(client.get(url("b")), 404, "document_not_found")


def test_a_vector_can_come_with_the_document_and_must_fit(client: FlaskClient) -> None:
    assert client.put(url("a"), json=LAPTOP | {"vector": [1.0] * 64}).status_code == 201
    assert client.get(url("a")).get_json()["document"] == LAPTOP
    problem(client.put(url("b"), json=LAPTOP | {"vector": [1.0] * 63}), 422, "invalid_document")
    problem(client.put(url("b"), json=LAPTOP | {"vector": [0.0] * 64}), 422, "invalid_document")
    problem(client.put(url("b"), json=LAPTOP | {"vector": "north"}), 422, "invalid_document")


def test_a_field_the_collection_does_not_know_is_kept_and_told(client: FlaskClient) -> None:
    client.put(url("a"), json=LAPTOP)
    said = client.put(url("b"), json=LAPTOP | {"colour": "green"}).get_json()
    assert "colour" in said["notes"][0]
    assert client.get(url("b")).get_json()["document"]["colour"] == "green"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'"a"'])
def test_a_body_that_is_no_object_is_refused(client: FlaskClient, body: bytes) -> None:
    problem(client.put(url("a"), data=body, content_type="application/json"), 400, "invalid_json")


def test_a_body_of_another_type_is_refused(client: FlaskClient) -> None:
    problem(client.put(url("a"), data=b"{}", content_type="text/csv"), 415, "unsupported_media_type")


def test_a_body_over_16_megabytes_is_refused(client: FlaskClient) -> None:
    problem(client.put(url("a"), json={"text": "x" * (16 * 1024 * 1024)}), 413, "request_entity_too_large")


def test_a_write_need_not_wait(client: FlaskClient) -> None:
    assert client.put(f"{url('a')}?wait=false", json=LAPTOP).status_code == 201
    assert client.delete(f"{url('a')}?wait=false").status_code == 200
    assert problem(client.put(f"{url('a')}?wait=maybe", json=LAPTOP), 400, "invalid_query")["field"] == "wait"
    assert problem(client.put(f"{url('a')}?wiat=false", json=LAPTOP), 400, "invalid_query")["field"] == "wiat"


def test_another_collection_is_not_written_read_or_deleted(client: FlaskClient) -> None:
    client.put(url("a"), json=LAPTOP)
    other = f"{url('a')}?collection=others"
    for response in (client.put(other, json=LAPTOP), client.get(other), client.delete(other)):
        problem(response, 404, "collection_not_found")
    assert client.get(f"{url('a')}?collection=documents").status_code == 200


def test_before_anything_was_written_nothing_can_be_read_or_deleted(client: FlaskClient) -> None:
    problem(client.get(url("a")), 404, "collection_not_found")
    problem(client.delete(url("a")), 404, "collection_not_found")


def test_a_model_that_fails_as_nobody_foresaw_leaves_the_document_owed_and_tells_nothing_of_itself() -> None:
    with hybrid.open(":memory:", embedder=Breaks()) as engine:
        response = create_app(engine).test_client().put(url("a"), json={"text": "break here"})
    assert response.status_code == 202
    assert response.json == {"id": "a", "status": "pending", "owed": ["text", "vector"]}


def test_what_nobody_foresaw_is_a_500_with_a_number_and_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    def breaks() -> str:
        raise RuntimeError("secret-host.internal refused to answer")

    with hybrid.open(":memory:", embedder=Breaks()) as engine:
        app = create_app(engine)
        app.add_url_rule("/api/v1/breaks", view_func=breaks)
        response = app.test_client().get("/api/v1/breaks")
    said = problem(response, 500, "internal")
    assert len(said["request_id"]) == 32
    assert "secret-host" not in response.text
    assert "Traceback" not in response.text
    assert said["request_id"] in caplog.text
    assert "secret-host" in caplog.text
