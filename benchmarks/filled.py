"""A control plane without controllers, filled once and kept between runs."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path

from benchmarks.program import loader_version
from kubediscovery.errors import StartupError
from kubediscovery.testing.binaries import Binaries, cache_folder
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.locked import MODULES

_FILLED = "filled"


@dataclass(frozen=True, slots=True)
class Load:
    """What a cluster holds: Deployments of one ReplicaSet each, of that many Pods, over some namespaces."""

    deployments: int
    pods: int
    namespaces: int

    @property
    def counts(self) -> dict[str, int]:
        """How many objects there are, by resource."""
        return {
            "deployments.apps": self.deployments,
            "replicasets.apps": self.deployments,
            "pods": self.deployments * self.pods,
        }

    def deployment(self, number: int) -> tuple[str, str]:
        """Namespace and name of a Deployment, as `reference/workload.go` names them."""
        return f"team-{number % self.namespaces:03d}", f"service-{number:05d}"

    @property
    def folder_name(self) -> str:
        """Name the folder of a cluster that holds this, as this loader and this version of Kubernetes write it."""
        versions = [module.version for module in MODULES]
        key = repr((astuple(self), loader_version(), versions)).encode()
        return f"{self.deployments}x{self.pods}-{hashlib.sha256(key).hexdigest()[:16]}"

    def __str__(self) -> str:
        return f"{self.deployments:,} Deployments of {self.pods} Pods in {self.namespaces} namespaces"


@contextmanager
def filled_cluster(load: Load, binaries: Binaries, reference: Path) -> Iterator[ControlPlane]:
    """Run a control plane that holds the load; it is written only when no earlier run has done that.

    `StartupError` when it cannot be started or filled. A fill that was interrupted is begun again.
    """
    directory = cache_folder(os.environ).parent / "benchmarks" / load.folder_name
    done = directory / _FILLED
    if not done.exists():
        with ControlPlane.start(directory, controllers=False, binaries=binaries) as cluster:
            _fill(load, cluster, reference)
            cluster.compact_etcd()
        done.touch()
    with ControlPlane.start(directory, controllers=False, keep=True, binaries=binaries) as cluster:
        yield cluster


def _fill(load: Load, cluster: ControlPlane, reference: Path) -> None:
    parameters = {"deployments": load.deployments, "pods": load.pods, "namespaces": load.namespaces}
    flags = [f"--{name}={value}" for name, value in parameters.items()]
    done = subprocess.run([reference, "fill", f"--kubeconfig={cluster.kubeconfig}", *flags], check=False)
    if done.returncode:
        raise StartupError("the cluster could not be filled: the loader's error is above")
