"""The components' command lines."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from kubediscovery.testing.credentials import FRONT_PROXY
from kubediscovery.testing.processes import Component

#: What plays the cluster; without them an API server and its etcd stand alone.
CONTROLLERS = ("kube-controller-manager", "kube-scheduler", "kwok")

#: In the order of starting.
ALL = ("etcd", "kube-apiserver", *CONTROLLERS)

#: A pod with this label and value gets no status from kwok: a test that plays a failing rollout writes it.
MANUAL_STATUS = ("testing.kubediscovery.cloudark.io/status", "manual")


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of one control plane on 127.0.0.1; the controllers serve none."""

    etcd: int
    etcd_peer: int
    apiserver: int

    @classmethod
    def pick(cls) -> Ports:
        """Let the kernel name three that are free now; all are held until the last is named, so no two are equal."""
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        try:
            return cls(*(each.getsockname()[1] for each in sockets))
        finally:
            for each in sockets:
                each.close()


@dataclass(frozen=True, slots=True)
class Setup:
    """All that the command lines are made of; ``programs`` maps each component to its binary."""

    directory: Path
    programs: Mapping[str, Path]
    ports: Ports

    @property
    def server(self) -> str:
        """The URL of kube-apiserver."""
        return f"https://127.0.0.1:{self.ports.apiserver}"

    @property
    def etcd(self) -> str:
        """The URL of etcd."""
        return f"http://127.0.0.1:{self.ports.etcd}"

    @property
    def kwok_configuration(self) -> Path:
        """The file of kwok's options and stages."""
        return self.directory / "kwok.yaml"

    @property
    def logs(self) -> Path:
        """The folder of the logs."""
        return self.directory / "logs"

    @property
    def pki(self) -> Path:
        """The folder of the certificates."""
        return self.directory / "pki"

    def kubeconfig(self, client: str) -> Path:
        """Where the kubeconfig of a component, or of ``admin``, lies."""
        return self.directory / f"{client}.kubeconfig"

    def component(self, name: str) -> Component:
        """Build the component of that name."""
        command = (str(self.programs[name]), *_FLAGS[name](self))
        return Component(name, command, self.logs / f"{name}.log")


def _etcd(setup: Setup) -> tuple[str, ...]:
    peer = f"http://127.0.0.1:{setup.ports.etcd_peer}"
    return (
        f"--data-dir={setup.directory / 'etcd'}",
        f"--listen-client-urls={setup.etcd}",
        f"--advertise-client-urls={setup.etcd}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=warn",
        # What the disk would lose is only what a power cut takes; nothing here outlives one.
        "--unsafe-no-fsync",
    )


def _kube_apiserver(setup: Setup) -> tuple[str, ...]:
    pki = setup.pki
    return (
        f"--etcd-servers={setup.etcd}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={setup.ports.apiserver}",
        f"--tls-cert-file={pki / 'serving.crt'}",
        f"--tls-private-key-file={pki / 'serving.key'}",
        f"--client-ca-file={pki / 'client-ca.crt'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.0.0.0/16",
        # Nothing has an address that pods could reach the server at.
        "--endpoint-reconciler-type=none",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki / 'service-account.crt'}",
        f"--service-account-signing-key-file={pki / 'service-account.key'}",
        f"--requestheader-client-ca-file={pki / 'requestheader-ca.crt'}",
        f"--requestheader-allowed-names={FRONT_PROXY}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-uid-headers=X-Remote-Uid",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={pki / 'front-proxy.crt'}",
        f"--proxy-client-key-file={pki / 'front-proxy.key'}",
        # Otherwise a stop waits a minute for watches that nobody ends.
        "--shutdown-watch-termination-grace-period=1s",
    )


def _kube_controller_manager(setup: Setup) -> tuple[str, ...]:
    return (
        f"--kubeconfig={setup.kubeconfig('kube-controller-manager')}",
        "--secure-port=0",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={setup.pki / 'service-account.key'}",
        f"--root-ca-file={setup.pki / 'serving-ca.crt'}",
        # Off is what deals with clouds and disks. Node lifecycle stays: it takes the not-ready taint off new nodes,
        # and must not put it on again, as no kubelet sends heartbeats.
        "--controllers=*,-nodeipam,-attachdetach,-persistentvolume-binder",
        "--node-monitor-grace-period=24h",
        *_UNTHROTTLED,
    )


def _kube_scheduler(setup: Setup) -> tuple[str, ...]:
    return (
        f"--kubeconfig={setup.kubeconfig('kube-scheduler')}",
        "--secure-port=0",
        "--leader-elect=false",
        *_UNTHROTTLED,
    )


def _kwok(setup: Setup) -> tuple[str, ...]:
    return (
        f"--kubeconfig={setup.kubeconfig('kwok')}",
        f"--config={setup.kwok_configuration}",
        "--manage-all-nodes=true",
        # No leases: nobody looks at heartbeats here.
        "--node-lease-duration-seconds=0",
    )


# The default of 20 to 50 requests a second makes ten thousand pods a matter of minutes.
_UNTHROTTLED = ("--kube-api-qps=1000", "--kube-api-burst=2000")

_FLAGS = {
    "etcd": _etcd,
    "kube-apiserver": _kube_apiserver,
    "kube-controller-manager": _kube_controller_manager,
    "kube-scheduler": _kube_scheduler,
    "kwok": _kwok,
}


def kwok_configuration(stages: str) -> str:
    """Take kwok's Stage documents over, but leave the status of pods with `MANUAL_STATUS` alone.

    They are still bound to a node and, once deleted, gone. (kwok's own option for that ignores deletion, too.)
    """
    label, value = MANUAL_STATUS
    other = {"key": f'.metadata.labels["{label}"]', "operator": "NotIn", "values": [value]}
    documents = [document for document in yaml.safe_load_all(stages) if document]
    for document in documents:
        if document["spec"]["resourceRef"]["kind"] == "Pod" and "statusTemplate" in document["spec"]["next"]:
            document["spec"]["selector"]["matchExpressions"].append(other)
    return yaml.safe_dump_all(documents, sort_keys=False)
