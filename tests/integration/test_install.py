"""Installing on a real control plane of its own: a cluster has one installation, and other tests have theirs."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubediscovery.client import Client
from kubediscovery.errors import StartupError
from kubediscovery.granted import BY_DEFAULT
from kubediscovery.install import InstallOptions, install, render
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.testing.binaries import Binaries
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.uninstall import uninstall

ROOT = Path(__file__).parents[2]
SERVICE_ACCOUNT = "system:serviceaccount:kubediscovery:kubediscovery"
API_SERVICE = "apiservice/v1.kubediscovery.cloudark.io"
COMPOSITIONS = "/apis/kubediscovery.cloudark.io/v1/namespaces/default/deployments/*/compositions"


@pytest.fixture(scope="module")
def cluster(binaries: Binaries) -> Iterator[ControlPlane]:
    with ControlPlane.start(binaries=binaries) as cluster:
        # A real kubelet labels its node so; pods ask for Linux, and are spread over host names.
        for node in cluster.kubectl("get", "nodes", "--output=name").split():
            hostname = f"kubernetes.io/hostname={node.removeprefix('node/')}"
            cluster.kubectl("label", node, "kubernetes.io/os=linux", hostname, "--overwrite")
        yield cluster


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def outside(cluster: ControlPlane, tmp_path: Path, port: int) -> InstallOptions:
    """Options for a server that is a process on this machine."""
    return InstallOptions(
        external_name="localhost", port=port, cert_dir=tmp_path / "certs", kubeconfig=str(cluster.kubeconfig)
    )


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.2)


def availability(cluster: ControlPlane) -> dict[str, Any]:
    conditions = json.loads(cluster.kubectl("get", API_SERVICE, "--output=json")).get("status", {}).get("conditions")
    return next((found for found in conditions or [] if found["type"] == "Available"), {"status": "Unknown"})


def is_available(cluster: ControlPlane) -> bool:
    return bool(availability(cluster)["status"] == "True")


def ca_bundle(cluster: ControlPlane) -> bytes:
    return base64.b64decode(cluster.kubectl("get", API_SERVICE, "--output=jsonpath={.spec.caBundle}"))


def can(cluster: ControlPlane, user: str, *question: str) -> bool:
    # It warns of resources without a namespace, and exits with 1 for a no.
    return "yes" in cluster.kubectl("auth", "can-i", *question, f"--as={user}", check=False).splitlines()


async def install_outside(client: Client, outside: InstallOptions) -> list[str]:
    said: list[str] = []
    await install(outside, client, said.append)
    return said


@contextmanager
def serving(outside: InstallOptions, commands: list[str], kubectl: Path) -> Iterator[None]:
    """Run the commands that install told to type, up to the server, which is ended afterwards."""
    assert outside.cert_dir is not None
    path = f"{Path(sys.executable).parent}{os.pathsep}{kubectl.parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path}
    (serve,) = [line for line in commands if line.startswith("kubediscovery serve ")]
    subprocess.run(["bash", "-euc", "\n".join(commands[: commands.index(serve)])], env=environment, check=True)
    with (outside.cert_dir / "log").open("wb") as log:
        arguments = [sys.executable, "-m", *shlex.split(serve), "--bind-address=127.0.0.1"]
        with subprocess.Popen(arguments, env=environment, stdout=log, stderr=log) as server:
            try:
                yield
            finally:
                server.terminate()


async def test_the_told_commands_lead_to_a_first_answer(
    cluster: ControlPlane, client: Client, outside: InstallOptions
) -> None:
    """The lines that install prints make a kubeconfig of the service account and start a server that answers.

    kube-apiserver verifies the server's certificate, and the server has no rights but the service account's.
    """
    said = await install_outside(client, outside)
    commands = said[next(i for i, line in enumerate(said) if line.startswith("# A kubeconfig")) :]
    assert outside.cert_dir is not None
    kubeconfig = outside.cert_dir / "kubeconfig"
    with serving(outside, commands, cluster.kubectl.program):
        assert kubeconfig.stat().st_mode & 0o077 == 0
        users = yaml.safe_load(kubeconfig.read_text())["users"]
        assert [(user["name"], list(user["user"])) for user in users] == [("kubediscovery", ["token"])]
        assert SERVICE_ACCOUNT in cluster.kubectl("auth", "whoami", kubeconfig=kubeconfig)
        wait_until(lambda: is_available(cluster), "the APIService to be available")
        first = shlex.split(commands[-1])
        wait_until(lambda: "items" in cluster.kubectl(*first[3:], check=False), "a first answer")
        assert json.loads(cluster.kubectl("get", "--raw", COMPOSITIONS))["items"] == []


async def test_a_renewal_does_not_interrupt(cluster: ControlPlane, client: Client, outside: InstallOptions) -> None:
    """After a renewal kube-apiserver trusts both the server that has the old certificate and the one with the new."""
    said = await install_outside(client, outside)
    commands = said[next(i for i, line in enumerate(said) if line.startswith("# A kubeconfig")) :]
    assert outside.cert_dir is not None
    before = ServingCertificate.read(outside.cert_dir)
    assert before is not None
    with serving(outside, commands, cluster.kubectl.program):
        wait_until(lambda: is_available(cluster), "the APIService to be available")
        (outside.cert_dir / "tls.key").write_bytes(ServingCertificate.create(["localhost"]).key)
        assert any("does not belong to its key" in line for line in await install_outside(client, outside))
        assert ca_bundle(cluster) != before.ca
        # The aggregator looks again at once when the APIService changes.
        wait_until(lambda: "items" in cluster.kubectl("get", "--raw", COMPOSITIONS, check=False), "an answer")
        assert is_available(cluster)


async def test_installing_twice_keeps_the_certificate(
    cluster: ControlPlane, client: Client, outside: InstallOptions
) -> None:
    """The files, the caBundle and every object's generation stay as they are."""
    await install_outside(client, outside)
    assert outside.cert_dir is not None
    before = ServingCertificate.read(outside.cert_dir), cluster.kubectl("get", API_SERVICE, "--output=jsonpath={.spec}")
    said = await install_outside(client, outside)
    after = ServingCertificate.read(outside.cert_dir), cluster.kubectl("get", API_SERVICE, "--output=jsonpath={.spec}")
    assert after == before
    assert before[0] is not None
    assert ca_bundle(cluster) == before[0].ca
    assert any(line.startswith("kept the certificate") for line in said)


async def test_the_service_account_may_do_exactly_what_was_meant(
    cluster: ControlPlane, client: Client, outside: InstallOptions
) -> None:
    """Beyond what every service account may: read the tracked kinds and pods' figures, and create the two reviews."""
    await install_outside(client, outside)
    cluster.kubectl("wait", "--for=create", "serviceaccount/default", "--namespace=default")
    ours, anybody = (
        set(rules_of(cluster, user)) for user in (SERVICE_ACCOUNT, "system:serviceaccount:default:default")
    )
    tracked = {f"{resource}{'.' if group else ''}{group} list watch" for group, resource in BY_DEFAULT}
    reviews = {"tokenreviews.authentication.k8s.io create", "subjectaccessreviews.authorization.k8s.io create"}
    assert ours - anybody == tracked | reviews | {"pods.metrics.k8s.io list"}


def rules_of(cluster: ControlPlane, user: str) -> Iterator[str]:
    """``<resource> <verbs>`` of what a user may do in the namespace default, as kube-apiserver lists it."""
    table = cluster.kubectl("auth", "can-i", "--list", "--no-headers", "--namespace=default", f"--as={user}")
    for line in table.splitlines():
        resource, *_, verbs = re.split(r"\s{2,}|(?<=\])\s+", line.strip())
        yield f"{resource} {verbs.strip('[]')}"


async def test_secrets_and_writing_are_out_of_reach(
    cluster: ControlPlane, client: Client, outside: InstallOptions
) -> None:
    """Questions that an auditor would ask of the server's identity."""
    await install_outside(client, outside)
    allowed = [("list", "pods", "-A"), ("watch", "deployments.apps", "-A"), ("create", "tokenreviews")]
    denied = [
        ("list", "secrets", "-A"),
        ("get", "secrets", "--namespace=kubediscovery"),
        ("create", "pods", "-A"),
        ("delete", "deployments.apps", "-A"),
        ("get", "pods", "--subresource=log", "-A"),
        ("create", "pods", "--subresource=exec", "-A"),
        ("get", "pods", "-A"),
        ("get", "configmaps", "-A"),
        ("list", "leases", "-A"),
        ("list", "kafkas.example.org", "-A"),
        ("impersonate", "users"),
    ]
    wait_until(lambda: all(can(cluster, SERVICE_ACCOUNT, *question) for question in allowed), "the rights")
    assert not any(can(cluster, SERVICE_ACCOUNT, *question) for question in denied)
    trust = "configmaps/extension-apiserver-authentication"
    assert can(cluster, SERVICE_ACCOUNT, "get", trust, "--namespace=kube-system")


async def test_viewers_may_ask_for_compositions(cluster: ControlPlane, client: Client, outside: InstallOptions) -> None:
    """The role `view` comes to include compositions, by aggregation; who has no role may not."""
    await install_outside(client, outside)
    cluster.kubectl("create", "rolebinding", "vera", "--clusterrole=view", "--user=vera", "--namespace=default")
    subresource = {"resource": "deployments", "subresource": "compositions", "verb": "get"}
    try:
        until = time.monotonic() + 30
        while not await may_in_group(client, "vera", **subresource):
            assert time.monotonic() < until, "the role was not aggregated"
            await asyncio.sleep(0.2)
        assert await may_in_group(client, "vera", resource="compositions", verb="list")
        assert not await may_in_group(client, "vera", resource="compositions", verb="delete")
        assert not await may_in_group(client, "vera", resource="deployments", verb="get")
        assert not await may_in_group(client, "vera", namespace="kube-system", **subresource)
        assert not await may_in_group(client, "nobody", **subresource)
    finally:
        cluster.kubectl("delete", "rolebinding", "vera", "--namespace=default")


async def may_in_group(client: Client, user: str, *, namespace: str = "default", **attributes: str) -> bool:
    """Ask about the group by a review: kubectl knows no kinds of a group whose server is down."""
    asked = {"group": "kubediscovery.cloudark.io", "namespace": namespace, **attributes}
    review = {"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"}
    body = {**review, "spec": {"user": user, "resourceAttributes": asked}}
    answer = await client.request("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=body)
    return bool(answer["status"]["allowed"])


async def test_a_foreign_api_service_is_refused(cluster: ControlPlane, client: Client, outside: InstallOptions) -> None:
    """Somebody else's APIService of that name is named with its owner and left as it is; nothing is installed."""
    foreign = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": "v1.kubediscovery.cloudark.io"},
        "spec": {
            "group": "kubediscovery.cloudark.io",
            "version": "v1",
            "groupPriorityMinimum": 1000,
            "versionPriority": 15,
            "insecureSkipTLSVerify": True,
            "service": {"namespace": "theirs", "name": "discovery"},
        },
    }
    cluster.kubectl("create", "--filename=-", "--field-manager=their-installer", stdin=json.dumps(foreign))
    try:
        with pytest.raises(StartupError) as caught:
            await install_outside(client, outside)
        assert "it leads to Service theirs/discovery and is managed by their-installer" in str(caught.value)
        assert "theirs" in cluster.kubectl("get", API_SERVICE, "--output=jsonpath={.spec.service.namespace}")
        assert "kubediscovery" not in cluster.kubectl("get", "namespaces", "--output=name")
    finally:
        cluster.kubectl("delete", API_SERVICE)


async def test_the_listed_rights_are_the_ones_that_installing_takes(
    cluster: ControlPlane, client: Client, outside: InstallOptions
) -> None:
    """A user without rights is told all of them at once; given exactly those, the same user can install."""
    kubeconfig = str(cluster.kubeconfig_for("ines"))
    restricted = await Client.connect(kubeconfig)
    try:
        for options in (outside, InstallOptions(wait=0)):
            with pytest.raises(StartupError) as caught:
                await install(options, restricted, print)
            give_rights(cluster, "ines", str(caught.value).splitlines()[1:])
            # The authorizer learns of a new role within moments, not at once.
            wait_until(lambda: can(cluster, "ines", "create", "clusterroles"), "the rights")
            await asyncio.sleep(1)
            said: list[str] = []
            with pytest.raises(StartupError) if options.wait == 0 else nullcontext():
                await install(options, restricted, said.append)
            assert f"applied {API_SERVICE.replace('/', '.apiregistration.k8s.io/')}" in said
            cluster.kubectl("delete", "clusterrolebinding/ines", "clusterrole/ines")
    finally:
        await restricted.close()


def give_rights(cluster: ControlPlane, user: str, lines: list[str]) -> None:
    """A ClusterRole of the lines ``<verb> <resource>[.<group>][/<name>] …`` that the refusal consists of."""
    rules = []
    for line in lines:
        verb, what = line.split()[:2]
        resource, _, name = what.partition("/")
        plural, _, group = resource.partition(".")
        names = {"resourceNames": [name]} if name else {}
        rules.append({"apiGroups": [group], "resources": [plural], "verbs": [verb]} | names)
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": user},
        "rules": rules,
    }
    cluster.kubectl("create", "--filename=-", stdin=json.dumps(role))
    cluster.kubectl("create", "clusterrolebinding", user, f"--clusterrole={user}", f"--user={user}")


async def test_the_pods_run_in_the_cluster(cluster: ControlPlane, client: Client) -> None:
    """The Deployment's pods pass the namespace's Pod Security level and run, on different nodes.

    Nothing listens behind the addresses that kwok makes up, so install tells that the APIService stays unavailable.
    """
    with pytest.raises(StartupError, match="everything is applied, but APIService"):
        await install(InstallOptions(wait=0), client, print)
    namespace = "--namespace=kubediscovery"
    cluster.kubectl("wait", "deployment/kubediscovery", "--for=condition=Available", namespace, "--timeout=110s")
    pods = json.loads(cluster.kubectl("get", "pods", namespace, "--output=json"))["items"]
    assert len({pod["spec"]["nodeName"] for pod in pods}) == len(pods) == 2
    assert {pod["spec"]["priority"] for pod in pods} == {1_000_000_000}
    wait_until(lambda: availability(cluster).get("reason") != "MissingEndpoints", "the endpoints")
    # A second time: the certificate in the Secret stays.
    before = cluster.kubectl("get", "secret/kubediscovery-tls", namespace, "--output=jsonpath={.data}")
    with pytest.raises(StartupError):
        await install(InstallOptions(wait=0), client, print)
    assert cluster.kubectl("get", "secret/kubediscovery-tls", namespace, "--output=jsonpath={.data}") == before


async def test_moving_outside_leaves_no_pods(cluster: ControlPlane, client: Client, outside: InstallOptions) -> None:
    """A ClusterIP Service becomes an ExternalName, and the Deployment goes."""
    with pytest.raises(StartupError):
        await install(InstallOptions(wait=0), client, print)
    await install_outside(client, outside)
    kinds = "deployments,secrets,poddisruptionbudgets,networkpolicies"
    wait_until(
        lambda: cluster.kubectl("get", kinds, "--namespace=kubediscovery", "--output=name") == "", "the pods to go"
    )
    service = json.loads(cluster.kubectl("get", "service/kubediscovery", "--namespace=kubediscovery", "--output=json"))
    assert service["spec"]["type"] == "ExternalName"


def test_every_manifest_is_accepted(cluster: ControlPlane) -> None:
    """kube-apiserver takes all printed manifests, without a warning, in a namespace that is there."""
    command = ("apply", "--server-side", "--dry-run=server", "--filename=-")
    answer = cluster.kubectl(*command, stdin=render(InstallOptions(namespace="default")), check=False)
    lines = answer.splitlines()
    assert len(lines) == 14
    assert all(line.endswith(" serverside-applied (server dry run)") for line in lines)


async def test_the_printed_stream_installs_with_kubectl(cluster: ControlPlane, client: Client) -> None:
    """``kubediscovery install | kubectl apply -f -`` makes what --apply makes, and uninstall finds it."""
    cluster.kubectl("apply", "--filename=-", stdin=render(InstallOptions()))
    said: list[str] = []
    await uninstall(client, said.append)
    assert "removed deployment.apps/kubediscovery in namespace kubediscovery" in said
    assert "removed namespace/kubediscovery" in said


def test_kustomize_renders_the_folder(cluster: ControlPlane) -> None:
    """``kubectl kustomize manifests`` gives each object of the folder, unchanged."""

    def by_name(documents: Iterator[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
        return {(document["kind"], document["metadata"]["name"]): document for document in documents}

    rendered = by_name(yaml.safe_load_all(cluster.kubectl("kustomize", str(ROOT / "manifests"))))
    files = [path for path in (ROOT / "manifests").glob("*.yaml") if path.name != "kustomization.yaml"]
    written = by_name(document for path in files for document in yaml.safe_load_all(path.read_text()))
    assert rendered == written
    assert len(rendered) == 18


async def test_uninstalling_leaves_nothing_behind(
    cluster: ControlPlane, client: Client, outside: InstallOptions
) -> None:
    """Of all kinds that the cluster serves, no object is there that was not before; also after a server outside."""
    before = everything(cluster)
    for options in (InstallOptions(wait=0), outside):
        with pytest.raises(StartupError) if options.wait == 0 else nullcontext():
            await install(options, client, print)
        assert len(everything(cluster) - before) >= 9
        await uninstall(client, print, cert_dir=options.cert_dir)
        wait_until(lambda: everything(cluster) <= before, "the end of what controllers made")
    assert outside.cert_dir is not None
    assert ServingCertificate.read(outside.cert_dir) is None
    said: list[str] = []
    await uninstall(client, said.append)
    assert said == ["kubediscovery is not installed: nothing to remove"]


def everything(cluster: ControlPlane) -> set[str]:
    """``<namespace> <kind>/<name>`` of every object but the events that tell of what happened."""
    kinds = cluster.kubectl("api-resources", "--verbs=list", "--output=name", check=False).split()
    served = ",".join(kind for kind in kinds if not kind.startswith("events") and "error" not in kind)
    lines = cluster.kubectl(
        "get",
        served,
        "--all-namespaces",
        "--ignore-not-found",
        '--output=go-template={{range .items}}{{.metadata.namespace}} {{.kind}}/{{.metadata.name}}{{"\\n"}}{{end}}',
    )
    return set(lines.splitlines())
