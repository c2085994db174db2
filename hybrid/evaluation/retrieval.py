"""What does each retriever find? Every judged query asked once; all fusions are worked out from what is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias

from hybrid.answer import column
from hybrid.engine import Engine
from hybrid.errors import DocumentError, InputError, QueryError
from hybrid.evaluation import datasets
from hybrid.evaluation.datasets import Dataset
from hybrid.evaluation.measures import Rankings
from hybrid.fusion import Column, Fusion, combine
from hybrid.fusion.base import DEFAULT_METHOD
from hybrid.indexing import sources
from hybrid.match import Boosts
from hybrid.model import DocumentOutcome
from hybrid.plan import RETRIEVERS, TEXT
from hybrid.schema import check_id
from hybrid.settings import Settings

PATIENCE_S = 600.0
"""Seconds that one search may take: a measurement waits."""

_AT_ONCE = 1000
"""Judged documents that are looked up at once."""

Columns: TypeAlias = Mapping[str, Column]
"""One query's rankings, by retriever name."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What every retriever found for every query of a data set. window: documents asked of each.

    asked: by query, the retrievers that a search asks, which leaves out one that cannot read the query.
    by_fields: by query, what words in chosen fields find, for each choice that was asked.
    """

    dataset: Dataset
    window: int
    columns: Mapping[str, Columns]
    asked: Mapping[str, tuple[str, ...]]
    by_fields: Mapping[Boosts, Mapping[str, Column]] = field(default_factory=dict)

    def alone(self, retriever: str) -> Rankings:
        """One retriever's ranking of each query."""
        return {query: columns[retriever].ids for query, columns in self.columns.items()}

    def fused(self, fusion: Fusion) -> Rankings:
        """The rankings of all retrievers fused, query by query, cut at the window as those of one retriever are."""
        return {query: combine(columns, fusion).ids[: self.window] for query, columns in self.columns.items()}

    def searched(self, fusion: Fusion) -> Rankings:
        """The rankings that a search gives: fused of those retrievers that it asks, cut at the window."""
        return {
            query: combine({name: columns[name] for name in self.asked[query]}, fusion).ids[: self.window]
            for query, columns in self.columns.items()
        }

    def in_fields(self, fields: Boosts) -> Kept:
        """As it would be with words looked for in these fields, which were asked; () for all text."""
        if not fields:
            return self
        texts = self.by_fields[fields]
        return replace(self, columns={query: {**each, TEXT: texts[query]} for query, each in self.columns.items()})

    def within(self, window: int) -> Kept:
        """As it would be with a smaller window."""
        columns = {query: {name: _cut(of, window) for name, of in each.items()} for query, each in self.columns.items()}
        return replace(self, window=window, columns=columns)


def collection_of(dataset: Dataset, settings: Settings) -> Settings:
    """The settings of the collection that a data set's documents lie in, one for each content and model.

    A data set without documents of its own is asked of the collection that is set.
    """
    if dataset.corpus is None:
        return settings
    name = re.sub(r"[^a-z0-9]+", "-", dataset.name.lower()).strip("-")[:40]
    digest = datasets.fingerprint(dataset.corpus, settings.model)
    return settings.model_copy(update={"collection": f"eval-{name}-{digest}"})


def indexed(engine: Engine, dataset: Dataset, told: Callable[[int], None]) -> Dataset:
    """The data set, its documents in the engine's collection; those that are there already are not embedded again.

    told: called with the number of documents done, now and then. Judgements of documents that do not exist are
    left out and noted. Raises InputError where a document of the corpus is rejected.
    """
    if dataset.corpus is None:
        return present(engine, dataset)
    seen: set[str] = set()

    def done(outcome: DocumentOutcome) -> None:
        seen.add(outcome.id)
        told(1)

    written = engine.put(documents(dataset.corpus), on_outcome=done)
    if not written.ok:
        first = written.problems[0]
        raise InputError(f"{dataset.corpus}: {first.reason or first.outcome}. Correct the corpus, then measure it")
    return datasets.known(dataset, seen.intersection)


def present(engine: Engine, dataset: Dataset) -> Dataset:
    """The data set without judgements of documents that the engine does not have, which its notes count."""
    return datasets.known(dataset, lambda judged: _existing(engine, judged))


def kept(
    engine: Engine, dataset: Dataset, window: int, told: Callable[[int], None], fields: Sequence[Boosts] = ()
) -> Kept:
    """What every retriever finds for each query. fields: choices of fields that words are looked for in, too.

    Raises InputError for a query that cannot be asked.
    """
    columns, asked = {}, {}
    by_fields: dict[Boosts, dict[str, Column]] = {one: {} for one in fields}
    for query, text in dataset.queries.items():
        try:
            asked[query] = engine.plan(text, fusion=DEFAULT_METHOD).retrievers
            columns[query] = {name: _column(engine, text, window, name) for name in RETRIEVERS}
            for one, found in by_fields.items():
                found[query] = _column(engine, text, window, TEXT, match={"fields": dict(one)})
        except QueryError as error:
            raise InputError(f"query {query!r} cannot be asked: {error}") from error
        told(1)
    return Kept(dataset, window, columns, asked, by_fields)


def documents(corpus: Path) -> Iterator[sources.Row]:
    """The documents of a corpus; in a file of BEIR's name they are written as BEIR does."""
    return sources.read(corpus.parent if corpus.name.partition(".")[0] == "corpus" else corpus)


def _existing(engine: Engine, ids: Iterable[str]) -> set[str]:
    """Those of the ids that are documents."""
    possible = filter(_is_id, ids)
    found: set[str] = set()
    while part := list(islice(possible, _AT_ONCE)):
        found |= engine.get_many(part).keys()
    return found


def _is_id(one: str) -> bool:
    """Whether a document could have this id."""
    try:
        check_id(one)
    except DocumentError:
        return False
    return True


def _column(engine: Engine, text: str, window: int, retriever: str, **options: Any) -> Column:
    asked = {"retrievers": [retriever], "window": window, "limit": 0, "deadline_s": PATIENCE_S, **options}
    asked["fusion"] = DEFAULT_METHOD  # named, so that nothing of a preset counts
    return column(engine.rankings(text, **asked)[retriever], window)


def _cut(of: Column, window: int) -> Column:
    rows = len(of.ids)
    return replace(
        of, ids=of.ids[:window], scores=of.scores[:window], full=of.full if rows < window else rows >= window
    )
