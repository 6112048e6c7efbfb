"""The Go program of `reference/`: the peer, the loader and the client that takes times."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from kubediscovery.testing.binaries import find_binaries
from kubediscovery.testing.locked import Module, Program

_FOLDER = Path(__file__).parent / "reference"
_NAME = "kubediscovery-reference"

#: What decides how a filled cluster looks.
_LOADER = ("fill.go", "workload.go")


@dataclass(frozen=True)
class OwnModule(Module):
    """A module with sources of its own: a build is made anew when they change."""

    @property
    def key(self) -> str:
        """The locked dependencies, as for any module, and the sources."""
        names = sorted(path.name for path in self.directory.glob("*.go"))
        return f"{super().key}-{digest(names)}"


def digest(names: list[str] | tuple[str, ...]) -> str:
    """A short hash of some of the sources."""
    content = b"\0".join((_FOLDER / name).read_bytes() for name in names)
    return hashlib.sha256(content).hexdigest()[:16]


def loader_version() -> str:
    """What tells one loader from another."""
    return digest(_LOADER)


REFERENCE = OwnModule(_FOLDER, "k8s.io/client-go", (Program(_NAME, "."),))


def find_reference() -> Path:
    """Give the program, built first where that is needed; `StartupError` if it cannot be built."""
    return find_binaries(modules=(REFERENCE,), environment=os.environ).programs[_NAME]
