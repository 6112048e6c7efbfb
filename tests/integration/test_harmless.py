"""A server that is away, hangs, talks garbage or shows an expired certificate: everybody else's cluster goes on.

What was seen with kubectl 1.36.3 and kube-apiserver 1.36.3, whatever the server's trouble. kubectl never asks an
aggregated group's server for its discovery: with an empty cache it asks kube-apiserver once each for ``/api`` and
``/apis``, which answers from memory and marks the group as stale, and kubectl leaves a stale group out; with a filled
cache it asks for the objects alone. Only requests for the group itself wait: for a server that accepts and never
answers up to 60 s, until kube-apiserver has found it unavailable, and then they fail at once with 503. The namespace
controller takes a stale group for a failure, so namespaces stay Terminating until the group is fresh again or gone.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from kubediscovery.certs import CertificateAuthority
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import API, API_SERVICE, GROUP, Server, eventually
from tests.integration.standing_in import StandIn, http_answer

# What a user who has nothing to do with kubediscovery does; each command is of other groups than the one before.
COMMANDS = (
    "get pods",
    "get deployments -A",
    "get jobs,cronjobs,leases,roles,ingresses,storageclasses -A",
    "api-resources",
    "explain deployments.spec",
    "create configmap other --from-literal=a=b --dry-run=server",
)
# Far above what one of these takes, far below what anything of kubectl or kube-apiserver would wait for a server. A
# command that is late twice in a row was not just on a machine under load; one that hangs is not asked again.
DELAY_SECONDS, HANGING_SECONDS = 3.0, 10.0


@pytest.fixture(scope="module")
def server(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Of this module's own: it is stopped and replaced all the time."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    server = Server(cluster, tmp_path_factory.mktemp("harmless"), port)
    server.install()
    server.start()
    server.wait_until_available()
    yield server
    server.stop()
    server.uninstall()


@dataclass
class Terminal:
    """Somebody with kubectl; ``cache`` is filled, as everybody's is who has used the cluster before."""

    cluster: ControlPlane
    cache: Path
    empty: Path

    def seconds(self, command: str, *, has_cache: bool) -> float:
        """How long a command takes, which must succeed."""
        return self._run(command, has_cache=has_cache)[0]

    def asked(self, command: str, *, has_cache: bool) -> list[str]:
        """The paths that kubectl asked kube-apiserver for."""
        said = self._run(f"{command} -v=6", has_cache=has_cache)[1]
        return re.findall(r'url="https://[^/]+(/[^"?]*)', said)

    def knows(self, kind: str) -> bool:
        """Whether kubectl finds a kind in kube-apiserver's discovery as it is now."""
        return kind in self._run("api-resources", has_cache=False)[2]

    def _run(self, command: str, *, has_cache: bool) -> tuple[float, str, str]:
        cache = self.cache if has_cache else self.empty / str(time.monotonic_ns())
        kubectl = self.cluster.kubectl
        program = [str(kubectl.program), f"--kubeconfig={kubectl.kubeconfig}", f"--cache-dir={cache}"]
        begun = time.monotonic()
        done = subprocess.run([*program, *command.split()], capture_output=True, text=True, check=False, timeout=60)
        seconds = time.monotonic() - begun
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return seconds, done.stderr, done.stdout


@pytest.fixture(scope="module")
def terminal(cluster: ControlPlane, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    return Terminal(cluster, tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module")
def healthy(terminal: Terminal) -> dict[tuple[str, bool], float]:
    """The seconds of each command while all is well; the slower of two counts."""
    return {
        (command, has_cache): max(terminal.seconds(command, has_cache=has_cache) for _ in range(2))
        for has_cache in (True, False)
        for command in COMMANDS
    }


@pytest.fixture
def doomed(cluster: ControlPlane) -> Iterator[str]:
    """A namespace that a test deletes; what is left of it goes by itself, in its time."""
    name = f"doomed-{time.monotonic_ns()}"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")


@contextmanager
def stopped(server: Server, cluster: ControlPlane) -> Iterator[None]:
    server.stop()
    yield
    server.start()


@contextmanager
def paused(server: Server, cluster: ControlPlane) -> Iterator[None]:
    server.pause()
    yield
    server.resume()


@contextmanager
def silent(server: Server, cluster: ControlPlane) -> Iterator[None]:
    """Something takes the connections, and answers not even the TLS handshake."""
    with stopped(server, cluster), StandIn(server.port):
        yield


@contextmanager
def talking(answer: bytes, server: Server, cluster: ControlPlane) -> Iterator[None]:
    """Something with the right certificate gives this answer to everything."""
    with stopped(server, cluster), StandIn(server.port, answer, serving_context(server.directory)):
        yield


@contextmanager
def expired(server: Server, cluster: ControlPlane) -> Iterator[None]:
    """Good answers, with a certificate of the authority in caBundle, that ended yesterday."""
    authority, directory = CertificateAuthority.create("ended"), server.directory / "ended"
    names, begun = ["localhost", "kubediscovery.kubediscovery.svc"], datetime.now(UTC) - timedelta(days=2)
    pair = authority.issue("ended", dns_names=names, starts=begun, lifetime=timedelta(days=1))
    ServingCertificate(authority.certificate, pair.certificate, pair.key).write(directory)
    answer = http_answer("200 OK", server.get_as_admin(API)[1])
    bundle = base64.b64encode(authority.certificate).decode()
    with stopped(server, cluster), StandIn(server.port, answer, serving_context(directory)):
        patch = json.dumps({"spec": {"caBundle": bundle}})
        cluster.kubectl("patch", "apiservice", API_SERVICE, "--type=merge", f"--patch={patch}")
        yield
        # Installing again is what puts it right.
        server.install()


def serving_context(directory: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "tls.crt", directory / "tls.key")
    return context


Trouble = Callable[[Server, ControlPlane], AbstractContextManager[None]]


@pytest.mark.parametrize(
    ("trouble", "is_noticed"),
    [
        pytest.param(stopped, True, id="stopped"),
        pytest.param(paused, True, id="paused"),
        pytest.param(silent, True, id="silent"),
        pytest.param(partial(talking, bytes(range(256)) * 16), True, id="no HTTP"),
        pytest.param(partial(talking, http_answer("500 Internal Server Error", b"{}")), True, id="HTTP 500"),
        # To kube-apiserver 200 is good enough to be available; what it cannot read makes the group stale all the same.
        pytest.param(
            partial(talking, http_answer("200 OK", b'{"kind": "APIResourceList", "resources": 5}')),
            False,
            id="wrong JSON",
        ),
        pytest.param(partial(talking, http_answer("200 OK", b"<html>", "text/html")), False, id="HTML"),
        pytest.param(expired, True, id="expired certificate"),
    ],
)
def test_everybody_else_goes_on(
    trouble: Trouble,
    is_noticed: bool,
    cluster: ControlPlane,
    server: Server,
    terminal: Terminal,
    healthy: Mapping[tuple[str, bool], float],
    doomed: str,
) -> None:
    """Before kube-apiserver has noticed and afterwards; only the deletion of a namespace waits.

    A hung server is noticed in 5 s by the probe, and 5 s later by what keeps discovery.
    """
    kubectl = cluster.kubectl
    with trouble(server, cluster):
        check_undelayed(terminal, healthy)
        look_again(cluster)
        if is_noticed:
            kubectl("wait", "--for=condition=Available=False", f"apiservice/{API_SERVICE}", "--timeout=110s")
        eventually(lambda: not terminal.knows("compositions"), "the group to be stale", seconds=60)
        kubectl("delete", "namespace", doomed, "--wait=false")
        eventually(lambda: GROUP in holds_back(cluster, doomed), "the deletion to be held back", seconds=60)
        check_undelayed(terminal, healthy)
        assert "Terminating" in kubectl("get", "namespace", doomed)
    look_again(cluster)
    server.wait_until_available()


def check_undelayed(terminal: Terminal, healthy: Mapping[tuple[str, bool], float]) -> None:
    late = {}
    for (command, has_cache), usual in healthy.items():
        seconds = terminal.seconds(command, has_cache=has_cache)
        if usual + DELAY_SECONDS < seconds < HANGING_SECONDS:
            seconds = terminal.seconds(command, has_cache=has_cache)
        if seconds > usual + DELAY_SECONDS:
            late[command, has_cache] = seconds
    assert late == {}


def look_again(cluster: ControlPlane) -> None:
    """Any change of an APIService makes kube-apiserver probe at once: the tests need not wait for its next round."""
    note = f"tests/looked-at={time.monotonic_ns()}"
    cluster.kubectl("annotate", "apiservice", API_SERVICE, note, "--overwrite")


def holds_back(cluster: ControlPlane, namespace: str) -> str:
    """What kube-controller-manager says that a namespace's deletion waits for."""
    found = json.loads(cluster.kubectl("get", "namespace", namespace, "--output=json"))
    conditions = {condition["type"]: condition for condition in found["status"].get("conditions", ())}
    failure = conditions.get("NamespaceDeletionDiscoveryFailure", {"status": "False"})
    return str(failure["message"]) if failure["status"] == "True" else ""


def test_kubectl_asks_nobody_but_kube_apiserver(cluster: ControlPlane, server: Server, terminal: Terminal) -> None:
    """Discovery is kube-apiserver's own: two requests with an empty cache, none with a filled one."""
    pods = "/api/v1/namespaces/default/pods"
    terminal.seconds("get pods", has_cache=True)
    server.pause()
    try:
        assert terminal.asked("get pods", has_cache=False) == ["/api", "/apis", pods]
        assert terminal.asked("get pods", has_cache=True) == [pods]
    finally:
        server.resume()


def test_namespaces_go_when_the_server_is_back(cluster: ControlPlane, server: Server, doomed: str) -> None:
    """By themselves, within a minute or little more."""
    server.stop()
    hold_back(cluster, doomed)
    server.start()
    look_again(cluster)
    server.wait_until_available()
    eventually(lambda: is_gone(cluster, doomed), "the namespace to go", seconds=90)


def test_namespaces_go_when_it_is_uninstalled(cluster: ControlPlane, server: Server, doomed: str) -> None:
    server.stop()
    hold_back(cluster, doomed)
    assert f"removed apiservice.apiregistration.k8s.io/{API_SERVICE}" in server.uninstall()
    eventually(lambda: is_gone(cluster, doomed), "the namespace to go", seconds=90)
    server.install()
    server.start()
    server.wait_until_available()


def hold_back(cluster: ControlPlane, namespace: str) -> None:
    look_again(cluster)
    cluster.kubectl("wait", "--for=condition=Available=False", f"apiservice/{API_SERVICE}", "--timeout=110s")
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")
    eventually(lambda: GROUP in holds_back(cluster, namespace), "the deletion to be held back", seconds=60)


def is_gone(cluster: ControlPlane, namespace: str) -> bool:
    return cluster.kubectl("get", "namespace", namespace, "--ignore-not-found") == ""
