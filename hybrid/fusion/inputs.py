"""What may a ranking be given as? Dicts, lists, DataFrames and the hits of other libraries, made into columns."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

from hybrid.errors import FusionError
from hybrid.fusion.base import Column
from hybrid.model import Ranking
from hybrid.result import SearchResult


def column(name: str, given: Any, *, by_rank: bool) -> Column:
    """The column of a ranking. by_rank: scores are not needed, the order will do.

    given: {id: score}, [(id, score), …] in any order, [id, …] best first; a DataFrame with a column `score`, and `id`
    or the index; this package's Ranking or SearchResult; LangChain's documents, with scores beside them or best first;
    LlamaIndex' nodes with scores. Raises FusionError.
    """
    if isinstance(given, Ranking):
        return Column(given.ids, given.scores, given.background, given.unit)
    if isinstance(given, str):
        raise FusionError(f"ranking {name!r} is a string; give a list of ids, (id, score) pairs, or a dict")
    rows = [_row(row) for row in _rows(name, given)]
    if rows and all(isinstance(row, str) for row in rows):
        if not by_rank:
            raise FusionError(
                f"ranking {name!r} has no scores, which is what is fused; give (id, score) pairs or use rrf"
            )
        rows = [(one, float(-position)) for position, one in enumerate(rows)]
    ordered = sorted((_pair(name, row) for row in rows), key=lambda pair: (-pair[1], pair[0]))
    ids = tuple(one for one, _ in ordered)
    if len(set(ids)) < len(ids):
        doubled = next(one for one in ids if ids.count(one) > 1)
        raise FusionError(f"ranking {name!r} has the id {doubled!r} twice; keep the better of the two")
    return Column(ids, tuple(score for _, score in ordered))


def _rows(name: str, given: Any) -> Iterable[Any]:
    if isinstance(given, SearchResult):
        return [(hit.id, hit.score) for hit in given.hits]
    if isinstance(given, Mapping):
        return list(given.items())
    if hasattr(given, "itertuples") and hasattr(given, "columns"):
        if "score" not in given.columns:
            raise FusionError(f"ranking {name!r} is a table without a column 'score'; name the column so")
        ids = given["id"] if "id" in given.columns else given.index
        return list(zip(map(_as_id, ids), given["score"].tolist(), strict=True))
    return list(given)


def _as_id(value: Any) -> Any:
    return value if isinstance(value, str) else str(value)


def _row(row: Any) -> Any:
    """A row of another library's hits as an id, or an id and a score; any other row as it is."""
    if isinstance(row, tuple) and len(row) == 2 and hasattr(row[0], "page_content"):
        return _document_id(row[0]), row[1]
    if hasattr(row, "page_content"):
        return _document_id(row)
    if hasattr(row, "node") and hasattr(row, "score"):
        one = row.node.node_id
        return one if row.score is None else (one, row.score)
    return row


def _document_id(document: Any) -> str:
    """The id of a LangChain document: its own, that of its metadata, or, as LangChain itself does it, its text."""
    found = getattr(document, "id", None) or document.metadata.get("id") or document.page_content
    return str(found)


def _pair(name: str, pair: object) -> tuple[str, float]:
    if not (isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str)):
        raise FusionError(f"ranking {name!r} has {pair!r}; a row is a pair (id, score) with a string id")
    one, score = pair
    if isinstance(score, bool) or not isinstance(score, Real):
        raise FusionError(f"ranking {name!r}: the score of {one!r} is {score!r}, not a number")
    try:
        finite = math.isfinite(float(score))
    except OverflowError:  # a whole number beyond all floats
        finite = False
    if not finite:
        raise FusionError(f"ranking {name!r}: the score of {one!r} is {score!r}; leave out what has no score")
    return one, float(score)
