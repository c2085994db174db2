"""Where could a process die? Named points on the way of a write, at which a test may make it happen.

In normal use reaching a point does nothing.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS = (
    "journal.before",
    "journal.after",
    "embed.after",
    "write.before",
    "write.after",
    "sync.after",
    "settle.after",
    "bury.after",
)
"""In the order in which a change passes them."""


def _nothing(_: str) -> None:
    return None


_hooks: list[Callable[[str], None]] = [_nothing]


def reach(point: str) -> None:
    """Calls what was installed with the name of the point."""
    _hooks[-1](point)


def install(hook: Callable[[str], None] | None) -> None:
    """Calls `hook` from now on at every point; None: nothing again."""
    _hooks[1:] = [hook] if hook else []
