"""A control plane: etcd, kube-apiserver with aggregation, controllers and nodes that kwok plays, on loopback."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kubediscovery.certs import CertificateAuthority, KeyPair
from kubediscovery.errors import StartupError
from kubediscovery.testing.binaries import Binaries, find_binaries
from kubediscovery.testing.components import ALL, CONTROLLERS, Ports, Setup, kwok_configuration
from kubediscovery.testing.credentials import ADMINISTRATOR, Credentials, of_pair, write_kubeconfig
from kubediscovery.testing.kubectl import Kubectl
from kubediscovery.testing.probes import Answer, ask, client_context
from kubediscovery.testing.processes import ComponentDied
from kubediscovery.testing.runner import Runner
from kubediscovery.testing.workspace import Workspace

# A port can be taken between its choice and its use; several times in a row means something else is wrong.
_ATTEMPTS = 5


class ControlPlane:
    """A running control plane, made by `start`; as a context manager it stops at the end of the block.

    All that it starts ends with it, also when this process is killed. Its files lie in ``directory``.
    """

    def __init__(self, workspace: Workspace, binaries: Binaries, *, nodes: int, controllers: bool) -> None:
        self._workspace = workspace
        self._binaries = binaries
        self._node_names = [f"node-{number}" for number in range(1, nodes + 1)] if controllers else []
        self._components = ALL if controllers else tuple(name for name in ALL if name not in CONTROLLERS)
        self._numbers = itertools.count(1)
        self._runner = Runner()
        self._credentials = Credentials.create(self.directory / "pki")
        self._context = client_context(self.ca, self.directory / "pki" / ADMINISTRATOR)
        self._setup = self._prepare()

    @classmethod
    def start(
        cls,
        directory: Path | None = None,
        *,
        nodes: int = 2,
        controllers: bool = True,
        keep: bool = False,
        binaries: Binaries | None = None,
    ) -> Self:
        """Start all components and wait until the nodes are ready; `StartupError` says what did not come up.

        Without ``directory`` a temporary folder is used. A folder of an earlier control plane is emptied first, unless
        ``keep`` asks for its objects, authorities and keys. Without ``controllers`` there are etcd and kube-apiserver
        alone: no nodes, no service accounts, nobody acts on what is written.
        """
        binaries = binaries or find_binaries()
        workspace = Workspace(directory, keep=keep)
        try:
            cluster = cls(workspace, binaries, nodes=nodes, controllers=controllers)
        except BaseException:
            workspace.close()
            raise
        try:
            cluster._start_all()
        except BaseException:
            cluster.stop()
            raise
        return cluster

    @property
    def directory(self) -> Path:
        """The folder that holds everything."""
        return self._workspace.directory

    @property
    def logs(self) -> Path:
        """The folder of the logs, ``<component>.log`` each."""
        return self._setup.logs

    @property
    def server(self) -> str:
        """The URL of kube-apiserver."""
        return self._setup.server

    @property
    def etcd(self) -> str:
        """The URL of etcd, which asks nobody who they are."""
        return self._setup.etcd

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the administrator (group system:masters)."""
        return self._setup.kubeconfig(ADMINISTRATOR)

    @property
    def kubectl(self) -> Kubectl:
        """kubectl as a function, by default as the administrator."""
        return Kubectl(self._binaries.programs["kubectl"], self.kubeconfig, self.directory / "kubectl-cache")

    @property
    def ca(self) -> bytes:
        """The certificate that kube-apiserver's own certificate is verified by, PEM."""
        return self._credentials.serving_ca.certificate

    @property
    def client_ca(self) -> CertificateAuthority:
        """The authority that proves users."""
        return self._credentials.client_ca

    @property
    def requestheader_ca(self) -> CertificateAuthority:
        """The authority that proves the front proxy."""
        return self._credentials.requestheader_ca

    @property
    def front_proxy(self) -> KeyPair:
        """The client certificate that the aggregator shows."""
        return self._credentials.front_proxy

    def kubeconfig_for(self, user: str, groups: Iterable[str] = ()) -> Path:
        """Write a kubeconfig for that user in those groups, proved by a client certificate."""
        return self._write_kubeconfig(of_pair(self._credentials.client(user, groups)))

    def kubeconfig_with_token(self, token: str) -> Path:
        """Write a kubeconfig that shows that bearer token, as ``kubectl create token`` gives it."""
        return self._write_kubeconfig({"token": token})

    def get(self, path: str) -> Answer:
        """GET a path of kube-apiserver as the administrator; status 0 when nobody answers."""
        return ask(self.server + path, context=self._context)

    def restart(self, component: str) -> None:
        """Stop a component in an orderly way, start it again on the same port, and wait until all is ready.

        Around kube-apiserver those that act on objects are restarted too: some end where it is away for too long, and
        the others would wait for up to a minute before they list again (k8s.io/client-go, tools/cache/reflector.go).
        """
        around = [name for name in CONTROLLERS if component == "kube-apiserver" and self._runner.runs(name)]
        for name in (*around, component):
            self.stop_component(name)
        for name in (component, *around):
            self.start_component(name)

    def stop_component(self, component: str) -> None:
        """Stop one component; the others are left to bear it."""
        self._runner.stop(component)

    def start_component(self, component: str) -> None:
        """Start a component that was stopped, and wait until kube-apiserver is ready, as far as it runs."""
        self._launch(component)
        if self._runner.runs("kube-apiserver"):
            self._runner.wait(self._apiserver_is_ready, "kube-apiserver to be ready")

    def revive(self) -> list[str]:
        """Start what has ended by itself once more, as a kubelet would; gives its names."""
        ended = self._runner.ended()
        for component in ended:
            self.restart(component)
        return ended

    def compact_etcd(self) -> int:
        """Make etcd forget all history before now; gives the revision.

        kube-apiserver's watch cache still knows newer versions: restart it too to have it answer 410 for old ones.
        """
        nothing = base64.b64encode(b"\0").decode()
        revision = int(self._ask_etcd("range", {"key": nothing})["header"]["revision"])
        self._ask_etcd("compaction", {"revision": revision, "physical": True})
        return revision

    def check(self) -> None:
        """Raise `kubediscovery.testing.processes.ComponentDied` if a component ended by itself."""
        self._runner.check()

    def stop(self) -> None:
        """Stop everything and give the folder up; harmless when called again."""
        self._runner.stop_all()
        self._workspace.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ask_etcd(self, operation: str, body: object) -> Any:
        """Call one of etcd's key-value operations over its JSON gateway."""
        answer = ask(f"{self._setup.etcd}/v3/kv/{operation}", body=body)
        if answer.status != 200:
            raise StartupError(f"etcd refused {operation}: {answer.status} {answer.body.decode(errors='replace')}")
        return answer.json()

    def _start_all(self) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._start_in_order()
            except ComponentDied as error:
                if attempt == _ATTEMPTS or "address already in use" not in error.last_lines:
                    raise
            self._runner.stop_all()
            self._setup = self._prepare()
        return None

    def _prepare(self) -> Setup:
        """Pick ports, and write the files that depend on them."""
        setup = Setup(self.directory, self._binaries.programs, Ports.pick())
        for client, user in self._credentials.kubeconfig_users().items():
            write_kubeconfig(setup.kubeconfig(client), setup.server, self.ca, user)
        setup.kwok_configuration.write_text(kwok_configuration(self._binaries.stages.read_text()))
        return setup

    def _start_in_order(self) -> None:
        for component in self._components:
            self._launch(component)
        for name in self._node_names:
            self._create_node(name)
        self._runner.wait(self._namespace_is_ready, "namespace default and its service account")
        self._runner.wait(self._nodes_are_ready, "the nodes to be ready")

    def _launch(self, component: str) -> None:
        self._runner.start(self._setup.component(component))
        if component == "etcd":
            self._runner.wait(self._etcd_is_healthy, "etcd to be healthy")
        if component == "kube-apiserver":
            self._runner.wait(self._apiserver_is_ready, "kube-apiserver to be ready")

    def _etcd_is_healthy(self) -> bool:
        return ask(f"{self._setup.etcd}/health").status == 200

    def _apiserver_is_ready(self) -> bool:
        return self.get("/readyz").status == 200

    def _namespace_is_ready(self) -> bool:
        path = "/api/v1/namespaces/default"
        if "kube-controller-manager" in self._components:
            path += "/serviceaccounts/default"
        return self.get(path).status == 200

    def _create_node(self, name: str) -> None:
        # kwok's stage for nodes fills in all of the status: room for a million pods among it.
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"type": "kwok"}}}
        answer = ask(f"{self.server}/api/v1/nodes", context=self._context, body=node)
        if answer.status not in {201, 409}:  # 409: it is there already, in a folder that was kept
            raise StartupError(f"node {name} was not created: {answer.body.decode(errors='replace')}")

    def _nodes_are_ready(self) -> bool:
        answer = self.get("/api/v1/nodes")
        ready = (
            {node["metadata"]["name"] for node in answer.json()["items"] if _is_ready(node)} if answer.body else set()
        )
        return ready.issuperset(self._node_names)

    def _write_kubeconfig(self, user: dict[str, str]) -> Path:
        path = self._setup.kubeconfig(f"user-{next(self._numbers)}")
        write_kubeconfig(path, self.server, self.ca, user)
        return path


def _is_ready(node: dict[str, Any]) -> bool:
    """Tell whether pods can be scheduled: the node is Ready and the controllers took its taints off."""
    conditions = node.get("status", {}).get("conditions", [])
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    return ready and not node["spec"].get("taints")
