"""What can an answer be narrowed and sorted by? Values with counts, ranges, chosen ones, orders: each a link.

Which fields are shown follows from the schema: of keywords and booleans the values with counts, of numbers and dates
a range. A field that tells every document apart, as a key does, is no help and not shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hybrid.model import Json
from hybrid.result import Facets
from hybrid.schema import Field, FieldType, Schema
from hybrid.web.addresses import Address
from hybrid.web.narrowing import CHOSEN, FROM, TO, Narrowing, by_range, by_value
from hybrid.web.strings import Strings

FEW, MANY = 8, 100
"""Values of a field that are shown at first, and with `more`."""

MOST_FACETS, MOST_RANGES, MOST_SORTS = 6, 4, 4
MORE = "more"
"""The argument that names a field of which all values are wanted."""

_KEYS = frozenset({"url", "link", "image", "image_url", "uri", "href"})
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a field. count: documents that have it; None where it is chosen and not among those counted."""

    value: Json
    words: str
    count: int | None
    selected: bool
    toggle_url: str


@dataclass(frozen=True, slots=True)
class FacetView:
    """The values of a field. more_url: the page with more of them; empty where these are all."""

    field: str
    words: str
    choices: tuple[Choice, ...]
    more_url: str


@dataclass(frozen=True, slots=True)
class RangeView:
    """A range of a field. kind: number or date, of its inputs. least, greatest: of the documents found; "" unknown.

    kept: arguments of the page that its form sends along.
    """

    field: str
    words: str
    kind: str
    low: str
    high: str
    least: str
    greatest: str
    kept: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A condition in force, in words, and the page without it."""

    words: str
    clear_url: str


@dataclass(frozen=True, slots=True)
class SortLink:
    """An order of the hits, and the page in it."""

    words: str
    url: str
    selected: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """All that the answer can be narrowed and sorted by, and what is in force."""

    facets: tuple[FacetView, ...]
    ranges: tuple[RangeView, ...]
    chosen: tuple[Chosen, ...]
    clear_url: str
    sorts: tuple[SortLink, ...]


def wanted(schema: Schema, more: str = "") -> list[dict[str, Json]]:
    """The facets to ask for. more: a field of which all values are wanted."""
    terms: list[dict[str, Json]] = [
        {"field": one.name, "size": MANY if one.name == more else FEW + 1} for one in _countable(schema)
    ]
    return terms + [{"field": one.name} for one in by_range(schema)[:MOST_RANGES]]


def choices(
    schema: Schema, found: Facets | None, narrowing: Narrowing, at: Address, sort: str, strings: Strings
) -> Choices:
    """What an answer with these facets, at this address, can be narrowed by. sort: as it is asked now."""
    counted: Mapping[str, Json] = {} if found is None else found.found
    facets = [_facet(one, counted.get(one.name) or [], narrowing, at, strings) for one in _countable(schema)]
    ranges = [_range(one, counted.get(one.name) or {}, narrowing, at) for one in by_range(schema)[:MOST_RANGES]]
    chosen = tuple(_chosen(schema, narrowing, at, strings))
    names = [name for name, _ in at.arguments if name.startswith((CHOSEN, FROM, TO)) or name == "filter"]
    return Choices(
        tuple(one for one in facets if _helps(one)),
        tuple(one for one in ranges if one.least != one.greatest or one.low or one.high),
        chosen,
        str(at.without(names)) if chosen else "",
        tuple(_sorts(schema, at, sort, strings)),
    )


def _countable(schema: Schema) -> Sequence[Field]:
    return [one for one in by_value(schema) if one.name.lower() not in _KEYS][:MOST_FACETS]


def _facet(
    field: Field, buckets: Sequence[Mapping[str, Json]], narrowing: Narrowing, at: Address, strings: Strings
) -> FacetView:
    chosen = narrowing.values.get(field.name, ())
    counts = {_text(one["value"]): (one["value"], int(one["count"])) for one in buckets}
    all_wanted = dict(at.arguments).get(MORE) == field.name
    shown = list(counts)[: MANY if all_wanted else FEW]
    listed = [*shown, *(one for one in chosen if one not in shown)]
    name = CHOSEN + field.name
    return FacetView(
        field.name,
        label(field.name),
        tuple(
            Choice(
                counts[one][0] if one in counts else one,
                _shortened(strings.value(one) if field.type is FieldType.BOOLEAN else one),
                counts[one][1] if one in counts else None,
                one in chosen,
                str(at.without_value(name, one) if one in chosen else at.with_value(name, one)),
            )
            for one in listed
        ),
        str(at.instead(MORE, field.name)) if len(counts) > len(shown) else "",
    )


def _helps(facet: FacetView) -> bool:
    """Whether a choice would leave fewer documents, but not always just one."""
    if any(one.selected for one in facet.choices):
        return True
    counts = [one.count or 0 for one in facet.choices]
    return len(counts) > 1 and max(counts) > 1


def _range(field: Field, extent: Mapping[str, Json], narrowing: Narrowing, at: Address) -> RangeView:
    names = (FROM + field.name, TO + field.name)
    return RangeView(
        field.name,
        label(field.name),
        "date" if field.type is FieldType.DATE else "number",
        narrowing.low.get(field.name, ""),
        narrowing.high.get(field.name, ""),
        _end(extent.get("min")),
        _end(extent.get("max")),
        at.without(names).arguments,
    )


def _chosen(schema: Schema, narrowing: Narrowing, at: Address, strings: Strings) -> Iterator[Chosen]:
    yes_or_no = {one.name for one in schema.fields if one.type is FieldType.BOOLEAN}
    for name, values in narrowing.values.items():
        for value in values:
            words = strings.value(value) if name in yes_or_no else _shortened(value)
            yield Chosen(f"{label(name)}: {words}", str(at.without_value(CHOSEN + name, value)))
    for start, ends, words in ((FROM, narrowing.low, strings.at_least), (TO, narrowing.high, strings.at_most)):
        for name, end in ends.items():
            yield Chosen(words.format(name=label(name), end=end), str(at.without((start + name,))))
    given = dict(at.arguments).get("filter")
    if given:
        yield Chosen(_shortened(given), str(at.without(("filter",))))


def _sorts(schema: Schema, at: Address, sort: str, strings: Strings) -> Iterator[SortLink]:
    fields = by_range(schema)[:MOST_SORTS]
    if not fields:
        return
    yield SortLink(strings.by_relevance, str(at.instead("sort", "")), not sort)
    for one in fields:
        for order, arrow in ((one.name, "↑"), (f"-{one.name}", "↓")):
            yield SortLink(f"{label(one.name)} {arrow}", str(at.instead("sort", order)), sort == order)


def label(field: str) -> str:
    """The name of a field as people read it."""
    return field.replace("_", " ")


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _end(value: Json) -> str:
    return f"{value:.12g}" if isinstance(value, int | float) else str(value or "")[:10]


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
