"""The description of the API: all of it is there, it is true of random requests, and the page is made of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import BaseModel
from schemathesis.core.failures import FailureGroup

from hybrid.web import answers, operations
from hybrid.web.codes import CODES
from hybrid.web.queries import MEANS, SearchBody
from tests.soak import api as soak

PROGRAMS = ("/api/", "/healthz", "/readyz", "/openapi.json", "/metrics")
"""What a path begins with that answers programs, as one does that ends in .json."""


@pytest.fixture(scope="module")
def described(shop_client: FlaskClient) -> dict[str, Any]:
    body: dict[str, Any] = shop_client.get("/openapi.json").get_json()
    return body


KINDS = (
    {"application/json", "application/x-ndjson", "text/plain"},
    {"application/problem+json", "application/json"},  # /readyz tells by its usual body what does not answer
)


OPERATORS = ("collections.", "evaluate.", "judge.")
"""Pages of who runs it, whose JSON is for looking at: docs/operating.md promises nothing of it."""


def each(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, one in methods.items():
            yield path, method, one


def routes(app: Flask) -> set[tuple[str, str]]:
    found = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        if rule.endpoint.startswith(OPERATORS) and not path.startswith(PROGRAMS):
            continue
        if path.startswith(PROGRAMS) or path.endswith(".json"):
            found |= {(path, method.lower()) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    return found


def test_every_route_for_programs_is_described_and_no_other(
    shop_client: FlaskClient, described: dict[str, Any]
) -> None:
    assert {(path, method) for path, method, _ in each(described)} == routes(shop_client.application)
    assert described["openapi"] == "3.1.0"


def test_every_operation_has_what_a_client_needs(described: dict[str, Any]) -> None:
    ids = [one["operationId"] for _, _, one in each(described)]
    assert len(ids) == len(set(ids))
    for path, method, one in each(described):
        where = f"{method} {path}"
        assert one["summary"], where
        problems = [int(status) for status in one["responses"] if status >= "400"]
        assert any(status < 500 for status in problems), where
        assert any(status >= 500 for status in problems), where
        for status, said in one["responses"].items():
            assert said["description"], where
            assert all("schema" in content for content in said["content"].values()), (where, status)
            assert set(said["content"]) <= KINDS[int(status) >= 400], (where, status)


def test_every_operation_has_an_example(described: dict[str, Any]) -> None:
    """Of its body, or of its arguments; of one that takes none, of its problems."""
    for path, method, one in each(described):
        contents = list(one.get("requestBody", {}).get("content", {}).values())
        contents += [content for said in one["responses"].values() for content in said["content"].values()]
        assert any("example" in said for said in [*contents, *one["parameters"]]), (method, path)


def test_the_examples_are_answered_well(shop_client: FlaskClient, described: dict[str, Any]) -> None:
    for path, method, one in each(described):
        if method == "get":
            given = {said["name"]: said["example"] for said in one["parameters"] if "example" in said}
            url = path.replace("{document_id}", "e-001")
            given.pop("document_id", None)
            with shop_client.get(url, query_string=given) as response:
                assert response.status_code == 200, (path, response.text)
        elif path.startswith("/api/v1/search"):
            body = one["requestBody"]["content"]["application/json"]["example"]
            assert shop_client.post(path, json=body).status_code == 200


def test_all_references_lead_somewhere(described: dict[str, Any]) -> None:
    names = set(re.findall(r"'#/components/schemas/(\w+)'", str(described)))
    assert names <= set(described["components"]["schemas"])
    assert {"SearchAnswer", "SearchBody", "ProblemAnswer", "LineAnswer"} <= names


def test_a_problem_of_an_operation_is_one_of_the_codes() -> None:
    for one in operations.OPERATIONS:
        assert set(one.problems) <= set(CODES), one.id


def test_each_key_of_a_search_is_explained() -> None:
    assert list(MEANS) == list(SearchBody.model_fields)


def test_a_thousand_random_requests_are_answered_as_described() -> None:
    said = soak.run(1000)
    assert said.total() >= 1000
    asked = {line.rpartition(" ")[0] for line in said}
    assert asked == {f"{one.method.upper()} {one.path}" for one in operations.OPERATIONS} - {"GET /openapi.json"}
    assert len({line.rpartition(" ")[2] for line in said} & {"200", "201", "400", "404", "422"}) == 5


def test_a_description_that_is_not_true_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(BaseModel):
        counted: int

    listed = [one for one in operations.OPERATIONS if one.id == "countDocuments"]
    count = operations.Content((answers.CountAnswer,))
    assert listed[0].answers[200][1] == count
    wrong = {200: ("The number.", operations.Content((Wrong,)))}
    told = operations.Operation(
        listed[0].method, listed[0].path, "x", "documents", "x", wrong, listed[0].problems, "", listed[0].url
    )
    monkeypatch.setattr(operations, "OPERATIONS", (told,))
    with pytest.raises(FailureGroup, match='"counted" is a required property'):
        soak.run(40)


def test_the_page_shows_each_operation_and_each_object(shop_client: FlaskClient, described: dict[str, Any]) -> None:
    page = shop_client.get("/docs")
    assert page.status_code == 200
    for _, _, one in each(described):
        assert f'id="{one["operationId"]}"' in page.text
    for name in described["components"]["schemas"]:
        assert f'<section id="{name}">' in page.text
    assert "<script" not in page.text.replace("<script src=", "")
    assert "style=" not in page.text


def test_the_links_of_the_page_lead_somewhere(shop_client: FlaskClient) -> None:
    page = shop_client.get("/docs").text
    inside = set(re.findall(r'href="#(\w+)"', page))
    assert inside
    assert all(f'id="{name}"' in page for name in inside)
    tried = re.findall(r'Try it: <a href="([^"]+)"', page)
    assert len(tried) >= 8
    for link in tried:
        with shop_client.get(link.replace("&amp;", "&").replace("documents/1", "documents/e-001")) as response:
            assert response.status_code == 200, link
