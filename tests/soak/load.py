"""Does serving cost little, and last? Against a bare Flask view, and 200 clients at once: python -m tests.soak.load 60

Both are asked in turn over connections that stay, so that a noisy machine disturbs both alike.
"""

from __future__ import annotations

import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from flask import Flask, Response, request
from waitress import create_server

import hybrid
from tests.browser.served import SHOP, served
from tests.embedders import HashedWords

ASKED = "/api/v1/search?q=quiet+laptop&limit=10"
ROUNDS, CLIENTS = 2000, 200


def resident_mb() -> float:
    """The memory of this process, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@contextmanager
def bare(engine: hybrid.Engine) -> Iterator[str]:
    """A Flask application of one view that calls the engine, on the same server."""
    app = Flask(__name__)

    @app.get("/api/v1/search")
    def search() -> Response:
        found = engine.search(request.args["q"], limit=int(request.args["limit"]))
        return Response(orjson.dumps(found.to_dict()), mimetype="application/json")

    server = create_server(app, host="127.0.0.1", port=0, threads=8)
    threading.Thread(target=server.run, daemon=True).start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()


def asked(connection: HTTPConnection) -> tuple[float, int]:
    """Milliseconds, and the status."""
    began = time.perf_counter()
    connection.request("GET", ASKED)
    response = connection.getresponse()
    response.read()
    return (time.perf_counter() - began) * 1000, response.status


def cost(engine: hybrid.Engine) -> dict[str, float]:
    """Medians of a bare view and of the server, in milliseconds."""
    with bare(engine) as one, served(engine) as other:
        connections = [HTTPConnection(urlsplit(url).netloc) for url in (one, other)]
        took: list[list[float]] = [[], []]
        for number in range(ROUNDS + 200):
            for which, connection in enumerate(connections):
                spent, status = asked(connection)
                assert status == 200
                if number >= 200:
                    took[which].append(spent)
        medians = [statistics.median(of) for of in took]
    return {"bare_ms": medians[0], "served_ms": medians[1], "added_ms": medians[1] - medians[0]}


def load(engine: hybrid.Engine, seconds: float) -> dict[str, float]:
    """200 clients at once for a while: answers, errors, the 99th percentile, and memory early and in the end."""
    said: Counter[str] = Counter()
    took: list[float] = []
    memory: list[float] = []
    with served(engine) as url:
        until = time.monotonic() + seconds

        def client() -> None:
            connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
            while time.monotonic() < until:
                try:
                    spent, status = asked(connection)
                except OSError as error:
                    said[type(error).__name__] += 1
                    connection.close()
                    continue
                said[str(status)] += 1
                took.append(spent)

        clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
        for one in clients:
            one.start()
        while time.monotonic() < until:
            time.sleep(min(seconds / 6, 10))
            memory.append(resident_mb())
        for one in clients:
            one.join()
    ordered = sorted(took)
    facts = {"answers": said["200"], "errors": said.total() - said["200"], "p50_ms": ordered[len(ordered) // 2]}
    return facts | {
        "p99_ms": ordered[len(ordered) * 99 // 100],
        "memory_mb": memory[0],
        "memory_in_the_end_mb": memory[-1],
    }


if __name__ == "__main__":
    with hybrid.open(":memory:", embedder=HashedWords()) as engine:
        engine.put(orjson.loads(line) for line in SHOP.read_bytes().splitlines())
        print({name: round(value, 3) for name, value in cost(engine).items()})
        print({name: round(value, 1) for name, value in load(engine, float(sys.argv[1])).items()})
