"""How are all documents of a collection gone through in Redis, each once?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import redis
from numpy.typing import NDArray

from hybrid.stores import redis_layout as layout
from hybrid.stores.redis_client import run, translated

PAGE = 1000
"""Keys that Redis looks at for one answer."""


def document_ids(client: redis.Redis, name: str) -> Iterator[list[str]]:
    """The ids of all documents and tombstones, a page at a time, in no order; each once.

    Every id that is there from beginning to end is among them; one written or removed meanwhile may be.
    """
    begin = layout.document_key(name, "").encode()
    seen = Seen()
    cursor: int | None = None
    while cursor != 0:
        with translated(client):
            cursor, keys = run(client, "SCAN", cursor or 0, "MATCH", begin + b"*", "COUNT", PAGE)
        yield [key[len(begin) :].decode() for key in seen.new(keys)]


class Seen:
    """Which keys were there before: SCAN repeats some when Redis makes its table smaller.

    It holds 64 bits of a digest of each, so that among ten million keys the chance that one is wrongly taken
    for another is 3 in a million. 8 bytes for each key.
    """

    def __init__(self) -> None:
        self._runs: list[NDArray[np.int64]] = []  # sorted, each more than the next

    def new(self, keys: Sequence[bytes]) -> list[bytes]:
        """Those of the keys that were not given before, each once; from now on they were."""
        by_digest = {hash(key): key for key in keys}
        digests = np.sort(np.fromiter(by_digest, np.int64, len(by_digest)))
        for known in self._runs:
            places = np.minimum(np.searchsorted(known, digests), len(known) - 1)
            digests = digests[known[places] != digests]
        if len(digests):
            self._keep(digests)
        return [by_digest[digest] for digest in digests.tolist()]

    def _keep(self, digests: NDArray[np.int64]) -> None:
        self._runs.append(digests)
        while len(self._runs) > 1 and len(self._runs[-2]) <= len(self._runs[-1]):
            last = self._runs.pop()
            self._runs[-1] = np.sort(np.concatenate([self._runs[-1], last]))
