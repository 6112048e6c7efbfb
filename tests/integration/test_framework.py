"""An app of two groups behind a real kube-apiserver, asked with real kubectl."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from tests.integration.serving import API_SERVICE, COMMAND, Server, eventually
from tests.integration.watching import Watching

NAMESPACE = "framework"
APP = "tests.integration.framework_app"
IMAGES, ACTIONS = "/apis/images.example.org/v1", "/apis/actions.example.org/v1alpha1"
WEB = f"namespaces/{NAMESPACE}/deployments/web"
AT = "2026-01-01T00:00:00Z"
ROLES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: framework-test-reader}
rules:
- {apiGroups: [images.example.org], resources: ["*/images", "*/broken"], verbs: [get, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: framework-test-operator}
rules:
- {apiGroups: [actions.example.org], resources: ["deployments/restart"], verbs: [create]}
- {apiGroups: [actions.example.org], resources: ["deployments/pace"], verbs: [get, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: framework-test-server}
rules:
- {apiGroups: [apps], resources: [deployments], verbs: [get, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: framework-test-server}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: framework-test-server}
subjects: [{kind: ServiceAccount, name: kubediscovery, namespace: kubediscovery}]
"""


class AppServer(Server):
    """A server that serves the app too, whose installation knows nothing of it."""

    def start(self) -> None:
        self._flags = ("--app", f"{APP}:images", "--app", f"{APP}:actions")
        super().start()


def api_service(own: dict[str, Any], group: str, version: str) -> dict[str, Any]:
    """One that leads where kubediscovery's own does."""
    spec = {**own["spec"], "group": group, "version": version}
    metadata = {"name": f"{version}.{group}"}
    return {"apiVersion": own["apiVersion"], "kind": "APIService", "metadata": metadata, "spec": spec}


@pytest.fixture(scope="module")
def app(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    kubectl = cluster.kubectl
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = AppServer(cluster, tmp_path_factory.mktemp("framework"), port)
    server.install()
    names = []
    try:
        server.start()
        server.wait_until_available()
        own = json.loads(kubectl("get", "apiservice", API_SERVICE, "--output=json"))
        for group, version in (("images.example.org", "v1"), ("actions.example.org", "v1alpha1")):
            kubectl("apply", "-f", "-", stdin=json.dumps(api_service(own, group, version)))
            names.append(f"{version}.{group}")
        for name in names:
            kubectl("wait", "--for=condition=Available", f"apiservice/{name}", "--timeout=110s")
        kubectl("apply", "-f", "-", stdin=ROLES)
        yield server
    finally:
        kubectl("delete", "apiservice", *names)
        server.stop()
        server.uninstall()
        kubectl("delete", "clusterrole", "framework-test-reader", "framework-test-operator", "framework-test-server")
        kubectl("delete", "clusterrolebinding", "framework-test-server")


@pytest.fixture(scope="module")
def reader(cluster: ControlPlane, app: AppServer) -> Iterator[Path]:
    """Somebody who sees what is in the namespace, and may ask for images there; and the Deployment web."""
    kubectl = cluster.kubectl
    kubectl("create", "namespace", NAMESPACE)
    kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={NAMESPACE}")
    kubectl("-n", NAMESPACE, "create", "deployment", "web", "--image=nginx:1", "--replicas=2")
    kubectl("-n", NAMESPACE, "rollout", "status", "deployment/web", "--timeout=110s")
    for role, user in (
        ("view", "reader"),
        ("framework-test-reader", "reader"),
        ("framework-test-operator", "operator"),
    ):
        kubectl("-n", NAMESPACE, "create", "rolebinding", f"{role}-{user}", f"--clusterrole={role}", f"--user={user}")
    config = cluster.kubeconfig_for("reader")

    def reads() -> bool:
        answer = json.loads(kubectl("get", "--raw", f"{IMAGES}/{WEB}/images", kubeconfig=config))
        return bool(answer["images"] == ["nginx:1"])

    eventually(reads, "the images of web", log=app.log)
    yield config
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def test_one_object_and_all(cluster: ControlPlane, reader: Path) -> None:
    found = json.loads(cluster.kubectl("get", "--raw", f"{IMAGES}/{WEB}/images", kubeconfig=reader))
    assert (found["kind"], found["apiVersion"]) == ("ImageList", "images.example.org/v1")
    assert (found["metadata"]["name"], found["metadata"]["namespace"]) == ("web", NAMESPACE)
    path = f"{IMAGES}/namespaces/{NAMESPACE}/deployments/*/images"
    listed = json.loads(cluster.kubectl("get", "--raw", path, kubeconfig=reader))
    assert (listed["kind"], [item["metadata"]["name"] for item in listed["items"]]) == ("ImageListList", ["web"])


def test_kubectl_prints_the_table(cluster: ControlPlane, reader: Path) -> None:
    printed = cluster.kubectl(
        "get", "deployments.v1.images.example.org", "*", "-n", NAMESPACE, "--subresource=images", kubeconfig=reader
    )
    heading, row = printed.splitlines()
    assert heading.split() == ["NAME", "IMAGES", "AGE"]
    assert row.split()[:2] == ["web", "nginx:1"]


def test_kubectl_knows_the_groups(cluster: ControlPlane, app: AppServer) -> None:
    versions = cluster.kubectl("api-versions").split()
    assert {"images.example.org/v1", "actions.example.org/v1alpha1"} <= set(versions)

    def described() -> bool:
        paths = json.loads(cluster.kubectl("get", "--raw", "/openapi/v3"))["paths"]
        return {"apis/images.example.org/v1", "apis/actions.example.org/v1alpha1"} <= set(paths)

    eventually(described, "the aggregator to have the documents", log=app.log)
    document = json.loads(cluster.kubectl("get", "--raw", "/openapi/v3/apis/images.example.org/v1"))
    path = f"{IMAGES}/namespaces/{{namespace}}/deployments/{{name}}/images"
    assert document["paths"][path]["get"]["description"].startswith("All images in the tree")
    assert "org.example.images.v1.ImageList" in document["components"]["schemas"]


def test_a_parameter_that_cannot_be_used(cluster: ControlPlane, reader: Path) -> None:
    with pytest.raises(KubectlError) as refused:
        cluster.kubectl("get", "--raw", f"{IMAGES}/{WEB}/images?least=none", kubeconfig=reader)
    assert 'least must be a whole number of at least 1, not "none"' in refused.value.stderr


def test_who_may_not_is_told_so(cluster: ControlPlane, reader: Path) -> None:
    with pytest.raises(KubectlError, match='User "reader" cannot create resource "deployments/restart"'):
        cluster.kubectl("create", "--raw", f"{ACTIONS}/{WEB}/restart", "-f", "-", stdin="{}", kubeconfig=reader)
    nobody = cluster.kubeconfig_for("nobody")
    with pytest.raises(KubectlError, match='User "nobody" cannot get resource "deployments/images"'):
        cluster.kubectl("get", "--raw", f"{IMAGES}/{WEB}/images", kubeconfig=nobody)
    with pytest.raises(KubectlError, match='cannot get resource "deployments/images"'):
        cluster.kubectl("get", "--raw", f"{IMAGES}/deployments/*/images", kubeconfig=reader)


def test_a_failing_subresource_says_nothing_but_the_log_does(
    cluster: ControlPlane, app: AppServer, reader: Path
) -> None:
    with pytest.raises(KubectlError) as refused:
        cluster.kubectl("get", "--raw", f"{IMAGES}/{WEB}/broken", kubeconfig=reader)
    said = re.search(r"the log has it as ([0-9a-f-]+)", refused.value.stderr)
    assert said is not None, refused.value.stderr
    assert "secret" not in refused.value.stderr
    log = app.log.read_text()
    assert f"request {said[1]} failed" in log
    assert "ValueError: a secret of web" in log


def test_a_conflict_is_refused_with_both_places(app: AppServer) -> None:
    flags = ("--app", f"{APP}:images", "--app", "tests.integration.framework_conflict:registry")
    done = subprocess.run(
        [*COMMAND, "serve", "--snapshot", "tests/data/every_kind.yaml", "--secure-port", "0", *flags],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "framework_conflict.py:14: subresource" in done.stderr
    assert re.search(r"registered at \S+framework_app\.py:\d+", done.stderr)


@pytest.mark.usefixtures("reader")
def test_a_dry_run_restarts_nothing_and_then_it_is_restarted(cluster: ControlPlane) -> None:
    kubectl, operator = cluster.kubectl, cluster.kubeconfig_for("operator")
    path, body = f"{ACTIONS}/{WEB}/restart", json.dumps({"at": AT})

    def annotations() -> str:
        return kubectl(
            "-n", NAMESPACE, "get", "deployment", "web", "-o", "jsonpath={.spec.template.metadata.annotations}"
        )

    def restarts(query: str = "") -> bool:
        answer = json.loads(kubectl("create", "--raw", f"{path}{query}", "-f", "-", stdin=body, kubeconfig=operator))
        return bool(answer["kind"] == "Restarted" and answer["generation"] == 2)

    eventually(lambda: restarts("?dryRun=All"), "the right of the server to patch")
    assert AT not in annotations()
    assert restarts()
    assert AT in annotations()
    with pytest.raises(KubectlError, match="missing required field `at`"):
        kubectl("create", "--raw", path, "-f", "-", stdin="{}", kubeconfig=operator)


@pytest.mark.usefixtures("reader")
def test_kubectl_patches_a_subresource(cluster: ControlPlane) -> None:
    operator = cluster.kubeconfig_for("operator")
    asked = ("deployments.v1alpha1.actions.example.org", "web", "-n", NAMESPACE, "--subresource=pace")

    def patch(type_: str, document: object, *flags: str) -> Any:
        given = ("--type", type_, "-p", json.dumps(document), "--output=json", *flags)
        return json.loads(cluster.kubectl("patch", *asked, *given, kubeconfig=operator))

    def paced() -> Any:
        return json.loads(cluster.kubectl("get", *asked, "--output=json", kubeconfig=operator))["seconds"]

    eventually(lambda: patch("merge", {"seconds": 7}, "--dry-run=server")["seconds"] == 7, "the right to patch")
    assert paced() == 0
    assert patch("merge", {"seconds": 7})["kind"] == "Pace"
    assert paced() == 7
    test = {"op": "test", "path": "/seconds", "value": 7}
    assert patch("json", [test, {"op": "replace", "path": "/seconds", "value": 8}])["seconds"] == 8
    with pytest.raises(KubectlError, match='the value at "/seconds" is another one'):
        patch("json", [test])
    with pytest.raises(KubectlError, match=r"Expected `int` >= 0 - at `\$.seconds`"):
        patch("merge", {"seconds": -1})
    with pytest.raises(KubectlError, match="accepted media types include: application/json-patch"):
        patch("strategic", {"seconds": 9})
    assert paced() == 8
    with pytest.raises(KubectlError, match='cannot update resource "deployments/pace"'):
        cluster.kubectl("replace", "--raw", f"{ACTIONS}/{WEB}/pace", "-f", "-", stdin="{}", kubeconfig=operator)


def test_a_watch_tells_what_has_changed(cluster: ControlPlane, reader: Path) -> None:
    path = f"{IMAGES}/watch/{WEB}/images"
    with Watching(cluster, "get", "--raw", path, kubeconfig=reader) as watching:
        watching.said("nginx:1")
        cluster.kubectl("-n", NAMESPACE, "set", "image", "deployment/web", "nginx=nginx:2")
        eventually(
            lambda: watching.documents()[-1]["object"]["images"] == ["nginx:2"], "nothing but the new image", seconds=60
        )
        events = watching.documents()
        assert [events[0]["type"], events[-1]["type"]] == ["ADDED", "MODIFIED"]
        seen = [event["object"]["images"] for event in events]
        assert all(one != other for one, other in pairwise(seen))
