"""Where does an answer go on? Fused rankings kept for a while, each under a key that only this engine can make.

A cursor names a kept answer and a place in it, signed, so that one that was changed is told from one that is old.
Whatever is written meanwhile, the pages of one answer neither overlap nor leave anything out.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from hybrid.errors import CursorError, CursorGone

KEPT_S = 600.0
"""Seconds for which an answer is kept."""

MOST_KEPT = 200_000
"""Documents of answers that are kept at most, some 100 MB; what was not looked at for the longest time goes first."""

_KEY, _PLACE, _SEAL = 12, 4, 12
"""Bytes of a cursor: which answer, the place in it, and the signature of both."""

_Answer = TypeVar("_Answer")


class Pages(Generic[_Answer]):
    """Answers that cursors go on with. Thread-safe; they live in this process. now: seconds, never stepping back."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._secret = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, tuple[float, int, _Answer]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def keep(self, answer: _Answer, size: int) -> bytes:
        """The key under which the answer, which takes the room of `size` documents, is kept from now on."""
        key = secrets.token_bytes(_KEY)
        with self._lock:
            self._kept[key] = (self._now() + KEPT_S, size, answer)
            self._size += size
            while self._size > MOST_KEPT and len(self._kept) > 1:
                self._size -= self._kept.popitem(last=False)[1][1]
        return key

    def cursor(self, key: bytes, place: int) -> str:
        """The cursor that goes on at this place, from 0, of a kept answer."""
        body = key + place.to_bytes(_PLACE)
        return urlsafe_b64encode(body + self._seal(body)).decode()

    def find(self, cursor: str) -> tuple[bytes, _Answer, int]:
        """The key, the answer and the place that a cursor names.

        Raises CursorError for what this engine did not make, CursorGone for what it does not keep any more.
        """
        try:
            raw = b64decode(cursor.encode("ascii"), b"-_", validate=True)
        except (AttributeError, ValueError):
            raw = b""
        body, seal = raw[:-_SEAL], raw[-_SEAL:]
        if len(raw) != _KEY + _PLACE + _SEAL or not hmac.compare_digest(seal, self._seal(body)):
            raise CursorError(
                "the cursor was not made by this engine, or was changed on the way; "
                "give the next_cursor of an answer as it is"
            )
        key, place = body[:_KEY], int.from_bytes(body[_KEY:])
        with self._lock:
            until, _, answer = self._kept.get(key, (0.0, 0, None))
            if answer is None or until < self._now():
                self._size -= self._kept.pop(key, (0.0, 0, None))[1]
                raise CursorGone(
                    "the answer that this cursor goes on with is not kept any more; "
                    f"answers are kept for {KEPT_S / 60:g} minutes at most. Search again"
                )
            self._kept.move_to_end(key)
        return key, answer, place

    def _seal(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, "sha256")[:_SEAL]
