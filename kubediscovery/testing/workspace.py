"""The folder of one control plane: claimed by one owner, cleaned when the owner is gone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from kubediscovery.errors import StartupError
from kubediscovery.testing.locks import FileLock
from kubediscovery.testing.processes import end_leftovers

LOCK_NAME = "controlplane.lock"

# Longer than a guard needs to clean up after an owner that was killed.
_CLAIM_SECONDS = 3.0

#: What an owner tells its guard at an orderly end; a pipe that closes without it means that the owner was killed.
GOODBYE = b"goodbye"


class Workspace:
    """A claimed folder, with a guard process that ends what runs in it when this process is killed.

    A guard, and not Linux's PR_SET_PDEATHSIG: that signal comes when the *thread* that started a child ends, and macOS
    has nothing like it. A pipe that closes with its writer works everywhere.
    """

    def __init__(self, directory: Path | None, *, keep: bool = False) -> None:
        """Claim the folder (without one, a new temporary folder) and end what a killed owner left running in it.

        What it holds is deleted unless ``keep``. `StartupError` if it cannot be claimed.
        """
        self.temporary = directory is None
        self._closed = False
        self.directory = _folder(directory)
        self._lock = FileLock(self.directory / LOCK_NAME)
        if not self._lock.acquire(seconds=_CLAIM_SECONDS):
            raise StartupError(
                f"a control plane is running in {self.directory} already: stop it or name another folder"
            )
        try:
            end_leftovers(self.directory)
            if not keep:
                self._clear()
            self._guard = self._start_guard()
        except BaseException:
            self._lock.release()
            raise

    def _clear(self) -> None:
        for entry in self.directory.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry.name != LOCK_NAME:
                entry.unlink()

    def close(self) -> None:
        """Give the folder up, after everything in it was stopped; a temporary one is deleted. Once is enough."""
        if self._closed:
            return
        self._closed = True
        try:
            # An interruption can come between the start of a process and its being noted.
            end_leftovers(self.directory)
            self._guard.communicate(GOODBYE)
            if self.temporary:
                shutil.rmtree(self.directory)
        finally:
            self._lock.release()

    def _start_guard(self) -> subprocess.Popen[bytes]:
        what = ["--temporary"] if self.temporary else []
        return subprocess.Popen(
            [sys.executable, "-m", "kubediscovery.testing.guard", str(self.directory), *what],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )


def _folder(directory: Path | None) -> Path:
    if directory is None:
        return Path(tempfile.mkdtemp(prefix="kubediscovery-")).resolve()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        strangers = any(directory.iterdir()) and not (directory / LOCK_NAME).exists()
    except OSError as error:
        raise StartupError(f"{directory} cannot hold a control plane: {error.strerror}") from error
    if strangers:
        raise StartupError(f"{directory} holds other files: name an empty folder, or one of an earlier control plane")
    return directory.resolve()
