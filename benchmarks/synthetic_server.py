"""kubediscovery on a synthetic cluster, as a process of its own: see `benchmarks.synthetic`."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path

import msgspec

from benchmarks.endpoint import Connection, Endpoint, free_port
from benchmarks.filled import Load
from benchmarks.kubediscovery_server import environment
from benchmarks.processes import MeasuredProcess
from kubediscovery.certs import CertificateAuthority, Usage
from kubediscovery.config import DEFAULT_GROUP
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.testing.credentials import write_key_pair
from kubediscovery.testing.probes import client_context

_START_SECONDS = 600.0
_POLL_SECONDS = 0.02


class SyntheticServer:
    """What is needed to start it on a cluster of that load."""

    def __init__(self, load: Load, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.endpoint = Endpoint(free_port(), folder / f"synthetic-{load.deployments}", DEFAULT_GROUP)
        ServingCertificate.create(("localhost",)).write(self.endpoint.directory)
        authority = CertificateAuthority.create("synthetic")
        self._trusted, self._administrator = folder / "synthetic-ca.crt", folder / "synthetic-administrator"
        self._trusted.write_bytes(authority.certificate)
        client = authority.issue("benchmark", organizations=["system:masters"], usages=[Usage.CLIENT])
        write_key_pair(self._administrator, client)
        self._load = load

    def start(self) -> MeasuredProcess:
        """Start the process, which is not ready yet."""
        load = self._load
        directory = self.endpoint.directory
        command = (
            *(sys.executable, "-m", "benchmarks.synthetic", f"--trusted={self._trusted}"),
            *(f"--deployments={load.deployments}", f"--pods={load.pods}", f"--namespaces={load.namespaces}", "--"),
            *("--bind-address=127.0.0.1", f"--secure-port={self.endpoint.port}", f"--cert-dir={directory}"),
        )
        return MeasuredProcess(command, directory / "serve", environment())

    def wait(self, process: MeasuredProcess) -> float:
        """Wait until all caches are filled; gives the seconds since the start of the process."""
        process.wait_for(lambda: self.endpoint.is_listening, "listening", seconds=_START_SECONDS, every=_POLL_SECONDS)
        with Connection(self.endpoint, ssl.create_default_context(cafile=self.endpoint.authority)) as connection:
            return process.wait_for(
                lambda: connection.status("/readyz") == 200, "being ready", seconds=_START_SECONDS, every=_POLL_SECONDS
            )

    def connect(self) -> Connection:
        """A connection of an administrator."""
        return Connection(self.endpoint, client_context(self.endpoint.authority.read_bytes(), self._administrator))

    def tell(self, process: MeasuredProcess, command: dict[str, object]) -> dict[str, float]:
        """Have a command of `benchmarks.synthetic` carried out; gives what it tells."""
        answer = process.ask(msgspec.json.encode(command), seconds=_START_SECONDS, every=_POLL_SECONDS)
        return msgspec.json.decode(answer, type=dict[str, float])
