"""What keeps account is made as the flags say, and writes what waits before it goes."""

import json
from pathlib import Path

import pytest

from kubediscovery.bookkeeping import opened_books
from kubediscovery.config import LoadOptions
from kubediscovery.errors import ConfigurationError, StartupError
from kubediscovery.metrics import Metrics
from tests.exchanges import WEB, exchange_of
from tests.reviewing import FakeReviewer
from tests.test_metrics import labels, named


def test_without_flags_nothing_but_the_limits_is_kept() -> None:
    with opened_books(LoadOptions(), {}) as books:
        assert (books.auditor, books.log, books.tracing) == (None, None, None)
        assert (books.limits.requests.limit, books.limits.watches.limit, books.limits.seconds) == (400, 5_000, 60)
        metrics = Metrics()
        books.report(metrics)
        assert b"apiserver_audit" not in metrics.render()


def test_the_flags_are_the_limits() -> None:
    with opened_books(LoadOptions(max_requests_inflight=3, max_watches=4, request_timeout=5.5), {}) as books:
        assert (books.limits.requests.limit, books.limits.watches.limit, books.limits.seconds) == (3, 4, 5.5)


def test_events_are_written_before_the_end_and_counted(tmp_path: Path) -> None:
    path, metrics = tmp_path / "audit.log", Metrics()
    with opened_books(LoadOptions(audit_log_path=str(path)), {}) as books:
        books.report(metrics)
        assert books.auditor is not None
        for number in range(100):
            books.auditor.finished(exchange_of(WEB, audit_id=str(number)))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["auditID"] for line in lines] == [str(number) for number in range(100)]
    assert named(metrics, "apiserver_audit_event_total") == {(): 100}
    assert named(metrics, "apiserver_audit_level_total") == {labels(level="Metadata"): 100}
    assert named(metrics, "apiserver_audit_error_total") == {labels(plugin="log"): 0}


def test_standard_output_takes_events_too(capfd: pytest.CaptureFixture[str]) -> None:
    with opened_books(LoadOptions(audit_log_path="-"), {}) as books:
        assert books.auditor is not None
        books.auditor.finished(exchange_of(WEB))
    assert json.loads(capfd.readouterr().out)["kind"] == "Event"


def test_megabytes_are_megabytes(tmp_path: Path) -> None:
    options = LoadOptions(audit_log_path=str(tmp_path / "audit.log"), audit_log_maxsize=1, audit_log_maxbackup=1)
    with opened_books(options, {}) as books:
        assert books.log is not None
        for _ in range(3):
            books.log.put(b"x" * 600_000 + b"\n")
    assert sorted(path.stat().st_size for path in tmp_path.iterdir()) == [600_001, 600_001]


def test_what_cannot_be_had_is_told_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="Is a directory"), opened_books(LoadOptions(audit_log_path=str(tmp_path))):
        pass
    with pytest.raises(ConfigurationError, match="OTEL_"), opened_books(LoadOptions(), {"OTEL_TRACES_EXPORTER": "x"}):
        pass


async def test_reviews_are_counted_and_traced() -> None:
    metrics, fake = Metrics(), FakeReviewer(lambda _: {})
    with opened_books(LoadOptions(), {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}) as books:
        assert books.tracing is not None
        reviewer = books.reviewer(fake, metrics, "authn")
        await reviewer.create("/path", {"kind": "TokenReview", "spec": {}})
        books.tracing.close(0)
    assert named(metrics, "apiserver_delegated_authn_request_total") == {labels(code="201"): 1}
