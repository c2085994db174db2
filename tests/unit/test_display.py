"""Tables for notebooks: nothing a document says becomes markup, and pandas is asked for only when it is needed."""

from __future__ import annotations

import re
import sys

import pytest

import hybrid
from hybrid.display import contributions_html, frame
from hybrid.errors import MissingExtra
from hybrid.model import RetrieverReport, Status
from hybrid.result import Hit, SearchResult, label

EVIL = "<script>alert('1')</script>\" onload='x"


def hit(document: dict[str, object], one: str = "1") -> Hit:
    return Hit(one, 1, 0.5, document, {"text": {"status": "hit", "rank": 3, "contribution": 0.5}, "vector": {}})


def result(*hits: Hit, query: str = "q") -> SearchResult:
    reports = {"text": RetrieverReport(Status.OK, 1.5, 1), "vector": RetrieverReport(Status.TIMEOUT, 9, 0, "deadline")}
    return SearchResult(query, 12.3456, True, {"method": "rrf"}, reports, hits)


def test_no_rows_make_an_empty_table() -> None:
    assert contributions_html([], ["text"]).count("<tr>") == 1


def test_bars_are_as_wide_as_the_contributions() -> None:
    html = contributions_html([(1, "a", 0.4, {"t": 0.3, "v": 0.1}), (2, "b", 0.2, {"t": 0.2})], ["t", "v"])
    assert re.findall(r"width:(\d+)px", html) == ["90", "30", "60"]
    assert html.count("<td>–</td>") == 1


def test_scores_of_zero_draw_no_bar() -> None:
    assert "px" not in contributions_html([(1, "a", 0.0, {"t": 0.0})], ["t"])


def test_a_document_a_query_and_a_retriever_cannot_write_markup() -> None:
    html = (
        contributions_html([(1, EVIL, 1.0, {EVIL: 1.0})], [EVIL], EVIL)
        + result(hit({"title": EVIL}), query=EVIL)._repr_html_()
    )
    assert "<script" not in html
    assert "onload='" not in html
    assert '" onload' not in html


def test_a_result_prints_as_a_line_for_each_hit() -> None:
    shown = str(result(hit({"title": "Two\nlines \x1b[31m and " + "x" * 60}), hit({}, "id-2"), query="q\x1b"))
    assert shown.splitlines() == [
        "'q\\x1b': 2 hits in 12.3 ms, text ok, vector timeout",
        "  1  0.5000  Two lines  [31m and " + "x" * 39 + "…  (text #3, vector –)",
        "  1  0.5000  id-2  (text #3, vector –)",
    ]
    assert str(result()) == "'q': 0 hits in 12.3 ms, text ok, vector timeout"


def test_a_fused_ranking_shows_itself() -> None:
    html = hybrid.fuse({"text": ["a<b"], "vector": ["a<b", "c"]})._repr_html_()
    assert html.count("<tr>") == 3
    assert "a&lt;b" in html


@pytest.mark.parametrize(
    ("document", "shown"),
    [({"title": "T", "name": "N"}, "T"), ({"name": "N"}, "N"), ({"title": " "}, "1"), ({"title": 5}, "1"), ({}, "1")],
)
def test_a_hit_is_called_by_its_title_its_name_or_its_id(document: dict[str, object], shown: str) -> None:
    assert label(hit(document)) == shown


def test_rows_have_the_fields_but_never_in_place_of_rank_and_score() -> None:
    assert result(hit({"brand": "lg", "score": 9, "rank": 9})).rows() == [
        {
            "rank": 1,
            "id": "1",
            "score": 0.5,
            "text_rank": 3,
            "text_contribution": 0.5,
            "vector_rank": None,
            "vector_contribution": 0.0,
            "brand": "lg",
        }
    ]


def test_a_result_is_a_data_frame() -> None:
    table = result(hit({"brand": "lg"})).to_pandas()
    assert table[["rank", "id", "brand"]].values.tolist() == [[1, "1", "lg"]]
    assert len(hybrid.fuse({"a": ["x", "y"]}).to_pandas()) == 2


def test_an_answer_as_json_has_a_reason_only_where_there_is_one() -> None:
    body = result().to_dict()
    assert body["took_ms"] == 12.346
    assert body["retrievers"] == {
        "text": {"status": "ok", "took_ms": 1.5, "returned": 1},
        "vector": {"status": "timeout", "took_ms": 9, "returned": 0, "reason": "deadline"},
    }


def test_without_pandas_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)  # as Python itself says that a module is not there
    with pytest.raises(MissingExtra, match=r"hybrid-engine\[pandas\]"):
        frame([])
