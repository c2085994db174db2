"""How do ratings leave and come back? As CSV, TREC or JSON; exported anew after an import, the bytes are the same."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import orjson

from hybrid.errors import DocumentError, InputError
from hybrid.evaluation.rated import Rating
from hybrid.evaluation.tables import MAX_GRADE, guarded, plain
from hybrid.schema import check_id

COLUMNS = ("query", "id", "grade", "judge")
NOBODY = "0"
"""What stands in a TREC file's second column where no judge is named."""

_UNSAFE = re.compile(r"[\s%\x00-\x1f\x7f]")
_WHOLE = re.compile(r"-?[0-9]{1,8}(\.0*)?")


@dataclass(frozen=True, slots=True)
class Row:
    """One rating and the line it stands on; of an item of JSON, its number. blank: nobody rated it yet."""

    line: int
    rating: Rating
    blank: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that cannot be read, and why."""

    line: int
    why: str


def written(ratings: Sequence[Rating], form: str) -> bytes:
    """The ratings as a file. TREC has no way to say "cannot tell", so these are left out there. Raises InputError."""
    return _form(form)[0](ratings).encode()


def read(body: bytes, form: str) -> tuple[list[Row], list[Fault]]:
    """The ratings of a file, and the lines that cannot be read. Raises InputError for what is no such file."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body[: error.start].count(b"\n") + 1
        raise InputError(f"line {line} is not UTF-8 ({error.reason}). Save the file as UTF-8 and try again") from error
    rows: list[Row] = []
    faults: list[Fault] = []
    for one in _form(form)[1](text):
        if isinstance(one, Fault):
            faults.append(one)
        else:
            rows.append(one)
    return rows, faults


def form_of(name: str) -> str:
    """What a file of this name holds: csv, trec or json. Raises InputError."""
    end = name.rpartition(".")[2].lower()
    found = {"csv": "csv", "json": "json", "trec": "trec", "qrels": "trec", "txt": "trec"}.get(end)
    if found is None:
        raise InputError(f"{name}: files named like this are not taken; there is .csv, .json, .trec, .qrels")
    return found


def _form(form: str) -> tuple[Callable[[Sequence[Rating]], str], Callable[[str], Iterator[Row | Fault]]]:
    if form not in FORMS:
        raise InputError(f"ratings are not written as {form!r}; there is: {', '.join(FORMS)}")
    return FORMS[form]


def _to_csv(ratings: Sequence[Rating]) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\r\n")  # so that a cell with either of the two is quoted
    writer.writerow(COLUMNS)
    for one in ratings:
        grade = "" if one.grade is None else str(one.grade)
        writer.writerow((guarded(one.query), guarded(one.document), grade, guarded(one.judge)))
    return file.getvalue()


def _of_csv(text: str) -> Iterator[Row | Fault]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    places: Mapping[str, int] = {}
    try:
        for cells in reader:
            if not cells:
                continue
            if not places:
                places = _places(cells)
            elif len(cells) < len(places):
                yield Fault(reader.line_num, f"{len(cells)} cells are too few; there are {len(places)} columns")
            else:
                found = {
                    name: plain(cells[place]) if name != "grade" else cells[place] for name, place in places.items()
                }
                yield _row(reader.line_num, found)
    except csv.Error as error:
        yield Fault(
            reader.line_num, f"it cannot be read as a table: {error}. Check its quotes, or whether it is cut off"
        )


def _places(cells: Sequence[str]) -> dict[str, int]:
    head = [cell.strip().lower() for cell in cells]
    places = {name: head.index(name) for name in COLUMNS if name in head}
    if missing := [name for name in COLUMNS[:3] if name not in places]:
        raise InputError(f"line 1: the columns are {', '.join(head)}; {', '.join(missing)} is missing")
    return places


def _to_trec(ratings: Sequence[Rating]) -> str:
    return "".join(
        f"{_safe(one.query)} {_judge(one.judge)} {_safe(one.document)} {one.grade}\n"
        for one in ratings
        if one.grade is not None
    )


def _judge(name: str) -> str:
    return "%30" if name == NOBODY else _safe(name) or NOBODY


def _of_trec(text: str) -> Iterator[Row | Fault]:
    for line, raw in enumerate(text.split("\n"), 1):
        cells = [cell for cell in re.split(r"[ \t\r]+", raw) if cell]
        if len(cells) == 4:
            query, judge, document, grade = cells
            judge = "" if judge == NOBODY else unquote(judge)
            yield _row(line, {"query": unquote(query), "id": unquote(document), "grade": grade, "judge": judge})
        elif cells:
            yield Fault(line, f"{len(cells)} columns; a line of TREC has query, judge or 0, id, and grade")


def _to_json(ratings: Sequence[Rating]) -> str:
    bodies = ({"query": one.query, "id": one.document, "grade": one.grade, "judge": one.judge} for one in ratings)
    return "[" + ",".join(f"\n{orjson.dumps(body).decode()}" for body in bodies) + "\n]\n"


def _of_json(text: str) -> Iterator[Row | Fault]:
    try:
        items = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InputError(f"line {error.lineno}: this is not JSON ({error.msg}), or it is cut off") from error
    if not isinstance(items, list):
        raise InputError('this is no JSON array of ratings: [{"query": …, "id": …, "grade": …, "judge": …}]')
    for number, item in enumerate(items, 2):  # as it is written here, an item a line, after the bracket
        if isinstance(item, dict) and all(isinstance(item.get(name, ""), str) for name in ("query", "id", "judge")):
            grade = item.get("grade")
            yield _row(number, {**item, "grade": "" if grade is None else str(grade)})
        else:
            yield Fault(number, "a rating is a JSON object with query, id and judge as strings")


def _row(line: int, found: Mapping[str, str]) -> Row | Fault:
    query, document, grade = found.get("query", ""), found.get("id", ""), found.get("grade", "").strip()
    if not query.strip():
        return Fault(line, "the query is empty")
    try:
        check_id(document)
    except DocumentError as error:
        return Fault(line, str(error))
    if grade and not _WHOLE.fullmatch(grade):
        return Fault(line, f"the grade is {grade[:20]!r}; give a whole number, 0 for wrong, or nothing for cannot tell")
    value = int(grade.partition(".")[0]) if grade else None
    if value is not None and abs(value) > MAX_GRADE:
        return Fault(line, f"the grade is {value}; grades go from -{MAX_GRADE} to {MAX_GRADE}")
    judge = found.get("judge", "")
    return Row(line, Rating(query, document, judge, value), blank=value is None and not judge)


def _safe(cell: str) -> str:
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), cell)


FORMS: Mapping[str, tuple[Callable[[Sequence[Rating]], str], Callable[[str], Iterator[Row | Fault]]]] = {
    "csv": (_to_csv, _of_csv),
    "trec": (_to_trec, _of_trec),
    "json": (_to_json, _of_json),
}
"""By name, how ratings are written and read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an import would do, and where there is a choice. differ: with the grade that is there."""

    rows: Sequence[Row]
    faults: Sequence[Fault]
    blank: int
    no_document: Sequence[Row]
    no_query: Sequence[Row]
    differ: Sequence[tuple[Row, int | None]]

    @property
    def clear(self) -> bool:
        """Whether there is nothing to choose."""
        return not (self.faults or self.no_document or self.no_query or self.differ)

    def taken(self, *, strangers: bool, replace: bool) -> list[Rating]:
        """The ratings to keep. strangers: those of unknown documents and queries too; replace: what is there."""
        left = set() if strangers else {row.line for row in (*self.no_document, *self.no_query)}
        left |= set() if replace else {row.line for row, _ in self.differ}
        return [row.rating for row in self.rows if row.line not in left]


def planned(
    body: bytes, form: str, there: Iterable[Rating], existing: Callable[[set[str]], set[str]], queries: set[str]
) -> Plan:
    """What importing a file would do. there: the ratings so far; existing: those of some ids that are documents.

    queries: those that are known; where there is none, any query is taken. Raises InputError.
    """
    found, faults = read(body, form)
    known = {(one.query, one.document, one.judge): one.grade for one in there}
    rows: list[Row] = []
    seen: dict[tuple[str, str, str], int] = {}
    for row in found:
        key = (row.rating.query, row.rating.document, row.rating.judge)
        if row.blank:
            continue
        if key in seen:
            faults.append(Fault(row.line, f"line {seen[key]} rates the same query and document"))
            continue
        seen[key] = row.line
        rows.append(row)
    documents = existing({row.rating.document for row in rows})
    return Plan(
        rows,
        sorted(faults, key=lambda one: one.line),
        sum(row.blank for row in found),
        [row for row in rows if row.rating.document not in documents],
        [row for row in rows if queries and row.rating.query not in queries],
        [
            (row, known[key])
            for row in rows
            for key in [(row.rating.query, row.rating.document, row.rating.judge)]
            if key in known and known[key] != row.rating.grade
        ],
    )
