"""What there is, in each way in: a table made from the code. Print it with: python -m tests.docs.features"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import click
from flask import Flask

from hybrid.cli import cli
from hybrid.engine import Engine
from hybrid.plan import Request
from hybrid.web import create_app
from hybrid.web.queries import ARGUMENTS, SearchBody

ROOT = Path(__file__).parents[2]

IN_JSON = {"deadline_s": "deadline_ms", "deadlines": "deadlines_ms"}
IN_SHELL = {
    **{"limit": "--limit", "facets": "--facet", "retrievers": "--retriever", "weights": "--weight"},
    **{"deadline_s": "--deadline", "pinned": "--pin", "boosts": "--boost", "queries": "--also", "query": "QUERY"},
}
NOT_IN_SHELL = {"vector": "a row of numbers is for programs", "deadlines": "one --deadline for all"}
NOT_IN_URL = "a body alone, as it is no plain value"

SEARCHING = {
    "query": "contract/test_searches.py::test_a_total_counts_the_documents_with_a_word_of_the_query",
    "limit": "web/test_search_api.py::test_a_limit_of_nothing_gives_no_hits_and_the_largest_gives_all",
    "offset": "contract/test_many.py::test_searches_of_all_kinds_go_together",
    "cursor": "contract/test_searches.py::test_pages_neither_overlap_nor_skip_while_documents_are_written",
    "filter": "contract/test_filtering.py::test_random_filters_let_through_what_they_mean",
    "facets": "contract/test_searches.py::test_facets_obey_query_and_filter_and_say_what_they_count",
    "disjunctive": "contract/test_searches.py::test_a_disjunctive_facet_still_counts_the_values_that_were_not_chosen",
    "sort": "contract/test_shaping.py::test_sorting_orders_what_was_found_by_a_field",
    "vector": "contract/test_many.py::test_searches_of_all_kinds_go_together",
    "retrievers": "contract/test_searches.py::test_a_filter_holds_for_every_hit_of_both_retrievers_and_costs_no_hit",
    "window": "unit/test_plan.py::test_what_cannot_be_run_is_refused_by_name",
    "fusion": "unit/test_standard.py::test_scores_add_up_by_weight_and_the_facts_are_told",
    "k": "unit/test_fusion.py::test_rrf_takes_k_and_weights",
    "weights": "unit/test_fusion.py::test_rrf_takes_k_and_weights",
    "normalizer": "unit/test_fusion_methods.py::test_scores_become_comparable",
    "compat": "unit/test_compat.py::test_a_servers_formula_gives_these_fractions",
    "deadline_s": "faults/test_policies.py::test_an_answer_comes_in_time_and_names_what_is_wrong",
    "deadlines": "faults/test_policies.py::test_a_retriever_of_little_time_does_not_hold_up_the_other",
    "policy": "faults/test_policies.py::test_policies_say_whether_half_an_answer_will_do",
    "require": "faults/test_policies.py::test_policies_say_whether_half_an_answer_will_do",
    "explain": "contract/test_searches.py::test_each_hit_says_why_a_retriever_did_not_find_it",
    "verify": "unit/test_integrity.py",
    "boosts": "contract/test_shaping.py::test_boosts_multiply_what_the_retrievers_contributed",
    "min_score": "contract/test_shaping.py::test_a_least_score_and_a_knee_cut_the_end_off",
    "knee": "contract/test_shaping.py::test_a_least_score_and_a_knee_cut_the_end_off",
    "collapse": "contract/test_shaping.py::test_of_each_brand_the_best_hit_is_shown_and_how_many_there_are",
    "diversity": "contract/test_shaping.py::test_diversity_is_that_of_a_plain_loop_over_the_vectors",
    "pinned": "contract/test_shaping.py::"
    "test_pinned_documents_come_first_where_they_are_there_and_the_filter_lets_them_through",
    "rerank": "contract/test_shaping.py::test_a_reranker_orders_the_first_hits_anew_and_says_what_it_thought",
    "match": "contract/test_matching.py::test_every_kind_finds_the_documents_that_a_plain_loop_finds",
    "queries": "contract/test_matching.py::test_several_queries_find_each_document_by_the_best_of_them",
    "like": "contract/test_matching.py::test_documents_like_others_are_found_by_their_vectors_and_their_words",
    "within": "contract/test_matching.py::test_only_what_scores_enough_is_within_range",
    "without": "contract/test_matching.py::test_without_leaves_documents_out",
    "highlight": "contract/test_highlights_and_suggestions.py",
}
"""By option of a search, the test that shows it; all of them embedded and on servers, or of what both share."""


@dataclasses.dataclass(frozen=True, slots=True)
class Doing:
    """A method of an engine: its route, or why there is none; its command, or why there is none; its test."""

    route: str
    command: str
    test: str


OPERATOR = "an operator's: not over HTTP"
DOING = {
    "search": Doing("GET|POST /api/v1/search", "search", "contract/test_searches.py"),
    "search_many": Doing("POST /api/v1/search/many", "search --queries FILE", "contract/test_many.py"),
    "rankings": Doing("not over HTTP: explain says it of each hit", "not needed: eval", "unit/test_evaluation.py"),
    "plan": Doing("…?plan=true", "search --plan", "contract/test_searches.py"),
    "explain": Doing("GET|POST /api/v1/explain", "search --why ID", "contract/test_standing.py"),
    "suggest": Doing("GET /api/v1/suggest", "suggest", "contract/test_highlights_and_suggestions.py"),
    "put": Doing("POST|PUT /api/v1/documents[/{id}]", "index", "contract/test_any_store.py"),
    "update": Doing("PATCH /api/v1/documents/{id}", "update", "contract/test_documents.py"),
    "delete": Doing("DELETE /api/v1/documents[/{id}]", "delete", "contract/test_documents.py"),
    "get": Doing("GET /api/v1/documents/{id}", "get", "contract/test_documents.py"),
    "get_many": Doing("GET /api/v1/documents?id=", "get", "contract/test_documents.py"),
    "copies": Doing("GET /collections/documents/{id}", "not yet", "web/test_collections_page.py"),
    "export": Doing("GET /api/v1/documents", "export", "contract/test_documents.py"),
    "count": Doing("GET /api/v1/count", "count", "contract/test_documents.py"),
    "status": Doing("GET /api/v1/status", "status", "contract/test_deployments_agree.py"),
    "ping": Doing("GET /readyz", "not needed: status says it", "faults/test_policies.py"),
    "verify": Doing("on the page /collections", "verify", "contract/test_repair_on_servers.py"),
    "repair": Doing("on the page /collections", "repair", "contract/test_repair_on_servers.py"),
    "reindex": Doing(OPERATOR, "reindex", "unit/test_reindex.py"),
    "drop": Doing(OPERATOR, "delete --all", "unit/test_cli.py"),
}
PARTS = {"render", "run", "warm", "work", "flush", "close", "incarnation", "collection", "preset", "vitals"}
"""Methods that are parts of others, or of keeping an engine: no features of their own."""

ELSEWHERE = {
    "analyzers, synonyms": ("hybrid.toml: [fields], synonyms", "contract/test_languages.py"),
    "fields by themselves": ("hybrid.toml: by_field, [fields]", "contract/test_fields.py"),
    "remembered answers": ("hybrid.toml: remembered", "contract/test_recall.py"),
    "reranker": ("hybrid.toml: [rerank]; hybrid.open(reranker=…)", "unit/test_reranker.py"),
    "adopting an index": ("hybrid.adopt; hybrid adopt", "contract/test_adopt.py"),
    "facets, ranges, sorting, why: the page": ("GET /search?f.FIELD=&from.FIELD=&to.FIELD=", "web/test_narrowing.py"),
    "tokens, roles, filters of tokens": ("hybrid token; hybrid.toml: [[api.tokens]]", "web/test_access.py"),
    "metrics, logs of requests": ("/metrics; hybrid serve --log-format", "web/test_observing.py"),
    "comparing settings": ("hybrid.comparing; /compare", "web/test_compare_page.py"),
    "evaluation": ("hybrid.evaluation; hybrid eval", "unit/test_evaluation.py"),
    "tuning": ("hybrid.evaluation; hybrid tune", "unit/test_tuning.py"),
    "presets": ("hybrid.toml: preset; hybrid serve --preset, search --preset", "unit/test_presets.py"),
    "judging": ("hybrid judge", "unit/test_judging.py"),
    "limits for clients": ("hybrid.toml: rate_limit", "web/test_transfer.py"),
    "pandas": ("put(frame), .to_pandas()", "unit/test_display.py"),
}


def text() -> str:
    """The page."""
    head = (
        "# Features\n\nWhat there is, in each way in. Everything works embedded, in memory and on servers, with the "
        "same behaviour;\nthe tests named run on all of them, or on what they share. This page is made from the code.\n"
    )
    return f"{head}\n## Options of a search\n\n{_table(_options())}\n## What an engine does\n\n{_table(_methods())}"


def _table(rows: Iterator[tuple[str, ...]]) -> str:
    heading, *body = rows
    lines = [heading, ("---",) * len(heading), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _options() -> Iterator[tuple[str, ...]]:
    yield "Python: search(…)", "JSON", "URL", "CLI", "embedded", "servers", "test"
    shell = _shell_options()
    for one in dataclasses.fields(Request):
        name = one.name
        key = IN_JSON.get(name, name)
        assert key in SearchBody.model_fields, name
        flag = IN_SHELL.get(name, "--" + name.replace("_", "-"))
        if name in NOT_IN_SHELL:
            flag = f"no: {NOT_IN_SHELL[name]}"
        else:
            assert flag in shell, (name, flag)
        yield (
            f"`{name}`",
            f"`{key}`",
            _argument(key),
            flag if flag.startswith("no:") else f"`{flag}`",
            "yes",
            "yes",
            (f"`tests/{SEARCHING[name]}`"),
        )


def _argument(key: str) -> str:
    arguments = {name.partition(".")[0]: name for name in ARGUMENTS}
    written = {"query": "q", "weights": "weight"}.get(key, key)
    return f"`{written}`" if written in arguments else f"no: {NOT_IN_URL}"


def _shell_options() -> set[str]:
    command = cli.get_command(click.Context(cli), "search")
    assert command is not None
    return {flag for one in command.params for flag in one.opts} | {"QUERY"}


def _methods() -> Iterator[tuple[str, ...]]:
    yield "Python: engine.…", "HTTP", "CLI", "embedded", "servers", "test"
    methods = {name for name in vars(Engine) if not name.startswith("_")} - PARTS
    assert methods == set(DOING), methods ^ set(DOING)
    rules, commands = _rules(), set(cli.list_commands(click.Context(cli)))
    for name, doing in DOING.items():
        path = doing.route.rpartition(" ")[2].partition("?")[0].partition("[")[0]
        assert not doing.route.startswith(("GET", "POST", "PUT", "PATCH", "DELETE")) or path in rules, path
        assert doing.command.startswith("not") or doing.command.split()[0] in commands, doing.command
        route = doing.route if "not over HTTP" in doing.route else f"`{doing.route}`"
        command = doing.command if doing.command.startswith("not") else f"`hybrid {doing.command}`"
        yield f"`{name}`", route, command, "yes", "yes", f"`tests/{doing.test}`"
    for what, (where, test) in ELSEWHERE.items():
        yield what, "settings are the operator's", f"`{where}`", "yes", "yes", f"`tests/{test}`"


def _rules() -> set[str]:
    app: Flask = create_app()
    return {str(rule).replace("<document_id:document_id>", "{id}") for rule in app.url_map.iter_rules()}


def tests() -> Iterator[str]:
    """All tests that the table names: a file, or file::function."""
    yield from SEARCHING.values()
    yield from (doing.test for doing in DOING.values())
    yield from (test for _, test in ELSEWHERE.values())


if __name__ == "__main__":
    print(text(), end="")
