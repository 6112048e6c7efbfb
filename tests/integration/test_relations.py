"""Relations, directions and less of a tree, of what real controllers made, through a real kube-apiserver."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from tests.integration.serving import compositions, eventually

pytestmark = pytest.mark.usefixtures("server")

LABELS = {"app": "web"}
POD_SPEC = {
    "serviceAccountName": "default",
    "containers": [{"name": "app", "image": "app:1", "envFrom": [{"configMapRef": {"name": "settings"}}]}],
    "volumes": [{"name": "keys", "secret": {"secretName": "keys"}}],
}


def made(api_version: str, kind: str, name: str, **content: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "labels": LABELS}, **content}


def application() -> list[dict[str, Any]]:
    """A Deployment and a StatefulSet with all that may stand around them."""
    selector, template = {"matchLabels": LABELS}, {"metadata": {"labels": LABELS}, "spec": POD_SPEC}
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    claims = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    stateful = {"matchLabels": {"app": "db"}}
    return [
        made("v1", "ConfigMap", "settings", data={"a": "b"}),
        made("v1", "Secret", "keys", stringData={"a": "b"}),
        made("v1", "Service", "web", spec={"selector": LABELS, "ports": [{"port": 80}]}),
        made("apps/v1", "Deployment", "web", spec={"replicas": 2, "selector": selector, "template": template}),
        made("networking.k8s.io/v1", "Ingress", "web", spec={"rules": [{"http": {"paths": [path]}}]}),
        made("networking.k8s.io/v1", "NetworkPolicy", "web", spec={"podSelector": selector}),
        made("policy/v1", "PodDisruptionBudget", "web", spec={"minAvailable": 1, "selector": selector}),
        made(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "web",
            spec={
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                "minReplicas": 2,
                "maxReplicas": 2,
            },
        ),
        made(
            "apps/v1",
            "StatefulSet",
            "db",
            spec={
                "serviceName": "db",
                "selector": stateful,
                "template": {
                    "metadata": {"labels": {"app": "db"}},
                    "spec": {"containers": [{"name": "db", "image": "db:1"}]},
                },
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claims}],
            },
        ),
    ]


class Bench:
    """One namespace of the cluster."""

    def __init__(self, cluster: ControlPlane, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *arguments, stdin=stdin)

    def root(self, path: str, query: str) -> dict[str, Any]:
        target = f"namespaces/{self.namespace}/{path}/compositions?{query}"
        found: dict[str, Any] = compositions(self.cluster, target)["root"]
        return found

    def edges(self, path: str, query: str) -> set[tuple[str, str, bool]]:
        """Relation, kind and direction of all that hangs in a tree by relations."""
        return {
            (node["relation"], node["kind"], node.get("incoming", False))
            for node in every(self.root(path, query))
            if "relation" in node
        }


def every(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for other in (*node.get("children", ()), *node.get("related", ())):
        yield from every(other)


def kinds(node: dict[str, Any]) -> list[str]:
    return [found["kind"] for found in every(node)]


@pytest.fixture
def bench(cluster: ControlPlane, namespace: str) -> Bench:
    bench = Bench(cluster, namespace)
    bench.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": application()}))
    return bench


AROUND_A_DEPLOYMENT = {
    ("scale", "HorizontalPodAutoscaler", True),
    ("configMap", "ConfigMap", False),
    ("serviceAccount", "ServiceAccount", False),
    ("node", "Node", False),
    ("disruption", "PodDisruptionBudget", True),
    ("networkPolicy", "NetworkPolicy", True),
    ("endpoints", "EndpointSlice", True),
    ("endpoints", "Service", True),
    ("ingress", "Ingress", True),
}


def test_all_relations_of_an_application(bench: Bench) -> None:
    eventually(
        lambda: bench.edges("deployments/web", "relations=all") >= AROUND_A_DEPLOYMENT, "what stands around the pods"
    )
    eventually(lambda: kinds(bench.root("deployments/web", "relations=all")).count("Pod") == 2, "both pods")
    assert not {"related", "events"} & bench.root("deployments/web", "relations=none").keys()
    assert bench.edges("deployments/web", "relations=scale") == {("scale", "HorizontalPodAutoscaler", True)}
    served = {("endpoints", "EndpointSlice", False), ("endpoints", "Pod", False)}
    eventually(lambda: bench.edges("services/web", "relations=endpoints") == served, "what stands behind the Service")

    def claims() -> list[tuple[str, str]]:
        found = bench.root("statefulsets/db", "relations=claimTemplate")["related"]
        return [(node["relation"], node["name"]) for node in found]

    eventually(lambda: claims() == [("claimTemplate", "data-db-0")], "the claim of the first pod")


def test_who_uses_and_who_owns(bench: Bench) -> None:
    def used() -> list[str]:
        return kinds(bench.root("configmaps/settings", "direction=users"))

    users = ["ConfigMap", "Pod", "ReplicaSet", "Deployment", "Pod", "ReplicaSet"]
    eventually(lambda: used() == users, "the users of a ConfigMap")
    pods = bench.kubectl("get", "pods", "--selector=app=web", "--output=name").split()
    owners = bench.root(pods[0].replace("pod/", "pods/"), "direction=owners")
    assert kinds(owners) == ["Pod", "ReplicaSet", "Deployment"]
    assert kinds(bench.root("deployments/web", "direction=owners")) == ["Deployment"]


def test_what_a_pod_uses_to_the_end(bench: Bench) -> None:
    """What a pod's account may do, and what its volume is stored by, are two steps and more away from it."""
    driver = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "uses"}}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "uses",
        "volumeName": "uses",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    bound = {"name": "disk", "namespace": bench.namespace}
    volume = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "uses",
        "capacity": {"storage": "1Gi"},
        "hostPath": {"path": "/disk"},
        "claimRef": bound,
    }
    pod = {
        "containers": [{"name": "app", "image": "app:1"}],
        "volumes": [{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}],
    }
    objects = [
        {**driver, "provisioner": "disks.example.org"},
        made("v1", "PersistentVolume", "uses", spec=volume),
        made("v1", "PersistentVolumeClaim", "disk", spec=claim),
        made("v1", "Pod", "user", spec=pod),
    ]
    bench.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    bench.kubectl("create", "role", "reader", "--verb=get", "--resource=pods")
    account = f"--serviceaccount={bench.namespace}:default"
    bench.kubectl("create", "rolebinding", "readers", "--role=reader", account)

    def used() -> set[tuple[str, str]]:
        found = every(bench.root("pods/user", "direction=uses"))
        return {(node["relation"], node["kind"]) for node in found if "relation" in node}

    wanted = {
        ("claim", "PersistentVolumeClaim"),
        ("volume", "PersistentVolume"),
        ("storageClass", "StorageClass"),
        ("serviceAccount", "ServiceAccount"),
        ("subject", "RoleBinding"),
        ("role", "Role"),
    }
    eventually(lambda: used() >= wanted, "all that the pod uses")
    kept = bench.root("pods/user", "direction=uses&relations=claim,volume,storageClass")
    assert kinds(kept) == [
        "Pod", "PersistentVolumeClaim", "StorageClass", "PersistentVolume", "StorageClass",
    ]  # fmt: skip
    viewer = bench.cluster.kubeconfig_for("uses-viewer")
    bench.kubectl("create", "rolebinding", "uses-viewer", "--clusterrole=view", "--user=uses-viewer")
    path = f"namespaces/{bench.namespace}/pods/user/compositions?direction=uses"
    shown: set[str] = set()

    def is_shown() -> bool:
        shown.update(kinds(compositions(bench.cluster, path, kubeconfig=viewer)["root"]))
        return "PersistentVolumeClaim" in shown

    eventually(is_shown, "what a viewer may see")
    # Its token comes with the ConfigMap kube-root-ca.crt.
    assert shown == {"Pod", "PersistentVolumeClaim", "ServiceAccount", "ConfigMap"}


def test_an_owner_that_does_not_exist_is_missing(bench: Bench) -> None:
    child = made("v1", "ConfigMap", "child")
    # What is being deleted is left alone by the garbage collector.
    child["metadata"] |= {
        "finalizers": ["example.org/wait"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "Service", "name": "gone", "uid": "no-such-uid"}],
    }
    bench.kubectl("apply", "-f", "-", stdin=json.dumps(child))

    def is_said() -> bool:
        (owner,) = bench.root("configmaps/child", "direction=owners")["children"]
        return [owner["name"], owner["health"], owner["reason"]] == ["gone", "Missing", "OwnerNotFound"]

    try:
        eventually(is_said, "what is said of the owner")
    finally:
        bench.kubectl("patch", "configmap/child", "--type=merge", '--patch={"metadata":{"finalizers":null}}')


def test_less_of_a_tree(bench: Bench) -> None:
    eventually(lambda: kinds(bench.root("deployments/web", "")).count("Pod") == 2, "the pods")
    assert kinds(bench.root("deployments/web", "depth=1")) == ["Deployment", "ReplicaSet"]
    assert kinds(bench.root("deployments/web", "kinds=Pod")) == ["Deployment", "ReplicaSet", "Pod", "Pod"]
    assert kinds(bench.root("deployments/web", "kinds=!pods")) == ["Deployment", "ReplicaSet"]
    assert kinds(bench.root("deployments/web", "direction=collected")) == ["Deployment", "ReplicaSet", "Pod", "Pod"]
    bench.kubectl("set", "image", "deployment/web", "app=app:2")
    bench.kubectl("rollout", "status", "deployment/web", "--timeout=110s")

    def is_tidy() -> bool:
        both = kinds(bench.root("deployments/web", ""))
        left = kinds(bench.root("deployments/web", "hideInactive=true"))
        return both.count("ReplicaSet") == 2 and left == ["Deployment", "ReplicaSet", "Pod", "Pod"]

    eventually(is_tidy, "the old ReplicaSet to be hidden")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("relations=secrets", 'relations: "secrets" is not known; accepted are all, none, aggregation'),
        ("direction=up", 'direction: "up" is not known; accepted are children, owners, users, uses, collected'),
        ("depth=0", "depth must be a whole number from 1 to 64"),
        ("kinds=[a]", r'kinds: "\[a\]" is not understood'),
    ],
)
def test_what_cannot_be_drawn_is_named(cluster: ControlPlane, query: str, said: str) -> None:
    with pytest.raises(KubectlError, match=said):
        compositions(cluster, f"namespaces/default/deployments/web/compositions?{query}")
