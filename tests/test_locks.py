"""A lock excludes others, and does not outlive its holder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kubediscovery.testing.locks import FileLock

HOLD = """
import sys, time
from pathlib import Path
from kubediscovery.testing.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
assert lock.acquire(seconds=0)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_only_one_holds_it_at_a_time(path: Path) -> None:
    first, second = FileLock(path), FileLock(path)
    assert first.acquire(seconds=0)
    assert not second.acquire(seconds=0.1)
    first.release()
    assert second.acquire(seconds=0)
    second.release()


def test_waiting_is_told_only_where_there_is_some(path: Path) -> None:
    told: list[str] = []
    with FileLock(path, waiting=lambda: told.append("free")):
        holder = FileLock(path)
        assert not holder.acquire(seconds=0)
    assert told == []
    assert holder.acquire(seconds=0)

    def let_go() -> None:
        told.append("taken")
        holder.release()

    with FileLock(path, waiting=let_go):
        assert told == ["taken"]


def test_it_goes_with_a_holder_that_is_killed(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        lock = FileLock(path)
        assert not lock.acquire(seconds=0)
        holder.kill()
        holder.wait()
        assert lock.acquire(seconds=5)
        lock.release()
