"""The page that compares: its address is its state, and a slider asks no store."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from html import unescape
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st

import hybrid
from hybrid import comparing, presets
from hybrid.web import create_app, strings_compare
from hybrid.web import kept as web_kept
from tests.embedders import HashedWords
from tests.web.conftest import SHOP

URL = "/compare?q=quiet+laptop&a=standard&b=rrf&c=text&b.k=20&b.weight.vector=2&a.window=50&limit=8"


def lists(html: str) -> list[list[str]]:
    return [
        [unescape(one) for one in re.findall(r'<li data-id="([^"]*)"', side)]
        for side in html.split('<section class="side"')[1:]
    ]


def test_the_page_shows_what_the_json_says(shop_client: FlaskClient) -> None:
    page = shop_client.get(URL)
    body = shop_client.get(URL.replace("/compare", "/compare.json")).get_json()
    sides = body["sides"]
    assert lists(page.text) == [sides[name]["ids"] for name in "abc"]
    assert sides["b"]["setting"] == {
        "retrievers": ["text", "vector"],
        "fusion": {
            "method": "rrf",
            "k": 20.0,
            "weights": [["text", 1.0], ["vector", 2.0]],
            "normalizer": "",
            "compat": "",
        },
        "window": 100,
    }
    for name in "abc":
        shown = comparing.alike(sides["a"]["ids"], sides[name]["ids"]).to_dict()
        assert sides[name]["like_the_first"] == shown
        for document, move in sides[name]["moves"].items():
            here, first = sides[name]["ids"].index(document), sides["a"]["ids"]
            assert move == (first.index(document) - here if document in first else None)


def test_a_setting_finds_what_a_search_with_it_finds(shop_client: FlaskClient) -> None:
    sides = shop_client.get(URL.replace("/compare", "/compare.json")).get_json()["sides"]
    searched = {
        "a": "fusion=standard&window=50",
        "b": "fusion=rrf&k=20&weight.vector=2",
        "c": "retrievers=text",
    }
    for name, asked in searched.items():
        found = shop_client.get(f"/api/v1/search?q=quiet+laptop&limit=8&{asked}").get_json()["hits"]
        if name != "a":  # a window that is cut is not one that was asked: what counts as nothing is its own last row
            assert sides[name]["ids"] == [hit["id"] for hit in found]


def test_moving_a_slider_asks_no_store(engine: hybrid.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.put(orjson.loads(line) for line in SHOP.read_bytes().splitlines())
    asked: list[Any] = []
    real = engine.rankings
    monkeypatch.setattr(engine, "rankings", lambda *a, **k: asked.append(a) or real(*a, **k))
    client = create_app(engine).test_client()
    seen = {client.get(f"/compare?q=laptop&b.weight.vector={number / 10}").text for number in range(20)}
    assert len(asked) == 1
    assert len(seen) > 5
    client.get("/compare?q=lamp")
    client.get("/compare?q=laptop&filter=price<100")
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("e=rrf", "there is no argument 'e'"),
        ("a=magic", "there is no fusion 'magic'"),
        ("a.k=0", "a.k is '0'; it is a number from 1 to 1000"),
        ("b.weight.text=-1", "b.weight.text is '-1'; it is a number from 0 to 100"),
        ("a.window=101", "a.window is '101'; it is a number from 1 to 100"),
        ("a.window=x", "a.window is 'x'"),
        ("limit=51", "limit is '51'"),
        ("a=rrf&a.weight.text=0&a.weight.vector=0", "all weights are 0"),
    ],
)
def test_what_cannot_be_compared_says_why(shop_client: FlaskClient, arguments: str, said: str) -> None:
    for path in ("/compare", "/compare.json"):
        response = shop_client.get(f"{path}?q=laptop&{arguments}")
        assert response.status_code == 400
        assert said in unescape(response.text)


def test_a_setting_is_saved_as_a_preset_and_none_is_overwritten(tmp_path: Path) -> None:
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "title": "Quiet laptop"}])
        client = create_app(engine).test_client()
        form = {"q": "laptop", "a": "rrf", "a.k": "20", "a.weight.vector": "2", "side": "a", "name": "mine"}
        response = client.post("/compare/preset", data=form)
        assert (response.status_code, response.headers["Location"].endswith("&saved=mine")) == (303, True)
        preset = presets.load("mine", engine.settings)
        assert (preset.fusion.method, preset.fusion.k, preset.fusion.weight("vector")) == ("rrf", 20.0, 2.0)
        assert "--preset mine" in client.get(response.headers["Location"]).text
        again = client.post("/compare/preset", data=form | {"a": "weighted"})
        assert (again.status_code, "there is a preset &#39;mine&#39; already" in again.text) == (400, True)
        for name in ("../evil", "Mine", "", "x.toml"):
            assert client.post("/compare/preset", data=form | {"name": name}).status_code == 400, name
        assert presets.load("mine", engine.settings) == preset


def test_what_is_saved_is_the_setting_that_the_page_shows(tmp_path: Path) -> None:
    """Where the address names no settings the page shows two of its own; one that fuses nothing is no preset."""
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "title": "Quiet laptop"}])
        client = create_app(engine).test_client()
        shown = client.get("/compare.json?q=laptop").get_json()["sides"]["b"]["setting"]
        assert client.post("/compare/preset", data={"q": "laptop", "side": "b", "name": "mine"}).status_code == 303
        preset = presets.load("mine", engine.settings)
        assert (preset.fusion.method, preset.window) == (shown["fusion"]["method"], shown["window"]) == ("rrf", 100)
        alone = client.post("/compare/preset", data={"q": "laptop", "b": "text", "side": "b", "name": "words"})
        assert (alone.status_code, "setting B asks text alone" in alone.text) == (400, True)
        assert client.post("/compare/preset", data={"q": "laptop", "side": "d", "name": "none"}).status_code == 400
        assert sorted(one.name for one in tmp_path.glob("*.toml")) == ["mine.preset.toml"]
        assert re.findall(r'<option value="(\w)">', client.get("/compare?q=laptop&b=text").text) == ["a"]
        assert "/compare/preset" not in client.get("/compare?q=laptop&a=vector&b=text").text


def test_hostile_titles_are_text(client: FlaskClient) -> None:
    client.put("/api/v1/documents/1", json={"title": "<script>alert(1)</script> lamp", "text": "lamp"})
    html = client.get("/compare?q=lamp").text
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; lamp" in html


def test_before_a_query_there_is_a_form(client: FlaskClient) -> None:
    assert client.get("/compare").status_code == 200
    assert client.get("/compare.json").status_code == 400


STATES = st.fixed_dictionaries(
    {"q": st.text(min_size=1).filter(str.strip)},
    optional={
        "filter": st.text(),
        "limit": st.integers(1, 50).map(str),
        **{side: st.sampled_from(["standard", "rrf", "weighted", "text", "vector"]) for side in "abcd"},
        **{f"{side}.k": st.integers(1, 200).map(str) for side in "abcd"},
        **{f"{side}.window": st.integers(1, 100).map(str) for side in "abcd"},
        **{f"{side}.weight.text": st.floats(0, 4).map(str) for side in "abcd"},
    },
)


@settings(max_examples=50)
@given(STATES.map(lambda state: {name: value for name, value in state.items() if value}))
def test_every_state_is_restored_from_its_short_key(state: dict[str, str]) -> None:
    client = client_in_memory()
    kept = client.post("/compare/keep", data=state)
    page = urlsplit(kept.location)
    assert (kept.status_code, page.path) == (303, "/compare")
    *arguments, (_, key) = parse_qsl(page.query, keep_blank_values=True)
    assert dict(arguments) == state
    again = urlsplit(client.get(f"/compare/{key}").location)
    assert (again.path, again.query) == (page.path, page.query)
    other = client.post("/compare/keep", data=state | {"limit": "7" if state.get("limit") != "7" else "8"})
    assert other.location.rsplit("kept=")[1] != key


@cache
def client_in_memory() -> FlaskClient:
    return create_app(hybrid.open(":memory:", embedder=HashedWords())).test_client()


def test_what_is_kept_lasts_is_shown_and_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"q": "laptop", "a": "rrf", "a.k": "20", "b": "text"}
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        engine.put([{"id": "1", "title": "laptop"}])
        client = create_app(engine).test_client()
        html = client.post("/compare/keep", data=state, follow_redirects=True).text
        (address,) = re.findall(r'value="http://localhost(/compare/[a-z2-7]{10})"', html)
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        client = create_app(engine).test_client()
        page = client.get(address, follow_redirects=True)
        assert dict(page.request.args) == state | {"kept": address.rsplit("/", 1)[1]}
        for other in (f"q=lamp&kept={address.rsplit('/', 1)[1]}", "q=laptop&a=rrf&a.k=20&b=text&kept=aaaaaaaaaa"):
            assert "Short address" not in client.get(f"/compare?{other}").text  # it leads elsewhere, or nowhere
        assert client.get("/compare/aaaaaaaaaa").status_code == 404
        assert client.get("/compare/..%2f..%2fetc").status_code == 404
        assert client.post("/compare/keep", data={"q": "x" * 9000}).status_code == 413
        assert client.post("/compare/keep", data={"q": "x", "a.z": "1"}).status_code == 400
        monkeypatch.setattr(web_kept, "MOST", 1)
        assert client.post("/compare/keep", data=state).status_code == 303  # it is there already
        full = client.post("/compare/keep", data={"q": "another"})
        assert (full.status_code, "1 states are kept already" in full.text) == (400, True)


def test_the_page_speaks_korean_and_goes_on_in_it(shop_client: FlaskClient) -> None:
    html = shop_client.get(f"{URL}&lang=ko&saved=mine").text
    text = unescape(re.sub(r"<[^>]*>", " ", html[html.index("<main") : html.index("</main>")]))
    text += " ".join(unescape(one) for one in re.findall(r'(?:title|aria-label)="([^"]*)"', html))
    for key, phrase in strings_compare.PHRASES.items():
        assert phrase.en.split("{")[0].strip() not in text, key
    shown = [key for key, phrase in strings_compare.PHRASES.items() if phrase.ko.split("{")[0].strip() in text]
    assert set(strings_compare.PHRASES) - set(shown) <= {
        "nothing_found",
        "short_address",
        "keep_too",
        "moved_new",
        "lists_of_before",
    }
    assert '<html lang="ko"' in html
    assert '<input type="hidden" name="lang" value="ko">' in html
    assert all(
        "lang=ko" in unescape(one) for one in re.findall(r'href="(/compare\?[^"]*)"', html) if "lang=en" not in one
    )


def test_two_who_keep_the_same_at_once_both_get_its_key(tmp_path: Path) -> None:
    stores = [web_kept.Kept(tmp_path) for _ in range(8)]
    states = [(("q", f"laptop {number}"),) for number in range(25)]
    together = Barrier(len(stores))

    def keep_all(store: web_kept.Kept) -> list[str]:
        keys = []
        for state in states:
            together.wait(timeout=10)
            keys.append(store.keep(state))
        return keys

    with ThreadPoolExecutor(len(stores)) as pool:
        first, *others = pool.map(keep_all, stores)
    assert all(keys == first for keys in others)
    assert [stores[0].of(key) for key in first] == states
    assert len(list(tmp_path.iterdir())) == len(states)


def test_a_folder_that_cannot_be_written_is_told_without_its_name(tmp_path: Path) -> None:
    (tmp_path / "compared").write_text("a file stands in the way")
    with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
        answer = create_app(engine).test_client().post("/compare/keep", data={"q": "x"})
    assert (answer.status_code, "it cannot be kept" in answer.text) == (400, True)
    assert str(tmp_path) not in answer.text
