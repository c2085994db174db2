"""What is each store asked? A plan's part for it, as the store's own query value."""

from __future__ import annotations

from dataclasses import replace

from hybrid.model import Vector
from hybrid.plan import RETRIEVERS, TEXT, Plan
from hybrid.stores.base import BrowseQuery, TextQuery, VectorQuery


def text(plan: Plan) -> TextQuery | BrowseQuery:
    """What the text store is asked: to search, or, where there is no query, to list."""
    return texts(plan)[0]


def texts(plan: Plan) -> list[TextQuery] | list[BrowseQuery]:
    """What the text store is asked for each text of a plan, one at least."""
    within = deadline(plan, TEXT)
    if plan.browses:
        return [BrowseQuery(plan.window, plan.sort, within, plan.filter, plan.facets, total=True)]
    first = TextQuery(plan.query, plan.window, within, plan.filter, plan.facets, total=True, match=plan.match)
    first = replace(first, tongue=plan.tongue, least=dict(plan.within).get(TEXT))
    return [replace(first, text=one) for one in (plan.query, *plan.queries)]


def conditions(plan: Plan) -> TextQuery | None:
    """What the text store is asked for the conditions that every document must meet; None where there are none."""
    query = TextQuery(plan.query, plan.window, deadline(plan, TEXT), match=plan.match, conditional=True)
    query = replace(query, tongue=plan.tongue)
    return None if query.wanted is None else query


def vector(plan: Plan, row: Vector) -> VectorQuery:
    """What the vector store is asked. row: the query's vector, float32 (dim,)."""
    timeout_s = deadline(plan, RETRIEVERS[1])
    counts = TEXT not in plan.retrievers
    return VectorQuery(row, plan.window, timeout_s, plan.filter, total=counts, background=True)


def counting(plan: Plan) -> BrowseQuery | None:
    """What the text store is asked to count where it is not asked to search; None where there is nothing to count."""
    if TEXT in plan.retrievers or not plan.facets:
        return None
    return BrowseQuery(0, (), max(of for _, of in plan.deadlines), plan.filter, plan.facets)


def deadline(plan: Plan, retriever: str) -> float:
    """Seconds that a retriever has; for one that the plan does not ask, as many as any has."""
    return dict(plan.deadlines).get(retriever) or max(of for _, of in plan.deadlines)
