"""What goes wrong in clusters: restarts, compaction, lost connections; the trees come back right by themselves."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

import msgspec

from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.processes import command_lines
from tests.integration.serving import API, Server, compositions, eventually, names

ROLE, SUM = "kubediscovery:server-built-in", "kubediscovery:server"


def pods_of(cluster: ControlPlane, namespace: str) -> list[str]:
    found: Any = compositions(cluster, f"namespaces/{namespace}/deployments/web/compositions")
    return sorted(names(found["root"], "Pod"))


def real_pods(cluster: ControlPlane, namespace: str) -> list[str]:
    return sorted(cluster.kubectl("-n", namespace, "get", "pods", "-o", "jsonpath={.items[*].metadata.name}").split())


def scale(cluster: ControlPlane, namespace: str, replicas: int) -> None:
    cluster.kubectl("-n", namespace, "scale", "deployment/web", f"--replicas={replicas}")
    wait_for_rollout(cluster, namespace)


def wait_for_rollout(cluster: ControlPlane, namespace: str) -> None:
    """Some of those that act on objects end where kube-apiserver is away for too long; a kubelet starts them again."""

    def rolled_out() -> bool:
        cluster.revive()
        cluster.kubectl("-n", namespace, "rollout", "status", "deployment/web", "--timeout=10s")
        return True

    eventually(rolled_out, "the rollout", seconds=150, log=cluster.directory / "logs" / "kwok.log")


def equal_again(cluster: ControlPlane, namespace: str, count: int, server: Server, *, seconds: float = 60) -> None:
    def equal() -> bool:
        real, seen = real_pods(cluster, namespace), pods_of(cluster, namespace)
        assert (len(real), seen) == (count, real)
        return True

    eventually(equal, f"a tree of the {count} pods there are", seconds=seconds, log=server.log)


def test_kube_apiserver_restarts(cluster: ControlPlane, namespace: str, server: Server) -> None:
    cluster.kubectl("-n", namespace, "create", "deployment", "web", "--image=nginx:1", "--replicas=2")
    equal_again(cluster, namespace, 2, server)
    cluster.restart("kube-apiserver")
    scale(cluster, namespace, 4)
    equal_again(cluster, namespace, 4, server)


def test_what_vanished_while_nobody_watched_is_gone(cluster: ControlPlane, namespace: str, server: Server) -> None:
    """Versions that the watches know are compacted away while the server cannot watch: only a list tells the rest."""
    kubectl = cluster.kubectl
    kubectl("-n", namespace, "create", "deployment", "web", "--image=nginx:1", "--replicas=3")
    kubectl("-n", namespace, "create", "deployment", "doomed", "--image=nginx:1")
    eventually(lambda: len(pods_of(cluster, namespace)) == 3, "the tree", log=server.log)
    lists = lists_begun(server, "deployments.apps")
    server.pause()
    try:
        cluster.restart("kube-apiserver")
        kubectl("-n", namespace, "delete", "deployment", "doomed", "--wait")
        scale(cluster, namespace, 1)
        cluster.compact_etcd()
        cluster.restart("kube-apiserver")
    finally:
        server.resume()

    def right() -> bool:
        items = compositions(cluster, f"namespaces/{namespace}/deployments/*/compositions")["items"]
        return [(item["root"]["name"], item["status"]["pods"]["total"]) for item in items] == [("web", 1)]

    eventually(right, "the tree as it is now", seconds=90, log=server.log)
    assert lists_begun(server, "deployments.apps") > lists


def test_who_plays_the_nodes_ends_and_is_started_again(cluster: ControlPlane, namespace: str) -> None:
    flag = f"--config={cluster.directory / 'kwok.yaml'}"
    (played,) = (number for number, line in command_lines() if flag in line)
    os.kill(played, signal.SIGKILL)
    eventually(lambda: cluster.revive() == ["kwok"], "kwok to be started again")
    cluster.kubectl("-n", namespace, "create", "deployment", "web", "--image=nginx:1", "--replicas=2")
    wait_for_rollout(cluster, namespace)
    assert cluster.revive() == []


def test_the_server_restarts(cluster: ControlPlane, namespace: str, server: Server) -> None:
    cluster.kubectl("-n", namespace, "create", "deployment", "web", "--image=nginx:1", "--replicas=2")
    equal_again(cluster, namespace, 2, server)
    assert server.stop() == 0
    scale(cluster, namespace, 3)
    server.start()
    server.wait_until_available()
    equal_again(cluster, namespace, 3, server)


def test_a_namespace_goes_while_the_server_starts(cluster: ControlPlane, server: Server) -> None:
    """A namespace's deletion needs the discovery of every group, so a replica that starts must not hold it back."""
    kubectl = cluster.kubectl
    kubectl("create", "namespace", "doomed")
    server.stop()
    restart = threading.Thread(target=server.start)
    restart.start()
    kubectl("delete", "namespace", "doomed", "--wait=false")
    restart.join()
    server.wait_until_available()
    eventually(lambda: "doomed" not in kubectl("get", "namespaces"), "the namespace to go", seconds=90)


def test_namespaces_come_and_go(cluster: ControlPlane, server: Server) -> None:
    for number in range(3):
        cluster.kubectl("create", "namespace", f"passing-{number}")
        cluster.kubectl("delete", "namespace", f"passing-{number}", "--wait", "--timeout=110s")


def test_a_kind_that_the_server_may_not_list_is_named_and_the_others_go_on(
    cluster: ControlPlane, namespace: str, server: Server
) -> None:
    kubectl = cluster.kubectl
    kubectl("-n", namespace, "create", "deployment", "web", "--image=nginx:1", "--replicas=1")
    wait_for_rollout(cluster, namespace)
    rules = rules_of(cluster, ROLE)
    give(cluster, [rule for rule in rules if rule["apiGroups"] != ["batch"]])
    try:
        server.stop()
        server.start()
        server.wait_until_available()

        def omitted() -> list[str]:
            found = compositions(cluster, f"namespaces/{namespace}/deployments/web/compositions")
            assert found["root"]["ready"] == "1/1"
            return sorted(left["resource"] for left in found["status"]["omitted"])

        eventually(lambda: omitted() == ["cronjobs", "jobs", "secrets"], "the two kinds to be named", log=server.log)
        assert b"cache-jobs.batch ok: omitted (Forbidden)" in server.get("/readyz?verbose")[1]
        answer = kubectl("get", "--raw", f"{API}/namespaces/default/jobs/*/compositions", check=False)
        assert "kubediscovery may not list jobs.batch" in answer
    finally:
        give(cluster, rules)
        server.stop()
        server.start()
        server.wait_until_available()


def rules_of(cluster: ControlPlane, role: str) -> list[dict[str, list[str]]]:
    rules: list[dict[str, list[str]]] = msgspec.json.decode(cluster.kubectl("get", "clusterrole", role, "-o", "json"))[
        "rules"
    ]
    return rules


def give(cluster: ControlPlane, rules: list[dict[str, list[str]]]) -> None:
    """Let the server read just that; returns once the role that is the sum of others says so."""
    patch = msgspec.json.encode({"rules": rules}).decode()
    cluster.kubectl("patch", "clusterrole", ROLE, "--type=merge", "--patch", patch)
    eventually(lambda: rules_of(cluster, SUM) == rules, "the roles to be summed up")


def lists_begun(server: Server, resource: str) -> float:
    code, body = server.get_as_admin("/metrics")
    assert code == 200
    wanted = f'kubediscovery_reflector_lists_total{{resource="{resource}"}} '
    (line,) = [line for line in body.decode().splitlines() if line.startswith(wanted)]
    return float(line.removeprefix(wanted))
