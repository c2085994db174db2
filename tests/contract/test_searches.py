"""What a search can be asked, through the whole engine, on every deployment alike."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hybrid
from hybrid import Engine
from hybrid.errors import CursorError, FilterError, QueryError
from hybrid.result import Counts, Total
from tests.contract import shop
from tests.contract.deployments import DEPLOYMENTS, deployed
from tests.embedders import HashedWords

DOCUMENTS = shop.documents()
CHEAP = 'in_stock = true AND price < 100 AND NOT category IN ["book"]'


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with deployed(request, tmp_path_factory) as engine:
        assert engine.put(DOCUMENTS).ok
        yield engine


def cheap(document: dict[str, Any]) -> bool:
    return document["in_stock"] is True and document["price"] < 100 and "book" not in document["category"]


def test_a_filter_holds_for_every_hit_of_both_retrievers_and_costs_no_hit(engine: Engine) -> None:
    wanted = {document["id"] for document in DOCUMENTS if cheap(document)}
    assert engine.count(CHEAP) == len(wanted)
    for name in ("text", "vector"):
        found = engine.search("quiet small black", filter=CHEAP, retrievers=[name], limit=300, window=300)
        assert set(found.ids) <= wanted
        assert {hit.explain[name]["status"] for hit in found.hits} == {"hit"}
    everything = engine.search("quiet small black", filter=CHEAP, limit=300, window=300)
    assert set(everything.ids) == wanted  # by their vectors, each document is near to some degree


def test_a_filter_that_only_one_document_passes_finds_it_though_it_is_no_good_match(engine: Engine) -> None:
    assert engine.search("silent notebook", filter='id = "e-148"').ids == ["e-148"]


def test_a_filter_that_nothing_passes_gives_an_empty_answer_that_is_not_degraded(engine: Engine) -> None:
    answer = engine.search("silent notebook", filter="price < 0")
    assert (answer.ids, answer.degraded, answer.next_cursor, answer.window_exhausted) == ([], False, None, False)
    assert answer.total is not None
    assert (answer.total.value, answer.total.counts) == (0, Counts.TEXT_MATCHES)


def test_a_filter_that_cannot_be_read_points_at_the_place(engine: Engine) -> None:
    with pytest.raises(FilterError) as wrong:
        engine.search("laptop", filter="prize < 100")
    assert wrong.value.position == 0
    assert "price" in str(wrong.value)


def test_a_total_counts_the_documents_with_a_word_of_the_query(engine: Engine) -> None:
    answer = engine.search("notebook", limit=1, window=1)
    words = engine.search("notebook", retrievers=["text"], window=1000, limit=1000)
    assert answer.total is not None
    assert (answer.total.value, answer.total.exact) == (len(words), True)
    near = engine.search("notebook", filter=CHEAP, retrievers=["vector"]).total
    assert near is not None
    assert (near.value, near.counts) == (engine.count(CHEAP), Counts.FILTER_MATCHES)


def test_facets_obey_query_and_filter_and_say_what_they_count(engine: Engine) -> None:
    answer = engine.search("notebook", filter=CHEAP, facets=["brand", "price"], window=300)
    matching = engine.search("notebook", filter=CHEAP, retrievers=["text"], window=300, limit=300).hits
    brands: dict[str, int] = {}
    for hit in matching:
        brands[hit.document["brand"]] = brands.get(hit.document["brand"], 0) + 1
    expected = sorted(brands.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
    assert answer.facets is not None
    assert answer.facets.found["brand"] == [{"value": brand, "count": count} for brand, count in expected]
    assert answer.facets.counts is Counts.TEXT_MATCHES
    prices = [hit.document["price"] for hit in matching]
    assert answer.facets.found["price"] == {"min": min(prices), "max": max(prices), "count": len(prices)}


def test_facets_beside_a_search_by_vector_alone_count_what_the_filter_lets_through(engine: Engine) -> None:
    answer = engine.search("notebook", filter=CHEAP, facets=["in_stock"], retrievers=["vector"])
    assert answer.facets is not None
    assert answer.facets.found == {"in_stock": [{"value": True, "count": engine.count(CHEAP)}]}
    assert answer.facets.counts is Counts.FILTER_MATCHES


def test_a_disjunctive_facet_still_counts_the_values_that_were_not_chosen(engine: Engine) -> None:
    chosen = 'brand = "Norvik" AND price < 1000'
    strict = engine.search("notebook", filter=chosen, facets=["brand"]).facets
    open_ = engine.search("notebook", filter=chosen, facets=["brand"], disjunctive=True).facets
    every = engine.search("notebook", filter="price < 1000", facets=["brand"]).facets
    assert strict is not None
    assert [bucket["value"] for bucket in strict.found["brand"]] == ["Norvik"]
    assert open_ == every


def test_without_a_query_documents_are_listed_by_a_field(engine: Engine) -> None:
    answer = engine.search(filter=CHEAP, sort=["-price", "id"], limit=5)
    cheapest = sorted(filter(cheap, DOCUMENTS), key=lambda one: (-one["price"], one["id"]))
    assert answer.ids == [one["id"] for one in cheapest[:5]]
    assert answer.fusion == {"method": "none", "sort": ["-price", "id", "id"], "window": 100}
    assert answer.total is not None
    assert (answer.total.value, answer.total.counts) == (len(cheapest), Counts.FILTER_MATCHES)
    assert engine.search(limit=1000).total == Total(len(DOCUMENTS), True, Counts.FILTER_MATCHES)


def pages(engine: Engine, limit: int, **options: Any) -> Iterator[hybrid.SearchResult]:
    answer = engine.search("quiet notebook", limit=limit, **options)
    yield answer
    while answer.next_cursor:
        answer = engine.search(cursor=answer.next_cursor, limit=limit)
        yield answer


@pytest.mark.parametrize("limit", [1, 7, 10, 50])
def test_pages_put_together_are_the_one_large_page(engine: Engine, limit: int) -> None:
    large = engine.search("quiet notebook", window=60, limit=60, filter="price < 500")
    rest = engine.search(cursor=large.next_cursor, limit=1000).hits if large.next_cursor else ()
    parts = list(pages(engine, limit, window=60, filter="price < 500"))
    together = [(hit.id, hit.rank, hit.score) for part in parts for hit in part.hits]
    assert together == [(hit.id, hit.rank, hit.score) for hit in (*large.hits, *rest)]
    assert [hit.rank for part in parts for hit in part.hits] == list(range(1, len(together) + 1))
    assert parts[-1].window_exhausted


def test_pages_neither_overlap_nor_skip_while_documents_are_written(engine: Engine) -> None:
    before = engine.search("quiet notebook", window=60, limit=60)
    rest = engine.search(cursor=before.next_cursor, limit=1000).ids if before.next_cursor else []
    expected, stop = [*before.ids, *rest], threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            engine.put([{"id": "new", "title": f"quiet notebook {number}", "text": "quiet notebook"}])

    first = engine.search("quiet notebook", window=60, limit=9)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen, cursor = first.ids, first.next_cursor
        while cursor:
            answer = engine.search(cursor=cursor, limit=9)
            seen, cursor = seen + answer.ids, answer.next_cursor
    finally:
        stop.set()
        writer.join()
        engine.delete(["new"])
    assert seen == expected


def test_hits_deleted_before_their_page_is_read_are_counted(engine: Engine) -> None:
    engine.put([{"id": f"gone{n}", "title": "zzyzx quiet"} for n in range(4)])
    first = engine.search("zzyzx", retrievers=["text"], limit=2)
    engine.delete(["gone2", "gone3"])
    second = engine.search(cursor=first.next_cursor, limit=2)
    assert first.ids == ["gone0", "gone1"]
    assert (second.ids, second.skipped) == ([], 2)
    engine.delete(["gone0", "gone1"])


def test_a_page_past_the_window_says_so_and_one_past_all_hits_does_not(engine: Engine) -> None:
    past = engine.search("quiet notebook", window=10, limit=10, offset=50)
    assert (past.ids, past.window_exhausted, past.next_cursor) == ([], True, None)
    few = engine.search("quiet notebook", filter='id IN ["e-001", "e-002"]')
    assert (len(few), few.window_exhausted, few.next_cursor) == (2, False, None)


def test_an_offset_shows_the_same_as_the_cursor_to_it(engine: Engine) -> None:
    first = engine.search("quiet notebook", limit=10)
    assert engine.search(cursor=first.next_cursor).ids == engine.search("quiet notebook", offset=10).ids


def test_a_cursor_goes_with_its_own_search_alone(engine: Engine) -> None:
    cursor = engine.search("quiet notebook").next_cursor
    again = engine.search("quiet notebook", cursor=cursor, limit=3)
    assert len(again) == 3
    for other in ({"filter": "price < 5"}, {"window": 50}, {"fusion": "weighted"}):
        with pytest.raises(CursorError, match="belongs to another search"):
            engine.search("quiet notebook", cursor=cursor, **other)
    with pytest.raises(CursorError, match="belongs to another search"):
        engine.search("loud notebook", cursor=cursor)


def test_each_hit_says_why_a_retriever_did_not_find_it(engine: Engine) -> None:
    answer = engine.search("silent notebook", window=5, limit=5, explain=True)
    states = {name: [hit.explain[name]["status"] for hit in answer.hits] for name in ("text", "vector")}
    assert set(states["text"]) | set(states["vector"]) <= {"hit", "not_in_window", "no_match"}
    for name in ("text", "vector"):
        whole = engine.search("silent notebook", window=1000, limit=1000, retrievers=[name])
        scores = {hit.id: hit.explain[name]["raw_score"] for hit in whole.hits}
        for hit in answer.hits:
            if hit.explain[name]["status"] == "no_match":
                assert (name, hit.id in scores) == ("text", False)
            else:
                assert hit.explain[name]["raw_score"] == pytest.approx(scores[hit.id], rel=1e-5)


def test_a_hit_without_any_word_of_the_query_is_told_as_no_match(engine: Engine) -> None:
    answer = engine.search("silent notebook", filter='id = "e-148"', explain=True)
    assert answer.hits[0].explain["text"] == {"status": "no_match", "contribution": 0.0}
    assert engine.search("silent notebook", filter='id = "e-148"').hits[0].explain["text"]["status"] == "not_found"


def test_an_explanation_never_changes_the_answer(engine: Engine) -> None:
    plain, told = (engine.search("silent notebook", explain=how) for how in (False, "full"))
    assert [(hit.id, hit.score) for hit in plain.hits] == [(hit.id, hit.score) for hit in told.hits]
    explained = ["explanation" in hit.explain["text"] for hit in told.hits if hit.explain["text"]["status"] == "hit"]
    assert explained
    assert set(explained) == {"rank-bm25" not in repr(engine)}  # which has no explanation of its own


def test_the_same_search_a_hundred_times_gives_the_same_bits(engine: Engine) -> None:
    first = engine.search("조용한 silent notebook", filter="price < 900", facets=["brand"])
    for _ in range(99):
        again = engine.search("조용한 silent notebook", filter="price < 900", facets=["brand"])
        assert [(hit.id, hit.score, hit.explain) for hit in again.hits] == [
            (hit.id, hit.score, hit.explain) for hit in first.hits
        ]
        assert again.facets == first.facets


def test_a_plan_shows_what_each_store_would_be_asked(engine: Engine) -> None:
    body = engine.render(engine.plan("silent notebook", filter="price < 100", facets=["brand"]))
    assert body["plan"]["filter"] == "price < 100.0"
    assert {"plan", "key", "text", "vector"} == body.keys()
    assert "price" in str(body["text"])
    assert "price" in str(body["vector"])


@pytest.mark.parametrize("sort", [["-prize"], ["title"], "nothing"])
def test_what_cannot_be_sorted_by_is_refused(engine: Engine, sort: Any) -> None:
    with pytest.raises(QueryError, match="there is no sorting by"):
        engine.search(sort=sort)


def test_the_same_search_after_the_engine_was_opened_again_gives_the_same_bits(tmp_path: Path) -> None:
    found = []
    for _ in range(2):
        with hybrid.open(tmp_path, embedder=HashedWords()) as engine:
            engine.put(DOCUMENTS)
            answer = engine.search("quiet notebook", filter="price < 900", facets=["brand"])
            found.append(([(hit.id, hit.score, hit.explain) for hit in answer.hits], answer.total, answer.facets))
    assert found[0] == found[1]
