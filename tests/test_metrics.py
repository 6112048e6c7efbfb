"""Metrics: Prometheus can read them, and their labels are this project's own."""

import contextlib
from collections.abc import Iterable

import pytest
from msgspec import structs
from prometheus_client.parser import text_string_to_metric_families

from kubediscovery.authz import Attributes
from kubediscovery.errors import UpstreamError
from kubediscovery.exchange import Exchange
from kubediscovery.kinds import Kinds
from kubediscovery.metrics import Metrics
from kubediscovery.reflector import Phase, Progress
from tests.exchanges import GROUP, VERSION, WATCHED, WEB, exchange_of
from tests.objects import POD, filled
from tests.reviewing import Answer, FakeReviewer
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


def answered(code: int, *, attributes: Attributes = WEB, size: int = 0) -> Exchange:
    exchange = exchange_of(attributes, resource="deployments.apps", subresource="compositions")
    exchange.code, exchange.size = code, size
    return exchange


NAMES = {
    "verb": "GET",
    "group": GROUP,
    "version": VERSION,
    "resource": "deployments.apps",
    "subresource": "compositions",
    "scope": "resource",
}
OF = {**NAMES, "component": "apiserver"}


def test_requests_are_counted_and_timed_under_kubernetes_labels() -> None:
    metrics = Metrics()
    for code in (200, 200, 404):
        metrics.answered(answered(code), 0.02)
    of = {**OF, "dry_run": ""}
    assert named(metrics, "apiserver_request_total") == {labels(**of, code="200"): 2, labels(**of, code="404"): 1}
    assert named(metrics, "apiserver_request_duration_seconds_count") == {labels(**of): 3}
    assert named(metrics, "apiserver_request_duration_seconds_sum")[labels(**of)] == pytest.approx(0.06)
    buckets = named(metrics, "apiserver_request_duration_seconds_bucket")
    assert buckets[labels(**of, le="0.005")] == 0
    assert buckets[labels(**of, le="0.025")] == 3
    assert buckets[labels(**of, le="+Inf")] == 3


def test_the_bytes_of_what_is_read_are_counted() -> None:
    metrics = Metrics()
    metrics.answered(answered(200, size=5_000), 0.01)
    metrics.answered(answered(200, attributes=structs.replace(WEB, verb="create"), size=5_000), 0.01)
    metrics.answered(answered(200, attributes=WATCHED, size=5_000), 0.01)
    assert named(metrics, "apiserver_response_sizes_sum") == {labels(**OF): 5_000}
    buckets = named(metrics, "apiserver_response_sizes_bucket")
    assert (buckets[labels(**OF, le="1000.0")], buckets[labels(**OF, le="10000.0")]) == (0, 1)


def test_who_was_refused_or_cut_off_is_counted() -> None:
    metrics = Metrics()
    for code in (429, 504, 504):
        metrics.terminated(answered(0), code)
    metrics.aborted(answered(200))
    of_429, of_504 = labels(**OF, code="429"), labels(**OF, code="504")
    assert named(metrics, "apiserver_request_terminations_total") == {of_429: 1, of_504: 2}
    assert named(metrics, "apiserver_request_aborts_total") == {labels(**NAMES): 1}


def test_watches_are_counted_while_they_last() -> None:
    metrics, watch = Metrics(), answered(200, attributes=WATCHED)
    of = labels(**OF | {"verb": "WATCH", "scope": "namespace"})
    with metrics.long_running(watch), metrics.long_running(watch):
        assert named(metrics, "apiserver_longrunning_requests") == {of: 2}
    assert named(metrics, "apiserver_longrunning_requests") == {of: 0}


def test_events_of_watches_are_counted() -> None:
    metrics = Metrics()
    for size in (1_000, 3_000):
        metrics.watched(GROUP, VERSION, "compositions")(size)
    of = {"group": GROUP, "version": VERSION, "resource": "compositions"}
    assert named(metrics, "apiserver_watch_events_total") == {labels(**of): 2}
    assert named(metrics, "apiserver_watch_events_sizes_sum") == {labels(**of): 4_000}
    assert named(metrics, "apiserver_watch_events_sizes_bucket")[labels(**of, le="2048.0")] == 1


def test_a_second_is_told_by_its_most_requests() -> None:
    metrics = Metrics()
    metrics.beat(3)
    metrics.beat(1)
    assert named(metrics, "apiserver_current_inflight_requests") == {labels(request_kind="readOnly"): 1}


def test_the_lag_of_the_event_loop_is_what_somebody_meets_who_comes_at_any_time() -> None:
    metrics = Metrics()
    # In time after a tenth of a second, a little late, and held up for 45 ms, which five hundredths of a second met.
    for lag, pause in ((-0.001, 0.1), (0.004, 0.01), (0.045, 0.01)):
        metrics.late(lag, pause)
    buckets = named(metrics, "kubediscovery_event_loop_lag_seconds_bucket")
    assert {le: buckets[labels(le=le)] for le in ("0.001", "0.005", "0.01", "0.02", "0.05", "+Inf")} == {
        "0.001": 10, "0.005": 12, "0.01": 12, "0.02": 13, "0.05": 16, "+Inf": 16
    }  # fmt: skip


def test_what_others_count_is_read_when_asked() -> None:
    metrics, failed = Metrics(), [0]
    metrics.count("apiserver_tls_handshake_errors", "Handshakes.", lambda: failed[0])
    metrics.count("apiserver_audit_error", "Lost.", lambda: 7, plugin="log")
    failed[0] = 5
    assert named(metrics, "apiserver_tls_handshake_errors_total") == {(): 5}
    assert named(metrics, "apiserver_audit_error_total") == {labels(plugin="log"): 7}


async def test_reviews_are_counted_by_what_came_back() -> None:
    answers: list[Answer] = [{}, UpstreamError("no", code=429), UpstreamError("nobody there"), {}]
    metrics, fake = Metrics(), FakeReviewer(lambda _: answers.pop(0))
    reviewer = metrics.counted(fake, "authz")
    for _ in range(4):
        with contextlib.suppress(UpstreamError):
            assert (await reviewer.create("/path", {"spec": {}}))["spec"] == {}
    expected = {labels(code="201"): 2, labels(code="429"): 1, labels(code="<error>"): 1}
    assert named(metrics, "apiserver_delegated_authz_request_total") == expected
    assert named(metrics, "apiserver_delegated_authz_request_duration_seconds_count") == expected
    assert fake.paths == ["/path"] * 4


def test_no_series_tells_when_it_began() -> None:
    metrics = Metrics()
    metrics.answered(answered(200), 0.02)
    assert b"_created" not in metrics.render()


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
    one.answered(answered(200), 1)
    assert named(other, "apiserver_request_total") == {}
