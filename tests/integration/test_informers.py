"""client-go's informers on compositions: whatever happens, they end up with what a list gives."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kubediscovery.certs import Usage
from kubediscovery.testing.controlplane import ControlPlane
from kubediscovery.testing.credentials import of_pair, write_kubeconfig
from tests.integration.informers import Informer, Report, listed, wait_until_equal
from tests.integration.load import Load
from tests.integration.serving import Server, eventually
from tests.integration.switch import Switch


@dataclass
class Informers:
    """Those of one test; ``start`` makes another one, filled."""

    program: Path
    directory: Path
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def log(self) -> Path:
        return self.directory / "informer.log"

    def start(self, kubeconfig: Path, **options: Any) -> Informer:
        informer = self.stack.enter_context(Informer(self.program, kubeconfig, log=self.log, **options))
        eventually(lambda: informer.report().synced, "the informer to be filled", log=self.log)
        return informer


@pytest.fixture
def informers(informer_program: Path, tmp_path: Path) -> Iterator[Informers]:
    made = Informers(informer_program, tmp_path)
    with made.stack:
        yield made


@dataclass(frozen=True)
class Replicas:
    """Two servers, and a switch before them, behind which kube-apiserver finds them."""

    switch: Switch
    first: Server
    second: Server

    @property
    def log(self) -> Path:
        return self.first.log


@pytest.fixture(scope="module")
def replicas(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicas]:
    """The first of them runs."""
    directory = tmp_path_factory.mktemp("replicas")
    with Switch() as switch:
        entrance = Server(cluster, directory, switch.port)
        entrance.install()
        try:
            made = Replicas(switch, *(Server(cluster, directory, free_port()) for _ in range(2)))
            switch.target = made.first.port
            with contextlib.ExitStack() as running:
                running.callback(made.first.stop)
                made.first.start()
                made.first.wait_until_available()
                yield made
        finally:
            entrance.uninstall()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


@pytest.fixture
def direct(cluster: ControlPlane, replicas: Replicas, tmp_path: Path) -> Path:
    """A kubeconfig for the servers themselves, without kube-apiserver in between."""
    pair = cluster.client_ca.issue("informer", organizations=("system:masters",), usages=(Usage.CLIENT,))
    authority = (replicas.first.directory / "ca.crt").read_bytes()
    path = tmp_path / "direct.kubeconfig"
    write_kubeconfig(path, f"https://localhost:{replicas.switch.port}", authority, of_pair(pair))
    return path


class Namespace:
    """kubectl in one namespace."""

    def __init__(self, cluster: ControlPlane, name: str) -> None:
        self.cluster = cluster
        self.name = name

    def __call__(self, *arguments: str) -> str:
        return self.cluster.kubectl("-n", self.name, *arguments)

    def create(self, *names: str, replicas: int = 2) -> None:
        for name in names:
            self("create", "deployment", name, "--image=nginx:1", f"--replicas={replicas}")

    def settle(self, *names: str) -> None:
        for name in names:
            self("rollout", "status", f"deployment/{name}", "--timeout=110s")


@pytest.fixture
def shop(cluster: ControlPlane, namespace: str) -> Namespace:
    return Namespace(cluster, namespace)


def metadata_of(items: dict[str, Any]) -> dict[str, Any]:
    return {name: item["metadata"] for name, item in items.items()}


def test_through_all_that_happens_to_objects(
    cluster: ControlPlane, replicas: Replicas, shop: Namespace, informers: Informers
) -> None:
    everything = [informers.start(cluster.kubeconfig, watch_list=watch_list) for watch_list in (True, False)]
    bare = informers.start(cluster.kubeconfig, metadata=True)
    path = f"namespaces/{shop.name}/compositions"
    selected = informers.start(cluster.kubeconfig, namespace=shop.name, selector="app=web")

    def all_equal() -> None:
        for informer in everything:
            wait_until_equal(informer, cluster, log=replicas.log)
        wait_until_equal(selected, cluster, f"{path}?labelSelector=app%3Dweb", log=replicas.log)
        eventually(lambda: metadata_of(bare.report().items) == metadata_of(listed(cluster)), "metadata to be equal")

    steps: list[Callable[[], object]] = [
        lambda: shop.create("web", "other"),
        lambda: shop.settle("web", "other"),
        lambda: shop("set", "image", "deployment/web", "nginx=nginx:2"),
        lambda: shop("scale", "deployment/other", "--replicas=4"),
        lambda: shop.settle("web", "other"),
        lambda: shop("label", "--overwrite", "deployment/web", "app=other"),
        lambda: shop("label", "--overwrite", "deployment/web", "deployment/other", "app=web"),
        lambda: shop("delete", "deployment", "web", "--wait=false"),
        lambda: shop.create("web"),
        lambda: shop("delete", "deployment", "other", "--cascade=orphan"),
        lambda: shop("create", "job", "report", "--image=busybox"),
        lambda: shop.settle("web"),
        lambda: shop("delete", "replicaset", "--all"),
        lambda: shop("delete", "deployment", "web"),
    ]
    for number, step in enumerate(steps):
        step()
        if number % 2:
            all_equal()
    for informer in (*everything, bare, selected):
        assert len(informer.report().fills) == 1


def went_on(report: Report, *logs: Path) -> Report:
    """One of an informer that was filled once, and has gone on from a version since; a failure shows the logs."""
    assert len(report.fills) == 1, "\n".join([str(report.requests), *(log.read_text()[-4000:] for log in logs)])
    assert report.resumed, report.requests
    return report


def test_through_a_restart_of_the_server(
    cluster: ControlPlane, replicas: Replicas, shop: Namespace, informers: Informers, direct: Path
) -> None:
    """Who is connected directly goes on where it was.

    Through the aggregator a client may have to begin anew: while no server is there kube-apiserver answers 503 without
    Retry-After, after which client-go does so (tools/cache/reflector.go, isWatchErrorRetriable).
    """
    logs = (replicas.log, informers.log)
    near = [informers.start(direct, watch_list=watch_list) for watch_list in (True, False)]
    selected = informers.start(direct, namespace=shop.name, selector="app in (web,doomed,fresh)")
    far = informers.start(cluster.kubeconfig)
    # client-go begins anew after a watch of less than a second in which nothing came, too.
    shop.create("web", "doomed", "stays")
    shop.settle("web", "doomed", "stays")
    shop("create", "deployment", "brief", "--image=nginx:1", "--replicas=1")
    brief = f"{shop.name}/deployments.apps.brief"
    eventually(lambda: all(brief in informer.report().items for informer in (*near, far)), "the last one to be known")
    replicas.first.stop()
    shop("delete", "deployment", "doomed", "brief")
    shop("set", "image", "deployment/web", "nginx=nginx:2")
    shop("label", "--overwrite", "deployment/stays", "app=fresh")
    shop.create("fresh")
    shop("delete", "pods", "-l", "app=stays", "--wait=false")
    replicas.first.start()
    replicas.first.wait_until_available()
    for informer in near:
        went_on(wait_until_equal(informer, cluster, log=replicas.log), *logs)
    query = "labelSelector=app+in+%28web%2Cdoomed%2Cfresh%29"
    went_on(
        wait_until_equal(selected, cluster, f"namespaces/{shop.name}/compositions?{query}", log=replicas.log), *logs
    )
    wait_until_equal(far, cluster, log=replicas.log)


def test_from_one_replica_to_another(
    cluster: ControlPlane, replicas: Replicas, shop: Namespace, informers: Informers, direct: Path
) -> None:
    """Both know the same versions, so that who comes from one goes on at the other, amid a load of changes."""
    shop.create(*Load.names(), replicas=0)
    logs = (replicas.log, informers.log)
    near = [informers.start(direct, watch_list=watch_list) for watch_list in (True, False)]
    selected = informers.start(direct, namespace=shop.name, selector="app=web")
    far = informers.start(cluster.kubeconfig)
    replicas.second.start()
    informers.stack.callback(replicas.second.stop)
    eventually(lambda: replicas.second.get("/readyz")[0] == 200, "the second replica to be ready", log=replicas.log)
    with Load(cluster, shop.name, per_second=100) as load:
        time.sleep(1.5)
        replicas.switch.target = replicas.second.port
        replicas.first.stop()
        time.sleep(1.5)
    assert load.refused == []
    for informer in (*near, far):
        went_on(wait_until_equal(informer, cluster, log=replicas.log), *logs)
    replicas.first.start()
    replicas.first.wait_until_available()
    with Load(cluster, shop.name, per_second=100):
        replicas.switch.target = replicas.first.port
        replicas.switch.cut()
        replicas.second.stop()
        time.sleep(1)
    for informer in near:
        assert len(went_on(wait_until_equal(informer, cluster, log=replicas.log), *logs).resumed) >= 2
    path = f"namespaces/{shop.name}/compositions?labelSelector=app%3Dweb"
    went_on(wait_until_equal(selected, cluster, path, log=replicas.log), *logs)
    # HTTP/2, which kube-apiserver speaks, tells of a connection that was cut; client-go then begins anew.
    wait_until_equal(far, cluster, log=replicas.log)


def test_through_restarts_of_kube_apiserver(
    cluster: ControlPlane, replicas: Replicas, shop: Namespace, informers: Informers, direct: Path
) -> None:
    """The second forgets what the server would have to tell who goes on: all there is to do is begin anew."""
    shop.create("web", "doomed", "stays", replicas=1)
    shop.settle("web", "doomed", "stays")
    near = [informers.start(direct, watch_list=watch_list) for watch_list in (True, False)]
    cluster.restart("kube-apiserver")
    # Not before: a watch through kube-apiserver, which is not told of its end, holds that up for half a minute.
    far = informers.start(cluster.kubeconfig)
    shop("delete", "deployment", "stays")
    shop.create("fresh", replicas=0)
    for informer in near:
        report = wait_until_equal(informer, cluster, log=replicas.log, seconds=40)
        assert len(report.fills) == 1, report.requests
    wait_until_equal(far, cluster, log=replicas.log)
    replicas.first.stop()
    shop("delete", "deployment", "doomed")
    shop("label", "deployment/web", "tier=front")
    cluster.compact_etcd()
    cluster.restart("kube-apiserver")
    replicas.first.start()
    replicas.first.wait_until_available()
    for informer in near:
        report = wait_until_equal(informer, cluster, log=replicas.log, seconds=40)
        assert len(report.fills) == 2, report.requests
        assert report.resumed, report.requests
    wait_until_equal(far, cluster, log=replicas.log, seconds=40)
