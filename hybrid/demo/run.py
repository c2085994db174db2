"""What does it look like? The Python library's documentation indexed, and four questions answered."""

from __future__ import annotations

from rich.console import Console

from hybrid import terminal
from hybrid.demo.corpus import documents
from hybrid.engine import Engine

QUERIES = (
    "run a function every few seconds",
    "shorten text to fit width",
    "compare two folders",
    "reading lines from a huge file without memory",
)


def run(engine: Engine, console: Console, limit: int | None = None, hits: int = 10) -> None:
    """Indexes the demo corpus (the first `limit` documents, evenly spread) and prints the answers to QUERIES."""
    chosen = _spread(list(documents()), limit)
    console.print(f"Indexing {len(chosen)} pages of Python's own documentation …", highlight=False)
    engine.warm()
    with terminal.progress("indexing", len(chosen), console) as advance:
        written = engine.put(chosen, on_outcome=lambda _: advance(1))
    terminal.report(written, console)
    for query in QUERIES:
        console.print()
        console.print(terminal.results(engine.search(query, limit=hits)))


def _spread(corpus: list[dict[str, str]], limit: int | None) -> list[dict[str, str]]:
    if limit is None or limit >= len(corpus):
        return corpus
    step = len(corpus) / max(limit, 1)
    return [corpus[int(index * step)] for index in range(limit)]
