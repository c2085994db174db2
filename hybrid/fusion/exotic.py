"""Which methods are left to others? Votes and their relatives, by the library ranx, an extra: `compat="ranx"`.

A score of theirs is made of all rankings at once and has no parts: each retriever's part is the whole score. ranx
compiles a method when it is first used, which takes some seconds, and keeps that on the disk. A ranking that stands
alone is fused with itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from hybrid.errors import MissingExtra
from hybrid.fusion.base import Column, Fusion, Shares, method

_QUERY = "q"
Columns = Mapping[str, Column]


@method(name="ranx/bordafuse", gather=max, bounded=False, by_rank=True)
def _bordafuse(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """Points by rank: as many as there are documents for the first, one less for each next one, and the mean of what is
    left for those that a ranking lacks; times the weight (Aslam, Montague, "Models for Metasearch", SIGIR 2001)."""
    weights = [fusion.weight(name) for name, of in columns.items() if of.ids]
    return _by(columns, "w_bordafuse", norm=None, weights=weights * 2 if len(weights) == 1 else weights)


@method(name="ranx/condorcet", gather=max, bounded=False, by_rank=True)
def _condorcet(columns: Columns, fusion: Fusion) -> dict[str, Shares]:
    """Of each two documents the one that rankings of more weight place first comes first; the score is the number of
    documents that do not (Montague, Aslam, "Condorcet Fusion for Improved Retrieval", CIKM 2002). Two rankings of equal
    weight that disagree decide nothing: then the order is that of best ranks, then ids."""
    _library()
    voting = importlib.import_module("ranx.fusion.weighted_condorcet")
    lists = importlib.import_module("numba.typed").List
    given = {name: of for name, of in columns.items() if of.ids}
    if not given:
        return _shares(columns, {})
    best: dict[str, int] = {}
    for of in given.values():
        for place, one in enumerate(of.ids):
            best[one] = min(place, best.get(one, place))
    # ranx itself takes them in the order of a set of strings, which is another one in each process.
    candidates = lists(sorted(best, key=lambda one: (best[one], one)))
    votes = lists([lists(of.ids) for of in given.values()])
    scores = voting._condorcet(votes, candidates, [fusion.weight(name) for name in given])
    return _shares(columns, dict(scores))


@method(name="ranx/log_isr", gather=max, bounded=False, by_rank=True)
def _log_isr(columns: Columns, fusion: Fusion) -> dict[str, Shares]:  # noqa: ARG001 (it has no weights)
    """Σ 1 / rank², times the logarithm of how many rankings have the document (Mourão, Martins, Magalhães, 2013): one
    that a single ranking has gets 0. Weights are not looked at."""
    return _by(columns, "log_isr", norm=None)


@method(name="ranx/anz", gather=max, bounded=False)
def _anz(columns: Columns, fusion: Fusion) -> dict[str, Shares]:  # noqa: ARG001 (it has no weights)
    """CombANZ: the mean of min_max scores of the rankings that have the document (Fox and Shaw, 1994)."""
    return _by(columns, "anz", norm="min-max")


@method(name="ranx/med", gather=max, bounded=False)
def _med(columns: Columns, fusion: Fusion) -> dict[str, Shares]:  # noqa: ARG001 (it has no weights)
    """CombMED: their median (Fox and Shaw, 1994)."""
    return _by(columns, "med", norm="min-max")


@method(name="ranx/min", gather=max, bounded=False)
def _min(columns: Columns, fusion: Fusion) -> dict[str, Shares]:  # noqa: ARG001 (it has no weights)
    """CombMIN: the least of them (Fox and Shaw, 1994)."""
    return _by(columns, "min", norm="min-max")


def _by(columns: Columns, name: str, *, norm: str | None, **parameters: Any) -> dict[str, Shares]:
    """The shares by a method of ranx. norm: its normalisation; None where ranks alone count."""
    ranx = _library()
    runs = [ranx.Run({_QUERY: _row(of, ranked=norm is None)}) for of in columns.values() if of.ids]
    if not runs:
        return _shares(columns, {})
    fused = ranx.fuse(runs * 2 if len(runs) == 1 else runs, norm=norm, method=name, params=parameters)
    return _shares(columns, dict(fused.run[_QUERY]))


def _row(of: Column, *, ranked: bool) -> dict[str, float]:
    """A ranking as ranx takes it, which orders it by score: places from the last, where they alone count."""
    scores = range(len(of.ids), 0, -1) if ranked else of.scores
    return dict(zip(of.ids, map(float, scores), strict=True))


def _shares(columns: Columns, scores: Mapping[str, float]) -> dict[str, Shares]:
    found = {name: [float(scores[one]) for one in of.ids] for name, of in columns.items()}
    return {name: Shares(row, row) for name, row in found.items()}


def _library() -> Any:
    try:
        return importlib.import_module("ranx")
    except ImportError as error:
        raise MissingExtra("ranx", "fusion by ranx") from error
