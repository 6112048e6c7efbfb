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
        """``every`` is in seconds; a terminal is written to every second."""
        self._stream = stream or sys.stdout
        terminal = self._stream.isatty()
        self._every = 1.0 if terminal else every
        self._line_start, self._line_end = ("\r", "") if terminal else ("", "\n")

    def say(self, line: str) -> None:
        """Write one line."""
        self._write(f"{line}\n")

    def follow(self, what: str, process: subprocess.Popen[bytes]) -> int:
        """Report on a process until it ends; gives its status. Whatever interrupts the wait ends the process."""
        started = said = time.monotonic()
        try:
            self._write(f"{self._line_start}{what} ...{self._line_end}")
            while process.poll() is None:
                time.sleep(_POLL_SECONDS)
                if time.monotonic() - said >= self._every:
                    said = time.monotonic()
                    self._write(f"{self._line_start}{what}: {said - started:.0f} s{self._line_end}")
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()
        outcome = "failed" if process.returncode else "done"
        self._write(f"{self._line_start}{what}: {time.monotonic() - started:.0f} s {outcome}\n")
        return process.returncode

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
