"""Each code of a problem is raised here, has its page, and says where in the request the fault is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import hybrid
from hybrid import errors
from hybrid.web import create_app
from hybrid.web.codes import CODES
from tests.embedders import HashedWords
from tests.web.test_search_api import problem

SEARCH, DOCUMENT, MANY = "/api/v1/search", "/api/v1/documents/1", "/api/v1/documents"

ASKED: dict[str, Callable[[FlaskClient], TestResponse]] = {
    "bad_request": lambda client: client.get("/healthz", headers={"Host": "evil.example"}),
    "invalid_json": lambda client: client.put(DOCUMENT, data=b"{", content_type="application/json"),
    "invalid_query": lambda client: client.get(f"{SEARCH}?limit=-1"),
    "invalid_filter": lambda client: client.get(f"{SEARCH}?filter=prize<3"),
    "invalid_cursor": lambda client: client.get(f"{SEARCH}?q=a&cursor=x"),
    "invalid_fusion": lambda client: client.get(f"{SEARCH}?q=a&fusion=magic"),
    "not_found": lambda client: client.get("/api/v1/nothing"),
    "collection_not_found": lambda client: client.get(f"{DOCUMENT}?collection=other"),
    "document_not_found": lambda client: client.get(f"{MANY}/nobody"),
    "forbidden": lambda client: client.delete(DOCUMENT, headers={"Origin": "https://evil.example"}),
    "method_not_allowed": lambda client: client.delete(SEARCH),
    "document_conflict": lambda client: client.patch(f'{DOCUMENT}?expected={{"price":1}}', json={"price": 2}),
    "request_entity_too_large": lambda client: client.put(DOCUMENT, json={"title": "x" * 16_777_216}),
    "unsupported_media_type": lambda client: client.put(DOCUMENT, data=b"{}", content_type="text/csv"),
    "invalid_document": lambda client: client.put(DOCUMENT, json={"price": "cheap"}),
}
"""By code, a request that is answered with it."""

RAISED: tuple[errors.HybridError, ...] = (
    errors.SchemaError("the fields title and Title"),
    errors.InputError("what was given"),
    errors.CollectionMismatch("the collection was made with another model"),
    errors.CursorGone("the answer is not kept any more"),
    errors.EmbeddingError("secret: the model failed"),
    errors.SettingsError("secret: settings"),
    errors.MissingExtra("rerank", "secret"),
    errors.EngineClosed("secret"),
    errors.SearchUnavailable({"text": "secret"}),
    errors.RetrieverRequired({"text": "store_timeout"}, {"text": "secret"}),
    errors.Overloaded({"text": "overloaded"}),
    errors.StoreError("redis", "secret"),
    errors.StoreUnavailable("redis", "secret"),
    errors.StoreTimeout("redis", "secret"),
    errors.StoreDenied("redis", "secret"),
    errors.StoreFull("redis", "secret"),
    errors.StoreReplyError("redis", "secret"),
    errors.JournalError("secret"),
    errors.BacklogFull(7, 7),
    errors.ModelNotFound("secret"),
)
"""Errors that an engine raises in a state that is far to seek; what a store said is in their messages."""

NEVER = {"error", "collection"}
"""Codes of classes that have only subclasses raised."""


@pytest.fixture(scope="module")
def asked() -> Iterator[FlaskClient]:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "title": "Quiet laptop", "price": 3}])
        yield create_app(engine, trusted_hosts=["localhost"]).test_client()


@pytest.mark.parametrize("code", ASKED)
def test_a_request_is_answered_with_the_code_and_its_status(asked: FlaskClient, code: str) -> None:
    body = problem(ASKED[code](asked), CODES[code].status, code)
    assert body["title"] == CODES[code].title
    assert len(body["request_id"]) == 32


@pytest.mark.parametrize("error", RAISED, ids=lambda error: error.code)
def test_an_error_is_answered_with_its_code_and_not_with_what_a_store_said(
    engine: hybrid.Engine, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: errors.HybridError
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(engine, "search", fails)
    response = client.get(f"{SEARCH}?q=a")
    problem(response, CODES[error.code].status, error.code)
    assert "secret" not in response.text
    assert response.headers.get("Retry-After") == ("1" if response.status_code == 503 else None)


def test_an_error_that_nobody_foresaw_is_internal(
    engine: hybrid.Engine, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "count", lambda *_: 1 / 0)
    problem(client.get("/api/v1/count"), 500, "internal")


def test_all_codes_are_raised_here() -> None:
    elsewhere = {
        "internal",
        "precondition_failed",
        "too_many_requests",
        "unauthorized",
    }  # above, and in their own files
    raised = set(ASKED) | {error.code for error in RAISED} | elsewhere
    assert raised == set(CODES)


def test_each_error_of_the_package_has_a_code_that_is_told() -> None:
    def kinds(one: type[errors.HybridError]) -> Iterator[type[errors.HybridError]]:
        yield one
        for below in one.__subclasses__():
            yield from kinds(below)

    codes = {one.code for one in kinds(errors.HybridError) if one.__module__.startswith("hybrid.")}
    assert codes - NEVER - set(CODES) == set()


@pytest.mark.parametrize("code", CODES)
def test_the_page_of_a_code_is_where_its_type_points(client: FlaskClient, code: str) -> None:
    page = client.get(f"/problems/{code}")
    assert page.status_code == 200
    assert f"<code>{code}</code>" in page.text
    assert f"Status {CODES[code].status}." in page.text
    assert page.text.count("<section") == 1


def test_one_page_has_all_codes_and_there_is_none_of_another(client: FlaskClient) -> None:
    assert client.get("/problems").text.count("<section") == len(CODES)
    assert client.get("/problems/nonsense").status_code == 404


def test_below_a_prefix_the_type_still_points_to_the_page(client: FlaskClient) -> None:
    said = client.get("/api/v1/nothing", environ_overrides={"SCRIPT_NAME": "/shop"}).get_json()
    assert said["type"] == "/shop/problems/not_found"


def test_all_that_is_wrong_with_a_body_is_told_at_once(asked: FlaskClient) -> None:
    body = {"query": 3, "limit": "ten", "weights": {"text": "heavy"}, "limt": 1, "filter": ["a"], "facets": [3]}
    said = problem(asked.post(SEARCH, json=body), 400, "invalid_query")
    places = [one["pointer"] for one in said["errors"]]
    assert sorted(set(places)) == ["/facets/0", "/filter", "/limit", "/limt", "/query", "/weights/text"]
    assert all(one["detail"] for one in said["errors"])


def test_all_that_is_wrong_with_a_document_is_told_at_once(asked: FlaskClient) -> None:
    said = problem(asked.put(DOCUMENT, json={"title": 3, "price": "cheap"}), 422, "invalid_document")
    assert {one["pointer"] for one in said["errors"]} == {"/title", "/price"}


@pytest.mark.parametrize(
    ("url", "parameter"),
    [
        ("limit=x", "limit"),
        ("weight.text=heavy", "weight.text"),
        ("deadline_ms=0", "deadline_ms"),
        (f"q={'a' * 8193}", "q"),
        ("filter=a==", "filter"),
        ('q=a&boosts=[{"filter":"prize < 3"}]', "boosts"),
        ("limt=1", "limt"),
    ],
)
def test_a_fault_of_a_url_names_its_argument(asked: FlaskClient, url: str, parameter: str) -> None:
    response = asked.get(f"{SEARCH}?{url}")
    assert [one.get("parameter") for one in response.get_json()["errors"]] == [parameter]


def test_too_many_ids_are_a_fault_of_the_argument_that_has_them(asked: FlaskClient) -> None:
    said = problem(asked.get(MANY, query_string={"id": [*map(str, range(10_001))]}), 400, "invalid_query")
    assert (said["field"], said["errors"][0]["parameter"]) == ("id", "id")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"limit": -1}, "/limit"),
        ({"deadline_ms": 0}, "/deadline_ms"),
        ({"filter": {"and": [{"exists": "price"}, {"exists": "prize"}]}}, "/filter/and/1/exists"),
        ({"filter": {"and": [{"nought": 1}]}}, "/filter/and/0"),
        ({"filter": "prize < 3"}, "/filter"),
        ({"query": "a", "boosts": [{"field": "price"}, {"filter": "prize < 3"}]}, "/boosts/1/filter"),
        ({"query": "a", "boosts": [{"filter": {"not": {"exists": "prize"}}}]}, "/boosts/0/filter/not/exists"),
        ({"a/b~c": 1}, "/a~1b~0c"),
    ],
)
def test_a_fault_of_a_body_has_its_pointer(asked: FlaskClient, body: dict[str, Any], pointer: str) -> None:
    assert [one["pointer"] for one in asked.post(SEARCH, json=body).get_json()["errors"]] == [pointer]
    many = asked.post(f"{SEARCH}/many", json={"searches": [{}, body]}).get_json()["answers"]
    assert [one["pointer"] for one in many[1]["errors"]] == [f"/searches/1{pointer}"]


def test_an_argument_of_a_written_document_is_told_from_its_fields(asked: FlaskClient) -> None:
    said = asked.put(f"{DOCUMENT}?wait=maybe", json={"title": "x"}).get_json()
    assert said["errors"][0]["parameter"] == "wait"
    conflict = ASKED["document_conflict"](asked).get_json()
    assert conflict["errors"][0]["parameter"] == "expected"


@pytest.mark.parametrize("levels", [250, 900])
@pytest.mark.parametrize("key", ["boosts", "facets", "filter", "match", "rerank", "highlight", "weights", "other"])
def test_a_body_nested_too_deep_is_refused(asked: FlaskClient, key: str, levels: int) -> None:
    body = f'{{"{key}": {"[" * levels}{"]" * levels}}}'
    problem(asked.post(SEARCH, data=body, content_type="application/json"), 400, "invalid_json")
    problem(asked.put(DOCUMENT, data=body, content_type="application/json"), 400, "invalid_json")
