"""A control plane without controllers, filled once and kept between runs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.program import loader_version
from kubediscovery.errors import StartupError
from kubediscovery.testing.binaries import Binaries, cache_folder
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.locked import MODULES
from kubediscovery.testing.locks import FileLock
from kubediscovery.testing.probes import ask

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


SMALL = Load(deployments=100, pods=10, namespaces=20)
STANDARD = Load(deployments=1000, pods=10, namespaces=20)
LARGE = Load(deployments=10_000, pods=10, namespaces=100)


@contextmanager
def filled_cluster(
    load: Load, binaries: Binaries, reference: Path, *, scratch: Path | None = None
) -> Iterator[ControlPlane]:
    """Run a control plane that holds the load; it is written only when no earlier run has done that.

    Whoever changes more than the status of pods runs a copy, in the folder ``scratch``, which must not be there yet.

    `StartupError` when it cannot be started or filled. A fill that was interrupted is begun again; another run that has
    the folder is waited for.
    """
    directory = kept_folder() / load.folder_name
    directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(directory.parent / f"{directory.name}.lock"):
        _make(directory, load, binaries, reference)
        if scratch is None:
            with ControlPlane.start(directory, controllers=False, keep=True, binaries=binaries) as cluster:
                yield cluster
                _tidy(cluster)
            return
        shutil.copytree(directory, scratch)
    with ControlPlane.start(scratch, controllers=False, keep=True, binaries=binaries) as cluster:
        yield cluster


class Clusters:
    """The filled control plane of a run, which one scenario leaves to the next; leaving its block ends it."""

    def __init__(self, binaries: Binaries, reference: Path) -> None:
        self._binaries, self._reference = binaries, reference
        self._stack = ExitStack()
        self._open: tuple[Load, ControlPlane] | None = None

    @contextmanager
    def lend(self, load: Load) -> Iterator[ControlPlane]:
        """Give the one that is open if it holds the load, else end it and start one: see `filled_cluster`.

        It stays open for the next one. Nothing but the status of pods may be changed.
        """
        if self._open is None or self._open[0] != load:
            self.close()
            self._open = load, self._stack.enter_context(filled_cluster(load, self._binaries, self._reference))
        _, cluster = self._open
        cluster.check()
        yield cluster

    def close(self) -> None:
        """End what is open: nothing of it takes processor time or memory, and its folder is free."""
        self._open = None
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)


def kept_folder() -> Path:
    """The folder of what is kept between runs."""
    return cache_folder(os.environ).parent / "benchmarks"


def _tidy(cluster: ControlPlane) -> None:
    """Forget what changes of pods left behind: it would grow from run to run, up to what etcd takes at most."""
    # What was measured counts all the same, and the next run tries again.
    with suppress(StartupError):
        cluster.compact_etcd()
        ask(f"{cluster.etcd}/v3/maintenance/defragment", body={})
    # By the address of each kube-apiserver, which is another one each time.
    shutil.rmtree(cluster.directory / "kubectl-cache", ignore_errors=True)


def _make(directory: Path, load: Load, binaries: Binaries, reference: Path) -> None:
    done = directory / _FILLED
    if not done.exists():
        with ControlPlane.start(directory, controllers=False, binaries=binaries) as cluster:
            _fill(load, cluster, reference)
            cluster.compact_etcd()
        done.touch()


def _fill(load: Load, cluster: ControlPlane, reference: Path) -> None:
    parameters = {"deployments": load.deployments, "pods": load.pods, "namespaces": load.namespaces}
    flags = [f"--{name}={value}" for name, value in parameters.items()]
    where = (f"--kubeconfig={cluster.kubeconfig}", f"--etcd={cluster.etcd}")
    done = subprocess.run([reference, "fill", *where, *flags], check=False)
    if done.returncode:
        raise StartupError("the cluster could not be filled: the loader's error is above")
