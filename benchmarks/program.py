"""The Go programs: that of `reference/` (peer, loader, clients), and the peer that is locked in `adapter/`."""

from __future__ import annotations

import os
from pathlib import Path

from kubediscovery.testing.binaries import find_binaries
from kubediscovery.testing.locked import Module, OwnModule, Program, digest

_FOLDER = Path(__file__).parent / "reference"
_ADAPTER_FOLDER = Path(__file__).parent / "adapter"
_NAME = "kubediscovery-reference"

#: What decides how a filled cluster looks.
_LOADER = ("fill.go", "workload.go")


def loader_version() -> str:
    """What tells one loader from another."""
    return digest(_FOLDER, _LOADER)


REFERENCE = OwnModule(_FOLDER, "k8s.io/client-go", (Program(_NAME, "."),))
ADAPTER = Module(
    _ADAPTER_FOLDER,
    "sigs.k8s.io/custom-metrics-apiserver",
    (Program("test-adapter", "sigs.k8s.io/custom-metrics-apiserver/test-adapter"),),
)


def find_reference() -> Path:
    """Give the program, built first where that is needed; `StartupError` if it cannot be built."""
    return find_binaries(modules=(REFERENCE,), environment=os.environ).programs[_NAME]


def find_adapter() -> Path:
    """Give custom-metrics-apiserver's test adapter, as `find_reference` gives the program."""
    return find_binaries(modules=(ADAPTER,), environment=os.environ).programs["test-adapter"]
