"""Certificates: a small certificate authority, and what can be asked of PEM files.

Profiles follow RFC 5280 as far as OpenSSL's ``X509_V_FLAG_X509_STRICT`` and Go's crypto/x509 ask for it. All keys are
EC P-256, written as PKCS #8; all certificates and keys are PEM.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kubediscovery.errors import StartupError

# Clocks of one cluster differ by seconds; a certificate must count as valid on all of them at once.
_BACKDATED = timedelta(minutes=5)


class Usage(enum.Enum):
    """What a certificate may be used for in TLS (RFC 5280, 4.2.1.12)."""

    SERVER = ExtendedKeyUsageOID.SERVER_AUTH
    CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """A self-signed certificate and its private key, both PEM, that issue other certificates."""

    certificate: bytes
    key: bytes = field(repr=False)

    @classmethod
    def create(cls, common_name: str, *, lifetime: timedelta = timedelta(days=3650)) -> Self:
        """Make a new authority; it may issue end certificates only, no further authorities."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(common_name)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            _builder(name, key.public_key(), datetime.now(UTC) - _BACKDATED, lifetime)
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate.public_bytes(Encoding.PEM), _key_pem(key))

    def issue(
        self,
        common_name: str,
        *,
        organizations: Iterable[str] = (),
        dns_names: Iterable[str] = (),
        ip_addresses: Iterable[str] = (),
        usages: Iterable[Usage] = (Usage.SERVER,),
        lifetime: timedelta = timedelta(days=365),
        starts: datetime | None = None,
    ) -> KeyPair:
        """Issue a certificate with a new key; without ``starts`` it is valid from a few minutes ago.

        In a client certificate Kubernetes reads the common name as the user and the organizations as the groups
        (k8s.io/apiserver, pkg/authentication/request/x509, ``CommonNameUserConversion``).
        """
        issuer = _certificate(self.certificate)
        issuer_key = _private_key(self.key)
        if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
            raise TypeError("a certificate authority of this module has an EC key")
        key = ec.generate_private_key(ec.SECP256R1())
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            _builder(
                _name(common_name, organizations),
                key.public_key(),
                starts or datetime.now(UTC) - _BACKDATED,
                lifetime,
            )
            .issuer_name(issuer.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage.value for usage in usages]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        )
        names = _alternative_names(dns_names, ip_addresses)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(issuer_key, hashes.SHA256())
        return KeyPair(certificate.public_bytes(Encoding.PEM), _key_pem(key))


def key_matches(certificate_pem: bytes, key_pem: bytes) -> bool:
    """Tell whether the key belongs to the (first) certificate; ``ValueError`` if either is not PEM."""
    return _public_bytes(_certificate(certificate_pem).public_key()) == _public_bytes(
        _private_key(key_pem).public_key()
    )


def expires_at(certificate_pem: bytes) -> datetime:
    """Tell when the (first) certificate ends, in UTC; ``ValueError`` if it is not PEM."""
    return _certificate(certificate_pem).not_valid_after_utc


def dns_names(certificate_pem: bytes) -> tuple[str, ...]:
    """List the DNS names that the (first) certificate is for; ``ValueError`` if it is not PEM."""
    try:
        names = _certificate(certificate_pem).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(names.value.get_values_for_type(x509.DNSName))


def read_key_pair(certificate_path: Path, key_path: Path) -> KeyPair:
    """Read a certificate (or a chain, the server's own first) and its key; ``StartupError`` names the bad file."""
    certificate = _read(certificate_path, "certificate")
    key = _read(key_path, "private key")
    try:
        _certificate(certificate)
    except ValueError as error:
        raise StartupError(f"{certificate_path} holds no PEM certificate") from error
    try:
        _private_key(key)
    except ValueError as error:
        raise StartupError(f"{key_path} holds no unencrypted PEM private key") from error
    if not key_matches(certificate, key):
        raise StartupError(f"the private key in {key_path} does not belong to the certificate in {certificate_path}")
    return KeyPair(certificate, key)


def _builder(
    subject: x509.Name, public_key: ec.EllipticCurvePublicKey, starts: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(starts + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _name(common_name: str, organizations: Iterable[str] = ()) -> x509.Name:
    return x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization) for organization in organizations),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _alternative_names(dns_names: Iterable[str], ip_addresses: Iterable[str]) -> list[x509.GeneralName]:
    return [
        *(x509.DNSName(name) for name in dns_names),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in ip_addresses),
    ]


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_bytes(key: CertificatePublicKeyTypes | PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _certificate(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def _private_key(pem: bytes) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(pem, password=None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("an encrypted key, or one of an unknown algorithm") from error


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartupError(f"the {what} cannot be read: {path}: {error.strerror}") from error
