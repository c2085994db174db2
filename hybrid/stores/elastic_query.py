"""What is Elasticsearch asked? Bodies of searches, filters and facets, as plain values; and what their answers say.

Words are asked for as tokens that need no further analysis, so that they are those of every other store. A filter
stands in filter context and adds nothing to a score. Tombstones have no text to be found by, and no values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hybrid.facets import Counts, Extent, Facet, Histogram, Kind, Ranges, Step, Terms
from hybrid.filters.tree import ID, And, Compare, Exists, Filter, Moment, Not, OneOf, Or, Order, Value
from hybrid.match import Boosts
from hybrid.model import Json, Ranking
from hybrid.schema import FieldType, Schema, iso
from hybrid.sorting import Sort
from hybrid.stores import counting
from hybrid.stores.base import COUNTED, FACTOR, BrowseQuery, TextQuery, WordQuery
from hybrid.stores.elastic_mapping import HAS, IN_PLACE, OWN, STOP, TEXT, WORDS, alone
from hybrid.wording import Begins, Either, Part, Phrase, Wanted, Word, unit

Body = dict[str, Json]

NOTHING: Body = {"match_none": {}}
LIVING: Body = {"bool": {"must_not": {"term": {f"{OWN}.deleted": True}}}}
_BOUNDS = {Order.BELOW: "lt", Order.AT_MOST: "lte", Order.ABOVE: "gt", Order.AT_LEAST: "gte"}
_ID_LAST: Body = {f"{OWN}.id": "asc"}
_COLUMN = {ID: f"{OWN}.id"}
_MOST_TERMS = 10_000
"""Buckets that a terms facet looks at; with more different values the smallest counts may be left out."""

ANSWER = "took,timed_out,_shards.failed,_shards.failures,hits.total,hits.hits.sort,hits.hits._version,aggregations"


def words(of: Wanted, fields: Boosts = ()) -> Body:
    """Documents that have what is wanted, scored by BM25; of fields by the sum of each one's score, times its boost."""
    parts = {"must": of.must, "must_not": of.must_not, "should": of.should}
    places = [(alone(name), boost) for name, boost in fields] or [(TEXT, 1.0)]
    body: Body = {name: [_anywhere(one, places) for one in several] for name, several in parts.items() if several}
    return {"bool": body | {"minimum_should_match": of.least} if of.should else body}


def _anywhere(part: Part, places: Sequence[tuple[str, float]]) -> Body:
    several = [_part(part, place, boost) for place, boost in places]
    return several[0] if len(several) == 1 else _any(several)


def _any(several: list[Body]) -> Body:
    return {"bool": {"should": several, "minimum_should_match": 1}}


def _part(part: Part, place: str, boost: float) -> Body:
    match part:
        case Word(token, times, 0, ()):
            return {"term": {place: {"value": token, "boost": _whole(times * boost)}}}
        case Word(token, times, edits, ()):
            about = {"value": token, "fuzziness": edits, "transpositions": True, "boost": FACTOR * times * boost}
            near = {"fuzzy": {place: about | {"rewrite": "constant_score"}}}  # others stop at some number of words
            return _any([_part(Word(token, times), place, boost), near])
        case Word(token, times, edits, also):
            words = [Word(token, times, edits), *(Word(one, times) for one in also)]
            return {"dis_max": {"queries": [_part(one, place, boost) for one in words]}}
        case Either(phrases):
            return {"dis_max": {"queries": [_part(one, place, boost) for one in phrases]}}
        case Begins(start, finished):
            begun = {"prefix": {WORDS if place == TEXT else place: {"value": start, "boost": FACTOR * boost}}}
            return _any([begun, _part(finished, place, boost)]) if finished else begun
        case Phrase(tokens, _):
            placed = " ".join(token or STOP for token in tokens)
            about = {"query": placed, "slop": 0, "analyzer": IN_PLACE}
            return {"match_phrase": {place: about if boost == 1 else about | {"boost": boost}}}


def _whole(boost: float) -> float:
    """The boost, as a whole number where it is one."""
    return int(boost) if boost == int(boost) else boost


def words_body(query: WordQuery) -> Body:
    """The body that counts the words of documents: an aggregation under the filter, as a suggester knows no filter.

    Of near words, those of documents that have one, by length; which of them are near is told by `counting.words`.
    """
    near, begin = (
        query.near,
        "".join(f"\\{char}" if char.isascii() and not char.isalnum() else char for char in query.begin),
    )
    rest = f".{{{max(len(near) - 1 - query.edits, 0)},{len(near) - 1 + query.edits}}}" if near else ".*"
    edits = {"fuzziness": query.edits, "prefix_length": 1, "rewrite": "constant_score"}  # the usual one stops at 50
    having = {"fuzzy": {WORDS: {"value": near, **edits}}} if near else {"prefix": {WORDS: query.begin}}
    narrow = [] if query.filter is None else [filtered(query.filter)]
    counted = {
        "field": WORDS,
        "include": begin + rest,
        "size": _MOST_TERMS if near else query.limit,
        "shard_size": _MOST_TERMS,
        "order": [{"_count": "desc"}, {"_key": "asc"}],
    }
    return {
        "query": {"bool": {"filter": [having, *narrow, *({"term": {TEXT: one}} for one in query.terms)]}},
        "size": 0,
        "track_total_hits": False,
        "timeout": f"{max(1, int(query.timeout_s * 1000))}ms",
        "aggs": {"words": {"terms": counted}},
    }


def words_of(answer: Mapping[str, Any]) -> list[tuple[str, int]]:
    """The words that an answer to `words_body` counted."""
    buckets = answer.get("aggregations", {}).get("words", {}).get("buckets", ())
    return [(one["key"], one["doc_count"]) for one in buckets]


def filtered(tree: Filter) -> Body:
    """The documents, and tombstones, that satisfy a filter."""
    match tree:
        case OneOf(field, values):
            return _one_of(field, values) if values else NOTHING
        case Compare(field, order, value):
            return _range(field, **{_BOUNDS[order]: value})
        case Exists(field):
            return {"match_all": {}} if field == ID else {"term": {HAS: field}}
        case Not(part):
            return {"bool": {"must_not": filtered(part)}}
        case And(parts):
            return {"bool": {"filter": [filtered(part) for part in parts]}} if parts else {"match_all": {}}
        case Or(parts):
            either = {"should": [filtered(part) for part in parts], "minimum_should_match": 1}
            return {"bool": either} if parts else NOTHING


def _one_of(field: str, values: Sequence[Value]) -> Body:
    if not isinstance(values[0], Moment):
        return {"terms": {_COLUMN.get(field, field): list(values)}}
    return {"bool": {"should": [_range(field, gte=one, lte=one) for one in values], "minimum_should_match": 1}}


def _range(field: str, **bounds: Value) -> Body:
    dated = any(isinstance(one, Moment) for one in bounds.values())
    return {"range": {field: bounds | {"format": "epoch_millis"} if dated else bounds}}


def search_body(query: TextQuery) -> Body | None:
    """The body of a search; None where there is nothing to look for."""
    wanted = query.wanted
    if wanted is None or not (query.limit or query.facets or query.total):
        return None
    asked = words(wanted, query.match.fields)
    if query.least is not None:  # not `min_score` of the search, which facets do not look at
        asked = {"function_score": {"query": asked, "min_score": query.least}}
    return _body(query, asked, [{"_score": "desc"}, _ID_LAST]) | {"track_total_hits": COUNTED if query.total else False}


def browse_body(query: BrowseQuery) -> Body:
    """The body of a list of documents."""
    sorts = [*(_sort(one) for one in query.sort), _ID_LAST]
    return _body(query, None, sorts) | {"track_total_hits": query.total}


def _body(query: TextQuery | BrowseQuery, asked: Body | None, sorts: list[Body]) -> Body:
    alike = all(one.filter == query.filter for one in query.facets)
    narrow = [] if query.filter is None else [filtered(query.filter)]
    base: Body = {"must": asked} if asked else {"filter": [LIVING]}
    if alike and narrow:
        base = base | {"filter": [*base.get("filter", ()), *narrow]}
    body: Body = {
        "query": {"bool": base},
        "size": query.limit,
        "stored_fields": "_none_",  # the sort values say score and id; reading stored ids takes twice as long
        "version": True,
        "sort": sorts,
        "timeout": f"{max(1, int(query.timeout_s * 1000))}ms",
    }
    if narrow and not alike:  # facets see more than the hits do
        body["post_filter"] = narrow[0]
    if query.facets:
        body["aggs"] = {f"f{number}": _facet(one, alike) for number, one in enumerate(query.facets)}
    return body


def _sort(one: Sort) -> Body:
    how = {"order": "desc" if one.descending else "asc", "mode": "max" if one.descending else "min"}
    return {_COLUMN.get(one.field, one.field): how | {"missing": "_last"}}


def _facet(facet: Facet, alike: bool) -> Body:
    """A facet under its own filter; where all have the search's own, that stands in the query already."""
    tree = {"match_all": {}} if alike or facet.filter is None else filtered(facet.filter)
    return {"filter": tree, "aggs": _counting(facet.kind)}


def _counting(kind: Kind) -> Body:
    field = kind.field
    match kind:
        case Terms(_, size):
            order = [{"_count": "desc"}, {"_key": "asc"}]
            return {"of": {"terms": {"field": field, "size": size, "shard_size": _MOST_TERMS, "order": order}}}
        case Ranges(_, ranges):
            return {f"r{number}": {"filter": _within(field, *one)} for number, one in enumerate(ranges)}
        case Histogram(_, Step() as step):
            return {"of": {"date_histogram": {"field": field, "calendar_interval": str(step), "min_doc_count": 1}}}
        case Histogram(_, interval):
            return {"of": {"histogram": {"field": field, "interval": interval, "min_doc_count": 1}}}
        case Extent():
            asked = {"min": {"min": {"field": field}}, "max": {"max": {"field": field}}}
            return asked | {"count": {"value_count": {"field": field}}}


def _within(field: str, low: Any, high: Any) -> Body:
    bounds = {name: value for name, value in (("gte", low), ("lt", high)) if value is not None}
    return _range(field, **bounds) if bounds else {"term": {HAS: field}}


def scores_body(query: TextQuery, ids: Sequence[str], *, explain: bool) -> Body | None:
    """The body of a search for the score that each of these documents has for a query's text."""
    wanted = query.wanted
    if wanted is None or not ids:
        return None
    body: Body = {
        "query": {"bool": {"must": words(wanted, query.match.fields), "filter": {"terms": {f"{OWN}.id": list(ids)}}}},
        "size": len(ids),
        "stored_fields": "_none_",
        "sort": [{"_score": "desc"}, _ID_LAST],
        "track_total_hits": False,
    }
    return body | {"explain": True} if explain else body


def frequencies_body(tokens: Sequence[str]) -> Body:
    """The body of a count of the documents that have each token."""
    having = {str(number): {"term": {TEXT: token}} for number, token in enumerate(tokens)}
    return {"size": 0, "track_total_hits": False, "aggs": {"having": {"filters": {"filters": having}}}}


def frequencies_of(answer: Mapping[str, Any], tokens: Sequence[str]) -> dict[str, int]:
    """The documents that have each token, by what `frequencies_body` is answered."""
    buckets = answer["aggregations"]["having"]["buckets"]
    return {token: buckets[str(number)]["doc_count"] for number, token in enumerate(tokens)}


def count_body(tree: Filter | None) -> Body:
    """The body of a count of the documents that satisfy a filter."""
    return {"query": {"bool": {"filter": [LIVING, *([] if tree is None else [filtered(tree)])]}}}


def ranking(answer: Mapping[str, Any], query: TextQuery | BrowseQuery, schema: Schema) -> Ranking:
    """What a search found, in its order."""
    hits = answer.get("hits", {})
    found = hits.get("hits", [])
    searched = isinstance(query, TextQuery)
    total = hits.get("total")
    return Ranking(
        ids=tuple(hit["sort"][-1] for hit in found),
        scores=tuple(hit["sort"][0] if searched else 0.0 for hit in found),
        versions=tuple(hit["_version"] for hit in found),
        total=None if total is None else total["value"],
        exact=total is None or total["relation"] == "eq",
        facets=facets(query.facets, answer.get("aggregations", {}), schema),
        spent={"took": float(answer["took"])},
        unit=unit(query.wanted, FACTOR, query.match.fields) if isinstance(query, TextQuery) else None,
    )


def facets(asked: Iterable[Facet], counts: Mapping[str, Any], schema: Schema) -> dict[str, Counts]:
    """By name, what each facet counted."""
    kinds = {one.name: one.type for one in schema.fields}
    return {
        one.name: _counted(one.kind, counts.get(f"f{number}", {}), kinds[one.kind.field])
        for number, one in enumerate(asked)
    }


def _counted(kind: Kind, found: Mapping[str, Any], of: FieldType) -> Counts:
    if isinstance(kind, Terms):
        return counting.terms(Counter({_named(one, of): one["doc_count"] for one in _buckets(found)}), kind.size)
    if isinstance(kind, Ranges):
        return [
            {"from": _bound(low), "to": _bound(high), "count": found.get(f"r{number}", {}).get("doc_count", 0)}
            for number, (low, high) in enumerate(kind.ranges)
        ]
    if isinstance(kind, Histogram):
        return [{"value": _value(one["key"], of), "count": one["doc_count"]} for one in _buckets(found)]
    count = found.get("count", {}).get("value", 0)
    low, high = (_value(found[name]["value"], of) if count else None for name in ("min", "max"))
    return {"min": low, "max": high, "count": count}


def _buckets(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    buckets: list[dict[str, Any]] = found.get("of", {}).get("buckets", [])
    return buckets


def _named(bucket: Mapping[str, Any], of: FieldType) -> Json:
    return bool(bucket["key"]) if of is FieldType.BOOLEAN else bucket["key"]


def _value(value: Any, of: FieldType) -> Json:
    """A number of an aggregation, always a double, as a value of the field."""
    if of is FieldType.DATE:
        return iso(int(value))
    return int(value) if of is FieldType.LONG and value == int(value) else value


def _bound(value: Any) -> Json:
    return iso(value) if isinstance(value, Moment) else value
