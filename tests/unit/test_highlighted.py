"""The highlights of hits: words first, else the best passage, else its nearest sentence."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hybrid.analysis import query_terms
from hybrid.errors import EmbeddingError
from hybrid.highlight import Highlight
from hybrid.highlighted import MOST_SENTENCES, highlighted
from hybrid.result import Hit, Passage
from hybrid.schema import Field, FieldType, Schema

SCHEMA = Schema(
    (Field("title", FieldType.TEXT), Field("text", FieldType.TEXT), Field("note", FieldType.TEXT, embedded=False))
)
HOW = Highlight(("title", "text", "note"), size=20)
SENTENCES = Highlight(("title", "text", "note"), size=20, sentences=True)


def hit(one: str, passage: Passage | None = None, *, vector: str = "hit", **document: object) -> Hit:
    explain = {"text": {"status": "not_found"}, "vector": {"status": vector}}
    return Hit(one, 1, 1.0, document, explain, passage)


def nobody(texts: Sequence[str]) -> Sequence[float]:
    raise AssertionError(f"the model was asked about {texts}")


def shorter_is_nearer(texts: Sequence[str]) -> Sequence[float]:
    return [-len(text) for text in texts]


def shown(one: Hit, query: str = "quiet", how: Highlight = HOW) -> object:
    (found,) = highlighted(
        [one], frozenset(query_terms(query)), how, SCHEMA, shorter_is_nearer if how.sentences else nobody
    )
    return found.highlights


def test_words_are_marked_in_fields_that_are_not_embedded_too() -> None:
    assert shown(hit("1", title="Fan", note="quiet")) == {"note": ["<mark>quiet</mark>"]}


def test_fields_that_hold_no_text_are_passed_over() -> None:
    assert shown(hit("1", title=["quiet"], text=None, note=7, vector="not_found")) == {}


def test_a_passage_is_shown_in_the_field_that_has_most_of_it() -> None:
    document = {"title": "Desk", "text": "One line. Another line. A third line."}
    assert shown(hit("1", **document)) == {"text": ["One line.…"]}
    assert shown(hit("1", Passage(1, "Another line. A third line."), **document)) == {"text": ["…Another line.…"]}
    assert shown(hit("1", Passage(0, "Desk\nOne"), **document)) == {"title": ["Desk"]}


def test_a_passage_that_is_not_there_any_more_is_no_error() -> None:
    assert shown(hit("1", Passage(0, "gone"), title="Desk", text="One line.")) == {"title": ["Desk"]}


def test_a_hit_that_no_vector_found_shows_no_passage() -> None:
    for status in ("not_found", "failed", "skipped"):
        assert shown(hit("1", title="Desk", vector=status)) == {}


def test_the_nearest_sentence_is_marked_the_first_of_equal_ones() -> None:
    text = "A long sentence. Same. Even. Long again."
    assert shown(hit("1", text=text), how=SENTENCES) == {"text": ["…<mark>Same.</mark> Even.…"]}


def test_the_model_is_asked_once_about_no_more_sentences_than_the_bound_and_of_no_hit_with_words() -> None:
    asked: list[Sequence[str]] = []

    def near(texts: Sequence[str]) -> Sequence[float]:
        asked.append(texts)
        return [0.0] * len(texts)

    hits = [hit("0", text="Quiet. Fan."), *(hit(str(n), text="One. " * 100) for n in (1, 2, 3))]
    found = highlighted(hits, frozenset(["quiet"]), SENTENCES, SCHEMA, near)
    assert [len(texts) for texts in asked] == [MOST_SENTENCES]
    assert [one.highlights for one in found] == [
        {"text": ["<mark>Quiet</mark>. Fan."]},
        {"text": ["<mark>One.</mark> One. One. One.…"]},
        {"text": ["<mark>One.</mark> One. One. One.…"]},
        {"text": ["One. One. One. One.…"]},
    ]


def test_where_the_model_cannot_be_asked_the_passage_is_shown_from_its_start() -> None:
    def fails(_: Sequence[str]) -> Sequence[float]:
        raise EmbeddingError("no model")

    (found,) = highlighted([hit("1", text="One line. Two.")], frozenset(["quiet"]), SENTENCES, SCHEMA, fails)
    assert found.highlights == {"text": ["One line. Two."]}


@pytest.mark.parametrize("query", ["", "the", "!"])
def test_a_query_without_words_marks_nothing(query: str) -> None:
    assert shown(hit("1", title="The!", vector="not_found"), query) == {}
