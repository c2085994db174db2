"""Where are the documents of a page? Fetched from the first store that has them, the other filling in."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hybrid.errors import CollectionNotFound, HybridError, SearchUnavailable, StoreError
from hybrid.model import Stored

_log = logging.getLogger(__name__)


class Shelf(Protocol):
    """Where documents lie: a store, or what stands before it."""

    @property
    def name(self) -> str: ...

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]: ...


@dataclass(frozen=True, slots=True)
class Hydrated:
    """The documents of a page by id, deleted ones left out. lacking: ids that a store which answered does not have."""

    documents: dict[str, Stored] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)


def hydrated(ids: Sequence[str], stores: Iterable[Shelf]) -> Hydrated:
    """The documents of these ids from the first store that has them.

    Raises SearchUnavailable where documents are missing and a store did not answer.
    """
    page = Hydrated()
    failures: dict[str, HybridError] = {}
    for store in stores:
        missing = [one for one in ids if one not in page.documents]
        if not missing:
            break
        try:
            found = store.fetch(missing)
        except (StoreError, CollectionNotFound) as error:  # the latter where one store lost its collection
            _log.warning("documents could not be fetched: %s", error)
            failures[store.name] = error
            continue
        page.documents.update(found)
        page.lacking.update(one for one in missing if one not in found)
    if failures and len(page.documents) < len(ids):
        codes = {name: error.code for name, error in failures.items()}
        raise SearchUnavailable(codes, {name: str(error) for name, error in failures.items()})
    return page
