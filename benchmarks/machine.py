"""Where and with what something was measured: figures mean little without."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import kubediscovery
from benchmarks.program import REFERENCE
from kubediscovery.testing.locked import MODULES

_ROOT = Path(__file__).parents[1]
# What --write writes, as git leaves it out.
_WRITTEN = (":(exclude)docs", ":(exclude)benchmarks/results")


@dataclass(frozen=True, slots=True)
class Setting:
    """The machine, the versions and the day, each in words, by what it is."""

    day: date
    facts: tuple[tuple[str, str], ...]

    @classmethod
    def look(cls, reference: Path) -> Setting:
        """Read them from this machine and from the Go program."""
        facts = (
            ("processor", f"{_find('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores"),
            ("memory", f"{int(_find('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB"),
            ("system", f"{platform.system()} {platform.release()}"),
            ("Python", platform.python_version()),
            ("Go", _first_line("go", "version", str(reference)).rpartition(" ")[2] or "unknown"),
            ("Kubernetes", next(each.version for each in MODULES if each.path == "k8s.io/kubernetes")),
            ("client-go", REFERENCE.version),
            ("kubediscovery", f"{kubediscovery.__version__}{_commit()}"),
        )
        return cls(datetime.now(UTC).date(), facts)


def _find(file: str, key: str) -> str:
    found = re.search(rf"^{key}\s*: *(.+)$", Path(file).read_text(), re.MULTILINE)
    return found[1] if found else "unknown"


def _commit() -> str:
    """The commit, and whether anything was changed since but what is measured; nothing outside of a clone."""
    commit = _first_line("git", "-C", str(_ROOT), "rev-parse", "--short", "HEAD")
    if not commit:
        return ""
    changes = _first_line("git", "-C", str(_ROOT), "status", "--porcelain", "--", ".", *_WRITTEN)
    return f", commit {commit}{' with changes' if changes else ''}"


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.partition("\n")[0] if done.returncode == 0 else ""
