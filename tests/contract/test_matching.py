"""How words match, in every text store: the same documents as by a plain loop over their tokens."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from hybrid import Engine
from hybrid.analysis import slots, weighted
from hybrid.errors import DocumentNotFound, QueryError
from hybrid.match import read
from hybrid.model import Record, SearchResult
from hybrid.schema import Field, FieldType, Schema
from hybrid.stores.base import TextQuery
from hybrid.surface import document_words
from hybrid.wording import satisfied
from tests.contract import shop
from tests.contract.conftest import TEXT, kept
from tests.contract.deployments import DEPLOYMENTS, deployed
from tests.embedders import HashedWords

SEED = 20261126
SCHEMA = Schema((Field("title", FieldType.TEXT, boost=2.0, alone=True), Field("text", FieldType.TEXT, alone=True)))
WORDS = [
    *("the", "of", "a", "laptop", "laptops", "laptpo", "quiet", "quite", "fan", "fans", "notebook", "note", "noted"),
    *("running", "runner", "조용한", "노트북", "state", "art", "3.5", "x"),
]


def sources() -> dict[str, dict[str, Any]]:
    chance = random.Random(SEED)

    def text(most: int) -> str:
        return " ".join(chance.choices(WORDS, k=chance.randint(0, most)))

    return {f"r{number}": {"title": text(4), "text": text(9)} for number in range(80)}


SOURCES = sources()
PLACES = {one: [slots(text) for text in weighted(source, SCHEMA.searched)] for one, source in SOURCES.items()}
WRITTEN = {one: document_words(source, SCHEMA.searched) for one, source in SOURCES.items()}
FIELDS: list[Any] = [{"title": 3, "text": 1}, ["title"], {"text": 0.5}]


@pytest.fixture(scope="module", params=TEXT)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with kept(request, tmp_path_factory.mktemp("matching"), SCHEMA) as store:
        rows = np.array([[1, 0, 0]], np.float32)
        store.write([Record(one, 1, "h", source, rows) for one, source in SOURCES.items()])
        store.refresh()
        yield store


def queries() -> list[TextQuery]:
    """Random queries of every kind."""
    chance = random.Random(SEED + 1)
    kinds: list[Any] = [
        {"mode": "any"},
        {"mode": "all"},
        {"mode": "phrase"},
        {"mode": "query"},
        {"minimum": 2},
        {"minimum": "75%"},
        {"minimum": "-1"},
        {"fuzziness": "auto"},
        {"mode": "all", "fuzziness": 1},
        {"mode": "query", "fuzziness": 2},
        {"mode": "prefix"},
    ]
    alone = [kind | {"fields": fields} for fields in FIELDS for kind in kinds]
    return [_query(chance, kind) for kind in kinds for _ in range(12)] + [_query(chance, kind) for kind in alone * 3]


def _query(chance: random.Random, kind: dict[str, Any]) -> TextQuery:
    words = chance.choices(WORDS, k=chance.randint(1, 4))
    if kind.get("mode") == "prefix":
        words[-1] = words[-1][: chance.randint(1, 5)]
    if kind.get("mode") == "query":
        phrase = f'{chance.choice(["", "-"])}"{chance.choice(WORDS)} {chance.choice(WORDS)}"'
        words = [chance.choice(["", "", "+", "-"]) + word for word in words] + chance.choices([phrase, ""])
    return TextQuery(" ".join(words), 200, 20.0, match=read(kind, SCHEMA.searched), total=True)


def meant(query: TextQuery) -> set[str]:
    wanted, fields = query.wanted, query.match.fields
    if wanted is None:
        return set()
    if fields:
        alone = {one: [slots(source[name]) for name, _ in fields] for one, source in SOURCES.items()}
        return {one for one, texts in alone.items() if satisfied(wanted, texts)}
    return {one for one, texts in PLACES.items() if satisfied(wanted, texts, WRITTEN[one])}


def test_every_kind_finds_the_documents_that_a_plain_loop_finds(store: Any) -> None:
    print("seed", SEED)
    asked = queries()
    answers = store.search_many(asked)
    for query, found in zip(asked, answers, strict=True):
        assert set(found.ids) == meant(query), (query.text, query.match)
        assert found.total == len(found.ids)
        assert list(found.scores) == sorted(found.scores, reverse=True)
    assert sum(0 < len(found.ids) < 80 for found in answers) > 150


def test_what_a_word_of_several_tokens_shuts_out_is_that_word(store: Any) -> None:
    texts = {"c": "nx pad 4410", "d": "nx-4410 pad", "e": "게임 노트북 게임기", "f": "게임용 노트북", "g": "Ⅱ한 노트북"}
    rows = np.array([[1, 0, 0]], np.float32)
    store.write([Record(one, 1, "h", {"text": text}, rows) for one, text in texts.items()])
    store.refresh()

    def found(text: str) -> set[str]:
        return set(store.search(TextQuery(text, 200, 20.0, match=read("query"))).ids) & texts.keys()

    try:
        assert found("pad -nx-4410") == {"c"}
        assert found("pad +nx-4410") == {"d"}
        assert found("노트북 -게임용") == {"e", "g"}
        assert found("ⅱ") == {"g"}  # beside Hangul, Latin letters and numbers are words of their own
    finally:
        store.write([Record(one, 2, "", {}, np.empty((0, 3), np.float32), deleted=True) for one in texts])
        store.refresh()


def test_conditions_hold_without_words_to_look_for(store: Any) -> None:
    query = TextQuery('-laptop -"quiet fan" note', 200, match=read("query"), conditional=True)
    ids = list(SOURCES)
    assert set(store.scores(query, ids)) == meant(query)
    assert len(meant(query)) > 10


def test_frequencies_are_numbers_of_documents(store: Any) -> None:
    tokens = ["laptop", "fan", "조용", "nothing"]
    having = {token: sum(any(token in text for text in texts) for texts in PLACES.values()) for token in tokens}
    found = store.frequencies(tokens)
    assert {token: found.get(token, 0) for token in tokens} == having
    assert store.frequencies([]) == {}


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with deployed(request, tmp_path_factory) as engine:
        assert engine.put(shop.documents()).ok
        yield engine


BY_ID = {document["id"]: document for document in shop.documents()}


def words_of(one: str) -> set[str]:
    return {token for name in ("title", "text") for token in slots(BY_ID[one].get(name, ""))}


def test_what_must_not_be_there_is_not_there_however_a_hit_was_found(engine: Engine) -> None:
    every = engine.search("laptop", limit=1000).ids
    found = engine.search("laptop -fan -games", match="query", limit=1000)
    assert found.ids == [one for one in found.ids if not words_of(one) & {"fan", "game"}]
    assert 0 < len(found) < len(every)
    assert {hit.explain["vector"]["status"] for hit in found.hits} == {"hit"}


def test_the_model_reads_nothing_of_signs_and_of_what_must_not_be_there(engine: Engine) -> None:
    options: dict[str, Any] = {"retrievers": ["text", "vector"], "limit": 50}
    signed = engine.search("silent +notebook -keyboard", match="query", **options)
    plain = engine.search("silent notebook", **options, window=1000)
    scores = raw(plain, "vector")
    known = {one: score for one, score in raw(signed, "vector").items() if one in scores}
    assert known
    assert known == pytest.approx({one: scores[one] for one in known}, abs=1e-6)
    with pytest.raises(QueryError, match="add a word without a minus"):
        engine.search("-keyboard", match="query")


def test_the_last_word_of_a_query_is_finished_as_it_is_typed(engine: Engine) -> None:
    found = engine.search("silent noteb", match="prefix", retrievers=["text"], limit=1000)
    assert {one for one in BY_ID if words_of(one) >= {"silent", "notebook"}} <= set(found.ids)
    assert found.ids


def test_a_word_with_a_typing_error_is_found(engine: Engine) -> None:
    assert not engine.search("notebok", retrievers=["text"]).ids
    found = engine.search("notebok", match={"fuzziness": "auto"}, retrievers=["text"], limit=1000).ids
    assert set(found) >= set(engine.search("notebook", retrievers=["text"], limit=1000).ids)


def raw(answer: SearchResult, name: str) -> dict[str, float]:
    """By id the raw scores that a retriever gave."""
    return {hit.id: hit.explain[name]["raw_score"] for hit in answer.hits if "raw_score" in hit.explain[name]}


def test_only_what_scores_enough_is_within_range(engine: Engine) -> None:
    every = engine.search("notebook", limit=1000)
    least = {"text": sorted(raw(every, "text").values())[1], "vector": 0.3}
    found = engine.search("notebook", limit=1000, within=least)
    for name in ("text", "vector"):
        good = {one: score for one, score in raw(every, name).items() if score >= least[name]}
        assert raw(found, name) == good
        assert 0 < len(good) < len(raw(every, name))


def test_documents_like_others_are_found_by_their_vectors_and_their_words(engine: Engine) -> None:
    found = engine.search(like="e-001", limit=5)
    assert "e-001" not in found.ids
    assert found.ids[0] == "e-002"  # the same notebook in green
    plan = engine.plan(like=["e-001", "e-002"])
    texts = ["\n".join(BY_ID[one][name] for name in ("title", "text")) for one in ("e-001", "e-002")]
    rows = HashedWords().embed_documents(texts)
    mean = rows.mean(axis=0)
    assert plan.vector == pytest.approx((mean / np.linalg.norm(mean)).tolist(), abs=1e-6)
    assert "nx" in plan.query
    assert not {"e-001", "e-002"} & set(engine.run(plan).ids)


def test_what_like_cannot_be_is_refused(engine: Engine) -> None:
    with pytest.raises(DocumentNotFound, match="nowhere"):
        engine.search(like="nowhere")
    with pytest.raises(QueryError, match="stands for a query"):
        engine.search("laptop", like="e-001")
    with pytest.raises(QueryError, match="at most 20"):
        engine.search(like=[])


def test_several_queries_find_each_document_by_the_best_of_them(engine: Engine) -> None:
    queries = ["silent notebook", "desk lamp", "조용한 노트북"]
    found = engine.search(queries[0], queries=queries[1:], limit=1000)
    alone = [engine.search(query, limit=1000, explain=True) for query in queries]
    for name in ("text", "vector"):
        best: dict[str, float] = {}
        for of in alone:
            best |= {one: max(score, best.get(one, score)) for one, score in raw(of, name).items()}
        assert raw(found, name) == pytest.approx(best, abs=1e-6)
    assert set(found.ids) == {one for of in alone for one in of.ids}


def test_without_leaves_documents_out(engine: Engine) -> None:
    first = engine.search("notebook").ids
    assert set(engine.search("notebook", without=first[:3], limit=300).ids).isdisjoint(first[:3])


def test_the_plan_says_how_words_match(engine: Engine) -> None:
    match = {"mode": "all", "fuzziness": "auto"}
    body = engine.plan("notebook", match=match, queries=["lamp"], within={"text": 2}).to_dict()
    assert body["match"] == {"mode": "all", "minimum": "", "fuzziness": "auto"}
    assert (body["queries"], body["within"]) == (["lamp"], {"text": 2.0})
