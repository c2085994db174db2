"""Would what was written survive a crash of Redis? Its append-only file, asked."""

from __future__ import annotations

import redis
from redis import exceptions as given

from hybrid.errors import StoreTimeout
from hybrid.stores.redis_client import NAME, location, meaning, run, translated
from hybrid.stores.redis_scripts import COUNT, pipelined

SYNC_S = 5.0
"""Seconds to wait for an fsync; with `appendfsync everysec` it takes up to two."""

_CANNOT_SAY = ("appendonly is disabled", "unknown command")
"""What Redis says where nothing is appended, or it is older than 7.2."""


def sync(client: redis.Redis, key: str) -> bool:
    """True when all that Redis answered for before this call is on its disk; False where it keeps none, or cannot say.

    Redis waits for the writes of the connection that asks. So this writes to `key` on the same one: what is
    appended up to there has all earlier writes before it, whoever made them.
    Raises StoreTimeout where the disk was not heard of in time. See https://redis.io/docs/latest/commands/waitaof/
    """
    with translated(client):
        if _leaves_it_to_the_system(client):
            return False
        wait = ("WAITAOF", 1, 0, int(SYNC_S * 1000))
        wrote, synced = pipelined(client, [("EVAL", COUNT, 1, key), wait])
    for answer in (wrote, synced):
        if isinstance(answer, given.ResponseError) and any(mark in str(answer) for mark in _CANNOT_SAY):
            return False
        if isinstance(answer, Exception):
            raise meaning(answer, location(client)) from answer
    if not synced[0]:
        raise StoreTimeout(
            NAME,
            f"Redis at {location(client)} did not sync its append-only file within {SYNC_S:g} s. "
            "Try again, or look at what keeps its disk busy (INFO persistence)",
        )
    return True


def incarnation(client: redis.Redis) -> str:
    """The id that Redis drew when it was started. Raises StoreDenied where INFO is not allowed."""
    with translated(client):
        return str(run(client, "INFO", "server")["run_id"])


def _leaves_it_to_the_system(client: redis.Redis) -> bool:
    """Whether fsync is never called: waiting for it would take the whole time. Where CONFIG is not allowed: no."""
    try:
        policy: dict[str, str] = run(client, "CONFIG GET", "appendfsync")
    except given.ResponseError:  # not allowed, or taken away by who runs it
        return False
    return policy.get("appendfsync") == "no"
