"""Where does text lie when nothing shall stay? In a dict, searched by rank-bm25."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from secrets import token_hex

import numpy as np
import orjson
from numpy.typing import NDArray
from rank_bm25 import BM25Plus

from hybrid.analysis import in_places
from hybrid.errors import CollectionNotFound, StoreError
from hybrid.facets import Facet
from hybrid.filters import show
from hybrid.filters.meaning import Facts, facts
from hybrid.filters.meaning import matches as matches_filter
from hybrid.filters.tree import Filter
from hybrid.match import Boosts
from hybrid.model import Json, Ranking, Record, Span, State, Stored, Vector, WriteOutcome, Wrote
from hybrid.schema import Collection, FieldType
from hybrid.stores import counting
from hybrid.stores.base import BrowseQuery, TextQuery, WordQuery, one_by_one
from hybrid.surface import document_words
from hybrid.wording import Wanted, Word, loose, satisfied, stands, tokens_of, unit

_NAME = "rank-bm25"


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One version of one document: its source as JSON, the tokens of its texts in their places, boosted fields'
    repeated, those of each field that lies by itself, all of the former together, its words as written, and what
    filters see."""

    id: str
    state: State
    source: bytes
    passages: tuple[Span, ...]
    vectors: Vector
    texts: list[list[str]]
    alone: Mapping[str, list[list[str]]]
    words: list[str]
    shown: list[str]
    facts: Facts


@dataclass(frozen=True, slots=True, eq=False)
class _Scorer:
    """BM25Plus over the living documents, by id. owners: numbers of the documents that hold a token. alone: by field
    the same over what lies by itself, made when it is first asked."""

    rows: Sequence[_Row]
    bm25: BM25Plus
    owners: Mapping[str, NDArray[np.int64]]
    alone: dict[str, BM25Plus] = field(default_factory=dict)

    @property
    def factor(self) -> float:
        """What a word of rarity 1 scores at most: BM25Plus adds delta to each word that is there."""
        return float(self.bm25.k1 + 1 + self.bm25.delta)

    def matching(self, of: Wanted | None, fields: Boosts) -> list[int]:
        """The numbers of the documents that have what is wanted, in some of the fields where any are named,
        ascending."""
        if of is None:
            return []
        if fields:
            names = [name for name, _ in fields]
            return [at for at, row in enumerate(self.rows) if satisfied(of, _texts(row, names))]
        if not of.plain:
            return [at for at, row in enumerate(self.rows) if satisfied(of, row.texts, row.shown)]
        has = np.zeros(len(self.rows), bool)
        for token in tokens_of(of):
            has[self.owners.get(token, [])] = True
        return np.flatnonzero(has).tolist()

    def scores(self, of: Wanted | None, matches: Sequence[int], fields: Boosts) -> NDArray[np.float64]:
        """(matches,): the score of each of these documents; of fields the sum of each one's, times its boost."""
        scores = np.zeros(len(matches))
        if of is None or not matches:
            return scores
        for name, boost in fields or ((None, 1.0),):
            bm25 = self.bm25 if name is None else self._alone(name)
            asked = tokens_of(of) if bm25.avgdl else []  # it divides by the length of texts
            by_words = np.asarray(bm25.get_batch_scores(asked, list(matches)), np.float64)
            scores += boost * (by_words + self.factor * self._loose(of, matches, name))
        return scores

    def _loose(self, of: Wanted, matches: Sequence[int], name: str | None) -> NDArray[np.float64]:
        """(matches,): how many parts that many tokens satisfy each document has, in a field or in all text."""
        counts = np.zeros(len(matches))
        for part in loose(of):
            times = part.times if isinstance(part, Word) else 1
            for at, number in enumerate(matches):
                row = self.rows[number]
                there = (row.texts, row.shown) if name is None else (_texts(row, [name]), None)
                counts[at] += times * stands(part, *there)
        return counts

    def _alone(self, name: str) -> BM25Plus:
        if name not in self.alone:
            texts = [[token for text in _texts(row, [name]) for token in text if token] for row in self.rows]
            self.alone[name] = BM25Plus(texts)
        return self.alone[name]


@dataclass(slots=True, eq=False)
class _Held:
    """A collection and its rows; `scorer` is None where it must be made before the next search."""

    collection: Collection
    rows: dict[str, _Row] = field(default_factory=dict)
    scorer: _Scorer | None = None
    taken: int = 0
    incarnation: str = field(default_factory=lambda: token_hex(16))

    @property
    def living(self) -> list[_Row]:
        return [row for row in self.rows.values() if not row.state.deleted]


class MemoryText:
    """A `TextStore` in this object's memory, for notebooks and small lists: a search looks at every document.

    BM25Plus, as BM25Okapi gives no or negative scores to words that half of a small list has. It gives every
    document a score; only those with a word of the query are returned.
    """

    def __init__(self, name: str) -> None:
        self._collection_name = name
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._moved: str | None = None

    @property
    def name(self) -> str:
        """The store's name: "rank-bm25"."""
        return _NAME

    def load(self) -> Collection | None:
        """The collection; None if there is none."""
        held = self._held
        return held.collection if held else None

    def create(self, collection: Collection) -> None:
        """Makes the collection, empty. One that is there already is left as it is."""
        with self._lock:
            self._held = self._held or _Held(collection)

    def drop(self) -> None:
        """Forgets the collection with all it holds."""
        with self._lock:
            self._held = None

    def redirect(self, name: str | None) -> None:
        """Notes where the collection lies from now on."""
        self._moved = name

    def redirected(self) -> str | None:
        """The name that the collection lies under now; None where it was never moved."""
        return self._moved

    def write(self, records: Sequence[Record]) -> list[WriteOutcome]:
        """The outcome of each record, in order."""
        with self._lock:
            held = self._opened()
            return [_written(held, record) for record in records]

    def states(self, ids: Sequence[str]) -> dict[str, State]:
        """What is known of each id, tombstones included; ids never seen are left out."""
        rows = self._opened().rows
        return {name: rows[name].state for name in ids if name in rows}

    def versions(self, ids: Sequence[str]) -> dict[str, int]:
        """The version of each id, tombstones included; ids never seen are left out."""
        return {one: state.version for one, state in self.states(ids).items()}

    def fetch(self, ids: Sequence[str]) -> dict[str, Stored]:
        """The documents of these ids; missing and deleted ones are left out."""
        rows = self._opened().rows
        found = (rows[name] for name in ids if name in rows)
        return {row.id: _stored(row) for row in found if not row.state.deleted}

    def refresh(self) -> None:
        """Returns at once: a search sees all that was written before."""

    def sync(self) -> bool:
        """False: nothing in memory would survive."""
        return False

    def incarnation(self) -> str:
        """What was drawn when the collection was made."""
        return self._opened().incarnation

    def generation(self) -> str:
        """Which making of the collection it is, and how many records it took."""
        held = self._opened()
        return f"{held.incarnation}/{held.taken}"

    def records(self, ids: Sequence[str]) -> dict[str, Record]:
        """All that is held of each id, vectors and tombstones included; ids never seen are left out."""
        rows = self._opened().rows
        return {name: _record(rows[name]) for name in ids if name in rows}

    def scan(self, filter: Filter | None = None) -> Iterator[tuple[str, State]]:
        """Every id with its state at the time of the call, tombstones included."""
        with self._lock:
            held = self._opened()
            rows = list(held.rows.values()) if filter is None else held.living
        return iter([(row.id, row.state) for row in rows if filter is None or matches_filter(filter, row.facts)])

    def expunge(self, before: int) -> int:
        """The number of tombstones with a version below `before` that were removed for good."""
        with self._lock:
            held = self._opened()
            old = [row.id for row in held.rows.values() if row.state.deleted and row.state.version < before]
            for name in old:
                del held.rows[name]
        return len(old)

    def count(self, filter: Filter | None = None) -> int:
        """The number of documents that satisfy the filter, tombstones not counted."""
        with self._lock:
            living = self._opened().living
        return sum(filter is None or matches_filter(filter, row.facts) for row in living)

    def status(self) -> dict[str, Json]:
        """Documents, tombstones and tokens."""
        with self._lock:
            held = self._opened()
            living = held.living
        return {
            "documents": len(living),
            "tombstones": len(held.rows) - len(living),
            "tokens": sum(len(row.words) for row in living),
        }

    def ping(self) -> None:
        """Returns at once: memory is always there."""

    def close(self) -> None:
        """Forgets everything. The store must not be used afterwards."""
        self.drop()

    def search(self, query: TextQuery) -> Ranking:
        """The best documents by BM25Plus, best first; equal scores go by id."""
        held, scorer = self._scoring()
        wanted = query.wanted
        words = scorer.matching(wanted, query.match.fields)
        if query.least is not None:
            good = scorer.scores(wanted, words, query.match.fields) >= query.least
            words = [at for at, is_good in zip(words, good, strict=True) if is_good]
        matches = [at for at in words if query.filter is None or matches_filter(query.filter, scorer.rows[at].facts)]
        scores = scorer.scores(wanted, matches, query.match.fields)
        best = np.argsort(-scores, kind="stable")[: max(query.limit, 0)].tolist()
        found = [scorer.rows[matches[at]] for at in best]
        rows = [scorer.rows[at] for at in words]
        return Ranking(
            ids=tuple(one.id for one in found),
            scores=tuple(float(scores[at]) for at in best),
            versions=tuple(one.state.version for one in found),
            total=len(matches) if query.total else None,
            facets=_facets(query.facets, rows, held.collection),
            unit=unit(wanted, scorer.factor, query.match.fields),
        )

    def search_many(self, queries: Sequence[TextQuery]) -> list[Ranking | StoreError]:
        """What `search` finds for each query."""
        return one_by_one(self.search, queries)

    def browse(self, query: BrowseQuery) -> Ranking:
        """The documents of the filter, sorted; all scores are 0."""
        with self._lock:
            held = self._opened()
            living = held.living
        rows = [row for row in living if query.filter is None or matches_filter(query.filter, row.facts)]
        columns = [[row.facts.get(sort.field, ()) for row in rows] for sort in query.sort]
        order = counting.ordered([row.id for row in rows], columns, query.sort)[: query.limit]
        found = [rows[at] for at in order]
        return Ranking(
            ids=tuple(row.id for row in found),
            scores=(0.0,) * len(found),
            versions=tuple(row.state.version for row in found),
            total=len(rows) if query.total else None,
            facets=_facets(query.facets, living, held.collection),
        )

    def words(self, query: WordQuery) -> list[tuple[str, int]]:
        """The words that begin so, or are near, with the documents of the filter and the terms that have each."""
        with self._lock:
            living = self._opened().living
        narrow, terms = query.filter, set(query.terms)
        rows = (row for row in living if narrow is None or matches_filter(narrow, row.facts))
        known = (row.shown for row in rows if not terms or terms <= set(row.words))
        counts = Counter(word for words in known for word in words if word.startswith(query.begin))
        return counting.words(counts.items(), query)

    def frequencies(self, tokens: Sequence[str]) -> dict[str, int]:
        """The number of documents that have each token."""
        _, scorer = self._scoring()
        return {token: len(scorer.owners[token]) for token in tokens if token in scorer.owners}

    def scores(self, query: TextQuery, ids: Sequence[str]) -> dict[str, float]:
        """The score of each of these documents for the query's text; those that do not match are left out."""
        _, scorer = self._scoring()
        among, wanted = set(ids), query.wanted
        matches = [at for at in scorer.matching(wanted, query.match.fields) if scorer.rows[at].id in among]
        found = scorer.scores(wanted, matches, query.match.fields)
        return {scorer.rows[at].id: float(score) for at, score in zip(matches, found, strict=True)}

    def explain(self, query: TextQuery, ids: Sequence[str]) -> dict[str, Json]:  # noqa: ARG002 (the protocol's)
        """Empty: rank-bm25 does not explain its scores."""
        return {}

    def render(self, query: TextQuery | BrowseQuery) -> Json:
        """The tokens that are looked for, and the filter that each document is held against."""
        wanted = query.wanted if isinstance(query, TextQuery) else None
        tree = None if query.filter is None else show(query.filter)
        return {"wanted": asdict(wanted) if wanted else None, "filter": tree, "limit": query.limit}

    def _scoring(self) -> tuple[_Held, _Scorer]:
        with self._lock:
            held = self._opened()
            scorer = held.scorer = held.scorer or _scorer(held.living)
        return held, scorer

    def _opened(self) -> _Held:
        if self._held is None:
            raise CollectionNotFound(
                f"there is no open collection {self._collection_name!r} in {_NAME}. Create or load it first"
            )
        return self._held


def _texts(row: _Row, names: Sequence[str]) -> list[list[str]]:
    """The texts of the fields of these names, each by itself."""
    return [text for name in names for text in row.alone[name]]


def _written(held: _Held, record: Record) -> WriteOutcome:
    known = held.rows.get(record.id)
    if known is not None and known.state.version >= record.version:
        return WriteOutcome(Wrote.SUPERSEDED)
    try:
        source = orjson.dumps(dict(record.source))
    except orjson.JSONEncodeError as error:
        return WriteOutcome(Wrote.REJECTED, f"document {record.id!r}: its fields cannot be written as JSON: {error}")
    of = held.collection.schema
    places = [] if record.deleted else in_places(record.source, of.searched, of.analyzers)
    alone = {name: [] if record.deleted else in_places(record.source, [(name, 1.0)], of.analyzers) for name in of.alone}
    words = [token for text in places for token in text if token]
    state = State(record.version, record.hash, record.deleted)
    seen = facts(record.id, record.source, held.collection.schema)
    shown = [] if record.deleted else document_words(record.source, held.collection.schema.searched)
    held.rows[record.id] = _Row(
        record.id, state, source, record.passages, record.vectors.copy(), places, alone, words, shown, seen
    )
    held.scorer = None
    held.taken += 1
    return WriteOutcome(Wrote.WRITTEN)


def _facets(asked: Sequence[Facet], rows: Sequence[_Row], collection: Collection) -> dict[str, Json]:
    """By name, what each facet counts of the rows that satisfy its filter."""
    dates = {one.name for one in collection.schema.fields if one.type is FieldType.DATE}
    counts: dict[str, Json] = {}
    for one in asked:
        field, tree = one.kind.field, one.filter
        values = [row.facts.get(field, ()) for row in rows if tree is None or matches_filter(tree, row.facts)]
        counts[one.name] = counting.counted(one.kind, values, dated=field in dates)
    return counts


def _record(row: _Row) -> Record:
    state = row.state
    source = orjson.loads(row.source)
    return Record(row.id, state.version, state.hash, source, row.vectors.copy(), row.passages, state.deleted)


def _stored(row: _Row) -> Stored:
    return Stored(row.id, row.state.version, orjson.loads(row.source), row.passages)


def _scorer(living: Sequence[_Row]) -> _Scorer:
    rows = sorted(living, key=lambda row: row.id)
    owners: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        for token in set(row.words):
            owners.setdefault(token, []).append(number)
    return _Scorer(
        rows=rows,
        bm25=BM25Plus([row.words for row in rows] or [[]]),  # it divides by the number of documents
        owners={token: np.array(numbers) for token, numbers in owners.items()},
    )
