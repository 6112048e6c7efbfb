"""The audit log's file: nothing is lost that fits, nothing waits for the disk, and what is lost is counted."""

import errno
import os
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kubediscovery.auditlog import AuditFile, AuditLog, Rotation, StandardOutput
from kubediscovery.errors import StartupError

START = datetime(2026, 5, 1, 12, 30, 15, 250_000, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Disk:
    """Takes what it is given while ``open`` is set, and fails as often as it is told."""

    def __init__(self, *, failures: int = 0) -> None:
        self.data = b""
        self.open = threading.Event()
        self.open.set()
        self.closed = False
        self.failures = failures

    def write(self, data: bytes) -> None:
        self.open.wait(10)
        if self.failures:
            self.failures -= 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.data += data

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def logged() -> Iterator[Callable[[AuditLog], AuditLog]]:
    """Starts logs, and ends them after the test."""
    running: list[AuditLog] = []

    def start(log: AuditLog) -> AuditLog:
        log.start()
        running.append(log)
        return log

    yield start
    for log in running:
        log.close(10)


def test_everything_is_written_in_order_and_flushed_at_the_end() -> None:
    disk = Disk()
    log = AuditLog(disk)
    log.start()
    lines = [f"{number}\n".encode() for number in range(5_000)]
    for line in lines:
        log.put(line)
    log.close(10)
    assert disk.data == b"".join(lines)
    assert (disk.closed, log.lost) == (True, 0)


def test_a_slow_disk_holds_nobody_up_and_what_has_no_room_is_counted(
    logged: Callable[[AuditLog], AuditLog],
) -> None:
    disk = Disk()
    disk.open.clear()
    log = logged(AuditLog(disk, longest_queue=100))
    for _ in range(30):
        log.put(b"123456789\n")
    assert log.lost == 20
    disk.open.set()
    log.close(10)
    assert disk.data == b"123456789\n" * 10


def test_a_full_disk_is_counted_told_once_and_used_again(
    logged: Callable[[AuditLog], AuditLog], caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(failures=3)
    log = logged(AuditLog(disk))
    for number in range(3):
        log.put(b"lost\n")
        wait_until(lambda number=number: log.lost == number + 1)  # type: ignore[misc]
    log.put(b"kept\n")
    log.close(10)
    assert disk.data == b"kept\n"
    told = [record.getMessage() for record in caplog.records]
    assert told == ["audit log: No space left on device; events are lost", "audit log: 3 events were lost"]


def wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(10_000):
        if holds():
            return
        threading.Event().wait(0.001)
    raise AssertionError("it does not hold")


def test_the_end_waits_for_no_disk(caplog: pytest.LogCaptureFixture) -> None:
    disk = Disk()
    disk.open.clear()
    log = AuditLog(disk)
    log.start()
    log.put(b"123456789\n")
    log.close(0.05)
    assert "10 bytes were not written in time" in caplog.text
    disk.open.set()


def test_a_file_is_its_owners_alone_and_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "new" / "audit.log"
    for word in (b"one\n", b"two\n"):
        file = AuditFile(path, Rotation())
        file.write(word)
        file.close()
    assert path.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), lambda path: path.parent.joinpath("f").touch()])
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "audit.log"
    make(path)
    where = path if path.exists() else tmp_path / "f" / "audit.log"
    with pytest.raises(StartupError, match=rf"^audit log {where}: [^\n]+$"):
        AuditFile(where, Rotation())


def test_a_full_file_is_followed_by_another(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "audit.log"
    file = AuditFile(path, Rotation(max_bytes=25), clock=clock)
    for number in range(5):
        clock.now += timedelta(seconds=1)
        file.write(f"line {number} --\n".encode())
    file.close()
    older = sorted(tmp_path.glob("audit-*.log"))
    assert [each.name for each in older] == ["audit-2026-05-01T12-30-18.250.log", "audit-2026-05-01T12-30-20.250.log"]
    assert older[0].read_bytes() == b"line 0 --\nline 1 --\n"
    assert path.read_bytes() == b"line 4 --\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_only_so_many_older_files_are_kept_and_nobody_elses_is_touched(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "audit.log"
    others = [tmp_path / name for name in ("audit-notes.log", "audit-2026.log", "other.log")]
    for other in others:
        other.write_text("mine")
    file = AuditFile(path, Rotation(max_bytes=5, max_backups=2), clock=clock)
    for number in range(6):
        clock.now += timedelta(seconds=1)
        file.write(f"{number}\n\n\n\n".encode())
    file.close()
    backups = sorted(set(tmp_path.glob("audit-*.log")) - set(others))
    assert [each.read_text()[0] for each in backups] == ["3", "4"]
    assert [other.read_text() for other in others] == ["mine"] * 3


def test_older_files_are_kept_for_so_many_days(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "audit.log"
    file = AuditFile(path, Rotation(max_bytes=5, max_days=2), clock=clock)
    for _ in range(6):
        clock.now += timedelta(days=1)
        file.write(b"1234\n")
    file.close()
    assert len(list(tmp_path.glob("audit-*.log"))) == 3


def test_a_file_without_a_limit_stays_one(tmp_path: Path) -> None:
    file = AuditFile(tmp_path / "audit.log", Rotation())
    for _ in range(100):
        file.write(b"x" * 1000)
    file.close()
    assert [each.name for each in tmp_path.iterdir()] == ["audit.log"]


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    path, moved = tmp_path / "audit.log", tmp_path / "audit.log.1"
    file = AuditFile(path, Rotation())
    file.write(b"one\n")
    path.rename(moved)
    file.write(b"two\n")
    path.unlink()
    file.write(b"three\n")
    file.close()
    assert (moved.read_bytes(), path.read_bytes()) == (b"one\n", b"three\n")


def test_what_a_full_disk_took_of_a_batch_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.log"
    file = AuditFile(path, Rotation())
    file.write(b"whole\n")
    write = os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) <= 3:
            raise OSError(errno.ENOSPC, "full")
        return write(descriptor, data[: len(data) // 2])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        with pytest.raises(OSError, match="full"):
            file.write(b"torn in two\n")
    file.write(b"next\n")
    file.close()
    assert path.read_bytes() == b"whole\nnext\n"


def test_standard_output_ends_a_line_that_was_torn(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    output = StandardOutput()
    write, left = os.write, [3]

    def three_bytes(descriptor: int, data: bytes) -> int:
        if not left:
            raise OSError(errno.EPIPE, "gone")
        return write(descriptor, data[: left.pop()])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", three_bytes)
        with pytest.raises(OSError, match="gone"):
            output.write(b"torn\n")
    output.write(b"next\n")
    output.write(b"last\n")
    assert capfd.readouterr().out == "tor\nnext\nlast\n"
