"""From a request to a plan: completed by defaults, and refused where it makes no sense."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hybrid import plan
from hybrid.bounds import MAX_QUERY_CHARACTERS
from hybrid.errors import FusionError, QueryError
from hybrid.fusion import Fusion
from hybrid.plan import LANGUAGE, MAX_LIMIT, Defaults, Explain, Plan, Request
from hybrid.policy import Policy
from hybrid.schema import Field, FieldType, Schema
from hybrid.sorting import Sort

SCHEMA = Schema((Field("title", FieldType.TEXT, 2.0), Field("price", FieldType.DOUBLE), Field("text", FieldType.TEXT)))


def made(query: Any = "laptop", **options: Any) -> Plan:
    return plan.make(plan.request(query, **options), SCHEMA, Defaults())


def english(query: Any, **options: Any) -> Plan:
    """As `made`, for a model that knows English alone."""
    return plan.make(plan.request(query, **options), SCHEMA, Defaults(languages=lambda: frozenset({"en"})))


def test_a_plain_query_is_completed_by_the_defaults() -> None:
    assert made() == Plan(
        query="laptop",
        limit=10,
        offset=0,
        window=100,
        retrievers=("text", "vector"),
        fields=(("title", 2.0), ("text", 1.0)),
        fusion=Fusion("standard", 60.0, ()),
        deadlines=(("text", 2.0), ("vector", 2.0)),
    )


def test_a_query_is_read_by_the_analyzers_of_the_fields_that_it_chooses() -> None:
    fields = (Field("de", FieldType.TEXT, analyzer="german", alone=True), Field("en", FieldType.TEXT, alone=True))
    schema = Schema((*fields, Field("price", FieldType.DOUBLE)))

    def planned(match: Any) -> Plan:
        return plan.make(plan.request("houses", match=match), schema, Defaults())

    assert planned(None).tongue.analyzers == ("german", "english")
    assert planned({"fields": ["de"]}).tongue.analyzers == ("german",)
    assert planned({"fields": {"de": 3}}).fields == (("de", 3.0),)
    assert planned({"fields": {"de": 1, "en": 1}}) != planned(None)
    assert planned({"fields": {"de": 1, "en": 1}}).key != planned(None).key


def test_equal_plans_are_the_same_search_and_can_be_keys() -> None:
    one = made(weights={"vector": 2, "text": 1}, vector=[1, 0])
    other = made(weights={"text": 1.0, "vector": 2.0}, vector=(1.0, 0.0), k=60)
    assert len({one, other}) == 1
    assert made("other") != made()


def test_a_request_can_be_made_once_and_changed_by_options() -> None:
    assert made(Request("q", limit=3), k=1).limit == 3
    assert made(Request("q", limit=3), limit=4).limit == 4


@pytest.mark.parametrize(("limit", "window"), [(0, 100), (1, 100), (100, 100), (101, 101), (MAX_LIMIT, MAX_LIMIT)])
def test_the_default_window_grows_to_the_limit(limit: int, window: int) -> None:
    assert made(limit=limit).window == window


def test_a_window_that_is_asked_for_is_taken_as_it_is() -> None:
    assert made(limit=0, window=1).window == 1
    assert made(limit=10, window=10).window == 10


def test_retrievers_have_one_order_and_may_be_one_name() -> None:
    assert made(retrievers=["vector", "text", "vector"]).retrievers == ("text", "vector")
    assert made(retrievers="vector").retrievers == ("vector",)


def test_the_facts_of_a_fusion_name_k_only_where_it_counts() -> None:
    assert made(fusion="rrf", k=5, weights={"text": 2}).fusion_facts() == {
        "method": "rrf",
        "k": 5,
        "weights": {"text": 2, "vector": 1.0},
        "window": 100,
    }
    assert made(fusion="weighted", retrievers=["text"]).fusion_facts() == {
        "method": "weighted",
        "weights": {"text": 1.0},
        "window": 100,
    }


def test_a_query_may_be_empty_where_a_vector_is_given() -> None:
    assert made("", vector=[1.0]).vector == (1.0,)


def test_a_weight_of_0_is_fine_beside_one_that_is_not() -> None:
    assert made(weights={"text": 0}).fusion.weight("vector") == 1.0


@pytest.mark.parametrize("query", ["한국어 노트북", "🎧", "a\0b", "x" * MAX_QUERY_CHARACTERS, "‮rtl"])
def test_any_valid_text_can_be_searched_for(query: str) -> None:
    assert made(query).query == query


@pytest.mark.parametrize(
    ("query", "options", "field", "says"),
    [
        ("x" * (MAX_QUERY_CHARACTERS + 1), {}, "query", "has 8193 characters; 8192 are the most"),
        ("word " * 10_000, {}, "query", "has 50000 characters"),
        ("a\ud800", {}, "query", "lone surrogate"),
        (5, {}, "query", "must be a string"),
        (None, {}, "query", "must be a string"),
        ("q", {"limit": -1}, "limit", "limit is -1; it must be a whole number from 0 to 10000"),
        ("q", {"limit": MAX_LIMIT + 1}, "limit", "limit is 10001"),
        ("q", {"limit": True}, "limit", "limit is True"),
        ("q", {"limit": 2.0}, "limit", "limit is 2.0"),
        ("q", {"limit": "5"}, "limit", "limit is '5'"),
        ("q", {"limit": None}, "limit", "limit is None"),
        ("q", {"window": 9}, "window", "window is 9; it must be a whole number from 10 to 10000"),
        ("q", {"window": 0, "limit": 0}, "window", "from 1 to 10000"),
        ("q", {"window": MAX_LIMIT + 1}, "window", "window is 10001"),
        ("q", {"retrievers": []}, "retrievers", "retrievers are []; choose from ['text', 'vector']"),
        ("q", {"retrievers": ["text", "image"]}, "retrievers", "retrievers are ['text', 'image']"),
        ("q", {"weights": {"image": 1}}, "weights", "weights name image; the retrievers are text, vector"),
        ("q", {"deadline_s": 0}, "deadline_s", "must be seconds above 0"),
        ("q", {"deadline_s": -1}, "deadline_s", "deadline_s is -1"),
        ("q", {"deadline_s": math.nan}, "deadline_s", "deadline_s is nan"),
        ("q", {"deadline_s": 601}, "deadline_s", "600 at most"),
        ("q", {"deadline_s": True}, "deadline_s", "deadline_s is True"),
        ("q", {"deadline_s": "2"}, "deadline_s", "deadline_s is '2'"),
        ("q", {"vector": "abc"}, "vector", "not a list of numbers"),
        ("q", {"vector": [[1.0], [2.0]]}, "vector", "has shape (2, 1)"),
        ("q", {"vector": 1.0}, "vector", "has shape ()"),
        ("q", {"vector": ["a"]}, "vector", "not a list of numbers"),
        ("", {"sort": ["prize"]}, "sort", "there is no sorting by 'prize'; there is: price, id, and -NAME descending"),
        ("", {"sort": ["title"]}, "sort", "there is no sorting by 'title'"),
        ("", {"sort": [5]}, "sort", "there is no sorting by 5"),
        ("q", {"offset": -1}, "offset", "offset is -1"),
        ("q", {"offset": MAX_LIMIT + 1}, "offset", "from 0 to 10000"),
        ("q", {"policy": "maybe"}, "policy", "policy is 'maybe'; it is one of: partial, fail"),
        ("q", {"policy": None}, "policy", "policy is None"),
        ("q", {"require": ["image"]}, "require", "require are ['image']; choose from ['text', 'vector']"),
        (
            "q",
            {"require": "vector", "retrievers": "text"},
            "require",
            "require names vector, which this search does not",
        ),
        ("q", {"explain": "loud"}, "explain", "explain is 'loud'; it is one of: no, why, full"),
        ("q", {"explain": 1}, "explain", "explain is 1"),
        ("q", {"deadlines": {"image": 1}}, "deadlines", "deadlines name image; the retrievers are text, vector"),
        ("q", {"deadlines": {"text": 0}}, "deadlines", "deadlines.text is 0; it must be seconds above 0"),
        ("q", {"deadlines": 1}, "deadlines", "give a value by name"),
        ("q", {"disjunctive": "yes"}, "disjunctive", "must be true or false"),
        ("q", {"filters": 1}, "filters", "search has no option 'filters'; it has: limit, offset, cursor, filter"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(query: Any, options: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(QueryError) as refused:
        made(query, **options)
    assert says in str(refused.value)
    assert refused.value.field == field


@pytest.mark.parametrize(
    "options",
    [
        {"fusion": "borda"},
        {"k": -1},
        {"k": 0.5},
        {"k": math.nan},
        {"weights": {"text": -1}},
        {"weights": {"text": 0, "vector": 0}},
        {"weights": {"text": 0}, "retrievers": ["text"]},
        {"weights": {"text": "heavy"}},
    ],
)
def test_a_fusion_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(FusionError):
        made(**options)


def test_without_a_query_and_a_vector_the_text_store_lists_all_documents() -> None:
    browse = made(" \n\u3000", sort=["-price", "id"])
    assert browse.browses
    assert browse.retrievers == ("text",)
    assert browse.sort == (Sort("price", descending=True), Sort("id"))
    assert browse.fusion_facts() == {"method": "none", "sort": ["-price", "id", "id"], "window": 100}


def test_each_retriever_has_the_shorter_of_its_own_deadline_and_the_whole() -> None:
    assert made(deadline_s=1, deadlines={"vector": 0.2}).deadlines == (("text", 1.0), ("vector", 0.2))
    assert made(deadline_s=0.1, deadlines={"vector": 0.2}).deadlines == (("text", 0.1), ("vector", 0.1))
    assert made(retrievers=["vector"]).deadlines == (("vector", 2.0),)


def test_policy_and_requirements_are_part_of_the_plan() -> None:
    assert made(policy="fail").policy is Policy.FAIL
    assert made(require=["vector"]).require == ("vector",)
    assert (made(explain=True).explain, made(explain="full").explain) == (Explain.WHY, Explain.FULL)


def test_a_query_in_a_script_the_model_cannot_read_is_not_put_to_it() -> None:
    korean = english("조용한 노트북")
    assert (korean.retrievers, korean.left_out) == (("text",), (("vector", LANGUAGE),))
    assert korean.fusion_facts()["weights"] == {"text": 1.0, "vector": 0.0}
    assert english("quiet laptop").left_out == ()
    assert made("조용한 노트북").left_out == ()  # what the model knows is not known


@pytest.mark.parametrize("options", [{"retrievers": ["vector"]}, {"weights": {"text": 0}}, {"vector": [1.0]}])
def test_the_model_is_asked_all_the_same_where_nobody_else_could_answer_or_it_need_not_read(
    options: dict[str, Any],
) -> None:
    assert "vector" in english("조용한 노트북", **options).retrievers


def test_the_languages_of_a_model_that_is_not_needed_are_not_asked_for() -> None:
    def never() -> frozenset[str]:
        raise AssertionError("asked")

    for options in ({"retrievers": ["text"]}, {"vector": [1.0]}, {"query": ""}):
        plan.make(plan.request(**({"query": "q"} | options)), SCHEMA, Defaults(languages=never))


def test_a_plan_is_named_by_what_is_searched_not_by_the_part_that_is_shown() -> None:
    same = made("q", limit=10)
    for options in ({"limit": 5}, {"offset": 3}, {"explain": True}, {"verify": True}, {"deadline_s": 1}):
        assert made("q", **options).key == same.key
    for options in ({"window": 50}, {"fusion": "weighted"}, {"weights": {"text": 2}}, {"filter": "price < 5"}):
        assert made("q", **options).key != same.key
    assert made("r").key != same.key


def test_a_plan_can_be_read_as_json() -> None:
    body = made("q", filter="price<5", facets=["price"], vector=[1.0]).to_dict()
    assert (body["query"], body["filter"], body["retrievers"]) == ("q", "price < 5.0", ["text", "vector"])
    assert body["fields"] == {"title": 2.0, "text": 1.0}
    assert body["deadlines"] == {"text": 2.0, "vector": 2.0}
