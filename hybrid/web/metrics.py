"""How does it do? Counters and times of this process's requests and searches, as Prometheus reads them."""

from __future__ import annotations

import time
from collections.abc import Iterable

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from hybrid.engine import Engine
from hybrid.model import Status
from hybrid.result import Integrity, SearchResult
from hybrid.web.parameters import Nothing, given

blueprint = Blueprint("metrics", __name__)

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that are counted by their names: a client may send any word as one, and each would be kept for good."""

_OPEN = {"closed": 0, "half_open": 0.5, "open": 1}


class Metrics:
    """The counters of one application; each has a registry of its own, so that several in a process do not mix."""

    def __init__(self, engine: Engine) -> None:
        self.registry = CollectorRegistry()
        made = {"registry": self.registry, "namespace": "hybrid"}
        self._requests = Counter("http_requests", "Requests answered.", ["endpoint", "method", "status"], **made)  # type: ignore[arg-type]
        self._took = Histogram("http_request_seconds", "Of a request.", ["endpoint"], buckets=SECONDS, **made)  # type: ignore[arg-type]
        self._problems = Counter("http_problems", "Requests answered with a problem.", ["code"], **made)  # type: ignore[arg-type]
        self._searches = Counter("searches", "Answers, by how they were fused.", ["fusion", "degraded"], **made)  # type: ignore[arg-type]
        self._searching = Histogram("search_seconds", "Of a whole search.", buckets=SECONDS, **made)  # type: ignore[arg-type]
        self._retrieving = Histogram(
            "retriever_seconds",
            "Until a retriever answered.",
            ["retriever"],
            buckets=SECONDS,
            **made,  # type: ignore[arg-type]
        )
        self._lost = Counter("retriever_lost", "Searches without a retriever.", ["retriever", "reason"], **made)  # type: ignore[arg-type]
        self._disagreed = Counter("hits_disagreed", "Hits that the stores disagree on.", ["how"], **made)  # type: ignore[arg-type]
        self._remembered = Counter("searches_remembered", "Answers given again.", **made)  # type: ignore[arg-type]
        self.registry.register(_Vitals(engine))

    def searched(self, result: SearchResult) -> None:
        """Counts an answer."""
        self._searches.labels(str(result.fusion["method"]), str(result.degraded).lower()).inc()
        self._searching.observe(result.took_ms / 1000)
        self._remembered.inc(result.remembered)
        for name, report in result.retrievers.items():
            if report.status is Status.OK:
                self._retrieving.labels(name).observe(report.took_ms / 1000)
            elif report.status is not Status.SKIPPED:
                self._lost.labels(name, report.reason).inc()
        for hit in result.hits:
            if hit.integrity is not Integrity.OK:
                self._disagreed.labels(str(hit.integrity)).inc()

    def asked(self, response: Response) -> Response:
        """Counts a request, by what it is answered with."""
        endpoint = request.endpoint or "none"
        method = request.method if request.method in _METHODS else "other"
        self._requests.labels(endpoint, method, str(response.status_code)).inc()
        self._took.labels(endpoint).observe(time.perf_counter() - g.get("began", time.perf_counter()))
        if "problem" in g:
            self._problems.labels(g.problem).inc()
        return response


class _Vitals(Collector):
    """What the engine knows by itself, read when it is asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        """The gauges."""
        vitals = self._engine.vitals()
        journal, caches = vitals["journal"], vitals["caches"]
        yield _gauge("journal_entries", "Changes that are not durable in every store yet.", journal.get("entries", 0))
        yield _gauge("journal_oldest_seconds", "Age of the oldest of them.", journal.get("oldest_s", 0.0))
        yield _gauge("dead_letters", "Changes that a store will never take.", journal.get("dead", 0))
        owed = GaugeMetricFamily("hybrid_journal_owed", "Changes that a store has not taken yet.", labels=["store"])
        for name, count in journal.get("owed", {}).items():
            owed.add_metric([name], count)
        yield owed
        circuits = GaugeMetricFamily("hybrid_circuit_open", "1 while a store is left alone.", labels=["retriever"])
        for name, circuit in vitals["circuits"].items():
            circuits.add_metric([name], _OPEN.get(circuit["circuit"], 1))
        yield circuits
        for what in ("hits", "misses"):
            family = GaugeMetricFamily(f"hybrid_cache_{what}", f"Cache {what} since the start.", labels=["cache"])
            for name, cache in caches.items():
                family.add_metric([name], (cache or {}).get(what, 0))
            yield family


def _gauge(name: str, means: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"hybrid_{name}", means, value=value)


def install(app: Flask, engine: Engine) -> None:
    """Has each request and search of the application counted, and the counts told at /metrics."""
    metrics = app.extensions["hybrid_metrics"] = Metrics(engine)
    engine.watchers.append(metrics.searched)
    app.register_blueprint(blueprint)
    app.before_request(_begin)
    app.after_request(metrics.asked)


def _begin() -> None:
    g.began = time.perf_counter()


@blueprint.get("/metrics")
def metrics() -> Response:
    """The counts, in Prometheus' text format."""
    given(Nothing)
    registry = current_app.extensions["hybrid_metrics"].registry
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
