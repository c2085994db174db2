"""The command line as a user meets it: what is printed, on which stream, with which exit code."""

from __future__ import annotations

import io
import json
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

import hybrid
from hybrid import cli, terminal
from hybrid.indexing.documents import content_hash, fingerprint
from hybrid.indexing.entries import Entry
from hybrid.model import Document, DocumentOutcome, Outcome, WriteReport

COMMANDS = (
    *(
        "adopt",
        "bench",
        "count",
        "delete",
        "demo",
        "eval",
        "export",
        "get",
        "index",
        "reindex",
        "repair",
        "search",
        "serve",
    ),
    *("status", "suggest", "tune", "update", "verify"),
)
HYBRID = (sys.executable, "-c", "from hybrid.cli import main; main()")


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `hybrid` with these arguments in an empty folder, on a collection whose documents bring their vectors."""
    monkeypatch.setenv("HYBRID_MODEL", "none")
    monkeypatch.setenv("COLUMNS", "160")

    def ran(*arguments: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "argv", ["hybrid", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        code = 0
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        shown = capsys.readouterr()
        return Ran(code, shown.out, shown.err)

    return ran


def lines(*documents: Any, name: str = "docs.jsonl") -> str:
    text = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in documents)
    Path(name).write_text(text)
    return name


def doc(one: int | str, text: Any = "some words", **fields: Any) -> dict[str, Any]:
    return {"id": str(one), "text": text, "vector": [1.0, 2.0]} | fields


def fails(ran: Ran, code: int) -> str:
    """The one line that a failed command prints on standard error."""
    assert (ran.code, ran.out) == (code, "")
    assert "Traceback" not in ran.err
    line = ran.err.strip().splitlines()[-1]
    assert line.startswith("hybrid: ")
    assert ran.err.count(line.removeprefix("hybrid: ")) == 1
    return line


def test_help_names_every_command_and_each_has_help() -> None:
    runner = CliRunner()
    shown = runner.invoke(cli.cli, ["--help"])
    assert shown.exit_code == 0
    assert set(COMMANDS) <= set(cli.cli.commands)
    for name, command in cli.cli.commands.items():
        assert re.search(rf"^  {name} ", shown.output, re.MULTILINE)
        helped = runner.invoke(cli.cli, [name, "-h"])
        assert helped.exit_code == 0
        assert (command.help or "").splitlines()[0][:40] in helped.output


def test_every_command_that_a_message_or_a_page_names_is_there() -> None:
    root = Path(hybrid.__file__).parent
    files = [*root.rglob("*.py"), *root.rglob("*.html"), *root.parent.glob("*.md"), *root.parent.glob("docs/*.md")]
    told = {name for file in files for name in re.findall(r"(?:: |`|>)hybrid ([a-z]+)", file.read_text("utf-8"))}
    assert {"repair", "demo", "reindex", "serve"} <= told
    assert told - set(cli.cli.commands) == set()


def test_the_version() -> None:
    assert CliRunner().invoke(cli.cli, ["--version"]).output == f"hybrid, version {hybrid.__version__}\n"


def test_index_search_status_delete(run: Run) -> None:
    indexed = run("index", lines(doc(1, "quiet laptop"), doc(2, "loud drill")))
    assert indexed.code == 0
    assert "2 created in" in indexed.err
    assert indexed.out == ""

    found = run("search", "laptop", "--retriever", "text")
    assert found.code == 0
    assert "“laptop”" in found.out
    assert "text: ok 1 in" in found.out

    shown = run("status")
    assert shown.code == 0
    assert "collection documents, model none" in shown.out

    deleted = run("delete", "1", "nobody")
    assert (deleted.code, re.split(", | in ", deleted.out)[:2]) == (0, ["1 not_found", "1 deleted"])
    assert "Nothing was found for “laptop”" in run("search", "laptop", "--retriever", "text").out


def test_json_is_for_programs(run: Run) -> None:
    name = lines(doc(1, "quiet laptop"), doc(2), {"id": "3"})
    indexed = run("index", name, "--json")
    assert (indexed.code, indexed.json["counts"]) == (1, {"rejected": 1, "created": 2})
    assert indexed.json["problems"][0]["id"] == "3"
    found = run(
        "search",
        "laptop",
        "--retriever",
        "text",
        "--json",
        "--weight",
        "text=2",
        "--fusion",
        "rrf",
        "--k",
        "1",
        "--limit",
        "1",
    )
    assert [(hit["id"], hit["score"]) for hit in found.json["hits"]] == [("1", 1.0)]
    assert found.json["fusion"] == {"method": "rrf", "k": 1.0, "weights": {"text": 2.0}, "window": 100}
    assert run("status", "--json").json["stores"]["text"]["documents"] == 2
    assert run("delete", "1", "--json").json["counts"] == {"deleted": 1}
    assert run("delete", "--all", "--yes", "--json").json == {"deleted": "documents"}


def test_broken_lines_are_named_by_file_and_line_and_the_rest_is_indexed(run: Run) -> None:
    name = lines(doc(1), "{broken", doc(2, price=1), '["list"]', doc(3))
    ran = run("index", name)
    assert ran.code == 1
    assert f"rejected: {name}, line 2: this is not JSON" in ran.err
    assert f"rejected: {name}, line 4: a document is a JSON object, not a list" in ran.err
    assert run("status", "--json").json["stores"]["text"]["documents"] == 3


def test_strict_stops_at_the_first_broken_line(run: Run) -> None:
    ran = run("index", lines(doc(1), "{broken"), "--strict")
    assert "docs.jsonl, line 2: this is not JSON" in fails(ran, 2)
    assert fails(run("index", lines(doc(1), doc(2, text=5)), "--strict"), 2)
    assert run("status", "--json").json["stores"]["text"].get("documents", 0) == 0


def test_a_file_in_which_nothing_is_right_makes_no_collection(run: Run) -> None:
    ran = run("index", lines({"txet": "x"}, "5"))
    assert ran.code == 1
    assert "2 rejected" in ran.err
    assert run("status", "--json").json["exists"] is False


def test_problems_of_one_reason_are_one_line_and_what_is_pending_says_how_it_is_written() -> None:
    outcomes = [DocumentOutcome(str(n), Outcome.PENDING, "redis: it does not answer", ("vector",)) for n in range(60)]
    outcomes += [DocumentOutcome(str(n), Outcome.REJECTED, f"line {n}: it has no id") for n in range(40)]
    console = Console(file=io.StringIO(), width=80)
    terminal.report(WriteReport({Outcome.PENDING: 600, Outcome.REJECTED: 400}, tuple(outcomes)), console)
    assert isinstance(console.file, io.StringIO)
    _, first, *rejected, more, last = console.file.getvalue().splitlines()
    assert first == "  pending (60 documents): redis: it does not answer"
    assert len(rejected) == terminal.MOST_SHOWN - 1
    assert rejected[0] == "  rejected: line 0: it has no id"
    assert more == f"  … and {1000 - 60 - len(rejected)} more"
    assert "hybrid repair" in last


def test_a_field_that_came_later_is_noted_with_a_command_that_makes_it_searched(run: Run) -> None:
    run("index", lines(doc(1, "quiet laptop")))
    later = run("index", lines(doc(2, "loud drill", brand="acer")))
    assert "note: these fields are not in the collection's schema" in later.err
    (command,) = re.findall(r"To search them too: hybrid (\w+)", " ".join(later.err.split()))
    assert "there is no field 'brand'" in run("count", "--filter", 'brand = "acer"').err
    assert run(command).code == 0
    assert run("count", "--filter", 'brand = "acer"').out == "1\n"


def test_what_an_earlier_run_left_in_the_journal_is_written_by_the_next_one(run: Run) -> None:
    document = doc(2, "quiet laptop")
    run("index", lines(doc(1), document))
    run("delete", "2")
    with hybrid.open() as engine:
        indexer = engine._location.place.writing(engine.collection)
        given = Document("2", {"text": "quiet laptop"}, np.array([[1, 2]], np.float32))
        digest = content_hash(given, fingerprint(engine.collection))
        indexer.journal.append([Entry("2", indexer.now(), digest, given.fields, ("text", "vector"), given.vectors)])
    assert run("search", "laptop", "--retriever", "text", "--json").json["hits"] == []
    again = run("index", lines(document))
    assert "Writing 1 changes first that wait in the journal" in again.err
    assert "1 unchanged" in again.err
    assert [hit["id"] for hit in run("search", "laptop", "--retriever", "text", "--json").json["hits"]] == ["2"]


@pytest.mark.parametrize(
    ("meanwhile", "last"),
    [
        ("pass", "Stopped. What was taken"),
        ("signal.raise_signal(2); time.sleep(60)", "Stopped at once. What was taken"),
    ],
)
def test_ctrl_c_ends_a_write_soon_and_a_second_one_at_once(meanwhile: str, last: str) -> None:
    code = f"""
import signal, time
from hybrid import terminal
signal.signal(signal.SIGINT, signal.default_int_handler)  # as at a terminal, wherever the tests run
with terminal.stoppable():
    try:
        signal.raise_signal(signal.SIGINT)
    finally:  # as an engine that is closed, and waits for what it began
        {meanwhile}
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert ran.returncode == 130
    first, said = ran.stderr.splitlines()
    assert "Ctrl-C again stops at once" in first
    assert said == f"{last} is kept: the same command goes on where it was."


def test_a_missing_file_is_told_before_any_other_is_indexed(run: Run) -> None:
    assert "there is no file nothing.jsonl" in fails(run("index", lines(doc(1)), "nothing.jsonl"), 2)
    assert run("status", "--json").json["exists"] is False


def test_standard_input_is_indexed(run: Run) -> None:
    ran = run("index", "-", stdin=json.dumps(doc(1)) + "\n{")
    assert ran.code == 1
    assert "standard input, line 2" in ran.err


def test_several_files_of_several_kinds_are_indexed_at_once(run: Run) -> None:
    Path("more.json").write_text(json.dumps([doc(2), doc(3)]))
    ran = run("index", lines(doc(1)), "more.json", "--json")
    assert ran.json["counts"] == {"created": 3}


def test_a_collection_that_is_not_there_says_what_to_do(run: Run) -> None:
    assert "Index something first: hybrid index FILE, or try: hybrid demo" in fails(run("search", "x"), 2)
    assert "there is no collection 'shop' yet" in fails(run("delete", "1", "--collection", "shop"), 2)
    run("index", lines(doc(1)), "--collection", "other")
    told = fails(run("count", "--collection", "shop"), 2)
    assert f"The data folder is {Path('hybrid-data').absolute()}; " in told
    assert told.endswith("other collections written from there: other")
    shown = run("status")
    assert (shown.code, "not there yet" in " ".join(shown.out.split())) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--limit", "-1"], "limit is -1; it must be a whole number from 0 to 10000"),
        (["--limit", "10001"], "limit is 10001"),
        (["--window", "5"], "window is 5; it must be a whole number from 10"),
        (["--fusion", "best"], "there is no fusion 'best'; there is: combmax, combmnz"),
        (["--k", "-1"], "k is -1"),
        (["--k", "nan"], "k is nan"),
        (["--weight", "text"], "--weight 'text': write it as NAME=NUMBER, such as vector=2"),
        (["--weight", "text="], "write it as NAME=NUMBER"),
        (["--weight", "text=heavy"], "write it as NAME=NUMBER"),
        (["--weight", "text=-1"], "the weight of 'text' is -1.0"),
        (["--weight", "txt=1"], "weights name txt; the retrievers are text, vector"),
        (["--weight", "text=0", "--weight", "vector=0"], "all weights are 0"),
        (["--retriever", "image"], "retrievers are ['image']"),
    ],
)
def test_a_search_that_cannot_be_run_is_one_line_and_exit_2(run: Run, arguments: list[str], says: str) -> None:
    run("index", lines(doc(1)))
    assert says in fails(run("search", "words", *arguments), 2)


def test_an_endless_query_is_refused(run: Run) -> None:
    run("index", lines(doc(1)))
    assert "the query has 50000 characters" in fails(run("search", "word " * 10_000), 2)


def test_documents_are_filtered_counted_and_listed(run: Run) -> None:
    source = "".join(
        f'{{"id": "{n}", "title": "laptop {n}", "brand": "b{n % 2}", "price": {n}, "vector": [1, {n}]}}\n'
        for n in range(6)
    )
    assert run("index", "-", stdin=source).code == 0
    found = json.loads(
        run("search", "laptop", "--retriever", "text", "--filter", "price > 3", "--facet", "brand", "--json").out
    )
    assert {hit["id"] for hit in found["hits"]} == {"4", "5"}
    assert found["facets"] == {"brand": [{"value": "b0", "count": 1}, {"value": "b1", "count": 1}]}
    listed = run("search", "--sort", "-price", "--limit", "2", "--json")
    body = json.loads(listed.out)
    assert [hit["id"] for hit in body["hits"]] == ["5", "4"]
    again = json.loads(run("search", "--sort", "-price", "--offset", "4", "--json").out)
    assert [hit["id"] for hit in again["hits"]] == ["1", "0"]
    shown = run("search", "laptop", "--retriever", "text", "--facet", "brand", "--limit", "2").out
    assert "b0" in shown
    assert "More with: --cursor" in shown


def test_highlights_are_bold_lines_below_the_title(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("index", "-", stdin='{"id": "1", "title": "Fan", "text": "A [quiet] <b> fan", "vector": [1, 2]}')
    asked = ("search", "quiet", "--retriever", "text", "--highlight")
    assert run(*asked, "--json").json["hits"][0]["highlights"] == {"text": ["A [<mark>quiet</mark>] &lt;b&gt; fan"]}
    assert "A [quiet] <b> fan" in run(*asked).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[1mquiet\x1b[0m" in run(*asked).out


def test_suggestions_are_a_line_each(run: Run) -> None:
    lines = [{"id": str(n), "title": f"quiet laptop{'s' * (n % 2)}", "n": n, "vector": [1, 2]} for n in range(3)]
    run("index", "-", stdin="\n".join(map(json.dumps, lines)))
    assert run("suggest", "quiet lap").out == "quiet laptop  2\nquiet laptops  1\n"
    assert run("suggest", "quiet lap", "--filter", "n = 1").out == "quiet laptops  1\n"
    assert run("suggest", "quiet lap", "--limit", "1", "--json").json["completions"] == [
        {"text": "quiet laptop", "word": "laptop", "count": 2}
    ]
    assert run("suggest", "qiuet ").out == "Did you mean “quiet ”?\n"
    assert run("suggest", "zebra ").out == "Nothing is suggested for “zebra ”.\n"
    assert run("suggest", "lap", "--limit", "101").code == 2


def test_a_filter_that_is_wrong_points_at_the_place(run: Run) -> None:
    run("index", lines(doc(1)))
    said = run("search", "words", "--filter", "prize < 3")
    assert said.code == 2
    assert "there is no field 'prize'" in said.err
    assert "\n  prize < 3\n  ^" in said.err


def test_a_plan_is_printed_and_not_run(run: Run) -> None:
    run("index", lines(doc(1)))
    body = json.loads(run("search", "words", "--plan").out)
    assert body["plan"]["query"] == "words"
    assert {"text", "vector"} <= body.keys()


def test_how_a_search_sees_one_document_is_printed(run: Run) -> None:
    run("index", lines(doc(1), doc(2)))
    body = json.loads(run("search", "words", "--why", "2", "--limit", "1").out)
    assert (body["id"], body["exists"], body["passes_filter"]) == ("2", True, True)
    assert json.loads(run("search", "words", "--why", "nobody").out)["exists"] is False


def test_an_adoption_of_nothing_names_the_options(run: Run) -> None:
    assert "--elasticsearch-index NAME, or --redis-index NAME" in fails(run("adopt"), 2)


def test_a_usage_error_is_clicks(run: Run) -> None:
    for arguments in (["serach"], ["search", "x", "--limit", "many"], ["index"], ["demo", "--limit", "0"]):
        ran = run(*arguments)
        assert ran.code == 2
        assert "Error: " in ran.err


@pytest.mark.parametrize("query", ["[/bold]", "[red]", "<b>", "%s", "\\["])
def test_a_query_is_shown_as_it_is(run: Run, query: str) -> None:
    run("index", lines(doc(1, title=query)))
    assert query in run("search", query, "--retriever", "text").out
    assert query in run("search", f"words {query}", "--retriever", "text").out


def test_a_title_is_no_markup(run: Run) -> None:
    run("index", lines(doc(1, title="[/bold] a [red]title")))
    assert "[/bold] a [red]title" in run("search", "words", "--retriever", "text").out


def test_a_degraded_answer_says_so_even_where_nothing_was_found(run: Run) -> None:
    run("index", lines(doc(1)))
    ran = run("search", "nowhere")  # no model, so the vector retriever cannot answer
    assert (ran.code, "DEGRADED" in ran.out) == (0, True)
    assert "DEGRADED" in run("search", "words").out


def test_deleting_wants_ids_or_all_and_asks_before_all(run: Run) -> None:
    run("index", lines(doc(1)))
    assert "name the ids" in fails(run("delete"), 2)
    assert "name the ids" in fails(run("delete", "1", "--all"), 2)
    refused = run("delete", "--all", stdin="n\n")
    assert (refused.code, "Delete the whole collection 'documents'" in refused.err) == (1, True)
    assert run("search", "words", "--json").json["hits"]
    assert run("delete", "--all", stdin="y\n").out.endswith("collection 'documents' deleted\n")
    assert "there is no collection" in fails(run("search", "words"), 2)


PRICED = [doc(n, title="Ein “Titel”\nmit Zeilen", price=n, tags=["a", "b"]) for n in range(3)]


def test_an_export_is_read_back_identically(run: Run) -> None:
    run("index", lines(*PRICED))
    exported = run("export")
    assert sorted(map(json.loads, exported.out.splitlines()), key=lambda one: one["id"]) == PRICED
    again = run("index", "-", "--json", stdin=exported.out)
    assert again.json["counts"] == {"unchanged": 3}
    other = run("index", "-", "--json", "--collection", "other", stdin=exported.out)
    assert other.json["counts"] == {"created": 3}
    assert sorted(run("export", "--collection", "other").out.splitlines()) == sorted(exported.out.splitlines())
    assert [json.loads(line)["id"] for line in run("export", "--filter", "price = 2").out.splitlines()] == ["2"]
    assert "there is no field 'prize'" in run("export", "--filter", "prize = 2").err


def test_documents_are_read_and_counted(run: Run) -> None:
    run("index", lines(*PRICED))
    ran = run("get", "2", "nobody", "0")
    assert [json.loads(line)["price"] for line in ran.out.splitlines()] == [2, 0]
    assert (ran.code, ran.err) == (1, "not there: nobody\n")
    assert run("get", "1").code == 0
    assert run("count").out == "3\n"
    assert run("count", "--filter", "price > 0", "--json").json == {"count": 2}


def test_fields_are_changed(run: Run) -> None:
    run("index", lines(*PRICED))
    assert run("update", "1", '{"price": 9, "tags": null}').out == "1: updated\n"
    assert run("update", "1", '{"price": 9}', "--json").json == {"id": "1", "status": "unchanged"}
    assert run("update", "1", '{"price": 5}', "--expected", '{"price": 9}').code == 0
    assert "its 'price' is 5, not 9" in fails(run("update", "1", '{"price": 6}', "--expected", '{"price": 9}'), 1)
    assert "there is no document 'nobody'" in fails(run("update", "nobody", "{}"), 1)
    assert "the changes are not JSON" in fails(run("update", "1", "price=9"), 2)
    assert "--expected are no JSON object" in fails(run("update", "1", "{}", "--expected", "[1]"), 2)
    assert json.loads(run("get", "1").out) == {"id": "1", "text": "some words", "title": PRICED[1]["title"], "price": 5}


def test_a_filter_deletes_after_a_dry_run_and_a_question(run: Run) -> None:
    run("index", lines(*PRICED))
    dry = run("delete", "--filter", "price > 0", "--dry-run")
    assert "2 deleted" in dry.out
    assert "Nothing was deleted." in dry.out
    assert run("delete", "--all", "--dry-run", "--json").json == {"documents": 3, "dry_run": True}
    assert run("delete", "1", "x", "--dry-run", "--json").json["counts"] == {"deleted": 1, "not_found": 1}
    refused = run("delete", "--filter", "price > 0", stdin="n\n")
    assert (refused.code, "Delete 2 documents of 'documents'?" in refused.err) == (1, True)
    assert run("count").out == "3\n"
    assert "2 deleted" in run("delete", "--filter", "price > 0", "--yes").out
    assert run("count").out == "1\n"
    assert "name the ids" in fails(run("delete", "1", "--filter", "price > 0"), 2)
    assert "the filter is empty" in fails(run("delete", "--filter", "", "--dry-run"), 2)


def test_a_store_that_does_not_answer_is_one_line(run: Run) -> None:
    run_at = ("--redis", "redis://user:hunter2@localhost:1", "--elasticsearch", "http://user:hunter2@localhost:1")
    line = fails(run("search", "words", *run_at), 1)
    assert "redis" in line or "elasticsearch" in line
    assert "Start it (" in line
    assert "hunter2" not in line
    shown = run("status", *run_at)
    assert shown.code == 1
    assert "hunter2" not in shown.out + shown.err


def test_a_store_that_does_not_answer_is_told_once_whatever_follows_from_it() -> None:
    name = lines(doc(1))
    assert hybrid_command("index", name, "--model", "none").returncode == 0
    dead = hybrid_command("index", lines(doc(2)), "--model", "none", "--redis", "redis://localhost:1")
    assert dead.stderr.count("redis: Redis at localhost:1 does not answer") == 2  # once in the log, once as the reason
    assert "1 pending" in dead.stderr


def test_a_port_that_is_taken_is_told_before_the_model_is_loaded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = hybrid_command("serve", "--port", str(taken.getsockname()[1]), "--model", "none-such")
    assert ran.returncode == 1
    assert "Address already in use" in ran.stderr
    assert "Choose another port" in ran.stderr
    assert "none-such" not in ran.stderr


def test_a_setting_that_cannot_be_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "this is not a URL" in fails(run("status", "--redis", "localhost"), 1)
    assert "collection name 'Bad' cannot be used" in fails(run("search", "x", "--collection", "Bad"), 2)
    Path("hybrid.toml").write_text("model = ")
    assert "hybrid.toml cannot be read" in fails(run("status"), 1)
    Path("hybrid.toml").unlink()
    monkeypatch.setenv("HYBRID_FIELDS", "nonsense")
    assert "is not JSON" in fails(run("status"), 1)


def test_a_data_folder_that_is_a_file_is_one_line(run: Run) -> None:
    Path("file").write_text("x")
    for command in (["index", lines(doc(1))], ["search", "x"], ["status"]):
        ran = run(*command, "--data-dir", "file")
        assert "Traceback" not in ran.err
        assert ran.code in (1, 2)


def hybrid_command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*HYBRID, *arguments], capture_output=True, text=True, timeout=240)


def test_the_demo_indexes_answers_and_says_what_comes_next(tmp_path: Path) -> None:
    first = hybrid_command("demo", "--limit", "30", "--data-dir", str(tmp_path))
    assert first.returncode == 0, first.stderr
    assert "30 created" in first.stdout
    assert first.stdout.count("fused by standard") == 4
    assert "hybrid serve --collection demo\n" in first.stdout
    elsewhere = hybrid_command("count", "--data-dir", str(tmp_path))
    assert "other collections written from there: demo\n" in elsewhere.stderr
    second = hybrid_command("demo", "--limit", "30", "--data-dir", str(tmp_path))
    assert "30 unchanged" in second.stdout
    demo = ("--collection", "demo", "--data-dir", str(tmp_path))
    found = hybrid_command("search", "read lines from a file", "--json", *demo)
    body = json.loads(found.stdout)
    assert not body["degraded"]
    assert len(body["hits"]) == 10
    assert body["hits"][0]["document"].keys() >= {"name", "module", "kind", "text"}


def test_an_error_of_the_program_itself_is_one_line_too(tmp_path: Path) -> None:
    ran = hybrid_command("search", "x", "--data-dir", str(tmp_path))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert re.fullmatch(r"hybrid: there is no collection [^\n]*\n", ran.stderr)


def test_verify_names_what_differs_and_repair_mends_it(run: Run) -> None:
    run("index", lines(*(doc(n) for n in range(30))))
    assert run("verify").out.startswith("the stores agree (30 ids compared")
    with hybrid.open(model="none") as engine:
        store = engine._location.place.catalog.store("vector")
        records = store.records([str(n) for n in range(25)])
        store.write([replace(one, version=one.version + 1, hash="newer") for one in records.values()])
    found = run("verify")
    assert found.code == 1
    assert found.out.startswith("the stores disagree: 25 stale (30 ids compared")
    assert "  stale in text: 0\n" in found.out
    assert "… and 5 more (all of them with --json)" in found.out
    dry = run("repair", "--dry-run", "--json")
    assert (dry.code, dry.json["counts"]) == (1, {"missing": 0, "stale": 25, "orphan": 0, "torn": 0})
    mended = run("repair")
    assert (mended.code, mended.out.splitlines()[-1]) == (0, "25 repaired")
    assert run("verify", "--json").json["agree"] is True


def test_status_tells_what_the_journal_owes_in_words(run: Run) -> None:
    run("index", lines(doc(1)))
    assert "journal: nothing is owed" in run("status").out
    with hybrid.open(model="none") as engine:
        engine.flush()
        indexer = engine._location.place.indexer
        assert indexer is not None
        vectors = np.ones((1, 2), np.float32)
        indexer.journal.append([Entry("2", indexer.now(), "hash", {"text": "two"}, ("vector",), vectors)])
    assert re.search(r"journal: owes 1 to vector, the oldest for \d s \(pay now: hybrid repair\)", run("status").out)
    assert "1 of 1 changes that were owed are written" in run("repair").out
    Path("hybrid-data/documents/journal.sqlite").write_bytes(b"nonsense" * 1000)
    damaged = run("status")
    assert damaged.code == 1
    assert "cannot be used: file is not a database" in damaged.out


def test_reindex_makes_the_collection_anew_with_the_model_that_is_set(run: Run) -> None:
    run("index", "--model", "none", lines(doc(1), doc(2)))
    made = run("reindex", "--model", "none")
    assert (made.code, made.out) == (0, "2 documents made anew with model none\n")
    assert [hit["id"] for hit in run("search", "words", "--retriever", "text", "--json").json["hits"]] == ["1", "2"]
    with hybrid.open(model="none") as engine:
        assert engine.collection.name == "documents~2"


def test_a_benchmark_without_servers_says_what_it_needs(run: Run) -> None:
    refused = run("bench", "indexing")
    assert refused.code == 1
    assert refused.err == "hybrid: the benchmark needs both servers; give --redis and --elasticsearch\n"


@pytest.mark.servers
def test_the_indexing_benchmark_measures_all_four_ways(run: Run, redis_url: str, elasticsearch_url: str) -> None:
    servers = ("--redis", redis_url, "--elasticsearch", elasticsearch_url)
    told = run("bench", "indexing", "--count", "300", "--rounds", "1", *servers).json
    assert told["documents_per_second"].keys() == {"elasticsearch", "redis", "hybrid", "unchanged"}
    assert all(rate > 0 for rate in told["documents_per_second"].values())
    assert run("bench", "indexing", "--count", "300", "--memory", *servers).json["peak_memory_mb"] > 10


def test_each_line_of_a_file_is_asked_and_one_that_fails_says_why(run: Run) -> None:
    run("index", lines(doc(1, "quiet laptop"), doc(2, "loud laptop")))
    Path("queries.txt").write_text("quiet\n" + "x" * 9000 + "\n\n")
    ran = run("search", "--retriever", "text", "--queries", "queries.txt", "--limit", "1")
    first, failed, listed = [json.loads(line) for line in ran.out.splitlines()]
    assert [hit["id"] for hit in first["hits"]] == ["1"]
    assert (failed["code"], ran.code) == ("invalid_query", 1)
    assert len(listed["hits"]) == 1


def test_hits_are_shaped_by_options(run: Run) -> None:
    run("index", lines(*(doc(one, "laptop", brand="ab"[one % 2], price=float(one)) for one in range(1, 5))))
    shaped = ("search", "laptop", "--retriever", "text", "--json")
    first = run(*shaped, "--boost", '{"field": "price"}', "--collapse", "brand", "--pin", "2").json
    assert [hit["id"] for hit in first["hits"]] == ["2", "4", "3"]
    assert [hit["id"] for hit in run(*shaped, "--sort=-price").json["hits"]] == ["4", "3", "2", "1"]
    assert "not JSON" in fails(run(*shaped, "--boost", "price"), 2)
    assert "[rerank] model" in fails(run(*shaped, "--rerank"), 2)


def test_how_words_match_is_an_option(run: Run) -> None:
    run("index", lines(doc(1, "quiet laptop"), doc(2, "quiet fan"), doc(3, "loud laptop"), doc(4, "laptops, so quiet")))

    def found(*arguments: str) -> list[str]:
        return [hit["id"] for hit in run("search", *arguments, "--retriever", "text", "--json").json["hits"]]

    assert set(found("quiet laptop", "--match", "all")) == {"1", "4"}
    assert found("quiet laptop", "--match", "phrase") == ["1"]
    assert set(found("laptop -loud", "--match", "query")) == {"1", "4"}
    assert set(found("quiet lap", "--match", "prefix")) == {"1", "4"}
    assert set(found("laptpo", "--fuzziness", "auto")) == {"1", "3", "4"}
    assert set(found("quiet loud laptop", "--minimum", "2")) == {"1", "3", "4"}
    assert set(found("fan", "--also", "loud")) == {"2", "3"}
    assert "2" not in found("--like", "2")
    assert "fuzziness" in fails(run("search", "laptop", "--fuzziness", "much"), 2)
