"""Who is killed? A process that puts and deletes without end, and says so on its standard output.

One JSON line before each call (`plan`: what will be done), one after it (`done`: outcomes by id, or
`unknown`: why nobody can say), and one whenever a failpoint is reached (`point`). Each line is one write to
a pipe, so that whatever was said before SIGKILL can be read after it.

Its standard input: "arm" and a line break make the failpoint count from now on; the end of input ends the process.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import orjson

import hybrid
from hybrid.engine import Engine
from hybrid.errors import HybridError
from hybrid.indexing import failpoints
from hybrid.model import DocumentOutcome
from tests.faults.campaign.bugs import PLANTED
from tests.faults.campaign.content import COLLECTION, Kind, Operation, batches, document

PAUSE_S = 0.02
"""Seconds to wait after a call that failed."""


def say(**line: object) -> None:
    """One line, in one piece, with the time in seconds of a clock that all processes share."""
    os.write(sys.stdout.fileno(), orjson.dumps({"t": time.monotonic(), **line}) + b"\n")


class Failpoint:
    """Kills this process when a point is reached for the n-th time after it was armed; tells of each reach."""

    def __init__(self, point: str, nth: int) -> None:
        self._point = point
        self._left = nth
        self._armed = False
        self._lock = threading.Lock()

    def reached(self, point: str) -> None:
        with self._lock:
            self._left -= self._armed and point == self._point
            last = self._left == 0 and self._armed
            say(point=point, killed=last and point == self._point)
            if last and point == self._point:
                os.kill(os.getpid(), signal.SIGKILL)

    def obey(self) -> None:
        """Reads standard input to its end."""
        for line in sys.stdin:
            self._armed = line.strip() == "arm"
        os.kill(os.getpid(), signal.SIGKILL)  # whoever started this process is gone


def perform(engine: Engine, operations: Sequence[Operation]) -> dict[str, str]:
    """The outcome of each operation, by id."""
    if operations[0].kind is Kind.DELETE:
        engine.delete([one.id for one in operations], wait=False)
        return {one.id: "deleted" for one in operations}
    outcomes: dict[str, str] = {}

    def told(one: DocumentOutcome) -> None:
        outcomes[one.id] = str(one.outcome)

    engine.put(map(document, operations), wait=False, on_outcome=told)
    return outcomes


def write(engine: Engine, seed: str, first: int, *, poisoned: bool) -> None:
    """Puts and deletes until the process ends. A document is poisoned only when its good version is in both stores."""
    taken: set[str] = set()
    for operations in batches(seed, first, poisoned=poisoned):
        if operations[0].kind is Kind.POISON and operations[0].id not in taken:
            continue
        say(plan=[(one.id, one.number, one.kind) for one in operations])
        try:
            outcomes = perform(engine, operations)
        except HybridError as error:
            say(unknown=type(error).__name__)
            time.sleep(PAUSE_S)
            continue
        say(done=outcomes)
        taken = {one for one, outcome in outcomes.items() if outcome in ("created", "updated")}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign.writer")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--elasticsearch", required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--point", default="")
    parser.add_argument("--nth", type=int, default=0)
    parser.add_argument("--poisoned", action="store_true")
    parser.add_argument("--plant", choices=sorted(PLANTED))
    given = parser.parse_args()
    failpoint = Failpoint(given.point, given.nth)
    failpoints.install(failpoint.reached)
    threading.Thread(target=failpoint.obey, daemon=True).start()
    if given.plant:
        PLANTED[given.plant]()
    engine = hybrid.open(
        given.data_dir,
        redis=given.redis,
        elasticsearch=given.elasticsearch,
        collection=COLLECTION,
        model="none",
    )
    write(engine, given.seed, given.first, poisoned=given.poisoned)


if __name__ == "__main__":
    main()
