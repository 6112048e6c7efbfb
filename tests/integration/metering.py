"""What stands where metrics-server does: an aggregated API of figures that a test makes up."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from kubediscovery.certs import CertificateAuthority
from kubediscovery.testing.controlplane import ControlPlane

GROUP = "metrics.k8s.io"
API_SERVICE, SERVICE, NAMESPACE = f"v1beta1.{GROUP}", "figures", "kube-system"
_ROOT = f"/apis/{GROUP}/v1beta1"
_RESOURCES = {
    "kind": "APIResourceList",
    "apiVersion": "v1",
    "groupVersion": f"{GROUP}/v1beta1",
    "resources": [
        {"name": "pods", "singularName": "", "namespaced": True, "kind": "PodMetrics", "verbs": ["get", "list"]}
    ],
}


class _Answering(BaseHTTPRequestHandler):
    """Gives each pod of a namespace that it knows of the same figures."""

    pods: Mapping[str, list[str]] = {}

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        namespace = path.removeprefix(f"{_ROOT}/namespaces/").removesuffix("/pods")
        if path == _ROOT:
            self._send(200, _RESOURCES)
        elif path.endswith("/pods") and namespace in self.pods:
            self._send(200, {"kind": "PodMetricsList", "items": [*map(_figures, self.pods[namespace])]})
        else:
            self._send(404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404})

    def _send(self, code: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - as the class above calls it
        """Nobody reads it."""


def _figures(name: str) -> dict[str, Any]:
    usage = {"cpu": "12500u", "memory": "20Mi"}
    return {
        "metadata": {"name": name},
        "timestamp": "2100-01-01T00:00:00Z",
        "window": "15s",
        "containers": [{"name": "main", "usage": usage}, {"name": "beside", "usage": usage}],
    }


@contextmanager
def metering(cluster: ControlPlane, directory: Path, pods: Mapping[str, list[str]]) -> Iterator[None]:
    """Serve figures of these pods, by their namespaces, as an API of the cluster."""
    authority = CertificateAuthority.create("figures-ca")
    pair = authority.issue(SERVICE, dns_names=[f"{SERVICE}.{NAMESPACE}.svc"])
    bundle = directory / "figures.pem"
    bundle.write_bytes(pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answering", (_Answering,), {"pods": pods}))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    objects = _objects(server.server_address[1], base64.b64encode(authority.certificate).decode())
    try:
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        cluster.kubectl("wait", "--for=condition=Available", f"apiservice/{API_SERVICE}", "--timeout=60s")
        yield
    finally:
        cluster.kubectl("delete", "apiservice", API_SERVICE, "--ignore-not-found")
        cluster.kubectl("--namespace", NAMESPACE, "delete", "service", SERVICE, "--ignore-not-found")
        server.shutdown()
        server.server_close()


def _objects(port: int, bundle: str) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": SERVICE, "namespace": NAMESPACE},
            "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"name": "https", "port": port}]},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": API_SERVICE},
            "spec": {
                "group": GROUP,
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "caBundle": bundle,
                "service": {"name": SERVICE, "namespace": NAMESPACE, "port": port},
            },
        },
    ]
