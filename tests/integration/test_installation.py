"""What the pages for operators show is so on a real control plane: their commands, their YAML, and sizes of pods."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubediscovery.client import Client
from kubediscovery.errors import StartupError
from kubediscovery.install import InstallOptions, install, render
from kubediscovery.size import Size
from kubediscovery.testing.binaries import Binaries
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.kubectl import KubectlError
from tests.integration.serving import eventually

DOCUMENTS = Path(__file__).parents[2] / "docs"
NAMESPACE = "--namespace=kubediscovery"
BLOCK = re.compile(r"^```(sh|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall((DOCUMENTS / page).read_text(encoding="utf-8")) if found == language]


@pytest.fixture(scope="module")
def cluster(binaries: Binaries) -> Iterator[ControlPlane]:
    """One of its own: a cluster has one installation."""
    with ControlPlane.start(binaries=binaries) as cluster:
        for node in cluster.kubectl("get", "nodes", "--output=name").split():
            cluster.kubectl("label", node, "kubernetes.io/os=linux", "--overwrite")
        yield cluster


def resources_of(cluster: ControlPlane) -> Any:
    """Of the pods of the newest revision, once there are two."""
    found = list[dict[str, Any]]()

    def are_there() -> bool:
        pods = json.loads(cluster.kubectl("get", "pods", NAMESPACE, "--output=json"))["items"]
        found[:] = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        return len(found) == 2 and len({pod["metadata"]["labels"]["pod-template-hash"] for pod in found}) == 1

    eventually(are_there, "two pods of one revision")
    (resources,) = {json.dumps(pod["spec"]["containers"][0]["resources"], sort_keys=True) for pod in found}
    return json.loads(resources)


async def test_pods_get_the_size_that_was_asked_for(cluster: ControlPlane, client: Client) -> None:
    """Pod Security takes them, they run, and an installation without the flags puts the defaults back."""
    large = Size("250m", "384Mi", "1280Mi")
    for size in (large, Size()):
        with pytest.raises(StartupError, match="everything is applied"):
            await install(InstallOptions(wait=0, size=size), client, print)
        cluster.kubectl("rollout", "status", "deployment/kubediscovery", NAMESPACE, "--timeout=110s")
        assert resources_of(cluster) == size.resources()
    enforced = cluster.kubectl("get", "namespace/kubediscovery", "--output=jsonpath={.metadata.labels}")
    assert json.loads(enforced)["pod-security.kubernetes.io/enforce"] == "restricted"


async def test_the_namespace_refuses_a_lesser_pod(cluster: ControlPlane, client: Client) -> None:
    cluster.kubectl("apply", "--filename=-", stdin=render(InstallOptions()))
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", NAMESPACE, "--timeout=60s")
    with pytest.raises(KubectlError, match="violates PodSecurity"):
        cluster.kubectl("run", "plain", "--image=nginx:1", NAMESPACE)


def test_the_page_s_commands_and_kustomization_can_be_used(cluster: ControlPlane, tmp_path: Path) -> None:
    """In their order, in one folder; what comes out is taken by kube-apiserver, with all the changes in it."""
    kustomization, config = blocks("installation.md", "yaml")
    (tmp_path / "kustomization.yaml").write_text(kustomization)
    (tmp_path / "config.yaml").write_text(config)
    pages = ("sizing.md", "installation.md")
    commands = [line for page in pages for text in blocks(page, "sh") for line in text.splitlines()]
    for command in commands:
        run(command, cluster, tmp_path)
    changed = list(yaml.safe_load_all((tmp_path / "changed.yaml").read_text()))
    (deployment,) = [manifest for manifest in changed if manifest["kind"] == "Deployment"]
    (settings,) = [manifest for manifest in changed if manifest["kind"] == "ConfigMap"]
    pod = deployment["spec"]["template"]["spec"]
    assert deployment["spec"]["replicas"] == 3
    assert pod["containers"][0]["resources"]["requests"] == {"cpu": "200m", "memory": "384Mi"}
    assert {"name": "config", "configMap": {"name": settings["metadata"]["name"]}} in pod["volumes"]
    assert_accepted(cluster, changed)


def run(command: str, cluster: ControlPlane, folder: Path) -> None:
    typed = command.replace("kubediscovery ", f"{sys.executable} -m kubediscovery ", 1)
    path = f"{cluster.kubectl.program.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "KUBECONFIG": str(cluster.kubeconfig), "PATH": path}
    done = subprocess.run(
        ["bash", "-ec", typed], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stderr}"


def test_the_network_policy_that_is_shown_can_be_used(cluster: ControlPlane) -> None:
    """It is about the pods that are installed."""
    (text,) = blocks("security.md", "yaml")
    policy = yaml.safe_load(text)
    installed = list(yaml.safe_load_all(render(InstallOptions())))
    (deployment,) = [manifest for manifest in installed if manifest["kind"] == "Deployment"]
    assert policy["spec"]["podSelector"]["matchLabels"] == deployment["spec"]["selector"]["matchLabels"]
    assert_accepted(cluster, [policy])


def assert_accepted(cluster: ControlPlane, manifests: list[Any]) -> None:
    """In a namespace that is there: nothing can be tried in one that is not."""
    texts = yaml.safe_dump_all(manifest for manifest in manifests if manifest["kind"] != "Namespace")
    moved = texts.replace("namespace: kubediscovery\n", "namespace: default\n")
    answer = cluster.kubectl("apply", "--server-side", "--dry-run=server", "--filename=-", stdin=moved, check=False)
    lines = answer.splitlines()
    assert len(lines) == len([manifest for manifest in manifests if manifest["kind"] != "Namespace"])
    assert all(line.endswith(" serverside-applied (server dry run)") for line in lines), answer


async def test_what_troubleshooting_asks_first_is_answered(cluster: ControlPlane, client: Client) -> None:
    """Nothing listens behind kwok's pods: kube-apiserver's reason is one of those in the table."""
    with pytest.raises(StartupError):
        await install(InstallOptions(wait=0), client, print)
    told = (DOCUMENTS / "troubleshooting.md").read_text(encoding="utf-8")
    (command,) = [line for text in blocks("troubleshooting.md", "sh") for line in text.splitlines()]
    reasons = set[str]()

    def fails_discovery() -> bool:
        found = re.search(r"False \((\w+)\)", cluster.kubectl(*command.split()[1:]))
        reasons.update(found.groups() if found else ())
        return "FailedDiscoveryCheck" in reasons

    eventually(fails_discovery, "the APIService to fail its check")
    assert all(f"`{reason}`" in told for reason in reasons)
    condition = "--output=jsonpath={.status.conditions[0].message}"
    message = cluster.kubectl("get", "apiservice/v1.kubediscovery.cloudark.io", condition)
    assert any(words in message for words in re.findall(r"`([^`…]+)", told.split("has | means |", 1)[1]))
