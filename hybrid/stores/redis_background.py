"""How near is the whole collection to a query? Mean and deviation over a sample, worked out by Redis itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hybrid import sample
from hybrid.model import Background, Vector
from hybrid.schema import Metric, VectorSpec
from hybrid.stores.redis_layout import LEVEL, Argument, prefix, rows, tally_key

_MOST = 50_000
"""Vectors of a sample at most."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many documents the collection has, and vectors of them, which says how it is sampled."""

    documents: int
    vectors: int

    @property
    def kind(self) -> tuple[int, bool]:
        """From which level on documents are in the sample, and whether any has several vectors."""
        return sample.from_level(self.documents), self.vectors > self.documents


class Sampling:
    """The commands that a search sends along, and what their replies say."""

    def __init__(self, name: str, spec: VectorSpec) -> None:
        self._name = name
        self._spec = spec

    def counting(self) -> list[Argument]:
        """The command that asks for the collection's shape; a search that counts would look at every document."""
        return ["HMGET", tally_key(self._name), "documents", "vectors"]

    def shape(self, reply: Sequence[Any]) -> Shape:
        """The shape that the reply says."""
        return Shape(*(int(count or 0) for count in reply))

    def command(self, vector: Vector, shape: Shape, timeout_s: float) -> list[Argument]:
        """The FT.AGGREGATE command for the mean and the deviation of the sample's distances to a vector, (dim,)."""
        level, several = shape.kind
        given: list[Argument] = ["k", _MOST, "vector", rows(vector[np.newaxis], self._spec)[0].tobytes()]
        near = f"(@{LEVEL}:[{level} +inf])=>[KNN $k @_vec $vector HYBRID_POLICY ADHOC_BF AS _d]"
        command: list[Argument] = ["FT.AGGREGATE", f"{prefix(self._name)}idx", near, "PARAMS", len(given), *given]
        if several:
            command += ["LOAD", 1, "@_id", "GROUPBY", 1, "@_id", "REDUCE", "MIN", 1, "@_d", "AS", "_d"]
        if self._spec.metric is Metric.L2:
            command += ["APPLY", "sqrt(@_d)", "AS", "_d"]
        command += [
            "GROUPBY",
            0,
            "REDUCE",
            "AVG",
            1,
            "@_d",
            "AS",
            "mean",
            "REDUCE",
            "STDDEV",
            1,
            "@_d",
            "AS",
            "deviation",
        ]
        return [*command, "TIMEOUT", max(1, int(timeout_s * 1000)), "DIALECT", 2]

    def background(self, found: Sequence[Any], shape: Shape) -> Background | None:
        """What the rows of the command's reply say; None where there is no document."""
        if not found or not shape.documents:
            return None
        facts = found[0][b"extra_attributes"]
        mean, deviation = float(facts[b"mean"]), float(facts[b"deviation"])
        turned = -mean if self._spec.metric is Metric.L2 else 1.0 - mean
        return Background(shape.documents, turned, deviation)
