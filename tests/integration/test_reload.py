"""What a running server reads again, with a real kube-apiserver: no open connection is dropped for it."""

from __future__ import annotations

import contextlib
import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kubediscovery.certs import CertificateAuthority, KeyPair, Usage, dns_names
from kubediscovery.serving_certificate import ServingCertificate
from kubediscovery.testing.controlplane import ControlPlane
from tests.integration.serving import ADMIN_HEADERS, API, Server, compositions, eventually

CONFIG_MAP = ("-n", "kube-system", "configmap", "extension-apiserver-authentication")
AUTHORITY = "requestheader-client-ca-file"


class Kept:
    """One connection that stays open; another one is never opened in its place."""

    def __init__(self, server: Server, pair: KeyPair | None) -> None:
        self._connection = http.client.HTTPSConnection("localhost", server.port, context=server.context(pair))
        self._connection.connect()
        self._connection.auto_open = 0

    def get(self, path: str) -> int:
        self._connection.request("GET", path, headers=ADMIN_HEADERS)
        with self._connection.getresponse() as answer:
            answer.read()
            return answer.status

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def kept(server: Server, pair: KeyPair | None = None) -> Iterator[Kept]:
    made = Kept(server, pair)
    try:
        yield made
    finally:
        made.close()


def served(server: Server) -> bytes:
    context = server.context()
    with contextlib.closing(http.client.HTTPSConnection("localhost", server.port, context=context)) as connection:
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        return connection.sock.getpeercert(binary_form=True) or b""


@pytest.fixture
def directory(server: Server) -> Path:
    return server.directory


def test_a_new_serving_certificate_needs_no_restart(cluster: ControlPlane, server: Server, directory: Path) -> None:
    before = ServingCertificate.read(directory)
    assert before is not None
    with kept(server, cluster.front_proxy) as idle:
        assert idle.get(f"{API}/compositions") == 200
        renewed = ServingCertificate.create(dns_names(before.certificate), predecessor=before)
        renewed.write(directory)
        # kube-apiserver is told of the new authority; the certificate is good, and stays.
        server.install()
        assert ServingCertificate.read(directory) == renewed
        new = ssl.PEM_cert_to_DER_cert(renewed.certificate.decode())
        eventually(lambda: served(server) == new, "the new certificate", log=server.log)
        assert idle.get(f"{API}/compositions") == 200
    assert "items" in compositions(cluster, "compositions")
    server.wait_until_available()


def test_an_authority_counts_from_when_it_is_in_the_config_map_until_it_is_not(
    cluster: ControlPlane, server: Server
) -> None:
    original = msgspec.json.decode(cluster.kubectl("get", *CONFIG_MAP, "-o", "json"))["data"][AUTHORITY]
    added = CertificateAuthority.create("another-front-proxy-ca")
    pair = added.issue("front-proxy-client", usages=(Usage.CLIENT,))
    path = f"{API}/compositions"

    def direct() -> int:
        return server.get(path, headers=ADMIN_HEADERS, context=server.context(pair))[0]

    with kept(server, cluster.front_proxy) as old:
        assert (old.get(path), direct()) == (200, 0)
        write(cluster, original + added.certificate.decode())
        try:
            eventually(lambda: direct() == 200, "the new authority to count", log=server.log)
            with kept(server, pair) as new:
                assert (old.get(path), new.get(path)) == (200, 200)
                write(cluster, original)
                eventually(lambda: new.get(path) == 401, "the new authority to count no longer", log=server.log)
                assert (old.get(path), new.get("/readyz"), direct()) == (200, 200, 401)
        finally:
            write(cluster, original)
    assert "items" in compositions(cluster, "compositions")


def write(cluster: ControlPlane, authorities: str) -> None:
    patch = msgspec.json.encode({"data": {AUTHORITY: authorities}}).decode()
    cluster.kubectl("patch", *CONFIG_MAP, "--patch", patch)
