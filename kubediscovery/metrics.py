"""Metrics in Prometheus's text format, under the names that k8s.io/apiserver uses where it has one."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from kubediscovery.kinds import Kind
from kubediscovery.reflector import Phase, Progress
from kubediscovery.store import Store

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """One registry; labels name verbs, resources and codes of this API only, never anything a caller made up."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "apiserver_request",
            "Requests answered, by verb, resource, subresource and HTTP code.",
            ("verb", "resource", "subresource", "code"),
            registry=self._registry,
        )
        self._duration = Histogram(
            "apiserver_request_duration_seconds",
            "Time to answer a request.",
            ("verb", "resource", "subresource"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.inflight = Gauge(
            "apiserver_current_inflight_requests",
            "Requests being answered.",
            ("request_kind",),
            registry=self._registry,
        ).labels("readOnly")

    def watch_caches(self, store: Store, progress: Mapping[Kind, Progress]) -> None:
        """Report the caches and their reflectors too."""
        self._registry.register(_CacheCollector(store, progress))

    def observe(self, verb: str, resource: str, subresource: str, code: int, seconds: float) -> None:
        """Count one answer."""
        self._requests.labels(verb, resource, subresource, str(code)).inc()
        self._duration.labels(verb, resource, subresource).observe(seconds)

    def render(self) -> bytes:
        """All metrics as text."""
        return generate_latest(self._registry)


class _Collector(Protocol):
    def collect(self) -> Iterable[Metric]: ...


class _CacheCollector:
    """Reads the store and the reflectors when it is asked, so that they need not count for it."""

    def __init__(self, store: Store, progress: Mapping[Kind, Progress]) -> None:
        self._store = store
        self._progress = progress

    def collect(self) -> Iterator[Metric]:
        labels = ("resource",)
        objects = GaugeMetricFamily("kubediscovery_cache_objects", "Objects held.", labels=labels)
        watching = GaugeMetricFamily("kubediscovery_reflector_watching", "1 while a watch is open.", labels=labels)
        counters = {
            name: CounterMetricFamily(f"kubediscovery_reflector_{name}", help_, labels=labels)
            for name, help_ in _PROGRESS_COUNTERS.items()
        }
        for kind, progress in self._progress.items():
            label = (kind.group_resource,)
            objects.add_metric(label, self._store.count(kind))
            watching.add_metric(label, progress.phase is Phase.WATCHING)
            for name, family in counters.items():
                family.add_metric(label, getattr(progress, name))
        yield from (objects, watching, *counters.values())


_PROGRESS_COUNTERS = {
    "lists": "Lists begun.",
    "watches": "Watches opened.",
    "events": "Watch events received.",
    "failures": "Lists and watches that failed.",
}
