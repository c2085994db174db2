"""How much may one client ask? As many requests in a time as the operator allows, counted in this process."""

from __future__ import annotations

import math
import time

from flask import Flask, Response, g, request
from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from werkzeug.exceptions import TooManyRequests

FREE = ("/healthz", "/readyz", "/metrics", "/static/")
"""What the paths begin with that are never limited."""


class Limiter:
    """Counts the requests of each client. limit: such as "100/second"."""

    def __init__(self, limit: str) -> None:
        self._limit = parse(limit)
        self._window = MovingWindowRateLimiter(MemoryStorage())

    def install(self, app: Flask) -> None:
        """Has each request of the application counted, and each answer say what is left."""
        app.before_request(self._count)
        app.after_request(self._told)

    def _count(self) -> None:
        if request.path.startswith(FREE):
            return
        g.limited = client()
        if not self._window.hit(self._limit, g.limited):
            _, seconds = self._left(g.limited)
            raise TooManyRequests(
                f"more than {self._limit.amount} requests came in {self._limit.get_expiry()} s. "
                f"Try again in {seconds} s",
                retry_after=seconds,
            )

    def _told(self, response: Response) -> Response:
        """With the two header fields of draft-ietf-httpapi-ratelimit-headers."""
        if "limited" in g:
            left, seconds = self._left(g.limited)
            response.headers["RateLimit-Policy"] = f'"client";q={self._limit.amount};w={self._limit.get_expiry()}'
            response.headers["RateLimit"] = f'"client";r={left};t={seconds}'
        return response

    def _left(self, of: str) -> tuple[int, int]:
        """Requests that are left, and the whole seconds, at least one, until there are more."""
        stats = self._window.get_window_stats(self._limit, of)
        return stats.remaining, max(1, math.ceil(stats.reset_time - time.time()))


def client() -> str:
    """Who asks: the address that the request came from."""
    return request.remote_addr or "unknown"
