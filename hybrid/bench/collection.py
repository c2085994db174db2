"""What is searched in a benchmark? The documents and queries of a BEIR folder, with vectors made by lot.

How fast an exact search is does not depend on what the vectors mean, so no model is needed; the seed makes
them the same in every run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from hybrid.errors import InputError
from hybrid.indexing import sources
from hybrid.indexing.documents import Malformed
from hybrid.model import Vector

DIM = 384
_SEED = 20260102


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """One query: its words and its vector, float32 (384,), unit length."""

    text: str
    vector: Vector


def documents(folder: Path) -> Iterator[dict[str, Any]]:
    """The documents of the folder, each with a vector of 384 components. Raises InputError."""
    random = np.random.default_rng(_SEED)
    for row in sources.read(folder):
        if not isinstance(row, Malformed):
            yield {**row, "vector": _unit(random)}


def queries(folder: Path, most: int) -> list[Asked]:
    """The first queries of the folder. Raises InputError where there are none."""
    file = folder / "queries.jsonl"
    if not file.is_file():
        raise InputError(f"there is no file {file}. Give a BEIR folder, with corpus.jsonl and queries.jsonl")
    random = np.random.default_rng(_SEED + 1)
    with file.open("rb") as lines:
        texts = [orjson.loads(line)["text"] for line in islice(lines, most)]
    return [Asked(text, _unit(random)) for text in texts]


def _unit(random: np.random.Generator) -> Vector:
    vector = random.standard_normal(DIM, dtype=np.float32)
    unit: Vector = vector / np.linalg.norm(vector)
    return unit
