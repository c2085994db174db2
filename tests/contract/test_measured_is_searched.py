"""What is measured is what searches answer: each measure of each query, embedded, in memory and on servers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from hybrid import Engine
from hybrid.evaluation import datasets, evaluate
from hybrid.evaluation.measures import NAMES, measured
from tests.contract import shop
from tests.contract.deployments import DEPLOYMENTS, deployed

WINDOW = 20
QUERIES = 24


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with deployed(request, tmp_path_factory) as engine:
        assert engine.put(shop.documents()).ok
        yield engine


def test_each_measure_of_each_query_is_that_of_what_a_search_answers(engine: Engine) -> None:
    whole = datasets.read(shop.FIXTURES)
    some = list(whole.queries)[:: max(1, len(whole.queries) // QUERIES)]
    judgements = {query: whole.judgements[query] for query in some}
    dataset = replace(whole, queries={query: whole.queries[query] for query in some}, judgements=judgements)
    found = evaluate(engine, dataset, ["rrf"], window=WINDOW)
    asked: dict[str, dict[str, object]] = {
        "text": {"retrievers": ["text"]},
        "vector": {"retrievers": ["vector"]},
        "default": {},
    }
    for method, options in asked.items():
        answers = {
            query: engine.search(text, window=WINDOW, limit=WINDOW, deadline_s=60, **options).ids
            for query, text in dataset.queries.items()
        }
        expected = measured(answers, judgements)
        for name in NAMES:
            assert list(found.values[method][name]) == list(expected[name]), (method, name)
    assert found.values["default"]["ndcg@10"].max() > 0.9
