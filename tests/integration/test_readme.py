"""README's commands do what it says: every ``sh`` block is run, in order, on a real control plane."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import GROUP, Server, eventually

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = [line for block in BLOCK.findall(README) for line in block.splitlines()]


class Reader:
    """Somebody who types what README says."""

    def __init__(self, cluster: ControlPlane, directory: Path) -> None:
        self._cluster = cluster
        self._directory = directory
        self._run: Mapping[str, Callable[[str], None]] = {
            "make": self._make,
            "pip": self._pip,
            "kubediscovery": self._kubediscovery,
            "kubectl": self._kubectl,
        }

    def type(self, command: str) -> None:
        self._run[command.split()[0]](command)

    def _make(self, command: str) -> None:
        # `make test` would run this test again: that the target exists and what it would do is enough here.
        subprocess.run([*command.split(), "--dry-run"], cwd=ROOT, check=True, capture_output=True)

    def _pip(self, command: str) -> None:
        environment = self._directory / "environment"
        venv.create(environment, with_pip=True)
        python = str(environment / "bin" / "python")
        subprocess.run([python, "-m", *command.split(), "--quiet"], cwd=ROOT, check=True)
        subprocess.run([python, "-m", "kubediscovery", "--version"], cwd=self._directory, check=True)

    def _kubediscovery(self, command: str) -> None:
        typed = command.replace("kubediscovery ", f"{sys.executable} -m kubediscovery ", 1)
        environment = {**os.environ, "KUBECONFIG": str(self._cluster.kubeconfig)}
        subprocess.run(["bash", "-ec", typed], cwd=self._directory, env=environment, check=True)

    def _kubectl(self, command: str) -> None:
        kubectl = self._cluster.kubectl
        typed = command.replace("kubectl ", f"{kubectl.program} --kubeconfig {kubectl.kubeconfig} ", 1)
        done = subprocess.run(["bash", "-ec", typed], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "web" in done.stdout or done.stdout == "Healthy"


@pytest.fixture(scope="module")
def reader(cluster: ControlPlane, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    cluster.kubectl("create", "deployment", "web", "--image=nginx:1", "--replicas=2")
    cluster.kubectl("rollout", "status", "deployment/web", "--timeout=110s")
    # The aggregator asks for descriptions a second after the server is there.
    eventually(lambda: GROUP in cluster.kubectl("get", "--raw", "/openapi/v3"), "the API's description")
    return Reader(cluster, tmp_path_factory.mktemp("reader"))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme(reader: Reader, command: str) -> None:
    reader.type(command)


def test_the_way_to_let_namespaces_go_is_the_one_told(cluster: ControlPlane, server: Server) -> None:
    """With the server down a namespace stays Terminating; deleting the APIService lets it go."""
    assert "kubectl delete apiservice v1.kubediscovery.cloudark.io" in README
    kubectl = cluster.kubectl
    server.stop()
    kubectl("wait", "--for=condition=Available=False", "apiservice/v1.kubediscovery.cloudark.io", "--timeout=90s")
    kubectl("create", "namespace", "held")
    kubectl("delete", "namespace", "held", "--wait=false")
    kubectl("wait", "--for=condition=NamespaceDeletionDiscoveryFailure", "namespace/held", "--timeout=110s")
    kubectl("delete", "apiservice", "v1.kubediscovery.cloudark.io")
    kubectl("wait", "--for=delete", "namespace/held", "--timeout=110s")
    server.install()
    server.start()
    server.wait_until_available()


def test_every_linked_file_is_there() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
