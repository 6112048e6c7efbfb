"""Certificates, keys and kubeconfigs of one control plane, written below its folder."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from kubediscovery.certs import CertificateAuthority, KeyPair, Usage

#: The common name of the aggregator's client certificate, named in ``--requestheader-allowed-names``.
FRONT_PROXY = "front-proxy-client"

#: The client that may do everything.
ADMINISTRATOR = "admin"

# Who the clients are (k8s.io/kubernetes, plugin/pkg/auth/authorizer/rbac/bootstrappolicy); kwok has no role there.
_CLIENTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    ADMINISTRATOR: ("kubernetes-admin", ("system:masters",)),
    "kube-controller-manager": ("system:kube-controller-manager", ()),
    "kube-scheduler": ("system:kube-scheduler", ()),
    "kwok": ("kwok", ("system:masters",)),
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves who is who in one control plane.

    Three authorities, each trusted for one thing: ``serving_ca`` for kube-apiserver's own certificate, ``client_ca``
    for users, ``requestheader_ca`` for the front proxy alone.
    """

    directory: Path
    serving_ca: CertificateAuthority
    client_ca: CertificateAuthority
    requestheader_ca: CertificateAuthority
    front_proxy: KeyPair

    @classmethod
    def create(cls, directory: Path) -> Credentials:
        """Write everything that the components' flags name; authorities and keys that are there already are kept.

        They are kept so that tokens and kubeconfigs that were handed out stay good as long as etcd's data does.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        requestheader_ca = _authority(directory, "requestheader-ca")
        credentials = cls(
            directory,
            serving_ca=_authority(directory, "serving-ca"),
            client_ca=_authority(directory, "client-ca"),
            requestheader_ca=requestheader_ca,
            front_proxy=requestheader_ca.issue(FRONT_PROXY, usages=[Usage.CLIENT]),
        )
        serving = credentials.serving_ca.issue(
            "kube-apiserver", dns_names=["localhost", "kubernetes.default.svc"], ip_addresses=["127.0.0.1", "10.0.0.1"]
        )
        write_key_pair(directory / "serving", serving)
        write_key_pair(directory / "front-proxy", credentials.front_proxy)
        write_key_pair(directory / ADMINISTRATOR, credentials.client(*_CLIENTS[ADMINISTRATOR]))
        # kube-apiserver reads the public key that verifies tokens out of a certificate, whoever signed that.
        _authority(directory, "service-account")
        return credentials

    def kubeconfig_users(self) -> dict[str, dict[str, str]]:
        """Issue a client certificate to the administrator and each component: kubeconfig user entries by client."""
        return {client: of_pair(self.client(user, groups)) for client, (user, groups) in _CLIENTS.items()}

    def client(self, user: str, groups: Iterable[str] = ()) -> KeyPair:
        """Issue a client certificate for that user in those groups."""
        return self.client_ca.issue(user, organizations=groups, usages=[Usage.CLIENT])


def of_pair(pair: KeyPair) -> dict[str, str]:
    """Write a client certificate as a kubeconfig's user entry."""
    return {"client-certificate-data": _base64(pair.certificate), "client-key-data": _base64(pair.key)}


def write_kubeconfig(path: Path, server: str, certificate_authority: bytes, user: dict[str, str]) -> None:
    """Write a kubeconfig of one context, with all credentials inside it; ``user`` is its user entry."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "kubediscovery-testing",
                "cluster": {"server": server, "certificate-authority-data": _base64(certificate_authority)},
            }
        ],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "default", "context": {"cluster": "kubediscovery-testing", "user": "user"}}],
        "current-context": "default",
    }
    write_private(path, yaml.safe_dump(document, sort_keys=False).encode())


def write_key_pair(path: Path, pair: KeyPair) -> None:
    """Write ``<path>.crt`` and ``<path>.key``."""
    path.with_suffix(".crt").write_bytes(pair.certificate)
    write_private(path.with_suffix(".key"), pair.key)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


def _authority(directory: Path, name: str) -> CertificateAuthority:
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    if certificate.exists() and key.exists():
        return CertificateAuthority(certificate.read_bytes(), key.read_bytes())
    authority = CertificateAuthority.create(f"kubediscovery-testing-{name}")
    write_key_pair(directory / name, KeyPair(authority.certificate, authority.key))
    return authority


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
