"""The certificate that kubediscovery serves with, and the CA that the APIService trusts for it.

The CA's private key is thrown away once it has signed: nobody can make a second certificate that kube-apiserver would
believe.
"""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from kubediscovery.certs import CertificateAuthority, dns_names, expires_at, key_matches
from kubediscovery.config import CERTIFICATE_FILE, KEY_FILE
from kubediscovery.errors import StartupError

CA_FILE = "ca.crt"

# Nobody renews it unasked, and while an expired one is served no namespace of the cluster can be deleted.
_LIFETIME = timedelta(days=3650)
_RENEWED_BEFORE_END = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ServingCertificate:
    """``ca`` is what the APIService's caBundle holds: the CA, and after a renewal the one before it. All are PEM."""

    ca: bytes
    certificate: bytes
    key: bytes = field(repr=False)

    @classmethod
    def create(cls, names: Sequence[str], *, predecessor: "ServingCertificate | None" = None) -> Self:
        """A new CA and a certificate of it for the DNS ``names``.

        The predecessor's CA stays trusted, so that servers which still hold the old certificate go on working.
        """
        authority = CertificateAuthority.create("kubediscovery", lifetime=_LIFETIME)
        pair = authority.issue("kubediscovery", dns_names=names, lifetime=_LIFETIME)
        earlier = predecessor.newest_authority() if predecessor else b""
        return cls(authority.certificate + earlier, pair.certificate, pair.key)

    @classmethod
    def kept_or_new(cls, current: "ServingCertificate | None", names: Sequence[str]) -> "ServingCertificate":
        """``current`` while there is no fault in it, otherwise a new one."""
        if current and not current.fault(names):
            return current
        return cls.create(names, predecessor=current)

    @classmethod
    def read(cls, directory: Path) -> Self | None:
        """What an earlier :meth:`write` left there; None where a file is missing."""
        try:
            return cls(*((directory / name).read_bytes() for name in (CA_FILE, CERTIFICATE_FILE, KEY_FILE)))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StartupError(f"cannot read {error.filename}: {error.strerror}") from error

    def write(self, directory: Path) -> None:
        """Write the three files, each at once, the key readable by its owner alone; makes the directory."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _replace(directory / KEY_FILE, self.key, mode=0o600)
            _replace(directory / CERTIFICATE_FILE, self.certificate, mode=0o644)
            _replace(directory / CA_FILE, self.ca, mode=0o644)
        except OSError as error:
            raise StartupError(f"cannot write certificates to {directory}: {error.strerror}") from error

    def fault(self, names: Sequence[str], *, now: datetime | None = None) -> str:
        """Why it has to be renewed, in words that continue "the certificate …"; empty while it is good."""
        now = now or datetime.now(UTC)
        try:
            missing = [name for name in names if name not in dns_names(self.certificate)]
            ends = min(expires_at(self.certificate), expires_at(self.ca))
            matches = key_matches(self.certificate, self.key)
        except ValueError:
            return "cannot be read"
        if not matches:
            return "does not belong to its key"
        if missing:
            return f"is not for {', '.join(missing)}"
        if ends < now + _RENEWED_BEFORE_END:
            return f"ends on {ends:%Y-%m-%d}"
        return self._untrusted(names[0], now)

    def newest_authority(self) -> bytes:
        """The first certificate of ``ca``, empty where that is unreadable or has ended."""
        try:
            newest = x509.load_pem_x509_certificates(self.ca)[0]
        except ValueError:
            return b""
        return newest.public_bytes(Encoding.PEM) if newest.not_valid_after_utc > datetime.now(UTC) else b""

    def _untrusted(self, name: str, now: datetime) -> str:
        leaf, *intermediates = x509.load_pem_x509_certificates(self.certificate)
        store = Store(x509.load_pem_x509_certificates(self.ca))
        try:
            PolicyBuilder().store(store).time(now).build_server_verifier(x509.DNSName(name)).verify(leaf, intermediates)
        except VerificationError:
            return "is not signed by its CA"
        return ""


def remove_files(directory: Path) -> tuple[Path, ...]:
    """Delete what :meth:`ServingCertificate.write` wrote, and the directory if that leaves it empty; tells which."""
    files = [directory / name for name in (CA_FILE, CERTIFICATE_FILE, KEY_FILE)]
    removed = tuple(path for path in files if path.exists())
    try:
        for path in removed:
            path.unlink()
        if removed and not any(directory.iterdir()):
            directory.rmdir()
    except OSError as error:
        raise StartupError(f"cannot remove {error.filename}: {error.strerror}") from error
    return removed


def _replace(path: Path, content: bytes, *, mode: int) -> None:
    # mkstemp makes the file 0600: the key is never readable by others, not even for a moment.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
