"""Lint on a real control plane: what nobody repairs there, and what is kept as it is by a policy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from tests.integration.serving import GROUP, eventually

pytestmark = pytest.mark.usefixtures("server")

FROZEN = "kubediscovery-test-frozen"
# The garbage collector would delete what is broken here, and controllers would adopt what is theirs.
POLICY = f"""
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {FROZEN}}}
spec:
  matchConstraints:
    resourceRules:
    - {{apiGroups: ["*"], apiVersions: ["*"], resources: ["*"], operations: [UPDATE, DELETE],
       scope: Namespaced}}
  validations:
  - expression: request.userInfo.username == 'kubernetes-admin'
    message: nothing changes here
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: {FROZEN}}}
spec:
  policyName: {FROZEN}
  validationActions: [Deny]
  matchResources:
    namespaceSelector: {{matchLabels: {{frozen: "yes"}}}}
"""
POD = {"containers": [{"name": "main", "image": "nginx:1"}]}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": POD}
SELECTING = {"replicas": 0, "selector": {"matchLabels": {"app": "web"}}}


def manifest(kind: str, name: str, *owners: dict[str, Any], **body: Any) -> dict[str, Any]:
    api_version = "v1" if kind == "Pod" else "apps/v1"
    metadata = {"name": name, "labels": body.pop("labels", {}), "ownerReferences": list(owners)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def deployment(name: str, *owners: dict[str, Any]) -> dict[str, Any]:
    selector = {"matchLabels": {"app": name}}
    template = {"metadata": {"labels": {"app": name}}, "spec": POD}
    return manifest("Deployment", name, *owners, spec={"replicas": 0, "selector": selector, "template": template})


def owner(name: str, uid: str, kind: str = "Deployment") -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid}


class Hands:
    """Who makes objects by hand in a namespace."""

    def __init__(self, cluster: ControlPlane, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def apply(self, *manifests: dict[str, Any]) -> None:
        content = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.cluster.kubectl("-n", self.namespace, "apply", "-f", "-", stdin=json.dumps(content))

    def uid(self, name: str, resource: str = "deployment") -> str:
        return self.cluster.kubectl("-n", self.namespace, "get", resource, name, "-o", "jsonpath={.metadata.uid}")

    def findings(self) -> set[tuple[str, str, str]]:
        report = json.loads(self.cluster.kubectl("get", "--raw", f"/apis/{GROUP}/v1/namespaces/{self.namespace}/lint"))
        return {(each["object"]["name"], each["rule"], each["severity"]) for each in report["items"]}


@pytest.fixture
def hands(cluster: ControlPlane, namespace: str) -> Hands:
    return Hands(cluster, namespace)


@pytest.fixture
def frozen(cluster: ControlPlane, hands: Hands) -> Iterator[Hands]:
    """A namespace in which nobody but the administrator changes or deletes anything."""
    cluster.kubectl("apply", "-f", "-", stdin=POLICY)
    cluster.kubectl("label", "namespace", hands.namespace, "frozen=yes")
    hands.apply(deployment("canary"))
    alice = ("--as=alice", "--as-group=system:masters", "--dry-run=server")

    def refused() -> bool:
        try:
            cluster.kubectl("-n", hands.namespace, "label", "deployment", "canary", "tried=yes", *alice)
        except KubectlError as error:
            return "nothing changes here" in str(error)
        return False

    try:
        eventually(refused, "the policy to hold", every=0.5)
        yield hands
    finally:
        cluster.kubectl("label", "namespace", hands.namespace, "frozen-")
        cluster.kubectl("delete", "-f", "-", stdin=POLICY)


def test_what_is_right_is_not_found(cluster: ControlPlane, hands: Hands) -> None:
    cluster.kubectl("-n", hands.namespace, "create", "deployment", "web", "--image=nginx:1", "--replicas=2")
    cluster.kubectl("-n", hands.namespace, "rollout", "status", "deployment/web", "--timeout=110s")
    # A pod may become known a moment before what owns it.
    eventually(lambda: hands.findings() == set(), "nothing to be wrong")
    assert cluster.kubectl("-n", hands.namespace, "get", "lint") == ""


def test_a_circle_is_left_alone_by_the_garbage_collector(cluster: ControlPlane, hands: Hands) -> None:
    hands.apply(deployment("a"), deployment("b"))
    hands.apply(deployment("a", owner("b", hands.uid("b"))), deployment("b", owner("a", hands.uid("a"))))
    expected = {(name, "OwnershipCycle", "Warning") for name in "ab"}
    eventually(lambda: hands.findings() == expected, "the circle")
    lines = cluster.kubectl("-n", hands.namespace, "get", "lint").splitlines()
    assert lines[0].split() == ["NAME", "SEVERITY", "RULE", "MESSAGE"]
    assert [line.split()[:3] for line in lines[1:]] == [
        [f"deployments.apps.{name}.ownershipcycle", "Warning", "OwnershipCycle"] for name in "ab"
    ]
    named = cluster.kubectl("-n", hands.namespace, "get", "lint", "-o", "name").split()
    assert named == [f"finding.{GROUP}/deployments.apps.{name}.ownershipcycle" for name in "ab"]
    actions = cluster.kubectl("-n", hands.namespace, "get", "lint", "-o", "jsonpath={.items[*].action}")
    assert "Remove one of the owner references" in actions


def test_owners_that_are_none_and_orphans(cluster: ControlPlane, frozen: Hands) -> None:
    frozen.apply(deployment("web"))
    there = Hands(cluster, "kube-system")
    there.apply(deployment(frozen.namespace))
    frozen.apply(
        deployment("lost", owner("gone", "11111111-2222-3333-4444-555555555555")),
        deployment("half-lost", owner("gone", "11111111-2222-3333-4444-555555555555"), owner("web", frozen.uid("web"))),
        deployment("renamed", owner("other", frozen.uid("web"))),
        deployment("far", owner(frozen.namespace, there.uid(frozen.namespace))),
        manifest("ReplicaSet", "set", labels={"app": "web"}, spec={**SELECTING, "template": TEMPLATE}),
        manifest("Pod", "stray", labels={"app": "web"}, spec=POD),
    )
    expected = {
        ("lost", "OwnerNotFound", "Error"),
        ("half-lost", "OwnerNotFound", "Warning"),
        ("renamed", "OwnerMismatch", "Error"),
        ("far", "OwnerInAnotherNamespace", "Error"),
        ("set", "Orphan", "Warning"),
        ("stray", "Orphan", "Warning"),
    }

    def found() -> bool:
        assert frozen.findings() == expected
        return True

    eventually(found, "every finding")
    cluster.kubectl("-n", "kube-system", "delete", "deployment", frozen.namespace)


def test_what_is_of_no_namespace_and_has_an_owner_in_one(cluster: ControlPlane, hands: Hands) -> None:
    hands.apply(deployment("web"))
    references = [owner("web", hands.uid("web"))]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": f"{hands.namespace}-role", "ownerReferences": references},
        "rules": [],
    }
    cluster.kubectl("apply", "-f", "-", stdin=json.dumps(role))

    def found() -> bool:
        report = json.loads(cluster.kubectl("get", "--raw", f"/apis/{GROUP}/v1/lint"))
        rules = {each["object"]["name"]: each["rule"] for each in report["items"]}
        return rules.get(f"{hands.namespace}-role") == "NamespacedOwner"

    eventually(found, "the finding among those of all namespaces")
    cluster.kubectl("delete", "clusterrole", f"{hands.namespace}-role")


def test_findings_are_of_what_somebody_may_list(cluster: ControlPlane, hands: Hands) -> None:
    kubectl, name = cluster.kubectl, hands.namespace
    hands.apply(deployment("a"))
    hands.apply(deployment("a", owner("a", hands.uid("a"))))
    eventually(lambda: hands.findings() == {("a", "OwnershipCycle", "Warning")}, "who owns himself")
    alice = (f"--as={name}", "-n", name, "get", "lint", "-o", "name")
    with pytest.raises(KubectlError, match="cannot list resource"):
        kubectl(*alice)
    kubectl("-n", name, "create", "role", "linter", "--verb=list", f"--resource=lint.{GROUP}")
    kubectl("-n", name, "create", "rolebinding", "linter", "--role=linter", f"--user={name}")
    eventually(lambda: kubectl(*alice) == "", "the right to nothing")
    kubectl("-n", name, "create", "rolebinding", "viewer", "--clusterrole=view", f"--user={name}")
    eventually(lambda: "deployments.apps.a.ownershipcycle" in kubectl(*alice), "the right to see")


def test_lint_is_explained(cluster: ControlPlane) -> None:
    eventually(
        lambda: "severity" in cluster.kubectl("explain", "lint", "--api-version", f"{GROUP}/v1"), "the description"
    )
