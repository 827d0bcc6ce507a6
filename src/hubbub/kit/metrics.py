"""What the hub counts, in a registry of its own: two hubs in one process don't mix."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "hubbub_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.latency = Histogram(
            "hubbub_http_request_seconds",
            "Time to the last byte of the answer",
            ["method", "route"],
            buckets=_FAST,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "hubbub_http_in_flight", "Requests being answered", registry=self.registry
        )
        self.write_hold = Histogram(
            "hubbub_db_write_hold_seconds",
            "How long one writer kept the others waiting (SQLite)",
            buckets=_FAST,
            registry=self.registry,
        )
        self.pool = Gauge(
            "hubbub_db_connections",
            "Connections by pool and state",
            ["pool", "state"],
            registry=self.registry,
        )
        self.writer_queue = Gauge(
            "hubbub_writer_queue", "Messages waiting to be stored", registry=self.registry
        )
        self.writers_waiting = Gauge(
            "hubbub_db_writers_waiting", "Writers waiting for their turn", registry=self.registry
        )
        self.jobs = Counter("hubbub_jobs", "Jobs ended", ["job", "outcome"], registry=self.registry)

        self._by_route: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts a request. The pair of metrics is looked up by its labels once, not each time."""
        pair = self._by_route.get((method, route, status))
        if pair is None:
            counter = self.requests.labels(method, route, status)
            pair = counter, self.latency.labels(method, route)
            self._by_route[method, route, status] = pair
        pair[0].inc()
        pair[1].observe(seconds)

    def render(self) -> bytes:
        return generate_latest(self.registry)
