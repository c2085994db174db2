"""What does a table say? Judgements, ratings and clicks from CSV and TSV files; every fault is told with its line."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hybrid.errors import InputError

_QUERY = ("query", "query-id", "query_id", "qid")
_DOCUMENT = ("id", "corpus-id", "corpus_id", "document-id", "document_id", "doc_id", "docid")
_GRADE = ("grade", "score", "relevance", "rating")
_RANK = ("rank", "position")
_CLICKED = ("clicked", "click", "clicks")
_FORMULA = ("=", "+", "-", "@")
MAX_GRADE = 1000
"""The greatest grade, and, below zero, the least: the memory that measuring takes grows with the greatest."""

_WHOLE = re.compile(r"-?[0-9]+(\.0*)?")
_CLICKS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


@dataclass(frozen=True, slots=True)
class Judged:
    """One row of judgements. grade: None where nobody gave one yet."""

    query: str
    document: str
    grade: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One document that was shown for a query. rank: from 1."""

    query: str
    document: str
    rank: int
    clicked: bool


def judgements(path: Path) -> Iterator[Judged]:
    """The rows of a table of query, document id and grade; without a header the columns go in this order.

    Raises InputError naming file and line.
    """
    for where, (query, document, grade) in _rows(path, (_QUERY, _DOCUMENT, _GRADE), headless=True):
        yield Judged(query, document, _grade(where, grade) if grade else None)


def _grade(where: str, cell: str) -> int:
    """The grade; a whole number may be written as 3.0 too, as data frames do. Raises InputError."""
    if not _WHOLE.fullmatch(cell):
        raise InputError(f"{where}: the grade is {cell!r}; give a whole number, 0 for wrong")
    digits = cell.partition(".")[0]
    grade = int(digits) if len(digits) < 9 else MAX_GRADE + 1  # longer than any, and int() refuses thousands of digits
    if abs(grade) > MAX_GRADE:
        raise InputError(f"{where}: the grade is {cell[:20]}; grades go from -{MAX_GRADE} to {MAX_GRADE}, 0 for wrong")
    return grade


def showings(path: Path) -> Iterator[Shown]:
    """The rows of a table of query, document id, rank and whether it was clicked. Raises InputError."""
    for where, (query, document, rank, click) in _rows(path, (_QUERY, _DOCUMENT, _RANK, _CLICKED)):
        if not (_is_whole(rank) and int(rank) >= 1):
            raise InputError(f"{where}: the rank is {rank!r}; ranks are whole numbers from 1")
        if click.lower() not in _CLICKS:
            raise InputError(f"{where}: clicked is {click!r}; it must be 0 or 1")
        yield Shown(query, document, int(rank), _CLICKS[click.lower()])


def guarded(cell: str) -> str:
    """The cell, with a quote before it where a spreadsheet would take it for a formula, and run it."""
    return f"'{cell}" if cell.lstrip("'").startswith(_FORMULA) else cell


def plain(cell: str) -> str:
    """The cell as it was before it was guarded."""
    return cell[1:] if cell.startswith("'") and guarded(cell) != cell else cell


@contextmanager
def opened(path: Path) -> Iterator[io.BufferedIOBase]:
    """The file, unpacked where its name ends in .gz. Raises InputError where it cannot be read."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} is not a whole gzip file ({error}). Make it again, or unpack it first") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}. Check the file and its rights") from error


def _rows(
    path: Path, columns: Sequence[Sequence[str]], *, headless: bool = False
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The cells of the columns, each column given by the names it may have, and where the row stands.

    The first two, query and document, must not be empty. headless: a first row whose third cell is a number is data.
    """
    places: Sequence[int] = ()
    for line, cells in _lines(path):
        where = f"{path}, line {line}"
        if not places:
            if headless and len(cells) >= len(columns) and _WHOLE.fullmatch(cells[2].strip()):
                places = range(len(columns))
            else:
                places = _places(where, cells, columns)
                continue
        if len(cells) <= max(places):
            raise InputError(f"{where}: {len(cells)} cells are too few; {_told(columns)} are needed")
        found = tuple(plain(cells[place].strip()) for place in places)
        if not (found[0] and found[1]):
            raise InputError(f"{where}: the {columns[1][0] if found[0] else columns[0][0]} is empty")
        yield where, found


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The lines that are not blank, in cells, each with its number from 1; of several, a quoted cell's last."""
    dialect = "excel-tab" if ".tsv" in path.suffixes else "excel"
    try:
        with opened(path) as binary, io.TextIOWrapper(binary, "utf-8-sig", newline="") as file:  # type: ignore[type-var]
            reader = csv.reader(file, dialect)
            yield from ((reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells))
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 ({error.reason}). Save it as UTF-8 and try again") from error
    except csv.Error as error:
        raise InputError(f"{path} cannot be read as a table: {error}. Check its quotes") from error


def _places(where: str, cells: Sequence[str], columns: Sequence[Sequence[str]]) -> list[int]:
    head = [cell.strip().lower() for cell in cells]
    found = [next((head.index(name) for name in names if name in head), -1) for names in columns]
    if -1 in found:
        raise InputError(f"{where}: the columns are {', '.join(head)}; {_told(columns)} are needed")
    return found


def _told(columns: Sequence[Sequence[str]]) -> str:
    return ", ".join(names[0] for names in columns)


def _is_whole(cell: str) -> bool:
    digits = cell.removeprefix("-")
    return digits.isascii() and digits.isdecimal()
