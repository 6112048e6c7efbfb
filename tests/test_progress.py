"""Progress is told in time, and what it follows does not outlive an interruption."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from kubediscovery.testing.progress import Progress


def sleeper(seconds: float, status: int = 0) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({seconds}); raise SystemExit({status})"])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Interrupting(io.StringIO):
    """A stream on which the second write is interrupted, as by Ctrl-C."""

    def write(self, text: str) -> int:
        if self.getvalue():
            raise KeyboardInterrupt
        return super().write(text)


def test_lines_come_at_the_start_at_intervals_and_at_the_end() -> None:
    stream = io.StringIO()
    assert Progress(stream, every=0.3).follow("[1/2] etcd", sleeper(1)) == 0
    first, *between, last = stream.getvalue().splitlines()
    assert first == "[1/2] etcd ..."
    assert len(between) >= 2
    assert all(line.startswith("[1/2] etcd: ") and line.endswith(" s") for line in between)
    assert last.startswith("[1/2] etcd: ")
    assert last.endswith(" s done")


def test_a_failure_is_told() -> None:
    stream = io.StringIO()
    assert Progress(stream).follow("etcd", sleeper(0, status=3)) == 3
    assert stream.getvalue().endswith(" s failed\n")


def test_a_terminal_shows_one_line() -> None:
    stream = Terminal()
    Progress(stream).follow("etcd", sleeper(1.3))
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().count("\r") >= 2
    assert stream.getvalue().endswith(" s done\n")


def test_an_interruption_ends_the_process() -> None:
    process = sleeper(60)
    with pytest.raises(KeyboardInterrupt):
        Progress(Interrupting(), every=0.1).follow("etcd", process)
    assert process.returncode == -15
