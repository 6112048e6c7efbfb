"""What every scenario is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubediscovery.testing.binaries import Binaries


@dataclass(frozen=True, slots=True)
class Context:
    """The control plane's binaries, the Go program, a folder that is deleted afterwards, and a place for words."""

    binaries: Binaries
    reference: Path
    folder: Path
    say: Callable[[str], None]
