"""The audit log's file, written by a thread of its own so that no request ever waits for a disk.

What is kept and how it is called is as with kube-apiserver's flags of the same names, which hand it to
``gopkg.in/natefinch/lumberjack.v2``. Its mode is "batch": events wait in memory, and those that there is no room for,
or that the disk does not take, are counted and lost rather than holding up requests.
"""

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Protocol

from kubediscovery.errors import StartupError

logger = logging.getLogger(__name__)

STDOUT = "-"
# Bytes of events that wait to be written.
LONGEST_QUEUE = 16 << 20
# Bytes after which a write takes no more lines: no more than that can make a file longer than it may be.
_BYTES_AT_ONCE = 1 << 18
# Seconds between two complaints about the same disk.
_COMPLAIN_EVERY = 60.0
_STAMP = "%Y-%m-%dT%H-%M-%S"


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes) -> None:
        """Write all of it; raises ``OSError`` where none of it counts as written."""
        ...

    def close(self) -> None:
        """Nothing more comes."""
        ...


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a file is followed by a new one and how long it is kept; 0 is never and for ever."""

    max_bytes: int = 0
    max_backups: int = 0
    max_days: int = 0


class AuditFile:
    """A file that only its owner may read, with the older ones beside it as ``NAME-<time>.EXT``.

    Raises :class:`StartupError` where it cannot be written. One that somebody else moved away is made anew.
    """

    def __init__(
        self, path: Path, rotation: Rotation, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._path = path
        self._rotation = rotation
        self._clock = clock
        try:
            self._file = self._open()
        except OSError as error:
            raise StartupError(f"audit log {path}: {error.strerror or error}") from error

    def write(self, data: bytes) -> None:
        """Append all of it, or nothing and raise ``OSError``."""
        size = self._size_for(len(data))
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, size)
            raise

    def close(self) -> None:
        """Close it; what was written is the system's to keep."""
        os.close(self._file)

    def _open(self) -> int:
        if not self._path.parent.exists():
            self._path.parent.mkdir(mode=0o700, parents=True)
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _size_for(self, more: int) -> int:
        """The size of the file that takes so many bytes more, which is another one where they are too many."""
        found = os.fstat(self._file)
        if not self._is_in_place(found):
            return self._reopened()
        if 0 < self._rotation.max_bytes < found.st_size + more and found.st_size:
            now = self._clock()
            stamp = f"{now.strftime(_STAMP)}.{now.microsecond // 1000:03}"
            self._path.rename(self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}"))
            size = self._reopened()
            self._prune(now)
            return size
        return found.st_size

    def _is_in_place(self, opened: os.stat_result) -> bool:
        try:
            return os.path.samestat(self._path.stat(), opened)
        except FileNotFoundError:
            return False

    def _reopened(self) -> int:
        opened = self._open()
        os.close(self._file)
        self._file = opened
        return os.fstat(opened).st_size

    def _prune(self, now: datetime) -> None:
        kept, oldest = self._rotation.max_backups, now - timedelta(days=self._rotation.max_days)
        backups = sorted(self._backups(), reverse=True)
        for position, (written, path) in enumerate(backups):
            if (0 < kept <= position) or (self._rotation.max_days and written < oldest):
                with contextlib.suppress(OSError):
                    path.unlink()

    def _backups(self) -> Iterator[tuple[datetime, Path]]:
        for path in self._path.parent.glob(f"{self._path.stem}-*{self._path.suffix}"):
            stamp = path.name.removeprefix(f"{self._path.stem}-").removesuffix(self._path.suffix)
            with contextlib.suppress(ValueError):
                yield datetime.strptime(stamp, f"{_STAMP}.%f").replace(tzinfo=UTC), path


class StandardOutput:
    """The process's standard output."""

    def __init__(self) -> None:
        self._file = sys.stdout.fileno()
        self._torn = False

    def write(self, data: bytes) -> None:
        """Write all of it; a line that a failure left unfinished is ended first."""
        rest = memoryview(b"\n" + data if self._torn else data)
        self._torn = True
        while rest:
            rest = rest[os.write(self._file, rest) :]
        self._torn = False

    def close(self) -> None:
        """It stays open for others."""


class AuditLog:
    """Takes lines without waiting and writes them one after the other.

    ``lost`` counts those that were not written. :meth:`start` and :meth:`close` belong to whoever made it.
    """

    def __init__(self, sink: Sink, *, longest_queue: int = LONGEST_QUEUE) -> None:
        self._sink = sink
        self._longest_queue = longest_queue
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        # Each of these is written by one thread only: nothing has to be locked.
        self._taken = self._done = 0
        self._overflowed = self._failed = 0
        self._complained = float("-inf")
        self._thread = threading.Thread(target=self._run, name="audit-log", daemon=True)

    @property
    def lost(self) -> int:
        """Lines that were never written."""
        return self._overflowed + self._failed

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, line: bytes) -> None:
        """Write the line soon; it ends with a line end. Without room for it, it is lost."""
        if self._taken - self._done + len(line) > self._longest_queue:
            self._overflowed += 1
            return
        self._taken += len(line)
        self._queue.put(line)

    def close(self, seconds: float) -> None:
        """Write what waits, for at most so many seconds."""
        self._queue.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():
            logger.error("audit log: %d bytes were not written in time", self._taken - self._done)
        elif self.lost:
            logger.error("audit log: %d events were lost", self.lost)

    def _run(self) -> None:
        ended = False
        while not ended:
            lines, ended = self._next()
            data = b"".join(lines)
            try:
                self._sink.write(data)
            except OSError as error:
                self._failed += len(lines)
                self._complain(error)
            self._done += len(data)
        self._sink.close()

    def _next(self) -> tuple[list[bytes], bool]:
        """Lines that wait, once there are some, and whether they are the last."""
        lines: list[bytes] = []
        size, line = 0, self._queue.get()
        try:
            while line is not None:
                lines.append(line)
                size += len(line)
                if size >= _BYTES_AT_ONCE:
                    return lines, False
                line = self._queue.get_nowait()
        except Empty:
            return lines, False
        return lines, True

    def _complain(self, error: OSError) -> None:
        if time.monotonic() - self._complained >= _COMPLAIN_EVERY:
            self._complained = time.monotonic()
            logger.error("audit log: %s; events are lost", error.strerror or error)
