"""How answers travel: compressed, tagged, and so many in a time."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

import hybrid
from hybrid.errors import SettingsError
from hybrid.web import create_app
from tests.embedders import HashedWords
from tests.web.test_search_api import problem

URL = "/api/v1/documents/1"
BOOK = {"title": "A book", "price": 3}


@pytest.fixture(autouse=True)
def book(engine: hybrid.Engine) -> None:
    engine.put([{"id": "1", **BOOK}, {"id": "long", "title": "x", "text": "word " * 400}])


def tag(client: FlaskClient, url: str = URL) -> str:
    return client.get(url).headers["ETag"]


def test_the_tag_of_a_document_names_its_fields(client: FlaskClient) -> None:
    first = tag(client)
    client.put(URL, json={"price": 3, "title": "A book"})
    assert tag(client) == first
    client.patch(URL, json={"price": 4})
    assert tag(client) != first
    client.patch(URL, json={"price": 3})
    assert tag(client) == first


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_what_has_not_changed_is_not_sent_again(client: FlaskClient, form: str) -> None:
    response = client.get(URL, headers={"If-None-Match": form.format(tag(client))})
    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == tag(client)
    assert client.get(URL, headers={"If-None-Match": '"other"'}).get_json()["document"] == BOOK


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_write_under_a_condition_is_done_or_refused(client: FlaskClient, method: str) -> None:
    body = {} if method == "delete" else {"json": {"title": "New"}}
    write = getattr(client, method)
    old = tag(client)
    client.patch(URL, json={"price": 9})
    problem(write(URL, headers={"If-Match": old}, **body), 412, "precondition_failed")
    problem(write("/api/v1/documents/nobody", headers={"If-Match": old}, **body), 412, "precondition_failed")
    assert client.get(URL).get_json()["document"] == {"title": "A book", "price": 9}
    assert write(URL, headers={"If-Match": tag(client)}, **body).status_code == 200
    left = {"put": {"title": "New"}, "patch": {"title": "New", "price": 9}, "delete": None}[method]
    assert client.get(URL).get_json().get("document") == left


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_a_condition_that_no_write_obeys_is_refused_not_passed_over(client: FlaskClient, method: str) -> None:
    body = {} if method == "delete" else {"json": {"title": "New"}}
    problem(getattr(client, method)(URL, headers={"If-None-Match": "*"}, **body), 400, "bad_request")
    assert client.get(URL).get_json()["document"] == BOOK


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
@pytest.mark.parametrize("meanwhile", [{"price": 8}, {"shelf": "b"}, {"price": None}])
def test_a_change_between_the_look_and_the_write_is_seen(
    engine: hybrid.Engine, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, method: str, meanwhile: dict[str, Any]
) -> None:
    old, get = tag(client), engine.get

    def overtaken(document_id: str) -> dict[str, Any]:
        found = get(document_id)
        monkeypatch.setattr(engine, "get", get)
        engine.update(document_id, meanwhile)
        return found

    monkeypatch.setattr(engine, "get", overtaken)
    body = {} if method == "delete" else {"json": {"title": "New"}}
    problem(getattr(client, method)(URL, headers={"If-Match": old}, **body), 412, "precondition_failed")
    assert engine.get("1")["title"] == "A book"


def test_a_vector_of_its_own_goes_where_a_document_is_replaced(client: FlaskClient, engine: hybrid.Engine) -> None:
    engine.put([{"id": "1", **BOOK, "vector": [1.0] * 64}])
    assert client.put(URL, json=BOOK, headers={"If-Match": tag(client)}).get_json()["status"] == "updated"
    assert all("vector" not in one for one in engine.export())


LONG = "/api/v1/documents/long"


@pytest.mark.parametrize("accepted", ["gzip", "br, gzip;q=0.5", "*"])
def test_long_answers_are_compressed_for_those_who_take_it(client: FlaskClient, accepted: str) -> None:
    plain = client.get(LONG)
    response = client.get(LONG, headers={"Accept-Encoding": accepted})
    assert response.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(response.data) == plain.data
    assert int(response.headers["Content-Length"]) == len(response.data) < len(plain.data) / 10
    assert response.headers["ETag"] == f"W/{plain.headers['ETag']}"
    assert plain.headers["Vary"] == response.headers["Vary"] == "Accept-Encoding"
    again = client.get(LONG, headers={"Accept-Encoding": "gzip", "If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert client.patch(LONG, json={"a": 1}, headers={"If-Match": response.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("accepted", ["", "br", "gzip;q=0", "identity"])
def test_others_get_them_as_they_are(client: FlaskClient, accepted: str) -> None:
    assert "Content-Encoding" not in client.get(LONG, headers={"Accept-Encoding": accepted}).headers


@pytest.mark.parametrize("url", [URL, "/api/v1/documents", "/static/style.css", "/healthz"])
def test_short_and_streamed_answers_are_not_compressed(client: FlaskClient, url: str) -> None:
    with client.get(url, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.status_code == 200
        assert "Content-Encoding" not in response.headers


@pytest.fixture
def limited() -> Iterator[FlaskClient]:
    with hybrid.open(":memory:", embedder=HashedWords(), rate_limit="3/hour") as engine:
        yield create_app(engine).test_client()


def test_a_client_that_asks_too_much_is_told_when_to_come_back(limited: FlaskClient) -> None:
    left = [limited.get("/problems").headers["RateLimit"].split(";")[1] for _ in range(3)]
    assert left == ["r=2", "r=1", "r=0"]
    response = limited.get("/api/v1/count")
    problem(response, 429, "too_many_requests")
    assert 3590 <= int(response.headers["Retry-After"]) <= 3600
    assert response.headers["RateLimit-Policy"] == '"client";q=3;w=3600'
    assert limited.get("/api/v1/count", environ_base={"REMOTE_ADDR": "10.0.0.9"}).status_code == 404
    assert [limited.get("/healthz").status_code for _ in range(9)] == [200] * 9


def test_without_the_setting_nobody_is_limited(client: FlaskClient) -> None:
    assert "RateLimit" not in client.get("/problems").headers


@pytest.mark.parametrize("wrong", ["many", "0/second", "3/fortnight", "3"])
def test_a_limit_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="rate_limit"):
        hybrid.open(":memory:", rate_limit=wrong)


class Unread:
    """A body that nobody may read."""

    def read(self, *_: Any) -> bytes:
        raise AssertionError("the body was read")


@pytest.mark.parametrize("path", ["/api/v1/search", "/api/v1/search/many", "/api/v1/documents"])
def test_a_body_that_is_too_large_is_refused_before_it_is_read(client: FlaskClient, path: str) -> None:
    sent = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(16 * 1024 * 1024 + 1), "CONTENT_TYPE": "application/json"}
    problem(client.post(path, environ_overrides=sent), 413, "request_entity_too_large")
    problem(client.put(URL, environ_overrides=sent), 413, "request_entity_too_large")
