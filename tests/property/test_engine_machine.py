"""Whatever is put and deleted in whatever order, the engine holds what a plain dict would hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

import hybrid
from hybrid.errors import CollectionNotFound, DocumentNotFound
from hybrid.model import Outcome
from tests.embedders import HashedWords

IDS = st.sampled_from(["a", "b", "c d", "é/ü", "한", "😀"])


class EngineMachine(RuleBasedStateMachine):
    """Each version of a document has a word of its own, `word1`, `word2`, …, that nothing else ever has."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = hybrid.open(":memory:", embedder=HashedWords())
        self.engine.put([{"id": "first", "text": "word0"}])
        self.model: dict[str, dict[str, Any]] = {"first": {"text": "word0"}}
        self.gone: set[str] = set()
        self.made = 0

    def teardown(self) -> None:
        self.engine.close()

    def new_text(self, one: str) -> str:
        self.made += 1
        if one in self.model:
            self.gone.add(self.model[one]["text"])
        return f"word{self.made}"

    @rule(one=IDS)
    def put(self, one: str) -> None:
        expected = Outcome.UPDATED if one in self.model else Outcome.CREATED
        text = self.new_text(one)
        assert self.engine.put([{"id": one, "text": text}]).counts == {expected: 1}
        self.model[one] = {"text": text}

    @rule(ids=st.lists(IDS, min_size=2, max_size=5))
    def put_several(self, ids: list[str]) -> None:
        batch = []
        for one in ids:
            text = self.new_text(one)
            batch.append({"id": one, "text": text})
            self.model[one] = {"text": text}
        self.gone |= {document["text"] for document in batch} - {source["text"] for source in self.model.values()}
        report = self.engine.put(batch)
        assert report.counts.get(Outcome.SUPERSEDED, 0) == len(ids) - len(set(ids))
        assert sum(report.counts.values()) == len(ids)

    @rule()
    def put_all_again(self) -> None:
        if self.model:
            report = self.engine.put([{"id": one} | source for one, source in self.model.items()])
            assert report.counts == {Outcome.UNCHANGED: len(self.model)}

    @rule(ids=st.lists(IDS, max_size=3, unique=True))
    def delete(self, ids: list[str]) -> None:
        there = [one for one in ids if one in self.model]
        report = self.engine.delete(ids)
        assert report.counts.get(Outcome.DELETED, 0) == len(there)
        assert report.counts.get(Outcome.NOT_FOUND, 0) == len(ids) - len(there)
        self.gone |= {self.model.pop(one)["text"] for one in there}

    @rule()
    def drop(self) -> None:
        self.engine.drop()
        with pytest.raises(CollectionNotFound):
            self.engine.search("word0")
        self.gone |= {source["text"] for source in self.model.values()}
        self.made += 1
        self.engine.put([{"id": "first", "text": f"word{self.made}"}])
        self.model = {"first": {"text": f"word{self.made}"}}

    @invariant()
    def holds_what_the_dict_holds(self) -> None:
        for one in ["first", "a", "b", "c d", "é/ü", "한", "😀"]:
            if one in self.model:
                assert self.engine.get(one) == self.model[one]
            else:
                with pytest.raises(DocumentNotFound):
                    self.engine.get(one)

    @invariant()
    def counts_what_the_dict_counts(self) -> None:
        stores = self.engine.status()["stores"]
        assert {store["documents"] for store in stores.values()} == {len(self.model)}
        assert set(self.engine.search("anything", limit=100).ids) == set(self.model)

    @invariant()
    def finds_each_document_by_its_own_word(self) -> None:
        for one, source in self.model.items():
            answer = self.engine.search(source["text"])
            assert answer.ids[0] == one
            assert answer.hits[0].document == source

    @invariant()
    def finds_nothing_by_a_word_that_is_gone(self) -> None:
        for word in sorted(self.gone)[-4:]:
            assert self.engine.search(word, retrievers=["text"]).ids == []


EngineMachine.TestCase.settings = settings(max_examples=15, stateful_step_count=15, derandomize=True, deadline=None)
TestEngine = EngineMachine.TestCase
