"""Is hybrid helping? Every method measured on the same queries, and a verdict in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from hybrid.display import frame
from hybrid.evaluation.measures import PRIMARY, TITLES, PerQuery, Rankings, measured, recall_by_depth
from hybrid.evaluation.retrieval import Kept
from hybrid.evaluation.significance import FEWEST, Difference, Interval, difference, interval, over_sets
from hybrid.fusion import Fusion, registered
from hybrid.model import Json
from hybrid.plan import RETRIEVERS, STANDARD
from hybrid.presets import Preset

DEFAULT = "default"
"""The name that the default fusion goes by in every comparison."""

NO_PRESETS: Mapping[str, Preset] = MappingProxyType({})

SINGLE = "single"
"""Stands for the better retriever of each data set."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What text, vector and every fusion make of one data set.

    values: by method, by measure, one value a query (0 to 1). recall: by method, the mean recall at depth 1, 2, ….
    queries: the text of each, in the order of the values. notes: what does not count, or is odd.
    """

    dataset: str
    queries: Sequence[str]
    values: Mapping[str, PerQuery]
    recall: Mapping[str, NDArray[np.float64]]
    notes: Sequence[str] = ()

    def mean(self, method: str, measure: str = PRIMARY) -> Interval:
        """The mean over queries with its 95 % interval."""
        return interval(self.values[method][measure])

    @property
    def best_single(self) -> str:
        """The retriever that is better alone; text where they are equal."""
        return max(RETRIEVERS, key=lambda name: float(self.values[name][PRIMARY].mean()))

    def against_single(self, method: str, measure: str = PRIMARY) -> Difference:
        """How much a method is above the better retriever alone, query by query."""
        return difference(self.values[method][measure], self.values[self.best_single][measure])

    def verdict(self, method: str = DEFAULT) -> str:
        """Whether fusing helps here, in one sentence."""
        single = self.best_single
        if len(self.queries) < FEWEST:
            return f"nothing can be said: {judged(len(self.queries))}, and {FEWEST} are the fewest"
        found = self.against_single(method)
        told = f"({signed(found.mean)}, {chance(found.p)})"
        if found.sure and found.mean > 0:
            return f"hybrid helps {told}"
        if found.sure:
            return f"hybrid does not help {told}: use {single} only"
        return f"hybrid makes no sure difference {told}: {single} only does as well"

    def metrics(self) -> dict[str, dict[str, float]]:
        """By method, by measure, the mean over queries."""
        return {
            method: {name: float(values.mean()) for name, values in of.items()} for method, of in self.values.items()
        }

    def differences(self) -> dict[str, dict[str, float]]:
        """By method but the better retriever, how much it is above that alone: mean, low, high, p."""
        others = (name for name in self.values if name != self.best_single)
        found = {name: self.against_single(name) for name in others}
        return {name: {"mean": of.mean, "low": of.low, "high": of.high, "p": of.p} for name, of in found.items()}

    def to_dict(self) -> dict[str, Json]:
        """The comparison as JSON: dataset, metrics, the intervals of nDCG@10, verdict, queries and notes.

        single: the better retriever alone; differences: by every other method, what it is above that in nDCG@10,
        with the interval and p.
        """
        return {
            "dataset": self.dataset,
            "metrics": self.metrics(),
            "intervals": {name: [of.low, of.high] for name in self.values for of in (self.mean(name),)},
            "single": self.best_single,
            "differences": self.differences(),
            "verdict": self.verdict(),
            "queries": len(self.queries),
            "notes": list(self.notes),
        }

    def to_pandas(self) -> Json:
        """A pandas DataFrame, a row a method: its measures, and the 95 % bounds of nDCG@10. Raises MissingExtra."""
        means = self.metrics()
        return frame([{"method": name} | means[name] | _bounds(self.mean(name)) for name in self.values])

    def _repr_html_(self) -> str:
        heads = "".join(f"<th>{escape(title)}</th>" for title in TITLES.values())
        rows = "".join(
            f"<tr><td>{escape(name)}</td>{''.join(f'<td>{shown(of[measure])}</td>' for measure in TITLES)}</tr>"
            for name, of in self.metrics().items()
        )
        return f"<table><tr><th></th>{heads}</tr>{rows}</table><p><b>{escape(self.verdict())}</b></p>"


def _bounds(of: Interval) -> dict[str, float]:
    return {f"{PRIMARY} low": of.low, f"{PRIMARY} high": of.high}


def compared(kept: Kept, fusions: Mapping[str, Fusion], presets: Mapping[str, Preset] = NO_PRESETS) -> Comparison:
    """Text, vector, each fusion and preset by the name it is given here, and the default, on what was kept.

    A fusion is measured on the rankings of both retrievers; presets, within their window, and the default as a search
    without options answers.
    """
    rankings: dict[str, Rankings] = {name: kept.alone(name) for name in RETRIEVERS}
    rankings |= {name: kept.fused(fusion) for name, fusion in fusions.items()}
    rankings |= {f"preset {name}": _by_preset(kept, of) for name, of in presets.items()}
    rankings[DEFAULT] = kept.searched(STANDARD)
    dataset = kept.dataset
    return Comparison(
        dataset=dataset.name,
        queries=tuple(dataset.queries[query] for query in dataset.judgements),
        values={name: measured(of, dataset.judgements) for name, of in rankings.items()},
        recall={name: recall_by_depth(of, dataset.judgements, kept.window) for name, of in rankings.items()},
        notes=(*dataset.notes, *_flattered(dataset.name, presets)),
    )


def _flattered(dataset: str, presets: Mapping[str, Preset]) -> list[str]:
    """A note on each preset that was tuned on this very data set, going by its name."""
    tuned = [name for name, of in presets.items() if of.tuned.get("dataset") == dataset]
    return [f"preset {name} was tuned on {dataset} itself, so what it gains here says little" for name in tuned]


def _by_preset(kept: Kept, of: Preset) -> Rankings:
    return kept.in_fields(of.fields).within(of.window).searched(of.fusion)


def over_all(comparisons: Sequence[Comparison], method: str, other: str) -> Difference:
    """How much one method is above another on average over data sets, each counting the same.

    other: a method, or SINGLE.
    """
    pairs = [(of, of.best_single if other == SINGLE else other) for of in comparisons]
    return over_sets([of.values[method][PRIMARY] - of.values[name][PRIMARY] for of, name in pairs])


def described(fusion: Fusion) -> str:
    """A fusion in a few words, such as: rrf, k = 10, vector × 2; or: weighted, z_score."""
    normalizer = f", {fusion.normalizer}" if fusion.normalizer else ""
    k = f", k = {fusion.k:g}" if registered(fusion).by_rank else ""
    return (
        fusion.name
        + normalizer
        + k
        + "".join(f", {name} × {weight:g}" for name, weight in fusion.weights if weight != 1)
    )


def judged(queries: int) -> str:
    """A number of judged queries in words: 1 judged query."""
    return f"{queries} judged {'query' if queries == 1 else 'queries'}"


def signed(value: float) -> str:
    """A difference with its sign and three places, without the nought before the point: +.034."""
    return f"{value:+.3f}".replace("0.", ".", 1).replace("-", "−")


def shown(value: float) -> str:
    """A value from 0 to 1 with three places, without the nought before the point: .737."""
    return "1.000" if value >= 0.9995 else f"{value:.3f}".removeprefix("0")


def chance(p: float) -> str:
    """A p value: p = .034, or p < .001."""
    return "p < .001" if p < 0.0005 else f"p = {shown(p)}"
