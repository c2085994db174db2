"""What is done about documents that a search saw torn? They are queued, and compared and repaired behind it."""

from __future__ import annotations

from hybrid import integrity
from hybrid.place import Place
from hybrid.result import SearchResult


def look_after(place: Place, result: SearchResult) -> None:
    """Queues for repair what the stores disagree on; where this process writes, asks about what was not seen."""
    doubtful = integrity.disagreeing(result)
    indexer = place.indexer
    if indexer is not None:
        doubtful += integrity.unseen(result)
    elif doubtful:
        indexer = place.writing(place.catalog.collection)
    if indexer is not None and doubtful:
        indexer.suspect(doubtful)
