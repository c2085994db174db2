"""Where does a collection lie now? The place that its name stands for, found at first use, and moved by a reindex."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from hybrid.bounded import at_once
from hybrid.embedding.base import Embedder
from hybrid.errors import EngineClosed, StoreError
from hybrid.forks import forgets
from hybrid.indexing.indexer import Indexer
from hybrid.model import Document
from hybrid.place import Place
from hybrid.plan import TEXT
from hybrid.reindex import carry, copy, grown, next_name, place_number
from hybrid.schema import Collection
from hybrid.search import Pools
from hybrid.settings import Settings
from hybrid.stores.base import Store

_log = logging.getLogger(__name__)

FEW = 200
"""Documents written during a pass of copying that the last pass, for which writes wait, may have left."""

MOVING_SHARE, OPENING_SHARE = 0.25, 0.5
"""Of the deadline, what finding out where a collection lies, and what it is, may take before the first search."""

PASSES = 5
"""Passes of copying while writes go on; what comes after them is copied while they wait."""


class Location:
    """The place of a collection's name. Thread-safe.

    A place that was left is closed when the last write to it has ended.
    """

    def __init__(self, settings: Settings, embedder: Embedder | None, pools: Pools | None = None) -> None:
        self._settings = settings
        self.pools = pools or Pools()
        self._embedder = embedder
        self._base = Place(settings, embedder)  # it has the collection's own name, and notes where it was moved to
        self._place: Place | None = None
        self._left: list[Place] = []
        self._closed = False
        self._changed = threading.RLock()
        forgets(self)

    def forget(self) -> None:
        """In a child of the process: nobody there is finding out where the collection lies."""
        self._changed = threading.RLock()

    def __str__(self) -> str:
        stores = " + ".join(store.name for store in self._base.stores.values())
        return f"{stores}, model {(self._place or self._base).model.name}"

    def opened(self) -> Place:
        """Where the collection lies now, open where a store answered: for reads, in a share of the deadline.

        Raises as `Catalog.collection` does.
        """
        place = self.place
        within_s = self._settings.deadline_s * OPENING_SHARE
        ask = partial(at_once, pools=self.pools, within_s=within_s, inline=place.here)
        if place.catalog.find(ask) is None:
            raise place.catalog.missing()
        return place

    @property
    def place(self) -> Place:
        """Where the collection lies now. Raises EngineClosed after `close`."""
        if self._closed:
            raise EngineClosed("this engine is closed. Open another one with hybrid.open(…)")
        found = self._place
        if found is None:
            with self._changed:
                if self._place is None:
                    self._place = self._first()
                found = self._place
        return found

    def moved(self, left: Place, *, patient: bool = False) -> bool:
        """Whether the collection does not lie in this place any more, having been moved, by another process maybe.

        patient: for writes, which rather wait for a slow store than go to where the collection was.
        """
        try:
            name = self._noted(left) if patient else self._moved_to()
        except StoreError:  # no store says that it was
            return False
        if name == left.settings.collection:
            return False
        with self._changed:
            if self._place is left:
                _log.warning("the collection was moved to %s; following", name)
                self._left.append(left)
                self._place = self._at(name)
        return True

    @contextmanager
    def writing(self, documents: Iterable[Document] = (), *, anew: bool = False) -> Iterator[tuple[Place, Indexer]]:
        """The place and its indexer for the length of a write; the collection is made by the documents if need be.

        anew: it is looked for in every store again, and made again in one that lost it.
        """
        known = list(documents)
        while True:
            place = self.place
            with place.turnstile.passing():
                if self.moved(place, patient=True):
                    continue
                if place.catalog.find() is None:
                    place.check_journal()  # before a store is touched
                if anew:
                    self._note(place)
                    place.catalog.reopen()
                collection = place.catalog.make(known, place.dimension()) if known else place.catalog.collection
                yield place, place.writing(collection)
                return

    def _note(self, place: Place) -> None:
        """Has each store that lost its note of where the collection lies note it again."""
        name = None if place is self._base else place.settings.collection
        for store in self._base.stores.values():
            if store.redirected() != name:
                store.redirect(name)

    def reindex(self, model: str | None, embedder: Embedder | None, told: Callable[[int], None]) -> int:
        """The number of documents copied to a new place, made with this model, where the collection then lies.

        The old place is the collection until the new one has all of it: who dies on the way has changed nothing.
        """
        old = self.place
        old.writing(old.catalog.reopen()).repair()  # so that one store has all there is
        name = next_name(old.settings.collection)
        changes = {"collection": name, "model": model or old.model.name}
        new = Place(self._settings.model_copy(update=changes), embedder or (None if model else self._embedder))
        try:
            new.drop()
            count = self._filled(old, new, told)
            last = self._finished(old, new)
        except BaseException:
            self._given_up(new)
            raise
        old.stop_writing()
        if last:
            told(last)
        count += last + self._rest(old, new)  # of writers on other machines, who had not seen it yet
        new.refresh()
        old.drop()
        return count

    def _filled(self, old: Place, new: Place, told: Callable[[int], None]) -> int:
        """The number of documents copied to the new place, all but a few of those that are written meanwhile."""
        collection, dim = old.catalog.collection, new.model.get()
        size = dim.dim if dim is not None else collection.vector.dim
        wanted = grown(
            collection,
            old.catalog.store(TEXT),
            new.settings.collection,
            new.model.name,
            size,
            self._settings,
        )
        new.catalog.create(wanted)
        count = 0
        for _ in range(PASSES):
            more = copy(old, new, told)
            count += more
            if more <= FEW:
                break
        return count

    def _finished(self, old: Place, new: Place) -> int:
        """The number of documents that the new place still lacked. Every search and write goes there from now on.

        Writes wait meanwhile, those of other processes too; whoever passes after this finds the collection moved.
        """
        with old.turnstile.alone():
            count = self._rest(old, new)
            new.refresh()
            self._switch(old, new)
        return count

    @staticmethod
    def _rest(old: Place, new: Place) -> int:
        left = old.left()  # first: what leaves the journal later is in the stores by then
        return copy(old, new, lambda _: None) + carry(left, new)

    def _switch(self, old: Place, new: Place) -> None:
        """Has both stores note where the collection lies now, or none of them."""
        stores = self._base.stores.values()
        with self._changed:
            try:
                for store in stores:
                    store.redirect(new.settings.collection)
            except BaseException:
                for store in stores:
                    with suppress(StoreError):  # `_given_up` looks whether it did
                        store.redirect(None if old is self._base else old.settings.collection)
                raise
            self._place = new
            self._left.append(old)

    def _given_up(self, new: Place) -> None:
        """Deletes the place of a reindex that failed; one that a store may have noted stays, in case it counts."""
        if self._place is new:
            return
        try:
            if all(store.redirected() != new.settings.collection for store in self._base.stores.values()):
                new.drop()
        except StoreError as error:  # the next reindex begins with it
            _log.warning("%s was not deleted: %s", new.settings.collection, error)
        new.close()

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

    def _moved_to(self) -> str:
        """The name that a store has noted; of two names the further one, as a store that was emptied has lost its note.

        Raises StoreError where neither answers in a while.
        """
        stores = self._base.stores
        within_s = self._settings.deadline_s * MOVING_SHARE
        said, errors = at_once(stores, lambda store: store.redirected(), self.pools, within_s, self._base.here)
        for error in errors.values():
            if not said:
                raise error
            _log.warning("where the collection lies is said by the other store: %s", error)
        return self._furthest(said.values())

    def _noted(self, here: Place) -> str:
        """As `_moved_to`, and each store for as long as it takes; the text store only where the other does not answer,
        or knows less than this process, or there is no collection here."""
        try:
            name = self._furthest([self._base.vector.redirected()])
        except StoreError as error:
            _log.warning("where the collection lies is asked of the other store: %s", error)
            return self._furthest([self._base.text.redirected()])
        if place_number(name) >= place_number(here.settings.collection) and here.catalog.find() is not None:
            return name
        return self._furthest([name, self._base.text.redirected()])

    def _furthest(self, names: Iterable[str | None]) -> str:
        """The place that was moved to last. Where a store has no note, that is the one of the collection's own name."""
        return max((name or self._settings.collection for name in names), key=place_number)

    def _first(self) -> Place:
        try:
            return self._at(self._moved_to())
        except StoreError:  # a later search finds out
            return self._base

    def _at(self, name: str) -> Place:
        if name == self._settings.collection:
            return self._base
        there = self._settings.model_copy(update={"collection": name})
        if self._place is not None and self._embedder is None:  # moved while this process runs: follow its maker
            there = there.model_copy(update={"model": _model_in(there) or there.model})
        return Place(there, self._embedder)


def present_model(settings: Settings) -> str | None:
    """The model that the collection's vectors were made with, wherever it lies; None where there is no collection."""
    location = Location(settings, None)
    try:
        name = location.place.settings.collection
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
