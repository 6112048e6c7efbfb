"""Outputs beside the tree, through a real kube-apiserver with real kubectl."""

from __future__ import annotations

import json

import pytest

from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from tests.integration.serving import GROUP, eventually

pytestmark = pytest.mark.usefixtures("server")


def drawn(cluster: ControlPlane, namespace: str, output: str, name: str = "web") -> str:
    path = f"/apis/{GROUP}/v1/namespaces/{namespace}/deployments/{name}/compositions?output={output}"
    return cluster.kubectl("get", "--raw", path)


@pytest.fixture
def deployed(cluster: ControlPlane, namespace: str) -> str:
    cluster.kubectl("-n", namespace, "create", "deployment", "web", "--image=nginx:1", "--replicas=2")
    cluster.kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=110s")
    eventually(lambda: "Deployment/web" in drawn(cluster, namespace, "text"), "the deployment")
    eventually(lambda: drawn(cluster, namespace, "text").count("Healthy") == 4, "all that it owns to be right")
    return namespace


@pytest.mark.parametrize("name", ["web", "*"])
def test_kubectl_prints_every_output(cluster: ControlPlane, deployed: str, name: str) -> None:
    lines = drawn(cluster, deployed, "text", name).splitlines()
    assert [line.split()[0] for line in lines] == ["NAMESPACE", *[deployed] * 4]
    assert [line.count("Pod/web-") for line in lines] == [0, 0, 0, 1, 1]
    assert drawn(cluster, deployed, "dot", name).count(" -> ") == 3
    assert drawn(cluster, deployed, "mermaid", name).count(" --> ") == 3
    sections = [block.splitlines() for block in drawn(cluster, deployed, "split", name).split("\n\n")]
    assert [(rows[1].split()[1].partition("/")[0], len(rows)) for rows in sections] == [
        ("deployment.apps", 2),
        ("pod", 3),
        ("replicaset.apps", 2),
    ]
    assert sections[1][0].split() == [
        "NAMESPACE",
        "NAME",
        "READY",
        "HEALTH",
        "REASON",
        "RESTARTS",
        "NODE",
        "IMAGES",
        "AGE",
    ]
    nodes = json.loads(drawn(cluster, deployed, "nodes", name))
    assert [node["kind"] for node in nodes["nodes"]] == ["Deployment", "ReplicaSet", "Pod", "Pod"]


@pytest.mark.parametrize("name", ["web", "*"])
def test_scripts_for_the_first_kubediscovery_go_on(cluster: ControlPlane, deployed: str, name: str) -> None:
    (deployment,) = json.loads(drawn(cluster, deployed, "kubediscovery", name))
    (replica_set,) = deployment["Children"]
    assert list(deployment) == ["Level", "Kind", "Name", "Namespace", "Status", "Children"]
    assert [deployment[key] for key in ("Level", "Kind", "Name", "Status")] == [1, "deployment", "web", "Ready"]
    assert [replica_set[key] for key in ("Level", "Kind", "Status")] == [2, "ReplicaSet", "Ready"]
    assert [(pod["Kind"], pod["Status"], pod["Children"]) for pod in replica_set["Children"]] == [
        ("Pod", "Running", [])
    ] * 2


def test_an_output_that_is_none_is_refused(cluster: ControlPlane, deployed: str) -> None:
    with pytest.raises(
        KubectlError, match="output must be one of tree, nodes, dot, mermaid, text, split, kubediscovery"
    ):
        drawn(cluster, deployed, "png")
