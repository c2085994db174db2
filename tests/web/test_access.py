"""Who may ask what: roles, and filters that no request gets past by any door."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import hybrid
from hybrid import tokens
from hybrid.model import Vector
from hybrid.tokens import Role
from hybrid.web import create_app
from hybrid.web.access import ADMINISTERING, OPEN, role_for
from tests.embedders import HashedWords
from tests.web.test_search_api import problem

SECRET = "zirconium"
HELD = {name: f"hyb_{name}" for name in ("reader", "writer", "boss", "a", "aw", "b")}
FILTERS = {"a": 'tenant = "a"', "aw": 'tenant = "a"', "b": 'tenant = "b"'}
ROLES = {"reader": "read", "writer": "write", "boss": "admin", "a": "read", "aw": "write", "b": "read"}
DOCUMENTS = [
    {"id": "a1", "title": "Quiet laptop", "text": "no noise at all", "tenant": "a", "price": 10.0},
    {"id": "a2", "title": "Quiet lamp", "text": "light and quiet", "tenant": "a", "price": 20.0},
    {
        "id": "b1",
        "title": f"Quiet {SECRET}",
        "text": f"{SECRET} {SECRET}",
        "tenant": "b",
        "price": 77.25,
        "code": SECRET,
    },
    {"id": f"b-{SECRET}", "title": f"{SECRET} lamp", "text": "quiet", "tenant": "b", "price": 78.5, "code": SECRET},
]


@pytest.fixture
def guarded() -> Iterator[hybrid.Engine]:
    held = [
        {"name": name, "role": ROLES[name], "digest": tokens.digest(token), "filter": FILTERS.get(name, "")}
        for name, token in HELD.items()
    ]
    with hybrid.open(":memory:", embedder=HashedWords(), api={"tokens": held}) as engine:
        engine.put(DOCUMENTS)
        yield engine


Ask = Callable[..., TestResponse]


@pytest.fixture
def ask(guarded: hybrid.Engine) -> Ask:
    """Asks as the holder of a token, by its name; empty for nobody."""
    client: FlaskClient = create_app(guarded).test_client()

    def ask(who: str, method: str, path: str, **more: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {HELD.get(who, who)}"} if who else {}
        return client.open(path, method=method, headers=headers | more.pop("headers", {}), **more)

    return ask


def test_without_a_token_only_health_and_help_are_told(ask: Ask) -> None:
    said = problem(ask("", "GET", "/api/v1/search?q=quiet"), 401, "unauthorized")
    assert "a token is needed" in said["detail"]
    response = ask("hyb_wrong", "GET", "/search?q=quiet")
    assert (response.status_code, SECRET in response.text) == (401, False)
    assert response.headers["WWW-Authenticate"].replace('"', "") == "Bearer realm=hybrid, Basic realm=hybrid"
    for path in ("/healthz", "/readyz", "/static/style.css", "/problems", "/problems/forbidden"):
        with ask("", "GET", path) as response:
            assert response.status_code == 200, path


def test_what_tokens_are_refused_is_described(ask: Ask) -> None:
    body = ask("reader", "GET", "/openapi.json").get_json()
    schemes = {name: of["scheme"] for name, of in body["components"]["securitySchemes"].items()}
    assert schemes == {"token": "bearer", "password": "basic"}
    for path, methods in body["paths"].items():
        for method, one in methods.items():
            for who in ("", "a", "aw", "reader"):
                with ask(who, method.upper(), path.replace("{document_id}", "a1")) as response:
                    assert str(response.status_code) in one["responses"], (who, method, path)
            assert ("security" in one) is (path not in ("/healthz", "/readyz"))
            evil = ask("aw", method.upper(), path.replace("{document_id}", "a1"), headers={"Origin": "http://evil"})
            assert str(evil.status_code) in one["responses"], (method, path)


def test_a_browser_sends_the_token_as_a_password(ask: Ask) -> None:
    said = base64.b64encode(f"anybody:{HELD['reader']}".encode()).decode()
    assert ask("", "GET", "/search?q=quiet", headers={"Authorization": f"Basic {said}"}).status_code == 200
    for broken in ("Basic ###", "Basic " + base64.b64encode(b"x").decode(), "Digest x", "Bearer", "Bearer \u00e9"):
        assert ask("", "GET", "/search?q=quiet", headers={"Authorization": broken}).status_code == 401, broken


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/v1/documents/n", {"title": "x", "tenant": "a"}),
        ("PATCH", "/api/v1/documents/a1", {"price": 1.0}),
        ("DELETE", "/api/v1/documents/a1", None),
        ("POST", "/api/v1/documents", [{"id": "n", "tenant": "a"}]),
        ("DELETE", "/api/v1/documents?filter=price<5", None),
    ],
)
def test_reading_is_no_right_to_write(ask: Ask, method: str, path: str, body: Any) -> None:
    said = problem(ask("reader", method, path, json=body), 403, "forbidden")
    assert said["detail"] == "this needs a token with the role write; the token 'reader' has read"
    assert ask("writer", method, path, json=body).status_code in (200, 201)


def test_searching_by_post_is_reading(ask: Ask) -> None:
    assert ask("reader", "POST", "/api/v1/search", json={"query": "quiet"}).status_code == 200
    assert ask("reader", "POST", "/api/v1/search/many", json={"searches": []}).status_code == 200


def test_whatever_is_posted_to_wants_more_than_reading_unless_it_is_named(guarded: hybrid.Engine) -> None:
    for rule in create_app(guarded).url_map.iter_rules():
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
            reads = rule.endpoint in ("api.search", "api.search_many", "api.explain")
            for_all = rule.endpoint in ADMINISTERING
            expected = Role.READ if reads else Role.ADMIN if for_all else Role.WRITE
            assert role_for(rule.endpoint, method) is expected, rule


def test_a_page_of_another_origin_changes_nothing(ask: Ask, engine: hybrid.Engine) -> None:
    evil = {"Origin": "https://evil.example"}
    problem(ask("writer", "DELETE", "/api/v1/documents/a1", headers=evil), 403, "forbidden")
    problem(
        ask("writer", "PUT", "/api/v1/documents/a1", json={}, headers={"Sec-Fetch-Site": "cross-site"}),
        403,
        "forbidden",
    )
    for broken in ("null", "http://[", "http://[::1", "//", ""):
        problem(ask("writer", "DELETE", "/api/v1/documents/a1", headers={"Origin": broken}), 403, "forbidden")
    at = {"Host": "my_host:8080"}  # which the framework takes for none
    problem(ask("writer", "DELETE", "/api/v1/documents/a1", headers={"Origin": "null", **at}), 403, "forbidden")
    own = {"Origin": "http://my_host:8080", **at}
    assert ask("writer", "PATCH", "/api/v1/documents/a1", json={"price": 1.0}, headers=own).status_code == 200
    unguarded = create_app(engine).test_client()  # whoever reaches it may write: a browser's pages may not
    problem(unguarded.put("/api/v1/documents/x", json={"title": "x"}, headers=evil), 403, "forbidden")
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert ask("writer", "DELETE", "/api/v1/documents/a1", headers=own).status_code == 200


# Every door, and what may be put through it

QUERIES = ["quiet", SECRET, "zircon", 'quiet" OR "zirconium', "*", "", "b1"]
HOSTILE = [
    'tenant = "b"',
    f'code = "{SECRET}"',
    'tenant = "a" OR tenant = "b"',
    'NOT tenant = "a"',
    "price > 70",
    f'id IN ["b1", "b-{SECRET}"]',
    "exists(code)",
]
DOORS: dict[str, Callable[[str, str], list[tuple[str, str, Any]]]] = {
    "api.search": lambda query, filter: [
        ("GET", f"/api/v1/search?{_url(q=query, filter=filter, facets='tenant,code,price', explain='true')}", None),
        (
            "POST",
            "/api/v1/search",
            {
                "query": query,
                "filter": filter,
                "facets": ["code", {"field": "price"}],
                "disjunctive": True,
                "pinned": ["b1"],
                "highlight": True,
                "explain": True,
                "boosts": [{"filter": filter, "weight": 9}],
            },
        ),
        ("POST", "/api/v1/search", {"query": query, "filter": filter, "explain": "full"}),
        ("POST", "/api/v1/search", {"like": ["b1"]}),
        ("POST", "/api/v1/search", {"query": query, "plan": True}),
        ("GET", f"/api/v1/search?{_url(q=query, filter=filter, plan='true')}", None),
        ("POST", "/api/v1/search", {"queries": [query, SECRET], "query": "lamp", "match": "prefix"}),
        ("GET", f"/api/v1/search?{_url(filter=filter, sort='-price')}", None),
    ],
    "api.search_many": lambda query, filter: [
        ("POST", "/api/v1/search/many", {"searches": [{"query": query, "filter": filter}, {"like": ["b1"]}]})
    ],
    "api.suggest": lambda query, filter: [("GET", f"/api/v1/suggest?{_url(q=query[:4], filter=filter)}", None)],
    "api.explain": lambda query, filter: [
        ("GET", f"/api/v1/explain?{_url(id='b1', q=query, filter=filter)}", None),
        ("GET", f"/api/v1/explain?{_url(id='a1', q=query, filter=filter, explain='full')}", None),
        ("POST", "/api/v1/explain", {"id": f"b-{SECRET}", "query": query, "filter": filter, "pinned": ["b1"]}),
    ],
    "api.collections": lambda *_: [("GET", "/api/v1/collections", None)],
    "api.get": lambda *_: [("GET", f"/api/v1/documents/{one}", None) for one in ("b1", f"b-{SECRET}")],
    "api.put": lambda *_: [
        ("PUT", "/api/v1/documents/b1", {"title": "taken", "tenant": "a"}),
        ("PUT", "/api/v1/documents/new", {"title": "planted", "tenant": "b"}),
    ],
    "api.patch": lambda *_: [
        ("PATCH", "/api/v1/documents/b1", {"title": "taken"}),
        ("PATCH", "/api/v1/documents/a1", {"tenant": "b"}),
        ("PATCH", '/api/v1/documents/b1?expected={"price":77.25}', {"title": "taken"}),
    ],
    "api.delete": lambda *_: [("DELETE", f"/api/v1/documents/{one}", None) for one in ("b1", f"b-{SECRET}")],
    "documents.documents": lambda _, filter: [
        ("GET", "/api/v1/documents", None),
        ("GET", f"/api/v1/documents?{_url(filter=filter)}", None),
        ("GET", f"/api/v1/documents?id=b1&id=b-{SECRET}&id=a1", None),
    ],
    "documents.count": lambda _, filter: [("GET", f"/api/v1/count?{_url(filter=filter)}", None)],
    "documents.delete": lambda _, filter: [
        ("DELETE", f"/api/v1/documents?{_url(filter=filter, dry_run='true')}", None),
        ("DELETE", f"/api/v1/documents?{_url(filter=f'({filter}) AND price > 70')}", None),
    ],
    "documents.bulk": lambda *_: [
        ("POST", "/api/v1/documents", [{"id": "b1", "tenant": "a"}, {"_delete": "b1"}, {"id": "n", "tenant": "b"}])
    ],
    "page.start": lambda *_: [("GET", "/", None)],
    "page.search": lambda query, filter: [
        ("GET", f"/search?{_url(q=query, filter=filter, explain='true', explain_id='b1')}", None),
        ("GET", f"/search?{_url(q=query, **{'f.tenant': 'b'})}", None),
    ],
    "page.search_json": lambda query, filter: [
        ("GET", f"/search.json?{_url(q=query, filter=filter, explain_id=f'b-{SECRET}')}", None)
    ],
    "compare.page": lambda query, filter: [("GET", f"/compare?{_url(q=query, filter=filter)}", None)],
    "compare.page_json": lambda query, filter: [
        ("GET", f"/compare.json?{_url(q=query or 'quiet', filter=filter)}", None)
    ],
    "compare.save": lambda query, _: [("POST", f"/compare/preset?{_url(q=query)}", None)],
    "compare.keep": lambda query, filter: [("POST", f"/compare/keep?{_url(q=query, filter=filter)}", None)],
    "compare.kept": lambda *_: [("GET", "/compare/aaaaaaaaaa", None)],
    "metrics.metrics": lambda *_: [("GET", "/metrics", None)],
    "actions.verify": lambda *_: [("POST", "/collections/verify", None)],
    "actions.repair": lambda *_: [("POST", "/collections/repair", None)],
    "actions.upload": lambda *_: [("POST", "/collections/upload", None)],
    "actions.rate": lambda *_: [("POST", "/evaluate/judge/rate", None)],
    "actions.take": lambda *_: [("POST", "/evaluate/judge/import", None)],
    "actions.begin": lambda *_: [("POST", "/evaluate/run", None)],
    "collections.page": lambda *_: [("GET", "/collections", None)],
    "collections.status": lambda *_: [("GET", "/api/v1/status", None)],
    "collections.page_json": lambda *_: [("GET", "/collections.json", None)],
    "collections.find": lambda *_: [("GET", "/collections/documents?id=b1", None)],
    "collections.document": lambda *_: [
        ("GET", f"/collections/documents/{one}", None) for one in ("b1", f"b-{SECRET}", "b1?format=json")
    ],
    "evaluate.page": lambda *_: [("GET", "/evaluate", None)],
    "evaluate.page_json": lambda *_: [("GET", "/evaluate.json", None)],
    "evaluate.run": lambda *_: [("GET", "/evaluate/runs/1", None)],
    "evaluate.run_json": lambda *_: [("GET", "/evaluate/runs/1.json", None)],
    "judge.page": lambda query, _: [("GET", f"/evaluate/judge?{_url(q=query)}", None)],
    "judge.page_json": lambda query, _: [("GET", f"/evaluate/judge.json?{_url(q=query)}", None)],
    "judge.export": lambda *_: [("GET", "/evaluate/ratings.csv", None)],
    "openapi.description": lambda *_: [("GET", "/openapi.json", None)],
    "openapi.docs": lambda *_: [("GET", "/docs", None)],
}
"""By endpoint, requests that try to see or change what is another's."""


def _url(**arguments: str) -> str:
    return urlencode(arguments)


def test_every_route_is_a_door_that_is_tried(guarded: hybrid.Engine) -> None:
    endpoints = {rule.endpoint for rule in create_app(guarded).url_map.iter_rules()}
    assert endpoints - OPEN == set(DOORS)


def others(text: str) -> list[str]:
    """What of another's is in an answer that did not come from the question itself."""
    return [mark for mark in (f"{SECRET} lamp", f"Quiet {SECRET}", "77.25", "78.5", '"b1"') if mark in text]


@pytest.mark.parametrize("door", DOORS)
def test_nothing_of_another_is_seen_or_changed_by_any_door(
    ask: Ask, guarded: hybrid.Engine, door: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    before = {one: guarded.get(one) for one in ("b1", f"b-{SECRET}")}
    for query in QUERIES:
        for filter in HOSTILE:
            for method, path, body in DOORS[door](query, filter):
                asked = orjson.dumps([path, body]).decode()
                response = ask("aw", method, path, json=body)
                assert response.status_code < 500, (asked, response.text)
                seen = [mark for mark in others(response.text) if mark.strip('"') not in asked]
                assert seen == [], (asked, response.text)
                for hit in (response.get_json(silent=True) or {}).get("hits", []) if response.is_json else []:
                    assert hit["document"]["tenant"] == "a", asked
                    assert hit["id"] != "b1"
    assert {one: guarded.get(one) for one in before} == before
    assert guarded.count('tenant = "b"') == 2
    assert not [token for token in HELD.values() if token in caplog.text]


@pytest.mark.parametrize("path", ["/collections", "/collections/documents/a1", "/evaluate", "/evaluate/judge"])
def test_pages_of_who_runs_it_are_for_tokens_without_a_filter(ask: Ask, path: str) -> None:
    assert ask("aw", "GET", path).status_code == 403
    assert ask("reader", "GET", path).status_code == 200


def test_counts_are_of_ones_own_documents(ask: Ask) -> None:
    assert ask("a", "GET", "/api/v1/count").get_json() == {"count": 2}
    assert ask("b", "GET", "/api/v1/count").get_json() == {"count": 2}
    assert ask("reader", "GET", "/api/v1/count").get_json() == {"count": 4}
    body = ask("a", "GET", "/api/v1/search?q=quiet&facets=tenant,code").get_json()
    assert body["total"] == {"value": 2, "relation": "eq", "counts": "text_matches"}
    assert body["facets"] == {"tenant": [{"value": "a", "count": 2}], "code": []}
    said = ask("a", "GET", "/api/v1/suggest?q=zir").get_json()
    assert (said["completions"], said["did_you_mean"]) == ([], None)
    assert [one["count"] for one in ask("b", "GET", "/api/v1/suggest?q=zir").get_json()["completions"]] == [2]
    problem(ask("a", "GET", "/metrics"), 403, "forbidden")


def test_not_yours_looks_like_not_there(ask: Ask) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        body = {"price": 1.0} if method == "PATCH" else None
        of_another, of_nobody = (ask("aw", method, f"/api/v1/documents/{one}", json=body) for one in ("b1", "b0"))
        assert of_another.status_code == of_nobody.status_code == 404
        assert of_another.get_json()["detail"].replace("b1", "b0") == of_nobody.get_json()["detail"]
    alike = [ask("a", "POST", "/api/v1/search", json={"like": [one]}) for one in ("b1", "b0")]
    assert [response.status_code for response in alike] == [404, 404]
    assert alike[0].get_json()["detail"].replace("b1", "b0") == alike[1].get_json()["detail"]
    explained = [
        ask("a", "GET", f"/search.json?q=quiet&explain_id={one}").get_json()["page"]["other"] for one in ("b1", "b0")
    ]
    assert [one | {"id": ""} for one in explained] == [explained[0] | {"id": ""}] * 2


def test_ones_own_documents_are_written_and_stay_ones_own(ask: Ask, guarded: hybrid.Engine) -> None:
    assert ask("aw", "PUT", "/api/v1/documents/a3", json={"title": "x", "tenant": "a"}).status_code == 201
    assert ask("aw", "PATCH", "/api/v1/documents/a3", json={"price": 3.0}).status_code == 200
    said = problem(
        ask("aw", "PUT", "/api/v1/documents/b1", json={"title": "x", "tenant": "a"}), 422, "invalid_document"
    )
    assert said["detail"] == "document 'b1': this token may not write it"
    lines = ask("aw", "POST", "/api/v1/documents", json=[{"id": "a4", "tenant": "a"}, {"id": "b1", "tenant": "a"}])
    assert [orjson.loads(line).get("status") for line in lines.data.splitlines()] == ["created", "rejected", None]
    assert ask("aw", "DELETE", "/api/v1/documents?filter=price<5").get_json()["counts"] == {"deleted": 1}
    assert ask("aw", "DELETE", "/api/v1/documents/a4").status_code == 200
    assert guarded.count() == 4


class _Held(HashedWords):
    """Embeds texts that say `slow` only once it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.let_go = Event(), Event()

    def embed_documents(self, texts: Sequence[str]) -> Vector:
        """float32 (n, 64)."""
        if any("slow" in text for text in texts):
            self.begun.set()
            assert self.let_go.wait(30)
        return super().embed_documents(texts)


def test_of_two_who_write_a_new_document_at_once_the_second_does_not_take_the_firsts_place() -> None:
    embedder = _Held()
    held = [
        {"name": name, "role": "write", "digest": tokens.digest(HELD[name]), "filter": FILTERS[name]}
        for name in ("a", "b")
    ]
    with hybrid.open(":memory:", embedder=embedder, api={"tokens": held}) as engine, ThreadPoolExecutor(2) as pool:
        engine.put(DOCUMENTS)
        app = create_app(engine)

        def put(who: str, text: str) -> TestResponse:
            headers = {"Authorization": f"Bearer {HELD[who]}"}
            return app.test_client().put(
                "/api/v1/documents/new", json={"title": text, "text": text, "tenant": who}, headers=headers
            )

        first = pool.submit(put, "a", "slow")
        assert embedder.begun.wait(30)
        second = pool.submit(put, "b", "quick")
        with pytest.raises(TimeoutError):  # it waits to see whose the document is
            second.result(timeout=0.5)
        embedder.let_go.set()
        assert first.result(30).status_code == 201
        problem(second.result(30), 422, "invalid_document")
        assert engine.get("new")["tenant"] == "a"


def test_a_cursor_goes_on_for_its_own_token_only(ask: Ask) -> None:
    first = ask("a", "GET", "/api/v1/search?q=quiet&limit=1").get_json()
    url = f"/api/v1/search?{_url(cursor=first['next_cursor'], limit='1')}"
    second = ask("a", "GET", url).get_json()
    assert {first["hits"][0]["id"], second["hits"][0]["id"]} == {"a1", "a2"}
    page = ask("a", "GET", "/search.json?q=quiet&limit=1").get_json()
    goes_on = ask("a", "GET", page["page"]["next_url"].replace("/search", "/search.json")).get_json()
    assert [hit["id"] for hit in goes_on["hits"]] == [hit["id"] for hit in second["hits"]]
    for who in ("b", "reader"):
        problem(ask(who, "GET", url), 400, "invalid_cursor")
    everything = ask("reader", "GET", "/api/v1/search?q=quiet&limit=1").get_json()["next_cursor"]
    problem(ask("a", "GET", f"/api/v1/search?{_url(cursor=everything)}"), 400, "invalid_cursor")


def test_what_a_holder_of_some_documents_compared_is_nobody_elses(ask: Ask) -> None:
    state = {"q": "layoffs in march", "filter": 'tenant = "a"'}
    of_aw = parse_qs(urlsplit(ask("aw", "POST", "/compare/keep", data=state).location).query)["kept"][0]
    assert parse_qs(urlsplit(ask("aw", "GET", f"/compare/{of_aw}").location).query)["q"] == [state["q"]]
    for who in ("b", "a", "reader"):
        assert ask(who, "GET", f"/compare/{of_aw}").status_code == 404, who
    of_all = parse_qs(urlsplit(ask("writer", "POST", "/compare/keep", data=state).location).query)["kept"][0]
    assert of_all != of_aw  # so nobody can find out by a key that was made elsewhere whether another compared this
    assert [ask(who, "GET", f"/compare/{of_all}").status_code for who in ("boss", "reader", "b")] == [303, 303, 404]


def test_what_settings_and_plans_show_has_no_token(guarded: hybrid.Engine, ask: Ask) -> None:
    shown = f"{guarded.settings!r} {guarded!r} {ask('boss', 'GET', '/api/v1/search?q=a&plan=true').text}"
    assert not [token for token in HELD.values() if token in shown]


@pytest.mark.parametrize("filter", ['owner = "a"', "tenant ==", " "])
def test_a_filter_of_the_settings_that_cannot_be_used_is_no_fault_of_who_asks(filter: str) -> None:
    held = [{"name": "a", "role": "write", "digest": tokens.digest("hyb_a"), "filter": filter}]
    with hybrid.open(":memory:", embedder=HashedWords(), api={"tokens": held}) as engine:
        engine.put(DOCUMENTS)
        client = create_app(engine).test_client()
        for method, path in (
            ("GET", "search?q=quiet"),
            ("GET", "count"),
            ("GET", "documents/a1"),
            ("GET", "documents"),
        ):
            said = client.open(f"/api/v1/{path}", method=method, headers={"Authorization": "Bearer hyb_a"})
            body = problem(said, 500, "invalid_settings")
            assert "errors" not in body
            assert "owner" not in body["detail"]
