"""Where do documents come from? Files of JSON lines, JSON, CSV and Parquet, and BEIR folders, read as streams."""

from __future__ import annotations

import csv
import gzip
import importlib
import io
import math
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from hybrid.errors import InputError, MissingExtra
from hybrid.indexing.documents import Located, Malformed
from hybrid.schema import EXACT_INTEGER

Row: TypeAlias = dict[str, Any] | Malformed

_SAMPLE = 1000
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_BOM = b"\xef\xbb\xbf"
_LONGEST_CELL = 1 << 30


def read(path: Path) -> Iterator[Row]:
    """The documents of a file or BEIR folder, one by one; what cannot be read is a Malformed in its place.

    By name: .jsonl and .ndjson (also .gz), .json, .csv, .tsv, .parquet; "-" is JSON lines on standard
    input. Raises InputError where there is no such file or its kind is not known.
    """
    if str(path) == "-":
        return _json_lines("standard input", sys.stdin.buffer)
    if path.is_dir():
        return (_from_beir(row) for row in _open_lines(_corpus(path)))
    if not path.is_file():
        raise InputError(f"there is no file {path}. Check the path; '-' reads JSON lines from standard input")
    reader = _READERS.get(_kind(path))
    if reader is None:
        raise InputError(f"{path}: files named like this cannot be read; there is {', '.join(sorted(_READERS))}")
    return reader(path)


def count(path: Path) -> int | None:
    """About how many documents a file has, for a progress bar; None where counting is not cheap."""
    file = _corpus(path) if path.is_dir() else path
    if not file.is_file() or _kind(file) not in (".jsonl", ".ndjson", ".csv", ".tsv"):
        return None
    with _opened(file) as lines:
        return sum(block.count(b"\n") for block in iter(lambda: lines.read(1 << 20), b""))


def _kind(path: Path) -> str:
    return (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()


def _corpus(folder: Path) -> Path:
    found = [folder / name for name in ("corpus.jsonl", "corpus.jsonl.gz") if (folder / name).is_file()]
    if not found:
        raise InputError(
            f"{folder} is a folder without corpus.jsonl, so not a BEIR data set. Name the files in it instead"
        )
    return found[0]


@contextmanager
def _opened(path: Path) -> Iterator[io.BufferedIOBase]:
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} is not a whole gzip file ({error}). Make it again, or unpack it first") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}. Check the file and its rights") from error


def _open_lines(path: Path) -> Iterator[Row]:
    with _opened(path) as file:
        yield from _json_lines(str(path), file)


def _json_lines(name: str, lines: Iterable[bytes]) -> Iterator[Row]:
    for number, raw in enumerate(lines, 1):
        line = raw.removeprefix(_BOM) if number == 1 else raw
        if line.strip():
            yield _parsed(f"{name}, line {number}", line)


def _parsed(where: str, line: bytes) -> Row:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Malformed(where, f"this is not JSON ({_fault(error)}). Each line must be one JSON object")
    return _object(where, value)


def _object(where: str, value: Any) -> Row:
    if isinstance(value, dict):
        return Located(value, where)
    return Malformed(where, f"a document is a JSON object, not {_json_type(value)}")


def _fault(error: orjson.JSONDecodeError) -> str:
    """What is wrong within the line; the line itself is named by the caller."""
    return "not UTF-8" if "UTF-8" in error.msg else f"{error.msg}, character {error.colno}"


def _json_type(value: Any) -> str:
    return {list: "a list", str: "a string", bool: "a boolean", type(None): "null"}.get(type(value), "a number")


def _from_beir(row: Row) -> Row:
    """A BEIR row as a document: `_id` is the id, `metadata` is spread out beside title and text."""
    if isinstance(row, Malformed):
        return row
    metadata = row.get("metadata") or {}
    body = {name: value for name, value in row.items() if name not in ("_id", "metadata")}
    named = row.get("_id", row.get("id"))
    spread = {**(metadata if isinstance(metadata, Mapping) else {}), **body, "id": named}
    return Located(spread, row.where) if isinstance(row, Located) else spread


def _json_file(path: Path) -> Iterator[Row]:
    """A list of objects, or one object without an id whose only list holds them."""
    with _opened(path) as file:
        try:
            value = orjson.loads(file.read().removeprefix(_BOM))
        except orjson.JSONDecodeError as error:
            raise InputError(f"{path} is not JSON: {error}. For one object a line, name the file .jsonl") from error
    if isinstance(value, dict) and "id" not in value:
        lists = [of for of in value.values() if isinstance(of, list)]
        value = lists[0] if len(lists) == 1 else [value]
    for number, one in enumerate(value if isinstance(value, list) else [value], 1):
        yield _object(f"{path}, item {number}", one)


def _table(path: Path) -> Iterator[Row]:
    """The rows of a CSV or TSV file with a header; a column of numbers or booleans becomes such, the id never."""
    try:
        with _opened(path) as binary, io.TextIOWrapper(binary, "utf-8-sig", newline="") as file:  # type: ignore[type-var]
            yield from _table_rows(
                path, csv.DictReader(file, dialect="excel-tab" if _kind(path) == ".tsv" else "excel")
            )
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 ({error.reason}). Save it as UTF-8 and try again") from error
    except csv.Error as error:
        raise InputError(f"{path} cannot be read as a table: {error}. Check its quotes") from error


def _table_rows(path: Path, reader: csv.DictReader[str]) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_CELL)
    _check_separator(path, reader.fieldnames or ())
    rows = ((reader.line_num, row) for row in reader)
    sample = list(islice(rows, _SAMPLE))
    kinds = {name: _column_kind([row.get(name) for _, row in sample]) for name in reader.fieldnames or ()} | {"id": str}
    for line, row in chain(sample, rows):  # of a row of several lines, the last one
        yield _typed(f"{path}, line {line}", row, kinds)


def _check_separator(path: Path, header: Sequence[str]) -> None:
    """Nothing, where the header has several columns, or one whose name is plain. Raises InputError."""
    if len(header) == 1 and (found := next((one for one in ";\t|," if one in header[0]), None)):
        wanted = "tabs" if _kind(path) == ".tsv" else "commas"
        raise InputError(
            f"{path}: all of the header is one column, {header[0]!r}. Cells of a {_kind(path)} file are separated by "
            f"{wanted}, not by {found!r}; save it so" + (", or name the file .tsv" if found == "\t" else "")
        )


def _typed(where: str, row: Mapping[Any, Any], kinds: Mapping[str, Callable[[str], Any]]) -> Row:
    if None in row:
        return Malformed(where, "it has more cells than the header. Quote cells that hold the separator")
    return Located({name: _convert(kinds[name], cell) for name, cell in row.items() if cell not in (None, "")}, where)


def _convert(kind: Callable[[str], Any], cell: str) -> Any:
    try:
        return kind(cell)
    except ValueError:
        return cell  # the schema's own check tells what is wrong with it


def _boolean(cell: str) -> bool:
    if cell.lower() not in ("true", "false"):
        raise ValueError(cell)
    return cell.lower() == "true"


def _whole(cell: str) -> int:
    value = int(cell)
    if str(value) != cell or abs(value) > EXACT_INTEGER:
        raise ValueError(cell)  # 007, +1 and bar codes are names, not numbers
    return value


def _number(cell: str) -> float:
    value = float(cell)
    exact = "." in cell or abs(value) < EXACT_INTEGER
    if not (math.isfinite(value) and exact and _NUMBER.fullmatch(cell)):
        raise ValueError(cell)
    return value


def _column_kind(cells: Iterable[str | None]) -> Callable[[str], Any]:
    values = [cell for cell in cells if cell]
    for kind in (_whole, _number, _boolean):
        if values and all(type(_convert(kind, value)) is not str for value in values):
            return kind
    return str


def _parquet(path: Path) -> Iterator[Row]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingExtra("parquet", f"reading {path.name}") from error
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_SAMPLE):
            yield from batch.to_pylist()


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    ".jsonl": _open_lines,
    ".ndjson": _open_lines,
    ".json": _json_file,
    ".csv": _table,
    ".tsv": _table,
    ".parquet": _parquet,
}
