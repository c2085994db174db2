"""GET and POST /api/v1/search: what can be asked, and what is answered."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.embedders import HashedWords

URL = "/api/v1/search"


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The body of a problem, once it is seen to be the one expected."""
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    body: dict[str, Any] = response.get_json()
    assert (body["status"], body["code"], body["type"]) == (status, code, "about:blank")
    assert body["detail"]
    return body


def test_an_answer_names_the_query_the_fusion_both_retrievers_and_ten_hits(shop_client: FlaskClient) -> None:
    body = shop_client.get(URL, query_string={"q": "silent notebook"}).get_json()
    assert body.keys() == {"query", "took_ms", "degraded", "fusion", "retrievers", "hits"}
    assert (body["query"], body["degraded"]) == ("silent notebook", False)
    assert body["fusion"] == {"method": "rrf", "k": 60.0, "weights": {"text": 1.0, "vector": 1.0}, "window": 100}
    assert [body["retrievers"][name]["status"] for name in ("text", "vector")] == ["ok", "ok"]
    assert [hit["rank"] for hit in body["hits"]] == list(range(1, 11))


def test_contributions_add_up_to_the_score(shop_client: FlaskClient) -> None:
    for hit in shop_client.get(URL, query_string={"q": "silent notebook"}).get_json()["hits"]:
        parts = [part["contribution"] for part in hit["explain"].values()]
        assert sum(parts) == pytest.approx(hit["score"], abs=1e-15)


def test_a_url_and_a_body_that_ask_the_same_get_the_same(shop_client: FlaskClient) -> None:
    url = {
        "q": "조용한 노트북",
        "limit": "7",
        "window": "50",
        "fusion": "rrf",
        "k": "20",
        "weight.text": "0.5",
        "weight.vector": "2",
        "retrievers": "text,vector",
        "deadline_ms": "5000",
        "collection": "documents",
    }
    body = {
        "query": "조용한 노트북",
        "limit": 7,
        "window": 50,
        "fusion": "rrf",
        "k": 20,
        "weights": {"text": 0.5, "vector": 2},
        "retrievers": ["text", "vector"],
        "deadline_ms": 5000,
        "collection": "documents",
    }
    by_url, by_body = shop_client.get(URL, query_string=url).get_json(), shop_client.post(URL, json=body).get_json()
    assert by_url["hits"] == by_body["hits"]
    assert len(by_url["hits"]) == 7
    assert by_url["fusion"] == by_body["fusion"]
    assert by_url["fusion"] == {"method": "rrf", "k": 20.0, "weights": {"text": 0.5, "vector": 2.0}, "window": 50}


def test_one_retriever_can_be_asked_alone(shop_client: FlaskClient) -> None:
    body = shop_client.get(URL, query_string={"q": "silent notebook", "retrievers": "text"}).get_json()
    assert body["degraded"] is False
    assert body["retrievers"]["vector"]["status"] == "skipped"
    assert {hit["explain"]["vector"]["status"] for hit in body["hits"]} == {"skipped"}


def test_a_vector_in_the_body_takes_the_place_of_the_models(shop_client: FlaskClient) -> None:
    vector = HashedWords().embed_queries(["silent notebook"])[0].tolist()
    by_vector = shop_client.post(URL, json={"query": "", "vector": vector, "retrievers": ["vector"]}).get_json()
    by_words = shop_client.post(URL, json={"query": "silent notebook", "retrievers": ["vector"]}).get_json()
    assert by_vector["hits"] == by_words["hits"]


def test_arguments_left_empty_count_as_not_given(shop_client: FlaskClient) -> None:
    empty = shop_client.get(f"{URL}?q=laptop&limit=&fusion=&weight.text=&retrievers=&k=")
    assert empty.get_json()["hits"] == shop_client.get(f"{URL}?q=laptop").get_json()["hits"]


def test_a_limit_of_nothing_gives_no_hits_and_the_largest_gives_all(shop_client: FlaskClient) -> None:
    assert shop_client.get(f"{URL}?q=laptop&limit=0").get_json()["hits"] == []
    assert len(shop_client.get(f"{URL}?q=laptop&limit=10000").get_json()["hits"]) == 302


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ("", "query"),
        ("q=", "query"),
        ("q=%20%09", "query"),
        ("q=a&limit=-1", "limit"),
        ("q=a&limit=10001", "limit"),
        ("q=a&limit=ten", "limit"),
        ("q=a&limit=1.5", "limit"),
        ("q=a&limit=1e400", "limit"),
        ("q=a&window=5&limit=6", "window"),
        ("q=a&weight.text=heavy", "weights"),
        ("q=a&weight.image=1", "weight.image"),
        ("q=a&weights=text:1", "weights"),
        ("q=a&retrievers=text,image", "retrievers"),
        ("q=a&retrievers=,", "retrievers"),
        ("q=a&deadline_ms=0", "deadline_s"),
        ("q=a&deadline_ms=nan", "deadline_s"),
        ("q=a&deadline_ms=soon", "deadline_ms"),
        ("q=a&q=b", "q"),
        ("q=a&vector=1", "vector"),
        ("q=a&limt=3", "limt"),
    ],
)
def test_a_wrong_argument_is_named(shop_client: FlaskClient, arguments: str, field: str) -> None:
    assert problem(shop_client.get(f"{URL}?{arguments}"), 400, "invalid_query")["field"] == field


@pytest.mark.parametrize(
    "arguments", ["fusion=borda", "k=-1", "k=nan", "weight.text=-1", "weight.text=0&weight.vector=0"]
)
def test_a_fusion_that_cannot_be_is_refused(shop_client: FlaskClient, arguments: str) -> None:
    problem(shop_client.get(f"{URL}?q=a&{arguments}"), 400, "invalid_fusion")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"),
        ({"query": None}, "query"),
        ({"query": 7}, "query"),
        ({"query": "a", "limit": "10"}, "limit"),
        ({"query": "a", "limit": True}, "limit"),
        ({"query": "a", "limit": 10.0}, "limit"),
        ({"query": "a", "limit": -1}, "limit"),
        ({"query": "a", "limit": None}, "limit"),
        ({"query": "a", "vector": ["1"]}, "vector"),
        ({"query": "a", "vector": [[1.0]]}, "vector"),
        ({"query": "a", "weights": {"text": "1"}}, "weights"),
        ({"query": "a", "weights": {"image": 1}}, "weights"),
        ({"query": "a", "retrievers": "text"}, "retrievers"),
        ({"query": "a", "retrievers": []}, "retrievers"),
        ({"query": "a", "deadline_s": 1}, "deadline_s"),
        ({"query": "a", "model": "x"}, "model"),
        ({"query": "a" * 8193}, "query"),
    ],
)
def test_a_wrong_field_is_named(shop_client: FlaskClient, body: dict[str, Any], field: str) -> None:
    assert problem(shop_client.post(URL, json=body), 400, "invalid_query")["field"] == field


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"query": "a"} x', b'{"query": NaN}', b"\xff", b"[]", b'"a"', b"[" * 5000]
)
def test_a_body_that_is_no_json_object_is_refused(shop_client: FlaskClient, body: bytes) -> None:
    problem(shop_client.post(URL, data=body, content_type="application/json"), 400, "invalid_json")


def test_a_body_is_not_guessed_to_be_json(shop_client: FlaskClient) -> None:
    problem(shop_client.post(URL, data=b'{"query": "a"}', content_type="text/plain"), 415, "unsupported_media_type")
    problem(shop_client.post(URL, data={"query": "a"}), 415, "unsupported_media_type")


def test_arguments_beside_a_body_are_refused(shop_client: FlaskClient) -> None:
    assert problem(shop_client.post(f"{URL}?limit=1", json={"query": "a"}), 400, "invalid_query")["field"] == "limit"


def test_another_collection_is_not_found(shop_client: FlaskClient) -> None:
    problem(shop_client.get(f"{URL}?q=a&collection=others"), 404, "collection_not_found")
    problem(shop_client.post(URL, json={"query": "a", "collection": "others"}), 404, "collection_not_found")


def test_a_search_before_anything_was_written_says_so(client: FlaskClient) -> None:
    problem(client.get(f"{URL}?q=a"), 404, "collection_not_found")


def test_the_pages_json_is_the_apis(shop_client: FlaskClient) -> None:
    asked = {"q": "silent notebook", "limit": "5", "fusion": "weighted"}
    page, api = (shop_client.get(url, query_string=asked).get_json() for url in ("/search.json", URL))
    assert page["hits"] == api["hits"]
    assert page.keys() == api.keys()
    problem(shop_client.get("/search.json?q="), 400, "invalid_query")
