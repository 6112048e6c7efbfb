"""Acting as somebody else: through kube-apiserver, which carries it out, and directly, where this server does."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from kubediscovery.certs import KeyPair, Usage
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from tests.integration.serving import API, Server, compositions, eventually

NAMESPACE = "impersonation"
LIST = f"namespaces/{NAMESPACE}/compositions"
ROLES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: impersonation-test}
rules:
- {apiGroups: [""], resources: [users], verbs: [impersonate], resourceNames: [watched]}
- {apiGroups: [""], resources: [groups], verbs: [impersonate], resourceNames: [impersonation-viewers]}
- {apiGroups: [""], resources: [serviceaccounts], verbs: [impersonate]}
- {apiGroups: [authentication.k8s.io], resources: [userextras/scopes], verbs: [impersonate], resourceNames: [view]}
"""


@pytest.fixture(scope="module", autouse=True)
def roles(cluster: ControlPlane, server: Server) -> Iterator[None]:
    kubectl = cluster.kubectl
    kubectl("create", "namespace", NAMESPACE)
    kubectl("-n", NAMESPACE, "create", "deployment", "web", "--image=nginx:1", "--replicas=0")
    kubectl("apply", "-f", "-", stdin=ROLES)
    binding = ("create", "clusterrolebinding", "impersonation-test", "--clusterrole=impersonation-test")
    kubectl(*binding, "--user=support")
    view = ("-n", NAMESPACE, "create", "rolebinding")
    kubectl(*view, "viewers", "--clusterrole=view", "--group=impersonation-viewers")
    kubectl(*view, "accounts", "--clusterrole=view", f"--group=system:serviceaccounts:{NAMESPACE}")
    yield
    kubectl("delete", "clusterrolebinding", "impersonation-test")
    kubectl("delete", "clusterrole", "impersonation-test")
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def support(cluster: ControlPlane) -> KeyPair:
    return cluster.client_ca.issue("support", usages=(Usage.CLIENT,))


def ask(server: Server, pair: KeyPair, **acting: str) -> tuple[int, str]:
    """GET directly, with Impersonate-* headers; gives the status, and the names found or the message."""
    headers = {f"Impersonate-{name.replace('_', '-')}": value for name, value in acting.items()}
    code, body = server.get(f"{API}/{LIST}", headers=headers, context=server.context(pair))
    answer = msgspec.json.decode(body)
    if code != 200:
        return code, answer["message"]
    return code, " ".join(item["metadata"]["name"] for item in answer["items"])


def test_whom_one_may_act_as_sees_what_he_sees(server: Server, support: KeyPair) -> None:
    web = (200, "deployments.apps.web")
    group = "impersonation-viewers"
    eventually(lambda: ask(server, support, User="watched", Group=group) == web, "the caches", log=server.log)
    assert ask(server, support, User="watched", Group=group, Extra_Scopes="view") == web
    assert ask(server, support, User=f"system:serviceaccount:{NAMESPACE}:default") == web
    code, message = ask(server, support, User="watched")
    assert (code, 'User "watched" cannot list' in message) == (403, True)


@pytest.mark.parametrize(
    ("acting", "part"),
    [
        ({"User": "admin"}, 'resource "users"'),
        ({"User": "watched", "Group": "system:masters"}, 'resource "groups"'),
        ({"User": "watched", "Uid": "7"}, 'resource "uids" in API group "authentication.k8s.io"'),
        ({"User": "watched", "Extra_Scopes": "all"}, 'resource "userextras/scopes"'),
        ({"User": "watched", "Extra_Other": "view"}, 'resource "userextras/other"'),
    ],
)
def test_what_one_may_not_act_as_is_refused(
    server: Server, support: KeyPair, acting: dict[str, str], part: str
) -> None:
    code, message = ask(server, support, **acting)
    assert code == 403
    assert f'User "support" cannot impersonate {part}' in message


def test_a_master_acts_as_anybody(cluster: ControlPlane, server: Server) -> None:
    master = cluster.client_ca.issue("root", organizations=["system:masters"], usages=(Usage.CLIENT,))
    assert ask(server, master)[0] == 200
    assert ask(server, master, User="nobody")[0] == 403
    assert ask(server, master, User="nobody", Group="system:masters")[0] == 200
    assert ask(server, master, Group="system:masters")[0] == 400


def test_through_kube_apiserver_nobody_acts_twice(cluster: ControlPlane) -> None:
    flags = ("--as=watched", "--as-group=impersonation-viewers")
    found = cluster.kubectl("get", "--raw", f"{API}/{LIST}", *flags)
    assert [item["metadata"]["name"] for item in msgspec.json.decode(found)["items"]] == ["deployments.apps.web"]
    with pytest.raises(KubectlError, match="watched"):
        cluster.kubectl("get", "--raw", f"{API}/{LIST}", "--as=watched")
    assert compositions(cluster, LIST)["items"]
