"""Trees that real controllers make, asked for with real kubectl through a real kube-apiserver."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import GROUP, Server, compositions, eventually, names, walk

pytestmark = pytest.mark.usefixtures("server")


def tree(cluster: ControlPlane, namespace: str, name: str = "web", resource: str = "deployments") -> Any:
    return compositions(cluster, f"namespaces/{namespace}/{resource}/{name}/compositions")


def roll_out(cluster: ControlPlane, namespace: str, replicas: int = 5) -> None:
    cluster.kubectl("-n", namespace, "create", "deployment", "web", "--image=nginx:1", f"--replicas={replicas}")
    cluster.kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=110s")


def test_a_deployment_is_made_of_its_replica_set_and_pods(cluster: ControlPlane, namespace: str) -> None:
    roll_out(cluster, namespace)

    def ready() -> bool:
        (found,) = compositions(cluster, f"namespaces/{namespace}/deployments/*/compositions")["items"]
        return bool(found["root"]["ready"] == "5/5" and found["status"]["pods"] == {"total": 5, "ready": 5})

    eventually(ready, "5/5 after the rollout")
    found = tree(cluster, namespace)
    (replica_set,) = found["root"]["children"]
    assert (found["root"]["kind"], replica_set["kind"]) == ("Deployment", "ReplicaSet")
    assert [pod["kind"] for pod in replica_set["children"]] == ["Pod"] * 5
    assert (found["status"]["health"], found["status"]["pods"]) == ("Healthy", {"total": 5, "ready": 5})
    listed = json.loads(cluster.kubectl("-n", namespace, "get", "deployments,replicasets,pods", "-o", "json"))
    assert {node["uid"] for node in walk(found["root"])} == {item["metadata"]["uid"] for item in listed["items"]}
    assert {pod["info"]["node"] for pod in replica_set["children"]} <= {"node-1", "node-2"}
    assert all(pod["controller"] and pod["info"]["images"] == ["nginx:1"] for pod in replica_set["children"])


def test_a_rollout_scale_pause_and_rollback_are_followed(cluster: ControlPlane, namespace: str) -> None:
    kubectl = cluster.kubectl
    roll_out(cluster, namespace, replicas=2)
    kubectl("-n", namespace, "set", "image", "deployment/web", "nginx=nginx:2")
    kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=110s")

    def revisions() -> list[tuple[str, str, str]]:
        children = tree(cluster, namespace)["root"]["children"]
        return sorted((node["info"]["revision"], node["info"]["images"][0], node["ready"]) for node in children)

    eventually(lambda: revisions() == [("1", "nginx:1", "0/0"), ("2", "nginx:2", "2/2")], "two ReplicaSets")
    assert tree(cluster, namespace)["root"]["info"]["revision"] == "2"

    kubectl("-n", namespace, "scale", "deployment/web", "--replicas=4")
    eventually(lambda: tree(cluster, namespace)["status"].get("pods") == {"total": 4, "ready": 4}, "four pods")
    kubectl("-n", namespace, "rollout", "pause", "deployment/web")
    eventually(lambda: tree(cluster, namespace)["status"]["health"] == "Suspended", "the pause")
    kubectl("-n", namespace, "rollout", "resume", "deployment/web")
    eventually(lambda: tree(cluster, namespace)["status"]["health"] == "Healthy", "the rollout to go on")
    kubectl("-n", namespace, "rollout", "undo", "deployment/web")
    expected = [("2", "nginx:2", "0/0"), ("3", "nginx:1", "4/4")]
    eventually(lambda: revisions() == expected, "the rollback as revision 3")


def test_deleted_means_gone(cluster: ControlPlane, namespace: str) -> None:
    roll_out(cluster, namespace, replicas=2)
    cluster.kubectl("-n", namespace, "delete", "deployment", "web", "--cascade=foreground", "--wait")

    def gone() -> bool:
        answer = cluster.get(f"/apis/{GROUP}/v1/namespaces/{namespace}/deployments/web/compositions")
        is_gone = 'deployments.apps \\"web\\" not found' in answer.body.decode()
        return is_gone and not compositions(cluster, f"namespaces/{namespace}/compositions")["items"]

    eventually(gone, "the tree to be gone")


def test_orphans_become_roots(cluster: ControlPlane, namespace: str) -> None:
    roll_out(cluster, namespace, replicas=2)
    cluster.kubectl("-n", namespace, "delete", "deployment", "web", "--cascade=orphan", "--wait")

    def roots() -> list[tuple[str, int]]:
        items = compositions(cluster, f"namespaces/{namespace}/compositions")["items"]
        return [(item["root"]["kind"], len(names(item["root"], "Pod"))) for item in items]

    eventually(lambda: roots() == [("ReplicaSet", 2)], "the ReplicaSet to be a root with its pods")


def test_an_object_recreated_under_the_same_name_does_not_inherit(cluster: ControlPlane, namespace: str) -> None:
    roll_out(cluster, namespace, replicas=2)
    before = tree(cluster, namespace)["metadata"]["uid"]
    cluster.kubectl("-n", namespace, "delete", "deployment", "web", "--cascade=orphan", "--wait")
    cluster.kubectl("-n", namespace, "create", "deployment", "web", "--image=nginx:9", "--replicas=0")

    def fresh() -> bool:
        found = tree(cluster, namespace)
        return bool(found["metadata"]["uid"] != before and not names(found["root"], "Pod"))

    eventually(fresh, "the new Deployment without the old one's pods")


STATEFUL = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "postgres:17"}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: "agent:1"}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: report}
spec:
  schedule: "0 0 1 1 *"
  jobTemplate:
    spec:
      template:
        spec: {restartPolicy: Never, containers: [{name: report, image: "report:1"}]}
"""


def test_all_workload_kinds_have_their_trees(cluster: ControlPlane, namespace: str) -> None:
    kubectl = cluster.kubectl
    kubectl("-n", namespace, "apply", "-f", "-", stdin=STATEFUL)
    kubectl("-n", namespace, "create", "job", "--from=cronjob/report", "report-now")
    kubectl("-n", namespace, "run", "alone", "--image=alone:1")

    def shapes() -> dict[str, tuple[str, dict[str, int]]]:
        items = compositions(cluster, f"namespaces/{namespace}/compositions")["items"]
        found = {}
        for item in items:
            kinds = [node["kind"] for node in walk(item["root"])][1:]
            found[item["metadata"]["name"]] = (item["status"]["health"], {kind: kinds.count(kind) for kind in kinds})
        return found

    expected = {
        "statefulsets.apps.db": ("Healthy", {"ControllerRevision": 1, "Pod": 2}),
        "daemonsets.apps.agent": ("Healthy", {"ControllerRevision": 1, "Pod": 2}),
        "cronjobs.batch.report": ("Healthy", {"Job": 1, "Pod": 1}),
        "pods.alone": ("Healthy", {}),
    }
    eventually(lambda: shapes() == expected, "the four trees")


def test_kubectl_prints_and_explains_what_there_is(cluster: ControlPlane, namespace: str, server: Server) -> None:
    kubectl = cluster.kubectl
    roll_out(cluster, namespace, replicas=1)

    def is_printed() -> bool:
        everywhere = kubectl("get", "comp", "-A")
        assert everywhere.splitlines()[0].split() == ["NAMESPACE", "NAME", "READY", "HEALTH", "PODS", "AGE"]
        (line,) = [line for line in everywhere.splitlines() if line.startswith(namespace + " ")]
        return line.split()[1:5] == ["deployments.apps.web", "1/1", "Healthy", "1/1"]

    eventually(is_printed, "the Deployment with its pod")
    wide = kubectl("-n", namespace, "get", "comp", "-o", "wide", "-l", "app=web")
    assert wide.splitlines()[0].split()[-3:] == ["REVISION", "REASON", "IMAGES"]
    assert "nginx:1" in wide
    assert "No resources found" in kubectl("-n", namespace, "get", "comp", "-l", "app=other", check=False)
    subresource = kubectl("-n", namespace, "get", f"deployments.v1.{GROUP}", "*", "--subresource=compositions")
    assert "deployments.apps.web" in subresource
    yaml = kubectl("-n", namespace, "get", "comp", "deployments.apps.web", "-o", "yaml")
    assert "kind: Composition\n" in yaml
    assert kubectl("-n", namespace, "get", "comp", "-o", "name").strip() == f"composition.{GROUP}/deployments.apps.web"
    jsonpath = kubectl("-n", namespace, "get", "comp", "deployments.apps.web", "-o", "jsonpath={.status.health}")
    assert jsonpath == "Healthy"
    degraded = kubectl("-n", namespace, "get", "comp", "--field-selector=status.health=Degraded", check=False)
    assert "No resources found" in degraded
    assert kubectl("auth", "can-i", "get", f"deployments.{GROUP}", "--subresource=compositions").strip() == "yes"
    resources = kubectl("api-resources", f"--api-group={GROUP}").splitlines()
    assert [line.split() for line in resources[1:]] == [
        ["compositions", "comp", f"{GROUP}/v1", "true", "Composition"],
        ["lint", f"{GROUP}/v1", "true", "Finding"],
    ]


def test_kubectl_get_deployments_still_means_apps(cluster: ControlPlane, namespace: str) -> None:
    roll_out(cluster, namespace, replicas=1)
    assert (
        json.loads(cluster.kubectl("-n", namespace, "get", "deployments", "-o", "json"))["items"][0]["apiVersion"]
        == "apps/v1"
    )


@pytest.mark.parametrize(
    ("path", "code", "says"),
    [
        ("namespaces/default/flowers/*/compositions", "NotFound", "flowers/compositions"),
        ("namespaces/default/leases/x/compositions", "NotFound", "leases/compositions"),
        ("namespaces/default/deployments/absent/compositions", "NotFound", 'deployments.apps "absent" not found'),
        ("namespaces/default/deployments/web/scale", "NotFound", "deployments/scale"),
        ("namespaces/default/compositions?fieldSelector=spec.x=1", "BadRequest", "metadata.name"),
        ("namespaces/default/compositions?fieldSelector=status.health=Fine", "BadRequest", "Degraded"),
        ("namespaces/default/compositions?labelSelector=a%20b", "BadRequest", "key notin"),
        ("namespaces/default/compositions?limit=many", "BadRequest", "limit"),
    ],
)
def test_what_cannot_be_answered_is_named(cluster: ControlPlane, path: str, code: str, says: str) -> None:
    answer = cluster.get(f"/apis/{GROUP}/v1/{path}")
    status = answer.json()
    assert (status["kind"], status["reason"]) == ("Status", code)
    assert says in status["message"]
    assert status["code"] == answer.status
