"""Judged queries are measured in the background, and each one leads to where it can be looked at."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

import hybrid
from hybrid.errors import InputError
from hybrid.evaluation import evaluate
from hybrid.web import create_app
from hybrid.web.runs import MOST_KEPT, Runs
from tests.embedders import HashedWords
from tests.eventually import eventually

DOCUMENTS = [
    {"id": "a", "text": "quiet laptop"},
    {"id": "b", "text": "desk <b> lamp"},
    {"id": "c", "text": "red chair"},
]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[hybrid.Engine]:
    with hybrid.open(tmp_path / "data", embedder=HashedWords()) as engine:
        engine.put(DOCUMENTS)
        yield engine


@pytest.fixture
def client(engine: hybrid.Engine) -> FlaskClient:
    return create_app(engine).test_client()


def finished(client: FlaskClient, url: str) -> Any:
    def done() -> Any:
        said = client.get(f"{url}.json").get_json()
        return said if said["state"] != "running" else None

    return eventually(done)


def begin(client: FlaskClient, name: str) -> str:
    said = client.post("/evaluate/run", data={"dataset": name})
    assert said.status_code == 303, said.text
    return str(said.headers["Location"])


def test_a_table_in_the_data_folder_is_measured_as_a_program_measures_it(
    client: FlaskClient, engine: hybrid.Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "datasets"
    folder.mkdir()
    table = folder / "mine <i>.csv"
    table.write_text("query,id,grade\nlaptop,a,2\n<b> lamp,b,1\nlaptop,nowhere,1\n")
    (folder / "notes.txt").write_text("not a data set")
    assert client.get("/evaluate.json").get_json()["datasets"] == ["mine <i>.csv"]
    url = begin(client, "mine <i>.csv")
    run = finished(client, url)
    assert run["result"] == evaluate(engine, table).to_dict()
    assert (run["done"], run["total"]) == (2, 2)
    page = client.get(url).text
    assert "nothing can be said: 2 judged queries" in page
    assert "mine &lt;i&gt;.csv" in page
    assert "&lt;b&gt; lamp" in page
    assert "<i>" not in page
    assert "<b>" not in page
    assert " style=" not in page
    assert page.count("<svg viewBox='0 0 720") == 3
    assert 'href="/search?q=%3Cb%3E+lamp"' in page or 'href="/search?q=%3Cb%3E%20lamp"' in page
    assert "nothing can be said" in client.get("/evaluate").text
    for one in run["per_query"]:
        for link in ("search_url", "compare_url", "judge_url"):
            assert client.get(one[link]).status_code == 200, one[link]


def test_ratings_that_were_given_here_are_measured(client: FlaskClient) -> None:
    assert client.get("/evaluate.json").get_json()["datasets"] == []
    for one, grade in (("a", "3"), ("b", "0")):
        client.post("/evaluate/judge/rate", data={"q": "laptop", "id": one, "grade": grade})
    client.post("/evaluate/judge/rate", data={"q": "nothing", "id": "c", "grade": "0"})
    run = finished(client, begin(client, "ratings given here"))
    assert [one["query"] for one in run["per_query"]] == ["laptop"]
    assert run["per_query"][0]["default"] == 1.0


@pytest.mark.parametrize("name", ["", "../data", "/etc/passwd", "datasets", "ratings given here"])
def test_only_what_is_in_the_list_is_measured(client: FlaskClient, name: str) -> None:
    assert client.post("/evaluate/run", data={"dataset": name}).status_code == 400
    assert client.get("/evaluate.json").get_json()["runs"] == []


def test_a_run_that_fails_says_why(client: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "data" / "datasets").mkdir()
    (tmp_path / "data" / "datasets" / "odd.csv").write_text("query,id,grade\nlaptop,nowhere,2\n")
    url = begin(client, "odd.csv")
    assert "no query has a relevant document that exists" in finished(client, url)["error"]
    assert "It could not be measured" in client.get(url).text
    assert client.get("/evaluate/runs/77").status_code == 404


def test_one_run_goes_on_at_a_time_and_the_last_ones_are_kept() -> None:
    runs, go = Runs(), threading.Event()

    def fails(told: Any) -> Any:
        go.wait(10)
        told(1)
        raise InputError("no")

    first = runs.begin("first", 2, fails)
    with pytest.raises(InputError, match="measured already"):
        runs.begin("second", 1, fails)
    assert first.state == "running"
    go.set()
    eventually(lambda: first.state == "failed")
    assert first.done == 1
    for number in range(MOST_KEPT):
        one = runs.begin(str(number), 1, fails)
        eventually(lambda one=one: one.state == "failed")
    assert len(runs.all()) == MOST_KEPT
    assert runs.get(first.number) is None
