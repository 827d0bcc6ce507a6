"""What the hub counts, in a registry of its own: two hubs in one process don't mix."""

from bisect import bisect_left
from collections.abc import Iterator
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

_HEAD_SECONDS = 60.0
_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class _Timed:
    """The answers of one route: how many, how long, how they spread."""

    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(_FAST) + 1)
        self.seconds = 0.0


class Head:
    """The last link of the chain of acts. Its hash is a label, so each new one is a new series; one
    a minute is as many as a collector should be given."""

    def __init__(self) -> None:
        self.number = 0
        self._shown = 0, ""
        self._shown_at = -_HEAD_SECONDS

    def is_at(self, number: int, digest: str) -> None:
        self.number = number
        if monotonic() - self._shown_at >= _HEAD_SECONDS and self._shown != (number, digest):
            self._shown, self._shown_at = (number, digest), monotonic()

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "hubbub_activity_sealed", "Acts linked into the chain", value=self.number
        )
        number, digest = self._shown
        if number:
            shown = GaugeMetricFamily(
                "hubbub_activity_head",
                "A link of the chain, not older than a minute",
                labels=["hash"],
            )
            shown.add_metric([digest], number)
            yield shown


class Metrics:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.in_flight = 0
        self._answers: dict[tuple[str, str, int], int] = {}
        self._times: dict[tuple[str, str], _Timed] = {}
        self.registry.register(self)
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
        self.connections = Gauge(
            "hubbub_live_connections", "Open sockets and event streams", registry=self.registry
        )
        self.writers_waiting = Gauge(
            "hubbub_db_writers_waiting", "Writers waiting for their turn", registry=self.registry
        )
        self.pushes = Counter(
            "hubbub_pushes",
            "Pushes ended, by the kind of gateway",
            ["kind", "outcome"],
            registry=self.registry,
        )
        self.lanes = Gauge(
            "hubbub_push_lanes",
            "Agents whose gateway is paused, or who have something due",
            ["state"],
            registry=self.registry,
        )
        self.oldest_push = Gauge(
            "hubbub_push_oldest_due_seconds",
            "How long the push that is due longest has been waiting",
            registry=self.registry,
        )
        self.jobs = Counter("hubbub_jobs", "Jobs ended", ["job", "outcome"], registry=self.registry)
        self.activity_unsealed = Gauge(
            "hubbub_activity_unsealed", "Acts not in the chain yet", registry=self.registry
        )
        self.activity_head = Head()
        self.registry.register(self.activity_head)

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts a request, in plain numbers: the event loop alone does this, and the library's
        locks would cost it more than the counting."""
        key = method, route, status
        self._answers[key] = self._answers.get(key, 0) + 1
        timed = self._times.get((method, route))
        if timed is None:
            timed = self._times[method, route] = _Timed()
        timed.buckets[bisect_left(_FAST, seconds)] += 1
        timed.seconds += seconds

    def collect(self) -> Iterator[Metric]:
        """What was answered, in the library's terms, when somebody asks."""
        yield GaugeMetricFamily(
            "hubbub_http_in_flight", "Requests being answered", value=self.in_flight
        )
        requests = CounterMetricFamily(
            "hubbub_http_requests", "Requests answered", labels=["method", "route", "status"]
        )
        for (method, route, status), count in self._answers.items():
            requests.add_metric([method, route, str(status)], count)
        yield requests
        latency = HistogramMetricFamily(
            "hubbub_http_request_seconds",
            "Time to the last byte of the answer",
            labels=["method", "route"],
        )
        for (method, route), timed in self._times.items():
            latency.add_metric([method, route], _cumulated(timed.buckets), timed.seconds)
        yield latency

    def render(self) -> bytes:
        return generate_latest(self.registry)


def _cumulated(buckets: list[int]) -> list[tuple[str, float]]:
    found, total = [], 0
    for bound, count in zip((*map(str, map(float, _FAST)), "+Inf"), buckets, strict=True):
        total += count
        found.append((bound, float(total)))
    return found
