"""The peer: client-go's shared informers with an owner index, behind net/http."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import uuid4

from benchmarks.endpoint import Connection, Endpoint, Synced, free_port
from benchmarks.processes import MeasuredProcess, ends_a_line
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.testing.controlplane import ControlPlane

GROUP = "reference.kubediscovery.cloudark.io"
#: The Service, and its namespace, that the certificate is for.
SERVICE, NAMESPACE = "reference", "kubediscovery-reference"

_START_SECONDS = 120.0
_POLL_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Variant:
    """How the informers read. client-go's default is JSON by WatchList; a list takes less time and more memory."""

    name: str
    flags: tuple[str, ...]


JSON = Variant("client-go (JSON, list)", ("--encoding=json", "--watch-list=false"))
PROTOBUF = Variant("client-go (protobuf, list)", ("--encoding=protobuf", "--watch-list=false"))
PROTOBUF_STREAM = Variant("client-go (protobuf, WatchList)", ("--encoding=protobuf", "--watch-list=true"))


class ReferenceServer:
    """What is needed to start it again and again on one cluster."""

    def __init__(self, cluster: ControlPlane, program: Path, folder: Path, variant: Variant) -> None:
        self.name = variant.name
        self.endpoint = Endpoint(free_port(), folder / f"reference-{uuid4()}", GROUP)
        self._command = (str(program), "serve", f"--kubeconfig={cluster.kubeconfig}", *variant.flags)
        ServingCertificate.create((f"{SERVICE}.{NAMESPACE}.svc", "localhost")).write(self.endpoint.directory)

    def start(self) -> MeasuredProcess:
        """Start the process, which is not ready yet."""
        flags = (f"--port={self.endpoint.port}", f"--cert-dir={self.endpoint.directory}", f"--group={GROUP}")
        return MeasuredProcess((*self._command, *flags), self.endpoint.directory / "serve")

    def connect(self) -> Connection:
        """A connection; it asks nobody who they are."""
        return Connection(self.endpoint, ssl.create_default_context(cafile=self.endpoint.authority))

    def wait(self, process: MeasuredProcess) -> Synced:
        """Wait for the line that it prints when all informers have synced, and until it listens."""
        has_told = partial(ends_a_line, process.output)
        since_start = process.wait_for(has_told, "having synced", seconds=_START_SECONDS, every=_POLL_SECONDS)
        cpu = process.cpu_seconds
        process.wait_for(lambda: self.endpoint.is_listening, "listening", seconds=_START_SECONDS, every=_POLL_SECONDS)
        told = json.loads(process.output.read_text())
        return Synced(since_start, told["seconds"], cpu, told["objects"])
