"""The page's addresses: what narrows an answer, as filter, as links, and the same in JSON."""

from __future__ import annotations

import random
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from hybrid.errors import QueryError
from hybrid.filters import show
from hybrid.schema import Field, FieldType, Schema
from hybrid.web.addresses import Address
from hybrid.web.narrowing import read

SCHEMA = Schema(
    (
        Field("title", FieldType.TEXT),
        Field("brand", FieldType.KEYWORD),
        Field("in_stock", FieldType.BOOLEAN),
        Field("price", FieldType.DOUBLE),
        Field("pages", FieldType.LONG),
        Field("released", FieldType.DATE),
    )
)
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "'><svg/onload=alert(3)>",
    "javascript:alert(4)",
    "{{ 7 * 7 }}{% raw %}",
    "</title><script>alert(5)</script>",
    "\u202eevil\u202c & <b>",
    "%3Cscript%3Ealert(6)%3C/script%3E",
    "<mark>not ours</mark>",
    "a\u0000b\u001f<i>",
]


@pytest.mark.parametrize(
    ("arguments", "filter"),
    [
        ([], None),
        ([("q", "laptop"), ("f.brand", "")], None),
        ([("f.brand", "acer")], 'brand = "acer"'),
        ([("f.brand", "acer"), ("f.brand", "l g"), ("f.brand", "acer")], 'brand IN ["acer", "l g"]'),
        ([("f.in_stock", "true")], "in_stock = true"),
        ([("from.price", "1.5"), ("to.price", "-0")], "price >= 1.5 AND price <= 0.0"),
        ([("from.pages", "2.5"), ("to.pages", "7.5")], "pages >= 3 AND pages <= 7"),
        ([("from.released", "2024-01-31")], "released >= 2024-01-31"),
        ([("to.released", "2024-01-31")], "released < 2024-02-01"),  # that day too
        ([("to.released", "9999-12-31")], "released <= 9999-12-31T23:59:59.999Z"),  # there is no next one
        ([("to.released", "2024-01-31T12:00:00Z")], "released <= 2024-01-31T12:00:00Z"),
        ([("f.brand", "a"), ("from.price", "1")], 'brand = "a" AND price >= 1.0'),
    ],
)
def test_arguments_are_a_filter(arguments: list[tuple[str, str]], filter: str | None) -> None:
    tree = read(arguments, SCHEMA).tree()
    assert (None if tree is None else show(tree)) == filter


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([("f.brnd", "x")], r"f\.brnd narrows nothing; the fields that can be chosen so: brand, in_stock"),
        ([("f.title", "x")], r"f\.title narrows nothing"),
        ([("from.brand", "x")], r"from\.brand narrows nothing; .*: pages, price, released"),
        ([("f.in_stock", "yes")], r"f\.in_stock is 'yes'; it is true or false"),
        ([("to.price", "cheap")], r"to\.price is 'cheap'; write a number"),
        ([("to.price", "nan")], r"to\.price is 'nan'; write a number"),
        ([("from.released", "yesterday")], r"from\.released is 'yesterday'; write a date such as 2024-01-31"),
        ([("to.price", "1"), ("to.price", "2")], r"'to\.price' is given twice"),
        ([("from.pages", "1e300")], r"from\.pages: .* beyond ±2\^53"),
        ([("f.brand", "x" * 5000)], r"f\.brand: .* more than 4096 bytes"),
    ],
)
def test_what_narrows_nothing_is_refused(arguments: list[tuple[str, str]], said: str) -> None:
    with pytest.raises(QueryError, match=said) as raised:
        read(arguments, SCHEMA)
    assert raised.value.field == arguments[-1][0]


def test_a_page_is_not_much_longer_than_its_address(shop_client: FlaskClient) -> None:
    """Each value that is chosen has links, which repeat all of the address."""
    some, many = ([("q", "lamp"), *(("f.brand", str(one)) for one in range(count))] for count in (100, 101))
    assert len(shop_client.get("/search", query_string=urlencode(some)).text) < 1_000_000
    for path in ("/search", "/search.json"):
        said = shop_client.get(path, query_string=urlencode(many))
        assert (said.status_code, "101 values are chosen; 100 are the most" in said.text) == (400, True)
        padded = shop_client.get(path, query_string="q=lamp" + "&lang=en" * 15_000)
        assert (padded.status_code, "100000 are the most" in padded.text) == (400, True)
    assert shop_client.get("/search", query_string=urlencode({"q": "\ud55c" * 8192})).status_code == 200


def test_an_address_is_changed_in_one_argument() -> None:
    at = Address("/search", (("q", "a b"), ("f.x", "1"), ("f.x", "2"), ("cursor", "c"), ("lang", "")))
    assert str(at.with_value("f.x", "3&")) == "/search?q=a+b&f.x=1&f.x=2&f.x=3%26"
    assert str(at.without_value("f.x", "1")) == "/search?q=a+b&f.x=2"
    assert str(at.without(("f.x",))) == "/search?q=a+b"
    assert str(at.instead("q", "")) == "/search?f.x=1&f.x=2"
    assert str(at.instead("q", "c")) == "/search?q=c&f.x=1&f.x=2"
    assert str(at.instead("sort", "price")) == "/search?q=a+b&f.x=1&f.x=2&sort=price"
    assert str(at.beside("lang", "ko")) == "/search?q=a+b&f.x=1&f.x=2&cursor=c&lang=ko"  # the very same page
    assert str(Address("/", ())) == "/"


def links(html: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'href="(/search\?[^"]*)"', html)]


def hits(html: str) -> list[str]:
    return [unescape(one) for one in re.findall(r'<li class="hit" data-id="([^"]*)"', html)]


def facts(client: FlaskClient, url: str) -> tuple[str, dict[str, Any]]:
    """A page, and the same address in JSON."""
    page, body = client.get(url), client.get(url.replace("/search", "/search.json", 1))
    assert (page.status_code, body.status_code) == (200, 200), url
    return page.text, body.get_json()


@pytest.mark.parametrize("seed", range(20))
def test_a_walk_along_links_finds_the_same_in_html_and_in_json(shop_client: FlaskClient, seed: int) -> None:
    draw = random.Random(seed)
    url = f"/search?q={draw.choice(['laptop', 'quiet', 'book', 'lamp', '노트북'])}&limit=5"
    for _ in range(6):
        html, body = facts(shop_client, url)
        page = body["page"]
        assert hits(html) == [hit["id"] for hit in body["hits"]], url
        shown = [
            *(one["toggle_url"] for facet in page["facets"] for one in facet["choices"]),
            *(facet["more_url"] for facet in page["facets"] if facet["more_url"]),
            *(one["clear_url"] for one in page["chosen"]),
            *([page["clear_url"]] if page["clear_url"] else []),
            *([page["next_url"]] if page["next_url"] else []),
            *(one["url"] for one in (page["sorts"] if body["hits"] else [])),
            *(one["url"] for one in (page["emptied"] or {"offers": ()})["offers"]),
        ]
        missing = [one for one in shown if not one.startswith("/search?q=") or one not in links(html)]
        assert not [one for one in missing if "cursor=" not in one], url  # each answer has a cursor of its own
        url = draw.choice(shown)


def test_choices_have_the_counts_that_choosing_them_leaves(shop_client: FlaskClient) -> None:
    _, body = facts(shop_client, "/search?q=notebook&retrievers=text&limit=100")
    for facet in body["page"]["facets"]:
        for one in facet["choices"]:
            _, chosen = facts(shop_client, one["toggle_url"])
            assert len(chosen["hits"]) == one["count"], one["toggle_url"]
            again = next(of for of in chosen["page"]["facets"] if of["field"] == facet["field"])["choices"]
            selected = next(of for of in again if of["selected"])
            assert (selected["value"], selected["toggle_url"]) == (
                one["value"],
                "/search?q=notebook&retrievers=text&limit=100",
            )


def test_an_emptied_list_says_what_each_condition_takes_away(shop_client: FlaskClient) -> None:
    html, body = facts(shop_client, "/search?q=laptop&f.brand=Norvik&f.category=book&filter=price+%3C+1000000")
    assert body["hits"] == []
    offers = body["page"]["emptied"]["offers"]
    counts = {one["url"]: one["count"] for one in offers}
    for url, count in counts.items():
        filters = MultiDict(one.split("=", 1) for one in url.partition("?")[2].split("&"))
        assert count == len(facts(shop_client, f"{url}&limit=302&retrievers=vector")[1]["hits"]), filters
    assert "No document passes the filter: it emptied the list, not the query." in unescape(html)


def test_words_that_no_document_has_are_corrected_and_meaning_is_offered(shop_client: FlaskClient) -> None:
    html, body = facts(shop_client, "/search?q=notebok&retrievers=text")
    assert body["page"]["did_you_mean"] == {"query": "notebook", "url": "/search?q=notebook&retrievers=text"}
    assert body["page"]["emptied"]["offers"] == [
        {"words": "Search by meaning too", "url": "/search?q=notebok", "count": None}
    ]
    assert "Did you mean" in html


@pytest.mark.parametrize("cut", ["limit=0", "offset=5000", "min_score=1000", "limit=0&retrievers=text"])
def test_what_was_found_and_is_not_shown_is_not_said_to_be_nothing(shop_client: FlaskClient, cut: str) -> None:
    html, body = facts(shop_client, f"/search?q=notebook&{cut}")
    assert body["hits"] == []
    assert "Nothing to show on this page" in html
    assert "Nothing found" not in html
    assert "No document" not in html
    (offer,) = body["page"]["emptied"]["offers"]
    assert facts(shop_client, offer["url"])[1]["hits"]


def test_a_document_that_was_found_and_left_out_is_not_said_to_be_unfound(shop_client: FlaskClient) -> None:
    url = "/search?q=notebook&limit=50"
    found, kept = ([hit["id"] for hit in facts(shop_client, url + more)[1]["hits"]] for more in ("", "&collapse=brand"))
    left_out = next(one for one in found if one not in kept)
    html, body = facts(shop_client, f"{url}&collapse=brand&explain_id={left_out}")
    assert (body["page"]["other"]["rank"], body["page"]["other"]["passes_filter"]) == (None, True)
    assert "hit" in {part["status"] for part in body["page"]["other"]["explain"].values()}
    assert f"Document {left_out} was found, but left out after fusion" in html


def test_another_document_is_explained(shop_client: FlaskClient) -> None:
    _, body = facts(shop_client, "/search?q=quiet+laptop&f.brand=Norvik&explain_id=k-001")
    assert body["page"]["other"] | {"explain": None} == {
        "id": "k-001",
        "exists": True,
        "passes_filter": False,
        "rank": None,
        "score": 0.0,
        "explain": None,
    }
    html, body = facts(shop_client, "/search?q=quiet+laptop&explain_id=nobody")
    assert (body["page"]["other"]["exists"], "There is no document nobody." in html) == (False, True)


@pytest.mark.parametrize("evil", HOSTILE)
def test_hostile_texts_are_shown_as_text_wherever_they_come_from(client: FlaskClient, evil: str) -> None:
    engine = client.application.extensions["hybrid"]
    plain = evil.replace("\0", "").replace("\x1f", "")
    engine.put(
        {"id": f"{number}{plain}", "title": plain, "text": f"lamp {plain}", "brand": plain} for number in range(3)
    )
    arguments = {"q": f"lamp {plain}", "f.brand": plain, "filter": "exists(brand)", "explain_id": evil, "lang": evil}
    for extra in ({}, {"f.brand": "none"}, {"explain": "true", "sort": ""}, {"from.brand": evil}, {"limit": evil}):
        html = client.get("/search", query_string={**arguments, **extra}).text
        own = re.sub(r"<script src=[^>]*></script>", "", html).replace("<mark>", "").replace("</mark>", "")
        assert not re.search(r"<(script|img|svg/|i>|b>)", own)
        assert not re.search(r"""(href|src)=["']javascript""", own)
        assert "lamp 49" not in own
