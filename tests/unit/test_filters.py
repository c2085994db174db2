"""How filters are written, what they mean, and where the finger points when they are wrong."""

from __future__ import annotations

from typing import Any

import pytest

from hybrid import facets, filters
from hybrid.errors import FilterError, QueryError
from hybrid.facets import Extent, Facet, Histogram, Ranges, Step, Terms
from hybrid.filters.meaning import facts, matches
from hybrid.filters.tree import And, Compare, Exists, Filter, Moment, Not, OneOf, Or, Order, both, without
from hybrid.schema import Field, FieldType, Schema

SCHEMA = Schema(
    (
        Field("title", FieldType.TEXT),
        Field("brand", FieldType.KEYWORD),
        Field("tags", FieldType.KEYWORD),
        Field("price", FieldType.DOUBLE),
        Field("rating", FieldType.DOUBLE),
        Field("stock", FieldType.LONG),
        Field("used", FieldType.BOOLEAN),
        Field("released", FieldType.DATE),
        Field("ean", FieldType.KEYWORD),
        Field("in", FieldType.KEYWORD),
    )
)
DAY = Moment(1_704_067_200_000)


def read(text: Any) -> Filter | None:
    return filters.read(text, SCHEMA)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('brand = "acer"', OneOf("brand", ("acer",))),
        ("brand = 'acer'", OneOf("brand", ("acer",))),
        ('brand="acer"', OneOf("brand", ("acer",))),
        ('brand != "acer"', Not(OneOf("brand", ("acer",)))),
        ('brand IN ["acer", "lg", "acer"]', OneOf("brand", ("acer", "lg"))),
        ('brand in ["acer"]', OneOf("brand", ("acer",))),
        ('brand NOT IN ["acer"]', Not(OneOf("brand", ("acer",)))),
        ("brand IN []", OneOf("brand", ())),
        ('id = "7"', OneOf("id", ("7",))),
        ('`in` = "x"', OneOf("in", ("x",))),
        ("price < 800", Compare("price", Order.BELOW, 800.0)),
        ("price>=-1.5e3", Compare("price", Order.AT_LEAST, -1500.0)),
        ("price = -0.0", OneOf("price", (0.0,))),
        ("stock <= 3", Compare("stock", Order.AT_MOST, 3)),
        ("stock < 3.5", Compare("stock", Order.AT_MOST, 3)),
        ("stock <= 3.5", Compare("stock", Order.AT_MOST, 3)),
        ("stock > 3.5", Compare("stock", Order.AT_LEAST, 4)),
        ("stock >= -3.5", Compare("stock", Order.AT_LEAST, -3)),
        ("stock < -3.5", Compare("stock", Order.AT_MOST, -4)),
        ("stock = 3.5", OneOf("stock", ())),
        ("stock = 3.0", OneOf("stock", (3,))),
        ("used = TRUE", OneOf("used", (True,))),
        ("released >= 2024-01-01", Compare("released", Order.AT_LEAST, DAY)),
        ('released = "2024-01-01T09:00:00+09:00"', OneOf("released", (DAY,))),
        ("released < 2024-01-01T00:00:00Z", Compare("released", Order.BELOW, DAY)),
        ("exists(ean)", Exists("ean")),
        ("EXISTS ( title )", Exists("title")),
        ("NOT exists(ean)", Not(Exists("ean"))),
        ("exists(ean) AND exists(brand) AND exists(tags)", And((Exists("ean"), Exists("brand"), Exists("tags")))),
        ("exists(ean) and (exists(brand) and exists(tags))", And((Exists("ean"), Exists("brand"), Exists("tags")))),
        (
            "exists(ean) OR exists(brand) AND NOT exists(tags)",
            Or((Exists("ean"), And((Exists("brand"), Not(Exists("tags")))))),
        ),
        (
            "(exists(ean) OR exists(brand)) AND used = true",
            And((Or((Exists("ean"), Exists("brand"))), OneOf("used", (True,)))),
        ),
        ('brand = "a\\"b\\\\c\\u00e9"', OneOf("brand", ('a"b\\cé',))),
        ("brand = 'it\\'s \"x\"'", OneOf("brand", ('it\'s "x"',))),
        ('brand = "x AND (y"', OneOf("brand", ("x AND (y",))),
        ('brand = "한국어\n\t\0"', OneOf("brand", ("한국어\n\t\0",))),
        ("\n price\n<\n5 ", Compare("price", Order.BELOW, 5.0)),
    ],
)
def test_an_expression_is_the_tree_it_says(text: str, tree: Filter) -> None:
    assert read(text) == tree
    assert read(filters.show(tree)) == tree
    assert read(filters.to_json(tree)) == tree


@pytest.mark.parametrize("blank", [None, "", " \n\t"])
def test_no_filter_is_none(blank: Any) -> None:
    assert read(blank) is None


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ('brand = "acer', 8, "this quote is never closed"),
        ("prize < 4", 0, "there is no field 'prize'; there is: price, "),
        ('brand = "a" AND colour = "b"', 16, "there is no field 'colour'"),
        ("price <", 7, "it ends too early; there should be a value"),
        ("(price < 5", 10, "it ends too early; there should be )"),
        ("price < 5)", 9, "')' cannot stand here"),
        ('price < "a"', 8, "'a' is no number"),
        ("price < true", 8, "True is no number"),
        ("price < 1e999", 8, "this number is infinite"),
        ('brand < "a"', 6, "'brand' is keyword, which is compared by = != IN and NOT IN alone"),
        ("used > true", 5, "'used' is boolean"),
        ("used = 1", 7, "1 is not true or false"),
        ("brand = 5", 8, "5 is no string; write it in quotes"),
        ("brand = 2024-01-01", 8, "is no string; write it in quotes"),
        ("brand = acer", 8, "'acer' cannot stand here; there should be a value"),
        (
            'title = "x"',
            0,
            "is text, which is searched and not filtered by; keyword fields are: id, brand, tags, ean, in",
        ),
        ("stock = 9007199254740993", 8, "beyond ±2^53"),
        ("released = 2024-13-01", 11, "is no date; write one such as 2024-01-31"),
        ('released = "soon"', 11, "'soon' is no date"),
        ("released = 5", 11, "5 is no date"),
        ("price == 5", 7, "'=' cannot stand here"),
        ("price < 5 price > 3", 10, "'price' cannot stand here; there should be AND, OR or the end"),
        ("brand IN [5]", 10, "5 is no string"),
        ('brand = "a\\x"', 8, "an escape that is none"),
        ("price < 5 AND", 13, "it ends too early"),
        ("OR exists(ean)", 3, "cannot stand here"),
        ("price < 5; DROP", 9, "cannot stand here"),
        ('brand = "\\ud800"', 8, "not valid Unicode"),
    ],
)
def test_what_is_wrong_is_pointed_at(text: str, at: int, says: str) -> None:
    with pytest.raises(FilterError) as wrong:
        read(text)
    said = str(wrong.value)
    assert says in said
    assert wrong.value.position == at
    *_, line, caret = said.split("\n")
    assert caret.index("^") == 2 + at
    assert line.strip()
    assert wrong.value.field == "filter"


def test_the_caret_stands_below_the_line_that_is_wrong() -> None:
    with pytest.raises(FilterError) as wrong:
        read('brand = "a"\n  AND prize < 5')
    assert str(wrong.value).endswith("\n    AND prize < 5\n        ^")
    assert wrong.value.position == 18


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"field": "prize", "op": "=", "value": 1}, "at /field: there is no field 'prize'"),
        (
            {"and": [{"exists": "ean"}, {"field": "price", "op": "<", "value": "a"}]},
            "at /and/1/value: 'a' is no number",
        ),
        ({"or": {"exists": "ean"}}, "at /or: it is a list of conditions"),
        ({"field": "brand", "op": "like", "value": "a"}, "at /op: the operator 'like' is none; there is =, !="),
        ({"field": "brand", "op": "in", "value": "a"}, "at /value: in takes a list of values"),
        ({"field": "brand", "op": "=", "value": ["a"]}, "at /value: = takes one value"),
        ({"field": 5, "op": "=", "value": 1}, "at /field: a field's name is a string"),
        ({"not": 5}, "at /not: a condition is an object"),
        ({"exists": "nothing"}, "at /exists: there is no field"),
        ({}, "its keys are"),
        ({"field": "brand"}, "its keys are"),
        ({"field": "brand", "op": ["in"], "value": 1}, "at /op: the operator"),
        ({"field": "price", "op": "=", "value": float("nan")}, "at /value: this number is infinite"),
        ({"field": "price", "op": "=", "value": 10**400}, "at /value: this number is infinite"),
    ],
)
def test_json_that_is_wrong_is_pointed_at_by_its_pointer(given: Any, says: str) -> None:
    with pytest.raises(FilterError) as wrong:
        read(given)
    assert says in str(wrong.value)
    assert wrong.value.position is None


@pytest.mark.parametrize("given", [5, ["price"], True])
def test_what_is_neither_text_nor_json_is_refused(given: Any) -> None:
    with pytest.raises(FilterError, match="give an expression"):
        read(given)


def nested(levels: int) -> dict[str, Any]:
    tree: dict[str, Any] = {"exists": "ean"}
    for _ in range(levels):
        tree = {"not": tree}
    return tree


def test_bounds_hold_before_anything_is_searched() -> None:
    assert read("(" * 50 + "exists(ean)" + ")" * 50) == Exists("ean")
    assert read(nested(20)) is not None
    for given in (
        "(" * 51 + "exists(ean)" + ")" * 51,
        "(" * 10_000,
        "NOT " * 101 + "exists(ean)",
        "NOT " * 21 + "exists(ean)",
        nested(21),
        nested(60),
        " OR ".join(["exists(ean)"] * 501),
        f"stock IN [{','.join(map(str, range(1001)))}]",
        f'brand = "{"x" * 4097}"',
        "x" * 65_537,
    ):
        with pytest.raises(FilterError):
            read(given)
    assert read(f"stock IN [{','.join(map(str, range(1000)))}]") is not None
    assert read(f'brand = "{"(" * 60} not in {"NOT " * 200}"') is not None  # a string nests nothing


def test_a_document_satisfies_a_filter_or_its_complement() -> None:
    document = {"title": "T", "brand": "acer", "tags": ["a", "b"], "price": 5, "released": "2024-01-01", "stock": []}
    of = facts("7", document, SCHEMA)
    for text, expected in [
        ('brand = "acer"', True),
        ('brand != "acer"', False),
        ('tags = "b"', True),
        ('tags != "b"', False),
        ('tags IN ["x", "a"]', True),
        ("rating > 1", False),
        ("NOT rating > 1", True),
        ("rating != 1", True),
        ("exists(title)", True),
        ("exists(stock)", False),
        ('ean != "x"', True),
        ("released = 2024-01-01T00:00:00Z", True),
        ('id IN ["7"]', True),
        ("price = 5.0", True),
    ]:
        tree = read(text)
        assert tree is not None
        assert matches(tree, of) is expected, text
        assert matches(Not(tree), of) is not expected, text


def test_filters_are_joined_and_taken_apart() -> None:
    red, cheap = OneOf("brand", ("red",)), Compare("price", Order.BELOW, 5.0)
    assert both(None, red) == both(red, None) == red
    assert both(red, And((cheap, red))) == And((red, cheap, red))
    assert without(And((red, cheap)), "brand") == cheap
    assert without(And((red, cheap, Not(cheap))), "brand") == And((cheap, Not(cheap)))
    assert without(red, "brand") is None
    assert without(Or((red, cheap)), "brand") == Or((red, cheap))
    assert without(None, "brand") is None


def asked(*given: Any, tree: Filter | None = None, disjunctive: bool = False) -> tuple[Facet, ...]:
    return facets.read(given, SCHEMA, tree, disjunctive=disjunctive)


def test_facets_are_asked_by_name_or_in_detail() -> None:
    assert asked("brand", "price", "used") == (
        Facet("brand", Terms("brand", 10)),
        Facet("price", Extent("price")),
        Facet("used", Terms("used", 10)),
    )
    assert asked(
        {"field": "brand", "size": 3, "name": "few"},
        {"field": "price", "ranges": [[None, 100], {"from": 100}]},
        {"field": "stock", "interval": 50},
        {"field": "released", "type": "histogram", "interval": "month"},
        {"field": "released", "ranges": [["2024-01-01", None]], "name": "new"},
    ) == (
        Facet("few", Terms("brand", 3)),
        Facet("price", Ranges("price", ((None, 100), (100, None)))),
        Facet("stock", Histogram("stock", 50.0)),
        Facet("released", Histogram("released", Step.MONTH)),
        Facet("new", Ranges("released", ((DAY, None),))),
    )
    assert facets.to_json(asked({"field": "released", "ranges": [["2024-01-01", None]]})[0])["ranges"] == [
        ["2024-01-01", None]
    ]


def test_a_disjunctive_facet_is_counted_without_the_filter_on_its_own_field() -> None:
    tree = And((OneOf("brand", ("acer",)), Compare("price", Order.BELOW, 5.0)))
    brand, price = asked("brand", "price", tree=tree, disjunctive=True)
    assert (brand.filter, price.filter) == (tree.parts[1], tree.parts[0])
    assert asked("brand", tree=tree)[0].filter == tree


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("prize", "there is nothing to count by 'prize'; there is: price"),
        ("title", "there is nothing to count by 'title'"),
        (5, "5 is no facet"),
        ({"field": "brand", "type": "histogram", "interval": 5}, "'brand' is keyword and takes a facet of type terms"),
        ({"field": "price", "type": "terms"}, "takes a facet of type ranges or histogram or extent, not 'terms'"),
        ({"field": "brand", "size": 0}, "a whole number from 1 to 1000"),
        ({"field": "brand", "size": 1001}, "a whole number from 1 to 1000"),
        ({"field": "brand", "colour": 1}, "a facet of type terms has no colour"),
        ({"field": "price", "ranges": []}, "give a list such as"),
        ({"field": "price", "ranges": [[1, 2, 3]]}, "write [from, to]"),
        ({"field": "price", "ranges": [[2, 1]]}, "ends before it begins"),
        ({"field": "price", "ranges": [["a", 1]]}, "'a' is no number"),
        ({"field": "released", "ranges": [[1, None]]}, "1 is no date"),
        ({"field": "price", "interval": 0}, "it is a number above 0"),
        ({"field": "price", "interval": float("inf")}, "it is a number above 0"),
        ({"field": "released", "interval": 5}, "it is one of: day, month, year"),
        ({"field": "brand", "name": ""}, "a facet's name is a string"),
    ],
)
def test_a_facet_that_cannot_be_counted_is_refused(given: Any, says: str) -> None:
    with pytest.raises(QueryError) as wrong:
        asked(given)
    assert says in str(wrong.value)
    assert wrong.value.field == "facets"


def test_facets_have_different_names_and_are_twenty_at_most() -> None:
    with pytest.raises(QueryError, match="two facets are named 'brand'"):
        asked("brand", "brand")
    with pytest.raises(QueryError, match="21 facets; 20 are the most"):
        asked(*["brand"] * 21)
