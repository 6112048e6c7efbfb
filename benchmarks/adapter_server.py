"""A peer on k8s.io/apiserver, with delegated authentication: custom-metrics-apiserver's test adapter."""

from __future__ import annotations

from pathlib import Path

from benchmarks.endpoint import Endpoint, free_port
from benchmarks.processes import MeasuredProcess
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.testing.controlplane import ControlPlane

GROUP = "custom.metrics.k8s.io"
#: A metric that nobody has written: the answer is a Status, made without asking anybody.
NO_METRIC = f"/apis/{GROUP}/v1beta2/namespaces/default/pods/none/none"
DISCOVERY = f"/apis/{GROUP}/v1beta2"

_START_SECONDS = 60.0
_POLL_SECONDS = 0.01


class AdapterServer:
    """What is needed to start it; beside its own port it takes 8080, which no flag can change."""

    def __init__(self, cluster: ControlPlane, program: Path, folder: Path) -> None:
        self.endpoint = Endpoint(free_port(), folder / "adapter", GROUP)
        ServingCertificate.create(("localhost",)).write(self.endpoint.directory)
        names = ("authentication-kubeconfig", "authorization-kubeconfig", "lister-kubeconfig")
        self._command = (
            str(program),
            *(f"--{name}={cluster.kubeconfig}" for name in names),
            "--bind-address=127.0.0.1",
            f"--secure-port={self.endpoint.port}",
            f"--tls-cert-file={self.endpoint.directory / 'tls.crt'}",
            f"--tls-private-key-file={self.endpoint.directory / 'tls.key'}",
        )

    def start(self) -> MeasuredProcess:
        """Start the process, which is not ready yet."""
        return MeasuredProcess(self._command, self.endpoint.directory / "serve")

    def wait(self, process: MeasuredProcess) -> None:
        """Wait until it listens."""
        process.wait_for(lambda: self.endpoint.is_listening, "listening", seconds=_START_SECONDS, every=_POLL_SECONDS)
