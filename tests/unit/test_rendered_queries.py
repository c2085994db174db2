"""Nothing a request brings changes what a query asks: whatever the value, the query has the shape it has for "x"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np
import pytest

from hybrid.filters.tree import And, Compare, Exists, Filter, Moment, Not, OneOf, Or, Order
from hybrid.schema import VectorAlgorithm, VectorSpec
from hybrid.stores import elastic_query, redis_query
from tests.contract.filtering import HOSTILE

_TAG = re.compile(r"(\\[=#%]|[A-Za-z0-9_])+")
ALPHABET = "ax0 \"'\\{}()[]|@:$*%-~=<>;,.!?#&/\n\t\0\x1f\x7f한é\u202e😀"


def shape(text: str) -> str:
    """A RediSearch filter with every tag taken for one and the same."""
    return re.sub(r"\{[^{}]*\}", lambda found: "{" + "|".join("t" for _ in found[0][1:-1].split("|")) + "}", text)


def tree(value: str) -> Filter:
    return And((OneOf("tenant", ("mine",)), Or((OneOf("tag", (value, "x")), Not(OneOf("tag", (value,)))))))


def generated(count: int) -> Iterator[str]:
    random = Random(20260303)
    for _ in range(count):
        yield "".join(random.choices(ALPHABET, k=random.randint(0, 12)))


def test_hostile_strings_leave_the_shape_of_a_redis_filter_alone() -> None:
    plain = shape(redis_query.filtered(tree("y")))
    tags = set()
    for value in (*HOSTILE, *generated(20_000)):
        rendered = redis_query.filtered(tree(value))
        assert shape(rendered) == plain, value
        tag = rendered.split("@tag:{")[1].split("|")[0]
        assert _TAG.fullmatch(tag), value
        tags.add(tag)
    assert len(tags) > 10_000  # different strings stay different


def test_a_hundred_thousand_hostile_strings_stay_values_of_an_elasticsearch_filter() -> None:
    plain = _masked(elastic_query.filtered(tree("y")))
    for value in (*HOSTILE, *generated(100_000)):
        assert _masked(elastic_query.filtered(tree(value))) == plain, value


def _masked(body: Any) -> Any:
    if isinstance(body, dict):
        return {key: _masked(value) for key, value in body.items()}
    if isinstance(body, list):
        return [_masked(value) for value in body]
    return "s" if isinstance(body, str) else body


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (OneOf("tag", ("a b", "|")), r"@tag:{\=a\%20b|\=\%7C}"),
        (OneOf("tag", ()), "@_kind:{none}"),
        (OneOf("id", ("7",)), r"@_id:{\=7}"),
        (OneOf("ok", (True,)), r"@ok:{\=true}"),
        (OneOf("n", (1, 2)), "(@n:[1 1]|@n:[2 2])"),
        (Compare("n", Order.BELOW, 3), "@n:[-inf (3]"),
        (Compare("x", Order.AT_LEAST, 0.1), "@x:[0.1 +inf]"),
        (Compare("day", Order.ABOVE, Moment(5)), "@day:[(5 +inf]"),
        (Exists("n"), r"@_has:{\=n}"),
        (Exists("id"), "@_kind:{d|p}"),
        (Not(Exists("n")), r"@_lacks:{\=n}"),
        (Not(Exists("id")), "@_kind:{none}"),
        (Not(OneOf("tag", ("a",))), r"(-@tag:{\=a})"),
        (Not(OneOf("tag", ())), "@_kind:{d|p}"),
        (Not(OneOf("ok", (True,))), r"(@_lacks:{\=ok}|@ok:{\=false})"),
        (Not(OneOf("ok", (True, False))), r"@_lacks:{\=ok}"),
        (Not(OneOf("n", (2, 1))), r"(@_lacks:{\=n}|@n:[-inf (1]|@n:[(1 (2]|@n:[(2 +inf])"),
        (Not(Compare("n", Order.BELOW, 3)), r"(@_lacks:{\=n}|@n:[3 +inf])"),
        (Not(Not(Exists("n"))), r"@_has:{\=n}"),
        (And(()), "@_kind:{d|p}"),
        (Or(()), "@_kind:{none}"),
        (Not(And((Exists("n"), Exists("x")))), r"(@_lacks:{\=n}|@_lacks:{\=x})"),
        (
            And((Not(OneOf("tag", ("a",))), Exists("n"), Not(OneOf("tag", ("b",))))),
            r"(@_has:{\=n} -(@tag:{\=a}|@tag:{\=b}))",
        ),
    ],
)
def test_a_filter_is_said_to_redis_in_its_own_words(given: Filter, expected: str) -> None:
    assert redis_query.filtered(given) == expected


def test_a_filter_stands_before_the_nearest_and_vectors_are_parameters() -> None:
    command = redis_query.search_command("c", np.ones(2, np.float32), 5, 0.25, VectorSpec(2), Exists("n"))
    assert command[2] == r"(@_kind:{d|p} @_has:{\=n})=>[KNN $k @_vec $vector AS _distance]"
    assert redis_query.shown(command, 2)[5:9] == ["k", "5", "vector", "<2 float32>"]
    plain = redis_query.search_command(
        "c", np.ones(2, np.float32), 5, 0.25, VectorSpec(2, algorithm=VectorAlgorithm.HNSW)
    )
    assert plain[2] == "*=>[KNN $k @_vec $vector EF_RUNTIME $ef AS _distance]"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (OneOf("tag", ("a", "b")), {"terms": {"tag": ["a", "b"]}}),
        (OneOf("tag", ()), {"match_none": {}}),
        (OneOf("id", ("7",)), {"terms": {"_hybrid.id": ["7"]}}),
        (Compare("n", Order.BELOW, 3), {"range": {"n": {"lt": 3}}}),
        (Compare("day", Order.AT_LEAST, Moment(5)), {"range": {"day": {"gte": 5, "format": "epoch_millis"}}}),
        (Exists("n"), {"term": {"_hybrid.has": "n"}}),
        (Not(Exists("n")), {"bool": {"must_not": {"term": {"_hybrid.has": "n"}}}}),
        (And(()), {"match_all": {}}),
        (Or(()), {"match_none": {}}),
    ],
)
def test_a_filter_is_said_to_elasticsearch_in_its_own_words(given: Filter, expected: Any) -> None:
    assert elastic_query.filtered(given) == expected
