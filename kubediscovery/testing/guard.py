"""The guard of a control plane: a process that outlives a killed owner for as long as it takes to clean up.

Run as ``python -m kubediscovery.testing.guard DIRECTORY [--temporary]``; its standard input is a pipe from the owner.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from kubediscovery.testing.locks import FileLock
from kubediscovery.testing.processes import end_leftovers
from kubediscovery.testing.workspace import GOODBYE, LOCK_NAME

# The kernel closes a dead owner's pipe and drops its lock one after the other, in no order to rely on.
_LOCK_SECONDS = 2.0


def watch(directory: Path, *, temporary: bool) -> None:
    """Wait for the owner's end; clean up if it was not an orderly one."""
    if sys.stdin.buffer.read() == GOODBYE:
        return
    lock = FileLock(directory / LOCK_NAME)
    if not lock.acquire(seconds=_LOCK_SECONDS):
        return  # A new owner has claimed the folder, and has cleaned it by itself.
    end_leftovers(directory)
    if temporary:
        shutil.rmtree(directory)
    lock.release()


if __name__ == "__main__":
    watch(Path(sys.argv[1]), temporary="--temporary" in sys.argv[2:])
