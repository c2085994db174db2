"""What lies in the stores? The collection as each store keeps it, and whether they agree."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from hybrid.bounded import Said
from hybrid.errors import (
    CollectionMismatch,
    CollectionNotFound,
    HybridError,
    SchemaError,
    StoreError,
    StoreReplyError,
)
from hybrid.forks import forgets
from hybrid.inferring import infer
from hybrid.model import Document
from hybrid.schema import ANALYSIS, Collection, Schema
from hybrid.settings import Settings
from hybrid.stores.base import Store

_log = logging.getLogger(__name__)


Asking = Callable[[Mapping[str, Store], Callable[[Store], Collection | None]], Said[Collection | None]]
"""How the stores are asked what they hold."""


def in_turn(stores: Mapping[str, Store], question: Callable[[Store], Collection | None]) -> Said[Collection | None]:
    """What each store says, one after the other, each for as long as it takes."""
    said: dict[str, Collection | None] = {}
    errors: dict[str, HybridError] = {}
    for name, store in stores.items():
        try:
            said[name] = question(store)
        except StoreError as error:
            errors[name] = error
    return said, errors


class _Writable(Mapping[str, Store]):
    """Stores by name, each passed through `ready` when it is looked up."""

    def __init__(self, stores: Mapping[str, Store], ready: Callable[[str], Store]) -> None:
        self._stores = stores
        self._ready = ready

    def __getitem__(self, name: str) -> Store:
        return self._ready(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stores)

    def __len__(self) -> int:
        return len(self._stores)


class Catalog:
    """The one collection of an engine, and which of its stores are open on it. Thread-safe.

    A store that cannot be reached does not keep the other from being used: it is opened when it answers.
    """

    def __init__(self, settings: Settings, model: str, stores: Mapping[str, Store]) -> None:
        self._settings = settings
        self._model = model
        self._stores = stores
        self._open: dict[str, Collection] = {}
        self._lock = threading.Lock()  # of making and dropping; never waited for by who only reads
        self._entering = threading.Lock()
        forgets(self)

    def forget(self) -> None:
        """In a child of the process: nobody there is making, dropping or opening anything."""
        self._lock, self._entering = threading.Lock(), threading.Lock()

    @property
    def collection(self) -> Collection:
        """The collection. Raises CollectionNotFound where nothing was indexed yet, StoreError where no store answers,
        and CollectionMismatch where the stores, or a store and the settings, do not agree."""
        found = self.find()
        if found is None:
            raise self.missing()
        return found

    def missing(self) -> CollectionNotFound:
        """The error that says that nothing was indexed yet."""
        where = " and ".join(sorted({store.name for store in self._stores.values()}))
        error = CollectionNotFound(
            f"there is no collection {self._settings.collection!r} yet (looked in {where}). "
            "Index something first: hybrid index FILE, or try: hybrid demo"
        )
        if not self._settings.in_memory:  # a note, as the message is also told to clients of a server
            folder = Path(self._settings.data_dir).absolute()
            names = {path.parent.name.partition("~")[0] for path in folder.glob("*/journal.sqlite")}
            listed = ", ".join(sorted(names - {self._settings.collection})) or "none"
            error.add_note(f"The data folder is {folder}; other collections written from there: {listed}")
        return error

    def find(self, ask: Asking = in_turn) -> Collection | None:
        """The collection, None where there is none yet. Raises as `collection` does. ask: how the stores are asked."""
        known = next(iter(self._open.values()), None)
        if known is not None:
            return known
        errors = self._load(ask)
        found = next(iter(self._open.values()), None)
        if found is None and errors:
            raise errors[0]
        for error in errors:
            _log.warning("%s", error)
        return found

    def store(self, name: str) -> Store:
        """The store, open on the collection. Raises StoreError where it does not answer or lacks the collection."""
        if self.find() is None:
            raise self.missing()
        if name not in self._open:
            self._open_one(name)
            if name not in self._open:
                raise self.lost(name)
        return self._stores[name]

    def lost(self, name: str) -> StoreReplyError:
        """The error that says that a store lacks what another has."""
        return StoreReplyError(
            self._stores[name].name,
            f"the collection {self._settings.collection!r} is not there, though another store has it. "
            "Bring it back from the other one with: hybrid repair",
        )

    def make(self, documents: Iterable[Document], dim: int | None) -> Collection:
        """The collection: the one that is there, else one made in every store by the settings and `documents`.

        dim: components of the model's vectors; None where documents bring their own.
        """
        found = self.find()
        if found is not None:
            return found
        wanted = self._described(list(documents), dim)
        with self._lock:
            for name in self._stores:
                self._make_one(name, wanted)
            return next(iter(self._open.values()))

    def create(self, collection: Collection) -> None:
        """Makes this collection in every store. Raises StoreError."""
        with self._lock:
            for name in self._stores:
                self._make_one(name, collection)

    def writable(self) -> Mapping[str, Store]:
        """The stores by name, each opened, or made where it lost the collection, when it is taken from the mapping."""
        return _Writable(self._stores, self._writable)

    def reopen(self) -> Collection:
        """The collection, looked up anew in every store and made again in those that lost it. Raises StoreError."""
        with self._lock:
            self._open.clear()
        collection = self.collection
        with self._lock:
            for name in self._stores:
                self._make_one(name, collection)
        return collection

    def _writable(self, name: str) -> Store:
        if name not in self._open:
            collection = self.collection
            with self._lock:
                self._make_one(name, collection)
        return self._stores[name]

    def _make_one(self, name: str, wanted: Collection) -> None:
        self._open_one(name)
        if name not in self._open:
            # Someone else may be making it too: what is in the store counts, not what was wanted.
            self._stores[name].create(next(iter(self._open.values()), wanted))
            self._open_one(name)

    def drop(self) -> None:
        """Deletes the collection in every store."""
        with self._lock:
            self._open.clear()
            for store in self._stores.values():
                store.drop()

    def _load(self, ask: Asking) -> list[StoreError]:
        """Opens what can be opened; the errors of the stores that do not answer."""
        loaded, errors = ask(self._stores, lambda store: store.load())
        for name in self._stores:  # in one order, so that disagreement reads the same whoever answered first
            self._enter(name, loaded.get(name))
        others = [error for error in errors.values() if not isinstance(error, StoreError)]
        if others:
            raise others[0]
        return [error for error in errors.values() if isinstance(error, StoreError)]

    def _open_one(self, name: str) -> None:
        if name not in self._open:
            self._enter(name, self._stores[name].load())

    def _enter(self, name: str, loaded: Collection | None) -> None:
        if loaded is None:
            return
        self._check_settings(loaded)
        with self._entering:
            for other, known in self._open.items():
                _check_equal(self._stores[other].name, known, self._stores[name].name, loaded)
            self._open[name] = loaded

    def _check_settings(self, loaded: Collection) -> None:
        where = f"collection {loaded.name!r}"
        if loaded.model != self._model:
            raise CollectionMismatch(
                f"{where} was made with model {loaded.model!r}, and now {self._model!r} is set. Vectors of two models "
                f"cannot be compared: set model = {loaded.model!r}, or make the vectors anew with: hybrid reindex"
            )
        if loaded.analysis != ANALYSIS:
            raise CollectionMismatch(
                f"{where} was made with text analysis {loaded.analysis!r}, this version has {ANALYSIS!r}. "
                "Delete the collection and index it again, or use the version that made it"
            )
        spec = self._settings.vector
        wanted = {name: getattr(spec, name) for name in sorted(spec.model_fields_set)}
        other = [name for name, value in wanted.items() if value not in (None, getattr(loaded.vector, name))]
        if other:
            raise CollectionMismatch(
                f"{where} has other vector settings than are set now: "
                + ", ".join(f"{name} is {getattr(loaded.vector, name)}, not {wanted[name]}" for name in other)
                + ". Set them as they were, or delete the collection and index it again"
            )
        given = self._settings.schema_given
        # Whether fields lie by themselves is what the collection says: `reindex` lays them as they are set.
        if given is not None and given.by_itself() != loaded.schema.by_itself():
            raise CollectionMismatch(
                f"{where} has other fields than hybrid.toml: {_difference(given, loaded)}. "
                "Set them as they were, or delete the collection and index it again"
            )

    def _described(self, documents: list[Document], dim: int | None) -> Collection:
        given = self._settings.schema_given
        supplied = next((one.vectors.shape[1] for one in documents if one.vectors is not None), None)
        size = dim or self._settings.vector.dim or supplied
        if size is None:
            raise SchemaError(
                "the model is 'none' and no document brings a vector, so there is nothing to search by. "
                "Give each document a 'vector', or set a model"
            )
        schema = given or self._settings.laid(infer(documents))
        if not schema.searched and supplied is None:
            raise SchemaError(
                "no field of the documents is text, so there is nothing to search by. "
                "Give each document a field of words, such as 'text', or name one in hybrid.toml, [fields]"
            )
        return Collection(self._settings.collection, schema, self._settings.vector.spec(size), self._model)


def _check_equal(one_name: str, one: Collection, other_name: str, other: Collection) -> None:
    if one != other:
        raise CollectionMismatch(
            f"{one_name} and {other_name} hold two different collections named {one.name!r}: {one} and {other}. "
            "Open each with its own collection name, or delete one of them"
        )


def _difference(given: Schema, loaded: Collection) -> str:
    wanted = {one.name: one for one in given.fields}
    present = {one.name: one for one in loaded.schema.fields}
    named = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    return ", ".join(named) or "their order"
