"""Files as documents: each kind, and each way in which a file can be broken."""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import hybrid
from hybrid.errors import InputError, MissingExtra
from hybrid.indexing.documents import Malformed
from hybrid.indexing.sources import count, read
from tests.embedders import HashedWords

BOM = b"\xef\xbb\xbf"


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as refused:
        list(read(path))
    return str(refused.value)


def test_json_lines_are_read_and_broken_ones_named_with_the_rest_kept(file: Any) -> None:
    path = file("a.jsonl", '{"id": 1}\n\n{"id": \n[1]\n"s"\nnull\ntrue\n5\n{"id": NaN}\n  \r\n{"id": "2"}')
    found = list(read(path))
    assert [row for row in found if isinstance(row, dict)] == [{"id": 1}, {"id": "2"}]
    broken = {row.where: row.reason for row in found if isinstance(row, Malformed)}
    assert list(broken) == [f"{path}, line {number}" for number in (3, 4, 5, 6, 7, 8, 9)]
    assert "this is not JSON (" in broken[f"{path}, line 3"]
    shown = [
        broken[f"{path}, line {number}"].removeprefix("a document is a JSON object, not ") for number in range(4, 9)
    ]
    assert shown == ["a list", "a string", "null", "a boolean", "a number"]


def test_bytes_that_are_no_text_break_one_line_only(file: Any) -> None:
    found = list(read(file("a.ndjson", b'{"id": "1"}\n{"id": "\xff"}\n{"id": "\\ud800"}\n{"id": "2"}\n')))
    assert [isinstance(row, Malformed) for row in found] == [False, True, True, False]


def test_a_byte_order_mark_is_no_part_of_the_first_document(file: Any) -> None:
    assert list(read(file("a.jsonl", BOM + b'{"id": 1}\n'))) == [{"id": 1}]
    assert list(read(file("a.json", BOM + b'[{"id": 1}]'))) == [{"id": 1}]
    assert list(read(file("a.csv", BOM + b"id,a\n1,x\n"))) == [{"id": "1", "a": "x"}]


@pytest.mark.parametrize(
    ("name", "header", "says"),
    [
        ("a.csv", "id;title", "separated by commas, not by ';'; save it so"),
        ("a.csv", "id\ttitle", "separated by commas, not by '\\t'; save it so, or name the file .tsv"),
        ("a.tsv", "id,title", "separated by tabs, not by ','; save it so"),
    ],
)
def test_a_table_with_another_separator_is_told_so(file: Any, name: str, header: str, says: str) -> None:
    said = refusal(file(name, f"{header}\n1{header[2]}lamp\n"))
    assert says in said
    assert f"one column, {header!r}" in said
    assert list(read(file(name, "id\n1\n"))) == [{"id": "1"}]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_an_empty_file_has_no_documents_or_is_refused(file: Any, name: str) -> None:
    path = file(name, "")
    if name == "a.json":
        assert "is not JSON" in refusal(path)
    else:
        assert list(read(path)) == []


def test_compressed_files_are_read(file: Any) -> None:
    lines = b'{"id": 1}\n{"id": 2}\n'
    assert list(read(file("a.jsonl.gz", gzip.compress(lines)))) == [{"id": 1}, {"id": 2}]
    assert list(read(file("a.csv.gz", gzip.compress(b"id\n1\n")))) == [{"id": "1"}]
    assert list(read(file("a.json.gz", gzip.compress(b"[]")))) == []


def test_a_compressed_file_that_is_none_or_not_whole_is_refused(file: Any) -> None:
    assert "is not a whole gzip file" in refusal(file("a.jsonl.gz", '{"id": 1}'))
    packed = gzip.compress(b'{"id": 1}\n' * 5000)
    assert "is not a whole gzip file" in refusal(file("b.jsonl.gz", packed[:-20]))
    assert "is not a whole gzip file" in refusal(file("c.csv.gz", b"nothing"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"id": 1}, {"id": 2}]', [{"id": 1}, {"id": 2}]),
        ('{"documents": [{"id": 1}], "version": 3}', [{"id": 1}]),
        ('{"id": 1, "tags": ["a", "b"]}', [{"id": 1, "tags": ["a", "b"]}]),
        ('{"id": 1}', [{"id": 1}]),
        ("[]", []),
    ],
)
def test_a_json_file_is_a_list_or_an_object_around_one_or_a_document(file: Any, text: str, expected: Any) -> None:
    assert list(read(file("a.json", text))) == expected


def test_an_item_of_a_json_file_that_is_no_object_is_named(file: Any) -> None:
    path = file("a.json", '[{"id": 1}, "x", {"id": 2}]')
    assert list(read(path))[1] == Malformed(f"{path}, item 2", "a document is a JSON object, not a string")
    assert list(read(file("b.json", "5"))) == [
        Malformed(f"{path.with_name('b.json')}, item 1", "a document is a JSON object, not a number")
    ]


def test_json_lines_named_json_are_told_to_be_named_so(file: Any) -> None:
    assert "For one object a line, name the file .jsonl" in refusal(file("a.json", '{"id": 1}\n{"id": 2}\n'))


def column(file: Any, *cells: str) -> list[Any]:
    text = "id,f\n" + "".join(
        f"{number},{json.dumps(cell) if ',' in cell else cell}\n" for number, cell in enumerate(cells)
    )
    return [row.get("f") for row in read(file("a.csv", text)) if isinstance(row, dict)]


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "-2", "0"], [1, -2, 0]),
        (["1", "2.5"], [1.0, 2.5]),
        (["1.50", ".5", "1e3", "-2E-1"], [1.5, 0.5, 1000.0, -0.2]),
        (["true", "FALSE"], [True, False]),
        (["1", "", "3"], [1, None, 3]),
        (["007", "1"], ["007", "1"]),
        (["00.5", "1"], ["00.5", "1"]),
        (["+1", "2"], ["+1", "2"]),
        (["1_000", "2"], ["1_000", "2"]),
        (["１２", "3"], ["１２", "3"]),
        (["12345678901234567890", "1"], ["12345678901234567890", "1"]),
        (["9007199254740992"], [2**53]),
        (["9007199254740993"], ["9007199254740993"]),
        (["nan", "1"], ["nan", "1"]),
        (["inf", "1"], ["inf", "1"]),
        (["1", "x"], ["1", "x"]),
        (["true", "1"], ["true", "1"]),
        (["", ""], [None, None]),
    ],
)
def test_a_column_has_one_type_and_names_stay_names(file: Any, cells: list[str], values: list[Any]) -> None:
    found = column(file, *cells)
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


def test_a_cell_that_does_not_fit_its_column_stays_a_string_for_the_schema_to_refuse(file: Any) -> None:
    cells = ["1"] * 1000 + ["many"]
    assert column(file, *cells)[-1] == "many"


@pytest.mark.parametrize("one", ["1.10", "1e5", "true", "007", "42"])
def test_an_id_of_a_table_stays_as_it_is_written(file: Any, one: str) -> None:
    assert list(read(file("a.csv", f"id,a\n{one},x\n"))) == [{"id": one, "a": "x"}]


def test_a_row_with_too_many_cells_is_named_and_one_with_too_few_is_taken(file: Any) -> None:
    path = file("a.csv", "id,a\n1,x,y\n2\n3,z\n")
    found = list(read(path))
    assert isinstance(found[0], Malformed)
    assert found[0].where == f"{path}, line 2"
    assert "more cells than the header" in found[0].reason
    assert found[1:] == [{"id": "2"}, {"id": "3", "a": "z"}]


def test_quoted_cells_hold_commas_quotes_lines_and_a_megabyte(file: Any) -> None:
    long = "x" * 1_000_000
    path = file("a.csv", f'id,a,b\n1,"x, ""y""\nz",{long}\n')
    assert list(read(path)) == [{"id": "1", "a": 'x, "y"\nz', "b": long}]


def test_tabs_part_the_cells_of_a_tsv(file: Any) -> None:
    assert list(read(file("a.tsv", "id\ta\n1\tx,y\n"))) == [{"id": "1", "a": "x,y"}]


def test_a_table_that_is_not_utf_8_is_refused(file: Any) -> None:
    assert "is not UTF-8" in refusal(file("a.csv", "id,a\n1,é\n".encode("latin-1")))


def test_a_beir_folder_gives_its_corpus(file: Any) -> None:
    lines = [
        {"_id": "d1", "title": "T", "text": "X", "metadata": {"url": "u", "id": "other", "title": "no"}},
        {"_id": 2, "text": "Y", "metadata": None},
        {"id": "d3", "text": "Z", "metadata": "none"},
    ]
    path = file("set/corpus.jsonl", "\n".join(map(json.dumps, lines)) + "\nbroken\n")
    found = list(read(path.parent))
    assert found[:3] == [
        {"id": "d1", "title": "T", "text": "X", "url": "u"},
        {"id": 2, "text": "Y"},
        {"id": "d3", "text": "Z"},
    ]
    assert isinstance(found[3], Malformed)
    assert count(path.parent) == 4


def test_a_compressed_beir_corpus_is_found(file: Any) -> None:
    path = file("set/corpus.jsonl.gz", gzip.compress(b'{"_id": "1", "text": "x"}\n'))
    assert list(read(path.parent)) == [{"id": "1", "text": "x"}]


def test_a_folder_that_is_no_beir_set_is_refused(tmp_path: Path) -> None:
    assert "is a folder without corpus.jsonl" in refusal(tmp_path)
    with pytest.raises(InputError, match="Name the files in it instead"):
        count(tmp_path)


def test_a_missing_file_and_an_unknown_kind_are_refused_at_once(file: Any) -> None:
    with pytest.raises(InputError, match=r"there is no file .*nothing\.jsonl"):
        read(Path("nothing.jsonl"))
    with pytest.raises(InputError, match=r"\.csv, \.json, \.jsonl, \.ndjson, \.parquet, \.tsv"):
        read(file("a.xlsx", ""))
    with pytest.raises(InputError, match="cannot be read"):
        read(file("noextension", ""))


def test_standard_input_is_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"id": 1}\n{\n')))
    found = list(read(Path("-")))
    assert found[0] == {"id": 1}
    assert isinstance(found[1], Malformed)
    assert found[1].where == "standard input, line 2"
    assert count(Path("-")) is None


def test_parquet_without_its_part_says_what_to_install(file: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)  # as Python itself says that a module is not there
    with pytest.raises(MissingExtra, match=r"reading a.parquet needs .*hybrid-engine\[parquet\]"):
        list(read(file("a.parquet", b"PAR1")))


def test_lines_are_counted_where_that_is_cheap(file: Any) -> None:
    assert count(file("a.jsonl", "{}\n{}\n")) == 2
    assert count(file("a.json", "[]")) is None
    assert count(Path("nothing.jsonl")) is None


def test_a_file_is_read_as_a_stream(file: Any) -> None:
    path = file("a.jsonl", '{"id": 1}\n' * 3)
    reader = read(path)
    assert next(reader) == {"id": 1}
    reader.close()  # type: ignore[attr-defined]


def test_a_document_that_the_schema_rejects_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "shop.jsonl"
    good = "".join(f'{{"id": "{n}", "title": "one"}}\n' for n in range(20))
    path.write_text(good + '\n{"title": "no id"}\n{"id": "x", "title": 3}\n')
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        report = engine.put(read(path))
    assert [problem.reason.split(": ")[0] for problem in report.problems] == [f"{path}, line 22", f"{path}, line 23"]
