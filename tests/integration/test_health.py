"""Health of what real controllers make and report, through a real kube-apiserver."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

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

    eventually(lambda: said("Progressing"), "the scheduler to find no node")
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
