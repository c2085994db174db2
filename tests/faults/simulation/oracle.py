"""What was lost? The stores at the end, compared with what was promised; in the terms of Jepsen's checkers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from hybrid.model import Record, Vector
from tests.faults.simulation.history import History, is_poison
from tests.faults.simulation.server import Server

KINDS = ("lost", "some_lost", "dirty", "resurrected", "stale", "undead", "differ", "owed", "wrong")
"""lost: promised, and in neither store. some_lost: promised, and in one of them only. dirty: was seen, and what is
there is older; or was seen though it failed. resurrected: deleted, and there. stale: older than promised. undead: with
the vector of another text. differ: the stores do not agree, or `verify` says so. owed: the journal is not empty.
wrong: a call said what is not so, or failed where it has to answer."""


class Broken(NamedTuple):
    """One promise that was not kept: its kind, one of KINDS, and what is there."""

    kind: str
    what: str


def check(history: History, servers: Sequence[Server], vector_of: Callable[[str], Vector]) -> list[Broken]:
    """Every promise that was not kept, once nothing is owed any more."""
    ids = sorted(
        set(history.promises).union(*(server.rows for server in servers), *(server.versions for server in servers))
    )
    found = [Broken(*one) for one in history.broken]
    for one in ids:
        views = [server.rows.get(one) for server in servers]
        found += _agreement(one, views)
        found += _content(one, views, history)
        found += _seen(one, views, servers)
        found += [broken for view in views if view for broken in _vectors(view, vector_of)]
    given = {(change.id, change.text) for change in history.changes}
    may_be = {(change.id, change.text) for change in history.changes if change.overtaken}
    failed = {one for one in given - may_be if not history.version_of(*one)}
    for server in servers:
        found += [Broken("dirty", f"{one} in {server.name}: the write failed") for one in server.seen & failed]
    return found


def _agreement(one: str, views: Sequence[Record | None]) -> Iterator[Broken]:
    there = [view for view in views if view is not None]
    living = [view for view in there if not view.deleted]
    if len({(view.version, view.hash, view.deleted) for view in there}) > 1 or (living and len(there) < len(views)):
        yield Broken("differ", f"{one}: {' and '.join(map(_shown, views))}")


def _content(one: str, views: Sequence[Record | None], history: History) -> Iterator[Broken]:
    promised = history.promised(one)
    living = [view for view in views if view is not None and not view.deleted]
    for view in living:
        text = view.source.get("text", "")
        if is_poison(text):
            yield Broken("dirty", f"{one}: {_shown(view)} was rejected")
        if promised and min(view.version, history.version_of(one, text)) < promised.version:
            kind = "resurrected" if promised.text is None else "stale"
            yield Broken(kind, f"{one}: {_shown(view)} is older than {promised}")
    if promised and promised.text is not None and history.version_of(one, None) < promised.version:
        missing = len(views) - len(living)
        if missing:
            yield Broken("lost" if not living else "some_lost", f"{one}: {promised} is not there")


def _seen(one: str, views: Sequence[Record | None], servers: Sequence[Server]) -> Iterator[Broken]:
    held = max((view.version for view in views if view is not None), default=0)
    highest = max((version for server in servers for version in server.versions[one]), default=0)
    if held < highest:
        yield Broken("dirty", f"{one}: version {highest} was there, and now {held}")


def _vectors(view: Record, vector_of: Callable[[str], Vector]) -> Iterator[Broken]:
    if view.deleted:
        return
    if not np.array_equal(view.vectors[0], vector_of(view.source["text"])):
        yield Broken("undead", f"{view.id}: the vector is not that of {view.source['text']!r}")


def _shown(view: Record | None) -> str:
    if view is None:
        return "nothing"
    return f"{'tombstone' if view.deleted else view.source.get('text')}@{view.version}"
