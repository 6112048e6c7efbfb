"""What keeps account of requests, put together as the flags and the environment ask for it."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kubediscovery.audit import LEVEL, Auditor
from kubediscovery.auditlog import STDOUT, AuditFile, AuditLog, Rotation, StandardOutput
from kubediscovery.config import LoadOptions
from kubediscovery.limits import Limits
from kubediscovery.metrics import Metrics
from kubediscovery.reviews import Reviewer
from kubediscovery.tracing import Tracing, tracing_from

# Seconds at the end for what waits to be written and sent.
FLUSH_SECONDS = 5.0
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Books:
    """The limits, and those that keep account where they are wanted."""

    limits: Limits
    auditor: Auditor | None = None
    log: AuditLog | None = None
    tracing: Tracing | None = None

    def report(self, metrics: Metrics) -> None:
        """Let the metrics tell of the audit log (``k8s.io/apiserver, pkg/audit/metrics.go``)."""
        auditor, log = self.auditor, self.log
        if auditor is None or log is None:
            return
        metrics.count("apiserver_audit_event", "Audit events made.", lambda: auditor.events)
        metrics.count("apiserver_audit_level", "Requests audited, by level.", lambda: auditor.requests, level=LEVEL)
        metrics.count("apiserver_audit_error", "Audit events that were lost.", lambda: log.lost, plugin="log")

    def reviewer(self, reviewer: Reviewer, metrics: Metrics, what: str) -> Reviewer:
        """The reviewer, its requests counted as delegated ``authn`` or ``authz``, and traced."""
        counted = metrics.counted(reviewer, what)
        return self.tracing.traced(counted) if self.tracing is not None else counted


@contextmanager
def opened_books(options: LoadOptions, environment: Mapping[str, str] = os.environ) -> Iterator[Books]:
    """The books, open until all requests are answered; then what waits is written.

    Raises :class:`StartupError` for an audit log that cannot be written, and :class:`ConfigurationError` for tracing
    that cannot be had.
    """
    tracing = tracing_from(environment)
    log = _audit_log(options)
    limits = Limits(
        requests=options.max_requests_inflight, watches=options.max_watches, seconds=options.request_timeout
    )
    try:
        if log is not None:
            log.start()
        yield Books(limits, Auditor(log) if log is not None else None, log, tracing)
    finally:
        if log is not None:
            log.close(FLUSH_SECONDS)
        if tracing is not None:
            tracing.close(FLUSH_SECONDS)


def _audit_log(options: LoadOptions) -> AuditLog | None:
    if not options.audit_log_path:
        return None
    if options.audit_log_path == STDOUT:
        return AuditLog(StandardOutput())
    rotation = Rotation(options.audit_log_maxsize * _MEGABYTE, options.audit_log_maxbackup, options.audit_log_maxage)
    return AuditLog(AuditFile(Path(options.audit_log_path), rotation))
