"""Telling a person what takes so long."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TextIO

_QUIET_SECONDS = 15.0
_POLL_SECONDS = 0.2


class Progress:
    """Says what is done and for how long: in place on a terminal, otherwise as a line every 15 seconds."""

    def __init__(self, stream: TextIO | None = None, *, every: float = _QUIET_SECONDS) -> None:
        self._stream = stream or sys.stdout
        self._in_place = self._stream.isatty()
        self._every = 1.0 if self._in_place else every

    def say(self, line: str) -> None:
        """Write one line."""
        self._write(line + "\n")

    def follow(self, what: str, process: subprocess.Popen[bytes]) -> int:
        """Report on a process until it ends; gives its status. Whatever interrupts the wait ends the process."""
        started = said = time.monotonic()
        self._show(what, 0)
        try:
            while process.poll() is None:
                time.sleep(_POLL_SECONDS)
                now = time.monotonic()
                if now - said >= self._every:
                    self._show(what, now - started)
                    said = now
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()
        self._show(what, time.monotonic() - started, end=" done\n" if process.returncode == 0 else " failed\n")
        return process.returncode

    def _show(self, what: str, seconds: float, *, end: str = "\n") -> None:
        line = f"{what}: {seconds:.0f} s"
        self._write(f"\r{line}{end.rstrip() if end == chr(10) else end}" if self._in_place else line + end)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
