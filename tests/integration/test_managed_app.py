"""An app of two groups that manages its APIServices itself, in an installation of its own, on a real control plane."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import COMMAND, eventually

APP = """
from kubediscovery.framework import Registry, Struct, SubresourceRequest

class Tally(Struct, frozen=True):
    below: int

def made(group, version):
    registry = Registry(group, version, follows="")

    @registry.subresource("tally", on="deployments.apps", returns=Tally)
    async def tally(request: SubresourceRequest) -> Tally:
        return Tally(sum(1 for _ in request.seen.below(request.parent)))

    return registry

registries = [made("tallies.example.org", "v1"), made("tallies.example.org", "v2"), made("sums.example.org", "v1")]
"""
NAMES = ["v1.sums.example.org", "v1.tallies.example.org", "v2.tallies.example.org"]
LEASE = ("lease", "tallies-replicas", "--namespace=tallies")
ACCOUNT = "--as=system:serviceaccount:tallies:tallies"


class Replica:
    """One process of the app, with the rights of its service account."""

    def __init__(self, cluster: ControlPlane, folder: Path, port: int) -> None:
        self._cluster, self._folder, self.port = cluster, folder, port
        self.log = folder / f"{port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        token = self._cluster.kubectl("create", "token", "tallies", "--namespace=tallies").strip()
        flags = ("--kubeconfig", str(self._cluster.kubeconfig_with_token(token)), "--bind-address", "127.0.0.1")
        serve = (*COMMAND, "serve", "--app", "tallies_app:registries", "--manage-apiservice", *flags)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*serve, "--secure-port", str(self.port), "--cert-dir", str(self._folder)],
                cwd=self._folder,
                env=environment(self._cluster),
                stdout=log,
                stderr=log,
            )

    def stop(self) -> int:
        """As a kubelet does; gives the exit status."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(timeout=40)
        finally:
            self._process.kill()


def environment(cluster: ControlPlane) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
    return kept | {"KUBECONFIG": str(cluster.kubeconfig), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def replicas(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Replica]]:
    """Two of an app that is installed; the Service leads to the first."""
    folder = tmp_path_factory.mktemp("tallies")
    (folder / "tallies_app.py").write_text(APP)
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    where = ("--external-name", "localhost", "--port", str(ports[0]), "--cert-dir", str(folder))
    command = (*COMMAND, "install", "--apply", "--app", "tallies_app:registries", "--manage-apiservice", *where)
    done = subprocess.run(
        command, cwd=folder, env=environment(cluster), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    try:
        yield [Replica(cluster, folder, port) for port in ports]
    finally:
        undo = (*COMMAND, "uninstall", "--name", "tallies", "--kubeconfig", str(cluster.kubeconfig))
        subprocess.run(undo, capture_output=True, timeout=120, check=True)
        assert "NotFound" in cluster.kubectl("get", *LEASE, check=False)


def there(cluster: ControlPlane) -> dict[str, Any]:
    """The app's APIServices, each as people and programs wrote it."""
    listed = json.loads(cluster.kubectl("get", "apiservices", "--output=json"))["items"]
    return {found["metadata"]["name"]: found["spec"] for found in listed if found["metadata"]["name"] in NAMES}


def holders(cluster: ControlPlane) -> list[str]:
    found = cluster.kubectl("get", *LEASE, "--output=jsonpath={.spec.holderIdentity}")
    return [name for name in found.split(", ") if name]


def tallied(cluster: ControlPlane) -> list[str]:
    """The names of all Deployments, as the app tells of them."""
    listed = json.loads(cluster.kubectl("get", "--raw", "/apis/sums.example.org/v1/deployments/*/tally"))
    assert listed["kind"] == "TallyList"
    return [item["metadata"]["name"] for item in listed["items"]]


def test_the_last_replica_takes_all_of_them_away_and_the_first_puts_them_back(
    cluster: ControlPlane, replicas: list[Replica]
) -> None:
    first, second = replicas
    for replica in replicas:
        replica.start()
    eventually(lambda: len(holders(cluster)) == 2, "both to have joined", log=first.log)
    for name in NAMES:
        cluster.kubectl("wait", "--for=condition=Available", f"apiservice/{name}", "--timeout=110s")
    before = there(cluster)
    assert sorted(before) == NAMES

    assert second.stop() == 0
    assert len(holders(cluster)) == 1
    assert there(cluster) == before
    assert first.stop() == 0
    assert (holders(cluster), there(cluster)) == ([], {})
    cluster.kubectl("create", "namespace", "passing-without-tallies")
    cluster.kubectl("delete", "namespace", "passing-without-tallies", "--wait", "--timeout=110s")

    first.start()
    eventually(lambda: there(cluster) == before, "all of them to be back", log=first.log)
    for name in NAMES:
        cluster.kubectl("wait", "--for=condition=Available", f"apiservice/{name}", "--timeout=110s")
    cluster.kubectl("create", "deployment", "tallied", "--image=app", "--replicas=0")
    eventually(lambda: "tallied" in tallied(cluster), "the deployment to be tallied", log=first.log)
    cluster.kubectl("delete", "deployment", "tallied")
    # The Lease of kubediscovery itself is another one, and so are its rights.
    assert "kubediscovery" not in cluster.kubectl("get", "leases", "--namespace=tallies", "--output=name")
    assert first.stop() == 0


def test_its_rights_are_to_its_own_alone(cluster: ControlPlane, replicas: list[Replica]) -> None:
    assert replicas

    def can(*question: str) -> bool:
        return "yes" in cluster.kubectl("auth", "can-i", *question, ACCOUNT, check=False).splitlines()

    everywhere = "--all-namespaces"
    lease = ("leases.coordination.k8s.io/tallies-replicas", "--namespace=tallies")
    assert all(can(verb, f"apiservices/{name}") for name in NAMES for verb in ("get", "patch", "delete"))
    assert all(can(verb, *lease) for verb in ("get", "update"))
    assert all(can("list", kind, everywhere) for kind in ("deployments.apps", "replicasets.apps", "pods"))
    denied = [
        *((verb, "apiservices/v1.kubediscovery.cloudark.io") for verb in ("get", "patch", "delete")),
        *(
            (verb, "leases.coordination.k8s.io/kubediscovery-replicas", "--namespace=tallies")
            for verb in ("get", "update")
        ),
        *(("list", kind, everywhere) for kind in ("services", "configmaps", "secrets", "statefulsets.apps")),
    ]
    assert [question for question in denied if can(*question)] == []
