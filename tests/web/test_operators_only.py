"""What is the operator's: no request names a model, an address or a file, and no answer says what a store said."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

import hybrid
from hybrid.errors import DocumentError
from hybrid.model import DocumentOutcome, Outcome, WriteReport
from hybrid.settings import Settings
from hybrid.web import operations
from hybrid.web.queries import ARGUMENTS, SearchBody
from tests.web.conftest import OpenWith
from tests.web.test_search_api import problem

SEARCH = "/api/v1/search"
SHARED = {"collection", "fields", "vector", "deadline_s", "window", "rerank"}
"""Settings whose names are those of arguments too, which mean less."""

SETTINGS = sorted(set(Settings.model_fields) - SHARED)


@pytest.mark.parametrize("name", SETTINGS)
def test_no_setting_can_be_given_by_a_request(shop_client: FlaskClient, name: str) -> None:
    assert name not in SearchBody.model_fields
    assert name not in ARGUMENTS
    problem(shop_client.post(SEARCH, json={"query": "a", name: "http://127.0.0.1:1/x"}), 400, "invalid_query")
    for one in operations.OPERATIONS:
        if one.method == "get":
            url = one.path.replace("{document_id}", "e-001")
            response = shop_client.get(url, query_string={name: "x"})
            assert response.status_code in (400, 404), url


@pytest.mark.parametrize("key", ["model", "model_path", "deadline_s", "url"])
def test_a_search_cannot_choose_the_reranker(shop_client: FlaskClient, key: str) -> None:
    problem(shop_client.post(SEARCH, json={"query": "a", "rerank": {key: "evil/model"}}), 400, "invalid_query")


@pytest.mark.parametrize(
    "value", ["../../etc/passwd", "/etc/passwd", "http://127.0.0.1/x", "file:///etc/passwd", "x.toml"]
)
def test_a_value_that_looks_like_a_file_or_an_address_is_none(
    shop_client: FlaskClient, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.toml").write_text('[fusion]\nmethod = "rrf"\n')
    asked: dict[str, tuple[int, ...]] = {"fusion": (400,), "normalizer": (400,), "compat": (400,), "collection": (404,)}
    for name, statuses in asked.items():
        response = shop_client.get(SEARCH, query_string={"q": "a", name: value})
        assert response.status_code in statuses, name
        assert "root:" not in response.text
    body: Any = shop_client.get(f"/api/v1/documents/{quote(value, safe='')}")
    problem(body, 404, "document_not_found")


def test_what_a_store_said_of_a_deletion_that_it_is_owed_stays_inside(partly_dead: OpenWith, closed_port: int) -> None:
    client = partly_dead("redis")
    client.get("/readyz")
    response = client.delete("/api/v1/documents", query_string={"filter": "price > 100"})
    assert response.status_code == 202
    said = response.get_json()
    assert said["counts"] == {"pending": 2}
    assert sorted(one["id"] for one in said["problems"]) == ["2", "3"]
    assert said["problems"][0].keys() == {"id", "outcome", "owed"}
    assert str(closed_port) not in response.text


def test_what_a_store_said_of_a_document_that_it_refuses_stays_in_the_log(
    engine: hybrid.Engine, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine.put([{"id": "1", "title": "A book"}])
    refusal = "mapper_parsing_exception at secret-host"

    def put(documents: list[dict[str, Any]], *, on_outcome: Any, **_: Any) -> WriteReport:
        on_outcome(DocumentOutcome(documents[0]["id"], Outcome.REJECTED, refusal))
        return WriteReport()

    def update(document_id: str, *_: Any, **__: Any) -> DocumentOutcome:
        raise DocumentError(f"document {document_id!r}: {refusal}", document_id=document_id)

    monkeypatch.setattr(engine, "put", put)
    monkeypatch.setattr(engine, "update", update)
    for method in ("put", "patch"):
        response = getattr(client, method)("/api/v1/documents/1", json={"title": "A book"})
        assert "a store cannot hold it" in problem(response, 422, "invalid_document")["detail"]
        assert "secret-host" not in response.text
    assert caplog.text.count(refusal) == 2
