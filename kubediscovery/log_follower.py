"""The lines of a log file, of the files that it was before, and of those that it becomes.

Followed are files that are rotated as ``gopkg.in/natefinch/lumberjack.v2`` does (``NAME-<time>.EXT``, kube-apiserver's
way), files that somebody else moves away (logrotate), and files that are cut. Which file is which the system says, by
device and inode; compressed ones are not read.
"""

import os
from contextlib import suppress
from glob import escape
from io import FileIO
from pathlib import Path

# Bytes that are read at once, and of a line: an object has 3 MiB at most, and may be in a line twice.
CHUNK, LONGEST_LINE = 1 << 20, 8 << 20


class LogFollower:
    """Reads from the oldest file on; all of it waits for the disk and nothing else."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None
        self._former: os.stat_result | None = None
        self._rest = b""
        self._is_skipping = False

    def close(self) -> None:
        """Close what is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def lines(self) -> list[bytes] | None:
        """The next whole lines; None where there are no more for now, or nothing can be read."""
        try:
            data = self._read()
            if not data:
                following = self._following()
                # What was written before the file was moved away.
                data = self._read()
                if not data and following is not None:
                    self._open(following)
                    data = self._read()
        except OSError:
            return None
        return self._split(data) if data else None

    def _read(self) -> bytes:
        if self._file is None:
            return b""
        if os.fstat(self._file.fileno()).st_size < self._file.tell():
            self._file.seek(0)
            self._rest = b""
        return self._file.read(CHUNK)

    def _split(self, data: bytes) -> list[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if lines and self._is_skipping:
            del lines[0]
            self._is_skipping = False
        if len(self._rest) > LONGEST_LINE:
            self._rest, self._is_skipping = b"", True
        return lines

    def _following(self) -> Path | None:
        """The file after the one that is read, the oldest for none; of one that is gone the newest."""
        found = self._files()
        former = self._former
        if former is None:
            return found[0][0] if found else None
        places = [place for place, (_, stat) in enumerate(found) if os.path.samestat(stat, former)]
        later = found[places[-1] + 1 :][:1] if places else found[-1:]
        return later[0][0] if later else None

    def _open(self, path: Path) -> None:
        opened = FileIO(path)
        self.close()
        self._file, self._former = opened, os.fstat(opened.fileno())
        self._rest, self._is_skipping = b"", False

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        """All files of the log, the oldest first: the time is in their names."""
        path = self._path
        older = path.parent.glob(f"{escape(path.stem)}-*{escape(path.suffix)}")
        found = []
        for each in (*sorted(older, key=lambda other: other.name), path):
            with suppress(FileNotFoundError):
                found.append((each, each.stat()))
        return found
