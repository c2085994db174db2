"""GET and POST /api/v1/search: what can be asked, and what is answered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import hybrid
from hybrid.model import Vector
from hybrid.web import create_app
from tests.embedders import HashedWords

URL = "/api/v1/search"


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """The body of a problem, once it is seen to be the one expected."""
    assert response.status_code == status
    assert response.mimetype == "application/problem+json"
    body: dict[str, Any] = response.get_json()
    assert (body["status"], body["code"], body["type"]) == (status, code, f"/problems/{code}")
    assert body["detail"]
    return body


def test_an_answer_names_the_query_the_fusion_both_retrievers_and_ten_hits(shop_client: FlaskClient) -> None:
    body = shop_client.get(URL, query_string={"q": "silent notebook"}).get_json()
    always = {
        "query",
        "took_ms",
        "timeline_ms",
        "degraded",
        "fusion",
        "retrievers",
        "window_exhausted",
        "total",
        "hits",
    }
    assert body.keys() == always | {"next_cursor"}
    assert (body["query"], body["degraded"]) == ("silent notebook", False)
    assert body["fusion"] == {"method": "standard", "weights": {"text": 1.0, "vector": 1.0}, "window": 100}
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
        ("q=a&offset=-1", "offset"),
        ("q=a&filter=prize<3", "filter"),
        ("q=a&facets=prize", "facets"),
        ("q=a&sort=prize", "sort"),
        ("q=a&policy=maybe", "policy"),
        ("q=a&require=image", "require"),
        ("q=a&explain=loud", "explain"),
        ("q=a&plan=perhaps", "plan"),
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
        ("q=a&deadline_ms=0", "deadline_ms"),
        ("q=a&deadline_ms=nan", "deadline_ms"),
        ("q=a&deadline_ms=soon", "deadline_ms"),
        ("q=a&q=b", "q"),
        ("q=a&vector=1", "vector"),
        ("q=a&limt=3", "limt"),
        ("q=a&deadline_s=3", "deadline_s"),
    ],
)
def test_a_wrong_argument_is_named(shop_client: FlaskClient, arguments: str, field: str) -> None:
    code = "invalid_filter" if field == "filter" else "invalid_query"
    assert problem(shop_client.get(f"{URL}?{arguments}"), 400, code)["field"] == field


@pytest.mark.parametrize(
    "arguments", ["fusion=borda", "k=-1", "k=nan", "weight.text=-1", "weight.text=0&weight.vector=0"]
)
def test_a_fusion_that_cannot_be_is_refused(shop_client: FlaskClient, arguments: str) -> None:
    problem(shop_client.get(f"{URL}?q=a&{arguments}"), 400, "invalid_fusion")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"query": None}, "query"),
        ({"query": "a", "filter": 7}, "filter"),
        ({"query": "a", "filter": {"and": 7}}, "filter"),
        ({"query": "a", "facets": "brand"}, "facets"),
        ({"query": "a", "deadlines_ms": {"image": 1}}, "deadlines_ms"),
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
    code = "invalid_filter" if isinstance(body.get("filter"), dict) else "invalid_query"
    assert problem(shop_client.post(URL, json=body), 400, code)["field"] == field


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
    assert [hit["id"] for hit in page["hits"]] == [hit["id"] for hit in api["hits"]]
    assert [hit["explain"] for hit in page["hits"]] == [hit["explain"] for hit in api["hits"]]
    assert page.keys() - api.keys() == {"page", "facets", "facets_count"}
    problem(shop_client.get("/search.json?q=a&limit=-1"), 400, "invalid_query")


def test_a_filter_as_text_and_as_json_lets_the_same_through(shop_client: FlaskClient) -> None:
    url = {"q": "notebook", "filter": 'brand = "Norvik" AND price < 700', "facets": "brand,price", "limit": "100"}
    tree = {"and": [{"field": "brand", "op": "=", "value": "Norvik"}, {"field": "price", "op": "<", "value": 700}]}
    body = {"query": "notebook", "filter": tree, "facets": ["brand", {"field": "price"}], "limit": 100}
    by_url, by_body = shop_client.get(URL, query_string=url).get_json(), shop_client.post(URL, json=body).get_json()
    assert by_url["hits"] == by_body["hits"]
    assert by_url["facets"] == by_body["facets"]
    assert {hit["document"]["brand"] for hit in by_url["hits"]} == {"Norvik"}
    assert by_url["total"]["counts"] == by_url["facets_count"] == "text_matches"


def test_a_wrong_filter_says_at_which_character(shop_client: FlaskClient) -> None:
    said = problem(
        shop_client.get(URL, query_string={"q": "a", "filter": "price < 5 AND prize > 3"}), 400, "invalid_filter"
    )
    assert said["position"] == 14
    assert "there is no field 'prize'; there is: price" in said["detail"]


def test_dates_at_the_ends_of_time_can_be_asked_for_and_what_is_beyond_is_none(client: FlaskClient) -> None:
    """A document of the year 0 in UTC would take the text store from every search that has its field as a facet."""
    for one, date in (("first", "0001-01-01T00:00:00Z"), ("last", "9999-12-31T23:59:59Z")):
        client.put(f"/api/v1/documents/{one}", json={"title": "lamp", "released": date})
        asked = {"q": "lamp", "filter": f"released = {date}", "facets": "released"}
        assert [hit["id"] for hit in client.get(URL, query_string=asked).get_json()["hits"]] == [one]
        assert client.get(URL, query_string=asked | {"plan": "true"}).status_code == 200
    for date in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        problem(client.put("/api/v1/documents/x", json={"released": date}), 422, "invalid_document")
        problem(client.get(URL, query_string={"filter": f"released > {date}"}), 400, "invalid_filter")
    body = client.get("/search.json?q=lamp&from.released=0001-01-01&to.released=9999-12-31").get_json()
    assert (len(body["hits"]), body["degraded"]) == (2, False)


@pytest.mark.parametrize(("levels", "code"), [(60, "invalid_filter"), (900, "invalid_json"), (10_000, "invalid_json")])
def test_a_filter_nested_too_deep_is_refused_like_any_other(shop_client: FlaskClient, levels: int, code: str) -> None:
    problem(
        shop_client.get(URL, query_string={"q": "a", "filter": "(" * levels + "price < 5" + ")" * levels}),
        400,
        "invalid_filter",
    )
    deep = '{"not":' * levels + '{"exists":"price"}' + "}" * levels
    reply = shop_client.post(URL, data=f'{{"query": "a", "filter": {deep}}}', content_type="application/json")
    assert "nested" in problem(reply, 400, code)["detail"] or levels == 10_000


def test_ten_thousand_levels_are_refused_before_they_are_read(shop_client: FlaskClient) -> None:
    deep = '{"not":' * 10_000 + '{"exists":"price"}' + "}" * 10_000
    reply = shop_client.post(URL, data=f'{{"query": "a", "filter": {deep}}}', content_type="application/json")
    problem(reply, 400, "invalid_json")


def test_pages_go_on_by_cursor_and_a_wrong_cursor_is_told_from_an_old_one(shop_client: FlaskClient) -> None:
    first = shop_client.get(URL, query_string={"q": "notebook"}).get_json()
    second = shop_client.get(URL, query_string={"q": "notebook", "cursor": first["next_cursor"]}).get_json()
    assert [hit["rank"] for hit in second["hits"]] == list(range(11, 21))
    problem(shop_client.get(URL, query_string={"q": "other", "cursor": first["next_cursor"]}), 400, "invalid_cursor")
    problem(shop_client.get(URL, query_string={"cursor": "made-up"}), 400, "invalid_cursor")


def test_a_cursor_of_an_answer_that_is_gone_is_a_410(shop_client: FlaskClient) -> None:
    cursor = shop_client.get(URL, query_string={"q": "notebook"}).get_json()["next_cursor"]
    searcher = shop_client.application.extensions["hybrid"]._searcher
    searcher._pages._kept.clear()
    problem(shop_client.get(URL, query_string={"cursor": cursor}), 410, "cursor_gone")


def test_a_plan_is_shown_and_not_run(shop_client: FlaskClient) -> None:
    body = shop_client.post(f"{URL}?plan=true", json={"query": "notebook", "filter": "price < 5"}).get_json()
    assert body.keys() == {"plan", "key", "text", "vector"}
    assert body["plan"]["filter"] == "price < 5.0"


def test_the_page_shows_the_place_where_a_filter_is_wrong(shop_client: FlaskClient) -> None:
    page = shop_client.get("/search", query_string={"q": "a", "filter": "<b> < 900"})
    assert page.status_code == 400
    assert "<pre>  &lt;b&gt; &lt; 900\n  ^</pre>" in page.text


def test_the_page_goes_on_and_lists_without_a_query(shop_client: FlaskClient) -> None:
    page = shop_client.get("/search?q=notebook").text
    assert 'rel="next"' in page
    listed = shop_client.get("/search", query_string={"filter": 'brand = "Norvik"', "sort": "price"}).text
    assert "documents in all)" in listed
    assert 'value="brand = &#34;Norvik&#34;"' in listed


def test_many_searches_are_answered_in_their_order_and_one_that_fails_is_a_problem(shop_client: FlaskClient) -> None:
    searches = [
        {"query": "laptop", "limit": 2},
        {"query": "laptop", "limt": 2},
        {"query": "black", "filter": "prize < 1"},
        3,
    ]
    body = shop_client.post(f"{URL}/many", json={"searches": searches}).get_json()
    first, *failed = body["answers"]
    alone = shop_client.post(URL, json=searches[0]).get_json()
    assert first["hits"] == alone["hits"]
    assert [(one["status"], one["code"]) for one in failed] == [
        (400, "invalid_query"),
        (400, "invalid_filter"),
        (400, "invalid_query"),
    ]
    assert "limt" in failed[0]["detail"]


@pytest.mark.parametrize("body", [{}, {"searches": {}}, {"searches": [], "more": 1}, {"searches": [{}] * 257}])
def test_a_body_without_a_list_of_searches_is_refused(shop_client: FlaskClient, body: dict[str, Any]) -> None:
    said = problem(shop_client.post(f"{URL}/many", json=body), 400, "invalid_query")
    assert said["field"] == ("more" if "more" in body else "searches")


def test_what_comes_after_fusion_can_be_asked_by_url_and_by_body(shop_client: FlaskClient) -> None:
    url = {
        "q": "notebook",
        "boosts": '[{"field": "rating"}]',
        "min_score": "0.01",
        "collapse": "brand",
        "diversity": "0.5",
        "pinned": "e-148,k-001",
        "limit": "5",
    }
    body = {
        "query": "notebook",
        "boosts": [{"field": "rating"}],
        "min_score": 0.01,
        "collapse": "brand",
        "diversity": 0.5,
        "pinned": ["e-148", "k-001"],
        "limit": 5,
    }
    asked = shop_client.get(URL, query_string=url).get_json()
    assert asked["hits"] == shop_client.post(URL, json=body).get_json()["hits"]
    assert asked["hits"][0]["id"] == "e-148"
    assert asked["hits"][0]["shaping"]["pinned"] == {}
    assert (
        problem(shop_client.get(URL, query_string={"q": "a", "boosts": "rating"}), 400, "invalid_query")["field"]
        == "boosts"
    )
    assert (
        "[rerank]"
        in problem(shop_client.get(URL, query_string={"q": "a", "rerank": "true"}), 400, "invalid_query")["detail"]
    )


@pytest.mark.parametrize("left_out_by", [{"collapse": "brand"}, {"min_score": "1.2"}, {"knee": "true"}])
def test_a_document_that_was_found_and_left_out_is_explained(
    shop_client: FlaskClient, left_out_by: dict[str, str]
) -> None:
    asked = {"q": "laptop", "limit": "100"}
    found, kept = (
        [hit["id"] for hit in shop_client.get(URL, query_string=one).get_json()["hits"]]
        for one in (asked, asked | left_out_by)
    )
    one = next(one for one in found if one not in kept)
    said = shop_client.get("/api/v1/explain", query_string=asked | left_out_by | {"id": one})
    assert said.status_code == 200
    body = said.get_json()
    assert (body["exists"], body["passes_filter"], body["rank"], body["score"]) == (True, True, None, 0.0)
    assert "hit" in {part["status"] for part in body["explain"].values()}


@pytest.mark.parametrize(
    "more", [[], [{"filter": "price > 0", "weight": 0}], [{"filter": "price > 0", "weight": 1e308}]]
)
def test_a_score_is_a_number_however_it_is_boosted(shop_client: FlaskClient, more: list[dict[str, Any]]) -> None:
    boosts = [{"field": "price", "factor": 1e308, "modifier": "square"}, *more]
    hits = shop_client.post(URL, json={"query": "laptop", "boosts": boosts}).get_json()["hits"]
    assert all(isinstance(hit["score"], float) for hit in hits)
    assert all(isinstance(one["factor"], float) for hit in hits for one in hit["shaping"]["boosts"]["factors"])


@pytest.mark.parametrize("interval", [5e-324, 1e-320, 1e-300, 1e308])
def test_any_interval_counts(shop_client: FlaskClient, interval: float) -> None:
    asked = {"query": "laptop", "facets": [{"field": "price", "interval": interval}]}
    body = shop_client.post(URL, json=asked).get_json()
    assert (body["degraded"], len(body["facets"]["price"]) > 0) == (False, True)


def test_a_boost_by_nearness_to_a_huge_number_is_planned(shop_client: FlaskClient) -> None:
    body = {"query": "laptop", "boosts": [{"field": "price", "scale": 1, "origin": 1e308}]}
    for url in (URL, f"{URL}?plan=true"):
        assert shop_client.post(url, json=body).status_code == 200


def test_many_searches_do_not_ask_for_all_documents_hundreds_of_times(shop_client: FlaskClient) -> None:
    """Each hit is a document in the answer, which is made in memory."""
    for limits, status in (([100] * 256, 200), ([10_000] * 2 + [5600], 200), ([10_000] * 2 + [5601], 400)):
        searches = [{"retrievers": ["text"], "query": "drone", "limit": limit} for limit in limits]
        said = shop_client.post(f"{URL}/many", json={"searches": [*searches[:255], {"limit": -10_000}]})
        assert said.status_code == status, limits
    assert said.get_json()["errors"][0]["pointer"] == "/searches"


class Steady(HashedWords):
    """Takes a moment over queries."""

    def embed_queries(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 64)."""
        time.sleep(0.05)
        return super().embed_queries(texts)


def test_who_leaves_a_store_no_time_takes_it_from_nobody_else() -> None:
    """Its breaker would open for all."""
    with hybrid.open(":memory:", embedder=Steady()) as engine:
        engine.put([{"id": "1", "title": "Quiet laptop"}])
        client = create_app(engine).test_client()
        for _ in range(12):
            hurried = client.get(f"{URL}?q=laptop&deadline_ms=10").get_json()
            assert hurried["retrievers"]["vector"]["status"] == "timeout"
        searches = [{"query": "laptop", "deadlines_ms": {"vector": 10}, "deadline_ms": 20}] * 2
        for _ in range(12):
            client.post(f"{URL}/many", json={"searches": searches})
        assert client.get(f"{URL}?q=laptop").get_json()["retrievers"]["vector"]["status"] == "ok"
