"""Other engines' formulas: as the libraries themselves work them out, and tables of exact fractions for servers."""

from __future__ import annotations

import json
from statistics import pstdev, stdev
from typing import Any

import pytest

from hybrid.errors import FusionError
from hybrid.fusion import engines, fuse, methods
from tests.servers import apart

LIBRARIES = [
    *("qdrant-client==1.20.0", "langchain-classic==1.0.8", "haystack-ai==3.4.1", "llama-index-core==0.14.25"),
]

PEERS = """
import json, sys
from haystack import Document as HaystackDocument
from haystack.components.joiners import DocumentJoiner
from langchain_classic.retrievers import EnsembleRetriever
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import NodeWithScore, TextNode
from qdrant_client.http.models import ScoredPoint
from qdrant_client.hybrid.fusion import distribution_based_score_fusion, reciprocal_rank_fusion


class Given(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        return []


def answers(given):
    order = {name: sorted(of, key=lambda one: (-of[one], one)) for name, of in given.items()}
    out = {}

    def points():
        rows = [[(ord(one), given[name][one]) for one in order[name]] for name in order]
        return [[ScoredPoint(id=one, version=0, score=score, payload={}) for one, score in of] for of in rows]

    out["qdrant/rrf"] = {chr(p.id): p.score for p in reciprocal_rank_fusion(points(), limit=100)}
    out["qdrant/dbsf"] = {chr(p.id): p.score for p in distribution_based_score_fusion(points(), limit=100)}
    ensemble = EnsembleRetriever(retrievers=[Given() for _ in order])
    lists = [[Document(page_content=one) for one in order[n]] for n in order]
    out["langchain/rrf"] = [one.page_content for one in ensemble.weighted_reciprocal_rank(lists)]
    for mode in ("reciprocal_rank_fusion", "distribution_based_rank_fusion", "merge"):
        lists = [[HaystackDocument(id=one, content=one, score=given[n][one]) for one in order[n]] for n in order]
        found = DocumentJoiner(join_mode=mode).run(documents=lists)["documents"]
        out["haystack/" + mode] = {one.id: one.score for one in found}
    retriever = QueryFusionRetriever.__new__(QueryFusionRetriever)
    retriever._retriever_weights, retriever.num_queries = [1 / len(order)] * len(order), 1

    def nodes():
        rows = {(name, place): [(one, given[name][one]) for one in order[name]] for place, name in enumerate(order)}
        return {
            key: [NodeWithScore(node=TextNode(text=one, id_=one), score=score) for one, score in of]
            for key, of in rows.items()
        }

    for name, made in (
        ("reciprocal_rerank", retriever._reciprocal_rerank_fusion(nodes())),
        ("simple", retriever._simple_fusion(nodes())),
        ("relative_score", retriever._relative_score_fusion(nodes())),
        ("dist_based_score", retriever._relative_score_fusion(nodes(), dist_based=True)),
    ):
        out["llamaindex/" + name] = {one.node.node_id: one.score for one in made}
    return out


print(json.dumps([answers(given) for given in json.load(sys.stdin)]))
"""

WORLDS: list[dict[str, dict[str, float]]] = [
    {"text": {"a": 12.0, "b": 7.0, "c": 3.0}, "vector": {"b": 0.9, "d": 0.8, "a": 0.2}},
    {"text": {"a": 1.0}, "vector": {"b": 0.5}},
    {"text": {"a": 3.0, "b": 3.0}, "vector": {"a": 0.5, "b": 0.25, "c": 0.125}},
    {"text": {"a": 9.5, "b": 9.25, "c": 0.5, "d": 0.25}, "vector": {"d": 0.75, "c": 0.5, "e": 0.25, "a": 0.125}},
]


@pytest.fixture(scope="module")
def told() -> list[dict[str, Any]]:
    interpreter = apart.python("fusing-peers-1", [LIBRARIES])
    answers: list[dict[str, Any]] = json.loads(apart.run(interpreter, PEERS, stdin=json.dumps(WORLDS)).splitlines()[-1])
    return answers


LOCAL = [
    *("qdrant/rrf", "qdrant/dbsf", "langchain/rrf", "haystack/reciprocal_rank_fusion", "haystack/merge"),
    *("haystack/distribution_based_rank_fusion", "llamaindex/reciprocal_rerank", "llamaindex/simple"),
    *("llamaindex/relative_score", "llamaindex/dist_based_score"),
]


@pytest.mark.servers  # like those, too heavy for every run: the libraries are installed once, apart
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", LOCAL)
def test_the_library_itself_ranks_and_scores_so(told: list[dict[str, Any]], name: str) -> None:
    compat, _, method = name.partition("/")
    for world, theirs in zip(WORLDS, (answer[name] for answer in told), strict=True):
        ours = fuse(world, method, compat=compat)
        scores = dict(zip(ours.ids, ours.scores, strict=True))
        if isinstance(theirs, list):  # this one gives no scores
            assert [scores[one] for one in theirs] == sorted(scores.values(), reverse=True)
        else:
            assert scores == pytest.approx(theirs, abs=1e-12)


WORLD = WORLDS[0]
HALF = 1 / 2
PAPER = {"a": 1 / 61 + 1 / 63, "b": 1 / 62 + 1 / 61, "c": 1 / 63, "d": 1 / 62}
"""Cormack's own: k = 60, ranks from 1."""

DOUBLED = {"a": HALF + 2 / 4, "b": 1 / 3 + 1, "c": 1 / 4, "d": 2 / 3}
BY_ALPHA = {"a": 0.25 / 60 + 0.75 / 62, "b": 0.25 / 61 + 0.75 / 60, "c": 0.25 / 62, "d": 0.75 / 61}


@pytest.mark.parametrize(
    ("compat", "method", "options", "scores"),
    [
        ("elasticsearch", "rrf", {}, PAPER),
        ("elasticsearch", "rrf", {"weights": {"vector": 2}, "k": 1}, DOUBLED),
        ("elasticsearch", "linear", {}, {"a": 12.2, "b": 7.9, "c": 3.0, "d": 0.8}),
        ("elasticsearch", "linear", {"normalizer": "minmax"}, {"a": 1.0, "b": 4 / 9 + 1, "c": 0.0, "d": 6 / 7}),
        ("opensearch", "rrf", {}, PAPER),
        ("opensearch", "arithmetic_mean", {}, {"a": 1.001 / 2, "b": (4 / 9 + 1) / 2, "c": 0.001 / 2, "d": 6 / 7 / 2}),
        ("redis", "rrf", {"weights": {"vector": 9}}, PAPER),
        ("redis", "linear", {}, {"a": 0.3 * 12 + 0.7 * 0.6, "b": 0.3 * 7 + 0.7 * 0.95, "c": 0.3 * 3, "d": 0.7 * 0.9}),
        ("weaviate", "ranked", {}, BY_ALPHA),
        ("weaviate", "relative_score", {}, {"a": 0.25, "b": 0.25 * 4 / 9 + 0.75, "c": 0.0, "d": 0.75 * 6 / 7}),
        ("qdrant", "rrf", {"weights": {"text": 2}}, {"a": 1 / 1.5 + 1 / 4, "b": HALF + HALF, "c": 1 / 2.5, "d": 1 / 3}),
        ("lancedb", "rrf", {}, PAPER),
        ("langchain", "rrf", {}, {"a": 0.5 / 61 + 0.5 / 63, "b": 0.5 / 62 + 0.5 / 61, "c": 0.5 / 63, "d": 0.5 / 62}),
    ],
)
def test_a_servers_formula_gives_these_fractions(
    compat: str, method: str, options: dict[str, Any], scores: dict[str, float]
) -> None:
    found = fuse(WORLD, method, compat=compat, **options)
    assert dict(zip(found.ids, found.scores, strict=True)) == pytest.approx(scores, abs=1e-12)


def test_equal_scores_are_what_each_engine_makes_of_them() -> None:
    equal = {"text": {"a": 2.0, "b": 2.0}}
    names = ("opensearch/arithmetic_mean", "weaviate/relative_score", "qdrant/dbsf", "llamaindex/relative_score")
    found = {
        name: fuse(equal, method, compat=compat).scores[0]
        for name in names
        for compat, _, method in (name.partition("/"),)
    }
    assert found == {
        "opensearch/arithmetic_mean": 1.0,
        "weaviate/relative_score": 0.25,
        "qdrant/dbsf": 0.5,
        "llamaindex/relative_score": 1.0,
    }


def test_deviations_are_of_the_sample_in_one_and_of_the_population_in_another() -> None:
    scores = [12.0, 7.0, 3.0]
    place = {of: (12 - 22 / 3 + 3 * of(scores)) / (6 * of(scores)) for of in (stdev, pstdev)}
    alone = {"text": WORLD["text"]}
    assert fuse(alone, "dbsf", compat="qdrant").scores[0] == pytest.approx(place[stdev])
    assert fuse(alone, "distribution_based_rank_fusion", compat="haystack").scores[0] == pytest.approx(place[pstdev])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"method": "rrf", "compat": "solr"},
            "no formulas of 'solr'; there are those of: elasticsearch, haystack",
        ),
        ({"method": "dbsf", "compat": "redis"}, "there is no fusion 'dbsf' of redis; there is: linear, rrf"),
        (
            {"method": "linear", "compat": "elasticsearch", "normalizer": "z"},
            "no normalizer 'z'; there is: none, minmax",
        ),
        ({"method": "rrf", "normalizer": "l2"}, "rrf has no normalizer 'l2'; there is: none to choose"),
    ],
)
def test_a_pair_there_is_not_is_refused_with_those_there_are(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FusionError) as wrong:
        fuse(WORLD, **options)
    assert message in str(wrong.value)


def test_nine_engines_and_ranx_are_known_and_their_methods_are_not_ours() -> None:
    known = "elasticsearch haystack lancedb langchain llamaindex opensearch qdrant ranx redis weaviate"
    assert engines() == tuple(known.split())
    assert "linear" not in methods()
    assert methods("redis") == ("linear", "rrf")
