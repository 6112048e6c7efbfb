"""kubediscovery as it is measured: installed for a server outside of the cluster, with the rights that this gives."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Self

from benchmarks.endpoint import Connection, Endpoint, Synced, free_port
from benchmarks.filled import kept_folder
from benchmarks.processes import MeasuredProcess
from kubediscovery.access import access
from kubediscovery.certs import Usage
from kubediscovery.config import DEFAULT_GROUP, SERVER_ROLE
from kubediscovery.errors import StartupError
from kubediscovery.granted import BY_DEFAULT
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.credentials import write_key_pair
from kubediscovery.testing.probes import client_context
from kubediscovery.workload import NAME

_COMMAND = (sys.executable, "-m", "kubediscovery")
_START_SECONDS = 120.0
# Asking more often would slow down what is asked.
_POLL_SECONDS = 0.01
_FIRST_SYNC = "kubediscovery_first_sync_seconds"
_OBJECTS = "kubediscovery_cache_objects"


class KubediscoveryServer:
    """What is needed to start it again and again on one cluster."""

    name = "kubediscovery"

    def __init__(self, endpoint: Endpoint, kubeconfig: Path, administrator: Path, more: tuple[str, ...] = ()) -> None:
        """``kubeconfig`` is the server's own; ``administrator`` the path of a client certificate without its suffix."""
        self.endpoint = endpoint
        self._more = more
        self._kubeconfig = kubeconfig
        self._administrator = administrator

    @classmethod
    def install(cls, cluster: ControlPlane, folder: Path, *more: str) -> Self:
        """Run ``kubediscovery install``; `StartupError` with what it said where it failed.

        Both this command and the server get ``more`` flags.
        """
        _sum_up_roles(cluster)
        endpoint = Endpoint(free_port(), folder / "kubediscovery", DEFAULT_GROUP)
        flags = (f"--port={endpoint.port}", f"--cert-dir={endpoint.directory}", f"--kubeconfig={cluster.kubeconfig}")
        command = [*_COMMAND, "install", "--apply", "--external-name=localhost", *flags, *more]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StartupError(f"kubediscovery could not be installed: {done.stderr.strip()}")
        token = cluster.kubectl("create", "token", "kubediscovery", "--namespace=kubediscovery", "--duration=24h")
        administrator = cluster.client_ca.issue("benchmark", organizations=["system:masters"], usages=[Usage.CLIENT])
        write_key_pair(folder / "administrator", administrator)
        return cls(endpoint, cluster.kubeconfig_with_token(token.strip()), folder / "administrator", more)

    def another(self, name: str, *more: str) -> Self:
        """Another server of the same rights with other flags, which the aggregator does not know."""
        endpoint = Endpoint(free_port(), self.endpoint.directory.with_name(name), self.endpoint.group)
        ServingCertificate.create(("localhost",)).write(endpoint.directory)
        return type(self)(endpoint, self._kubeconfig, self._administrator, more)

    def start(self) -> MeasuredProcess:
        """Start the process, which is not ready yet."""
        flags = (
            f"--kubeconfig={self._kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.endpoint.port}",
            f"--cert-dir={self.endpoint.directory}",
        )
        log = self.endpoint.directory / "serve"
        return MeasuredProcess((*_COMMAND, "serve", *flags, *self._more), log, environment())

    def connect(self) -> Connection:
        """A connection of an administrator."""
        return Connection(self.endpoint, client_context(self.endpoint.authority.read_bytes(), self._administrator))

    def wait(self, process: MeasuredProcess) -> Synced:
        """Wait until /readyz says that all caches are filled."""
        listening = process.wait_for(
            lambda: self.endpoint.is_listening, "listening", seconds=_START_SECONDS, every=_POLL_SECONDS
        )
        # Without a certificate: nobody's is accepted before the server has read whose to believe.
        with Connection(self.endpoint, ssl.create_default_context(cafile=self.endpoint.authority)) as connection:
            ready = process.wait_for(
                lambda: connection.status("/readyz") == 200, "being ready", seconds=_START_SECONDS, every=_POLL_SECONDS
            )
            cpu = process.cpu_seconds
        with self.connect() as connection:
            samples = read_samples(connection.text("/metrics"))
        return Synced(
            since_start=ready,
            # A server that does not tell is timed from outside, from when it listens, which is a little earlier.
            reading=samples.get(_FIRST_SYNC, ready - listening),
            cpu=cpu,
            counts=held(samples),
        )


def _sum_up_roles(cluster: ControlPlane) -> None:
    """Give the server's ClusterRole its rules: kube-controller-manager would, and ``install`` waits for that."""
    (rules,) = (
        role["rules"]
        for role in access(NAME, NAME, DEFAULT_GROUP, (BY_DEFAULT, ()), ())
        if role["metadata"]["name"] == f"{SERVER_ROLE}-built-in"
    )
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": SERVER_ROLE}}
    manager = "--field-manager=clusterrole-aggregation-controller"
    flags = ("--server-side", "--force-conflicts", manager, "--filename=-")
    cluster.kubectl("apply", *flags, stdin=json.dumps({**role, "rules": rules}))


def environment() -> dict[str, str]:
    """As in the image, where all bytecode is there: what the first start ever compiles, all others find."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(kept_folder() / "bytecode")}


def read_samples(text: str) -> dict[str, float]:
    """Read Prometheus's text format: values by name with labels."""
    lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def held(samples: dict[str, float]) -> dict[str, int]:
    """The objects held, by resource, of kinds that have any."""
    prefix, suffix = f'{_OBJECTS}{{resource="', '"}'
    return {
        name.removeprefix(prefix).removesuffix(suffix): int(value)
        for name, value in samples.items()
        if name.startswith(prefix) and value
    }
