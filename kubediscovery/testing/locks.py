"""Locks between processes that no crash leaves behind: the kernel drops them with their holder."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self


class FileLock:
    """An exclusive lock on a file, held from `acquire` to `release`; the file itself stays.

    The lock belongs to the open file, so two locks on one path exclude each other within one process, too.
    """

    def __init__(self, path: Path, *, waiting: Callable[[], None] = lambda: None) -> None:
        """``waiting`` is called once when ``with`` finds the lock taken."""
        self._path = path
        self._waiting = waiting
        self._descriptor: int | None = None

    def acquire(self, *, seconds: float) -> bool:
        """Try for that long; tell whether the lock is held now."""
        # Python opens files that no child inherits, so a child that outlives its parent does not hold the lock.
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    os.close(descriptor)
                    return False
                time.sleep(0.05)
            else:
                self._descriptor = descriptor
                return True

    def release(self) -> None:
        """Let go; harmless when the lock is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> Self:
        if not self.acquire(seconds=0):
            self._waiting()
            self.acquire(seconds=float("inf"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
