"""How fast is a search? The engine against the bare stores, query by query, interleaved in one run.

Medians of each query's rounds, then of all queries: a noisy machine disturbs both sides alike, so the ratio says
more than the milliseconds.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from hybrid.bench import bare
from hybrid.bench.collection import DIM, Asked, documents, queries
from hybrid.engine import Engine
from hybrid.errors import SettingsError
from hybrid.model import Json
from hybrid.plan import VECTOR
from hybrid.result import SearchResult
from hybrid.schema import NO_MODEL
from hybrid.settings import Settings, VectorSettings
from hybrid.stores import elastic_client, elastic_query, redis_client, redis_query

Say = Callable[[str], None]
Pairs = list[tuple[Callable[[], Any], Callable[[], SearchResult]]]

WARM = 3
"""Times that each query is asked of both sides before it counts."""


def run(settings: Settings, folder: Path, count: int, rounds: int, say: Say) -> dict[str, Json]:
    """Medians in milliseconds, of the bare stores and of the engine by part, and their ratio, as JSON.

    settings: with both servers, they are measured; else the embedded stores. folder: BEIR. count: queries.
    """
    own = settings.model_copy(
        update={"collection": "bench-search", "model": NO_MODEL, "vector": VectorSettings(dim=DIM)}
    )
    asked = queries(folder, count)
    with Engine(own) as engine:
        engine.drop()
        say(f"indexing {folder.name}")
        engine.put(documents(folder))
        try:
            measure = _on_servers if own.redis and own.elasticsearch else _embedded
            figures = measure(engine, folder, asked, rounds)
        finally:
            engine.drop()
    return {"collection": folder.name, "queries": len(asked), "rounds": rounds} | figures


def _embedded(engine: Engine, folder: Path, asked: Sequence[Asked], rounds: int) -> dict[str, Json]:
    floor = bare.Embedded(documents(folder), engine.collection.schema.searched)
    pairs: Pairs = [(_asking(floor.search, one), _searching(engine, one)) for one in asked]
    return {"deployment": "embedded", "bare": "tantivy + numpy + dict", "target": 1.5} | _compared(pairs, rounds)


def _on_servers(engine: Engine, folder: Path, asked: Sequence[Asked], rounds: int) -> dict[str, Json]:
    settings = engine.settings
    if settings.elasticsearch is None or settings.redis is None:
        raise SettingsError(f"{folder.name} is searched on servers where both are set")
    with (
        closing(elastic_client.connect(settings.elasticsearch)) as text,
        closing(redis_client.connect(settings.redis)) as vectors,
        closing(bare.Servers(text, vectors)) as floor,
    ):
        pairs: Pairs = [(_sending(floor, engine, one), _searching(engine, one)) for one in asked]
        figures = _compared(pairs, rounds)
    return {"deployment": "servers", "bare": "two clients in two threads", "target": 1.1} | figures


def _sending(floor: bare.Servers, engine: Engine, one: Asked) -> Callable[[], Any]:
    """Sends what the engine would send for the query, worked out beforehand."""
    plan = engine.plan(one.text, vector=one.vector.tolist(), limit=bare.LIMIT, window=bare.WINDOW)
    text = engine.render(plan)["text"] | {"filter_path": elastic_query.ANSWER}
    command = redis_query.search_command(
        engine.collection.name, one.vector, bare.WINDOW, dict(plan.deadlines)[VECTOR], engine.collection.vector
    )
    return lambda: floor.search(text, command)


def _asking(search: Callable[[Asked], Any], one: Asked) -> Callable[[], Any]:
    return lambda: search(one)


def _searching(engine: Engine, one: Asked) -> Callable[[], SearchResult]:
    vector = one.vector.tolist()
    return lambda: engine.search(one.text, vector=vector, limit=bare.LIMIT, window=bare.WINDOW)


def _compared(pairs: Pairs, rounds: int) -> dict[str, Json]:
    """Medians over all queries of each query's medians."""
    floor: list[float] = []
    whole: list[float] = []
    parts: dict[str, list[float]] = defaultdict(list)
    for bare_one, engine_one in pairs:
        for _ in range(WARM):
            bare_one(), engine_one()
        took: dict[str, list[float]] = defaultdict(list)
        for _ in range(rounds):
            took["bare"].append(_timed(bare_one)[0])
            total, result = _timed(engine_one)
            for name, spent in {"engine": total, **_parts(result)}.items():
                took[name].append(spent)
        floor.append(statistics.median(took.pop("bare")))
        whole.append(statistics.median(took.pop("engine")))
        for name, of in took.items():
            parts[name].append(statistics.median(of))
    hydrate = statistics.median(parts["hydrate"])
    ratios = [one / other for one, other in zip(whole, floor, strict=True)]
    return {
        "bare_ms": round(statistics.median(floor), 3),
        "engine_ms": round(statistics.median(whole), 3),
        "engine_without_hydrate_ms": round(statistics.median(whole) - hydrate, 3),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_without_hydrate": round((statistics.median(whole) - hydrate) / statistics.median(floor), 3),
        "timeline_ms": {name: round(statistics.median(of), 3) for name, of in parts.items()},
    }


def _parts(result: SearchResult) -> Mapping[str, float]:
    """The time line of an answer, each store's own part of the waiting, and what is left of it as the engine's own."""
    stores = {name: report.spent_ms for name, report in result.retrievers.items()}
    line = {f"{name} {part}": spent for name, of in stores.items() for part, spent in of.items()}
    calls = [of.get("store", 0.0) for of in stores.values()]
    one_after_the_other = sum(calls) <= result.timeline["wait"]  # embedded stores only compute, and are not threaded
    waiting = result.timeline["wait"] - (sum(calls) if one_after_the_other else max(calls, default=0.0))
    own = result.timeline["plan"] + result.timeline["fuse"] + waiting
    return {**result.timeline, **line, "waiting": waiting, "overhead": own}


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and what came of it."""
    started = time.perf_counter()
    result = work()
    return (time.perf_counter() - started) * 1000, result
