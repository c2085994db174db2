"""How is a filter written? Expression text, read by lark into conditions that no schema has been asked about yet."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from hybrid.errors import FilterError

MAX_CHARACTERS = 65_536
MAX_DEPTH = 50
MAX_NEGATIONS = 100
MAX_CONDITIONS = 500
MAX_VALUES = 1_000

_NESTING = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[()]|\bnot\b(?!\s+in\b)""", re.IGNORECASE | re.DOTALL)
"""What nests, and strings, in which nothing does."""

GRAMMAR = r"""
?start: either
?either: every (_OR every)*
?every: negated (_AND negated)*
?negated: _NOT negated -> negation
    | condition
?condition: "(" either ")"
    | field OPERATOR value -> comparison
    | field _IN "[" [value ("," value)*] "]" -> among
    | field _NOT _IN "[" [value ("," value)*] "]" -> not_among
    | _EXISTS "(" field ")" -> existence
field: NAME | QUOTED_NAME
value: DOUBLE_QUOTED | SINGLE_QUOTED | DATE | NUMBER | TRUE | FALSE

_OR.3: /OR\b/i
_AND.3: /AND\b/i
_NOT.3: /NOT\b/i
_IN.3: /IN\b/i
_EXISTS.3: /EXISTS\b/i
TRUE.3: /TRUE\b/i
FALSE.3: /FALSE\b/i
OPERATOR: "!=" | "<=" | ">=" | "=" | "<" | ">"
NAME.1: /[A-Za-z][A-Za-z0-9_]*/
QUOTED_NAME: /`[A-Za-z][A-Za-z0-9_]*`/
DATE.2: /\d{4}-\d\d-\d\d([T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:?\d\d)?)?/
NUMBER.1: /[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?/
DOUBLE_QUOTED: /"(\\.|[^"\\])*"/s
SINGLE_QUOTED: /'(\\.|[^'\\])*'/s
%ignore /\s+/
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: in an expression, from character `at`, from 0; or in JSON, at a pointer."""

    text: str = ""
    at: int = 0
    pointer: str | None = None

    def error(self, said: str) -> FilterError:
        """The error that says so, with the line and a caret under the place, or with the JSON pointer."""
        if self.pointer is not None:
            return FilterError(f"the filter cannot be used at {self.pointer or '/'}: {said}", pointer=self.pointer)
        start = self.text.rfind("\n", 0, self.at) + 1
        line = self.text[start:].partition("\n")[0]
        shift = max(0, self.at - start - 60)
        shown = "".join(char if char.isprintable() else " " for char in line[shift : shift + 100])
        return FilterError(
            f"the filter cannot be used: {said}\n  {shown}\n  {' ' * (self.at - start - shift)}^", position=self.at
        )


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it was written. value: str, bool, int, float; or, of a bare date, its text with `dated`."""

    value: Any
    place: Place
    dated: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """A field, what is asked of it (=, <, <=, >, >=, in, exists), and the values that it is compared with.

    place: of the field; sign: of the operator.
    """

    field: str
    asked: str
    values: tuple[Literal, ...]
    place: Place
    sign: Place


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts joined by `and` or `or`, or, by `not`, all documents but those of the one part."""

    by: str
    parts: tuple[Parsed, ...]


Parsed: TypeAlias = Condition | Joined
"""A filter as it was written."""


def parsed(text: str) -> Parsed:
    """The conditions of an expression. Raises FilterError pointing at the character that is wrong."""
    if len(text) > MAX_CHARACTERS:
        raise FilterError(
            f"the filter has {len(text)} characters; {MAX_CHARACTERS} are the most", position=MAX_CHARACTERS
        )
    _check_depth(text)
    try:
        tree = _lark().parse(text)
    except UnexpectedInput as error:
        raise _explained(text, error) from error
    try:
        built: Parsed = _Builder(text).transform(tree)
    except VisitError as error:
        raise error.orig_exc from None
    return built


@cache
def _lark() -> Lark:
    return Lark(GRAMMAR, parser="lalr", maybe_placeholders=False)


def _check_depth(text: str) -> None:
    """Refuses what is nested too deep before it is parsed."""
    depth = negations = 0
    for found in _NESTING.finditer(text):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        negations += found[0].casefold() == "not"
        if depth > MAX_DEPTH + 1 or negations > MAX_NEGATIONS:
            said = f"it is nested more than {MAX_DEPTH} deep, or has more than {MAX_NEGATIONS} NOTs; write it flatter"
            raise Place(text, found.start()).error(said)


def _explained(text: str, error: UnexpectedInput) -> FilterError:
    at = len(text.rstrip()) if error.pos_in_stream is None else min(error.pos_in_stream, len(text))
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return Place(text, len(text.rstrip())).error(f"it ends too early; there should be {_expected(error.accepts)}")
    if isinstance(error, UnexpectedCharacters) and text[at : at + 1] in ("'", '"', "`"):
        return Place(text, at).error("this quote is never closed")
    known = error.accepts if isinstance(error, UnexpectedToken) else getattr(error, "allowed", ())
    found = text[at : at + 20].split()
    return Place(text, at).error(
        f"{found[0] if found else 'the end'!r} cannot stand here; there should be {_expected(known)}"
    )


_NAMED = {
    "NAME": "a field",
    "QUOTED_NAME": "a field",
    "OPERATOR": "= != < <= > >=",
    "_IN": "IN",
    "_NOT": "NOT",
    "_AND": "AND",
    "_OR": "OR",
    "_EXISTS": "exists(field)",
    "LPAR": "(",
    "RPAR": ")",
    "LSQB": "[",
    "RSQB": "]",
    "COMMA": ",",
    "$END": "the end",
} | dict.fromkeys(("DOUBLE_QUOTED", "SINGLE_QUOTED", "DATE", "NUMBER", "TRUE", "FALSE"), "a value")


def _expected(tokens: Iterable[str] | None) -> str:
    """What may stand at a place, in words."""
    words = list(dict.fromkeys(_NAMED[one] for one in _NAMED if one in set(tokens or ())))
    return ", ".join(words[:-1]) + " or " + words[-1] if len(words) > 1 else (words or ["something else"])[0]


@v_args(inline=True)
class _Builder(Transformer[Token, Parsed]):
    """Makes conditions of lark's tree."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def _place(self, token: Token) -> Place:
        return Place(self._text, token.start_pos or 0)

    def field(self, token: Token) -> Token:
        return token

    def value(self, token: Token) -> Literal:
        place = self._place(token)
        if token.type == "NUMBER":
            return Literal(_number(str(token)), place)
        if token.type in ("TRUE", "FALSE"):
            return Literal(token.type == "TRUE", place)
        return Literal(str(token) if token.type == "DATE" else self._unquoted(token), place, token.type == "DATE")

    def _unquoted(self, token: Token) -> str:
        body = str(token)[1:-1]
        if token.type == "SINGLE_QUOTED":
            body = _SINGLE.sub(lambda found: {"\\'": "'", '"': '\\"'}.get(found[0], found[0]), body)
        try:  # the escapes of JSON; control characters may stand for themselves
            text: str = json.loads(f'"{body}"', strict=False)
        except ValueError:
            said = 'this string has an escape that is none; write \\\\ for a backslash, \\" for a quote'
            raise self._place(token).error(said) from None
        return text

    def comparison(self, field: Token, operator: Token, value: Literal) -> Parsed:
        place = self._place(operator)
        if operator == "!=":
            return Joined("not", (Condition(_name(field), "=", (value,), self._place(field), place),))
        return Condition(_name(field), str(operator), (value,), self._place(field), place)

    def among(self, field: Token, *values: Literal) -> Parsed:
        return Condition(_name(field), "in", values, self._place(field), self._place(field))

    def not_among(self, field: Token, *values: Literal) -> Parsed:
        return Joined("not", (self.among(field, *values),))

    def existence(self, field: Token) -> Parsed:
        return Condition(_name(field), "exists", (), self._place(field), self._place(field))

    def negation(self, part: Parsed) -> Parsed:
        return Joined("not", (part,))

    def every(self, *parts: Parsed) -> Parsed:
        return Joined("and", parts)

    def either(self, *parts: Parsed) -> Parsed:
        return Joined("or", parts)


_SINGLE = re.compile(r"\\.|\"", re.DOTALL)


def _name(token: Token) -> str:
    return str(token).strip("`")


def _number(text: str) -> int | float:
    return int(text) if re.fullmatch(r"[-+]?\d+", text) and len(text) < 400 else float(text)
