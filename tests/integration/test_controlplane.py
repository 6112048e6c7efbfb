"""The control plane itself: it plays a cluster, survives restarts, and ends with its owner in every way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kubediscovery.testing.binaries import Binaries
from kubediscovery.testing.components import MANUAL_STATUS
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from kubediscovery.testing.processes import command_lines, leftovers

RUN = [sys.executable, "-m", "kubediscovery.testing", "run", "--nodes", "1", "--directory"]


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def environment(control_plane_binaries: Binaries, tmp_path: Path) -> dict[str, str]:
    """What makes a child find the same binaries as the tests did."""
    folder = tmp_path / "assets"
    folder.mkdir()
    for name, path in control_plane_binaries.programs.items():
        (folder / name).symlink_to(path)
    return {**os.environ, "KUBEBUILDER_ASSETS": str(folder)}


@pytest.fixture
def owner(environment: dict[str, str], tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A `python -m kubediscovery.testing run` that is up, and its folder."""
    directory = tmp_path / "cluster"
    with subprocess.Popen(
        [*RUN, str(directory)], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            assert any("is ready" in line for line in process.stdout)
            yield process, directory
        finally:
            process.kill()
    wait_until(lambda: not leftovers(directory))


def test_nodes_are_ready(cluster: ControlPlane) -> None:
    nodes = json.loads(cluster.kubectl("get", "nodes", "--output=json"))["items"]
    assert [node["metadata"]["name"] for node in nodes] == ["node-1", "node-2"]
    cluster.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=0")
    assert all(int(node["status"]["allocatable"]["pods"].replace("M", "000000")) >= 10_000 for node in nodes)


def test_a_deployment_becomes_ready_by_itself(cluster: ControlPlane, namespace: str) -> None:
    where = f"--namespace={namespace}"
    cluster.kubectl("create", "deployment", "web", "--image=nginx", "--replicas=3", where)
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=110s", where)
    assert cluster.kubectl("get", "deployment/web", "--output=jsonpath={.status.readyReplicas}", where) == "3"


def test_a_job_completes_by_itself(cluster: ControlPlane, namespace: str) -> None:
    cluster.kubectl("create", "job", "once", "--image=busybox", f"--namespace={namespace}")
    cluster.kubectl("wait", "--for=condition=Complete", "job/once", "--timeout=110s", f"--namespace={namespace}")


def test_the_status_of_a_marked_pod_is_left_to_the_test_but_deletion_is_not(
    cluster: ControlPlane, namespace: str
) -> None:
    where = f"--namespace={namespace}"
    cluster.kubectl("run", "failing", "--image=x", f"--labels={'='.join(MANUAL_STATUS)}", where)
    cluster.kubectl("run", "marker", "--image=x", where)
    cluster.kubectl("wait", "--for=condition=Ready", "pod/marker", "--timeout=110s", where)
    assert cluster.kubectl("get", "pod/failing", "--output=jsonpath={.status.phase}", where) == "Pending"
    patch = {"status": {"phase": "Failed", "reason": "Evicted"}}
    cluster.kubectl("patch", "pod/failing", "--subresource=status", f"--patch={json.dumps(patch)}", where)
    assert cluster.kubectl("get", "pod/failing", "--output=jsonpath={.status.reason}", where) == "Evicted"
    cluster.kubectl("delete", "pod/failing", "--timeout=110s", where)


def test_users_have_the_rights_of_their_groups_alone(cluster: ControlPlane) -> None:
    assert "alice" in cluster.kubectl("auth", "whoami", kubeconfig=cluster.kubeconfig_for("alice"))
    with pytest.raises(KubectlError, match='User "alice" cannot list resource "pods"') as caught:
        cluster.kubectl("get", "pods", kubeconfig=cluster.kubeconfig_for("alice", ["team"]))
    assert caught.value.status == 1
    cluster.kubectl("get", "pods", kubeconfig=cluster.kubeconfig_for("root", ["system:masters"]))


def test_service_account_tokens_work(cluster: ControlPlane) -> None:
    kubeconfig = cluster.kubeconfig_with_token(cluster.kubectl("create", "token", "default").strip())
    whoami = cluster.kubectl("auth", "whoami", "--output=jsonpath={.status.userInfo.username}", kubeconfig=kubeconfig)
    assert whoami == "system:serviceaccount:default:default"


def test_the_aggregator_is_configured(cluster: ControlPlane) -> None:
    found = cluster.kubectl(
        "get", "configmap", "extension-apiserver-authentication", "--namespace=kube-system", "--output=json"
    )
    data = json.loads(found)["data"]
    assert data["requestheader-client-ca-file"] == cluster.requestheader_ca.certificate.decode()
    assert data["client-ca-file"] == cluster.client_ca.certificate.decode()
    assert json.loads(data["requestheader-allowed-names"]) == ["front-proxy-client"]


@pytest.mark.parametrize("component", ["kube-apiserver", "etcd"])
def test_a_restart_keeps_the_data(cluster: ControlPlane, namespace: str, component: str) -> None:
    cluster.kubectl("create", "configmap", "kept", f"--namespace={namespace}")
    cluster.restart(component)
    cluster.kubectl("get", "configmap", "kept", f"--namespace={namespace}")


def test_objects_are_acted_on_at_once_after_kube_apiserver_was_restarted(cluster: ControlPlane, namespace: str) -> None:
    """Who was left to come back by itself would wait longer after each restart, up to a minute."""
    for _ in range(4):
        cluster.restart("kube-apiserver")
    kubectl = ("--namespace", namespace)
    cluster.kubectl(*kubectl, "create", "deployment", "web", "--image=nginx:1")
    cluster.kubectl(*kubectl, "rollout", "status", "deployment/web", "--timeout=20s")


def test_after_a_compaction_and_a_restart_old_versions_are_gone(cluster: ControlPlane, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    old = cluster.get(path).json()["metadata"]["resourceVersion"]
    cluster.kubectl("create", "configmap", "later", f"--namespace={namespace}")
    assert cluster.compact_etcd() > int(old)
    cluster.restart("kube-apiserver")
    answer = cluster.get(f"{path}?watch=true&timeoutSeconds=1&resourceVersion={old}")
    assert answer.json()["object"]["reason"] == "Expired"


def test_two_stand_side_by_side(cluster: ControlPlane, control_plane_binaries: Binaries) -> None:
    with ControlPlane.start(nodes=1, controllers=False, binaries=control_plane_binaries) as other:
        assert other.server != cluster.server
        other.kubectl("create", "namespace", "only-there")
        assert "not found" in cluster.kubectl("get", "namespace", "only-there", check=False)
        directory = other.directory
    assert not directory.exists()
    assert not leftovers(directory)


def test_a_folder_can_be_kept(control_plane_binaries: Binaries, tmp_path: Path) -> None:
    with ControlPlane.start(tmp_path, controllers=False, binaries=control_plane_binaries) as first:
        first.kubectl("create", "namespace", "kept")
        authority = first.client_ca
    with ControlPlane.start(tmp_path, controllers=False, keep=True, binaries=control_plane_binaries) as again:
        again.kubectl("get", "namespace", "kept")
        assert again.client_ca == authority
    with ControlPlane.start(tmp_path, controllers=False, binaries=control_plane_binaries) as fresh:
        assert "not found" in fresh.kubectl("get", "namespace", "kept", check=False)


def test_nothing_outlives_an_owner_that_is_killed(owner: tuple[subprocess.Popen[str], Path]) -> None:
    process, directory = owner
    assert len(leftovers(directory)) == 5
    process.kill()
    process.wait()
    wait_until(lambda: not leftovers(directory))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_in_an_orderly_way(
    owner: tuple[subprocess.Popen[str], Path], number: signal.Signals
) -> None:
    process, directory = owner
    # As a terminal does: to the whole process group.
    os.killpg(process.pid, number)
    assert process.wait(60) == 0
    assert not leftovers(directory)


def test_a_stale_folder_is_recovered(
    owner: tuple[subprocess.Popen[str], Path], control_plane_binaries: Binaries, tmp_path: Path
) -> None:
    """As after a crash that took the guard, too: the processes still run, on ports and data that are in the way."""
    process, directory = owner
    stale = leftovers(directory)
    [guard] = [pid for pid, line in command_lines() if f"kubediscovery.testing.guard {directory}" in line]
    os.kill(guard, signal.SIGKILL)
    process.kill()
    process.wait()
    assert leftovers(directory) == stale
    with ControlPlane.start(directory, controllers=False, binaries=control_plane_binaries) as cluster:
        assert not set(leftovers(directory)) & set(stale)
        cluster.kubectl("get", "namespaces")
