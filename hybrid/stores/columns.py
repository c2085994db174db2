"""Which entries satisfy a filter? Values of fields in memory, column by column, as numpy reads them."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybrid.filters.meaning import Facts
from hybrid.filters.tree import And, Compare, Exists, Filter, Not, OneOf, Or, Order

Mask = NDArray[np.bool_]

_COMPARES: dict[Order, Callable[[Any, Any], Any]] = {
    Order.BELOW: np.less,
    Order.AT_MOST: np.less_equal,
    Order.ABOVE: np.greater,
    Order.AT_LEAST: np.greater_equal,
}


class Columns:
    """The facts of entries by their number, from 0. A field's column is made when it is first asked for, and is
    added to as entries are. Thread-safe; what a mask says of the first n entries never changes."""

    def __init__(self) -> None:
        self._facts: list[Facts] = []
        self._named: dict[str, _Named] = {}
        self._numbers: dict[str, _Numbers] = {}
        self._lock = threading.Lock()

    def append(self, facts: Facts) -> None:
        """The facts of the next entry."""
        self._facts.append(facts)

    def facts(self, entry: int) -> Facts:
        """The facts of an entry."""
        return self._facts[entry]

    def mask(self, tree: Filter, entries: int) -> Mask:
        """Whether each of the first so many entries satisfies the filter."""
        with self._lock:
            return self._mask(tree, entries)

    def _mask(self, tree: Filter, size: int) -> Mask:
        match tree:
            case OneOf(field, values):
                return self._column(field).among(values, size)
            case Exists(field):
                return self._column(field).present(size)
            case Compare(field, order, value):
                column = self._numbers.setdefault(field, _Numbers())
                column.extend(self._news(field, column.size))
                return column.compared(order, value, size)
            case Not(part):
                return ~self._mask(part, size)
            case And(parts):
                masks = [self._mask(part, size) for part in parts]
                return np.logical_and.reduce(masks) if masks else np.ones(size, np.bool_)
            case Or(parts):
                masks = [self._mask(part, size) for part in parts]
                return np.logical_or.reduce(masks) if masks else np.zeros(size, np.bool_)

    def _column(self, field: str) -> _Named:
        column = self._named.setdefault(field, _Named())
        column.extend(self._news(field, column.size))
        return column

    def _news(self, field: str, since: int) -> Iterator[tuple[Any, ...] | None]:
        """The values of the field, None where it is missing, of the entries that came since."""
        return (facts.get(field) for facts in islice(self._facts, since, None))


class _Named:
    """By value, the numbers of the entries that have it; and of those that have any."""

    def __init__(self) -> None:
        self.size = 0
        self._owners: dict[Any, array[int]] = {}
        self._present = array("q")

    def extend(self, values: Iterable[tuple[Any, ...] | None]) -> None:
        for of in values:
            if of is not None:
                self._present.append(self.size)
                for value in of:
                    self._owners.setdefault(value, array("q")).append(self.size)
            self.size += 1

    def among(self, values: Iterable[Any], size: int) -> Mask:
        return _marked([self._owners[value] for value in values if value in self._owners], size)

    def present(self, size: int) -> Mask:
        return _marked([self._present], size)


def _marked(owners: Iterable[array[int]], size: int) -> Mask:
    mask = np.zeros(size, np.bool_)
    for of in owners:
        numbers = np.frombuffer(of, np.int64)
        mask[numbers[: np.searchsorted(numbers, size)]] = True
    return mask


class _Numbers:
    """The one value of each entry, NaN where there is none: whole numbers up to 2^53 are exact."""

    def __init__(self) -> None:
        self._values = array("d")

    @property
    def size(self) -> int:
        return len(self._values)

    def extend(self, values: Iterable[tuple[Any, ...] | None]) -> None:
        self._values.extend(float(of[0]) if of else np.nan for of in values)

    def compared(self, order: Order, value: float, size: int) -> Mask:
        mask: Mask = _COMPARES[order](np.frombuffer(self._values, np.float64)[:size], float(value))
        return mask
