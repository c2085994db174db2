"""GET /api/v1/suggest, and highlights of GET and POST /api/v1/search."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from hybrid import Engine
from tests.web.conftest import OpenWith
from tests.web.test_search_api import problem

URL = "/api/v1/suggest"


@pytest.fixture
def filled(engine: Engine, client: FlaskClient) -> FlaskClient:
    engine.put(
        [
            {"id": "1", "title": "Quiet laptop", "text": "<i>Quiet</i>", "owner": "ann"},
            {"id": "2", "title": "Quiet lapdog", "text": "Barks", "owner": "bob"},
        ]
    )
    return client


def test_completions_and_what_may_be_meant(filled: FlaskClient) -> None:
    assert filled.get(URL, query_string={"q": "quiet lap", "filter": 'owner = "ann"'}).get_json() == {
        "query": "quiet lap",
        "completions": [{"text": "quiet laptop", "word": "laptop", "count": 1}],
        "did_you_mean": None,
    }
    assert filled.get(URL, query_string={"q": "qiuet ", "limit": "3"}).get_json()["did_you_mean"] == "quiet "
    assert filled.get(URL).get_json()["completions"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"q": "a", "limit": "-1"}, "invalid_query"),
        ({"q": "a", "limit": "101"}, "invalid_query"),
        ({"q": "a", "limits": "1"}, "invalid_query"),
        ({"q": "a", "filter": "prize < 3"}, "invalid_filter"),
        ({"q": "a" * 9000}, "invalid_query"),
    ],
)
def test_what_cannot_be_asked_is_a_problem(filled: FlaskClient, arguments: dict[str, str], code: str) -> None:
    problem(filled.get(URL, query_string=arguments), 400, code)


def test_another_collection_is_not_found(filled: FlaskClient) -> None:
    problem(filled.get(URL, query_string={"q": "a", "collection": "other"}), 404, "collection_not_found")


def test_a_dead_text_store_is_told_as_such(partly_dead: OpenWith) -> None:
    problem(partly_dead("elasticsearch").get(URL, query_string={"q": "lap"}), 503, "store_unavailable")
    assert partly_dead("redis").get(URL, query_string={"q": "lap"}).get_json()["completions"]


@pytest.mark.parametrize("asked", [True, "sentences", {"fields": ["text"], "size": 50}])
def test_highlights_are_asked_for_in_json(filled: FlaskClient, asked: Any) -> None:
    body = filled.post("/api/v1/search", json={"query": "quiet", "limit": 1, "highlight": asked}).get_json()
    assert body["hits"][0]["highlights"]["text"] == ["&lt;i&gt;<mark>Quiet</mark>&lt;/i&gt;"]


def test_highlights_are_asked_for_in_a_url(filled: FlaskClient) -> None:
    for asked, there in (("true", True), ("sentences", True), ("false", False), ("", False)):
        hits = filled.get("/api/v1/search", query_string={"q": "quiet", "highlight": asked}).get_json()["hits"]
        assert ["highlights" in hit for hit in hits] == [there, there]
    problem(filled.get("/api/v1/search?q=quiet&highlight=maybe"), 400, "invalid_query")
    problem(filled.post("/api/v1/search", json={"query": "quiet", "highlight": {"sise": 3}}), 400, "invalid_query")
