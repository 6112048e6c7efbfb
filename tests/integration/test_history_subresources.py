"""What objects were like, found after ``kubectl set image``: from revisions, from what went by, and from audit logs."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubediscovery.testing import components
from kubediscovery.testing.binaries import Binaries
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from tests.integration.serving import GROUP, Server, compositions, eventually

IMAGES = ("nginx:1.27", "nginx:1.28", "nginx:1.29")
FIELD = "spec.template.spec.containers[name=nginx].image"
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {
            "level": "RequestResponse",
            "verbs": ["create", "update", "patch"],
            "resources": [{"group": "apps", "resources": ["deployments", "deployments/status"]}],
        },
        {"level": "None"},
    ],
}


@pytest.fixture(scope="module")
def audit_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("audit") / "kube-apiserver.log"


@pytest.fixture(scope="module")
def control_plane(control_plane_binaries: Binaries, audit_log: Path) -> Iterator[ControlPlane]:
    """One of its own, whose kube-apiserver writes an audit log, and rotates it at a megabyte."""
    policy = audit_log.with_name("policy.json")
    policy.write_text(json.dumps(POLICY))
    flags = components._FLAGS["kube-apiserver"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(
            components._FLAGS,
            "kube-apiserver",
            lambda setup: (
                *flags(setup),
                f"--audit-log-path={audit_log}",
                f"--audit-policy-file={policy}",
                "--audit-log-maxsize=1",
            ),
        )
        with ControlPlane.start(binaries=control_plane_binaries) as cluster:
            yield cluster


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> ControlPlane:
    return control_plane


class Historian(Server):
    """A server with flags of its own, which are none of the installation's."""

    extra: tuple[str, ...] = ()

    def start(self) -> None:
        self._flags = self.extra
        super().start()


@pytest.fixture(scope="module")
def server(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Historian]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    server = Historian(cluster, tmp_path_factory.mktemp("kubediscovery"), port)
    server.install()
    yield server
    server.stop()


def _start(server: Historian, *flags: str) -> None:
    server.extra = flags
    server.start()
    server.wait_until_available()


def _roll_out(cluster: ControlPlane, namespace: str, *images: str) -> None:
    """Change the image as a user does; each rollout ends before the next."""
    for image in images:
        cluster.kubectl("set", "image", "deployment/web", f"nginx={image}", f"--namespace={namespace}")
        cluster.kubectl("rollout", "status", "deployment/web", f"--namespace={namespace}", "--timeout=60s")


def _create(cluster: ControlPlane, namespace: str) -> None:
    cluster.kubectl("create", "deployment", "web", f"--image={IMAGES[0]}", f"--namespace={namespace}")
    cluster.kubectl("rollout", "status", "deployment/web", f"--namespace={namespace}", "--timeout=60s")


def _get(cluster: ControlPlane, namespace: str, path: str, **options: Any) -> Any:
    return compositions(cluster, f"namespaces/{namespace}/deployments/web/{path}", **options)


def _images(cluster: ControlPlane, namespace: str) -> list[str]:
    specs = _get(cluster, namespace, "spechistory?last=100")["specs"]
    found = [each["spec"]["template"]["spec"]["containers"][0]["image"] for each in specs]
    return [image for place, image in enumerate(found) if place == 0 or found[place - 1] != image]


def _check(cluster: ControlPlane, namespace: str) -> None:
    """What every way of knowing has to tell."""
    assert _images(cluster, namespace) == [*IMAGES]
    versions = _get(cluster, namespace, "versions")["versions"]
    assert [each["revision"] for each in versions if each.get("revision")][-1] == 3
    (change,) = _get(cluster, namespace, f"diff?start=r2&end=r3&field={FIELD}")["changes"]
    assert change == {"path": FIELD, "what": "Changed", "before": IMAGES[1], "after": IMAGES[2]}
    found = _get(cluster, namespace, f"bisect?field={FIELD}&value={IMAGES[1]}")
    assert (found["found"], found["holds"], found["first"]["revision"]) == (True, False, 2)


def test_revisions_tell_after_a_restart(cluster: ControlPlane, server: Historian, namespace: str) -> None:
    _create(cluster, namespace)
    _roll_out(cluster, namespace, *IMAGES[1:])
    _start(server)
    try:
        _check(cluster, namespace)
        origins = {origin for each in _get(cluster, namespace, "versions")["versions"] for origin in each["origins"]}
        assert origins <= {"Revision", "Present", "Cache"}
    finally:
        server.stop()


def test_what_went_by_outlives_the_process_in_a_file(
    cluster: ControlPlane, server: Historian, namespace: str, tmp_path: Path
) -> None:
    path = tmp_path / "history.db"
    _create(cluster, namespace)
    _start(server, f"--history-path={path}")
    eventually(lambda: "Cache" in _get(cluster, namespace, "versions")["versions"][-1]["origins"], "the recorder")
    _roll_out(cluster, namespace, *IMAGES[1:])
    cluster.kubectl("scale", "deployment/web", "--replicas=2", f"--namespace={namespace}")
    eventually(lambda: "Cache" in _get(cluster, namespace, "versions")["versions"][-1]["origins"], "the recorder")
    changed = _get(cluster, namespace, "changes?since=10m")["changes"]
    paths = [field for each in changed if each["kind"] == "Deployment" for field in each.get("fields", ())]
    assert ("spec.replicas", 1, 2) in [(field["path"], field["before"], field["after"]) for field in paths]
    assert (FIELD, IMAGES[1], IMAGES[2]) in [(field["path"], field["before"], field["after"]) for field in paths]
    assert {"ReplicaSet", "Pod"} <= {each["kind"] for each in changed if each["what"] == "Created"}
    assert "Pod" in {each["kind"] for each in changed if each["what"] == "Deleted"}
    server.stop()
    cluster.kubectl(
        "patch", "deployment/web", "--patch", '{"spec":{"revisionHistoryLimit":0}}', f"--namespace={namespace}"
    )
    cluster.kubectl("rollout", "status", "deployment/web", f"--namespace={namespace}", "--timeout=60s")
    _start(server, f"--history-path={path}")
    try:
        eventually(lambda: _images(cluster, namespace) == [*IMAGES], "the file")
        found = _get(cluster, namespace, f"bisect?field={FIELD}&value={IMAGES[1]}")
        assert (found["found"], found["holds"]) == (True, False)
        assert "File" in found["first"]["origins"]
        assert found["first"]["manager"] == "kubectl-set"
        scaled = _get(cluster, namespace, "bisect?field=spec.replicas&value=2")
        assert scaled["holds"]
        (change,) = _get(cluster, namespace, f"diff?start={scaled['before']['name']}&end={scaled['first']['name']}")[
            "changes"
        ]
        assert (change["path"], change["before"], change["after"]) == ("spec.replicas", 1, 2)
    finally:
        server.stop()


def test_the_audit_log_tells_what_nobody_watched(
    cluster: ControlPlane, server: Historian, namespace: str, audit_log: Path
) -> None:
    _create(cluster, namespace)
    _roll_out(cluster, namespace, *IMAGES[1:])
    _start(server, f"--audit-log={audit_log}")
    try:
        _check(cluster, namespace)
        eventually(lambda: "Audit" in _get(cluster, namespace, "versions")["versions"][0]["origins"], "the audit log")
        files = len(list(audit_log.parent.glob("kube-apiserver*.log")))
        for number in range(400):
            if len(list(audit_log.parent.glob("kube-apiserver*.log"))) > files:
                break
            noise = "x" * 20_000
            cluster.kubectl(
                "annotate", "deployment/web", f"noise={number}-{noise}", "--overwrite", f"--namespace={namespace}"
            )
        assert len(list(audit_log.parent.glob("kube-apiserver*.log"))) > files
        cluster.kubectl("set", "image", "deployment/web", "nginx=nginx:1.30", f"--namespace={namespace}")

        def is_told() -> bool:
            found = _get(cluster, namespace, f"bisect?field={FIELD}&value=nginx:1.30")
            return found["found"] and "Audit" in found["first"]["origins"]

        eventually(is_told, "the rotated audit log", log=server.log)
    finally:
        server.stop()


def _grant(cluster: ControlPlane, namespace: str, name: str, group: str, resource: str, *users: str) -> None:
    """Let users get a resource; kubectl itself would look whether it is served."""
    rules = [{"apiGroups": [group], "resources": [resource], "verbs": ["get"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}
    cluster.kubectl("create", f"--namespace={namespace}", "--filename=-", stdin=json.dumps(role))
    bound = [f"--user={user}" for user in users]
    cluster.kubectl("create", "rolebinding", name, f"--role={name}", *bound, f"--namespace={namespace}")


def test_who_may_not_see_it_does_not(cluster: ControlPlane, server: Historian, namespace: str) -> None:
    _create(cluster, namespace)
    _roll_out(cluster, namespace, IMAGES[1])
    _grant(cluster, namespace, "asker", GROUP, "deployments/versions", "ada", "bob")
    _grant(cluster, namespace, "getter", "apps", "deployments", "bob")
    _start(server)
    try:
        with pytest.raises(KubectlError, match='cannot get resource "deployments"'):
            _get(cluster, namespace, "versions", kubeconfig=cluster.kubeconfig_for("ada"))
        found = _get(cluster, namespace, "versions", kubeconfig=cluster.kubeconfig_for("bob"))
        assert [each["resource"] for each in found["omitted"]] == ["replicasets"]
        assert all("Revision" not in each["origins"] for each in found["versions"])
    finally:
        server.stop()
