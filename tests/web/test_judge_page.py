"""Ratings that are given, changed, exported and imported in the browser, without scripts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

import hybrid
from hybrid.web import create_app
from tests.embedders import HashedWords

DOCUMENTS = [
    {"id": "a", "text": "quiet laptop"},
    {"id": "=1 <b>", "text": "조용한 laptop <script>"},
    {"id": "c", "text": "desk"},
]


@pytest.fixture
def client() -> Iterator[FlaskClient]:
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put(DOCUMENTS)
        yield create_app(engine).test_client()


def rate(client: FlaskClient, one: str, grade: str, judge: str = "anna", q: str = "laptop", **more: str) -> Any:
    said = client.post("/evaluate/judge/rate", data={"q": q, "id": one, "judge": judge, "grade": grade, **more})
    assert said.status_code == 303
    return said


def facts(client: FlaskClient, **asked: Any) -> Any:
    return client.get("/evaluate/judge.json", query_string={"q": "laptop", "judge": "anna", **asked}).get_json()


def by_id(client: FlaskClient, one: str, **asked: Any) -> Any:
    return next(of for of in facts(client, **asked)["documents"] if of["id"] == one)


def take(client: FlaskClient, name: str, body: bytes) -> Any:
    return client.post("/evaluate/judge/import", data={"file": (io.BytesIO(body), name)})


def choose(client: FlaskClient, page: str, **chosen: str) -> Any:
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    return client.post("/evaluate/judge/import", data=hidden | chosen)


def test_a_rating_is_kept_changed_and_taken_back(client: FlaskClient) -> None:
    assert facts(client)["rated"] == 0
    back = rate(client, "a", "3", depth="5", next="d2")
    assert back.headers["Location"] == "/evaluate/judge?q=laptop&depth=5&judge=anna&seed=#d2"
    assert (by_id(client, "a")["grade"], facts(client)["rated"]) == (3, 1)
    rate(client, "a", "cannot")
    assert (by_id(client, "a")["rated"], by_id(client, "a")["grade"]) == (True, None)
    rate(client, "a", "back")
    assert facts(client)["rated"] == 0


@pytest.mark.parametrize("depth", ["0", "101", "0000110000", "00001" + "9" * 5000, "\u0663", "-1", "1e1"])
def test_a_depth_is_from_1_to_100_however_it_is_written(client: FlaskClient, depth: str) -> None:
    said = client.get("/evaluate/judge.json", query_string={"q": "laptop", "depth": depth})
    assert (said.status_code, "give a number from 1 to 100" in said.get_json()["detail"]) == (400, True)


@pytest.mark.parametrize("grade", ["9" * 30, "9" * 5000, "1001", "-1001", "\u0663", "x", ""])
def test_a_grade_that_no_file_may_have_is_not_agreed_on(client: FlaskClient, grade: str) -> None:
    said = client.post("/evaluate/judge/rate", data={"q": "laptop", "id": "a", "grade": grade, "agreed": "1"})
    assert said.status_code == 400
    assert facts(client, q="")["queries"] == []
    assert rate(client, "a", "-1000", agreed="1").status_code == 303


@pytest.mark.parametrize("body", ["\u00e9", "a", "YQ=", "%"])
def test_a_form_that_comes_back_changed_is_told(client: FlaskClient, body: str) -> None:
    said = client.post("/evaluate/judge/import", data={"body": body, "form": "csv", "chosen": "1"})
    assert (said.status_code, "the form came back changed" in said.text) == (400, True)


def test_the_page_shows_all_as_text_and_hides_ranks(client: FlaskClient) -> None:
    page = client.get("/evaluate/judge?q=laptop").text
    assert "조용한 laptop &lt;script&gt;" in page
    assert 'value="=1 &lt;b&gt;"' in page
    assert "rank 1" not in page
    assert "rank 1" in client.get("/evaluate/judge?q=laptop&rank=1").text
    assert "<b>x" not in client.get("/evaluate/judge?q=%3Cb%3Ex&judge=%3Cb%3Ex").text


def test_the_order_changes_with_the_seed_alone(shop_client: FlaskClient) -> None:
    orders = [[one["id"] for one in facts(shop_client, seed=seed)["documents"]] for seed in ("1", "1", "2")]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])


def test_who_has_not_rated_does_not_see_what_others_said(client: FlaskClient) -> None:
    rate(client, "a", "3", "bob")
    assert by_id(client, "a")["others"] == {}
    rate(client, "a", "0")
    assert (by_id(client, "a")["others"], by_id(client, "a")["open"]) == ({"bob": 3}, True)
    assert "You differ. What counts?" in client.get("/evaluate/judge?q=laptop&judge=anna").text
    assert facts(client, q="")["differing"] == [{"query": "laptop", "id": "a", "said": {"anna": 0, "bob": 3}}]
    rate(client, "a", "3", agreed="1")
    assert facts(client, q="")["differing"] == []
    assert by_id(client, "a")["grade"] == 0  # what anna said is still what she said


@pytest.mark.parametrize("form", ["csv", "trec", "json"])
def test_ratings_come_back_byte_for_byte(client: FlaskClient, form: str) -> None:
    rate(client, "a", "3", "=anna", 'say "조용한",\r\n%20')
    rate(client, "=1 <b>", "0", "")
    first = client.get(f"/evaluate/ratings.{form}").data
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put(DOCUMENTS)
        other = create_app(engine).test_client()
        assert take(other, f"ratings.{form}", first).headers["Location"] == "/evaluate/judge?imported=2"
        assert other.get(f"/evaluate/ratings.{form}").data == first


def test_nothing_is_overwritten_and_nothing_odd_taken_without_a_choice(client: FlaskClient) -> None:
    rate(client, "a", "3")
    rate(client, "c", "1")
    body = (
        b'query,id,grade,judge\nlaptop,a,0,anna\nlaptop,"=1 <b>",2,anna\nlaptop,<i>,1,anna\n'
        b'desk,c,1,anna\nlaptop,c,high,b\n"cut'
    )
    before = client.get("/evaluate/ratings.csv").data
    page = take(client, "r.csv", body).text
    assert client.get("/evaluate/ratings.csv").data == before
    assert "line 2: laptop, a, anna: here 3, in the file 0" in page
    assert "line 4: laptop, &lt;i&gt;" in page
    assert "line 5: desk, c" in page
    assert "line 6: the grade is &#39;high&#39;" in page
    assert "line 7: it cannot be read as a table" in page
    choose(client, page)
    assert (by_id(client, "a")["grade"], by_id(client, "=1 <b>")["grade"]) == (3, 2)
    assert b"desk" not in client.get("/evaluate/ratings.csv").data
    choose(client, page, replace="1", strangers="1")
    assert by_id(client, "a")["grade"] == 0
    assert b"desk,c,1,anna" in client.get("/evaluate/ratings.csv").data
    assert b"<i>" in client.get("/evaluate/ratings.csv").data


@pytest.mark.parametrize(
    "data",
    [
        {"q": "laptop", "id": "a", "grade": "4"}, {"q": "laptop", "id": "a", "grade": ""},
        {"q": "", "id": "a", "grade": "1"}, {"q": "laptop", "id": "", "grade": "1"},
        {"q": "laptop", "id": "nobody", "grade": "1"}, {"q": "laptop", "id": "a", "grade": "1", "judge": "agreed"},
        {"q": "laptop", "id": "a", "grade": "1", "depth": "0"},
    ],
)  # fmt: skip
def test_what_is_no_rating_is_refused(client: FlaskClient, data: dict[str, str]) -> None:
    assert client.post("/evaluate/judge/rate", data=data).status_code in (400, 404)
    assert facts(client, q="")["queries"] == []


def test_what_is_no_file_of_ratings_is_refused(client: FlaskClient) -> None:
    for name, body in (("r.exe", b"x"), ("r.json", b"{"), ("r.csv", b"a,b\n"), ("r.csv", b"query,id,grade\n\xff")):
        assert take(client, name, body).status_code == 400
    assert client.post("/evaluate/judge/import", data={"body": "%", "form": "csv"}).status_code == 400
    assert client.get("/evaluate/ratings.exe").status_code == 404


def test_ratings_outlive_the_server(tmp_path: Path) -> None:
    counted = []
    for _ in range(2):
        with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
            engine.put(DOCUMENTS)
            client = create_app(engine).test_client()
            counted.append(facts(client)["rated"])
            rate(client, "a", "2")
    assert counted == [0, 1]
