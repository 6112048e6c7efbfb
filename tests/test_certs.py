"""Certificates are accepted by OpenSSL at its strictest, and bad files are told apart in one line."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from cryptography.x509.oid import NameOID

from kubediscovery.certs import (
    CertificateAuthority,
    KeyPair,
    Usage,
    dns_names,
    expires_at,
    key_matches,
    read_key_pair,
)
from kubediscovery.errors import StartupError


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority.create("test-ca")


def write(folder: Path, pair: KeyPair) -> tuple[Path, Path]:
    certificate, key = folder / "tls.crt", folder / "tls.key"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    return certificate, key


def handshake(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> None:
    """Do both sides of a TLS handshake; raises what the client or the server raised."""
    client_socket, server_socket = socket.socketpair()
    failures: list[Exception] = []

    def serve() -> None:
        try:
            with server.wrap_socket(server_socket, server_side=True) as connection:
                connection.sendall(b"hello")
        except (OSError, ssl.SSLError) as error:
            failures.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client_socket, client.wrap_socket(client_socket, server_hostname=name) as connection:
            connection.recv(5)
    finally:
        client_socket.close()
        thread.join()
        server_socket.close()
    if failures:
        raise failures[0]


def strict_client(authority: CertificateAuthority) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=authority.certificate.decode())
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def server_context(folder: Path, pair: KeyPair, clients: CertificateAuthority | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*write(folder, pair))
    if clients:
        context.load_verify_locations(cadata=clients.certificate.decode())
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.mark.parametrize("name", ["api.example.svc", "127.0.0.1", "::1"])
def test_strict_openssl_accepts_a_serving_certificate_for_its_names(
    authority: CertificateAuthority, tmp_path: Path, name: str
) -> None:
    pair = authority.issue("api", dns_names=["api.example.svc"], ip_addresses=["127.0.0.1", "::1"])
    handshake(server_context(tmp_path, pair), strict_client(authority), name)


def test_a_serving_certificate_is_refused_under_another_name(authority: CertificateAuthority, tmp_path: Path) -> None:
    pair = authority.issue("api", dns_names=["api.example.svc"])
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(server_context(tmp_path, pair), strict_client(authority), "other.example.svc")


def test_a_certificate_of_another_authority_is_refused(authority: CertificateAuthority, tmp_path: Path) -> None:
    pair = CertificateAuthority.create("test-ca").issue("api", dns_names=["api"])
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server_context(tmp_path, pair), strict_client(authority), "api")


@pytest.mark.parametrize(
    ("usage", "accepted"), [(Usage.CLIENT, True), (Usage.SERVER, False)], ids=["client", "server only"]
)
def test_only_a_client_certificate_proves_a_client(
    authority: CertificateAuthority, tmp_path: Path, usage: Usage, accepted: bool
) -> None:
    client = strict_client(authority)
    client.load_cert_chain(*write(tmp_path, authority.issue("alice", usages=[usage])))
    server = server_context(tmp_path, authority.issue("api", dns_names=["api"]), clients=authority)
    if accepted:
        handshake(server, client, "api")
    else:
        with pytest.raises(ssl.SSLError, match=r"(?i)(unsupported|unsuitable) certificate"):
            handshake(server, client, "api")


def test_user_and_groups_are_common_name_and_organizations(authority: CertificateAuthority) -> None:
    pair = authority.issue("alice", organizations=["team-a", "team-b"], usages=[Usage.CLIENT])
    subject = x509.load_pem_x509_certificate(pair.certificate).subject
    assert [item.value for item in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["alice"]
    assert [item.value for item in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == ["team-a", "team-b"]


def test_the_authority_is_marked_as_one_and_what_it_issues_is_not(authority: CertificateAuthority) -> None:
    issued = authority.issue("api", ip_addresses=["10.0.0.1"])
    for pem, expected in ((authority.certificate, True), (issued.certificate, False)):
        extensions = x509.load_pem_x509_certificate(pem).extensions
        constraints = extensions.get_extension_for_class(x509.BasicConstraints)
        usage = extensions.get_extension_for_class(x509.KeyUsage)
        assert (constraints.critical, constraints.value.ca) == (True, expected)
        assert (usage.critical, usage.value.key_cert_sign, usage.value.digital_signature) == (
            True,
            expected,
            not expected,
        )
    names = x509.load_pem_x509_certificate(issued.certificate).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("10.0.0.1")]


def test_an_authority_is_taken_up_again_from_its_pem(authority: CertificateAuthority, tmp_path: Path) -> None:
    again = CertificateAuthority(authority.certificate, authority.key)
    handshake(server_context(tmp_path, again.issue("api", dns_names=["api"])), strict_client(authority), "api")


def test_a_certificate_is_valid_at_once_and_for_its_lifetime(authority: CertificateAuthority) -> None:
    pair = authority.issue("api", lifetime=timedelta(days=2))
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    assert certificate.not_valid_before_utc < datetime.now(UTC)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=2)


def test_start_and_end_can_be_chosen(authority: CertificateAuthority) -> None:
    starts = datetime(2020, 1, 1, tzinfo=UTC)
    pair = authority.issue("old", starts=starts, lifetime=timedelta(days=1))
    assert expires_at(pair.certificate) == datetime(2020, 1, 2, tzinfo=UTC)


def test_dns_names(authority: CertificateAuthority) -> None:
    names = ("api.example.svc", "api.example.svc.cluster.local")
    assert dns_names(authority.issue("api", dns_names=names, ip_addresses=["127.0.0.1"]).certificate) == names
    assert dns_names(authority.certificate) == ()


def test_key_matches(authority: CertificateAuthority) -> None:
    first, second = authority.issue("one"), authority.issue("two")
    assert key_matches(first.certificate, first.key)
    assert not key_matches(first.certificate, second.key)
    other_kind = rsa.generate_private_key(65537, 2048)
    rsa_pem = other_kind.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    with pytest.raises(ValueError, match="encrypted"):
        key_matches(first.certificate, rsa_pem)


def test_private_keys_do_not_show(authority: CertificateAuthority) -> None:
    assert "PRIVATE" not in repr(authority)
    assert "PRIVATE" not in repr(authority.issue("api"))


def test_read_key_pair_gives_what_was_written(authority: CertificateAuthority, tmp_path: Path) -> None:
    pair = authority.issue("api")
    assert read_key_pair(*write(tmp_path, pair)) == pair


def test_read_key_pair_takes_a_chain(authority: CertificateAuthority, tmp_path: Path) -> None:
    pair = authority.issue("api")
    chain = KeyPair(pair.certificate + authority.certificate, pair.key)
    assert read_key_pair(*write(tmp_path, chain)) == chain


@pytest.mark.parametrize(
    ("certificate", "key", "message"),
    [
        (None, b"", "certificate cannot be read: .*tls.crt: No such file"),
        (b"", None, "private key cannot be read: .*tls.key: No such file"),
        (b"nonsense", b"nonsense", "tls.crt holds no PEM certificate"),
    ],
)
def test_files_that_cannot_be_read_are_named(
    tmp_path: Path, certificate: bytes | None, key: bytes | None, message: str
) -> None:
    for name, content in (("tls.crt", certificate), ("tls.key", key)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
    with pytest.raises(StartupError, match=message) as caught:
        read_key_pair(tmp_path / "tls.crt", tmp_path / "tls.key")
    assert "\n" not in str(caught.value)


def test_a_bad_key_is_named(authority: CertificateAuthority, tmp_path: Path) -> None:
    paths = write(tmp_path, KeyPair(authority.issue("api").certificate, b"nonsense"))
    with pytest.raises(StartupError, match=r"tls\.key holds no unencrypted PEM private key"):
        read_key_pair(*paths)


def test_a_key_of_another_certificate_is_named(authority: CertificateAuthority, tmp_path: Path) -> None:
    paths = write(tmp_path, KeyPair(authority.issue("api").certificate, authority.issue("other").key))
    with pytest.raises(StartupError, match=r"tls\.key does not belong to the certificate in .*tls\.crt"):
        read_key_pair(*paths)
