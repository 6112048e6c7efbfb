"""Who may see what, through a real kube-apiserver and directly at the server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kubediscovery.certs import CertificateAuthority, KeyPair, Usage
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from tests.integration.serving import ADMIN_HEADERS, API, GROUP, Server, compositions, eventually, names, walk

NAMESPACE = "access"
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: access-test-compositions}
rules:
- {apiGroups: [kubediscovery.cloudark.io], resources: [compositions, "*/compositions"], verbs: [get, list]}
- {apiGroups: [apps], resources: [deployments, replicasets], verbs: [get, list]}
"""


@pytest.fixture(scope="module", autouse=True)
def web(cluster: ControlPlane, server: Server) -> Iterator[None]:
    kubectl = cluster.kubectl
    kubectl("create", "namespace", NAMESPACE)
    kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={NAMESPACE}")
    kubectl("-n", NAMESPACE, "create", "deployment", "web", "--image=nginx:1", "--replicas=3")
    kubectl("-n", NAMESPACE, "rollout", "status", "deployment/web", "--timeout=110s")
    kubectl("apply", "-f", "-", stdin=ROLE)
    kubectl(
        "-n",
        NAMESPACE,
        "create",
        "rolebinding",
        "access-test",
        "--clusterrole=access-test-compositions",
        "--user=nopods",
    )
    kubectl("-n", NAMESPACE, "create", "rolebinding", "access-view", "--clusterrole=view", "--user=viewer")
    for user, count in (("nopods", 0), ("viewer", 3)):
        config = cluster.kubeconfig_for(user)
        eventually(lambda: len(names(ask(cluster, config)["root"], "Pod")) == count, f"the rights of {user}")  # noqa: B023
    yield
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    kubectl("delete", "clusterrole", "access-test-compositions")


@pytest.fixture(scope="module")
def users(cluster: ControlPlane) -> dict[str, Path]:
    return {user: cluster.kubeconfig_for(user) for user in ("nopods", "viewer", "nobody")}


def ask(
    cluster: ControlPlane, kubeconfig: Path, path: str = f"namespaces/{NAMESPACE}/deployments/web/compositions"
) -> Any:
    return compositions(cluster, path, kubeconfig=kubeconfig)


def test_who_may_not_list_pods_sees_none(cluster: ControlPlane, users: dict[str, Path]) -> None:
    found = ask(cluster, users["nopods"])
    assert [node["kind"] for node in walk(found["root"])] == ["Deployment", "ReplicaSet"]
    assert "pods" not in found["status"]
    assert {"group": "", "resource": "pods", "reason": "Forbidden"} in [
        {"group": left.get("group", ""), "resource": left["resource"], "reason": left["reason"]}
        for left in found["status"]["omitted"]
    ]
    pods = cluster.kubectl("-n", NAMESPACE, "get", "pods", "-o", "jsonpath={.items[*].metadata.name}").split()
    everything = cluster.kubectl("-n", NAMESPACE, "get", "comp", "-o", "json", kubeconfig=users["nopods"])
    assert len(pods) == 3
    assert not any(pod in everything for pod in pods)


def test_the_ordinary_view_role_suffices(cluster: ControlPlane, users: dict[str, Path]) -> None:
    found = ask(cluster, users["viewer"])
    assert len(names(found["root"], "Pod")) == 3
    assert "deployments.apps.web" in cluster.kubectl("-n", NAMESPACE, "get", "comp", kubeconfig=users["viewer"])


@pytest.mark.parametrize(
    "path",
    [
        f"namespaces/{NAMESPACE}/deployments/web/compositions",
        f"namespaces/{NAMESPACE}/deployments/*/compositions",
        f"namespaces/{NAMESPACE}/compositions",
        "deployments/*/compositions",
        "compositions",
    ],
)
def test_a_user_without_rights_is_refused(cluster: ControlPlane, users: dict[str, Path], path: str) -> None:
    with pytest.raises(KubectlError, match=r"Forbidden.*nobody"):
        ask(cluster, users["nobody"], path)


def test_a_namespace_right_does_not_reach_beyond_it(cluster: ControlPlane, users: dict[str, Path]) -> None:
    for path in ("compositions", "deployments/*/compositions", "namespaces/default/compositions"):
        with pytest.raises(KubectlError, match="Forbidden"):
            ask(cluster, users["viewer"], path)


def test_several_namespaces_are_asked_for_by_who_may_list_each(cluster: ControlPlane) -> None:
    kubectl, others = cluster.kubectl, (f"{NAMESPACE}-a", f"{NAMESPACE}-b", f"{NAMESPACE}-c")
    both = cluster.kubeconfig_for("both")
    for name in others:
        kubectl("create", "namespace", name)
        kubectl("-n", name, "create", "deployment", f"web-{name}", "--image=nginx:1")
    for name in others[:2]:
        kubectl("-n", name, "create", "rolebinding", "both", "--clusterrole=view", "--user=both")

    def listed(path: str, **options: Any) -> list[str]:
        return sorted(item["metadata"]["namespace"] for item in compositions(cluster, path, **options)["items"])

    a, b, c = others
    try:
        for path in (f"namespaces/{a}/compositions", f"namespaces/{a}/deployments/*/compositions"):
            mine = f"{path}?namespaces={a},{b}"
            eventually(lambda: listed(mine, kubeconfig=both) == [a, b], "both namespaces")  # noqa: B023
            with pytest.raises(KubectlError, match=rf'cannot (list|get) resource.*in the namespace \\?"{c}'):
                listed(f"{path}?namespaces={b},{c}", kubeconfig=both)
        with pytest.raises(KubectlError, match="at the cluster scope"):
            listed(f"compositions?namespaces={a},{b}", kubeconfig=both)
        eventually(lambda: listed(f"compositions?namespaces={b},{c}") == [b, c], "what an administrator names")
        table = kubectl("get", "--raw", f"{API}/deployments/*/compositions?namespaces={a},{c}&output=split")
        assert [line.split()[0] for line in table.splitlines() if "deployment.apps/" in line] == [a, c]
        report = compositions(cluster, f"namespaces/{a}/lint?namespaces={b}", kubeconfig=both)
        assert (report["kind"], report["items"]) == ("LintReport", [])
    finally:
        for name in others:
            kubectl("delete", "namespace", name, "--wait=false")


def test_a_revoked_right_ends_within_ten_seconds(cluster: ControlPlane) -> None:
    kubectl = cluster.kubectl
    leaver = cluster.kubeconfig_for("leaver")
    kubectl(
        "-n",
        NAMESPACE,
        "create",
        "rolebinding",
        "leaver-compositions",
        "--clusterrole=access-test-compositions",
        "--user=leaver",
    )
    kubectl("-n", NAMESPACE, "create", "rolebinding", "leaver", "--clusterrole=view", "--user=leaver")
    eventually(lambda: len(names(ask(cluster, leaver)["root"], "Pod")) == 3, "the right to take effect")
    kubectl("-n", NAMESPACE, "delete", "rolebinding", "leaver")
    # The rest is for kubectl, for kube-apiserver's own authorizer to see the change, and for a machine under load.
    eventually(lambda: not names(ask(cluster, leaver)["root"], "Pod"), "the right to end", seconds=20)


def forge(server: Server, pair: KeyPair | None, headers: dict[str, str] = ADMIN_HEADERS) -> tuple[int, bytes]:
    path = f"{API}/namespaces/{NAMESPACE}/deployments/*/compositions"
    return server.get(path, headers=headers, context=server.context(pair))


def test_headers_without_a_certificate_are_anonymous(server: Server) -> None:
    code, body = forge(server, None)
    status = msgspec.json.decode(body)
    assert (code, status["reason"]) == (403, "Forbidden")
    assert 'User "system:anonymous" cannot get resource "deployments/compositions"' in status["message"]


def test_the_front_proxy_is_believed(cluster: ControlPlane, server: Server) -> None:
    assert forge(server, cluster.front_proxy)[0] == 200


def test_a_client_certificate_makes_its_own_user_whatever_the_headers_say(
    cluster: ControlPlane, server: Server
) -> None:
    pair = cluster.client_ca.issue("mallory", usages=(Usage.CLIENT,))
    code, body = forge(server, pair)
    assert code == 403
    assert b"mallory" in body


def test_only_allowed_names_are_believed(cluster: ControlPlane, server: Server) -> None:
    pair = cluster.requestheader_ca.issue("somebody-else", usages=(Usage.CLIENT,))
    assert forge(server, pair)[0] == 401


def test_a_server_certificate_of_the_front_proxy_authority_is_not_believed(
    cluster: ControlPlane, server: Server
) -> None:
    # OpenSSL refuses it in the handshake already, where no answer comes back.
    pair = cluster.requestheader_ca.issue("front-proxy-client", usages=(Usage.SERVER,))
    assert forge(server, pair)[0] in (0, 401)


def test_expired_and_foreign_certificates_are_not_believed(cluster: ControlPlane, server: Server) -> None:
    expired = cluster.requestheader_ca.issue(
        "front-proxy-client",
        usages=(Usage.CLIENT,),
        starts=datetime.now(UTC) - timedelta(days=2),
        lifetime=timedelta(days=1),
    )
    foreign = CertificateAuthority.create("foreign").issue("front-proxy-client", usages=(Usage.CLIENT,))
    for pair in (expired, foreign):
        assert forge(server, pair)[0] in (0, 401)


def test_tokens_are_reviewed(cluster: ControlPlane, server: Server) -> None:
    token = cluster.kubectl("create", "token", "default", "--namespace", NAMESPACE).strip()
    code, body = forge(server, None, {"Authorization": f"Bearer {token}"})
    assert code == 403
    assert f"system:serviceaccount:{NAMESPACE}:default".encode() in body
    code, body = forge(server, None, {"Authorization": "Bearer nonsense"})
    assert (code, msgspec.json.decode(body)["reason"]) == (401, "Unauthorized")


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/readyz?verbose"])
def test_health_needs_no_proof(server: Server, path: str) -> None:
    assert server.get(path)[0] == 200


@pytest.mark.parametrize("path", ["/", "/apis", f"/apis/{GROUP}", API, "/metrics", "/api", "/readyz/ping", "/version"])
def test_everything_else_does(server: Server, path: str) -> None:
    assert server.get(path)[0] == 403


def test_the_version_is_for_whom_the_cluster_shows_its_own(cluster: ControlPlane, server: Server) -> None:
    # Two roles that every cluster has grant it; one of them to everybody, but proof is asked for here.
    assert server.get("/version")[0] == 403
    token = cluster.kubectl("create", "token", "default", "--namespace", "default").strip()
    credential = {"Authorization": f"Bearer {token}"}
    assert server.get("/version", headers=credential)[0] == 200
    cluster.kubectl("delete", "clusterrolebinding", "system:public-info-viewer", "system:discovery")
    try:
        eventually(lambda: server.get("/version", headers=credential)[0] == 403, "the right to end", seconds=20)
    finally:
        # It makes its own roles again when it starts.
        cluster.restart("kube-apiserver")


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/namespaces/{NAMESPACE}/deployments/web%2Fcompositions",
        f"{API}/namespaces/{NAMESPACE}%2Fdeployments/web/compositions",
        f"{API}//namespaces/{NAMESPACE}/deployments/web/compositions",
        f"{API}/namespaces/default/../{NAMESPACE}/deployments/web/compositions",
        f"{API}/namespaces/default/%2e%2e/{NAMESPACE}/deployments/web/compositions",
        f"{API}/namespaces/{NAMESPACE}/deployments/web/compositions/",
    ],
)
def test_a_path_that_could_mean_two_things_means_none(server: Server, path: str) -> None:
    code, body = server.get_as_admin(path)
    assert (code, msgspec.json.decode(body)["reason"]) == (404, "NotFound")


def test_the_trust_is_read_again_when_it_changes(cluster: ControlPlane, server: Server) -> None:
    kubectl = cluster.kubectl
    where = ("-n", "kube-system", "configmap", "extension-apiserver-authentication")
    before = kubectl("get", *where, "-o", "json")
    original = msgspec.json.decode(before)["data"]["requestheader-allowed-names"]
    patch = msgspec.json.encode({"data": {"requestheader-allowed-names": '["nobody"]'}}).decode()
    try:
        kubectl("patch", *where, "--patch", patch)
        eventually(lambda: forge(server, cluster.front_proxy)[0] == 401, "the new names to count")
    finally:
        back = msgspec.json.encode({"data": {"requestheader-allowed-names": original}}).decode()
        kubectl("patch", *where, "--patch", back)
    eventually(lambda: forge(server, cluster.front_proxy)[0] == 200, "the old names to count again", log=server.log)
    server.wait_until_available()
