"""Prometheus figures of the HTTP side: by route template, never by id; and the state of the database pool."""

from collections.abc import Iterable

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.pool import QueuePool

from callcenter.core.db import Database


class HttpMetrics:
    """Counts one application's requests; a registry of its own, so that two applications in a process never mix."""

    def __init__(self, database: Database) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "callcenter_http_requests",
            "Requests answered, by method, route template and status.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "callcenter_http_request_seconds",
            "Seconds from request to the end of the answer, by method and route template.",
            ["method", "route"],
            registry=self._registry,
        )
        self._registry.register(_PoolCollector(database))

    def record_request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def render(self) -> bytes:
        """Text exposition: this application's figures, then the process's (and other modules') own."""
        return generate_latest(self._registry) + generate_latest(REGISTRY)


class _PoolCollector(Collector):
    def __init__(self, database: Database) -> None:
        self._database = database

    def collect(self) -> Iterable[GaugeMetricFamily]:
        pool = self._database.engine.pool
        connections = GaugeMetricFamily(
            "callcenter_db_pool_connections", "Database connections of this process.", labels=["state"]
        )
        if isinstance(pool, QueuePool):
            connections.add_metric(["in_use"], pool.checkedout())
            connections.add_metric(["idle"], pool.checkedin())
        yield connections
