"""Processes of the control plane: started apart from the terminal, stopped in order, found again after a crash."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kubediscovery.errors import StartupError

#: How many seconds a component may take to end after SIGTERM, in the order of stopping: whoever writes through another
#: goes first. etcd waits for its clients' streams for longer than is useful, and its write-ahead log bears a SIGKILL.
STOPPING = {"kwok": 10.0, "kube-scheduler": 10.0, "kube-controller-manager": 10.0, "kube-apiserver": 20.0, "etcd": 2.0}

# A component's name before its first flag; what comes before it may hold spaces.
_COMPONENT = re.compile(rf"(^|/)({'|'.join(STOPPING)}) -")

_LOG_LINES_SHOWN = 15
_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Component:
    """A program to run: its name, its whole command line, and the file that takes its output."""

    name: str
    command: tuple[str, ...]
    log: Path


class ComponentDied(StartupError):
    """A component ended by itself; the message has its name and the last lines of its log."""

    def __init__(self, component: Component, status: int) -> None:
        self.last_lines = last_lines(component.log)
        super().__init__(f"{component.name} ended with status {status}; its log ends with\n{self.last_lines}")


class Process:
    """A running component."""

    def __init__(self, component: Component) -> None:
        self.component = component
        component.log.parent.mkdir(parents=True, exist_ok=True)
        with component.log.open("ab") as log:
            try:
                # A session of its own: Ctrl-C in the terminal reaches the owner alone, which then stops all in order.
                self._process = subprocess.Popen(
                    component.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
            except OSError as error:
                raise StartupError(f"{component.command[0]} cannot be run: {error.strerror}") from error

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process.poll() is None

    def check(self) -> None:
        """Raise `ComponentDied` if it runs no more."""
        status = self._process.poll()
        if status is not None:
            raise ComponentDied(self.component, status)

    def stop(self) -> None:
        """End it with SIGTERM, and with SIGKILL when that did not do in its time."""
        self._process.terminate()
        try:
            self._process.wait(STOPPING[self.component.name])
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def last_lines(log: Path, count: int = _LOG_LINES_SHOWN) -> str:
    """Give the end of a log, indented; says so if there is none."""
    try:
        lines = log.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        lines = []
    return "\n".join(f"  {line}" for line in lines) or "  (it is empty)"


def leftovers(directory: Path) -> list[int]:
    """Find the processes of a control plane in that directory.

    Ours is what is called like a component and has a path below the directory in its arguments: a pid file would tell
    less, since pids are used again and a process can start before its pid is written down.
    """
    return [pid for pid, line in command_lines() if _COMPONENT.search(line) and f"{directory}{os.sep}" in line]


def end_leftovers(directory: Path) -> None:
    """Kill what `leftovers` finds; `StartupError` if it does not go, as when it is another user's.

    At once, with SIGKILL: nobody owns them any more, and etcd's write-ahead log is made for that.
    """
    deadline = time.monotonic() + _KILL_SECONDS
    time.sleep(_POLL_SECONDS)  # What was started at the last moment has no command line yet.
    while found := leftovers(directory):
        if time.monotonic() > deadline:
            raise StartupError(f"processes {found} of an earlier control plane in {directory} cannot be ended")
        for pid in found:
            _kill(pid)
        time.sleep(_POLL_SECONDS)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        return  # It ended meanwhile, or is not ours to end: the next look tells.


def command_lines() -> Iterator[tuple[int, str]]:
    """List (pid, command line) of all processes: from /proc where there is one, as slim images have no ps."""
    proc = Path("/proc")
    if not (proc / "self" / "cmdline").exists():
        yield from _command_lines_of_ps()
        return
    for entry in proc.iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            arguments = (entry / "cmdline").read_bytes()
        except OSError:
            continue  # it ended meanwhile
        if arguments:
            yield int(entry.name), arguments.replace(b"\0", b" ").decode(errors="replace")


def _command_lines_of_ps() -> Iterator[tuple[int, str]]:
    listing = subprocess.run(["/bin/ps", "-axww", "-o", "pid=,command="], check=True, capture_output=True, text=True)
    for line in listing.stdout.splitlines():
        pid, _, arguments = line.strip().partition(" ")
        if arguments.strip():
            yield int(pid), arguments
