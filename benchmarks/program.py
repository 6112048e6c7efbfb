"""The Go programs: that of `reference/` (peer, loader, clients), and the peers that are locked in the other folders."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from kubediscovery.testing.binaries import find_binaries
from kubediscovery.testing.locked import Module, OwnModule, Program, digest

_FOLDER = Path(__file__).parent / "reference"
_ADAPTER_FOLDER = Path(__file__).parent / "adapter"
_GITOPS_FOLDER = Path(__file__).parent / "gitops"
_LINEAGE_FOLDER = Path(__file__).parent / "lineage"
_NAME = "kubediscovery-reference"

#: What decides how a filled cluster looks.
_LOADER = ("etcd.go", "fill.go", "likeness.go", "stored.go", "workload.go")


def loader_version() -> str:
    """What tells one loader from another."""
    return digest(_FOLDER, _LOADER)


REFERENCE = OwnModule(_FOLDER, "k8s.io/client-go", (Program(_NAME, "."),))
ADAPTER = Module(
    _ADAPTER_FOLDER,
    "sigs.k8s.io/custom-metrics-apiserver",
    (Program("test-adapter", "sigs.k8s.io/custom-metrics-apiserver/test-adapter"),),
)
GITOPS = OwnModule(_GITOPS_FOLDER, "github.com/argoproj/argo-cd/gitops-engine", (Program("kubediscovery-gitops", "."),))
LINEAGE = Module(
    _LINEAGE_FOLDER,
    "github.com/tohjustin/kube-lineage",
    (Program("kube-lineage", "github.com/tohjustin/kube-lineage/cmd/kube-lineage"),),
)


def find_reference() -> Path:
    """Give the program, built first where that is needed; `StartupError` if it cannot be built."""
    return find_binaries(modules=(REFERENCE,), environment=os.environ).programs[_NAME]


def find_adapter() -> Path:
    """Give custom-metrics-apiserver's test adapter, as `find_reference` gives the program."""
    return find_binaries(modules=(ADAPTER,), environment=os.environ).programs["test-adapter"]


def find_gitops() -> Path:
    """Give the program around gitops-engine's cluster cache, as `find_reference` gives its own."""
    return find_binaries(modules=(GITOPS,), environment=os.environ).programs["kubediscovery-gitops"]


def find_lineage() -> Path:
    """Give kube-lineage, as `find_reference` gives the program."""
    return find_binaries(modules=(LINEAGE,), environment=os.environ).programs["kube-lineage"]


def find_tree_plugin() -> Path | None:
    """Give kubectl-tree where it is installed: it is measured beside the others then."""
    found = shutil.which("kubectl-tree")
    return Path(found) if found else None
