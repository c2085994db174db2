"""The shop in fixtures/ is what its README says it is."""

import json
import re
import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from py_rust_stemmers import SnowballStemmer

FIXTURES = Path(__file__).parents[2] / "fixtures"
FIELDS = {"id", "title", "text", "brand", "category", "price", "rating", "in_stock", "released"}
OPTIONAL = {"rating", "released"}
STOP_WORDS = frozenset(
    "a an and any are as at be by can does for from gets has have i in into is it my no not of on or so that the their "
    "to what when who with without you your".split()
)
LONG = 600  # words

Record = dict[str, Any]


def records(name: str) -> list[Record]:
    return [json.loads(line) for line in (FIXTURES / name).read_text(encoding="utf-8").splitlines()]


def judgements() -> list[tuple[str, str, int]]:
    _, *lines = (FIXTURES / "qrels.tsv").read_text(encoding="utf-8").splitlines()
    return [(query, document, int(grade)) for query, document, grade in (line.split("\t") for line in lines)]


def hangul_share(text: str) -> float:
    """Share of the letters that are Hangul, 0 to 1."""
    letters = [c for c in text if c.isalpha()]
    return sum("가" <= c <= "힣" for c in letters) / len(letters)


def words(text: str) -> set[str]:
    """Stemmed words without stop words; full-width letters count as plain ones."""
    found = re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower())
    return set(SnowballStemmer("english").stem_words([word for word in found if word not in STOP_WORDS]))


def content(document: Record) -> str:
    return f"{document['title']} {document['text']}"


def is_typed_right(document: Record) -> bool:
    texts = all(isinstance(document[f], str) and document[f].strip() for f in ("id", "title", "text", "brand"))
    categories = document["category"]
    listed = isinstance(categories, list) and 1 <= len(categories) <= 3 and all(type(c) is str for c in categories)
    return texts and listed and type(document["price"]) is float and type(document["in_stock"]) is bool


@pytest.fixture(scope="module")
def documents() -> dict[str, Record]:
    return {document["id"]: document for document in records("shop.jsonl")}


@pytest.fixture(scope="module")
def queries() -> dict[str, Record]:
    return {query["id"]: query for query in records("queries.jsonl")}


def test_there_are_about_three_hundred_documents_and_sixty_queries() -> None:
    assert 300 <= len(records("shop.jsonl")) <= 310
    assert len(records("queries.jsonl")) == 60


@pytest.mark.parametrize("name", ["shop.jsonl", "queries.jsonl"])
def test_ids_are_unique(name: str) -> None:
    ids = Counter(record["id"] for record in records(name))
    assert [name for name, count in ids.items() if count > 1] == []


def test_half_the_documents_are_korean(documents: dict[str, Record]) -> None:
    korean = {name for name, document in documents.items() if hangul_share(content(document)) > 0.5}
    assert korean == {name for name in documents if name.startswith("k-")}
    assert 2 * len(korean) == len(documents)
    assert all(hangul_share(content(documents[name])) == 0 for name in documents.keys() - korean)


def test_every_document_has_the_fields_in_their_types(documents: dict[str, Record]) -> None:
    for document in documents.values():
        assert document.keys() | OPTIONAL == FIELDS
        assert is_typed_right(document), document["id"]


def test_numbers_and_dates_are_in_range(documents: dict[str, Record]) -> None:
    for document in documents.values():
        assert document["price"] >= 0
        assert document["price"] == round(document["price"], 2)
        rating = document.get("rating", 0.0)
        assert 0 <= rating <= 5
        assert rating == round(rating, 1)
        assert date(2015, 1, 1) < date.fromisoformat(document.get("released", "2020-01-01")) < date(2026, 1, 1)


def test_one_rating_in_ten_is_missing(documents: dict[str, Record]) -> None:
    missing = sum("rating" not in document for document in documents.values())
    assert 0.08 < missing / len(documents) < 0.12


def test_no_two_documents_have_the_same_title_or_text(documents: dict[str, Record]) -> None:
    assert len({document["title"] for document in documents.values()}) == len(documents)
    assert len({document["text"] for document in documents.values()}) == len(documents)


def test_the_texts_hold_the_hard_characters(documents: dict[str, Record]) -> None:
    everything = "".join(content(document) + document["brand"] for document in documents.values())
    assert all(
        mark in everything for mark in ("🎶", "１２３", "NX-4410", "KB-87 Pro", "Han & Söhne", "Beetle & Co., Ltd.")
    )


def test_half_the_queries_are_korean(queries: dict[str, Record]) -> None:
    languages = Counter((name[2], query["lang"]) for name, query in queries.items())
    assert languages == {("e", "en"): 30, ("k", "ko"): 30}


def test_queries_are_keyword_semantic_or_mixed(queries: dict[str, Record]) -> None:
    kinds = Counter((query["lang"], query["kind"]) for query in queries.values())
    assert kinds == {
        (lang, k): n for lang in ("en", "ko") for k, n in (("keyword", 10), ("semantic", 13), ("mixed", 7))
    }


def test_judgements_follow_the_beir_layout() -> None:
    assert (FIXTURES / "qrels.tsv").read_text(encoding="utf-8").startswith("query-id\tcorpus-id\tscore\n")
    pairs = Counter((query, document) for query, document, _ in judgements())
    assert max(pairs.values()) == 1


def test_everything_judged_exists_and_everything_asked_is_judged(
    documents: dict[str, Record], queries: dict[str, Record]
) -> None:
    assert {document for _, document, _ in judgements()} <= documents.keys()
    assert {query for query, _, _ in judgements()} == queries.keys()


def test_grades_run_from_zero_to_three() -> None:
    assert {grade for _, _, grade in judgements()} == {0, 1, 2, 3}


def test_every_query_has_three_to_ten_judgements_and_a_good_answer(queries: dict[str, Record]) -> None:
    for name in queries:
        grades = [grade for query, _, grade in judgements() if query == name]
        assert 3 <= len(grades) <= 10, name
        assert max(grades) >= 2, name


def test_a_semantic_query_shares_no_word_with_its_best_answers_and_others_do(
    documents: dict[str, Record], queries: dict[str, Record]
) -> None:
    for name, document, grade in judgements():
        if grade == 3 and queries[name]["kind"] == "semantic":
            assert words(queries[name]["text"]) & words(content(documents[document])) == set(), (name, document)
        if grade == 3 and queries[name]["kind"] == "keyword":
            assert words(queries[name]["text"]) & words(content(documents[document])), (name, document)


def counted() -> dict[str, tuple[int, int]]:
    """What the README counts, as (English, Korean); queries and judgements by the language of the query."""
    documents, asked, judged = records("shop.jsonl"), records("queries.jsonl"), judgements()

    def split(ids: list[str]) -> tuple[int, int]:
        initials = Counter(name.removeprefix("q-")[0] for name in ids)
        return initials["e"], initials["k"]

    by_kind = {f"{k} queries": [q["id"] for q in asked if q["kind"] == k] for k in ("keyword", "semantic", "mixed")}
    by_grade = {f"judgements of grade {g}": [q for q, _, grade in judged if grade == g] for g in range(4)}
    groups = {
        "documents": [d["id"] for d in documents],
        "long documents (600 to 900 words)": [d["id"] for d in documents if LONG <= len(d["text"].split()) <= 900],
        "documents without a rating": [d["id"] for d in documents if "rating" not in d],
        "documents without a release date": [d["id"] for d in documents if "released" not in d],
        "documents not in stock": [d["id"] for d in documents if not d["in_stock"]],
        "queries": [q["id"] for q in asked],
        "judgements": [query for query, _, _ in judged],
    }
    return {name: split(ids) for name, ids in (groups | by_kind | by_grade).items()}


def test_the_readme_counts_what_is_there() -> None:
    text = (FIXTURES / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (\d+) \| (\d+) \| (\d+) \|$", text, flags=re.MULTILINE)
    told = {name: (int(english), int(korean), int(both)) for name, english, korean, both in rows}
    assert told == {name: (english, korean, english + korean) for name, (english, korean) in counted().items()}
    assert counted()["long documents (600 to 900 words)"] == (3, 2)
