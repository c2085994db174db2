"""The search page: what people see, without any script."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from hybrid.model import RetrieverReport, Status
from hybrid.result import Counts, Hit, SearchResult, Total
from hybrid.web.view import cut, number, shown

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


class Elements(HTMLParser):
    """The elements of a page, as (tag, attributes)."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def ids(html: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'<li class="hit" data-id="([^"]*)"', html)]


def test_the_start_page_asks_and_needs_no_collection(client: FlaskClient) -> None:
    response = client.get("/")
    assert response.status_code == 200
    elements = Elements(response.text)
    assert elements.all("html") == [{"lang": "en"}]
    form = elements.all("form")[0]
    assert (form["action"], form["method"]) == ("/search", "get")
    assert client.get("/search").text == client.get("/search?q=%20").text
    main = client.get("/search").text.partition("<main>")
    assert main[1:] == response.text.partition("<main>")[1:]


def test_a_form_that_is_sent_as_it_comes_asks_what_a_query_alone_asks(shop_client: FlaskClient) -> None:
    form = Elements(shop_client.get("/search?q=laptop").text)
    chosen = [one["value"] for one in form.all("option") if "selected" in one]
    usual = [one["data-usual"] for one in form.all("select")]
    assert chosen == usual == ["", "standard"]
    sent = shop_client.get("/search.json?q=laptop&retrievers=&fusion=standard&weight.text=1&weight.vector=1&limit=10")
    assert sent.get_json()["fusion"] == shop_client.get("/search.json?q=laptop").get_json()["fusion"]


@pytest.mark.parametrize(
    "asked", ["q=silent+notebook", "q=조용한+노트북&limit=25", "q=book&fusion=weighted&weight.text=0"]
)
def test_the_page_shows_the_ids_of_the_json_in_the_same_order(shop_client: FlaskClient, asked: str) -> None:
    found = [hit["id"] for hit in shop_client.get(f"/api/v1/search?{asked}").get_json()["hits"]]
    assert found
    assert ids(shop_client.get(f"/search?{asked}").text) == found


def test_nothing_inline_so_that_the_policy_holds(shop_client: FlaskClient) -> None:
    for url in ("/", "/search?q=laptop", "/search?q=laptop&limit=x"):
        elements = Elements(shop_client.get(url).text)
        assert [one.get("src") for one in elements.all("script")] == ["/static/search.js"]
        assert not elements.all("style")
        names = {name for _, attributes in elements.found for name in attributes}
        assert not {name for name in names if name == "style" or name.startswith("on")}


def test_hostile_documents_and_queries_are_shown_as_text(client: FlaskClient) -> None:
    client.put(
        "/api/v1/documents/%3Cb%3E%22",
        json={"title": EVIL, "text": f"laptop {EVIL}", "brand": EVIL[:50], "url": "javascript:alert(3)"},
    )
    html = client.get("/search", query_string={"q": f"laptop {EVIL}"}).text
    elements = Elements(html)
    assert ids(html) == ['<b>"']
    assert not elements.all("img")
    assert [one.get("src") for one in elements.all("script")] == ["/static/search.js"]
    assert elements.all("input")[0]["value"] == f"laptop {EVIL}"
    assert not [one for one in elements.all("a") if str(one["href"]).startswith("javascript")]
    assert EVIL not in html
    wrong = client.get("/search", query_string={"q": EVIL, "limit": EVIL, "k": EVIL, EVIL: EVIL})
    assert wrong.status_code == 400
    assert EVIL not in wrong.text


def test_a_url_of_the_document_is_linked(client: FlaskClient) -> None:
    client.put("/api/v1/documents/a", json={"title": "A laptop", "url": "https://example.org/?a=1&b=2"})
    links = Elements(client.get("/search?q=laptop").text).all("a")
    assert "https://example.org/?a=1&b=2" in [one["href"] for one in links]


def test_the_form_shows_what_the_url_says(shop_client: FlaskClient) -> None:
    url = "/search?q=laptop&fusion=weighted&weight.vector=2.5&limit=3&retrievers=text&window=40"
    elements = Elements(shop_client.get(url).text)
    expected = {
        "q": "laptop",
        "weight.text": "1",
        "weight.vector": "2.5",
        "limit": "3",
        "filter": "",
        "window": "40",
    }
    assert [(one["name"], one["value"]) for one in elements.all("input")][:6] == list(expected.items())
    assert {one["value"] for one in elements.all("option") if "selected" in one} == {"weighted", "text"}
    assert "open" in elements.all("details")[0]
    assert "open" not in Elements(shop_client.get("/search?q=laptop&limit=10").text).all("details")[0]


@pytest.mark.parametrize(
    ("path", "root", "leads"),
    [
        ("/search?q=a%26b", "", "/search?q=a%26b&lang=ko"),
        ("/search?q=a", "/shop", "/shop/search?q=a&lang=ko"),
        ("/collections/documents/a%3Fb%23c%2541//%22", "", "/collections/documents/a%3Fb%23c%2541//%22?lang=ko"),
    ],
)
def test_the_other_language_is_of_this_very_page(shop_client: FlaskClient, path: str, root: str, leads: str) -> None:
    html = shop_client.get(path, environ_overrides={"SCRIPT_NAME": root}).text
    assert [unescape(one) for one in re.findall(r'class="language" href="([^"]*)"', html)] == [leads]


def test_nothing_found_says_so(shop_client: FlaskClient) -> None:
    html = shop_client.get("/search?q=zyzzyva&retrievers=text").text
    assert "Nothing found for “zyzzyva”" in html
    assert "0 results (0 documents have a word of it) in" in html


def test_a_wrong_setting_keeps_the_question_and_says_what_is_wrong(shop_client: FlaskClient) -> None:
    response = shop_client.get("/search?q=quiet+laptop&limit=many")
    assert (response.status_code, response.mimetype) == (400, "text/html")
    assert "limit: input should be a valid integer" in response.text
    assert 'value="quiet laptop"' in response.text


def test_the_words_of_the_query_are_marked_and_what_a_document_says_is_no_markup(client: FlaskClient) -> None:
    client.application.extensions["hybrid"].put([{"id": "1", "title": "Fan", "text": "<b>Quiet</b> </p> & quieter"}])
    page = client.get("/search?q=quiet").text
    assert "&lt;b&gt;<mark>Quiet</mark>&lt;/b&gt; &lt;/p&gt; &amp; quieter</p>" in page
    assert "<mark>" not in client.get("/search?q=quiet&highlight=false").text


def test_a_search_before_anything_was_written_is_a_page_that_helps(client: FlaskClient) -> None:
    response = client.get("/search?q=laptop")
    assert response.status_code == 404
    assert "Nothing to search yet" in response.text
    assert "hybrid index FILE" in response.text


def test_a_long_document_shows_the_passage_that_was_found(shop_client: FlaskClient) -> None:
    hits = shop_client.get("/api/v1/search?q=laptop&limit=302").get_json()["hits"]
    near = [hit for hit in hits if hit["explain"]["text"]["status"] == "not_found"]
    long = next(hit for hit in near if hit.get("passage", {}).get("number", 0) > 0)
    page = unescape(shop_client.get("/search?q=laptop&limit=302").text)
    assert " ".join(long["passage"]["text"].split())[:100] in page


def result(score: float, explain: dict[str, dict[str, object]], vector: RetrieverReport) -> SearchResult:
    document = {
        "title": "T",
        "text": "word " * 100,
        "tags": ["a", "b"],
        "in_stock": False,
        "price": 749.0,
        "none": None,
    }
    hit = Hit("1", 1, score, document, explain)
    reports = {"text": RetrieverReport(Status.OK, 3.0, 100), "vector": vector}
    return SearchResult("q", 12.4, False, {}, reports, (hit,))


def test_a_step_that_did_not_do_its_part_is_told() -> None:
    """Else the order would be taken for one that was made by it."""
    steps = {
        "rerank": RetrieverReport(Status.TIMEOUT, 9.0, 0, "deadline"),
        "diversity": RetrieverReport(Status.FAILED, 1.0, 0, "what is this"),
    }
    found = replace(result(1.0, {}, RetrieverReport(Status.OK, 2.0, 1)), degraded=True, steps=steps)
    assert shown(found).warnings == (
        "The step rerank did not answer in time, so the results come without it.",
        "The step diversity failed, so the results come without it.",
    )
    assert shown(replace(found, steps={"rerank": RetrieverReport(Status.OK, 9.0, 3)})).warnings == ()


@pytest.mark.parametrize(
    ("total", "told"),
    [
        (Total(1, True, Counts.TEXT_MATCHES), "1 result (1 document has a word of it)"),
        (Total(2, True, Counts.TEXT_MATCHES), "1 result (2 documents have a word of it)"),
        (Total(1, True, Counts.FILTER_MATCHES), "1 result (1 document in all)"),
        (Total(1, True, Counts.WINDOW), "1 result in"),
    ],
)
def test_one_document_is_counted_as_one(total: Total, told: str) -> None:
    found = replace(result(1.0, {}, RetrieverReport(Status.OK, 2.0, 1)), total=total)
    assert shown(found).status.startswith(told)


def test_one_document_that_is_left_is_counted_as_one(client: FlaskClient) -> None:
    client.put("/api/v1/documents/1", json={"title": "lamp", "brand": "acer"})
    page = unescape(client.get("/search?q=lamp&f.brand=other").text)
    assert re.findall(r">(Without [^<]*)<", page) == ["Without brand other: 1 document"]


def test_a_hit_is_told_in_words_numbers_and_a_bar() -> None:
    explain: dict[str, dict[str, object]] = {
        "text": {"status": "hit", "rank": 2, "contribution": 0.75},
        "vector": {"status": "hit", "rank": 14, "contribution": 0.25},
    }
    view = shown(result(1.0, explain, RetrieverReport(Status.OK, 2.0, 100)))
    assert view.status == "1 result in 12 ms, text 100 found, vector 100 found"
    assert view.warnings == ()
    hit = view.hits[0]
    assert [badge.words for badge in hit.badges] == ["text #2", "vector #14"]
    assert [(part.retriever, part.x, part.width) for part in hit.segments] == [("text", 0, 75), ("vector", 75, 25)]
    assert hit.bar == "score 1.0000: text .7500, vector .2500"
    assert hit.facts == (("tags", "a, b"), ("in stock", "no"), ("price", "749"))
    ((snippet, marked),) = hit.snippet
    assert snippet.endswith("word…")
    assert len(snippet) <= 241
    assert not marked


@pytest.mark.parametrize(
    ("status", "reason", "warning", "badge"),
    [
        (Status.TIMEOUT, "deadline", "The vector store did not answer in time.", "failed"),
        (Status.FAILED, "store_denied", "The vector store refused access.", "failed"),
        (Status.FAILED, "what is this", "The vector store failed.", "failed"),
        (Status.SKIPPED, "not asked", None, "skipped"),
    ],
)
def test_a_retriever_that_did_not_answer_is_told_in_plain_words(
    status: Status, reason: str, warning: str | None, badge: str
) -> None:
    explain: dict[str, dict[str, object]] = {
        "text": {"status": "hit", "rank": 1, "contribution": 1 / 61},
        "vector": {"status": badge, "contribution": 0.0},
    }
    view = shown(result(1 / 61, explain, RetrieverReport(status, 2.0, 0, reason)))
    assert view.warnings == ((f"{warning} These results come from text only.",) if warning else ())
    assert view.hits[0].badges[1].words == {"failed": "vector: failed", "skipped": "vector: not asked"}[badge]
    assert [part.width for part in view.hits[0].segments] == [100]


@pytest.mark.parametrize(
    ("value", "words"), [(0.0325, ".0325"), (1 / 61, ".0164"), (0.0, "0"), (1.25, "1.2500"), (0.00001, ".0000")]
)
def test_scores_have_four_decimals(value: float, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(
    ("text", "most", "shortened"),
    [
        ("", 5, ""),
        ("abcde", 5, "abcde"),
        ("abcdef", 5, "abcde…"),
        ("four five", 5, "four…"),
        ("a bcdefghij", 6, "a bcde…"),
    ],
)
def test_long_texts_are_cut_between_words_where_that_leaves_enough(text: str, most: int, shortened: str) -> None:
    assert cut(text, most) == shortened
