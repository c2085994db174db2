"""What is tantivy asked? Text, filters and facets as its own queries; what it cannot count itself is counted here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
import tantivy
from tantivy import FieldType as Type
from tantivy import Occur, Query

from hybrid.facets import Counts, Facet, Terms
from hybrid.filters.tree import ID, And, Compare, Exists, Filter, Not, OneOf, Or, Order, Value
from hybrid.match import Boosts
from hybrid.model import Json
from hybrid.schema import Field, FieldType
from hybrid.stores import counting
from hybrid.stores.base import FACTOR, WordQuery
from hybrid.stores.embedded_index import BY_NAME, alone, as_name, column
from hybrid.wording import Begins, Either, Part, Phrase, Wanted, Word

_SIGNS = frozenset(r"\.+*?()|[]{}^$#&-~")
"""What means something in a pattern of tantivy's."""

_ALL_TERMS = 1_000_000
"""Buckets that are counted before the best are chosen."""


_TEXT = "text"


def _any(several: Sequence[Query]) -> Query:
    return Query.boolean_query([(Occur.Should, one) for one in several])


def _boosted(query: Query, boost: float) -> Query:
    return query if boost == 1 else Query.boost_query(query, float(boost))


def _literal(text: str) -> str:
    """A pattern of the text itself."""
    return "".join(f"\\{char}" if char in _SIGNS else char for char in text)


class Asking:
    """Makes queries of one index. fields: the collection's. Pure: nothing is searched."""

    def __init__(self, schema: tantivy.Schema, fields: Iterable[Field]) -> None:
        self._schema = schema
        self._kinds = {one.name: one.type for one in fields}

    def words(self, of: Wanted | None, fields: Boosts = ()) -> Query | None:
        """Documents that have what is wanted, scored by BM25, of chosen fields by the sum of each one's, times its
        boost; None where nothing is. Tombstones have no text."""
        if of is None:
            return None
        places = [(alone(name), boost) for name, boost in fields] or [(_TEXT, 1.0)]
        may = [self._anywhere(one, places) for one in of.should]
        clauses = [(Occur.Must, self._anywhere(one, places)) for one in of.must]
        clauses += [(Occur.MustNot, self._anywhere(one, places)) for one in of.must_not]
        if of.least > 1:
            clauses.append((Occur.Must, Query.boolean_query([(Occur.Should, one) for one in may], of.least)))
        elif of.least and clauses:
            clauses.append((Occur.Must, Query.boolean_query([(Occur.Should, one) for one in may])))
        else:
            clauses += [(Occur.Should, one) for one in may]
        if not (of.must or may):  # only what must not be there
            clauses.append((Occur.Must, Query.all_query()))
        return Query.boolean_query(clauses)

    def token(self, token: str, place: str = _TEXT) -> Query:
        """Documents that have this token."""
        return Query.term_query(self._schema, place, token, "freq")

    def _anywhere(self, part: Part, places: Sequence[tuple[str, float]]) -> Query:
        several = [_boosted(self._part(part, place), boost) for place, boost in places]
        return several[0] if len(several) == 1 else _any(several)

    def _part(self, part: Part, place: str) -> Query:
        match part:
            case Word(token, times, 0, ()):
                return _boosted(self.token(token, place), times)
            case Word(token, times, edits, ()):
                near = Query.fuzzy_term_query(self._schema, place, token, edits)
                return _boosted(_any([self.token(token, place), Query.const_score_query(near, FACTOR)]), times)
            case Word(token, times, edits, also):
                words = [Word(token, times, edits), *(Word(one, times) for one in also)]
                return Query.disjunction_max_query([self._part(one, place) for one in words])
            case Either(phrases):
                return Query.disjunction_max_query([self._part(one, place) for one in phrases])
            case Begins(start, finished):
                written = "words" if place == _TEXT else place
                begun = Query.regex_query(self._schema, written, f"{_literal(start)}.*")
                begun = Query.const_score_query(begun, FACTOR)
                return _any([begun, self._part(finished, place)]) if finished else begun
            case Phrase((token,), _):
                return self.token(token, place)
            case Phrase(tokens, _):
                placed: list[Any] = [(at, token) for at, token in enumerate(tokens) if token]
                return Query.phrase_query(self._schema, place, placed)

    def of(self, words: Query | None, tree: Filter | None) -> Query:
        """Documents of the words, all where there are none, that satisfy the filter, which adds 0 to their scores."""
        if words is None:
            conditions = Query.all_query() if tree is None else self.filtered(tree)
            living = [(Occur.Must, conditions), (Occur.MustNot, Query.term_query(self._schema, "deleted", 1))]
            return Query.const_score_query(Query.boolean_query(living), 0.0)
        if tree is None:
            return words
        satisfied = Query.const_score_query(self.filtered(tree), 0.0)
        return Query.boolean_query([(Occur.Must, words), (Occur.Must, satisfied)])

    def both(self, words: Query, others: Query) -> Query:
        """Documents of both, each scored by the words."""
        return Query.boolean_query([(Occur.Must, words), (Occur.Must, others)])

    def having(self, words: WordQuery) -> Query:
        """Documents whose words are counted: those with a near one, where that is asked, so that few are looked at."""
        tokens = [Query.term_query(self._schema, "text", term, "freq") for term in words.terms]
        near = [Query.fuzzy_term_query(self._schema, "words", words.near, words.edits)] if words.near else []
        return Query.boolean_query([(Occur.Must, one) for one in (*tokens, *near, self.of(None, words.filter))])

    def named(self, ids: Sequence[str]) -> Query:
        """The documents of these ids, each scored 0."""
        return Query.const_score_query(Query.term_set_query(self._schema, "id", list(ids)), 0.0)

    def filtered(self, tree: Filter) -> Query:
        """The documents, and tombstones, that satisfy a filter."""
        match tree:
            case OneOf(field, values):
                return self._one_of(field, values)
            case Compare(field, order, value):
                return self._compared(field, order, value)
            case Exists(field):
                known = Query.all_query() if field == ID else Query.term_query(self._schema, "has", field, "basic")
                return known
            case Not(part):
                return Query.boolean_query([(Occur.Must, Query.all_query()), (Occur.MustNot, self.filtered(part))])
            case And(parts):
                return self._joined(Occur.Must, parts) or Query.all_query()
            case Or(parts):
                return self._joined(Occur.Should, parts) or Query.empty_query()

    def _joined(self, occur: Occur, parts: Sequence[Filter]) -> Query | None:
        return Query.boolean_query([(occur, self.filtered(part)) for part in parts]) if parts else None

    def _one_of(self, field: str, values: Sequence[Value]) -> Query:
        if not values:
            return Query.empty_query()
        if field == ID:
            return Query.term_set_query(self._schema, "id", list(values))
        if self._kinds[field] in BY_NAME:
            return Query.term_set_query(self._schema, column(field), [as_name(value) for value in values])
        equals = [self._range(field, value, value, True, True) for value in values]
        return Query.boolean_query([(Occur.Should, one) for one in equals])

    def _compared(self, field: str, order: Order, value: Value) -> Query:
        inclusive = order in (Order.AT_MOST, Order.AT_LEAST)
        if order in (Order.BELOW, Order.AT_MOST):
            return self._range(field, None, value, True, inclusive)
        return self._range(field, value, None, inclusive, True)

    def _range(self, field: str, low: Any, high: Any, with_low: bool, with_high: bool) -> Query:
        whole = self._kinds[field] is not FieldType.DOUBLE
        low, high = (one if one is None else int(one) if whole else float(one) for one in (low, high))
        kind = Type.Integer if whole else Type.Float
        return Query.range_query(
            self._schema, column(field), kind, low, high, include_lower=with_low, include_upper=with_high
        )


class Reading:
    """Reads what a query finds, from one state of an index. kinds: by field of the collection.

    ids: by number of a row, known ones; new ones are added.
    """

    def __init__(self, index: tantivy.Index, kinds: Mapping[str, FieldType], ids: dict[int, str]) -> None:
        self._searcher = index.searcher()
        self._kinds = kinds
        self._ids = ids

    def best(self, query: Query, limit: int, *, count: bool) -> tuple[list[float], list[Any], int | None]:
        """Scores and addresses of the best documents, and, where asked, how many there are in all."""
        most = max(1, min(limit, self._searcher.num_docs))
        found: Any = self._searcher.search(query, most, count=count)
        hits = found.hits[:limit]
        return [score for score, _ in hits], [address for _, address in hits], found.count if count else None

    def among(self, words: Query, named: Query) -> tuple[list[float], list[Any]]:
        """Scores and addresses of the documents of the words that are among those named."""
        both = Query.boolean_query([(Occur.Must, words), (Occur.Must, named)])
        scores, addresses, _ = self.best(both, self._searcher.num_docs, count=False)
        return scores, addresses

    def above(self, words: Query, least: float) -> list[str]:
        """The ids of the documents of the words that score at least this."""
        scores, addresses, _ = self.best(words, self._searcher.num_docs, count=False)
        return self.ids([address for score, address in zip(scores, addresses, strict=True) if score >= least])

    def everything(self, query: Query) -> list[Any]:
        """The addresses of all documents of a query."""
        return self.best(query, self._searcher.num_docs, count=False)[1]

    def count(self, query: Query) -> int:
        """The number of documents of a query."""
        return int(self.best(query, 1, count=True)[2] or 0)

    def ids(self, addresses: Sequence[Any]) -> list[str]:
        """The id of each document. Only of one that was never met is the document itself read."""
        numbers: list[Any] = self._searcher.fast_field_values("number", list(addresses))
        return [self._id(number, address) for number, address in zip(numbers, addresses, strict=True)]

    def _id(self, number: int, address: Any) -> str:
        known = self._ids.get(number)
        if known is None:
            known = self._ids[number] = str(self._searcher.doc(address).get_first("id"))
        return known

    def versions(self, addresses: Sequence[Any]) -> list[int]:
        """The version of each document."""
        versions: list[Any] = self._searcher.fast_field_values("version", list(addresses))
        return versions

    def explained(self, query: Query, addresses: Sequence[Any]) -> list[Json]:
        """How tantivy explains the score of each document."""
        return [orjson.loads(query.explain(self._searcher, address).to_json()) for address in addresses]

    def values(self, field: str, addresses: Sequence[Any]) -> list[counting.Values]:
        """Each document's values of a number or date field."""
        found = self._searcher.fast_field_values(column(field), list(addresses))
        return [() if value is None else (value,) for value in found]

    def words(self, begin: str, query: Query, limit: int | None) -> list[tuple[str, int]]:
        """The words that begin so in documents of a query, and how many have each; those of most first."""
        found: list[tuple[str, int]] = self._searcher.terms_with_prefix("words", begin, query, limit)
        return found

    def facet(self, facet: Facet, query: Query) -> Counts:
        """What a facet counts over the documents of a query."""
        kind = facet.kind
        if isinstance(kind, Terms):
            return counting.terms(self._terms(kind.field, query), kind.size)
        rows = self.values(kind.field, self.everything(query))
        return counting.counted(kind, rows, dated=self._kinds[kind.field] is FieldType.DATE)

    def _terms(self, field: str, query: Query) -> Counter[Any]:
        asked = {"terms": {"field": column(field), "size": _ALL_TERMS, "segment_size": _ALL_TERMS}}
        buckets: list[dict[str, Json]] = self._searcher.aggregate(query, {"terms": asked})["terms"]["buckets"]
        is_flag = self._kinds[field] is FieldType.BOOLEAN
        return Counter({one["key"] == "true" if is_flag else one["key"]: one["doc_count"] for one in buckets})
