"""Metrics of what is kept of former versions, under ``kubediscovery_history_``."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from kubediscovery.chronicle import HistoryCounts

_PREFIX = "kubediscovery_history_"


class HistoryCollector:
    """Reads what is counted when it is asked for."""

    def __init__(self, read: Callable[[], HistoryCounts]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """What there is; of an audit log and of a file only where there is one."""
        counts = self._read()
        yield GaugeMetricFamily(f"{_PREFIX}revisions", "Versions of objects held in memory.", counts.versions)
        yield GaugeMetricFamily(f"{_PREFIX}bytes", "Bytes of memory that they take.", counts.bytes)
        dropped = {"room": counts.dropped, "size": counts.too_large}
        yield _counter("dropped", "Versions given up for room, or never kept for their size.", "reason", dropped)
        if counts.audit_lines is not None:
            lines = {"read": counts.audit_lines - counts.audit_failed, "failed": counts.audit_failed}
            yield _counter("audit_lines", "Lines of kube-apiserver's audit log.", "result", lines)
        if counts.written is not None:
            writes = {"written": counts.written, "lost": counts.lost}
            yield _counter("sqlite_writes", "Versions for the SQLite file.", "result", writes)


def _counter(name: str, help_: str, label: str, values: Mapping[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(_PREFIX + name, help_, labels=(label,))
    for value, count in values.items():
        family.add_metric((value,), count)
    return family
