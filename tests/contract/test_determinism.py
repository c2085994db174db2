"""The same documents give the same answer, bit by bit, however often they are asked and however they are parted."""

from __future__ import annotations

import uuid

import pytest

from hybrid.facets import Facet, Terms
from hybrid.filters.tree import OneOf
from hybrid.settings import ElasticsearchSettings
from hybrid.stores.base import TextQuery
from hybrid.stores.elastic_text import ElasticText
from tests.contract.records import make_collection, make_record

pytestmark = pytest.mark.servers
WORDS = "quiet laptop drill notebook loud small black green fast slow".split()


def test_one_two_and_five_shards_give_the_same_ids_scores_and_order(elasticsearch_url: str) -> None:
    found = []
    for shards in (1, 2, 5):
        settings = ElasticsearchSettings(url=elasticsearch_url, shards=shards)
        store = ElasticText.connect(settings, f"shards-{uuid.uuid4().hex}")
        store.create(make_collection(store._name))
        store.write([make_record(f"d{n:03}", n + 1, text=_text(n), brand=f"b{n % 7}") for n in range(300)])
        store.refresh()
        facets = (Facet("brand", Terms("brand")),)
        queries = [TextQuery(f"{one} {other}", 50, 10, None, facets, total=True) for one in WORDS for other in WORDS]
        queries += [TextQuery("quiet", 50, 10, OneOf("brand", ("b1", "b2")), total=True)]
        found.append([(one.ids, one.scores, one.total, one.facets) for one in map(store.search, queries)])
        store.drop()
        store.close()
    assert found[0] == found[1] == found[2]
    assert all(len(ids) > 0 for ids, *_ in found[0])


def _text(number: int) -> str:
    """Some of the words, some of them twice, many texts alike."""
    return " ".join(word for at, word in enumerate(WORDS) if number % (at + 2) == 0) * (1 + number % 2) + " common"
