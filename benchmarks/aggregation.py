"""Standing behind kube-apiserver's aggregator, and a user who may ask through it."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks import adapter_server, reference_server
from benchmarks.reference_server import ReferenceServer
from kubediscovery.config import DEFAULT_GROUP
from kubediscovery.testing.controlplane import ControlPlane

READER = "benchmark-reader"

_SECONDS = 60


def register(cluster: ControlPlane, reference: ReferenceServer) -> None:
    """Put the reference, which must be running, behind the aggregator, as `kubediscovery install` puts its own."""
    namespace, service = reference_server.NAMESPACE, reference_server.SERVICE
    port = reference.endpoint.port
    _apply(
        cluster,
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": service, "namespace": namespace},
            "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": port}]},
        },
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": f"v1.{reference_server.GROUP}"},
            "spec": {
                "group": reference_server.GROUP,
                "version": "v1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "caBundle": base64.b64encode(reference.endpoint.authority.read_bytes()).decode(),
                "service": {"name": service, "namespace": namespace, "port": port},
            },
        },
    )


def wait_until_available(cluster: ControlPlane, groups: Iterable[str]) -> None:
    """Wait until the aggregator has found the servers of these groups, which must be running."""
    for group in groups:
        name = f"apiservice/v1.{group}"
        # A change makes kube-apiserver look at once, and not after up to 30 s.
        cluster.kubectl("annotate", name, f"benchmarks/looked-at={time.time()}", "--overwrite")
        cluster.kubectl("wait", "--for=condition=Available", name, f"--timeout={_SECONDS}s")


def reader(cluster: ControlPlane) -> Path:
    """Make an ordinary user who may read workloads and compositions and nothing else; gives the kubeconfig."""
    _bind_reader(cluster)
    return cluster.kubeconfig_for(READER)


def reader_token(cluster: ControlPlane) -> str:
    """A bearer token of somebody with the same rights, a service account."""
    account = {"name": READER, "namespace": "default"}
    _apply(cluster, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    _bind_reader(cluster)
    return cluster.kubectl("create", "token", READER, "--namespace=default", "--duration=24h").strip()


def _bind_reader(cluster: ControlPlane) -> None:
    groups = ["", "apps", "batch", DEFAULT_GROUP, reference_server.GROUP, adapter_server.GROUP]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": READER}}
    _apply(
        cluster,
        {
            **role,
            "kind": "ClusterRole",
            "rules": [{"apiGroups": groups, "resources": ["*"], "verbs": ["get", "list", "watch"]}],
        },
        {
            **role,
            "kind": "ClusterRoleBinding",
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": READER},
            "subjects": [
                {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": READER},
                {"kind": "ServiceAccount", "name": READER, "namespace": "default"},
            ],
        },
    )


def _apply(cluster: ControlPlane, *manifests: dict[str, Any]) -> None:
    document = {"apiVersion": "v1", "kind": "List", "items": manifests}
    cluster.kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=json.dumps(document))
