"""Which certificates a bundle vouches for: each that it must not, one by one."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from kubediscovery.certs import CertificateAuthority, Usage
from kubediscovery.trust import Authorities
from tests.reviewing import Time, der

CLIENT = [Usage.CLIENT]
DAY = dt.timedelta(days=1)
UID = ObjectIdentifier("1.3.6.1.4.1.57683.2")


@pytest.fixture(scope="module")
def authority() -> CertificateAuthority:
    return CertificateAuthority.create("some-ca")


@pytest.fixture
def time() -> Time:
    return Time()


def trust(time: Time, *authorities: CertificateAuthority) -> Authorities:
    pem = "".join(authority.certificate.decode() for authority in authorities)
    return Authorities(pem, clock=time.clock, timer=time.timer)


@dataclass
class Maker:
    """Certificates that :mod:`kubediscovery.certs` would never issue: exactly these extensions, no others."""

    subject: Iterable[tuple[ObjectIdentifier, str]]
    extensions: Iterable[x509.ExtensionType] = ()
    starts: dt.datetime = dt.datetime.now(dt.UTC) - DAY
    ends: dt.datetime = dt.datetime.now(dt.UTC) + DAY

    def make(self, issuer: "Made | None" = None) -> "Made":
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(kind, value, _validate=False) for kind, value in self.subject])
        builder = x509.CertificateBuilder(
            issuer.certificate.subject if issuer else name,
            name,
            key.public_key(),
            x509.random_serial_number(),
            self.starts,
            self.ends,
        )
        for extension in self.extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return Made(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


@dataclass
class Made:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


IS_AUTHORITY = x509.BasicConstraints(ca=True, path_length=None)
FOR_CLIENTS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
ROOT = ((NameOID.COMMON_NAME, "root"),)
LEAF = ((NameOID.COMMON_NAME, "leaf"),)


def test_a_client_certificate_names_its_user(authority: CertificateAuthority, time: Time) -> None:
    pair = authority.issue("alice", organizations=["team-a", "team,b"], usages=CLIENT)
    certificate = trust(time, authority).verified(der(pair))
    assert certificate is not None
    assert certificate.common_name == "alice"
    assert certificate.user is not None
    assert (certificate.user.name, certificate.user.uid) == ("alice", "")
    assert certificate.user.groups == ("team-a", "team,b", "system:authenticated")
    fingerprint = x509.load_pem_x509_certificate(pair.certificate).fingerprint(hashes.SHA256()).hex()
    assert certificate.user.extra == (("authentication.kubernetes.io/credential-id", (f"X509SHA256={fingerprint}",)),)


def test_a_certificate_of_another_authority_with_the_same_name_is_refused(time: Time) -> None:
    mine, other = (CertificateAuthority.create("same-name") for _ in range(2))
    certificate = der(other.issue("alice", usages=CLIENT))
    assert trust(time, mine).verified(certificate) is None
    assert trust(time, other).verified(certificate) is not None


def test_every_authority_of_a_bundle_counts(time: Time) -> None:
    first, second = CertificateAuthority.create("first"), CertificateAuthority.create("second")
    both = trust(time, first, second)
    for authority in (first, second):
        assert both.verified(der(authority.issue("alice", usages=CLIENT))) is not None
    assert both.pem == first.certificate.decode() + second.certificate.decode()


def test_text_around_the_certificates_does_not_matter(authority: CertificateAuthority, time: Time) -> None:
    pem = f"\n# the authority\n{authority.certificate.decode()}\nsome words\n"
    authorities = Authorities(pem, clock=time.clock, timer=time.timer)
    assert authorities.pem == authority.certificate.decode()


@pytest.mark.parametrize("pem", ["", "words", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_bundle_without_a_certificate_is_refused(time: Time, pem: str) -> None:
    with pytest.raises(ValueError):
        Authorities(pem, clock=time.clock)


def test_a_bundle_with_a_broken_certificate_is_refused(authority: CertificateAuthority, time: Time) -> None:
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with pytest.raises(ValueError):
        Authorities(authority.certificate.decode() + broken, clock=time.clock)


def test_a_self_signed_certificate_is_refused(authority: CertificateAuthority, time: Time) -> None:
    for issuer_name in ("alice", "some-ca"):
        own = CertificateAuthority.create(issuer_name)
        assert trust(time, authority).verified(der(own.issue("alice", usages=CLIENT))) is None
    lone = Maker(LEAF, [FOR_CLIENTS]).make()
    assert trust(time, authority).verified(lone.der) is None


def test_a_certificate_for_servers_only_is_refused(authority: CertificateAuthority, time: Time) -> None:
    assert trust(time, authority).verified(der(authority.issue("alice", usages=[Usage.SERVER]))) is None
    both = authority.issue("alice", usages=[Usage.SERVER, Usage.CLIENT])
    assert trust(time, authority).verified(der(both)) is not None


def test_a_certificate_that_does_not_say_what_it_is_for_is_refused(time: Time) -> None:
    root = Maker(ROOT, [IS_AUTHORITY]).make()
    authorities = Authorities(root.pem, clock=time.clock)
    assert authorities.verified(Maker(LEAF).make(root).der) is None


def test_a_certificate_for_any_use_is_for_clients_too(time: Time) -> None:
    root = Maker(ROOT, [IS_AUTHORITY]).make()
    any_use = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    assert Authorities(root.pem, clock=time.clock).verified(Maker(LEAF, [any_use]).make(root).der) is not None


def test_the_limits_of_an_authority_hold_for_what_it_issues(time: Time) -> None:
    servers = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    for usage, believed in ((servers, False), (FOR_CLIENTS, True)):
        root = Maker(ROOT, [IS_AUTHORITY, usage]).make()
        leaf = Maker(LEAF, [FOR_CLIENTS]).make(root)
        assert (Authorities(root.pem, clock=time.clock).verified(leaf.der) is not None) == believed


def test_an_authority_as_openssl_makes_it_counts(time: Time) -> None:
    # `openssl req -x509` writes no KeyUsage.
    root = Maker(ROOT, [IS_AUTHORITY]).make()
    assert Authorities(root.pem, clock=time.clock).verified(Maker(LEAF, [FOR_CLIENTS]).make(root).der) is not None


@pytest.mark.parametrize(
    "extensions",
    [
        [],
        [x509.BasicConstraints(ca=False, path_length=None)],
        [IS_AUTHORITY, x509.KeyUsage(True, False, False, False, False, False, False, False, False)],
    ],
    ids=["says nothing", "no authority", "must not sign certificates"],
)
def test_a_certificate_that_is_no_authority_vouches_for_nobody(
    time: Time, extensions: list[x509.ExtensionType]
) -> None:
    root = Maker(ROOT, extensions).make()
    assert Authorities(root.pem, clock=time.clock).verified(Maker(LEAF, [FOR_CLIENTS]).make(root).der) is None


def test_a_certificate_signed_by_a_client_certificate_is_refused(time: Time) -> None:
    root = Maker(ROOT, [IS_AUTHORITY]).make()
    client = Maker(LEAF, [FOR_CLIENTS]).make(root)
    forged = Maker([(NameOID.COMMON_NAME, "admin")], [FOR_CLIENTS]).make(client)
    assert Authorities(root.pem, clock=time.clock).verified(forged.der) is None


def test_before_it_starts_and_after_it_ends_a_certificate_is_refused(
    authority: CertificateAuthority, time: Time
) -> None:
    for starts in (time.start - 2 * DAY, time.start + DAY):
        pair = authority.issue("alice", usages=CLIENT, starts=starts, lifetime=DAY)
        assert trust(time, authority).verified(der(pair)) is None


def test_a_certificate_ends_on_time_although_it_was_believed_a_moment_ago(
    authority: CertificateAuthority, time: Time
) -> None:
    pair = authority.issue("alice", usages=CLIENT, starts=time.start - DAY, lifetime=DAY + dt.timedelta(seconds=5))
    authorities = trust(time, authority)
    assert authorities.verified(der(pair)) is not None
    time.now = 6
    assert authorities.verified(der(pair)) is None


def test_an_authority_that_ended_vouches_for_nobody(time: Time) -> None:
    ends = time.start + dt.timedelta(seconds=5)
    root = Maker(ROOT, [IS_AUTHORITY], ends=ends).make()
    leaf = Maker(LEAF, [FOR_CLIENTS]).make(root)
    authorities = Authorities(root.pem, clock=time.clock, timer=time.timer)
    assert authorities.verified(leaf.der) is not None
    time.now = 16
    assert authorities.verified(leaf.der) is None


def test_a_certificate_that_starts_is_believed_within_ten_seconds(authority: CertificateAuthority, time: Time) -> None:
    pair = authority.issue("alice", usages=CLIENT, starts=time.start + dt.timedelta(seconds=2))
    authorities = trust(time, authority)
    assert authorities.verified(der(pair)) is None
    time.now = 10
    assert authorities.verified(der(pair)) is not None


@pytest.mark.parametrize("certificate", [b"", b"nonsense", b"\x30\x82\xff\xff"])
def test_what_is_no_certificate_is_refused(authority: CertificateAuthority, time: Time, certificate: bytes) -> None:
    assert trust(time, authority).verified(certificate) is None


@pytest.mark.parametrize(
    ("subject", "name", "uid"),
    [
        ([(NameOID.COMMON_NAME, "first"), (NameOID.COMMON_NAME, "last")], "last", ""),
        ([(NameOID.COMMON_NAME, "alice"), (UID, "42")], "alice", "42"),
        ([(NameOID.COMMON_NAME, "alice"), (UID, "42"), (UID, "43")], None, ""),
        ([(NameOID.COMMON_NAME, "alice"), (UID, "")], None, ""),
        ([(NameOID.ORGANIZATION_NAME, "system:masters")], None, ""),
    ],
    ids=["the last common name", "a UID", "two UIDs", "an empty UID", "no common name"],
)
def test_the_subject_as_kubernetes_reads_it(
    time: Time, subject: list[tuple[ObjectIdentifier, str]], name: str | None, uid: str
) -> None:
    root = Maker(ROOT, [IS_AUTHORITY]).make()
    certificate = Authorities(root.pem, clock=time.clock).verified(Maker(subject, [FOR_CLIENTS]).make(root).der)
    assert certificate is not None
    if name is None:
        assert certificate.user is None
    else:
        assert certificate.user is not None
        assert (certificate.user.name, certificate.user.uid) == (name, uid)
