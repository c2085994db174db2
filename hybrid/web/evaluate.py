"""Is hybrid helping here? The page that measures judged queries on this collection, and leads to each one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from flask import Blueprint, Flask, Response, current_app, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.exceptions import NotFound

from hybrid import evaluation
from hybrid.errors import InputError
from hybrid.evaluation import datasets, measures, pictures, rated
from hybrid.evaluation.comparison import DEFAULT, Comparison, chance, shown, signed
from hybrid.evaluation.datasets import Dataset
from hybrid.evaluation.measures import PRIMARY, TITLES
from hybrid.evaluation.significance import FEWEST
from hybrid.plan import RETRIEVERS
from hybrid.settings import Settings
from hybrid.web import actions, judge
from hybrid.web.page import PAGES, link, say
from hybrid.web.problems import of_hybrid
from hybrid.web.runs import Run, Runs
from hybrid.web.saying import Say
from hybrid.web.wire import engine, reply

blueprint = Blueprint("evaluate", __name__)
blueprint.after_request(actions.own_referrer)

HERE = "ratings given here"
FOLDER = "datasets"
"""The folder of the data folder that data sets are looked for in."""

_RUNS = "hybrid_runs"


def install(app: Flask) -> None:
    """Adds the page, and that of the judges, to the application and to its navigation."""
    app.extensions[_RUNS] = Runs()
    app.register_blueprint(blueprint)
    judge.install(app)
    app.extensions.setdefault(PAGES, []).append(("evaluate.page", "Evaluate"))


def found_in(settings: Settings) -> Mapping[str, Path]:
    """By name, the data sets in the data folder: folders as BEIR has them, and tables."""
    folder = Path(settings.data_dir) / FOLDER
    if settings.in_memory or not folder.is_dir():
        return {}
    listed = sorted(folder.iterdir())
    return {one.name: one for one in listed if one.is_dir() or one.suffix in (".csv", ".tsv")}


@blueprint.get("/evaluate")
def page() -> str:
    """The page: what can be measured, and what was."""
    listed = cast(Runs, current_app.extensions[_RUNS]).all()
    outcomes = {one.number: _outcome(one, say()) for one in listed}
    return render_template(
        "evaluate.html",
        **_facts(),
        outcomes=outcomes,
        here=HERE,
        json_url=url_for("evaluate.page_json"),
        folder=FOLDER,
    )


@blueprint.get("/evaluate.json")
def page_json() -> Response:
    """The same facts in JSON."""
    return reply(_facts())


@blueprint.get("/evaluate/runs/<int:number>")
def run(number: int) -> str:
    """The page of one run: its progress, or what it found."""
    one = _run(number)
    words = say()
    captions = _captions(words)
    drawings = Markup(pictures.drawings(one.found, captions)) if one.found else ""
    facts = _run_facts(one)
    json_url = url_for("evaluate.run_json", number=number)
    return render_template(
        "run.html",
        run=facts,
        name=words.text("ratings_given_here") if one.name == HERE else one.name,
        outcome=_outcome(one, words),
        methods=captions.names,
        drawings=drawings,
        titles=TITLES,
        json_url=json_url,
        shown=shown,
        signed=signed,
        chance=chance,
    )


@blueprint.get("/evaluate/runs/<int:number>.json")
def run_json(number: int) -> Response:
    """The same facts in JSON."""
    return reply(_run_facts(_run(number)))


@actions.blueprint.post("/evaluate/run")
def begin() -> Any:
    """Begins to measure the data set of the form, by its name in the list."""
    name = request.form.get("dataset", "")
    measures.check()
    dataset = _dataset(name)
    measure = partial(_measure, engine(), dataset)
    run = cast(Runs, current_app.extensions[_RUNS]).begin(name, len(dataset.queries), measure)
    return redirect(link("evaluate.run", number=run.number), 303)


def _measure(of: Any, dataset: Dataset, told: Any) -> Comparison:
    return evaluation.evaluate(of, dataset, told=told)


def _dataset(name: str) -> Dataset:
    if name == HERE:
        counted = rated.counted(judge.ratings().all())
        good = {query: grades for query, grades in counted.items() if any(grade > 0 for grade in grades.values())}
        if not good:
            raise InputError("no document was rated 1 or more here yet. Rate some first")
        return Dataset(HERE, {query: query for query in good}, good)
    found = found_in(engine().settings)
    if name not in found:
        raise InputError(f"there is no data set {name!r}; there is: {', '.join([*found, HERE])}")
    return datasets.read(found[name])


def _run(number: int) -> Run:
    one = cast(Runs, current_app.extensions[_RUNS]).get(number)
    if one is None:
        raise NotFound(f"there is no run {number}, or it is not kept any more")
    return one


def _facts() -> dict[str, Any]:
    count = len(rated.counted(judge.ratings().all()))
    listed = cast(Runs, current_app.extensions[_RUNS]).all()
    return {
        "datasets": [*found_in(engine().settings), *([HERE] if count else [])],
        "rated_queries": count,
        "runs": [_short(one) for one in listed],
    }


def _short(one: Run) -> dict[str, Any]:
    short = {"number": one.number, "dataset": one.name, "state": one.state, "done": one.done, "total": one.total}
    return short | ({"verdict": one.found.verdict()} if one.found else {})


def _outcome(one: Run, say: Say) -> str:
    """How a run ended, or that it did not yet, in words."""
    return verdict(one.found, say) if one.found else say.named("state", one.state)


def verdict(found: Comparison, say: Say) -> str:
    """What `Comparison.verdict` says, in the language of the page."""
    if len(found.queries) < FEWEST:
        return say.text("verdict_few", count=len(found.queries), fewest=FEWEST)
    differs = found.against_single(DEFAULT)
    key = "verdict_even" if not differs.sure else "verdict_helps" if differs.mean > 0 else "verdict_harms"
    single = say.named("method", found.best_single)
    return say.text(key, mean=signed(differs.mean), chance=chance(differs.p), single=single)


def _captions(say: Say) -> pictures.Captions:
    patterns = {name: say.pattern(f"figure_{name}") for name in ("bars", "wins", "recall")}
    names = {name: say.named("method", name) for name in (DEFAULT, *RETRIEVERS)}
    return pictures.Captions(**patterns, between=say.pattern("between"), names=names)


def _run_facts(one: Run) -> dict[str, Any]:
    facts = _short(one) | {"took_s": round(one.took_s, 2)}
    if one.error:
        facts["error"] = of_hybrid(one.error).detail
    if one.found:
        facts |= {"result": one.found.to_dict(), "per_query": _per_query(one.found)}
    return facts


def _per_query(found: Comparison) -> list[dict[str, Any]]:
    """Each query with what the default and the better retriever make of it; what is lost first, then what is won."""
    mine, single = found.values[DEFAULT][PRIMARY], found.values[found.best_single][PRIMARY]
    rows = [
        {
            "query": query,
            "default": float(mine[place]),
            "single": float(single[place]),
            "difference": float(mine[place] - single[place]),
            "search_url": link("page.search", ("q", query)),
            "compare_url": _compare(query, found.best_single),
            "judge_url": link("judge.page", ("q", query)),
        }
        for place, query in enumerate(found.queries)
    ]
    return sorted(rows, key=lambda row: (-abs(row["difference"]), row["difference"], row["query"]))


def _compare(query: str, single: str) -> str:
    """The address of the page that shows the default and the better retriever side by side."""
    return link("compare.page", ("q", query), ("a", "standard"), ("b", single))
