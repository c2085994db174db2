"""Why is a hit where it is? Each retriever's part as a row, what it was trusted by, and where the time went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hybrid.model import Json
from hybrid.result import SearchResult
from hybrid.web.strings import Strings


@dataclass(frozen=True, slots=True)
class Part:
    """One retriever's part of a hit, as it is shown; what it does not have is empty."""

    retriever: str
    name: str
    status: str
    rank: str
    raw_score: str
    normalized: str
    weight: str
    contribution: str


@dataclass(frozen=True, slots=True)
class Why:
    """How a search sees a document that was asked after. sentence: where it stands. parts: none of what is unknown."""

    sentence: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure with its name. of: whose it is; empty: of the whole."""

    name: str
    value: str
    of: str = ""


def parts(explain: Mapping[str, Mapping[str, Json]], t: Strings) -> tuple[Part, ...]:
    """Each retriever's part of a hit."""
    return tuple(
        Part(
            retriever,
            t.name(retriever),
            t.state(str(part["status"])),
            str(part.get("rank", "")),
            _figure(part.get("raw_score")),
            _figure(part.get("normalized")),
            _figure(part.get("weight"), "g"),
            _figure(part.get("contribution", 0.0)),
        )
        for retriever, part in explain.items()
    )


def standing_view(said: Mapping[str, Json], result: SearchResult, t: Strings) -> Why:
    """What the page says of a document that was asked after. said: as `Standing.to_dict`."""
    about = {"id": said["id"], "rank": said["rank"], "window": result.fusion["window"]}
    if not said["exists"]:
        return Why(t.other_unknown.format(**about), ())
    if said["rank"] is not None:
        sentence = t.other_found
    elif not said["passes_filter"]:
        sentence = t.other_filtered
    elif any(part["status"] == "hit" for part in said["explain"].values()):
        sentence = t.other_left_out
    else:
        sentence = t.other_not_found
    return Why(sentence.format(**about), parts(said["explain"], t))


def time_line(result: SearchResult, t: Strings) -> tuple[Fact, ...]:
    """The steps of the answer, and of each retriever's part, in milliseconds."""
    own = [Fact(name, _ms(spent)) for name, spent in result.timeline.items()]
    of = [
        Fact(name, _ms(spent), t.name(retriever))
        for retriever, report in result.retrievers.items()
        for name, spent in report.spent_ms.items()
    ]
    return (*own, *of)


def evidence(result: SearchResult, t: Strings) -> tuple[Fact, ...]:
    """What fusion went by: mean, deviation and z of similarities, the reach of words, and the trust."""
    return tuple(
        Fact(name, _figure(value), t.name(retriever))
        for retriever, report in result.retrievers.items()
        for name, value in report.evidence.items()
    )


def _ms(spent: float) -> str:
    return f"{spent:.1f} ms"


def _figure(value: Json, form: str = ".4f") -> str:
    return "" if value is None else f"{value:{form}}"
