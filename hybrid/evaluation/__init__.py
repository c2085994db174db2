"""Is hybrid helping? Judged queries, measures, and what may be said of a difference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hybrid.engine import Engine
from hybrid.evaluation import datasets, measures, retrieval, tuning
from hybrid.evaluation.comparison import NO_PRESETS, Comparison, compared, described
from hybrid.evaluation.datasets import Dataset
from hybrid.evaluation.retrieval import Kept
from hybrid.evaluation.tuning import Tuned
from hybrid.fusion import Fusion, checked
from hybrid.match import Boosts
from hybrid.plan import RETRIEVERS

__all__ = ["Comparison", "Dataset", "Tuned", "evaluate", "tune"]


def evaluate(
    engine: Engine,
    dataset: str | Path | Dataset,
    fusions: Sequence[str | Fusion] = ("rrf",),
    window: int = 100,
    told: Callable[[int], None] = lambda _: None,
) -> Comparison:
    """What text, vector, each fusion, the engine's preset and the default make of judged queries about its documents.

    dataset: a Dataset, a BEIR folder, whose own documents are not looked at, or a CSV of query, id and grade. window:
    documents asked of each retriever. told: called with 1 for each query that was asked.
    Raises InputError, FusionError, and MissingExtra without ir-measures.
    """
    chosen = [checked(Fusion(one) if isinstance(one, str) else one, RETRIEVERS) for one in fusions]
    presets = {engine.settings.preset: engine.preset} if engine.settings.preset else NO_PRESETS
    fields = [of.fields for of in presets.values() if of.fields]
    kept = _kept(engine, dataset, max([window, *(of.window for of in presets.values())]), fields, told)
    return compared(kept, {_name(one): one for one in chosen}, presets)


def tune(engine: Engine, dataset: str | Path | Dataset, window: int = 100) -> Tuned:
    """The fusion that is best for judged queries about an engine's documents, and how much better it is, honestly.

    dataset, window: as of `evaluate`; smaller windows are tried too. `hybrid.presets.save` keeps its `preset()`.
    Raises InputError, for fewer than 20 queries too, and MissingExtra without ir-measures.
    """
    fields = tuning.fields_tried(engine.collection.schema)
    return tuning.tuned(_kept(engine, dataset, window, fields), tuning.candidates(window, fields))


def _kept(
    engine: Engine,
    dataset: str | Path | Dataset,
    window: int,
    fields: Sequence[Boosts],
    told: Callable[[int], None] = lambda _: None,
) -> Kept:
    measures.check()
    named = Path(dataset) if isinstance(dataset, str) else dataset
    read = named if isinstance(named, Dataset) else datasets.read(named)
    return retrieval.kept(engine, retrieval.present(engine, read), window, told, fields)


def _name(fusion: Fusion) -> str:
    return fusion.name if fusion == Fusion(fusion.method, compat=fusion.compat) else described(fusion)
