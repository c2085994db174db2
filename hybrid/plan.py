"""What will be searched? A request, checked and completed, as a value: print it, compare it, cache by it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

import orjson

from hybrid import bounds, facets, filters, highlight
from hybrid import match as matching
from hybrid.errors import FusionError, QueryError
from hybrid.facets import Facet
from hybrid.filters.tree import ID, Filter, Not, OneOf, both
from hybrid.fusion import Fusion, checked, registered
from hybrid.fusion.base import DEFAULT_METHOD
from hybrid.highlight import Highlight
from hybrid.match import ANY, Boosts, Match
from hybrid.model import Json
from hybrid.policy import Policy
from hybrid.schema import Schema
from hybrid.scripts import unsupported
from hybrid.shaping import wishes as wishing
from hybrid.shaping.wishes import NOTHING, Rerank, Shaping, Wishes
from hybrid.sorting import Sort, sorts
from hybrid.synonyms import NONE, Synonyms
from hybrid.wording import PLAIN, Tongue

TEXT, VECTOR = "text", "vector"
RETRIEVERS = (TEXT, VECTOR)
MAX_LIMIT = bounds.MAX_LIMIT
MOST_QUERIES = 16
"""Texts beside the first that a search may have."""

STANDARD = Fusion()
"""How searches are fused where neither they nor a preset say it."""

LANGUAGE = "language_unsupported"
"""Why the vector retriever is not asked: the query's script is none of the model's languages'."""


class Explain(StrEnum):
    """How much is told of each hit. NO: what the search saw by itself. WHY: also, of what a retriever did not find,
    why not, and its score; one more call. FULL: also the text store's own explanation."""

    NO = "no"
    WHY = "why"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class Request:
    """A search as a user asks for it; None means the default.

    query: may be empty where there is a vector, or to browse: all documents of the filter, by `sort` ("price",
    "-price" for descending); with a query, sort orders what was found, a window of each retriever. offset: hits
    passed over. cursor: goes on with the answer that gave it.
    filter: an expression such as 'price < 800 AND brand IN ["acer", "lg"]', or its tree as JSON. facets: names of
    fields or dicts as `hybrid.facets.read` takes them; disjunctive: a facet ignores the filter on its own field.
    vector: the query's own vector, instead of the model's. retrievers: which to ask. window: documents asked of
    each, at least `limit`. weights: by retriever name. k: rank constant. normalizer: of scores, for methods that let it
    be chosen; compat: another engine, whose formula is meant. deadline_s: seconds until the answer must
    be there; deadlines: shorter ones by retriever. policy: "partial" answers with what there is, "fail" only
    when all answered; require: retrievers without which there is no answer. explain: True for why each retriever
    did not find a hit, "full" for the text store's own explanation too. verify: ask both stores, before the answer,
    whether they agree on every hit. What comes after fusion, in this order: boosts: dicts that multiply scores, as
    `hybrid.shaping.boosts` says: {"field": "rating", "modifier": "log1p"}, {"field": "released", "scale": "30d"},
    {"filter": "in_stock = true", "weight": 2}; rerank: by the operator's cross-encoder, True or a dict with limit and
    min_score; min_score: of a hit; knee: end where scores fall off; sort: the hits by fields; collapse: one hit of
    each value of a field; diversity: from 0 to 1, unlike hits first; pinned: ids that come first.
    match: how words must match and in which fields, a mode or a dict, as `hybrid.match` says; queries: further texts,
    each retriever's documents coming by the one that suits them best; like: ids of documents that others like them are
    found to, instead of a query; within: by retriever the least raw score of what it finds; without: ids that are not
    found.
    highlight: True for pieces of each hit's text with the words of the query marked,
    or what `hybrid.highlight.read` takes besides.
    """

    query: str = ""
    limit: int = 10
    offset: int = 0
    cursor: str | None = None
    filter: str | Mapping[str, Json] | None = None
    facets: Sequence[str | Mapping[str, Json]] = ()
    disjunctive: bool = False
    sort: Sequence[str] = ()
    vector: Sequence[float] | None = None
    retrievers: Sequence[str] | None = None
    window: int | None = None
    fusion: str | None = None
    k: float | None = None
    weights: Mapping[str, float] | None = None
    normalizer: str | None = None
    compat: str = ""
    deadline_s: float | None = None
    deadlines: Mapping[str, float] | None = None
    policy: str = Policy.PARTIAL
    require: Sequence[str] = ()
    explain: bool | str = False
    verify: bool = False
    boosts: Sequence[Mapping[str, Json]] = ()
    min_score: float | None = None
    knee: bool = False
    collapse: str | None = None
    diversity: float | None = None
    pinned: Sequence[str] = ()
    rerank: bool | Mapping[str, Json] = False
    match: str | Mapping[str, Json] | None = None
    queries: Sequence[str] = ()
    like: str | Sequence[str] | None = None
    within: Mapping[str, float] | None = None
    without: Sequence[str] = ()
    highlight: bool | str | Mapping[str, Json] = False


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a collection is searched with where a request does not say.

    languages: gives the model's, ISO 639-1, empty where they are not known; called only where the model is to read
    the query, as it may have to be loaded. rerank: the operator's model, and the most it may be asked; None: none.
    synonyms: the operator's. fusion: of searches that name no method; what they say of k and weights goes before.
    fields: where those look for words that name no fields.
    """

    window: int = 100
    deadline_s: float = 2.0
    languages: Callable[[], frozenset[str]] = frozenset
    rerank: Rerank | None = None
    synonyms: Synonyms = NONE
    fusion: Fusion = STANDARD
    fields: Boosts = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A search that can be run as it stands. Equal plans are the same search.

    deadlines: seconds by retriever that is asked. left_out: retrievers that are not asked though they were
    wanted, and why.
    """

    query: str
    limit: int
    offset: int
    window: int
    retrievers: tuple[str, ...]
    fields: tuple[tuple[str, float], ...]
    fusion: Fusion
    deadlines: tuple[tuple[str, float], ...]
    filter: Filter | None = None
    facets: tuple[Facet, ...] = ()
    sort: tuple[Sort, ...] = ()
    vector: tuple[float, ...] | None = None
    policy: Policy = Policy.PARTIAL
    require: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    explain: Explain = Explain.NO
    verify: bool = False
    shaping: Shaping = NOTHING
    match: Match = ANY
    queries: tuple[str, ...] = ()
    within: tuple[tuple[str, float], ...] = ()
    highlight: Highlight | None = None
    tongue: Tongue = PLAIN

    @property
    def browses(self) -> bool:
        """Whether there is nothing to search for, so that all documents of the filter are listed."""
        return not self.query.strip() and self.vector is None

    @property
    def spoken(self) -> tuple[str, ...]:
        """What the model reads of each text."""
        return tuple(matching.spoken(text, self.match) for text in (self.query, *self.queries))

    @property
    def key(self) -> str:
        """What names this search, whatever part of its answer is wanted: a hex digest, the same in every process."""
        body = self.to_dict()
        for name in ("limit", "offset", "explain", "verify", "highlight", "deadlines"):
            body.pop(name)
        return hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def fusion_facts(self) -> dict[str, Json]:
        """How the answer is fused, as JSON: method, k where it counts, weights, window; of a browse, its order."""
        if self.browses:
            return {"method": "none", "sort": [*map(str, self.sort), ID], "window": self.window}
        facts: dict[str, Json] = {"method": self.fusion.method}
        chosen = {"compat": self.fusion.compat, "normalizer": self.fusion.normalizer}
        facts |= {name: value for name, value in chosen.items() if value}
        if registered(self.fusion).by_rank:
            facts["k"] = self.fusion.k
        weights = {name: self.fusion.weight(name) for name in self.retrievers}
        return facts | {"weights": weights | dict.fromkeys(dict(self.left_out), 0.0), "window": self.window}

    def to_dict(self) -> dict[str, Json]:
        """The plan as JSON."""
        return {
            "query": self.query,
            "limit": self.limit,
            "offset": self.offset,
            "retrievers": list(self.retrievers),
            "left_out": dict(self.left_out),
            "fields": dict(self.fields),
            "filter": None if self.filter is None else filters.show(self.filter),
            "facets": [facets.to_json(one) for one in self.facets],
            "fusion": self.fusion_facts(),
            "vector": None if self.vector is None else list(self.vector),
            "deadlines": dict(self.deadlines),
            "policy": str(self.policy),
            "require": list(self.require),
            "explain": str(self.explain),
            "verify": self.verify,
            "shaping": self.shaping.to_dict(),
            "match": self.match.to_dict(),
            "queries": list(self.queries),
            "within": dict(self.within),
            "analyzers": list(self.tongue.analyzers),
            "synonyms": self.tongue.synonyms.digest,
            "highlight": self.highlight.to_dict() if self.highlight else None,
        }


_OPTIONS = dict.fromkeys(one.name for one in fields(Request) if one.name != "query")
_WISHES = tuple(one.name for one in fields(Wishes))


def request(query: str | Request = "", **options: Any) -> Request:
    """The request of a query and options by name. Raises QueryError for an option there is not."""
    for name in options.keys() - _OPTIONS.keys():
        raise QueryError(f"search has no option {name!r}; it has: {', '.join(_OPTIONS)}", field=name)
    return replace(query, **options) if isinstance(query, Request) else Request(query, **options)


def make(request: Request, schema: Schema, defaults: Defaults) -> Plan:
    """The plan of a request. The default window grows to the limit where the limit is larger.

    Raises QueryError, FilterError or FusionError.
    """
    query, vector = bounds.query_text(request.query), bounds.components(request.vector)
    limit = bounds.whole("limit", request.limit, 0, MAX_LIMIT)
    browses = not query.strip() and vector is None
    wanted = (TEXT,) if browses else _wanted(request)
    match, fusion = _match(request, schema, defaults.fields), _fusion(request, defaults.fusion)
    read = " ".join(matching.spoken(text, match) for text in (query, *_queries(request, wanted, browses)))
    left_out = () if browses or vector is not None else _left_out(read, wanted, fusion, defaults.languages)
    asked = tuple(name for name in wanted if name not in dict(left_out))
    tree = _less(filters.read(request.filter, schema), request.without)
    order = sorts(request.sort, schema)
    return Plan(
        query=query,
        limit=limit,
        offset=bounds.whole("offset", request.offset, 0, MAX_LIMIT),
        window=_window(request.window, limit, defaults.window),
        retrievers=asked,
        fields=match.fields or schema.searched,
        fusion=checked(fusion, asked),
        deadlines=_deadlines(request, asked, defaults.deadline_s),
        filter=tree,
        facets=facets.read(request.facets, schema, tree, disjunctive=bounds.flag("disjunctive", request.disjunctive)),
        sort=order if browses else (),
        vector=vector,
        policy=bounds.choice("policy", request.policy, Policy),
        require=_required(request.require, wanted),
        left_out=left_out,
        explain=_explain(request.explain),
        verify=bounds.flag("verify", request.verify),
        match=match,
        tongue=Tongue(schema.narrowed(dict(match.fields)).spoken, defaults.synonyms),
        queries=_queries(request, wanted, browses),
        within=_least(request.within, asked),
        shaping=_shaping(request, () if browses else order, schema, defaults.rerank, browses),
        highlight=highlight.read(request.highlight, schema),
    )


def _match(request: Request, schema: Schema, usual: Boosts) -> Match:
    """How words must match. The one text field of a schema is all text, and needs no index of its own.

    usual: the fields of searches that name none, and no fusion.
    """
    match = matching.read(request.match, schema.searched)
    if usual and not (match.fields or _is_named(request)):
        match = replace(match, fields=matching.read({"fields": dict(usual)}, schema.searched).fields)
    lacking = [name for name, _ in match.fields if name not in schema.alone]
    if len(schema.searched) == 1:
        return replace(match, fields=())
    if lacking:
        raise QueryError(
            f"match.fields names {', '.join(lacking)}, and all text of this collection is indexed as one. "
            "Leave fields out, or set by_field = true (HYBRID_BY_FIELD=true) and make the index anew with: "
            "hybrid reindex",
            field="match",
        )
    return match


def _less(tree: Filter | None, ids: Sequence[str]) -> Filter | None:
    """The filter, without these documents."""
    return both(tree, Not(OneOf(ID, tuple(ids)))) if ids else tree


def _queries(request: Request, wanted: Sequence[str], browses: bool) -> tuple[str, ...]:
    """Further texts that each retriever is asked; none twice."""
    given = [request.queries] if isinstance(request.queries, str) else list(request.queries)
    if len(given) > MOST_QUERIES:
        raise QueryError(
            f"there are {len(given)} queries beside the first; {MOST_QUERIES} are the most", field="queries"
        )
    texts = [bounds.query_text(one) for one in given]
    if texts and (browses or request.vector is not None):
        raise QueryError(
            "queries go beside a query, and not beside a vector; give the first of them as the query", field="queries"
        )
    if texts and request.facets and TEXT in wanted:
        raise QueryError("facets count the documents of one query; search without queries to count", field="facets")
    return tuple(one for one in dict.fromkeys(texts) if one.strip() and one != request.query)


def _least(given: Any, asked: Sequence[str]) -> tuple[tuple[str, float], ...]:
    least = bounds.by_name("within", given or {}, RETRIEVERS)
    return tuple((name, bounds.number(f"within.{name}", least[name])) for name in asked if name in least)


def _shaping(
    request: Request, order: tuple[Sort, ...], schema: Schema, reranker: Rerank | None, browses: bool
) -> Shaping:
    wishes = Wishes(*map(request.__getattribute__, _WISHES))
    if browses:
        wishing.refuse_scores(wishes)
    return wishing.read(wishes, order, schema, reranker, request.query)


def _wanted(request: Request) -> tuple[str, ...]:
    return RETRIEVERS if request.retrievers is None else bounds.names("retrievers", request.retrievers, RETRIEVERS)


def _left_out(
    text: str, wanted: Sequence[str], fusion: Fusion, languages: Callable[[], frozenset[str]]
) -> tuple[tuple[str, str], ...]:
    """The vector retriever, where the model cannot read the text and another retriever, of some weight, can."""
    others = [name for name in wanted if name != VECTOR and fusion.weight(name)]
    if VECTOR in wanted and others and unsupported(text, languages()):
        return ((VECTOR, LANGUAGE),)
    return ()


def _window(given: int | None, limit: int, usual: int) -> int:
    return max(usual, limit) if given is None else bounds.whole("window", given, max(limit, 1), MAX_LIMIT)


def _deadlines(request: Request, asked: Sequence[str], usual: float) -> tuple[tuple[str, float], ...]:
    whole = bounds.seconds("deadline_s", usual if request.deadline_s is None else request.deadline_s)
    shorter = bounds.by_name("deadlines", request.deadlines or {}, RETRIEVERS)
    own = {name: bounds.seconds(f"deadlines.{name}", value) for name, value in shorter.items()}
    return tuple((name, min(whole, own.get(name, whole))) for name in asked)


def _required(given: Any, wanted: Sequence[str]) -> tuple[str, ...]:
    required = bounds.names("require", given, RETRIEVERS) if given else ()
    idle = [name for name in required if name not in wanted]
    if idle:
        raise QueryError(f"require names {', '.join(idle)}, which this search does not ask", field="require")
    return required


def _explain(given: bool | str) -> Explain:
    if isinstance(given, bool):
        return Explain.WHY if given else Explain.NO
    return bounds.choice("explain", given, Explain)


def _is_named(request: Request) -> bool:
    """Whether a request names its fusion, so that nothing of the usual one counts."""
    return request.fusion is not None or bool(request.compat)


def _fusion(request: Request, usual: Fusion) -> Fusion:
    """The fusion that is asked for, not checked yet; one that is named takes nothing of the usual one."""
    base = Fusion(request.fusion or DEFAULT_METHOD, compat=request.compat) if _is_named(request) else usual
    k = base.k if request.k is None else request.k
    if isinstance(k, int | float) and k < 1:
        raise FusionError(f"k is {k!r}; the rank constant of a search is a number from 1, usually 60")
    given = tuple(sorted(bounds.by_name("weights", request.weights or {}, RETRIEVERS).items()))
    weights = base.weights if request.weights is None else given
    normalizer = base.normalizer if request.normalizer is None else request.normalizer
    return replace(base, k=k, weights=weights, normalizer=normalizer)
