"""Components are stopped in time, and found again by their name and folder."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from kubediscovery.errors import StartupError
from kubediscovery.testing.processes import (
    Component,
    ComponentDied,
    Process,
    command_lines,
    end_leftovers,
    last_lines,
    leftovers,
)

SLEEP = "import time; time.sleep(60)"


class Start(Protocol):
    def __call__(self, name: str, *arguments: str) -> subprocess.Popen[bytes]: ...


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a sleeping process under any name."""
    with ExitStack() as stack:

        def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen([name, "-c", SLEEP, *arguments], executable=sys.executable)
            stack.enter_context(process)
            stack.callback(process.kill)
            while process.pid not in dict(command_lines()):  # The kernel shows it a moment after the start.
                assert process.poll() is None
            return process

        yield start


def component(folder: Path, script: str, name: str = "etcd") -> Component:
    return Component(name, (sys.executable, "-c", script), folder / "logs" / f"{name}.log")


def test_leftovers_are_components_with_a_path_below_the_folder(tmp_path: Path, start: Start) -> None:
    folder = tmp_path / "my cluster"
    ours = [start("/opt/my tools/etcd", f"--data-dir={folder}/etcd"), start("kwok", f"--config={folder}/kwok.yaml")]
    start("etcd", f"--data-dir={folder}-2/etcd")
    start("tail", f"{folder}/logs/etcd.log")
    start("etcd", "--data-dir=/elsewhere")
    assert sorted(leftovers(folder)) == sorted(process.pid for process in ours)


def test_leftovers_are_ended(tmp_path: Path, start: Start) -> None:
    ours, other = start("etcd", f"--data-dir={tmp_path}/etcd"), start("etcd", "--data-dir=/elsewhere")
    end_leftovers(tmp_path)
    assert leftovers(tmp_path) == []
    assert ours.wait(5) == -9
    assert other.poll() is None


def test_a_component_that_dies_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    process = Process(component(tmp_path, "print(*range(100), sep='\\n'); raise SystemExit(3)"))
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with pytest.raises(ComponentDied, match=r"^etcd ended with status 3; its log ends with\n  85\n(.*\n)+  99$"):
        process.check()


def test_a_running_component_is_no_error_and_stops(tmp_path: Path) -> None:
    process = Process(component(tmp_path, SLEEP))
    process.check()
    process.stop()
    with pytest.raises(ComponentDied, match="status -15"):
        process.check()


def test_a_component_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    process = Process(component(tmp_path, deaf))
    while not process.component.log.read_text():
        process.check()
    process.stop()
    with pytest.raises(ComponentDied, match="status -9"):
        process.check()


def test_a_program_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"/nonexistent/etcd cannot be run: No such file"):
        Process(Component("etcd", ("/nonexistent/etcd",), tmp_path / "etcd.log"))


def test_a_log_without_lines_is_told(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none.log") == "  (it is empty)"
