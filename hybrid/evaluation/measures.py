"""How good is a ranking? nDCG, MRR, MAP and recall of each query, by ir-measures."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hybrid.errors import MissingExtra
from hybrid.evaluation.datasets import Judgements

PRIMARY = "ndcg@10"
"""The measure that verdicts are spoken by."""

DEPTH = 10
"""Hits that it looks at."""

NAMES = {"ndcg@10": "nDCG@10", "mrr@10": "RR@10", "map": "AP", "recall@10": "R@10", "recall@100": "R@100"}
"""Each measure, and what ir-measures calls it."""

TITLES = {"ndcg@10": "nDCG@10", "mrr@10": "MRR@10", "map": "MAP", "recall@10": "R@10", "recall@100": "R@100"}
"""Each measure, and what people call it."""

Rankings: TypeAlias = Mapping[str, Sequence[str]]
"""By query id, the ids found, best first."""

PerQuery: TypeAlias = dict[str, NDArray[np.float64]]
"""By measure, its value for each query, from 0 to 1, in the order of the judgements."""


def measured(rankings: Rankings, judgements: Judgements, measures: Sequence[str] = tuple(NAMES)) -> PerQuery:
    """Each measure of each judged query; 0 where nothing was found.

    nDCG takes grades as gains (linear), with the discount log2(rank + 1); for the others a document is relevant from
    grade 1. Ties do not matter: the rank is what counts. Raises MissingExtra without ir-measures.
    """
    tool = _tool()
    by_name = {tool.parse_measure(NAMES[name]): name for name in measures}
    judged = [tool.Qrel(query, one, grade) for query, of in judgements.items() for one, grade in of.items()]
    run = [
        tool.ScoredDoc(query, one, -float(rank))
        for query in judgements
        for rank, one in enumerate(rankings.get(query, ()), 1)
    ]
    place = {query: number for number, query in enumerate(judgements)}
    values = {name: np.zeros(len(place)) for name in measures}
    for metric in tool.iter_calc(list(by_name), judged, run) if run else ():
        values[by_name[metric.measure]][place[metric.query_id]] = metric.value
    return values


def recall_by_depth(rankings: Rankings, judgements: Judgements, depth: int) -> NDArray[np.float64]:
    """The mean share of a query's relevant documents among its first 1, 2, … `depth` hits."""
    total = np.zeros(depth)
    for query, grades in judgements.items():
        relevant = {one for one, grade in grades.items() if grade > 0}
        found = np.zeros(depth)
        hits = [one in relevant for one in rankings.get(query, ())[:depth]]
        found[: len(hits)] = hits
        total += np.cumsum(found) / len(relevant)
    mean: NDArray[np.float64] = total / len(judgements)
    return mean


def check() -> None:
    """Returns where rankings can be measured. Raises MissingExtra without ir-measures."""
    _tool()


def _tool() -> Any:
    try:
        return importlib.import_module("ir_measures")
    except ImportError as error:
        raise MissingExtra("eval", "measuring rankings") from error
