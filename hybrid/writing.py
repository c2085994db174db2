"""What surrounds a write? The documents that a schema is inferred from, whoever watches, and what is left to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from hybrid.errors import DocumentError
from hybrid.indexing.documents import normalise
from hybrid.indexing.indexer import Indexer
from hybrid.model import Document, DocumentOutcome, WriteReport
from hybrid.place import Place

SAMPLE = 1000
"""Documents that a schema is inferred from."""


def sampled(source: Iterator[Any]) -> tuple[list[Any], list[Document]]:
    """The first items of the source, until 1,000 of them are valid, and the valid ones as Documents."""
    items: list[Any] = []
    valid: list[Document] = []
    while len(valid) < SAMPLE and (more := list(islice(source, SAMPLE - len(valid)))):
        items += more
        valid += _valid(more)
    return items, valid


def _valid(items: Iterable[Any]) -> Iterator[Document]:
    for item in items:
        try:
            yield normalise(item)
        except DocumentError:
            continue  # the writer rejects it with its reason


def watched(
    outcomes: Iterable[DocumentOutcome], watch: Callable[[DocumentOutcome], None] | None
) -> Iterator[DocumentOutcome]:
    for outcome in outcomes:
        if watch is not None:
            watch(outcome)
        yield outcome


def finished(place: Place, indexer: Indexer, report: WriteReport, wait: bool, working: bool) -> None:
    """Lets searches see what was written, where wanted, and has debts paid in the background, where there are any or
    this process is `working` anyway."""
    if working or not report.ok:
        indexer.work()
    if wait:
        place.refresh()


@contextmanager
def followed_up(indexer: Indexer) -> Iterator[None]:
    """Has debts paid in the background where a write is broken off: what it has done may be owed, or to be put back."""
    try:
        yield
    except KeyboardInterrupt:  # the process is to end; the next one pays
        raise
    except BaseException:
        indexer.work()
        raise
