"""Where does a collection lie now? The place that its name stands for, found at first use, and moved by a reindex."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from hybrid.embedding.base import Embedder
from hybrid.errors import EngineClosed, StoreError
from hybrid.indexing.indexer import Indexer
from hybrid.model import Document
from hybrid.place import Place
from hybrid.plan import TEXT
from hybrid.reindex import copy, grown, next_name
from hybrid.schema import Collection
from hybrid.settings import Settings
from hybrid.stores.base import Store

_log = logging.getLogger(__name__)

FEW = 1000
"""Documents written during a pass of copying that the last pass may have left."""


class Location:
    """The place of a collection's name. Thread-safe.

    A place that was left is closed when the last write to it has ended.
    """

    def __init__(self, settings: Settings, embedder: Embedder | None) -> None:
        self._settings = settings
        self._embedder = embedder
        self._base = Place(settings, embedder)  # it has the collection's own name, and notes where it was moved to
        self._place: Place | None = None
        self._left: list[Place] = []
        self._writes: dict[Place, int] = {}
        self._closed = False
        self._changed = threading.Condition(threading.RLock())

    def __str__(self) -> str:
        stores = " + ".join(store.name for store in self._base.stores.values())
        return f"{stores}, model {(self._place or self._base).model.name}"

    @property
    def place(self) -> Place:
        """Where the collection lies now. Raises EngineClosed after `close`."""
        if self._closed:
            raise EngineClosed("this engine is closed. Open another one with hybrid.open(…)")
        found = self._place
        if found is None:
            with self._changed:
                if self._place is None:
                    self._place = self._at(self._moved_to())
                found = self._place
        return found

    def moved(self, left: Place) -> bool:
        """Whether the collection does not lie in this place any more, having been moved by another process."""
        name = self._moved_to() or self._settings.collection
        if name == left.settings.collection:
            return False
        with self._changed:
            if self._place is left:
                _log.warning("the collection was moved to %s; following", name)
                self._left.append(left)
                self._place = self._at(name)
        return True

    @contextmanager
    def writing(self, documents: Iterable[Document] = ()) -> Iterator[tuple[Place, Indexer]]:
        """The place and its indexer for the length of a write; the collection is made by the documents if need be."""
        with self._changed:
            place = self.place
            self._writes[place] = self._writes.get(place, 0) + 1
        try:
            known = list(documents)
            catalog = place.catalog
            if catalog.find() is None:
                place.check_journal()  # before a store is touched
            collection = catalog.make(known, place.dimension()) if known else catalog.collection
            yield place, place.writing(collection)
        finally:
            with self._changed:
                self._writes[place] -= 1
                self._changed.notify_all()

    def reindex(self, model: str | None, embedder: Embedder | None, told: Callable[[int], None]) -> int:
        """The number of documents copied to a new place, made with this model, where the collection then lies."""
        old = self.place
        old.writing(old.catalog.reopen()).repair()  # so that one store has all there is
        name = next_name(old.settings.collection)
        changes = {"collection": name, "model": model or old.model.name}
        new = Place(self._settings.model_copy(update=changes), embedder or (None if model else self._embedder))
        try:
            new.drop()
            count, since = self._filled(old, new, told)
        except BaseException:
            new.drop()
            new.close()
            raise
        self._switch(old, new)  # from here on the new place is the collection, and is never dropped
        count += copy(old, new, since, told)  # what was written to the old place until the last write there ended
        new.refresh()
        old.drop()
        return count

    def _filled(self, old: Place, new: Place, told: Callable[[int], None]) -> tuple[int, int]:
        """The number of documents copied to the new place, and the version up to which all of them were."""
        collection, dim = old.catalog.collection, new.model.get()
        size = dim.dim if dim is not None else collection.vector.dim
        wanted = grown(
            collection,
            old.catalog.store(TEXT),
            new.settings.collection,
            new.model.name,
            size,
            self._settings.schema_given,
        )
        new.catalog.create(wanted)
        indexer = old.writing(collection)
        count, since = 0, -1
        while True:
            until = indexer.now()
            more = copy(old, new, since, told)
            count, since = count + more, until
            if more <= FEW:
                return count, since

    def _switch(self, old: Place, new: Place) -> None:
        """Lets every new search and write go to the new place, and waits for the writes that go to the old one."""
        for store in self._base.stores.values():
            store.redirect(new.settings.collection)
        with self._changed:
            self._place = new
            self._left.append(old)
            self._changed.wait_for(lambda: not self._writes.get(old))
        old.stop_writing()

    def drop(self) -> None:
        """Deletes the collection, wherever it lies."""
        place = self.place
        place.drop()
        if place is not self._base:
            for store in self._base.stores.values():
                store.redirect(None)
            with self._changed:
                self._left.append(place)
                self._place = self._base

    def close(self) -> None:
        """Closes every place."""
        self._closed = True
        for place in {id(one): one for one in (self._base, *self._left, self._place) if one is not None}.values():
            place.close()

    def _moved_to(self) -> str | None:
        """The name that a store has noted; the vector store is asked first, the other where it does not answer."""
        for store in (self._base.vector, self._base.text):
            try:
                return store.redirected()
            except StoreError as error:
                _log.warning("where the collection lies cannot be asked: %s", error)
        return None

    def _at(self, name: str | None) -> Place:
        if name in (None, self._settings.collection):
            return self._base
        there = self._settings.model_copy(update={"collection": name})
        if self._place is not None and self._embedder is None:  # moved while this process runs: follow its maker
            there = there.model_copy(update={"model": _model_in(there) or there.model})
        return Place(there, self._embedder)


def present_model(settings: Settings) -> str | None:
    """The model that the collection's vectors were made with, wherever it lies; None where there is no collection."""
    location = Location(settings, None)
    try:
        name = location._moved_to() or settings.collection
    finally:
        location.close()
    return _model_in(settings.model_copy(update={"collection": name}))


def _model_in(settings: Settings) -> str | None:
    place = Place(settings)
    try:
        loaded = (_loaded(store) for store in place.stores.values())
        return next((one.model for one in loaded if one is not None), None)
    finally:
        place.close()


def _loaded(store: Store) -> Collection | None:
    try:
        return store.load()
    except StoreError as error:
        _log.warning("what it holds is not known: %s", error)
        return None
