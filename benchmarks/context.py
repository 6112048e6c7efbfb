"""What every scenario is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.filled import Clusters
from kubediscovery.testing.binaries import Binaries


@dataclass(frozen=True, slots=True)
class Context:
    """The control plane's binaries, the Go program, a folder that is deleted afterwards, and a place for words.

    ``clusters`` lends a filled control plane to one scenario after the other. ``quick`` asks for a look: what is
    repeated for its median is done once.
    """

    binaries: Binaries
    reference: Path
    folder: Path
    clusters: Clusters
    say: Callable[[str], None]
    quick: bool = False
