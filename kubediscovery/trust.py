"""Which client certificates a bundle of certificate authorities vouches for, and whom they name.

A TLS listener verifies a client against all the authorities that it knows together, so which of them stands behind a
certificate is proved here again, against one bundle alone.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cachetools import TTLCache
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kubediscovery.identity import User, authenticated_user

# Verifying takes 0.1 ms; a verdict is remembered for these seconds, and so long an authority may outlive its end.
_VERDICT_SECONDS = 10
_VERDICTS = 1024

_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
# k8s.io/apimachinery, pkg/apis/asn1: the part of a subject that is the user's UID.
_UID = x509.ObjectIdentifier("1.3.6.1.4.1.57683.2")
_CLIENT_USAGES = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})

# What the library raises for certificates that it cannot parse or does not believe.
_NOT_VERIFIED = (
    ValueError,
    UnsupportedAlgorithm,
    verification.VerificationError,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate that an authority vouches for: its common name, the user that it is by itself, and its end (UTC).

    ``user`` is ``None`` where the subject names no user: no common name, or more than one UID or an empty one
    (``pkg/authentication/request/x509, CommonNameUserConversion``).
    """

    common_name: str
    user: User | None
    ends: datetime


class Authorities:
    """A bundle of certificate authorities, and what they vouched for lately.

    ``pem`` is text with one or more PEM certificates; ``ValueError`` if it holds none, or a broken one.
    Authorities need keys of RSA (2,048 bits or more) or of the NIST curves: others are never believed.
    """

    def __init__(self, pem: str, *, clock: Callable[[], datetime], timer: Callable[[], float] = time.monotonic) -> None:
        try:
            certificates = x509.load_pem_x509_certificates(pem.encode())
        except x509.InvalidVersion as error:
            raise ValueError("a certificate of an unknown version") from error
        self.source = pem
        self.pem = "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)
        self._store = verification.Store(certificates)
        self._clock = clock
        # The verdicts end with the bundle that they were made with.
        self._verdicts: TTLCache[bytes, ClientCertificate | None] = TTLCache(_VERDICTS, _VERDICT_SECONDS, timer)

    def verified(self, der: bytes) -> ClientCertificate | None:
        """What the client's certificate (DER) says, or ``None`` if these authorities do not vouch for it now."""
        try:
            certificate = self._verdicts[der]
        except KeyError:
            certificate = self._verdicts[der] = self._verify(der)
        if certificate is None or certificate.ends < self._clock():
            return None
        return certificate

    def _verify(self, der: bytes) -> ClientCertificate | None:
        try:
            leaf = x509.load_der_x509_certificate(der)
            verifier = (
                verification.PolicyBuilder()
                .store(self._store)
                .time(self._clock())
                .extension_policies(ca_policy=_AUTHORITY_POLICY, ee_policy=verification.ExtensionPolicy.permit_all())
                .build_client_verifier()
            )
            chain = verifier.verify(leaf, []).chain
            return _read(leaf) if _is_for_clients(chain) else None
        except _NOT_VERIFIED:
            return None


def _check_key_usage(_policy: verification.Policy, _certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("this key must not sign certificates")


# What Go's crypto/x509 asks of an authority. The library's own policy asks for KeyUsage too, which authorities made
# with `openssl req -x509`, as in Kubernetes's documentation, do not have.
_AUTHORITY_POLICY = (
    verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, verification.Criticality.AGNOSTIC, None)
    .may_be_present(x509.KeyUsage, verification.Criticality.AGNOSTIC, _check_key_usage)
)


def _is_for_clients(chain: list[x509.Certificate]) -> bool:
    # The leaf must say that it is for clients; an authority above it that limits its use must allow that.
    leaf, *issuers = chain
    return _usages(leaf) is not None and all(
        usages is None or not usages.isdisjoint(_CLIENT_USAGES) for usages in map(_usages, (leaf, *issuers))
    )


def _usages(certificate: x509.Certificate) -> frozenset[x509.ObjectIdentifier] | None:
    try:
        return frozenset(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        return None


def _read(certificate: x509.Certificate) -> ClientCertificate:
    # Of several common names the last one counts, as in Go's pkix.Name.
    common_name = (_subject(certificate, NameOID.COMMON_NAME) or ("",))[-1]
    uids = _subject(certificate, _UID)
    user = None
    if common_name and (not uids or (len(uids) == 1 and uids[0])):
        fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
        user = authenticated_user(
            common_name,
            "".join(uids),
            _subject(certificate, NameOID.ORGANIZATION_NAME),
            {_CREDENTIAL_ID: (f"X509SHA256={fingerprint}",)},
        )
    return ClientCertificate(common_name, user, certificate.not_valid_after_utc)


def _subject(certificate: x509.Certificate, kind: x509.ObjectIdentifier) -> tuple[str, ...]:
    values = [attribute.value for attribute in certificate.subject.get_attributes_for_oid(kind)]
    return tuple(value for value in values if isinstance(value, str))
