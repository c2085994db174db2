"""How words match, in every text store: the same documents as by a plain loop over their tokens."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from rank_bm25 import BM25Plus

from hybrid import Engine
from hybrid.analysis import slots, weighted
from hybrid.errors import DocumentNotFound, QueryError
from hybrid.match import read
from hybrid.model import Record
from hybrid.result import SearchResult
from hybrid.schema import Collection, Field, FieldType, Schema, VectorSpec
from hybrid.stores.base import TextQuery
from hybrid.stores.memory import MemoryText
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


def changed(word: str) -> list[str]:
    """The word with two of its letters replaced, by each pair of letters."""
    letters = "bcdfghjklmnpq"
    pairs = itertools.combinations(range(1, len(word)), 2)
    made = [
        word[:one] + a + word[one + 1 : two] + b + word[two + 1 :]
        for one, two in pairs
        for a in letters
        for b in letters
    ]
    return [other for other in dict.fromkeys(made) if slots(other) == [other]]


def test_nothing_is_left_out_that_many_words_would_find(store: Any) -> None:
    near = changed("zyxwvu")[:1500]
    texts = {f"m{at}": " ".join(near[at * 10 : at * 10 + 10]) + f" zebra{at}" for at in range(150)}
    rows = np.array([[1, 0, 0]], np.float32)
    store.write([Record(one, 1, "h", {"text": text}, rows) for one, text in texts.items()])
    store.refresh()

    def found(text: str, **match: Any) -> set[str]:
        return set(store.search(TextQuery(text, 1000, 20.0, match=read(match, SCHEMA.searched))).ids)

    try:
        for fields in ([], ["text"]):
            assert found("zyxwvu", fuzziness=2, fields=fields) == texts.keys()
            assert found("zebr", mode="prefix", fields=fields) == texts.keys()
            assert found(f"{near[7]} zeb", mode="prefix", fields=fields) == {"m0"}
        assert found("zebr", mode="prefix", fields=["title"]) == set()
    finally:
        store.write([Record(one, 2, "", {}, np.empty((0, 3), np.float32), deleted=True) for one in texts])
        store.refresh()


def test_what_is_typed_is_no_pattern(store: Any) -> None:
    rows = np.array([[1, 0, 0]], np.float32)
    store.write([Record("p", 1, "h", {"title": "o'neill 3x5mm 4.5mm"}, rows)])
    store.refresh()

    def found(text: str, fields: list[str]) -> set[str]:
        return set(
            store.search(
                TextQuery(text, 200, 20.0, match=read({"mode": "prefix", "fields": fields}, SCHEMA.searched))
            ).ids
        )

    try:
        for fields in ([], ["title"]):
            assert found("o'ne", fields) == {"p"}
            assert found("4.5", fields) == {"p"}
            assert "p" not in found("3.5", fields)
    finally:
        store.write([Record("p", 2, "", {}, np.empty((0, 3), np.float32), deleted=True)])
        store.refresh()


SCORED = {
    f"s{at}": {"title": f"laptop w{at % 3}", "text": f"{'fan ' * (at % 4)}laptop quiet x{at % 5} x{at}"}
    for at in range(12)
}


def by_hand(text: str, boosts: dict[str, float]) -> dict[str, float]:
    """BM25 of each field, times its boost, added: k1 = 1.2, b = 0.75, and the factor 1 + k1."""
    scores: dict[str, float] = dict.fromkeys(SCORED, 0.0)
    for name, boost in boosts.items():
        texts = {one: [token for token in slots(source[name]) if token] for one, source in SCORED.items()}
        usual = sum(map(len, texts.values())) / len(texts)
        for token in slots(text):
            having = sum(token in tokens for tokens in texts.values())
            rarity = math.log(1 + (len(texts) - having + 0.5) / (having + 0.5))
            for one, tokens in texts.items():
                times = tokens.count(token)
                scores[one] += boost * rarity * 2.2 * times / (times + 1.2 * (0.25 + 0.75 * len(tokens) / usual))
    return {one: score for one, score in scores.items() if score}


@pytest.fixture(scope="module", params=[one for one in TEXT if one != "rank-bm25"])
def scored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with kept(request, tmp_path_factory.mktemp("scored"), SCHEMA) as store:
        rows = np.array([[1, 0, 0]], np.float32)
        store.write([Record(one, 1, "h", source, rows) for one, source in SCORED.items()])
        store.refresh()
        yield store


@pytest.mark.parametrize("boosts", [{"title": 3.0, "text": 1.0}, {"title": 0.5, "text": 2.0}, {"text": 1.0}])
def test_chosen_fields_score_by_the_sum_of_each_times_its_boost(scored: Any, boosts: dict[str, float]) -> None:
    for text in ("w1 quiet", "laptop fan x3", "w2 x2 x7"):
        query = TextQuery(text, 50, 20.0, match=read({"fields": boosts}, SCHEMA.searched))
        found, expected = scored.search(query), by_hand(text, boosts)
        assert dict(zip(found.ids, found.scores, strict=True)) == pytest.approx(expected, rel=1e-4)
        assert scored.scores(query, list(SCORED)) == pytest.approx(expected, rel=1e-4)
        words = sum(map(bool, slots(text)))
        assert found.unit == pytest.approx(2.2 * max(boosts.values()) * words)


def test_chosen_fields_are_added_up_in_memory_too() -> None:
    store = MemoryText("fields")
    store.create(Collection("fields", SCHEMA, VectorSpec(3), "none"))
    store.write([Record(one, 1, "h", source, np.ones((1, 3), np.float32)) for one, source in SCORED.items()])
    ids = sorted(SCORED)
    expected = np.zeros(len(ids))
    for name, boost in {"title": 3.0, "text": 1.0}.items():
        texts = [[token for token in slots(SCORED[one][name]) if token] for one in ids]
        expected += boost * BM25Plus(texts).get_scores(["w1", "quiet"])
    found = store.search(TextQuery("w1 quiet", 50, match=read({"fields": {"title": 3, "text": 1}}, SCHEMA.searched)))
    assert dict(zip(found.ids, found.scores, strict=True)) == pytest.approx(dict(zip(ids, expected, strict=True)))


def test_what_many_words_satisfy_counts_as_a_word_of_rarity_one(store: Any) -> None:
    unit = 3.5 if store.name == "rank-bm25" else 2.2
    typed = TextQuery("noteb", 200, 20.0, match=read("prefix"))
    found = store.search(typed).scores
    assert found == pytest.approx((unit,) * len(found))
    assert len(found) > 10
    titles = TextQuery("noteb", 200, 20.0, match=read({"mode": "prefix", "fields": {"title": 3}}, SCHEMA.searched))
    found = store.search(titles).scores
    assert found == pytest.approx((3 * unit,) * len(found))
    assert len(found) > 5
    near, exact = (TextQuery("laptop", 200, 20.0, match=read({"fuzziness": edits})) for edits in (1, 0))
    scores, plain = store.scores(near, list(SOURCES)), store.scores(exact, list(SOURCES))
    assert plain.keys() < scores.keys()
    assert {one: scores[one] for one in plain} == pytest.approx({one: unit + plain[one] for one in plain}, rel=1e-5)
    others = [score for one, score in scores.items() if one not in plain]
    assert others == pytest.approx([others[0]] * len(others))
    assert unit - 1e-5 <= others[0] < min(scores[one] for one in plain)  # BM25Plus gives to all what is not there, too


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
    alone = engine.search("notebook", within={"text": least["text"]}, retrievers=["text"], limit=1, facets=["brand"])
    good = {one for one, score in raw(every, "text").items() if score >= least["text"]}
    brands = Counter(BY_ID[one]["brand"] for one in good)
    assert alone.total is not None
    assert alone.facets is not None
    assert alone.total.value == len(good)  # what scores less is not counted either
    assert {one["value"]: one["count"] for one in alone.facets.found["brand"]} == brands
    among = engine.search(
        "notebook", within={"text": least["text"]}, filter="price < 300", retrievers=["text"], limit=1000
    )
    assert set(among.ids) == {one for one in good if BY_ID[one]["price"] < 300}


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
