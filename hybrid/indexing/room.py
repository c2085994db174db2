"""Is there room in the journal? What no store is owed makes way for what one is."""

from __future__ import annotations

import logging
import sqlite3

from hybrid.errors import BacklogFull
from hybrid.indexing import replaced

_log = logging.getLogger(__name__)

_SPARE = 10
"""The part of the journal that is made free at once, a tenth, so that not every batch has to look for room."""

_FORGET = (
    "DELETE FROM entries WHERE id IN (SELECT id FROM entries WHERE NOT EXISTS "
    "(SELECT 1 FROM debts WHERE debts.id = entries.id AND written_in = '') ORDER BY journaled LIMIT ?) RETURNING id"
)


def make_room(database: sqlite3.Connection, wanted: int, limit: int) -> None:
    """Returns when so many changes more are at most `limit`; a batch that is larger by itself has the journal alone.

    Changes that every store has taken, kept in case one restarts that cannot make them durable, are forgotten for it,
    the oldest first. Raises BacklogFull where too many others wait.
    """
    (held,) = database.execute("SELECT count(*) FROM entries").fetchone()
    if held + wanted <= limit:
        return
    waiting = held - _forgotten(database, held + wanted - limit + limit // _SPARE)
    if waiting and waiting + wanted > limit:
        raise BacklogFull(waiting, limit)


def _forgotten(database: sqlite3.Connection, most: int) -> int:
    """The number of changes that were forgotten, the oldest of those that no store is owed."""
    rows = database.execute(_FORGET, (most,)).fetchall()
    database.executemany("DELETE FROM debts WHERE id = ?", rows)
    replaced.forget(database, [one for (one,) in rows])
    if rows:
        _log.info("%d changes are not kept any longer in case a store restarts; then run: hybrid repair", len(rows))
    return len(rows)
