"""Each answer carries the name of its request, and a problem says it too."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.web.test_search_api import problem


@pytest.mark.parametrize("given", ["a", "4bf92f35-77b3/7:0.1~x+y=@z_", "x" * 128])
def test_the_name_that_a_request_brings_is_kept(client: FlaskClient, given: str) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given
    response = client.get("/api/v1/documents/a", headers={"X-Request-ID": given})
    assert response.headers["X-Request-ID"] == given
    assert problem(response, 404, "collection_not_found")["request_id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "<script>", "a,b", "é", "a;b"])
def test_a_name_that_is_not_safe_to_repeat_is_replaced(client: FlaskClient, given: str) -> None:
    first, second = (client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] for _ in "ab")
    assert len(first) == len(second) == 32
    assert first != second


@pytest.mark.parametrize("url", ["/", "/search?q=a", "/nowhere", "/static/style.css", "/readyz", "/api/v1/search?q=a"])
def test_every_answer_is_named(shop_client: FlaskClient, url: str) -> None:
    with shop_client.get(url) as response:
        assert len(response.headers["X-Request-ID"]) == 32
