"""Is hybrid helping? Judged queries, measures, and what may be said of a difference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hybrid.engine import Engine
from hybrid.evaluation import datasets, retrieval
from hybrid.evaluation.comparison import Comparison, compared
from hybrid.evaluation.datasets import Dataset
from hybrid.fusion import Fusion, checked
from hybrid.plan import RETRIEVERS

__all__ = ["Comparison", "Dataset", "evaluate"]


def evaluate(
    engine: Engine, dataset: str | Path | Dataset, fusions: Sequence[str | Fusion] = ("rrf",), window: int = 100
) -> Comparison:
    """What text, vector, each fusion and the default make of judged queries about the documents of an engine.

    dataset: a Dataset, a BEIR folder, whose own documents are not looked at, or a CSV of query, id and grade. window:
    documents asked of each retriever. Raises InputError, FusionError, and MissingExtra without ir-measures.
    """
    read = dataset if isinstance(dataset, Dataset) else datasets.read(Path(dataset))
    chosen = [Fusion(one) if isinstance(one, str) else one for one in fusions]
    judged = retrieval.present(engine, read)
    kept = retrieval.kept(engine, judged, window, lambda _: None)
    return compared(kept, {one.method: checked(one, RETRIEVERS) for one in chosen})
