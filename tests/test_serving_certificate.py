"""The serving certificate: when it is kept, when it is renewed, and how its files are written."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kubediscovery.certs import CertificateAuthority
from kubediscovery.errors import StartupError
from kubediscovery.serving_certificate import ServingCertificate, remove_files

NAMES = ("kubediscovery.kubediscovery.svc", "localhost")
FILES = {"ca.crt", "tls.crt", "tls.key"}


def with_lifetime(lifetime: timedelta) -> ServingCertificate:
    authority = CertificateAuthority.create("test")
    pair = authority.issue("test", dns_names=NAMES, lifetime=lifetime)
    return ServingCertificate(authority.certificate, pair.certificate, pair.key)


def test_a_new_certificate_has_no_fault_and_is_kept() -> None:
    """Installing again changes no certificate without need."""
    certificate = ServingCertificate.create(NAMES)
    assert certificate.fault(NAMES) == ""
    assert ServingCertificate.kept_or_new(certificate, NAMES) is certificate


@pytest.mark.parametrize(
    ("certificate", "fault"),
    [
        (ServingCertificate.create(NAMES[:1]), "is not for localhost"),
        (with_lifetime(timedelta(days=29)), "ends on"),
        (ServingCertificate(b"", b"", b""), "cannot be read"),
        (ServingCertificate(b"junk", b"junk", b"junk"), "cannot be read"),
    ],
    ids=["another name", "ends within 30 days", "empty", "not PEM"],
)
def test_what_makes_a_certificate_be_renewed(certificate: ServingCertificate, fault: str) -> None:
    """A certificate is renewed when names are missing, when it ends within 30 days, or when it cannot be read."""
    assert fault in certificate.fault(NAMES)
    assert ServingCertificate.kept_or_new(certificate, NAMES).fault(NAMES) == ""


def test_parts_of_different_certificates_are_a_fault() -> None:
    """The key must belong to the certificate, and the CA must have signed it."""
    one, other = ServingCertificate.create(NAMES), ServingCertificate.create(NAMES)
    assert ServingCertificate(one.ca, one.certificate, other.key).fault(NAMES) == "does not belong to its key"
    assert ServingCertificate(other.ca, one.certificate, one.key).fault(NAMES) == "is not signed by its CA"


def test_thirty_days_before_its_end_it_is_still_good() -> None:
    """31 days before the end nothing is renewed, 29 days before it is."""
    certificate = with_lifetime(timedelta(days=365))
    now = datetime.now(UTC)
    assert certificate.fault(NAMES, now=now + timedelta(days=365 - 31)) == ""
    assert certificate.fault(NAMES, now=now + timedelta(days=365 - 29)) != ""


def test_after_a_renewal_both_servers_are_trusted() -> None:
    """A server that still shows the old certificate goes on working; the CA before that one is forgotten."""
    first = ServingCertificate.create(NAMES)
    second = ServingCertificate.create(NAMES, predecessor=first)
    assert ServingCertificate(second.ca, first.certificate, first.key).fault(NAMES) == ""
    assert second.fault(NAMES) == ""
    third = ServingCertificate.create(NAMES, predecessor=second)
    assert ServingCertificate(third.ca, first.certificate, first.key).fault(NAMES) == "is not signed by its CA"


def test_an_unreadable_predecessor_is_not_trusted() -> None:
    """Junk in the Secret never becomes part of the caBundle."""
    renewed = ServingCertificate.kept_or_new(ServingCertificate(b"junk", b"", b""), NAMES)
    assert renewed.ca.count(b"BEGIN CERTIFICATE") == 1


def test_files_are_read_back_as_written(tmp_path: Path) -> None:
    """The directory is made, nothing else is left in it, and the key is its owner's alone."""
    directory = tmp_path / "deep" / "certs"
    certificate = ServingCertificate.create(NAMES)
    certificate.write(directory)
    assert ServingCertificate.read(directory) == certificate
    assert {path.name for path in directory.iterdir()} == FILES
    assert (directory / "tls.key").stat().st_mode & 0o777 == 0o600


def test_an_open_key_is_closed_by_writing(tmp_path: Path) -> None:
    """A key that was readable by all is replaced by one that is not."""
    (tmp_path / "tls.key").write_text("open")
    (tmp_path / "tls.key").chmod(0o644)
    ServingCertificate.create(NAMES).write(tmp_path)
    assert (tmp_path / "tls.key").stat().st_mode & 0o777 == 0o600


def test_a_missing_file_means_no_certificate(tmp_path: Path) -> None:
    """Two of three files are as good as none."""
    ServingCertificate.create(NAMES).write(tmp_path)
    (tmp_path / "ca.crt").unlink()
    assert ServingCertificate.read(tmp_path) is None
    assert ServingCertificate.read(tmp_path / "absent") is None


def test_a_directory_that_is_a_file_is_named(tmp_path: Path) -> None:
    """A path that cannot be used is named in one line."""
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(StartupError, match=str(file)):
        ServingCertificate.create(NAMES).write(file)
    with pytest.raises(StartupError, match=str(file)):
        ServingCertificate.read(file)


def test_the_key_is_not_in_the_representation() -> None:
    """A private key never gets into a log or a failed assertion."""
    assert "PRIVATE KEY" not in repr(ServingCertificate.create(NAMES))


def test_removing_leaves_what_others_put_there(tmp_path: Path) -> None:
    """Only the three files go, and the directory only when nothing else is in it."""
    directory = tmp_path / "certs"
    ServingCertificate.create(NAMES).write(directory)
    (directory / "kubeconfig").write_text("")
    assert {path.name for path in remove_files(directory)} == FILES
    assert [path.name for path in directory.iterdir()] == ["kubeconfig"]
    assert remove_files(directory) == ()
    (directory / "kubeconfig").unlink()
    ServingCertificate.create(NAMES).write(directory)
    remove_files(directory)
    assert not directory.exists()
