"""Health of what real controllers make and report, through a real kube-apiserver."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from kubediscovery.testing.components import MANUAL_STATUS
from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import compositions, eventually

pytestmark = pytest.mark.usefixtures("server")


def create(cluster: ControlPlane, namespace: str, manifest: dict[str, Any]) -> None:
    cluster.kubectl("create", "--namespace", namespace, "-f", "-", stdin=json.dumps(manifest))


def root(cluster: ControlPlane, namespace: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = compositions(cluster, f"namespaces/{namespace}/{path}/compositions")["root"]
    return found


def test_a_pod_that_finds_no_node_is_degraded_after_15_seconds(cluster: ControlPlane, namespace: str) -> None:
    spec = {"nodeSelector": {"no": "where"}, "containers": [{"name": "app", "image": "app:1"}]}
    began = time.monotonic()
    create(cluster, namespace, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stray"}, "spec": spec})

    def said(health: str) -> bool:
        found = root(cluster, namespace, "pods/stray")
        return (found["health"], found.get("reason")) == (health, "Unschedulable")

    eventually(lambda: said("Progressing") or said("Degraded"), "the scheduler to find no node")
    eventually(lambda: said("Degraded"), "the pod to be overdue")
    # The creation's time is of a whole second.
    assert time.monotonic() - began > 13


def test_a_deployment_and_all_it_owns_become_healthy(cluster: ControlPlane, namespace: str) -> None:
    cluster.kubectl("create", "deployment", "web", "--image=app:1", "--replicas=2", "--namespace", namespace)

    def is_healthy() -> bool:
        found = compositions(cluster, f"namespaces/{namespace}/deployments/web/compositions")
        return bool(found["status"]["health"] == "Healthy")

    eventually(is_healthy, "the Deployment to be healthy")
    assert root(cluster, namespace, "deployments/web")["reason"] == "NewReplicaSetAvailable"
    cluster.kubectl("rollout", "pause", "deployment/web", "--namespace", namespace)
    eventually(
        lambda: root(cluster, namespace, "deployments/web")["health"] == "Suspended", "the Deployment to be suspended"
    )


def test_a_suspended_job_and_what_becomes_of_it(cluster: ControlPlane, namespace: str) -> None:
    pods = {"spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "app:1"}]}}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once"},
        "spec": {"suspend": True, "template": pods},
    }
    create(cluster, namespace, job)
    eventually(lambda: root(cluster, namespace, "jobs/once")["health"] == "Suspended", "the Job to be suspended")
    cluster.kubectl("patch", "job", "once", "--namespace", namespace, '--patch={"spec": {"suspend": false}}')
    eventually(lambda: root(cluster, namespace, "jobs/once")["health"] == "Healthy", "the Job to be complete")


def test_sidecars_and_what_runs_are_as_kubectl_has_them(cluster: ControlPlane, namespace: str) -> None:
    sidecar = {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"}
    spec = {"initContainers": [sidecar], "containers": [{"name": "app", "image": "app:1"}]}
    metadata = {"name": "pair", "labels": dict([MANUAL_STATUS])}
    create(cluster, namespace, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
    containers = {
        name: {"name": name, "image": f"{name}:1", "imageID": f"example.org/{name}@sha256:{name}", "ready": True}
        | {"restartCount": restarts, "started": True, "state": running}
        for name, restarts in (("proxy", 2), ("app", 3))
    }
    status = {
        "phase": "Running",
        "conditions": [{"type": name, "status": "True"} for name in ("Initialized", "Ready")],
        "initContainerStatuses": [containers["proxy"]],
        "containerStatuses": [containers["app"]],
    }
    patch = json.dumps({"status": status})
    cluster.kubectl("patch", "pod", "pair", "--subresource=status", f"--patch={patch}", "--namespace", namespace)
    printed = cluster.kubectl("get", "pod", "pair", "--no-headers", "--namespace", namespace).split()

    def is_the_same() -> bool:
        found = root(cluster, namespace, "pods/pair")
        assert found["info"].get("imageIDs") == ["example.org/app@sha256:app"]
        return [found["ready"], str(found["info"]["restarts"])] == [printed[1], printed[3]] == ["2/2", "5"]

    eventually(is_the_same, "the pod as kubectl prints it")
