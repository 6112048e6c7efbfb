"""Metrics in Prometheus's text format, under the names that k8s.io/apiserver uses where it has one."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from kubediscovery.errors import UpstreamError
from kubediscovery.exchange import Exchange, RequestLabels
from kubediscovery.kinds import Kind
from kubediscovery.reflector import Phase, Progress
from kubediscovery.reviews import Reviewer
from kubediscovery.store import Store
from kubediscovery.tally import Tallies, Tally

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
COMPONENT = "apiserver"
# Labels and buckets are those of pkg/endpoints/metrics/metrics.go and pkg/authentication/authenticatorfactory.
_NAMES = RequestLabels._fields
_NAMED = (*_NAMES, "component")
_TIMED = ("verb", "dry_run", *_NAMES[1:], "component")
_COUNTED = (*_TIMED, "code")
_RESOURCE = ("group", "version", "resource")
_SECONDS = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
)  # fmt: skip
_REVIEW_SECONDS = (0.25, 0.5, 0.7, 1, 1.5, 3, 5, 10)
_LAG_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1)
# For so many seconds each the event loop is judged.
_LAG_SPAN = 0.01
_BYTES = tuple(1000 * 10.0**power for power in range(7))
_EVENT_BYTES = tuple(1024 * 2.0**power for power in range(8))
_SIZED = ("GET", "LIST")
# What k8s.io/apiserver calls the code of a request that got no answer.
_NO_CODE = "<error>"


class Collector(Protocol):
    """Who tells metrics when they are asked for."""

    def collect(self) -> Iterable[Metric]:
        """All of them."""
        ...


_HELP = {
    "apiserver_request_duration_seconds": "Time to answer a request.",
    "apiserver_response_sizes": "Bytes of the answers to GET and LIST.",
    "apiserver_watch_events_sizes": "Bytes of the events sent to watches.",
    "kubediscovery_event_loop_lag_seconds": "For each hundredth of a second how long what was due then had to wait.",
}


def _tallies(registry: CollectorRegistry, name: str, labels: tuple[str, ...], bounds: tuple[float, ...]) -> Tallies:
    made = Tallies(name, _HELP[name], labels, bounds)
    registry.register(made)
    return made


@dataclass(frozen=True, slots=True)
class _Series:
    """Those of one kind of request and answer, looked up once: that costs more than counting does."""

    requests: Counter
    duration: Tally
    sizes: Tally | None


class Metrics:
    """One registry; labels name verbs, resources and codes of this API only, never anything a caller made up."""

    def __init__(self) -> None:
        # Of every series the library would also give the time at which it began, as a series.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._requests = Counter("apiserver_request", "Requests answered.", _COUNTED, registry=registry)
        self._duration = _tallies(registry, "apiserver_request_duration_seconds", _TIMED, _SECONDS)
        self._sizes = _tallies(registry, "apiserver_response_sizes", _NAMED, _BYTES)
        self._long_running = Gauge("apiserver_longrunning_requests", "Watches under way.", _NAMED, registry=registry)
        self._terminations = Counter(
            "apiserver_request_terminations",
            "Requests that were refused or cut off in self-defense.",
            (*_NAMED, "code"),
            registry=registry,
        )
        self._aborts = Counter(
            "apiserver_request_aborts", "Requests cut off amid their answer.", _NAMES, registry=registry
        )
        self._watch_events = Counter("apiserver_watch_events", "Events sent to watches.", _RESOURCE, registry=registry)
        self._watch_sizes = _tallies(registry, "apiserver_watch_events_sizes", _RESOURCE, _EVENT_BYTES)
        self._inflight = Gauge(
            "apiserver_current_inflight_requests",
            "The most requests that were being answered at once in the last second, watches left out.",
            ("request_kind",),
            registry=registry,
        ).labels("readOnly")
        self._lag = _tallies(registry, "kubediscovery_event_loop_lag_seconds", (), _LAG_SECONDS).of()
        self._series: dict[tuple[RequestLabels, str, int], _Series] = {}

    def watch_caches(self, store: Store, progress: Mapping[Kind, Progress]) -> None:
        """Report the caches and their reflectors too."""
        self._registry.register(_CacheCollector(store, progress))

    def include(self, collector: Collector) -> None:
        """Report what somebody else collects, when it is asked for."""
        self._registry.register(collector)

    def count(self, name: str, help_: str, read: Callable[[], float], **labels: str) -> None:
        """Report what somebody else counts, read when it is asked for."""
        self._registry.register(_Count(name, help_, read, labels))

    def counted(self, reviewer: Reviewer, what: str) -> Reviewer:
        """The reviewer, its requests counted and timed as delegated ``authn`` or ``authz``."""
        return _CountedReviewer(reviewer, what, self._registry)

    def answered(self, exchange: Exchange, seconds: float) -> None:
        """Count one answer."""
        key = labels, dry_run, code = exchange.labels(), exchange.dry_run, exchange.code
        try:
            series = self._series[key]
        except KeyError:
            series = self._series[key] = self._made(labels, dry_run, code)
        series.requests.inc()
        series.duration.add(seconds)
        if series.sizes is not None:
            series.sizes.add(exchange.size)

    def terminated(self, exchange: Exchange, code: int) -> None:
        """Count one request that was refused for there are too many, or took too long."""
        self._terminations.labels(*exchange.labels(), COMPONENT, str(code)).inc()

    def aborted(self, exchange: Exchange) -> None:
        """Count one answer that was begun and not finished."""
        self._aborts.labels(*exchange.labels()).inc()

    def long_running(self, exchange: Exchange) -> AbstractContextManager[None]:
        """To be entered while a watch lasts."""
        return self._long_running.labels(*exchange.labels(), COMPONENT).track_inprogress()

    def watched(self, group: str, version: str, resource: str) -> Callable[[int], None]:
        """What counts an event of a watch, given its bytes."""
        events = self._watch_events.labels(group, version, resource)
        sizes = self._watch_sizes.of(group, version, resource)

        def sent(size: int) -> None:
            events.inc()
            sizes.add(size)

        return sent

    def late(self, lag: float, pause: float) -> None:
        """The event loop was late by so many seconds after a pause of so many.

        Whoever came while it was held up waited for what was left of that, and for nothing during the pause: that is
        what is counted, for each hundredth of a second (as HdrHistogram does with an expected interval).
        """
        for _ in range(1, round(pause / _LAG_SPAN)):
            self._lag.add(0.0)
        while True:
            self._lag.add(max(0.0, lag))
            lag -= _LAG_SPAN
            if lag <= 0:
                return

    def beat(self, inflight: int) -> None:
        """The most requests that were under way in the last second."""
        self._inflight.set(inflight)

    def render(self) -> bytes:
        """All metrics as text."""
        return generate_latest(self._registry)

    def _made(self, labels: RequestLabels, dry_run: str, code: int) -> _Series:
        verb, *others = labels
        sizes = self._sizes.of(*labels, COMPONENT) if verb in _SIZED else None
        return _Series(
            self._requests.labels(verb, dry_run, *others, COMPONENT, str(code)),
            self._duration.of(verb, dry_run, *others, COMPONENT),
            sizes,
        )


class _CountedReviewer:
    """Counts requests for reviews by the code of their answer."""

    def __init__(self, reviewer: Reviewer, what: str, registry: CollectorRegistry) -> None:
        self._reviewer = reviewer
        self._requests = Counter(
            f"apiserver_delegated_{what}_request", "Reviews asked for, by HTTP code.", ("code",), registry=registry
        )
        self._duration = Histogram(
            f"apiserver_delegated_{what}_request_duration_seconds",
            "Time for a review to be answered, by HTTP code.",
            ("code",),
            buckets=_REVIEW_SECONDS,
            registry=registry,
        )

    async def create(self, path: str, body: Mapping[str, object]) -> Mapping[str, object]:
        """POST the body; raises :class:`UpstreamError`."""
        started, code = time.perf_counter(), _NO_CODE
        try:
            answer = await self._reviewer.create(path, body)
            code = "201"
        except UpstreamError as error:
            code = str(error.code) if error.code else _NO_CODE
            raise
        finally:
            self._requests.labels(code).inc()
            self._duration.labels(code).observe(time.perf_counter() - started)
        return answer


@dataclass(frozen=True, slots=True, eq=False)
class _Count:
    """One counter that is kept elsewhere."""

    name: str
    help: str
    read: Callable[[], float]
    labels: Mapping[str, str]

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(self.name, self.help, labels=tuple(self.labels))
        family.add_metric(tuple(self.labels.values()), self.read())
        yield family


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
