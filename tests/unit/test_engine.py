"""The engine as a user holds it: search, get, status, threads, and what it says when something is amiss."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import hybrid
from hybrid.engine import Engine
from hybrid.errors import DocumentError, DocumentNotFound, FusionError, QueryError, SearchUnavailable
from hybrid.plan import MAX_LIMIT
from tests.embedders import Breaks, HashedWords

SHOP = [
    {"id": "1", "title": "Quiet laptop", "text": "A silent notebook computer with a long battery life", "price": 900},
    {"id": "2", "title": "Cordless drill", "text": "Drills holes into concrete and wood", "price": 120},
    {"id": "3", "title": "조용한 노트북", "text": "배터리가 오래가는 노트북", "price": 800},
    {"id": "4", "title": "Book", "text": "A novel about the sea", "price": 10},
]


@pytest.fixture
def engine() -> Iterator[Engine]:
    with hybrid.open(":memory:", embedder=HashedWords()) as made:
        made.put(SHOP)
        yield made


def test_a_search_finds_by_words_and_says_how(engine: Engine) -> None:
    answer = engine.search("silent notebook")
    assert answer.ids[0] == "1"
    best = answer.hits[0]
    assert (best.rank, best.document["title"], best.passage) == (1, "Quiet laptop", None)
    assert [part["status"] for part in best.explain.values()] == ["hit", "hit"]
    assert best.score == math.fsum(part["contribution"] for part in best.explain.values())
    ranked = engine.search("silent notebook", fusion="rrf").hits[0]
    assert (ranked.id, ranked.score) == ("1", 1 / 61 + 1 / 61)
    assert not answer.degraded


def test_korean_is_found_without_a_dictionary(engine: Engine) -> None:
    assert engine.search("노트북", retrievers=["text"]).ids == ["3"]


def test_an_answer_is_json(engine: Engine) -> None:
    body = json.loads(json.dumps(engine.search("quiet laptop").to_dict()))
    always = {
        "query",
        "took_ms",
        "timeline_ms",
        "degraded",
        "fusion",
        "retrievers",
        "window_exhausted",
        "total",
        "hits",
    }
    assert set(body) == always
    assert [hit["rank"] for hit in body["hits"]] == list(range(1, len(body["hits"]) + 1))


def test_running_a_plan_twice_gives_the_same_ids_scores_and_order(engine: Engine) -> None:
    plan = engine.plan("quiet laptop", fusion="weighted", weights={"vector": 2})
    one, other = engine.run(plan), engine.run(plan)
    assert [(hit.id, hit.score.hex()) for hit in one.hits] == [(hit.id, hit.score.hex()) for hit in other.hits]
    assert one.fusion == {"method": "weighted", "weights": {"text": 1.0, "vector": 2}, "window": 100}


@pytest.mark.parametrize(("limit", "expected"), [(0, 0), (1, 1), (3, 3), (4, 4), (5, 4), (MAX_LIMIT, 4)])
def test_a_limit_is_the_most_that_comes(engine: Engine, limit: int, expected: int) -> None:
    assert len(engine.search("quiet laptop", limit=limit)) == expected


def test_a_smaller_limit_is_the_beginning_of_a_larger_one(engine: Engine) -> None:
    assert engine.search("quiet sea drill", limit=2).ids == engine.search("quiet sea drill", limit=4).ids[:2]


def test_a_window_bounds_what_each_retriever_returns(engine: Engine) -> None:
    reports = engine.search("quiet", limit=1, window=2).retrievers
    assert (reports["text"].returned, reports["vector"].returned) == (1, 2)


def test_one_retriever_alone(engine: Engine) -> None:
    answer = engine.search("drill", retrievers=["text"])
    assert answer.ids == ["2"]
    assert not answer.degraded
    assert answer.hits[0].explain["vector"]["status"] == "skipped"


def test_words_that_are_nowhere_are_still_near_something(engine: Engine) -> None:
    assert engine.search("qqq zzz", retrievers=["text"]).ids == []
    assert len(engine.search("qqq zzz")) == 4


@pytest.mark.parametrize(
    "query", ["the of and", "?!", "\0", "a\0b", "😀", "[/b]", "' OR 1=1 --", "title:(x", "x" * 8192]
)
def test_any_text_is_a_query(engine: Engine, query: str) -> None:
    assert not engine.search(query).degraded


def test_a_query_vector_takes_the_place_of_the_model(engine: Engine) -> None:
    vector = HashedWords().embed_queries([f"{SHOP[1]['title']}\n{SHOP[1]['text']}"])[0]
    assert engine.search("", vector=vector).ids[0] == "2"
    assert engine.search("", vector=vector.tolist(), retrievers=["vector"]).hits[0].score == 1.0


@pytest.mark.parametrize("vector", [[1.0], [], [0.0] * 64, [math.nan] * 64, [1e300] * 64])
def test_a_query_vector_that_cannot_be_compared_is_an_error_and_not_a_degraded_answer(
    engine: Engine, vector: list[float]
) -> None:
    with pytest.raises(QueryError) as error:
        engine.search("laptop", vector=vector)
    assert error.value.field == "vector"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"limit": -1}, QueryError),
        ({"limit": MAX_LIMIT + 1}, QueryError),
        ({"fusion": "best"}, FusionError),
        ({"weights": {"text": -1}}, FusionError),
        ({"nonsense": 1}, QueryError),
    ],
)
def test_a_request_that_cannot_be_run_is_refused(engine: Engine, options: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        engine.search("laptop", **options)


def test_getting_a_document(engine: Engine) -> None:
    assert engine.get("4") == {"title": "Book", "text": "A novel about the sea", "price": 10}
    assert engine.get(4) == engine.get("4")  # type: ignore[arg-type]
    with pytest.raises(DocumentNotFound, match="there is no document 'nobody' in collection 'documents'"):
        engine.get("nobody")
    engine.delete(["4"])
    with pytest.raises(DocumentNotFound):
        engine.get("4")


def test_what_is_given_back_can_be_changed_without_harm(engine: Engine) -> None:
    engine.get("4")["title"] = "changed"
    assert engine.get("4")["title"] == "Book"


@pytest.mark.parametrize("one", [SHOP[0], "text", b"x", 5, None])
def test_put_takes_many_documents_and_not_one(engine: Engine, one: Any) -> None:
    with pytest.raises(DocumentError, match="give it in a list"):
        engine.put(one)


def test_a_data_frame_is_put_and_results_are_one(engine: Engine) -> None:
    engine.put(pd.DataFrame({"id": ["x"], "title": ["Headphones"], "price": [np.nan]}))
    assert engine.get("x") == {"title": "Headphones"}
    assert engine.search("headphones").to_pandas().loc[0, "id"] == "x"


def test_a_long_text_is_found_by_its_last_paragraph_which_the_hit_names() -> None:
    with hybrid.open(":memory:", embedder=HashedWords(max_tokens=16)) as engine:
        filler = "\n".join(f"Paragraph {number} speaks about nothing at all of interest." for number in range(12))
        last = "Zebras gallop through Zanzibar."
        engine.put([{"id": "long", "text": f"{filler}\n{last}"}, {"id": "short", "text": "Paragraph about interest"}])
        hit = engine.search(last, retrievers=["vector"]).hits[0]
        assert hit.id == "long"
        assert hit.passage is not None
        assert "Zebras gallop" in hit.passage.text
        assert hit.passage.number >= 1
        assert len(engine.search(last)) == 2  # each document counts once, however many passages it has


def test_a_model_that_fails_makes_a_degraded_answer_without_telling_secrets() -> None:
    with hybrid.open(":memory:", embedder=Breaks()) as engine:
        engine.put(SHOP)
        answer = engine.search("laptop break here")
        assert (answer.degraded, answer.ids) == (True, ["1"])
        assert answer.retrievers["vector"].reason == "internal"
        assert answer.hits[0].explain["vector"] == {"status": "failed", "contribution": 0.0}
        with pytest.raises(SearchUnavailable) as error:
            engine.search("laptop break here", retrievers=["vector"])
        assert "secret-host" not in str(error.value)
        assert "secret-host" not in json.dumps(answer.to_dict())


def test_a_model_that_is_slower_than_the_deadline_makes_a_degraded_answer() -> None:
    release = threading.Event()

    class Slow(HashedWords):
        def embed_queries(self, texts: Any) -> Any:
            release.wait(30)
            return super().embed_queries(texts)

    with hybrid.open(":memory:", embedder=Slow()) as engine:
        engine.put(SHOP)
        answer = engine.search("laptop", deadline_s=0.2)
        release.set()
        assert (answer.degraded, answer.ids) == (True, ["1"])
        assert answer.retrievers["vector"].to_dict()["status"] == "timeout"
        assert answer.took_ms < 10_000


def test_status_before_and_after_the_first_document() -> None:
    with hybrid.open(":memory:", embedder=HashedWords(), collection="shop") as engine:
        before = engine.status()
        assert (before["collection"], before["exists"], before["fields"]) == ("shop", False, [])
        engine.put(SHOP)
        after = engine.status()
        assert (after["exists"], after["model"]) == (True, "hashed-words-64")
        assert [store["documents"] for store in after["stores"].values()] == [4, 4]
        answered = engine.ping()
        assert {"text", "vector"} <= answered.keys()
        assert set(answered.values()) == {"ok"}
        assert "shop" in repr(engine)
        json.dumps(after)


def test_eight_threads_search_while_one_writes(engine: Engine) -> None:
    done = threading.Event()

    def searches(_: int) -> int:
        rounds = 0
        while not done.is_set() or rounds == 0:
            answer = engine.search("quiet laptop", limit=50)
            assert not answer.degraded
            assert len(set(answer.ids)) == len(answer.ids)
            assert {"1"} <= set(answer.ids)
            rounds += 1
        return rounds

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(searches, number) for number in range(8)]
        try:
            for number in range(20):
                engine.put([{"id": f"n{number}", "title": f"new number{number}"}, SHOP[1]])
                engine.delete([f"n{number - 3}"])
        finally:
            done.set()
        assert all(future.result(30) >= 1 for future in running)
    assert engine.search("number19", retrievers=["text"]).ids == ["n19"]
    assert engine.search("number5", retrievers=["text"]).ids == []


@pytest.mark.parametrize("where", ["disk", ":memory:"])
def test_a_closed_engine_says_so_whatever_it_is_asked(tmp_path: Path, where: str) -> None:
    engine = hybrid.open(tmp_path if where == "disk" else where, embedder=HashedWords())
    engine.put([{"id": "1", "title": "one"}])
    engine.search("one")
    engine.close()
    calls: list[Callable[[], object]] = [
        lambda: engine.search("one"),
        lambda: engine.put([{"id": "2", "title": "two"}]),
        lambda: engine.get("1"),
        lambda: engine.delete(["1"]),
        engine.status,
        engine.verify,
        engine.flush,
    ]
    for call in calls:
        with pytest.raises(hybrid.HybridError, match="this engine is closed"):
            call()
    engine.close()
