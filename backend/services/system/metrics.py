"""Metrics for Prometheus, in a registry of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from backend.models.recipe import count_forwards
from backend.models.schemas import Status
from backend.services.tasks.records import TaskRecord

_STEP_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
_PICTURE_BUCKETS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600)
_HTTP_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)


class _Workers(Collector):
    """Workers as they are at a scrape: those that are gone leave no series behind."""

    def __init__(self, read: Callable[[], Iterable[tuple[str, str, str, bool]]]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        """Names them without a look at the workers."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yields a sample a worker."""
        up = GaugeMetricFamily("zimage_worker_up", "1 when it takes tasks.", labels=["worker", "node", "state"])
        busy = GaugeMetricFamily("zimage_worker_busy", "1 when it runs a task.", labels=["worker"])
        for name, node, state, is_busy in self._read():
            up.add_metric([name, node, state], float(state == "ready"))
            busy.add_metric([name], float(is_busy))
        return up, busy


class Metrics:
    """Counters of tasks and requests, and gauges read at every scrape."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        registry = self._registry
        ProcessCollector(registry=registry)
        self._tasks = Counter("zimage_tasks", "Finished tasks.", ["status"], registry=registry)
        self._failures = Counter("zimage_failures", "Failed tasks by error code.", ["code"], registry=registry)
        self._pictures = Counter("zimage_pictures", "Pictures drawn.", ["model"], registry=registry)
        self._step = Histogram(
            "zimage_step_seconds", "One forward of the model, mean of a task.", registry=registry, buckets=_STEP_BUCKETS
        )
        self._generation = Histogram(
            "zimage_generation_seconds", "One picture.", ["model"], registry=registry, buckets=_PICTURE_BUCKETS
        )
        self._queued = Histogram(
            "zimage_queued_seconds", "Time in the queue.", registry=registry, buckets=_PICTURE_BUCKETS
        )
        self._of_workers = Counter(
            "zimage_worker_tasks", "Finished tasks by worker.", ["worker", "status"], registry=registry
        )
        self._requests = Counter(
            "zimage_http_requests", "HTTP requests.", ["method", "route", "status"], registry=registry
        )
        self._request = Histogram(
            "zimage_http_request_seconds",
            "Until an answer begins.",
            ["route"],
            registry=registry,
            buckets=_HTTP_BUCKETS,
        )
        self._of_requests: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def watch(self, name: str, help_text: str, read: Callable[[], float]) -> None:
        """Adds a gauge that is read at every scrape."""
        Gauge(name, help_text, registry=self._registry).set_function(read)

    def watch_workers(self, read: Callable[[], Iterable[tuple[str, str, str, bool]]]) -> None:
        """Adds a gauge for each worker, read at every scrape: its name, machine and state, and whether it draws."""
        self._registry.register(_Workers(read))

    def on_finished(self, task: TaskRecord) -> None:
        """Counts a finished task."""
        self._tasks.labels(task.status).inc()
        if task.worker is not None:
            self._of_workers.labels(task.worker, task.status).inc()
        if task.status is Status.FAILED:
            self._failures.labels(task.error_code or "unknown").inc()
        drawn = [image for image in task.images if image.created_at >= task.created_at]  # not those of a task before
        for image in drawn:
            self._pictures.labels(image.model).inc()
            self._generation.labels(image.model).observe(image.generation_time_ms / 1000)
        if task.timings.queued_s is not None:
            self._queued.observe(task.timings.queued_s)
        if drawn and task.timings.denoise_s is not None:
            forwards = len(drawn) * count_forwards(task.steps)
            self._step.observe(task.timings.denoise_s / forwards)

    def on_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Counts an HTTP request by its route's pattern."""
        known = self._of_requests.get((method, route, status))
        if known is None:  # finding a metric by its labels takes longer than all the rest
            known = (self._requests.labels(method, route, str(status)), self._request.labels(route))
            self._of_requests[method, route, status] = known
        counter, histogram = known
        counter.inc()
        histogram.observe(seconds)

    def render(self) -> bytes:
        """Returns the metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def names(self) -> Iterable[str]:
        """Yields the names of the metrics."""
        return (family.name for family in self._registry.collect())
