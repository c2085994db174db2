"""What an operator sees: what is wrong first, both copies of a document, and files that become documents."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient

import hybrid
from hybrid.web.troubles import Trouble, Watch, troubles
from tests.embedders import HashedWords
from tests.web.conftest import OpenWith

WELL: dict[str, Any] = {
    "stores": {"text": {"store": "tantivy", "documents": 3}, "vector": {"store": "numpy", "documents": 3}},
    "journal": {"entries": 0, "owed": {}, "dead": 0, "oldest_s": 0.0},
    "circuits": {},
}
PONG = {"text": "ok", "vector": "ok", "journal": "ok"}


def send(client: FlaskClient, name: str, body: bytes, **headers: str) -> Any:
    return client.post("/collections/upload", data={"file": (io.BytesIO(body), name)}, headers=headers)


def test_the_page_says_what_its_json_says(shop_client: FlaskClient) -> None:
    page, facts = shop_client.get("/collections"), shop_client.get("/collections.json").get_json()
    assert facts["troubles"] == []
    assert [of["documents"] for of in facts["stores"].values()] == [302, 302]
    assert {one["name"]: one["type"] for one in facts["fields"]}["price"] == "double"
    assert "All is well" in page.text
    assert page.text.count('<p class="big">302 ') == 2
    assert all(f">{one['name']}</th>" in page.text for one in facts["fields"])


def test_a_dead_store_is_the_first_thing_said_and_its_words_stay_inside(
    partly_dead: OpenWith, closed_port: int
) -> None:
    client = partly_dead("elasticsearch")
    facts = client.get("/collections.json").get_json()
    first = facts["troubles"][0]
    assert first["what"] == "The text store (elasticsearch) does not answer."
    assert first["do"].startswith("Searches are answered by meaning alone. Start elasticsearch")
    assert facts["stores"]["text"] == {"store": "elasticsearch", "answers": False}
    assert client.get("/collections.json").get_json()["troubles"][0]["since"] == first["since"]
    page = client.get("/collections").text
    assert first["what"] in page
    assert str(closed_port) not in page + orjson.dumps(facts).decode()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"journal": {"error": "disk full"}}, "The journal cannot be written, so no change is taken."),
        ({"journal": {"dead": 1, "owed": {}, "oldest_s": 0}}, "1 change will never be taken by a store."),
        ({"journal": {"owed": {"text": 2}, "oldest_s": 61}}, "The text store is owed 2 changes."),
        ({"stores": {"text": {"store": "a", "documents": 3}, "vector": {"store": "b", "documents": 2}}},
         "The stores hold different numbers of documents: text 3, vector 2."),
        ({"stores": {"text": {"store": "a", "error": "no index"}, "vector": {"store": "b", "documents": 2}}},
         "The text store (a) answers, and does not have the collection, or cannot tell of it."),
        ({"stores": {"text": {"store": "redis", "warnings": ["it may lose writes"]}}}, "redis: it may lose writes"),
        ({"circuits": {"text": {"circuit": "open", "failures": 5, "retry_in_s": 2.0}}},
         "The text store is left alone after 5 failures in a row."),
    ],
)  # fmt: skip
def test_each_trouble_is_told(change: dict[str, Any], what: str) -> None:
    assert troubles(WELL, PONG, None) == []
    assert [one.what for one in troubles(WELL | change, PONG, None)] == [what]


def test_debts_of_a_moment_and_what_was_repaired_are_no_trouble() -> None:
    assert troubles(WELL | {"journal": {"owed": {"text": 2}, "oldest_s": 59}}, PONG, None) == []
    found = {"counts": {"torn": 2}, "repaired": 0, "at": 5.0}
    assert [(one.what, one.since) for one in troubles(WELL, PONG, found)] == [
        ("The stores disagree about 2 documents.", 5.0)
    ]
    assert troubles(WELL, PONG, found | {"repaired": 2}) == []


def test_a_trouble_that_comes_again_begins_anew() -> None:
    watch, wrong = Watch(), troubles(WELL, PONG | {"journal": "no"}, None)
    assert [watch.since(wrong, now)[0].since for now in (1.0, 2.0)] == [1.0, 1.0]
    assert watch.since([], 3.0) == []
    assert watch.since(wrong, 4.0)[0].since == 4.0


def test_who_looks_meanwhile_does_not_hinder() -> None:
    watch, wrong = Watch(), troubles(WELL, PONG | {"journal": "no"}, None)

    class Meanwhile(list[Trouble]):
        """Another request, which saw no trouble, is answered between two looks at these."""

        looks = 0

        def __iter__(self) -> Iterator[Trouble]:
            self.looks += 1
            if self.looks == 2:
                watch.since([], 2.0)
            return super().__iter__()

    assert watch.since(Meanwhile(wrong), 1.0)[0].since == 1.0


def test_what_differs_is_shown_before_it_is_repaired(tmp_path: Path) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put({"id": one, "title": "quiet laptop"} for one in ("a", "b/c", "<i>"))
        client = hybrid.web.create_app(engine).test_client()
        store = engine._location.place.catalog.store("vector")
        record = store.records(["<i>"])["<i>"]
        other = {"version": record.version + 1, "hash": "other"}
        store.write([type(record)(**{name: getattr(record, name) for name in record.__slots__} | other)])
        assert client.post("/collections/verify").status_code == 303
        checked = client.get("/collections.json").get_json()["checked"]
        assert (checked["counts"], checked["repaired"]) == ({"missing": 0, "stale": 1, "orphan": 0, "torn": 0}, 0)
        page = client.get("/collections").text
        assert "The stores disagree about 1 document." in page
        assert "Repair 1 document" in page
        assert "&lt;i&gt;" in page
        assert "<i>" not in page
        copies = client.get("/collections/documents/%3Ci%3E?format=json").get_json()
        assert copies["agree"] is False
        assert int(copies["stores"]["vector"]["version"]) == int(copies["stores"]["text"]["version"]) + 1
        assert "The stores disagree" in client.get("/collections/documents/%3Ci%3E").text
        client.post("/collections/repair")
        facts = client.get("/collections.json").get_json()
        assert (facts["checked"]["repaired"], facts["troubles"]) == (1, [])
        assert client.get("/collections/documents/%3Ci%3E?format=json").get_json()["agree"] is True


def test_one_document_has_a_page_and_an_unknown_one_has_none(tmp_path: Path) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put([{"id": "b//c.json", "title": "조용한 <b>"}, {"id": "gone", "title": "x"}])
        engine.delete(["gone"])
        client = hybrid.web.create_app(engine).test_client()
        page = client.get("/collections/documents/b//c.json").text
        assert "Both stores agree" in page
        assert page.count("조용한 &lt;b&gt;") == 2
        gone = client.get("/collections/documents/gone?format=json").get_json()
        assert [one["tombstone"] for one in gone["stores"].values()] == [True, True]
        assert client.get("/collections/documents/nobody").status_code == 404
        found = client.get("/collections/documents?id=b//c.json")
        assert found.headers["Location"].endswith("/collections/documents/b//c.json")


def test_with_a_store_dead_a_document_still_has_a_page(partly_dead: OpenWith) -> None:
    client = partly_dead("redis")
    body = client.get("/collections/documents/1?format=json").get_json()
    assert body["agree"] is None
    assert body["stores"]["vector"]["failed"] == "store_unavailable"
    assert "A store does not answer" in client.get("/collections/documents/1").text


def test_a_file_is_taken_and_each_rejected_line_is_named(client: FlaskClient, engine: hybrid.Engine) -> None:
    body = '{"id":"1","title":"조용한"}\n\nno json\n{"title":"no id"}\n[1]\n{"id":"2","title":"b"}'.encode()
    page = send(client, "a <b>.jsonl", body).text
    assert "5 rows read" in page
    assert "2 created" in page
    assert "3 rejected" in page
    assert "<h1>a &lt;b&gt;.jsonl</h1>" in page
    assert [f"<li>line {line}: " in page for line in (3, 4, 5)] == [True] * 3
    assert engine.get("1") == {"title": "조용한"}
    assert engine.count() == 2


def test_progress_comes_a_line_each_part(client: FlaskClient, engine: hybrid.Engine) -> None:
    body = b"id,title,price\n" + b"".join(b'%d,"two\nlines",5\n' % one for one in range(1100)) + b"x,y,z,5\n"
    lines = [
        orjson.loads(line) for line in send(client, "a.csv", body, Accept="application/x-ndjson").data.splitlines()
    ]
    assert [one["rows"] for one in lines[:-1]] == [500, 1000, 1101, 1101]
    assert lines[-1]["done"] is True
    assert lines[-1]["counts"] == {"created": 1100, "rejected": 1}
    assert lines[-1]["rejected"][0]["at"] == "line 2202"  # a header, and 1,100 rows of two lines
    assert engine.count() == 1100


def test_a_table_that_ends_in_a_quote_is_told_and_what_came_before_is_counted(client: FlaskClient) -> None:
    page = send(client, "cut.csv", b"id,title\n1,\xff\xfe\n").text
    assert "It ended before the end of the file: cut.csv is not UTF-8" in page
    assert "/tmp" not in page


def test_what_is_no_file_of_documents_is_refused(client: FlaskClient) -> None:
    assert "no file was sent" in client.post("/collections/upload").text
    refused = send(client, "a.parquet", b"x")
    assert refused.status_code == 400
    assert "a.parquet: files named like this are not taken" in refused.text


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
def test_no_form_of_another_site_changes_anything(
    client: FlaskClient, engine: hybrid.Engine, headers: dict[str, str]
) -> None:
    refused = send(client, "a.jsonl", b'{"id":"1","title":"x"}', **headers)
    assert refused.status_code == 403
    assert "another origin" in refused.text
    assert not engine.status()["exists"]
    good = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert send(client, "a.jsonl", b'{"id":"1","title":"x"}', **good).status_code == 200


def test_every_post_of_a_page_is_one_of_the_guarded(client: FlaskClient) -> None:
    posts = [rule for rule in client.application.url_map.iter_rules() if "POST" in (rule.methods or ())]
    of_pages = [rule.endpoint for rule in posts if not rule.rule.startswith("/api/")]
    assert of_pages
    assert all(one.startswith("actions.") or one in ("compare.save", "compare.keep") for one in of_pages)


@pytest.mark.parametrize(
    "path", ["/compare?q=laptop", "/collections", "/collections/documents/1", "/evaluate", "/evaluate/judge?q=laptop"]
)
def test_forms_that_change_something_come_from_somewhere(shop_client: FlaskClient, path: str) -> None:
    """With no-referrer a browser says of a form that it comes from nowhere; over plain HTTP it says nothing better."""
    page = shop_client.get(path)
    assert page.headers["Referrer-Policy"] == "same-origin", path
