"""The demo corpus, read from the interpreter that runs the tests."""

import builtins
import os
import re
import subprocess
import sys
import warnings

import pytest

from hybrid.demo import corpus

FIELDS = ["id", "name", "module", "kind", "signature", "text"]
KINDS = {"module", "class", "function", "method", "topic"}
EXCLUDED = {
    "test",
    "tests",
    "idlelib",
    "turtledemo",
    "pip",
    "antigravity",
    "this",
    "distutils",
    "imp",
    "lib2to3",
    "cgi",
}


@pytest.fixture(scope="module")
def documents() -> list[dict[str, str]]:
    return list(corpus.documents())


@pytest.fixture(scope="module")
def by_id(documents: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    return {document["id"]: document for document in documents}


def run_alone(*options: str, hash_seed: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that reads the corpus and writes nothing but its digest."""
    code = (
        "import hashlib, json, sys; from hybrid.demo.corpus import documents; found = list(documents());"
        "sys.stdout.write(hashlib.sha256(json.dumps(found).encode()).hexdigest())"
    )
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "TERM": "xterm", "PYTHONPATH": os.getcwd()},
    )


def test_there_are_thousands_of_documents_with_unique_sorted_ids(documents: list[dict[str, str]]) -> None:
    ids = [document["id"] for document in documents]
    assert len(ids) >= 4000
    assert len(set(ids)) == len(ids)
    assert ids == sorted(ids)


def test_every_document_has_the_same_fields_and_all_are_text(documents: list[dict[str, str]]) -> None:
    for document in documents:
        assert list(document) == FIELDS
        assert {type(value) for value in document.values()} == {str}
        assert document["id"] == f"{document['kind']}:{document['name']}"
        assert document["module"]
        assert document["text"] == document["text"].strip() != ""


def test_every_kind_is_present(documents: list[dict[str, str]]) -> None:
    assert {document["kind"] for document in documents} == KINDS


def test_a_function_carries_its_name_module_signature_and_docstring(by_id: dict[str, dict[str, str]]) -> None:
    shorten = by_id["function:textwrap.shorten"]
    assert shorten["name"] == "textwrap.shorten"
    assert shorten["module"] == "textwrap"
    assert shorten["signature"] == "shorten(text, width, **kwargs)"
    assert shorten["text"].startswith("Collapse and truncate the given text to fit in the given width.\n\n")


@pytest.mark.parametrize(
    ("identifier", "words"),
    [
        ("module:sched", "event scheduler"),
        ("class:threading.Timer", "specified number of seconds"),
        ("module:filecmp", "comparing files and directories"),
        ("class:filecmp.dircmp", "comparison of 2 directories"),
        ("topic:with", "context manager"),
    ],
)
def test_what_people_ask_for_has_a_document(by_id: dict[str, dict[str, str]], identifier: str, words: str) -> None:
    assert words in by_id[identifier]["text"]


def test_builtins_go_by_their_bare_names(by_id: dict[str, dict[str, str]]) -> None:
    assert by_id["method:str.split"]["module"] == "builtins"
    assert {"class:str", "function:open", "function:len", "class:ValueError"} <= by_id.keys()
    assert not [name for name in by_id if ":builtins." in name]


def test_what_a_private_module_defines_is_found_where_it_is_offered(by_id: dict[str, dict[str, str]]) -> None:
    assert {
        "class:io.StringIO",
        "function:os.path.join",
        "class:pickle.Pickler",
        "function:asyncio.run",
    } <= by_id.keys()
    assert "function:io.open" not in by_id
    assert "function:posixpath.join" not in by_id
    assert "function:asyncio.runners.run" not in by_id


def test_methods_of_a_private_base_belong_to_the_public_class(by_id: dict[str, dict[str, str]]) -> None:
    assert "method:contextlib.ExitStack.callback" in by_id
    assert "method:argparse.ArgumentParser.add_argument" in by_id


def test_methods_inherited_from_a_public_base_are_not_repeated(by_id: dict[str, dict[str, str]]) -> None:
    assert "method:logging.Logger.info" in by_id
    assert "method:logging.RootLogger.info" not in by_id
    assert "method:collections.Counter.get" not in by_id


def test_a_property_counts_as_a_method_and_has_no_signature(by_id: dict[str, dict[str, str]]) -> None:
    assert by_id["method:threading.Thread.daemon"]["signature"] == ""


def test_a_class_method_is_shown_without_its_first_argument(by_id: dict[str, dict[str, str]]) -> None:
    assert by_id["method:tarfile.TarFile.xzopen"]["signature"].startswith("xzopen(name, ")


def test_nothing_private_special_deprecated_or_made_for_tests_is_in(documents: list[dict[str, str]]) -> None:
    for document in documents:
        if document["kind"] != "topic":
            parts = document["name"].split(".")
            assert not EXCLUDED & set(document["module"].split("."))
            assert not [part for part in parts if part.startswith("_")]


def test_no_two_documents_of_a_kind_have_the_same_text(documents: list[dict[str, str]]) -> None:
    texts = [(document["kind"], document["text"]) for document in documents]
    assert len(set(texts)) == len(texts)


def test_titles_of_topics_are_not_underlined(documents: list[dict[str, str]]) -> None:
    topics = [document for document in documents if document["kind"] == "topic"]
    assert {topic["module"] for topic in topics} == {corpus.LANGUAGE}
    assert not [topic["name"] for topic in topics if re.search(r"^[*=~]{3,}$", topic["text"], re.MULTILINE)]


def test_signatures_say_nothing_about_this_machine_or_this_run(documents: list[dict[str, str]]) -> None:
    signatures = "\n".join(document["signature"] for document in documents)
    assert " at 0x" not in signatures
    assert sys.base_prefix not in signatures
    assert sys.executable not in signatures
    assert "architecture(executable=..., bits=''" in signatures


def test_what_a_notebook_adds_to_builtins_is_not_documentation(monkeypatch: pytest.MonkeyPatch) -> None:
    def display() -> None:
        """Show something in the notebook, as IPython's function of this name does."""

    monkeypatch.setattr(builtins, "display", display, raising=False)
    assert "function:display" not in {document["id"] for document in corpus.documents()}


def test_warning_filters_are_the_callers_own_while_documents_are_read() -> None:
    before = list(warnings.filters)
    reading = corpus.documents()
    next(reading)
    assert list(warnings.filters) == before


def test_a_second_reading_gives_the_same(documents: list[dict[str, str]]) -> None:
    assert list(corpus.documents()) == documents


def test_every_fresh_interpreter_reads_the_same_corpus_and_prints_nothing_else() -> None:
    # Not compared with this process: pytest puts hooks of its own in the place of sys's and threading's.
    plain, strict = run_alone(hash_seed="1"), run_alone("-W", "error", hash_seed="2")
    assert re.fullmatch("[0-9a-f]{64}", plain.stdout)
    assert plain.stdout == strict.stdout
    assert (plain.stderr, strict.stderr) == ("", "")
