"""Metrics: Prometheus can read them, and their labels are this project's own."""

from collections.abc import Iterable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kubediscovery.kinds import Kinds
from kubediscovery.metrics import Metrics
from kubediscovery.reflector import Phase, Progress
from tests.objects import POD, filled
from tests.serving import make

Labels = tuple[tuple[str, str], ...]


def samples(metrics: Metrics) -> dict[tuple[str, Labels], float]:
    families = text_string_to_metric_families(metrics.render().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def named(metrics: Metrics, name: str) -> dict[Labels, float]:
    return {labels: value for (found, labels), value in samples(metrics).items() if found == name}


def labels(**values: str) -> Labels:
    return tuple(sorted(values.items()))


def test_requests_are_counted_and_timed() -> None:
    metrics = Metrics()
    for code in (200, 200, 404):
        metrics.observe("get", "deployments.apps", "compositions", code, 0.02)
    of = {"verb": "get", "resource": "deployments.apps", "subresource": "compositions"}
    assert named(metrics, "apiserver_request_total") == {labels(**of, code="200"): 2, labels(**of, code="404"): 1}
    assert named(metrics, "apiserver_request_duration_seconds_count") == {labels(**of): 3}
    assert named(metrics, "apiserver_request_duration_seconds_sum")[labels(**of)] == pytest.approx(0.06)
    buckets = named(metrics, "apiserver_request_duration_seconds_bucket")
    assert buckets[labels(**of, le="0.01")] == 0
    assert buckets[labels(**of, le="0.025")] == 3
    assert buckets[labels(**of, le="+Inf")] == 3


def test_requests_under_way_are_counted() -> None:
    metrics = Metrics()
    kind = labels(request_kind="readOnly")
    with metrics.inflight.track_inprogress(), metrics.inflight.track_inprogress():
        assert named(metrics, "apiserver_current_inflight_requests") == {kind: 2}
    assert named(metrics, "apiserver_current_inflight_requests") == {kind: 0}


def test_caches_and_reflectors_are_read_when_asked() -> None:
    metrics, kinds = Metrics(), Kinds()
    store = filled([make(POD, "a")], kinds)
    progress = {kind: Progress() for kind in kinds}
    metrics.watch_caches(store, progress)
    pods = labels(resource="pods")
    assert named(metrics, "kubediscovery_cache_objects")[pods] == 1
    assert named(metrics, "kubediscovery_reflector_watching")[pods] == 0
    store.put(make(POD, "b"))
    progress[POD].phase = Phase.WATCHING
    progress[POD].events = 7
    assert named(metrics, "kubediscovery_cache_objects")[pods] == 2
    assert named(metrics, "kubediscovery_reflector_watching")[pods] == 1
    assert named(metrics, "kubediscovery_reflector_events_total")[pods] == 7


@pytest.mark.parametrize(
    "name",
    [
        "kubediscovery_cache_objects",
        "kubediscovery_reflector_watching",
        "kubediscovery_reflector_lists_total",
        "kubediscovery_reflector_watches_total",
        "kubediscovery_reflector_events_total",
        "kubediscovery_reflector_failures_total",
    ],
)
def test_every_kind_has_its_series(name: str) -> None:
    metrics, kinds = Metrics(), Kinds()
    metrics.watch_caches(filled([], kinds), {kind: Progress() for kind in kinds})
    assert set(named(metrics, name)) == {labels(resource=kind.group_resource) for kind in kinds}


def test_every_metric_has_a_help_text_and_belongs_to_somebody() -> None:
    metrics, kinds = Metrics(), Kinds()
    metrics.watch_caches(filled([], kinds), {kind: Progress() for kind in kinds})
    families = list(text_string_to_metric_families(metrics.render().decode()))
    assert_known(family.name for family in families)
    assert all(family.documentation for family in families)


def assert_known(names: Iterable[str]) -> None:
    assert [name for name in names if not name.startswith(("apiserver_", "kubediscovery_", "process_"))] == []


def test_two_of_them_do_not_share_anything() -> None:
    one, other = Metrics(), Metrics()
    one.observe("get", "pods", "", 200, 1)
    assert named(other, "apiserver_request_total") == {}
