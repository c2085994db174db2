"""What is made of the rankings: documents that go missing meanwhile, every retriever's part, totals and facets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from hybrid import plan
from hybrid.answer import Found, Page, found, page
from hybrid.errors import SearchUnavailable, StoreUnavailable
from hybrid.explain import absences, merged
from hybrid.hydrate import hydrated
from hybrid.model import Json, Ranking, RetrieverReport, State, Status, Stored
from hybrid.plan import Defaults
from hybrid.result import Counts, Total
from hybrid.schema import Field, FieldType, Schema
from hybrid.search import Answer

SCHEMA = Schema((Field("text", FieldType.TEXT), Field("brand", FieldType.KEYWORD)))


class Shelf:
    """A store as an answer sees it: it has a name and gives documents back."""

    def __init__(self, name: str, error: StoreUnavailable | None = None, **documents: Stored) -> None:
        self.name = name
        self.asked: list[list[str]] = []
        self._error = error
        self._documents = documents

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        self.asked.append(list(ids))
        if self._error:
            raise self._error
        return {one: self._documents[one] for one in ids if one in self._documents}

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        if self._error:
            raise self._error
        return {one: State(1, "") for one in ids if one in self._documents}


def stored(one: str, text: str = "", passages: tuple[tuple[int, int], ...] = ()) -> Stored:
    return Stored(one, 1, {"text": text}, passages)


def shelves(*of: Shelf) -> Any:
    return list(of)


def test_documents_come_from_the_first_store_and_the_next_is_asked_for_the_rest_only() -> None:
    first, second = Shelf("redis", a=stored("a")), Shelf("elasticsearch", a=stored("a"), b=stored("b"))
    assert list(hydrated(["a", "b", "c"], shelves(first, second)).documents) == ["a", "b"]
    assert (first.asked, second.asked) == ([["a", "b", "c"]], [["b", "c"]])


def test_no_store_is_asked_for_nothing() -> None:
    shelf = Shelf("redis")
    assert hydrated([], shelves(shelf)).documents == {}
    assert shelf.asked == []


def test_a_store_that_does_not_answer_is_made_up_for_by_the_other() -> None:
    dead = Shelf("redis", StoreUnavailable("redis", "refused"))
    assert list(hydrated(["a"], shelves(dead, Shelf("elasticsearch", a=stored("a")))).documents) == ["a"]
    with pytest.raises(SearchUnavailable, match="redis: redis: refused"):
        hydrated(["a", "b"], shelves(dead, Shelf("elasticsearch", a=stored("a"))))


def ok(*ids: str, passages: tuple[int, ...] = (), **more: Any) -> Answer:
    best = passages or (0,) * len(ids)
    ranking = Ranking(ids, tuple(float(-n) for n in range(len(ids))), (1,) * len(ids), best, **more)
    return Answer(RetrieverReport(Status.OK, 1.0, len(ids)), ranking)


LATE = Answer(RetrieverReport(Status.TIMEOUT, 9.0, 0, "deadline"), Ranking(), "no answer by the deadline")


def gathered(answers: dict[str, Answer], counted: Answer | None = None, **options: Any) -> Found:
    made = plan.make(
        plan.request(**({"query": "q", "window": 10, "limit": 5, "fusion": "rrf"} | options)), SCHEMA, Defaults()
    )
    return found(made, answers, counted)


def result(answers: dict[str, Answer], vector: Shelf, text: Shelf | None = None, **options: Any) -> Page:
    stores: Any = {"text": text or Shelf("elasticsearch"), "vector": vector}
    of = gathered(answers, **options)
    return page(of, of.plan.offset, of.plan.limit, stores, SCHEMA)


def ids(answer: Page) -> list[str]:
    return [hit.id for hit in answer.hits]


def explained(answer: Page, number: int, key: str = "status") -> dict[str, Json]:
    return {name: part[key] for name, part in answer.hits[number].explain.items()}


def test_a_whole_answer_explains_each_hit_by_both_retrievers() -> None:
    shelf = Shelf("redis", a=stored("a"), b=stored("b"))
    answer = result({"text": ok("a", "b"), "vector": ok("b", passages=(0,))}, shelf)
    assert ids(answer) == ["b", "a"]
    assert [hit.rank for hit in answer.hits] == [1, 2]
    assert explained(answer, 1) == {"text": "hit", "vector": "not_found"}
    assert sum(explained(answer, 0, "contribution").values()) == pytest.approx(answer.hits[0].score, rel=1e-15)


def test_a_missing_retriever_makes_a_degraded_answer_that_says_so() -> None:
    of = gathered({"text": ok("a"), "vector": LATE})
    assert of.degraded
    assert of.reports()["vector"].reason == "deadline"
    answer = result({"text": ok("a"), "vector": LATE}, Shelf("redis"), Shelf("elasticsearch", a=stored("a")))
    assert answer.hits[0].explain["vector"] == {"status": "failed", "contribution": 0.0}


def test_a_store_whose_retriever_failed_is_asked_for_documents_last() -> None:
    redis, elasticsearch = Shelf("redis", a=stored("a")), Shelf("elasticsearch", a=stored("a"))
    result({"text": ok("a"), "vector": LATE}, redis, elasticsearch)
    assert (redis.asked, elasticsearch.asked) == ([], [["a"]])


def test_a_retriever_that_was_not_asked_is_skipped_and_not_missed() -> None:
    of = gathered({"text": ok("a")}, retrievers=["text"])
    assert not of.degraded
    assert of.reports()["vector"].to_dict() == {
        "status": "skipped",
        "took_ms": 0.0,
        "returned": 0,
        "reason": "not asked",
    }
    answer = result({"text": ok("a")}, Shelf("redis", a=stored("a")), retrievers=["text"])
    assert explained(answer, 0) == {"text": "hit", "vector": "skipped"}


def test_a_document_deleted_meanwhile_is_skipped_and_counted_and_leaves_its_rank_empty() -> None:
    answer = result({"text": ok("a", "gone", "b"), "vector": ok()}, Shelf("redis", a=stored("a"), b=stored("b")))
    assert [(hit.id, hit.rank) for hit in answer.hits] == [("a", 1), ("b", 3)]
    assert answer.skipped == 1


def test_a_hit_names_its_best_passage_where_there_are_several() -> None:
    spans = ((0, 3), (4, 7))
    shelf = Shelf("redis", a=stored("a", "one two", spans), b=stored("b", "one", ((0, 3),)), c=stored("c", "own"))
    answer = result({"text": ok(), "vector": ok("a", "b", "c", passages=(1, 0, 0))}, shelf)
    assert answer.hits[0].to_dict()["passage"] == {"number": 1, "text": "two"}
    assert [hit.passage for hit in answer.hits[1:]] == [None, None]


def test_a_document_rewritten_shorter_meanwhile_names_no_passage_it_does_not_have() -> None:
    shelf = Shelf("redis", a=stored("a", "one two", ((0, 3), (4, 7))))
    answer = result({"text": ok(), "vector": ok("a", passages=(5,))}, shelf)
    assert (ids(answer), answer.hits[0].passage) == (["a"], None)


def test_a_limit_cuts_the_page_and_0_asks_no_store() -> None:
    shelf = Shelf("redis", a=stored("a"), b=stored("b"))
    assert ids(result({"text": ok("a", "b"), "vector": ok()}, shelf, limit=1)) == ["a"]
    assert ids(result({"text": ok("a", "b"), "vector": ok()}, shelf, limit=0)) == []
    assert shelf.asked == [["a"]]


def test_an_offset_passes_hits_over_and_ranks_go_on() -> None:
    shelf = Shelf("redis", a=stored("a"), b=stored("b"))
    answer = result({"text": ok("a", "b"), "vector": ok()}, shelf, offset=1)
    assert [(hit.id, hit.rank) for hit in answer.hits] == [("b", 2)]
    assert ids(result({"text": ok("a", "b"), "vector": ok()}, shelf, offset=2)) == []


def test_a_total_is_of_the_documents_with_a_word_of_the_query() -> None:
    of = gathered({"text": ok("a", total=812), "vector": ok("b")})
    assert of.total == Total(812, True, Counts.TEXT_MATCHES)
    assert of.total.to_dict() == {"value": 812, "relation": "eq", "counts": "text_matches"}
    more = gathered({"text": ok("a", total=10_000, exact=False), "vector": ok("b")}).total
    assert more.to_dict() == {"value": 10_000, "relation": "gte", "counts": "text_matches"}


def test_without_a_text_search_a_total_is_of_the_documents_of_the_filter() -> None:
    vector_only = gathered({"vector": ok("a", total=7)}, retrievers=["vector"], vector=[1.0])
    assert vector_only.total == Total(7, True, Counts.FILTER_MATCHES)
    assert gathered({"text": ok("a", total=7)}, query="").total == Total(7, True, Counts.FILTER_MATCHES)


def test_a_total_that_nobody_could_count_is_of_the_window_and_says_whether_there_may_be_more() -> None:
    assert gathered({"text": LATE, "vector": ok("a", "b")}).total == Total(2, True, Counts.WINDOW)
    full = gathered({"text": LATE, "vector": ok(*"abcdefghij")}, limit=10)
    assert full.total == Total(10, False, Counts.WINDOW)


def test_facets_are_the_text_stores_and_say_what_they_count() -> None:
    counts = {"brand": [{"value": "acer", "count": 2}]}
    searched = gathered({"text": ok("a", facets=counts), "vector": ok()}, facets=["brand"]).facets
    assert searched is not None
    assert (searched.found, searched.counts) == (counts, Counts.TEXT_MATCHES)
    apart = gathered({"vector": ok("a")}, ok(facets=counts), facets=["brand"], retrievers=["vector"]).facets
    assert apart is not None
    assert (apart.found, apart.counts) == (counts, Counts.FILTER_MATCHES)
    assert gathered({"text": ok("a")}).facets is None


def test_facets_that_could_not_be_counted_are_not_shown_as_none() -> None:
    lost = gathered({"text": LATE, "vector": ok("a")}, facets=["brand"]).facets
    assert lost is not None
    assert (lost.found, lost.counts) == ({}, Counts.NOTHING)


def test_a_list_without_a_query_has_no_scores() -> None:
    answer = result({"text": ok("b", "a", total=2)}, Shelf("redis", a=stored("a"), b=stored("b")), query="")
    assert [(hit.id, hit.rank, hit.score) for hit in answer.hits] == [("b", 1, 0.0), ("a", 2, 0.0)]
    assert answer.hits[0].explain["text"] == {"status": "hit", "rank": 1, "contribution": 0.0}
    assert explained(answer, 0) == {"text": "hit", "vector": "skipped"}


def test_why_a_retriever_did_not_find_a_hit_is_one_of_three_reasons() -> None:
    shelf: Any = Shelf("redis", a=stored("a"), b=stored("b"))
    hits = result(
        {"text": ok(), "vector": ok("a", "b", "c")}, Shelf("redis", a=stored("a"), b=stored("b"), c=stored("c"))
    ).hits
    parts = absences(hits, shelf, "text", lambda _: {"a": 0.5})
    assert parts == {
        "a": {"status": "not_in_window", "raw_score": 0.5, "contribution": 0.0},
        "b": {"status": "no_match", "contribution": 0.0},
        "c": {"status": "missing", "contribution": 0.0},
    }
    told = merged(hits, "text", parts)
    assert [hit.explain["text"]["status"] for hit in told] == ["not_in_window", "no_match", "missing"]
    assert [hit.explain["vector"] for hit in told] == [hit.explain["vector"] for hit in hits]


def test_a_store_that_cannot_say_why_leaves_not_found_as_it_is() -> None:
    dead: Any = Shelf("redis", StoreUnavailable("redis", "refused"))
    hits = result({"text": ok(), "vector": ok("a")}, Shelf("redis", a=stored("a"))).hits
    assert absences(hits, dead, "text", lambda _: {}) == {}
    assert merged(hits, "text", {}) == hits


def test_a_store_is_not_asked_why_where_every_hit_was_found() -> None:
    dead: Any = Shelf("redis", StoreUnavailable("redis", "refused"))
    hits = result({"text": ok("a"), "vector": ok("a")}, Shelf("redis", a=stored("a"))).hits

    def never(_: Sequence[str]) -> dict[str, float]:
        raise AssertionError("asked")

    assert absences(hits, dead, "text", never) == {}
