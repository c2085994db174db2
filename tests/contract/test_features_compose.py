"""Features compose: random combinations of them, on each deployment, and with a model that fails at a query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hybrid import Engine
from tests.contract import shop
from tests.contract.composing import OPTIONS, QUERIES, Model, searched
from tests.contract.deployments import DEPLOYMENTS, deployed


class Lengths:
    """A reranker that likes short texts."""

    name = "lengths"

    def score(self, query: str, texts: Sequence[str]) -> list[float]:  # noqa: ARG002 (the protocol's)
        return [-float(len(text)) for text in texts]


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    own = {"reranker": Lengths(), "embedder": Model(), "by_field": True, "deadline_s": 20.0}
    with deployed(request, tmp_path_factory, **own) as engine:
        assert engine.put(shop.documents()).ok
        yield engine


@settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(options=OPTIONS, limit=st.integers(1, 7), query=QUERIES)
def test_whatever_is_combined_an_answer_keeps_its_word(
    engine: Engine, options: dict[str, Any], limit: int, query: str
) -> None:
    searched(engine, query, limit, options)
