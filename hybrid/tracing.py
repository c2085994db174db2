"""On whose behalf is a store asked? The id of the request that is being answered, for the store's own logs."""

from __future__ import annotations

from contextvars import ContextVar

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""Of this thread's work; empty where it is nobody's. It goes along to the threads that ask the stores."""
