"""How do fields of a document change its score? Factors by which it is multiplied, as Elasticsearch's function_score
does with its defaults: `score_mode` and `boost_mode` multiply."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hybrid.filters.meaning import Facts, matches
from hybrid.filters.show import show
from hybrid.filters.tree import Filter
from hybrid.model import Json
from hybrid.shaping.order import Order


class Modifier(StrEnum):
    """What is made of a number before it is a factor."""

    NONE = "none"
    LOG1P = "log1p"
    LN1P = "ln1p"
    LOG2P = "log2p"
    LN2P = "ln2p"
    SQUARE = "square"
    SQRT = "sqrt"
    RECIPROCAL = "reciprocal"


_MODIFIED: Mapping[Modifier, Callable[[float], float]] = {
    Modifier.NONE: lambda value: value,
    Modifier.LOG1P: lambda value: math.log10(1 + value),
    Modifier.LN1P: math.log1p,
    Modifier.LOG2P: lambda value: math.log10(2 + value),
    Modifier.LN2P: lambda value: math.log(2 + value),
    Modifier.SQUARE: lambda value: value * value,
    Modifier.SQRT: math.sqrt,
    Modifier.RECIPROCAL: lambda value: 1 / value if value else 0.0,
}


class Slope(StrEnum):
    """How a factor falls with the distance from an origin."""

    GAUSS = "gauss"
    EXP = "exp"
    LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class Growth:
    """weight × modifier(factor × value of a number), Elasticsearch's field_value_factor; 0 for a number below 0.

    missing: the value of a document that has none.
    """

    field: str
    modifier: Modifier = Modifier.NONE
    factor: float = 1.0
    missing: float = 1.0
    weight: float = 1.0

    def of(self, facts: Facts) -> float:
        """The factor of a document, from 0."""
        value = max(0.0, self.factor * float(next(iter(facts.get(self.field, ())), self.missing)))
        return self.weight * _MODIFIED[self.modifier](value)


@dataclass(frozen=True, slots=True)
class Decay:
    """weight × a number from 1 at the origin, through `decay` at the distance `scale` beyond `offset`, down to 0.

    origin, scale, offset: of a date in milliseconds. 1 × weight for a document without a value. With d the distance
    beyond the offset: gauss decay^((d/scale)²), exp decay^(d/scale), linear max(0, 1 − (1 − decay)·d/scale)
    (Elasticsearch, decay functions).
    """

    field: str
    slope: Slope
    origin: float
    scale: float
    offset: float = 0.0
    decay: float = 0.5
    weight: float = 1.0

    def of(self, facts: Facts) -> float:
        """The factor of a document, from 0."""
        values = facts.get(self.field, ())
        if not values:
            return self.weight
        steps = max(0.0, abs(float(values[0]) - self.origin) - self.offset) / self.scale
        if self.slope is Slope.LINEAR:
            return self.weight * max(0.0, 1 - (1 - self.decay) * steps)
        return self.weight * math.pow(self.decay, steps * steps if self.slope is Slope.GAUSS else steps)


@dataclass(frozen=True, slots=True)
class Favour:
    """The weight for documents that satisfy a filter, and 1 for all others."""

    filter: Filter
    weight: float

    def of(self, facts: Facts) -> float:
        """The factor of a document, from 0."""
        return self.weight if matches(self.filter, facts) else 1.0


Boost = Growth | Decay | Favour


def named(boost: Boost) -> str:
    """What a boost is called where its factor is told: its field, or its filter."""
    return show(boost.filter) if isinstance(boost, Favour) else boost.field


def boosted(order: Order, boosts: Sequence[Boost], facts: Mapping[str, Facts]) -> Order:
    """Each score times the document's factors, best first. The breakdown is noted: the score before, each factor."""
    scores = dict(order.scores)
    said: dict[str, Json] = {}
    for one in order.ids:
        factors = [(named(boost), _finite(boost.of(facts.get(one, {})))) for boost in boosts]
        scores[one] = _finite(order.scores[one] * math.prod(factor for _, factor in factors))
        parts = [{"by": name, "factor": factor} for name, factor in factors]
        said[one] = {"score_before": order.scores[one], "factors": parts}
    return Order(order.ids, scores, order.notes).noted("boosts", said).sorted_by(lambda one: -scores[one])


def _finite(value: float) -> float:
    """The number, or the nearest that JSON can say; 0 for none, as where 0 multiplies what is too large."""
    return 0.0 if math.isnan(value) else max(-sys.float_info.max, min(value, sys.float_info.max))
