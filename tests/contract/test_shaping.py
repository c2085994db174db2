"""What comes after fusion, through the whole engine, on every deployment alike."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from hybrid import Engine
from hybrid.errors import QueryError
from hybrid.model import Status
from hybrid.result import SearchResult
from tests.contract import shop
from tests.contract.deployments import DEPLOYMENTS, deployed
from tests.embedders import HashedWords

DOCUMENTS = shop.documents()
BY_ID = {document["id"]: document for document in DOCUMENTS}
QUERY = "quiet small notebook"


class Lengths:
    """A reranker that likes short texts; it waits while it is told to."""

    name = "lengths"

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.go_on.set()
        self.asked: list[tuple[str, int]] = []

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        self.asked.append((query, len(texts)))
        self.go_on.wait(30)
        return [-float(len(text)) for text in texts]


RERANKER = Lengths()


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with deployed(request, tmp_path_factory, reranker=RERANKER) as engine:
        assert engine.put(DOCUMENTS).ok
        yield engine


def plain(engine: Engine, **options: Any) -> SearchResult:
    return engine.search(QUERY, limit=300, **options)


def total(hit: Any) -> float:
    return sum(part["contribution"] for part in hit.explain.values())


def test_boosts_multiply_what_the_retrievers_contributed(engine: Engine) -> None:
    boosts = [{"field": "rating", "modifier": "ln1p"}, {"filter": "in_stock = true", "weight": 2}]
    found = plain(engine, boosts=boosts)
    assert set(found.ids) == set(plain(engine).ids)
    scores = []
    for hit in found.hits:
        document = BY_ID[hit.id]
        factors = [float(np.log1p(document.get("rating", 1.0))), 2.0 if document["in_stock"] else 1.0]
        assert [one["factor"] for one in hit.shaping["boosts"]["factors"]] == pytest.approx(factors)
        assert hit.shaping["boosts"]["score_before"] == pytest.approx(total(hit))
        assert hit.score == pytest.approx(total(hit) * factors[0] * factors[1])
        scores.append(hit.score)
    assert scores == sorted(scores, reverse=True)


def test_a_least_score_and_a_knee_cut_the_end_off(engine: Engine) -> None:
    every = plain(engine)
    least = every.hits[4].score
    assert plain(engine, min_score=least).ids == [hit.id for hit in every.hits if hit.score >= least]
    knee = plain(engine, knee=True).ids
    assert 0 < len(knee) < len(every)
    assert knee == every.ids[: len(knee)]


def test_sorting_orders_what_was_found_by_a_field(engine: Engine) -> None:
    every = plain(engine)
    found = plain(engine, sort=["-price", "id"])
    assert found.ids == sorted(every.ids, key=lambda one: (-BY_ID[one]["price"], one))
    assert {hit.id: hit.score for hit in found.hits} == {hit.id: hit.score for hit in every.hits}


def test_of_each_brand_the_best_hit_is_shown_and_how_many_there_are(engine: Engine) -> None:
    every = plain(engine)
    found = plain(engine, collapse="brand")
    brands = Counter(BY_ID[one]["brand"] for one in every.ids)
    best = list(dict.fromkeys(BY_ID[one]["brand"] for one in every.ids))
    assert [BY_ID[one]["brand"] for one in found.ids] == best
    assert {hit.shaping["collapse"]["value"]: hit.shaping["collapse"]["documents"] for hit in found.hits} == brands


def test_diversity_is_that_of_a_plain_loop_over_the_vectors(engine: Engine) -> None:
    every = plain(engine)
    found = plain(engine, diversity=0.6)
    rows = HashedWords().embed_documents([shop_text(one) for one in every.ids])
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    left, chosen = list(range(len(every))), list[int]()
    while left:
        gains = [
            0.4 * every.hits[at].score / every.hits[0].score
            - 0.6 * max((float(rows[at] @ rows[before]) for before in chosen), default=0.0)
            for at in left
        ]
        chosen.append(left.pop(int(np.argmax(gains))))
        if len(chosen) == 10:  # beyond, rounding decides between equals
            break
    assert found.ids[:10] == [every.ids[at] for at in chosen]
    assert sorted(found.ids) == sorted(every.ids)
    assert found.steps["diversity"].status is Status.OK


def shop_text(one: str) -> str:
    return "\n".join(BY_ID[one][name] for name in ("title", "text") if BY_ID[one].get(name))


def test_pinned_documents_come_first_where_they_are_there_and_the_filter_lets_them_through(engine: Engine) -> None:
    cheap = plain(engine, filter="price < 100").ids
    dear = next(one for one in BY_ID if BY_ID[one]["price"] >= 100)
    found = plain(engine, filter="price < 100", pinned=[cheap[7], "no such document", dear, cheap[3]])
    assert found.ids == [cheap[7], cheap[3], *(one for one in cheap if one not in (cheap[7], cheap[3]))]
    assert "pinned" in found.hits[0].shaping
    far = engine.search(QUERY, window=1, limit=1, pinned=["e-148"])
    assert (far.ids, far.hits[0].score) == (["e-148"], 0.0)
    assert {part["status"] for part in far.hits[0].explain.values()} == {"not_found"}


def test_a_reranker_orders_the_first_hits_anew_and_says_what_it_thought(engine: Engine) -> None:
    every = plain(engine)
    found = plain(engine, rerank={"limit": 5})
    first = found.hits[:5]
    assert {hit.id for hit in first} == set(every.ids[:5])
    assert found.ids[5:] == every.ids[5:]
    scores = [hit.shaping["rerank"]["score"] for hit in first]
    assert scores == sorted(scores, reverse=True)
    assert [hit.shaping["rerank"]["rank_before"] for hit in first] == [every.ids.index(hit.id) + 1 for hit in first]
    assert RERANKER.asked[-1] == (QUERY, 5)
    best = plain(engine, rerank={"limit": 5, "min_score": scores[1]}).ids
    assert best == found.ids[:2]


def test_a_reranker_that_takes_too_long_leaves_the_order_and_says_so(engine: Engine) -> None:
    RERANKER.go_on.clear()
    try:
        found = plain(engine, rerank=True)
    finally:
        RERANKER.go_on.set()
    assert found.ids == plain(engine).ids
    assert (found.steps["rerank"].status, found.steps["rerank"].reason) == (Status.TIMEOUT, "deadline")
    assert found.degraded
    assert found.to_dict()["steps"]["rerank"]["status"] == "timeout"


def test_pages_of_a_shaped_answer_are_those_of_the_one_large_page(engine: Engine) -> None:
    wishes: dict[str, Any] = {"boosts": [{"field": "rating"}], "collapse": "brand", "diversity": 0.4}
    whole = plain(engine, **wishes)
    found = engine.search(QUERY, limit=4, window=300, **wishes)
    hits = list(found.hits)
    while found.next_cursor:
        found = engine.search(cursor=found.next_cursor, limit=4)
        hits += found.hits
    assert [hit.to_dict() for hit in hits] == [hit.to_dict() for hit in whole.hits]


def test_documents_that_are_listed_are_collapsed_too_and_have_no_scores_to_boost(engine: Engine) -> None:
    found = engine.search(sort=["price"], collapse="brand", limit=1000)
    first: dict[str, str] = {}
    for document in sorted(DOCUMENTS, key=lambda document: (document["price"], document["id"])):
        first.setdefault(document["brand"], document["id"])
    assert found.ids == list(first.values())
    with pytest.raises(QueryError, match="have none"):
        engine.search(sort=["price"], boosts=[{"field": "rating"}])
