"""Servers that are measured: started, looked at from outside through /proc, and ended."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from kubediscovery.errors import StartupError
from kubediscovery.testing.processes import last_lines

_STOP_SECONDS = 15.0
_TICKS = os.sysconf("SC_CLK_TCK")
_MEGABYTE = 1_000_000


class MeasuredProcess:
    """A running server; leaving its block ends it. ``started`` is a reading of `time.perf_counter`."""

    def __init__(self, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        """Start it, in this process's environment or another; its output goes to ``<log>.out`` and ``<log>.err``."""
        self._name = Path(command[0]).name
        self.output, self._errors = log.with_suffix(".out"), log.with_suffix(".err")
        with self.output.open("wb") as output, self._errors.open("wb") as errors:
            self.started = time.perf_counter()
            # A pipe as standard input: what reads it ends with this process, however that ends.
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=errors,
                start_new_session=True,
                env=environment,
            )

    def wait_for(self, condition: Callable[[], bool], what: str, *, seconds: float, every: float) -> float:
        """Poll until the condition holds; gives the seconds since the start of the process.

        `StartupError` when it does not hold in time or the process ends, with the end of its log.
        """
        while not condition():
            self._check()
            if time.perf_counter() - self.started > seconds:
                raise StartupError(f"waited {seconds:g} s in vain for {what}; it said\n{last_lines(self._errors)}")
            time.sleep(every)
        return time.perf_counter() - self.started

    def ask(self, line: bytes, *, seconds: float, every: float) -> bytes:
        """Write a line to its standard input and wait for the next one of its output."""
        assert self._process.stdin is not None
        before = self.output.read_bytes().count(b"\n")
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()
        asked = time.perf_counter()
        while self.output.read_bytes().count(b"\n") == before:
            self._check()
            if time.perf_counter() - asked > seconds:
                raise StartupError(f"{self._name} did not answer {line.decode()} in {seconds:g} s")
            time.sleep(every)
        return self.output.read_bytes().splitlines()[before]

    def _check(self) -> None:
        if self._process.poll() is not None:
            raise StartupError(f"{self._name} ended by itself; it said\n{last_lines(self._errors)}")

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far (proc_pid_stat(5))."""
        # The name, in brackets, may hold spaces: what follows it starts with field 3.
        fields = self._read("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def resident_megabytes(self) -> float:
        """VmRSS now."""
        return self._memory("VmRSS")

    @property
    def peak_megabytes(self) -> float:
        """VmHWM: the highest VmRSS so far."""
        return self._memory("VmHWM")

    def _memory(self, key: str) -> float:
        (line,) = (line for line in self._read("status").splitlines() if line.startswith(f"{key}:"))
        return int(line.split()[1]) * 1024 / _MEGABYTE

    def _read(self, name: str) -> str:
        self._check()
        return Path(f"/proc/{self._process.pid}/{name}").read_text()

    def kill(self) -> None:
        """End it as a crash does."""
        self._process.kill()
        self._process.communicate()

    def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL."""
        self._process.terminate()
        try:
            self._process.communicate(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def ends_a_line(output: Path) -> bool:
    """Whether what was written so far is whole lines."""
    return output.read_bytes().endswith(b"\n")
