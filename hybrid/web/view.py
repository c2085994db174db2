"""How is an answer shown? Plain values for the page, made from a SearchResult; nothing here is HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hybrid.fragments import pieces
from hybrid.model import Json, Status
from hybrid.plan import LANGUAGE, MAX_LIMIT
from hybrid.result import Counts, Hit, SearchResult, label
from hybrid.web.strings import ENGLISH, Strings
from hybrid.web.why import Part, parts

SNIPPET = 240
"""Characters of text shown of a hit."""

SHORT = 60
"""Characters of the longest value shown as a fact."""

MOST_FACTS = 8
_PROSE = ("text", "body", "content", "description", "summary", "abstract", "contents")
_LINK = "url"


@dataclass(frozen=True, slots=True)
class Badge:
    """How one retriever did on a hit. kind: hit, not_found, failed or skipped."""

    retriever: str
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One retriever's part of the contribution bar. x, width: per cent of the best score of the page."""

    retriever: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class HitView:
    """One hit. link: the document's own http address, or empty. facts: name and value. bar: its text for the ear.

    snippet: pieces of text, and whether each is marked.
    """

    id: str
    rank: int
    title: str
    link: str
    snippet: tuple[tuple[str, bool], ...]
    facts: tuple[tuple[str, str], ...]
    score: str
    badges: tuple[Badge, ...]
    segments: tuple[Segment, ...]
    bar: str
    why: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ResultView:
    """An answer. status: one line; warnings: a sentence for each retriever that did not answer or could not be asked,
    and for each step after fusion that did not do its part.

    ends: why there are no more hits though there may be more documents; else empty.
    """

    status: str
    warnings: tuple[str, ...]
    hits: tuple[HitView, ...]
    ends: str


def shown(result: SearchResult, t: Strings = ENGLISH) -> ResultView:
    """The answer as the page shows it."""
    top = max((hit.score for hit in result.hits), default=0.0)
    hits = tuple(_hit(hit, top, t) for hit in result.hits)
    return ResultView(_status(result, t), tuple(_warnings(result, t)), hits, _ends(result, t))


def _status(result: SearchResult, t: Strings) -> str:
    said = [_counted(result, t) + _took(result.took_ms, t)]
    for name, report in result.retrievers.items():
        if report.status is Status.OK:
            said.append(t.found.format(name=t.name(name), count=report.returned))
        elif report.status is not Status.SKIPPED:
            said.append(t.no_answer.format(name=t.name(name)))
    return ", ".join(said)


def _counted(result: SearchResult, t: Strings) -> str:
    """Which results these are; and how many documents there are, where that is known of more than the window."""
    first, last = (result.hits[0].rank, result.hits[-1].rank) if result.hits else (1, 0)
    many = t.results_one if last == 1 else t.results_many.format(count=len(result))
    shown = t.results_from.format(first=first, last=last) if first > 1 else many
    total = result.total
    if total is None or total.counts not in (Counts.TEXT_MATCHES, Counts.FILTER_MATCHES):
        return shown
    one = {Counts.TEXT_MATCHES: t.of_matches_one, Counts.FILTER_MATCHES: t.of_all_one}
    of = one if total.value == 1 else {Counts.TEXT_MATCHES: t.of_matches, Counts.FILTER_MATCHES: t.of_all}
    return f"{shown} {of[total.counts].format(more='' if total.exact else t.more_than, count=f'{total.value:,}')}"


def _ends(result: SearchResult, t: Strings) -> str:
    if not result.window_exhausted:
        return ""
    window = result.fusion["window"]
    return t.window_ends.format(window=window, larger=min(10 * window, MAX_LIMIT))


def _took(took_ms: float, t: Strings) -> str:
    return t.in_ms.format(ms=f"{took_ms:.0f}") if took_ms >= 1 else t.under_a_ms


def _warnings(result: SearchResult, t: Strings) -> Iterator[str]:
    answered = [t.name(name) for name, report in result.retrievers.items() if report.status is Status.OK]
    for name, report in result.retrievers.items():
        if report.status in (Status.FAILED, Status.TIMEOUT):
            yield f"{t.store(name, report.reason)} {t.these_from.format(names=t.joined.join(answered))}"
        elif report.reason == LANGUAGE:
            yield t.script_unread
    for name, report in result.steps.items():
        if report.status is not Status.OK:
            yield t.step_lost.format(step=name, reason=t.reasons.get(report.reason, t.failed))


def _hit(hit: Hit, top: float, t: Strings) -> HitView:
    title = label(hit)
    name = _prose(hit.document, title)
    shares = {retriever: float(part.get("contribution", 0.0)) for retriever, part in hit.explain.items()}
    said = ", ".join(f"{t.name(retriever)} {number(share)}" for retriever, share in shares.items())
    return HitView(
        id=hit.id,
        rank=hit.rank,
        title=title,
        link=_link(hit.document.get(_LINK)),
        snippet=_snippet(hit, name, title),
        facts=tuple(_facts(hit.document, {name, _LINK}, title, t))[:MOST_FACTS],
        score=number(hit.score),
        badges=tuple(_badge(retriever, part, t) for retriever, part in hit.explain.items()),
        segments=tuple(_segments(shares, top)),
        bar=f"{t.score} {number(hit.score)}: {said}",
        why=parts(hit.explain, t),
    )


def number(value: float) -> str:
    """A score with four decimals, without a leading zero: .0325, 1.2500, 0."""
    return f"{value:.4f}".removeprefix("0") if value else "0"


def _link(value: Json) -> str:
    """The address, if it is one of the web; a document must not bring `javascript:` onto the page."""
    return value if isinstance(value, str) and value.lower().startswith(("http://", "https://")) else ""


def _prose(document: Mapping[str, Json], title: str) -> str:
    """The name of the field to show a piece of: a conventional one, else the longest text; empty for none."""
    texts = {name: value for name, value in document.items() if isinstance(value, str) and value.strip()}
    conventional = next((name for name in _PROSE if name in texts), None)
    if conventional:
        return conventional
    long = [name for name, value in texts.items() if len(value) > SHORT and value != title]
    return max(long, key=lambda name: len(texts[name]), default="")


def _snippet(hit: Hit, name: str, title: str) -> tuple[tuple[str, bool], ...]:
    """The highlights of the prose, or of another field but the title; else the passage, or the start of the prose."""
    found = hit.highlights or {}
    others = [one for one in found if one != name and hit.document.get(one) != title]
    for one in (name, *others):
        if one in found:
            return tuple(pieces(" ".join(found[one])))
    text = hit.passage.text if hit.passage else str(hit.document.get(name, ""))
    plain = cut(" ".join(text.removeprefix(title).split()), SNIPPET)
    return ((plain, False),) if plain else ()


def cut(text: str, most: int) -> str:
    """The text, or its first characters up to a space near `most`, and an ellipsis."""
    if len(text) <= most:
        return text
    head = text[:most]
    space = head.rfind(" ")
    return (head[:space] if space > most * 0.7 else head).rstrip(" ,;:–-") + "…"


def _facts(document: Mapping[str, Json], left_out: set[str], title: str, t: Strings) -> Iterator[tuple[str, str]]:
    for name, value in document.items():
        words = _value(value, t)
        if name not in left_out and words and words != title and len(words) <= SHORT:
            yield name.replace("_", " "), words


def _value(value: Json, t: Strings) -> str:
    """A scalar or a list of scalars in words; empty for anything else."""
    if isinstance(value, list):
        return ", ".join(filter(None, (_value(one, t) for one in value)))
    if isinstance(value, bool):
        return t.yes if value else t.no
    if isinstance(value, float):
        return f"{value:.12g}"
    return str(value).strip() if isinstance(value, str | int) else ""


def _badge(retriever: str, part: Mapping[str, Json], t: Strings) -> Badge:
    kind = str(part["status"])
    if kind == "hit":
        return Badge(retriever, kind, f"{t.name(retriever)} #{part['rank']}")
    return Badge(retriever, kind, f"{t.name(retriever)}: {t.state(kind)}")


def _segments(parts: Mapping[str, float], top: float) -> Sequence[Segment]:
    segments, x = [], 0.0
    for retriever, share in parts.items():
        width = round(100 * share / top, 2) if top > 0 else 0.0
        if width > 0:
            segments.append(Segment(retriever, round(x, 2), width))
            x += width
    return segments
