"""What the commands are told, as frozen values that are validated whole before anything starts."""

import ipaddress
import os
import re
from dataclasses import dataclass, fields
from pathlib import Path

from kubediscovery.errors import ConfigurationError

DEFAULT_GROUP = "kubediscovery.cloudark.io"
API_VERSION = "v1"
DEFAULT_NAMESPACE = "kubediscovery"
# What the server may read is the sum of all ClusterRoles with this label; any group may be served, this is ours.
SERVER_ROLE = "kubediscovery:server"
AGGREGATION_LABEL = "kubediscovery.cloudark.io/aggregate-to-server"
SECURE_PORT = 10250
CERTIFICATE_FILE = "tls.crt"
KEY_FILE = "tls.key"
# k8s.io/apiserver, pkg/server/config.go; it has no bound for watches.
MAX_REQUESTS, MAX_WATCHES, REQUEST_SECONDS = 400, 5_000, 60.0

_GROUP = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DURATION_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

_NO_CERTIFICATE = (
    "give --tls-cert-file and --tls-private-key-file, or --cert-dir with tls.crt and tls.key in it; "
    '"kubediscovery install --external-name HOST --cert-dir DIR" makes them'
)


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How much the server lets itself be asked for, and where it keeps account of it.

    The names are those of k8s.io/apiserver's flags (pkg/server/options), ``max_watches`` apart. The timeout is in
    seconds; 0 requests, watches, megabytes, backups or days are no bound; without a path nothing is audited.
    """

    max_requests_inflight: int = MAX_REQUESTS
    max_watches: int = MAX_WATCHES
    request_timeout: float = REQUEST_SECONDS
    audit_log_path: str = ""
    audit_log_maxsize: int = 100
    audit_log_maxbackup: int = 100
    audit_log_maxage: int = 366

    def faults(self) -> list[str]:
        """What cannot be used, one a line."""
        found = [
            f"--{field.name.replace('_', '-')} must be 0 or more, not {getattr(self, field.name)}"
            for field in fields(self)
            if field.name not in ("request_timeout", "audit_log_path") and getattr(self, field.name) < 0
        ]
        if self.request_timeout <= 0:
            found.append("--request-timeout must be more than 0")
        return found


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The flags of ``kubediscovery serve``; the delay is in seconds, ``kubeconfig`` None means in-cluster or default.

    ``name`` is what the installation is called, without one after the first app, ``namespace`` where it is, without one
    that of its name; both matter only where APIServices are managed. ``apps`` name registries that are served too, as
    ``module:registry``. ``history_path`` is a file that former versions of objects are kept in,
    ``audit_log`` kube-apiserver's, which is read for more of them.
    """

    kubeconfig: str | None = None
    bind_address: str = "0.0.0.0"  # noqa: S104 - kube-apiserver calls from another machine
    secure_port: int = SECURE_PORT
    certificate: Path | None = None
    key: Path | None = None
    cert_dir: Path | None = None
    api_group: str = DEFAULT_GROUP
    shutdown_delay: float = 0.0
    snapshot: Path | None = None
    manage_apiservice: bool = False
    name: str = ""
    namespace: str = ""
    load: LoadOptions = LoadOptions()
    apps: tuple[str, ...] = ()
    history_path: Path | None = None
    audit_log: Path | None = None

    def validate(self) -> None:
        """Raise :class:`ConfigurationError` with every fault, one a line."""
        faults = [*self._address_faults(), *self._certificate_faults(), *self.load.faults()]
        if not _GROUP.fullmatch(self.api_group) or len(self.api_group) > 253:
            faults.append(f'--api-group must be a DNS name with a dot, not "{self.api_group}"')
        if self.namespace and not _LABEL.fullmatch(self.namespace):
            faults.append(f'--namespace must be the name of a namespace, not "{self.namespace}"')
        if self.name and not _LABEL.fullmatch(self.name):
            faults.append(f'--name must be a DNS label such as images, not "{self.name}"')
        if faults:
            raise ConfigurationError("\n".join(faults))

    @property
    def key_pair(self) -> tuple[Path, Path]:
        """Where the serving certificate and its key are; only for validated options that serve TLS."""
        if self.certificate is not None and self.key is not None:
            return self.certificate, self.key
        directory = self.cert_dir or Path()
        return directory / CERTIFICATE_FILE, directory / KEY_FILE

    def _address_faults(self) -> list[str]:
        faults = []
        try:
            address = ipaddress.ip_address(self.bind_address)
        except ValueError:
            return [f'--bind-address must be an IP address, not "{self.bind_address}"']
        if self.snapshot is not None and not address.is_loopback:
            faults.append(f"--snapshot is served without authentication, on loopback only: not on {address}")
        if not 0 <= self.secure_port <= 65535:
            faults.append(f"--secure-port must be from 0 to 65535, not {self.secure_port}")
        return faults

    def _certificate_faults(self) -> list[str]:
        if self.snapshot is not None:
            given = any((self.certificate, self.key, self.cert_dir, self.kubeconfig, self.manage_apiservice))
            words = "--snapshot goes without certificates, kubeconfig and --manage-apiservice: no cluster is behind it"
            told = "--snapshot goes without --history-path and --audit-log: nothing happens to what is in files"
            return [words] * given + [told] * any((self.history_path, self.audit_log))
        if (self.certificate is None) != (self.key is None):
            return ["--tls-cert-file and --tls-private-key-file go together"]
        if self.certificate is None and self.cert_dir is None:
            return [_NO_CERTIFICATE]
        return []


def default_kubeconfig() -> str:
    """``$KUBECONFIG``, which may name several files, or ``~/.kube/config``."""
    return os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")


def parse_duration(text: str) -> float:
    """Seconds of a duration as Go writes it: ``500ms``, ``30s``, ``1m30s``; raises :class:`ConfigurationError`."""
    parts = _DURATION_PART.findall(text)
    if text != "0" and (not parts or "".join(map("".join, parts)) != text):
        raise ConfigurationError(f'a duration such as 500ms, 30s or 1m30s is needed, not "{text}"')
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
