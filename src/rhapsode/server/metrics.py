"""Figures for Prometheus; none tells of an owner."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from rhapsode import __version__
from rhapsode.server.places import Places
from rhapsode.server.queue import JobQueue
from rhapsode.server.tables import ACTIVE, OVER

_JOB_SECONDS = (0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)


class Metrics:
    """Count what the server does since it was started, and tell what it has to do."""

    def __init__(self, jobs: JobQueue, sessions: Places) -> None:
        """Begin at zero."""
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "rhapsode_http_requests", "Requests answered.", ("method", "route", "status"), registry=self.registry
        )
        self._latency = Histogram(
            "rhapsode_http_request_seconds", "Time until an answer begins.", ("route",), registry=self.registry
        )
        self._jobs = Counter("rhapsode_jobs_ended", "Jobs that ended.", ("kind", "state"), registry=self.registry)
        self._job_seconds = Histogram(
            "rhapsode_job_seconds", "Time that a job took.", ("kind",), buckets=_JOB_SECONDS, registry=self.registry
        )
        self._frames = Counter("rhapsode_live_frames", "Frames sent in live sessions.", registry=self.registry)
        self.registry.register(_Now(jobs, sessions))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answer; the route is that of the API, not the path that was asked for."""
        self._requests.labels(method, route, str(status)).inc()
        self._latency.labels(route).observe(seconds)

    def job_ended(self, kind: str, state: str, seconds: float) -> None:
        """Count a job."""
        self._jobs.labels(kind, state).inc()
        self._job_seconds.labels(kind).observe(seconds)

    def live_frames(self, count: int) -> None:
        """Count the frames of a live session."""
        self._frames.inc(count)

    def text(self) -> bytes:
        """Write all of them as Prometheus reads them."""
        return generate_latest(self.registry)


class _Now(Collector):
    """Tell what there is at the moment that it is asked."""

    def __init__(self, jobs: JobQueue, sessions: Places) -> None:
        self._jobs, self._sessions = jobs, sessions

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        counts = self._jobs.counts()
        jobs = GaugeMetricFamily("rhapsode_jobs", "Jobs that are kept.", labels=("state",))
        for state in (*ACTIVE, *OVER):
            jobs.add_metric((state,), counts.get(state, 0))
        yield jobs
        yield GaugeMetricFamily("rhapsode_live_sessions", "Live sessions.", self._sessions.taken)
        version = GaugeMetricFamily("rhapsode_info", "What runs.", labels=("version",))
        version.add_metric((__version__,), 1)
        yield version
