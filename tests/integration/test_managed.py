"""``--manage-apiservice`` on a real control plane: two replicas come and go, and the APIService with them."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubediscovery.presence import lease_name
from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import API_SERVICE, Server, compositions, eventually

LEASE_NAME = lease_name("kubediscovery")
ROOT = Path(__file__).parents[2]
SERVICE_ACCOUNT = "system:serviceaccount:kubediscovery:kubediscovery"
READY_AT = "kubediscovery.cloudark.io/ready-at"
LEASE = ("lease", LEASE_NAME, "--namespace=kubediscovery")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("managed")


@pytest.fixture(scope="module")
def first(cluster: ControlPlane, directory: Path) -> Iterator[Server]:
    """The replica that the Service leads to; installed, not started."""
    server = Server(cluster, directory, free_port(), ("--manage-apiservice",))
    server.install()
    yield server
    server.uninstall()
    assert "NotFound" in cluster.kubectl("get", *LEASE, check=False)


@pytest.fixture(scope="module")
def second(cluster: ControlPlane, directory: Path) -> Server:
    """One that nobody is led to: it counts all the same."""
    return Server(cluster, directory, free_port(), ("--manage-apiservice",))


@pytest.fixture
def both(cluster: ControlPlane, first: Server, second: Server) -> Iterator[None]:
    """Both replicas are ready."""
    for server in (first, second):
        server.start()
    eventually(lambda: len(holders(cluster)) == 2, "both to have joined", log=first.log)
    first.wait_until_available()
    yield
    for server in (first, second):
        server.stop()


def holders(cluster: ControlPlane) -> list[str]:
    """The replicas that the Lease names."""
    found = cluster.kubectl("get", *LEASE, "--output=jsonpath={.spec.holderIdentity}")
    return [name for name in found.split(", ") if name]


def api_service(cluster: ControlPlane) -> dict[str, Any] | None:
    found = cluster.kubectl("get", "apiservice", API_SERVICE, "--ignore-not-found", "--output=json")
    return json.loads(found) if found else None


def written(found: dict[str, Any] | None) -> tuple[Any, ...]:
    """What people wrote into an APIService."""
    assert found is not None
    annotations = {name: text for name, text in found["metadata"].get("annotations", {}).items() if name != READY_AT}
    return found["metadata"]["labels"], annotations, found["spec"]


def test_only_the_last_replica_takes_it_away(cluster: ControlPlane, first: Server, second: Server, both: None) -> None:
    """Then namespaces go although nobody serves, and the first one that is ready again puts it back as it was."""
    kubectl = cluster.kubectl
    kubectl("annotate", "apiservice", API_SERVICE, "example.com/team=platform", "--overwrite")
    kubectl("patch", "apiservice", API_SERVICE, "--type=merge", '--patch={"spec": {"versionPriority": 42}}')
    before = written(api_service(cluster))

    assert second.stop() == 0
    assert len(holders(cluster)) == 1
    assert written(api_service(cluster)) == before
    assert compositions(cluster, "compositions")["items"] is not None

    assert first.stop() == 0
    assert holders(cluster) == []
    assert api_service(cluster) is None
    kubectl("create", "namespace", "passing-while-away")
    kubectl("delete", "namespace", "passing-while-away", "--wait", "--timeout=110s")

    first.start()
    eventually(lambda: api_service(cluster), "the APIService to be back", log=first.log)
    first.wait_until_available()
    assert written(api_service(cluster)) == before
    assert compositions(cluster, "compositions")["items"] is not None


def test_both_stop_at_the_same_moment(cluster: ControlPlane, first: Server, second: Server, both: None) -> None:
    second.begin_to_stop()
    assert first.stop() == second.stop() == 0
    assert api_service(cluster) is None


def test_one_stops_while_the_other_starts(cluster: ControlPlane, first: Server, second: Server, both: None) -> None:
    for _ in range(3):
        first.stop()
        second.begin_to_stop()
        first.start()
        second.stop()
        eventually(lambda: len(holders(cluster)) == 1, "the one that started to have joined", log=first.log)
        eventually(lambda: api_service(cluster), "the APIService to be there", log=first.log)
        second.start()
        eventually(lambda: len(holders(cluster)) == 2, "the other to have joined", log=first.log)


def test_a_crash_leaves_it_and_the_next_start_has_it_looked_at_at_once(
    cluster: ControlPlane, first: Server, second: Server, both: None
) -> None:
    """A start announces itself where kube-apiserver has not found it first, which it may: it goes on looking."""
    second.stop()
    left = api_service(cluster)
    assert left is not None
    for _ in range(5):
        found = available_after_a_crash(cluster, first)
        assert found["metadata"]["uid"] == left["metadata"]["uid"]
        assert len(holders(cluster)) == 1
        if READY_AT in found["metadata"]["annotations"]:
            return
    pytest.fail(f"no start announced itself:\n{first.log.read_text()}")


def available_after_a_crash(cluster: ControlPlane, server: Server) -> dict[str, Any]:
    """The APIService, once a replica that crashed is back."""
    server.kill()
    cluster.kubectl("annotate", "apiservice", API_SERVICE, "tests/look=now", "--overwrite")
    cluster.kubectl("wait", "--for=condition=Available=False", f"apiservice/{API_SERVICE}", "--timeout=110s")
    cluster.kubectl("annotate", "apiservice", API_SERVICE, "tests/look-")
    # kube-apiserver looks at intervals that double each time: by then it would not look again for seconds.
    time.sleep(6)
    server.start()
    server.wait_until_available()
    found = api_service(cluster)
    assert found is not None
    return found


def test_a_crashed_replica_is_forgotten_in_time(
    cluster: ControlPlane, first: Server, second: Server, both: None
) -> None:
    """Its time in the Lease is put back here by hand; it would be 40 s."""
    second.kill()
    lease = json.loads(cluster.kubectl("get", *LEASE, "--output=json"))
    noted = json.loads(lease["metadata"]["annotations"]["kubediscovery.cloudark.io/replicas"])
    (crashed,) = [name for name in noted if name.endswith(f":{second.port}")]
    past = json.dumps({**noted, crashed: "2026-01-01T00:00:00Z"})
    note = f"kubediscovery.cloudark.io/replicas={past}"
    cluster.kubectl("annotate", *LEASE, note, "--overwrite")
    first.stop()
    assert api_service(cluster) is None


def test_somebody_elses_is_left_alone(cluster: ControlPlane, first: Server, second: Server, both: None) -> None:
    label = "app.kubernetes.io/managed-by"
    cluster.kubectl("label", "apiservice", API_SERVICE, f"{label}=somebody-else", "--overwrite")
    before = written(api_service(cluster))
    for server in (first, second):
        server.stop()
    assert written(api_service(cluster)) == before
    cluster.kubectl("label", "apiservice", API_SERVICE, f"{label}=kubediscovery", "--overwrite")


def test_the_rights_are_to_this_one_api_service(cluster: ControlPlane, first: Server) -> None:
    """All but to create one: that verb cannot be limited to a name."""

    def can(*question: str) -> bool:
        said = cluster.kubectl("auth", "can-i", *question, f"--as={SERVICE_ACCOUNT}", check=False)
        return "yes" in said.splitlines()

    lease, here = f"leases.coordination.k8s.io/{LEASE_NAME}", "--namespace=kubediscovery"
    assert all(can(verb, f"apiservices/{API_SERVICE}") for verb in ("get", "patch", "delete"))
    assert can("create", "apiservices")
    assert all(can(verb, lease, here) for verb in ("get", "update"))
    denied = [
        *((verb, "apiservices/v1.apps") for verb in ("get", "patch", "delete", "update")),
        ("deletecollection", "apiservices"),
        *((verb, lease, "--namespace=kube-system") for verb in ("get", "update")),
        *((verb, "leases.coordination.k8s.io", here) for verb in ("create", "list", "delete")),
        ("update", "leases.coordination.k8s.io/other", here),
        ("get", "configmaps", here),
    ]
    assert [question for question in denied if can(*question)] == []


def test_without_the_option_the_rights_go_again(cluster: ControlPlane, first: Server) -> None:
    plain = Server(cluster, first.directory, first.port)
    assert f"removed lease.coordination.k8s.io/{LEASE_NAME}" in plain.install()
    kinds = "clusterrole,clusterrolebinding,role,rolebinding"
    names = cluster.kubectl("get", kinds, "--all-namespaces", "--output=name")
    assert "kubediscovery:server" in names
    assert not [line for line in names.splitlines() if line.endswith(("kubediscovery:apiservice", ":replicas"))]
    first.install()


def test_kustomize_builds_the_component(cluster: ControlPlane, tmp_path: Path) -> None:
    """A kustomization with the folder and the component gives a Deployment with the flag, and the Lease."""
    manifests = os.path.relpath(ROOT / "manifests", tmp_path)
    overlay = {"resources": [manifests], "components": [f"{manifests}/manage-apiservice"]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    built = list(yaml.safe_load_all(cluster.kubectl("kustomize", str(tmp_path))))
    (deployment,) = [found for found in built if found["kind"] == "Deployment"]
    arguments = deployment["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[-2:] == ["--manage-apiservice", "--namespace=kubediscovery"]
    assert [found["metadata"]["name"] for found in built if found["kind"] == "Lease"] == [LEASE_NAME]
