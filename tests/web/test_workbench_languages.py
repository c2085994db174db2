"""The pages of who runs, rates and measures a collection speak the language that is asked for, and go on in it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from string import Formatter

import numpy as np
import pytest
from flask.testing import FlaskClient

import hybrid
from hybrid.evaluation import evaluate
from hybrid.evaluation.comparison import Comparison
from hybrid.evaluation.measures import PRIMARY
from hybrid.web import create_app
from hybrid.web.codes import CODES
from hybrid.web.evaluate import verdict
from hybrid.web.saying import IN_ENGLISH, PHRASES, Say
from hybrid.web.strings import KOREAN
from hybrid.web.strings_compare import PHRASES as OF_COMPARE
from hybrid.web.strings_evaluate import PHRASES as OF_EVALUATE
from hybrid.web.strings_problems import KOREAN as CODES_IN_KOREAN
from hybrid.web.strings_problems import PHRASES as OF_PROBLEMS
from hybrid.web.strings_workbench import PHRASES as OF_WORKBENCH
from tests.embedders import HashedWords
from tests.eventually import eventually
from tests.web.conftest import OpenWith

DOCUMENTS = [{"id": "a", "t": "조용한 laptop"}, {"id": "b", "t": "책상 laptop", "sold": True}]
NAMES = set(
    "Hybrid English laptop documents JSON Lines CSV TREC BEIR API id a b t text english hashed words index FILE hybrid "
    "numpy COSINE exact B KiB kB query grade nDCG R MRR MAP RBO p x j k u h csv json "
    "ms sold boolean limit offset min_score "
    "judge datasets UTC rrf standard weighted not_found nobody anna bob c no tantivy openapi docs".split()
)
"""What is called so in every language: names, ids, keys, formats and units."""


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A collection with ratings that differ and a run that was measured."""
    with hybrid.open(tmp_path_factory.mktemp("pages"), embedder=HashedWords()) as engine:
        engine.put(DOCUMENTS)
        client = create_app(engine).test_client()
        client.post("/collections/verify")
        for judge, grade in (("anna", "3"), ("bob", "0")):
            client.post("/evaluate/judge/rate", data={"q": "laptop", "id": "a", "judge": judge, "grade": grade})
        client.post("/evaluate/judge/rate", data={"q": "laptop", "id": "b", "judge": "anna", "grade": "2"})
        client.post("/evaluate/run", data={"dataset": "ratings given here"})
        eventually(lambda: client.get("/evaluate/runs/1.json").get_json()["state"] == "done")
        yield client


def visible(page: str) -> str:
    """What is read or heard of a page, less code, the search form, and what it says is English itself."""
    page = re.sub(r'<(\w+)[^>]* lang="en"[^>]*>.*?</\1>', " ", page, flags=re.DOTALL)
    page = re.sub(r'<form[^>]* action="/search".*?</form>', " ", page, flags=re.DOTALL)
    page = re.sub(r"<(code|kbd|script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    heard = re.findall(r'(?:aria-label|placeholder|title)="([^"]*)"', page)
    return unescape(" ".join([re.sub(r"<[^>]*>", " ", page), *heard]))


SEARCHES = ["/search?q=laptop&explain=true&explain_id=b", "/search?q=laptop&limit=0&explain_id=b",
            "/search?q=laptop&f.sold=true", "/search?q=laptop&f.sold=false&explain_id=a"]  # fmt: skip
PAGES = ["/collections", "/collections/documents/a", "/evaluate", "/evaluate/runs/1", "/evaluate/judge",
         "/evaluate/judge?q=laptop&judge=anna&rank=1", "/evaluate/judge?q=laptop&judge=c", "/nobody"]  # fmt: skip


@pytest.mark.parametrize("path", [*PAGES, *SEARCHES])
def test_a_page_in_korean_has_no_english_word(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers={"Accept-Language": "ko"}).text
    assert '<html lang="ko">' in page
    said = re.sub(r"[0-9a-f]{32}|\d[\d.,]*", " ", visible(page))
    assert set(re.findall(r"[A-Za-z_]+", said)) - NAMES == set()


def test_what_answers_a_form_is_in_korean_too(client: FlaskClient) -> None:
    body = {"file": (io.BytesIO(b'{"id":"c","t":"x"}\nno json'), "a.jsonl")}
    page = client.post("/collections/upload?lang=ko", data=body).text
    assert "2행을 읽음, 추가 1개, 거절 1개" in page
    assert "<li>2번째 줄: <span lang=" in page
    rows = io.BytesIO(b"query,id,grade,judge\nlaptop,a,0,anna\n")
    page = client.post("/evaluate/judge/import?lang=ko", data={"file": (rows, "r.csv")}).text
    assert "2번째 줄: laptop, a, anna: 여기서는 3, 파일에서는 0" in page
    assert set(re.findall(r"[A-Za-z_]+", visible(page))) - NAMES == set()


@pytest.mark.parametrize("path", PAGES)
def test_the_choice_of_a_language_goes_along_in_links_and_forms(client: FlaskClient, path: str) -> None:
    page = client.get(f"{path}{'&' if '?' in path else '?'}lang=ko").text
    links = [unescape(one) for one in re.findall(r'<a [^>]*?href="([^"]+)"', page) if "English" not in one]
    pages = [one for one in links if not re.search(r"\.json|format=json|/ratings\.|lang=en|^#", one)]
    assert len(pages) >= 5
    assert [one for one in pages if "lang=ko" not in one] == []
    for form in re.findall(r"<form.*?</form>", page, re.DOTALL):
        assert "lang=ko" in form.partition(">")[0] or 'name="lang" value="ko"' in form, form


def test_where_a_form_leads_is_in_its_language(client: FlaskClient) -> None:
    assert client.post("/collections/verify?lang=ko").headers["Location"] == "/collections?lang=ko#drift"
    found = client.get("/collections/documents?id=a&lang=ko").headers["Location"]
    assert found == "/collections/documents/a?lang=ko"
    rated = {"q": "laptop", "id": "b", "grade": "1", "next": "d2"}
    back = client.post("/evaluate/judge/rate?lang=ko", data=rated).headers["Location"]
    assert back == "/evaluate/judge?q=laptop&depth=10&judge=someone&seed=&lang=ko#d2"


def test_json_stays_english(client: FlaskClient) -> None:
    for path in ("/collections.json", "/evaluate.json", "/evaluate/runs/1.json"):
        english, korean = (client.get(path, headers={"Accept-Language": one}).text for one in ("en", "ko"))
        assert re.sub(r"[\d.]+", "", english) == re.sub(r"[\d.]+", "", korean)


def placeholders(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text)} - {None}


@pytest.mark.parametrize("key", PHRASES)
def test_each_phrase_is_in_both_languages_with_the_same_parts(key: str) -> None:
    of = PHRASES[key]
    assert of.en
    assert of.ko
    assert placeholders(of.en) == placeholders(of.ko)
    assert placeholders(of.en) - placeholders(of.one or of.en) <= {"count"}


def test_no_key_is_in_two_tables_and_every_code_is_told() -> None:
    assert len(PHRASES) == len(OF_COMPARE) + len(OF_WORKBENCH) + len(OF_EVALUATE) + len(OF_PROBLEMS)
    assert CODES_IN_KOREAN.keys() == CODES.keys()


def test_one_is_counted_as_one() -> None:
    korean = Say(KOREAN)
    assert [IN_ENGLISH.text("rows_read", count=of) for of in (1, 1200)] == ["1 row read", "1,200 rows read"]
    assert [korean.text("rows_read", count=of) for of in (1, 1200)] == ["1행을 읽음", "1,200행을 읽음"]
    assert IN_ENGLISH("in_both", id="<b>") == "&lt;b&gt; in both stores"


def test_the_verdict_is_that_of_the_comparison(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put({"id": str(one), "t": f"word{one}"} for one in range(22))
        for count in (1, 2, 22):
            table.write_text("query,id,grade\n" + "".join(f"word{one},{one},1\n" for one in range(count)))
            found = evaluate(engine, table)
            assert verdict(found, IN_ENGLISH) == found.verdict()


@pytest.mark.parametrize(
    ("by", "english", "korean"),
    [(0.25, "hybrid helps", "하이브리드가 도움이 됩니다"), (-0.25, "hybrid does not help", "도움이 되지 않습니다")],
)
def test_a_sure_verdict_says_which_way_it_goes(by: float, english: str, korean: str) -> None:
    alone = np.full(30, 0.5)
    values = {name: {PRIMARY: alone + add} for name, add in (("text", 0.0), ("vector", -0.125), ("default", by))}
    found = Comparison("d", [str(one) for one in range(30)], values, {})
    assert english in found.verdict()
    assert verdict(found, IN_ENGLISH) == found.verdict()
    assert korean in verdict(found, Say(KOREAN))


def test_a_trouble_is_told_in_korean_on_the_page_and_in_english_in_json(partly_dead: OpenWith) -> None:
    client = partly_dead("elasticsearch")
    korean = {"Accept-Language": "ko"}
    assert "단어 저장소(elasticsearch)가 응답하지 않습니다." in client.get("/collections", headers=korean).text
    said = client.get("/collections.json", headers=korean).get_json()["troubles"][0]["what"]
    assert said == "The text store (elasticsearch) does not answer."
