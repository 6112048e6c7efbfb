"""Authorities are apart and kept, private files are private, kubeconfigs hold all they need."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import NameOID

from kubediscovery.certs import key_matches, read_key_pair
from kubediscovery.testing.credentials import FRONT_PROXY, Credentials, of_pair, write_kubeconfig


@pytest.fixture
def credentials(tmp_path: Path) -> Credentials:
    return Credentials.create(tmp_path / "pki")


def subject(pem: bytes) -> tuple[str, list[str]]:
    name = x509.load_pem_x509_certificate(pem).subject
    [common_name] = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    groups = name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(common_name.value), [str(group.value) for group in groups]


def test_each_authority_is_another(credentials: Credentials) -> None:
    authorities = {credentials.serving_ca, credentials.client_ca, credentials.requestheader_ca}
    assert len({authority.key for authority in authorities}) == 3


def test_the_front_proxy_is_proved_by_its_own_authority(credentials: Credentials) -> None:
    front_proxy = x509.load_pem_x509_certificate(credentials.front_proxy.certificate)
    front_proxy.verify_directly_issued_by(x509.load_pem_x509_certificate(credentials.requestheader_ca.certificate))
    assert subject(credentials.front_proxy.certificate) == (FRONT_PROXY, [])


def test_all_files_are_pairs_and_keys_are_private(credentials: Credentials) -> None:
    keys = list(credentials.directory.glob("*.key"))
    assert sorted(key.stem for key in keys) == [
        "admin",
        "client-ca",
        "front-proxy",
        "requestheader-ca",
        "service-account",
        "serving",
        "serving-ca",
    ]
    for key in keys:
        read_key_pair(key.with_suffix(".crt"), key)
        assert key.stat().st_mode & 0o777 == 0o600
    assert credentials.directory.stat().st_mode & 0o777 == 0o700


def test_authorities_are_kept_and_the_rest_is_renewed(credentials: Credentials) -> None:
    again = Credentials.create(credentials.directory)
    assert again.client_ca == credentials.client_ca
    assert again.requestheader_ca == credentials.requestheader_ca
    assert again.front_proxy != credentials.front_proxy


def test_clients_are_users_in_groups(credentials: Credentials) -> None:
    assert subject(credentials.client("alice", ["team-a", "team-b"]).certificate) == ("alice", ["team-a", "team-b"])
    users = credentials.kubeconfig_users()
    told = {name: subject(base64.b64decode(user["client-certificate-data"])) for name, user in users.items()}
    assert told == {
        "admin": ("kubernetes-admin", ["system:masters"]),
        "kube-controller-manager": ("system:kube-controller-manager", []),
        "kube-scheduler": ("system:kube-scheduler", []),
        "kwok": ("kwok", ["system:masters"]),
    }


def test_a_kubeconfig_stands_alone_and_is_private(credentials: Credentials, tmp_path: Path) -> None:
    path = tmp_path / "alice.kubeconfig"
    path.touch(mode=0o644)
    write_kubeconfig(path, "https://127.0.0.1:1", b"authority", of_pair(credentials.client("alice")))
    document = yaml.safe_load(path.read_text())
    [cluster], [user], [context] = document["clusters"], document["users"], document["contexts"]
    assert cluster["cluster"] == {
        "server": "https://127.0.0.1:1",
        "certificate-authority-data": base64.b64encode(b"authority").decode(),
    }
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}
    assert document["current-context"] == context["name"]
    certificate, key = (base64.b64decode(user["user"][f"client-{part}-data"]) for part in ("certificate", "key"))
    assert key_matches(certificate, key)
    assert path.stat().st_mode & 0o777 == 0o600
