"""Where does text lie without a server? In a tantivy index in a folder."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np
import orjson
import tantivy

from hybrid.analysis import query_terms, tokens, weighted
from hybrid.errors import (
    CollectionNotFound,
    HybridError,
    StoreDenied,
    StoreError,
    StoreFull,
    StoreReplyError,
    StoreTimeout,
)
from hybrid.model import Json, Ranking, Record, State, Stored, WriteOutcome, Wrote
from hybrid.schema import Collection
from hybrid.stores.base import TextQuery

_NAME = "tantivy"
_WAIT_S = 30.0
"""Seconds a write waits for another process's write."""

_PAUSE_S = 0.005
_HEAP = 50_000_000
"""Bytes a writer may gather before it writes a segment."""

_LITTLE_ENDIAN = np.dtype("<f4")

_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """An open index. collected, committed: stamps of the files that say what it is and what is in it."""

    collection: Collection
    incarnation: str
    index: tantivy.Index
    collected: _Stamp
    committed: _Stamp


class TantivyText:
    """A `TextStore` in a folder of its own, shared with other processes.

    All searched text of a document is one indexed field (see `hybrid.analysis.weighted`). A writer is opened for
    each call of `write`, under a lock on a file, as tantivy allows one at a time; a search first looks, in
    microseconds, whether there is a newer commit. A replaced or deleted document is gone from the results at
    once, but counts in BM25's statistics until its segment is merged, as in Elasticsearch. Time-outs are not
    looked at: a search takes less than a millisecond for 20,000 documents.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._index_folder = folder / "index"
        self._description = folder / "collection.json"
        self._collection_name = name
        self._lock = threading.Lock()
        self._open: _Opened | None = None

    @property
    def name(self) -> str:
        """The store's name: "tantivy"."""
        return _NAME

    def load(self) -> Collection | None:
        """The collection in the folder, now open; None if there is none."""
        with _translated(self._folder):
            try:
                return self._newest().collection
            except FileNotFoundError:
                return None

    def create(self, collection: Collection) -> None:
        """Makes the collection, empty, and opens it. One that is there already is left as it is."""
        with _translated(self._folder):
            self._index_folder.mkdir(parents=True, exist_ok=True)
            with self._writing():
                if not self._description.exists():
                    self._index_folder.mkdir(exist_ok=True)
                    tantivy.Index(_schema(), str(self._index_folder))
                    body = {"collection": collection.to_json(), "incarnation": token_hex(16)}
                    _replace(self._description, orjson.dumps(body))
            self._newest()

    def drop(self) -> None:
        """Deletes the index. The folder and its lock stay, as other processes may wait for it."""
        with _translated(self._folder):
            if self._folder.exists():
                with self._writing():
                    self._description.unlink(missing_ok=True)
                    shutil.rmtree(self._index_folder, ignore_errors=True)
            self._open = None

    def redirect(self, name: str | None) -> None:
        """Notes where the collection lies from now on; the note survives `drop`."""
        with _translated(self._folder):
            if name is None:
                (self._folder / "moved").unlink(missing_ok=True)
            else:
                self._folder.mkdir(parents=True, exist_ok=True)
                _replace(self._folder / "moved", name.encode())

    def redirected(self) -> str | None:
        """The name that the collection lies under now; None where it was never moved."""
        with _translated(self._folder):
            try:
                return (self._folder / "moved").read_text()
            except FileNotFoundError:
                return None

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        """The outcome of each record, in order, once it is on the disk; searches see it from now on."""
        with _translated(self._folder), self._writing():
            opened = self._opened()
            states = _states(opened.index, [record.id for record in records])
            judged = [_judged(record, opened.collection, states) for record in records]
            rows = {record.id: row for record, (_, row) in zip(records, judged, strict=True) if row is not None}
            if rows:
                _commit(opened.index, rows)
            return [outcome for outcome, _ in judged]

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        """What is known of each id, tombstones included; ids never seen are left out."""
        with _translated(self._folder):
            return _states(self._opened().index, ids)

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        """The documents of these ids; missing and deleted ones are left out."""
        with _translated(self._folder):
            found = _documents(self._opened().index, ids)
            return {name: _stored(**document) for name, document in found.items() if not document["deleted"][0]}

    def refresh(self) -> None:
        """Returns at once: a search sees all that was written before, by other processes too."""

    def sync(self) -> bool:
        """True: a write is on the disk when it returns."""
        return True

    def incarnation(self) -> str:
        """What was drawn when the collection was made; on a disk nothing is lost by a restart."""
        with _translated(self._folder):
            return self._opened().incarnation

    def records(self, ids: Sequence[str]) -> dict[str, Record]:
        """All that is held of each id, vectors and tombstones included; ids never seen are left out."""
        with _translated(self._folder):
            opened = self._opened()
            dim = opened.collection.vector.dim
            return {name: _record(dim, **found) for name, found in _documents(opened.index, ids).items()}

    def scan(self) -> Iterator[tuple[str, State]]:
        """Every id with its state at the time of the call, tombstones included; some 100 bytes of memory for each."""
        with _translated(self._folder):
            searcher = self._opened().index.searcher()
            hits = searcher.search(tantivy.Query.all_query(), max(searcher.num_docs, 1), count=False).hits
            for _, address in hits:
                document = searcher.doc(address).to_dict()
                yield document["id"][0], _state(**document)

    def expunge(self, before: int) -> int:
        """The number of tombstones with a version below `before` that were removed for good."""
        with _translated(self._folder), self._writing():
            index = self._opened().index
            searcher = index.searcher()
            buried = tantivy.Query.term_query(index.schema, "deleted", 1)
            hits = searcher.search(buried, max(searcher.num_docs, 1), count=False).hits
            documents = [searcher.doc(address).to_dict() for _, address in hits]
            old = {document["id"][0]: None for document in documents if document["version"][0] < before}
            if old:
                _commit(index, old)
            return len(old)

    def count(self) -> int:
        """The number of documents, tombstones not counted."""
        with _translated(self._folder):
            return int(_sizes(self._opened().index)["documents"])

    def status(self) -> dict[str, Json]:
        """Documents, tombstones, segments of the index, and bytes on the disk."""
        with _translated(self._folder):
            sizes = _sizes(self._opened().index)
            return sizes | {"size": sum(path.stat().st_size for path in self._index_folder.iterdir())}

    def ping(self) -> None:
        """Returns when the folder can be read, or is still to be made. Raises StoreError."""
        with _translated(self._folder):
            if self._folder.exists():
                os.listdir(self._folder)

    def close(self) -> None:
        """Gives back the index's files. The store must not be used afterwards."""
        self._open = None

    def search(self, query: TextQuery) -> Ranking:
        """The best documents by BM25, best first; equal scores go by id. Scores are float32."""
        with _translated(self._folder):
            index = self._opened().index
            terms = query_terms(query.text)
            if not terms or query.limit <= 0:
                return Ranking()
            searcher = index.searcher()
            limit = min(query.limit, max(searcher.num_docs, 1))
            hits = searcher.search(_query(index.schema, terms), limit, count=False).hits
            found: Iterator[tuple[float, Any]] = ((score, searcher.doc(address)) for score, address in hits)
            rows = sorted((-score, one.get_first("id"), one.get_first("version")) for score, one in found)
        scores, ids, versions = zip(*rows, strict=True) if rows else ((), (), ())
        return Ranking(ids=ids, scores=tuple(-score for score in scores), versions=versions)

    def _opened(self) -> _Opened:
        try:
            return self._newest()
        except FileNotFoundError:
            raise CollectionNotFound(
                f"there is no open collection {self._collection_name!r} in {_NAME}. Create or load it first"
            ) from None

    def _newest(self) -> _Opened:
        """The index at its newest commit. Raises FileNotFoundError where there is none."""
        opened, collected, committed = self._open, _stamp(self._description), _stamp(self._index_folder / "meta.json")
        if opened is not None and (opened.collected, opened.committed) == (collected, committed):
            return opened
        with self._lock:
            if opened is None or opened.collected != collected:
                index = tantivy.Index.open(str(self._index_folder))
                index.config_reader("manual")
                body = orjson.loads(self._description.read_bytes())
                collection, incarnation = Collection.from_json(body["collection"]), body["incarnation"]
            else:
                index, collection, incarnation = opened.index, opened.collection, opened.incarnation
            index.reload()
            self._open = _Opened(collection, incarnation, index, collected, committed)
            return self._open

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Holds the folder's lock, against threads and processes alike. Raises StoreTimeout."""
        with open(self._folder / "lock", "ab") as file:
            deadline = time.monotonic() + _WAIT_S
            while not _locked(file.fileno()):
                if time.monotonic() > deadline:
                    raise StoreTimeout(_NAME, f"another process has been writing for {_WAIT_S:g} s. Try again")
                time.sleep(_PAUSE_S)
            yield


def _schema() -> tantivy.Schema:
    """The same fields for every collection: `text` holds the tokens of all searched fields."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="freq")
    builder.add_integer_field("version", stored=True)
    builder.add_unsigned_field("deleted", stored=True, indexed=True)
    for name in ("hash", "source", "passages", "vectors"):
        builder.add_bytes_field(name, stored=True)
    return builder.build()


def _query(schema: tantivy.Schema, terms: Mapping[str, int]) -> tantivy.Query:
    clauses = []
    for token, times in terms.items():
        clause = tantivy.Query.term_query(schema, "text", token, "freq")
        clauses.append((tantivy.Occur.Should, tantivy.Query.boost_query(clause, float(times)) if times > 1 else clause))
    return tantivy.Query.boolean_query(clauses)


def _judged(
    record: Record, collection: Collection, states: Mapping[str, State]
) -> tuple[WriteOutcome, tantivy.Document | None]:
    """What becomes of the record, and, if it is to be written, how the index holds it."""
    known = states.get(record.id)
    if known is not None and known.version >= record.version:
        return WriteOutcome(Wrote.SUPERSEDED), None
    try:
        source = orjson.dumps(dict(record.source))
    except orjson.JSONEncodeError as error:
        reason = f"document {record.id!r}: its fields cannot be written as JSON: {error}"
        return WriteOutcome(Wrote.REJECTED, reason), None
    row = tantivy.Document()
    row.add_text("id", record.id)
    row.add_integer("version", record.version)
    row.add_unsigned("deleted", int(record.deleted))
    row.add_bytes("hash", record.hash.encode())
    row.add_bytes("source", source)
    row.add_bytes("passages", orjson.dumps(record.passages))
    row.add_bytes("vectors", record.vectors.astype(_LITTLE_ENDIAN).tobytes())
    if not record.deleted:
        texts = weighted(record.source, collection.schema.searched)
        row.add_text("text", " ".join(token for text in texts for token in tokens(text)))
    return WriteOutcome(Wrote.WRITTEN), row


def _commit(index: tantivy.Index, rows: Mapping[str, tantivy.Document | None]) -> None:
    """Writes the rows, None removes one, and waits for merges: the writer is to be gone when the lock is."""
    writer = index.writer(_HEAP, 1)
    try:
        for name, row in rows.items():
            writer.delete_documents_by_term("id", name)
            if row is not None:
                writer.add_document(row)
        writer.commit()
    finally:
        writer.wait_merging_threads()
    index.reload()


def _documents(index: tantivy.Index, ids: Sequence[str]) -> dict[str, dict[str, list[Any]]]:
    """The stored fields by id, of tombstones too; each a list of one."""
    searcher, schema = index.searcher(), index.schema
    found: dict[str, dict[str, list[Any]]] = {}
    for name in ids:
        hits = searcher.search(tantivy.Query.term_query(schema, "id", name, "basic"), 1, count=False).hits
        for _, address in hits:
            found[name] = searcher.doc(address).to_dict()
    return found


def _states(index: tantivy.Index, ids: Sequence[str]) -> dict[str, State]:
    return {name: _state(**document) for name, document in _documents(index, ids).items()}


def _state(version: list[int], hash: list[bytes], deleted: list[int], **_: Any) -> State:
    return State(version[0], hash[0].decode(), bool(deleted[0]))


def _sizes(index: tantivy.Index) -> dict[str, Json]:
    """How many documents, tombstones and segments there are."""
    searcher = index.searcher()
    buried: Any = searcher.search(tantivy.Query.term_query(index.schema, "deleted", 1), 1)
    tombstones = buried.count  # an attribute that the type stubs do not know
    return {
        "documents": searcher.num_docs - tombstones,
        "tombstones": tombstones,
        "segments": searcher.num_segments,
    }


def _record(dim: int, id: list[str], vectors: list[bytes], deleted: list[int], **rest: Any) -> Record:
    stored, state = _stored(id, **rest), _state(deleted=deleted, **rest)
    rows = np.frombuffer(vectors[0], _LITTLE_ENDIAN).reshape(-1, dim)
    return Record(stored.id, state.version, state.hash, stored.source, rows, stored.passages, state.deleted)


def _stored(id: list[str], version: list[int], source: list[bytes], passages: list[bytes], **_: Any) -> Stored:
    spans = tuple((start, end) for start, end in orjson.loads(passages[0]))
    return Stored(id[0], version[0], orjson.loads(source[0]), spans)


def _stamp(path: Path) -> _Stamp:
    """What changes when a file is replaced."""
    found = os.stat(path)
    return found.st_ino, found.st_mtime_ns, found.st_size


def _replace(path: Path, content: bytes) -> None:
    """Writes the file whole and durably."""
    new = path.with_suffix(".new")
    with open(new, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Raises errors of files, and of tantivy, which are ValueErrors with a text, as errors of this package."""
    try:
        yield
    except HybridError:
        raise
    except (OSError, ValueError) as error:
        said = f"{folder}: {error}"
        kind, advice = next((row[1:] for row in _FAULTS if row[0] in said), _OTHER)
        raise kind(_NAME, f"{said}. {advice}") from error


_FAULTS: tuple[tuple[str, type[StoreError], str], ...] = (
    ("No space left", StoreFull, "Make room and try again"),
    ("Disk quota exceeded", StoreFull, "Make room and try again"),
    ("Permission denied", StoreDenied, "Check the owner and mode of the folder"),
    ("Read-only file system", StoreDenied, "Use a folder that can be written"),
    ("Not a directory", StoreReplyError, "Choose another data folder"),
    ("LockBusy", StoreTimeout, "Another program is writing to the index; try again"),
)
_OTHER: tuple[type[StoreError], str] = (StoreReplyError, "Delete the folder and index again if it stays so")
