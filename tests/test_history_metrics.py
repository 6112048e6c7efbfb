"""How much history there is, as metrics tell it."""

from collections.abc import Callable
from pathlib import Path

from kubediscovery.chronicle import Chronicle, HistoryCounts, HistoryOptions
from kubediscovery.history_metrics import HistoryCollector
from kubediscovery.history_settings import HistorySettings
from kubediscovery.metrics import Metrics
from tests.objects import DEPLOYMENT, make
from tests.sighting import sighted

WEB = make(DEPLOYMENT, "web", uid="uid-web")


def told(read: Callable[[], HistoryCounts]) -> dict[str, float]:
    """The series of history, by what comes after their prefix."""
    metrics, prefix = Metrics(), "kubediscovery_history_"
    metrics.include(HistoryCollector(read))
    lines = [line for line in metrics.render().decode().splitlines() if line.startswith(prefix)]
    return {name.removeprefix(prefix): float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_without_a_file_and_a_log_the_memory_is_told_of() -> None:
    chronicle = Chronicle(HistoryOptions(HistorySettings(versions=2, largest=10_000)))
    for number in range(1, 4):
        chronicle.recorder.record(sighted(f"image-{number}", number))
    found = told(chronicle.counts)
    assert found["bytes"] == chronicle.recorder.bytes > 0
    assert {name: value for name, value in found.items() if name != "bytes"} == {
        "revisions": 2,
        'dropped_total{reason="room"}': 1,
        'dropped_total{reason="size"}': 0,
    }


async def test_what_was_written_to_the_file_is_counted(tmp_path: Path) -> None:
    chronicle = Chronicle(HistoryOptions(path=tmp_path / "history"))
    with chronicle.opened():
        chronicle.recorder.record(sighted("a", 1))
        await chronicle.versions(WEB, None, revisions=True)
        assert told(chronicle.counts)['sqlite_writes_total{result="written"}'] == 1
        assert told(chronicle.counts)['sqlite_writes_total{result="lost"}'] == 0


def test_lines_of_the_audit_log_are_told_by_what_became_of_them() -> None:
    found = told(lambda: HistoryCounts(0, 0, 0, 0, audit_lines=5, audit_failed=2))
    assert found['audit_lines_total{result="read"}'] == 3
    assert found['audit_lines_total{result="failed"}'] == 2
    assert not [name for name in found if name.startswith("sqlite")]


def test_an_audit_log_that_nothing_was_read_of_is_told_of(tmp_path: Path) -> None:
    chronicle = Chronicle(HistoryOptions(audit_log=tmp_path / "audit.log"))
    assert told(chronicle.counts)['audit_lines_total{result="read"}'] == 0
