"""Why is this a hit? The words of the query in its text, or, where it was found by meaning alone, its best passage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from hybrid import fragments
from hybrid.embedding.passages import sentences
from hybrid.errors import HybridError
from hybrid.fragments import Mark
from hybrid.highlight import Highlight
from hybrid.match import ANY
from hybrid.model import Span
from hybrid.plan import VECTOR, Plan
from hybrid.result import Hit
from hybrid.schema import Schema
from hybrid.wording import tokens_of, wanted

MOST_SENTENCES = 128
"""Sentences of a page that the model is asked about at most; hits that come after them show their passage's start."""

Nearness = Callable[[Sequence[str]], Sequence[float]]
"""How near each text is to the query in meaning; higher is nearer. Raises HybridError where that cannot be said."""


@dataclass(frozen=True, slots=True)
class _Lead:
    """The part of a field that a hit was found by: of its best passage the piece that lies in that field."""

    field: str
    text: str
    span: Span

    def sentences(self) -> list[Span]:
        start, end = self.span
        return [(start + a, start + b) for a, b in sentences(self.text[start:end])]


def highlighted(
    hits: Iterable[Hit], terms: frozenset[str], how: Highlight, schema: Schema, near: Nearness
) -> tuple[Hit, ...]:
    """The hits with their highlights, by field; no field is named that has none. terms: tokens that are marked."""
    by = schema.analyzers
    marked = [replace(hit, highlights=_words(hit, terms, how, by)) for hit in hits]
    leads = {hit.id: lead for hit in marked if not hit.highlights and (lead := _lead(hit, how, schema)) is not None}
    nearest = _nearest(leads, near) if how.sentences and leads else {}
    shown = {one: _shown(lead, nearest.get(one), how.size) for one, lead in leads.items()}
    return tuple(replace(hit, highlights=shown[hit.id]) if hit.id in shown else hit for hit in marked)


def terms(plan: Plan) -> frozenset[str]:
    """The tokens that the texts of a plan look for, and what they stand for."""
    found = [wanted(text, ANY, plan.tongue) for text in (plan.query, *plan.queries)]
    return frozenset(token for of in found if of is not None for token in tokens_of(of))


def _words(hit: Hit, terms: frozenset[str], how: Highlight, by: Mapping[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in how.fields if terms else ():
        text = hit.document.get(name)
        if isinstance(text, str) and (marks := fragments.marks(text, terms, by[name])):
            found[name] = fragments.best(text, marks, how.fragments, how.size)
    return found


def _lead(hit: Hit, how: Highlight, schema: Schema) -> _Lead | None:
    """Where the passage of a hit lies, in the field that has most of it; None where it was not found by a vector."""
    if hit.explain[VECTOR]["status"] != "hit":
        return None
    whole = schema.embedded_text(hit.document)
    start = max(whole.find(hit.passage.text), 0) if hit.passage else 0  # or rewritten since
    end = start + len(hit.passage.text) if hit.passage else len(whole)
    leads, at = [], 0
    for name in schema.embedded:
        text = hit.document.get(name)
        if isinstance(text, str) and text.strip():
            low, high = max(start - at, 0), min(end - at, len(text))
            if name in how.fields and text[low:high].strip():
                leads.append(_Lead(name, text, (low, high)))
            at += len(text) + 1  # the line break between two fields
    return max(leads, key=lambda one: one.span[1] - one.span[0], default=None)


def _nearest(leads: dict[str, _Lead], near: Nearness) -> dict[str, Span]:
    """By hit the sentence that is nearest to the query; nothing where the model cannot be asked."""
    asked = [(one, span) for one, lead in leads.items() for span in lead.sentences()][:MOST_SENTENCES]
    try:
        scores = near([leads[one].text[slice(*span)] for one, span in asked])
    except HybridError:  # the passages' starts do; why the model fails is told by the retriever's report
        return {}
    order = sorted(zip(scores, asked, strict=True), key=lambda pair: -pair[0])
    return {one: span for _, (one, span) in reversed(order)}  # the first is written last, and stays


def _shown(lead: _Lead, nearest: Span | None, size: int) -> dict[str, list[str]]:
    if nearest is None:
        return {lead.field: [fragments.opening(lead.text, lead.span[0], size)]}
    return {lead.field: [fragments.opening(lead.text, nearest[0], size, [Mark(*nearest)])]}
