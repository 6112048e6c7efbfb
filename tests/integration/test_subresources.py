"""Connections, podmetrics, explain and man of what real controllers made, through a real kube-apiserver."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from tests.integration.metering import metering
from tests.integration.serving import API, compositions, eventually

pytestmark = pytest.mark.usefixtures("server")

DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": "moodles.docs.example.org",
        "annotations": {"resource/usage": "default.moodle-usage.text", "resource/composition": "Deployment, Service"},
    },
    "spec": {
        "group": "docs.example.org",
        "scope": "Namespaced",
        "names": {"plural": "moodles", "singular": "moodle", "kind": "Moodle", "listKind": "MoodleList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "description": "A place to learn.",
                        "required": ["spec"],
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {"plugins": {"type": "array", "items": {"type": "string"}}},
                            }
                        },
                    }
                },
            }
        ],
    },
}


@pytest.fixture
def deployed(cluster: ControlPlane, namespace: str) -> str:
    cluster.kubectl("-n", namespace, "create", "deployment", "web", "--image=nginx:1", "--replicas=2")
    cluster.kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=60s")
    root = f"namespaces/{namespace}/deployments/web/compositions"
    eventually(lambda: compositions(cluster, root)["status"]["pods"]["ready"] == 2, "the pods")
    return namespace


def ask(cluster: ControlPlane, path: str, **options: Any) -> Any:
    return json.loads(cluster.kubectl("get", "--raw", f"{API}/{path}", **options))


def test_all_edges_of_an_object(cluster: ControlPlane, deployed: str) -> None:
    pod = cluster.kubectl("-n", deployed, "get", "pods", "-o", "jsonpath={.items[0].metadata.name}")
    found = ask(cluster, f"namespaces/{deployed}/pods/{pod}/connections")
    edges = {(edge["relation"], edge["from"]["kind"], edge["to"]["kind"]) for edge in found["edges"]}
    assert edges >= {
        ("owner", "ReplicaSet", "Pod"),
        ("node", "Pod", "Node"),
        ("serviceAccount", "Pod", "ServiceAccount"),
        ("configMap", "Pod", "ConfigMap"),
    }
    assert all(edge["rule"] and edge["by"] for edge in found["edges"])
    printed = cluster.kubectl(
        "-n", deployed, "get", "deployments.v1.kubediscovery.cloudark.io", "web", "--subresource=connections"
    )
    assert printed.split()[:3] == ["NAME", "CONNECTIONS", "RELATIONS"]
    assert printed.split()[4:7] == ["web", "1", "owner"]


def test_figures_are_said_to_be_absent_and_summed_where_they_are(
    cluster: ControlPlane, deployed: str, tmp_path: Path
) -> None:
    path = f"namespaces/{deployed}/deployments/web/podmetrics"
    absent = ask(cluster, path)
    assert (absent["root"]["pods"], absent["root"]["measured"], "cpu" in absent["root"]) == (2, 0, False)
    assert [(each["reason"], each["group"]) for each in absent["omitted"]] == [("NotFound", "metrics.k8s.io")]
    pods = cluster.kubectl("-n", deployed, "get", "pods", "-o", "jsonpath={.items[*].metadata.name}").split()
    with metering(cluster, tmp_path, {deployed: pods}):
        eventually(lambda: ask(cluster, path)["root"]["measured"] == 2, "the figures")
        root = ask(cluster, path)["root"]
        assert (root["cpu"], root["memory"]) == ("50m", "80Mi")
        assert [each["cpu"] for each in root["children"][0]["children"]] == ["25m", "25m"]
        viewer = cluster.kubeconfig_for("figures-viewer")
        kubectl = cluster.kubectl
        kubectl("-n", deployed, "create", "rolebinding", "figures", "--clusterrole=view", "--user=figures-viewer")
        eventually(lambda: ask(cluster, path, kubeconfig=viewer)["root"]["pods"] == 2, "the right to see pods")
        hidden = ask(cluster, path, kubeconfig=viewer)
        assert ("cpu" in hidden["root"], [each["reason"] for each in hidden["omitted"]]) == (False, ["Forbidden"])


def test_a_kind_is_explained_from_the_cluster_s_own_schema(cluster: ControlPlane, deployed: str) -> None:
    found = ask(cluster, "deployments/*/explain?field=spec.strategy")
    assert (found["explains"], found["type"]) == ("apps/v1 Deployment", "DeploymentStrategy")
    assert [(field["path"], field["type"]) for field in found["fields"]] == [
        ("spec.strategy.rollingUpdate", "RollingUpdateDeployment"),
        ("spec.strategy.type", "string"),
    ]
    assert "replicasets.apps" in found["compositions"]["owns"]
    assert "missing" not in found
    pods = ask(cluster, "pods/*/explain?field=spec.containers&depth=3")
    assert {"spec.containers.image", "spec.containers.env.valueFrom.configMapKeyRef"} <= {
        field["path"] for field in pods["fields"]
    }
    with pytest.raises(KubectlError, match=r'Deployment.spec has no field \\?"nothing'):
        ask(cluster, "deployments/*/explain?field=spec.nothing")


def test_what_an_author_wrote_is_told_to_who_may_read_it(cluster: ControlPlane, namespace: str) -> None:
    kubectl = cluster.kubectl
    kubectl("-n", "default", "create", "configmap", "moodle-usage", "--from-literal=text=Give it plugins.")
    kubectl("apply", "-f", "-", stdin=json.dumps(DEFINITION))
    try:
        path = f"{API}/moodles.docs.example.org/*/man"

        def is_told() -> bool:
            page = kubectl("get", "--raw", path)
            return "plugins <[]string>" in page and "Give it plugins." in page and "A place to learn." in page

        eventually(is_told, "the page")
        assert "is composed of Deployment, Service, as its author says" in kubectl("get", "--raw", path)
        kubectl("-n", namespace, "create", "rolebinding", "reader", "--clusterrole=view", "--user=page-reader")
        reader = cluster.kubeconfig_for("page-reader")
        mine = f"namespaces/{namespace}/moodles.docs.example.org/*/explain"
        eventually(lambda: ask(cluster, mine, kubeconfig=reader)["fields"], "what a reader may see")
        found = ask(cluster, mine, kubeconfig=reader)
        assert ("usage" in found, "you may not get" in found["missing"][0]) == (False, True)
    finally:
        kubectl("delete", "crd", "moodles.docs.example.org", "--wait=false")
        kubectl("-n", "default", "delete", "configmap", "moodle-usage")
