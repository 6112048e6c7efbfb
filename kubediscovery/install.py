"""The command ``install``: check, apply, and wait until kube-apiserver reaches the server."""

import base64
import ipaddress
import re
import shlex
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from kubediscovery.access import UsersRule
from kubediscovery.api import GroupVersion
from kubediscovery.catalogue import kinds_served
from kubediscovery.cluster import (
    KubeApiserver,
    apply,
    delete,
    is_ours,
    list_ours,
    path_of,
    read,
    words_for,
)
from kubediscovery.config import API_VERSION, CERTIFICATE_FILE, DEFAULT_GROUP, KEY_FILE, SECURE_PORT
from kubediscovery.errors import ConfigurationError, StartupError, UpstreamError, UpstreamForbidden
from kubediscovery.granted import BY_DEFAULT, GroupResource, granted_by, needs_cluster
from kubediscovery.manifests import INSTALLED_KINDS, External, Installation, objects, serving_arguments, to_yaml
from kubediscovery.preflight import check
from kubediscovery.selection import KindPattern
from kubediscovery.serving_certificate import CA_FILE, ServingCertificate
from kubediscovery.settling import Say, first_path, wait_for_rights, wait_until_available
from kubediscovery.size import DEFAULT_SIZE, Size
from kubediscovery.workload import IMAGE, NAME, Manifest

# Part of every cluster: never made, labelled or taken away.
_SYSTEM_NAMESPACES = frozenset({"default", "kube-node-lease", "kube-public", "kube-system"})

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL.pattern}(\.{_LABEL.pattern})*")


@dataclass(frozen=True, slots=True)
class InstallOptions:
    """The flags of ``kubediscovery install``; ``wait`` is how many seconds the APIService may take to be available.

    ``app`` with ``name``, ``version``, ``users`` and ``others`` are of a server of somebody's own subresources, see
    :class:`Installation`; it reads no kinds but those that are named.
    """

    namespace: str = NAME
    image: str = IMAGE
    api_group: str = DEFAULT_GROUP
    external_name: str | None = None
    port: int | None = None
    cert_dir: Path | None = None
    kubeconfig: str | None = None
    wait: float = 180
    manage_apiservice: bool = False
    size: Size = DEFAULT_SIZE
    kinds: tuple[str, ...] = ()
    name: str = NAME
    version: str = API_VERSION
    app: str = ""
    users: tuple[UsersRule, ...] = ()
    others: tuple[GroupVersion, ...] = ()

    @property
    def patterns(self) -> tuple[KindPattern, ...]:
        """What the server reads beside the built-in kinds, for an app alone; raises :class:`ConfigurationError`."""
        try:
            return tuple(map(KindPattern.parse, self.kinds))
        except ConfigurationError as error:
            raise ConfigurationError(f"--kinds: {error}") from None

    def installation(self) -> Installation:
        """What to install; raises :class:`ConfigurationError` that names every flag which cannot be used."""
        faults = [*(fault for is_fault, fault in self._faults() if is_fault), *self.size.faults()]
        try:
            _ = self.patterns
        except ConfigurationError as error:
            faults.append(str(error))
        if faults:
            raise ConfigurationError("\n".join(faults))
        return Installation(
            namespace=self.namespace,
            image=self.image,
            api_group=self.api_group,
            external=External(self.external_name, self.port or SECURE_PORT) if self.external_name else None,
            makes_namespace=self.namespace not in _SYSTEM_NAMESPACES,
            manages_api_service=self.manage_apiservice,
            size=self.size,
            name=self.name,
            version=self.version,
            app=self.app,
            users=self.users,
            others=self.others,
        )

    def granting(self, installation: Installation, found: tuple[GroupResource, ...]) -> Installation:
        """The installation with what the patterns mean."""
        if self.app:
            return replace(installation, resources=found or BY_DEFAULT)
        return replace(installation, more=found)

    def _faults(self) -> tuple[tuple[bool, str], ...]:
        host = self.external_name
        outside = host is not None
        is_address = _is_ip_address(host or "")
        return (
            (not _LABEL.fullmatch(self.namespace), f"--namespace {self.namespace!r}: not the name of a namespace"),
            (
                not _DOMAIN.fullmatch(self.api_group) or "." not in self.api_group,
                f"--api-group {self.api_group!r}: a DNS name such as {DEFAULT_GROUP} is needed",
            ),
            (not self.image or " " in self.image, f"--image {self.image!r}: not the name of an image"),
            (is_address, f"--external-name {host}: kube-apiserver takes no IP address there, only a DNS name"),
            (
                outside and not is_address and not _DOMAIN.fullmatch(host or ""),
                f"--external-name {host!r}: not a DNS name",
            ),
            (self.port is not None and not 1 <= self.port <= 65535, f"--port {self.port}: 1 to 65535 is accepted"),
            (outside and self.cert_dir is None, "--external-name needs --cert-dir: where to write the certificate"),
            (not _LABEL.fullmatch(self.name), f"--name {self.name!r}: not a DNS label such as images"),
            (bool(self.app) and self.name == NAME, f"--name {NAME}: that is kubediscovery itself"),
            (outside and self.size != DEFAULT_SIZE, "--external-name has no pods: requests and limits are of nothing"),
            (not outside and self.port is not None, "--port needs --external-name"),
            (not outside and self.cert_dir is not None, "--cert-dir needs --external-name"),
        )


def render(options: InstallOptions) -> str:
    """The manifests as YAML, for ``kubectl apply -f -``; no cluster is asked.

    With ``external_name`` the certificate's files are kept or written in ``cert_dir``. Otherwise the stream holds a new
    private key.
    """
    installation = options.installation()
    if unclear := [pattern.text for pattern in options.patterns if needs_cluster(pattern)]:
        raise ConfigurationError(
            f'--kinds "{unclear[0]}": only a cluster can tell which kinds these are. Without --apply give a plural with'
            " its group (kafkas.example.org), a whole group (*.example.org), or a kind of Kubernetes's own (secrets)"
        )
    installation = options.granting(installation, granted_by(options.patterns))
    current = ServingCertificate.read(options.cert_dir) if options.cert_dir else None
    certificate = ServingCertificate.kept_or_new(current, installation.certificate_names)
    if options.cert_dir:
        certificate.write(options.cert_dir)
    return to_yaml(objects(installation, certificate))


async def install(options: InstallOptions, client: KubeApiserver, say: Say) -> None:
    """Check, apply everything, and wait until kube-apiserver reaches the server.

    Raises :class:`ConfigurationError` for flags, before anything is asked, and :class:`StartupError` for the rest. It
    may be repeated: what is there is brought up to date, and a certificate that is still good is kept.
    """
    installation = options.installation()
    try:
        if await _has_foreign_namespace(client, installation):
            installation = replace(installation, makes_namespace=False)
        if options.patterns:
            installation = options.granting(installation, granted_by(options.patterns, await kinds_served(client)))
        unsigned = ServingCertificate(b"", b"", b"")
        await check(client, installation, objects(installation, unsigned))
        certificate = await _certificate(options, installation, client, say)
        for manifest in objects(installation, certificate):
            await _apply(client, manifest, say)
        await _remove_other_modes(client, installation, certificate, say)
        if installation.app:
            await _remove_former_apis(client, installation, say)
        else:
            await wait_for_rights(client, say)
        if installation.external:
            for line in next_commands(options, installation):
                say(line)
        else:
            await wait_until_available(client, installation, options.wait, say)
    except UpstreamError as error:
        raise StartupError(f"kube-apiserver: {error}") from error


def next_commands(options: InstallOptions, installation: Installation) -> tuple[str, ...]:
    """What to type after installing for a server outside the cluster: lines for a shell, comments among them."""
    directory = options.cert_dir or Path()
    quoted, kubeconfig = shlex.quote(str(directory)), shlex.quote(str(directory / "kubeconfig"))
    admin = f"kubectl --kubeconfig {shlex.quote(options.kubeconfig)}" if options.kubeconfig else "kubectl"
    server = f"kubectl --kubeconfig {kubeconfig}"
    user = f"$({admin} config view --minify --output 'jsonpath={{.users[0].name}}')"
    name = installation.name
    token = f"$({admin} create token {name} --namespace {installation.namespace} --duration 24h)"
    port = installation.external.port if installation.external else SECURE_PORT
    is_plain = installation.app or installation.api_group == DEFAULT_GROUP
    more = "" if is_plain else f" --api-group {installation.api_group}"
    more += "".join(f" {argument}" for argument in serving_arguments(installation))
    return (
        "# A kubeconfig with the rights of the service account, for a day:",
        f"(umask 077; {admin} config view --raw --minify --flatten > {kubeconfig})",
        f'{server} config delete-user "{user}"',
        f'{server} config set-credentials {name} --token "{token}"',
        f"{server} config set-context --current --user {name}",
        "# The server, in a terminal of its own:",
        f"kubediscovery serve --kubeconfig {kubeconfig} --secure-port {port} --cert-dir {quoted}{more}",
        "# Half a minute later at most, kube-apiserver has found it:",
        f"{admin} get --raw '{first_path(installation)}'",
    )


async def _has_foreign_namespace(client: KubeApiserver, installation: Installation) -> bool:
    try:
        found = await read(client, f"/api/v1/namespaces/{installation.namespace}")
    except UpstreamForbidden:
        return False  # the check of rights says so, beside all the others
    return found is not None and not is_ours(found, installation.name)


async def _certificate(
    options: InstallOptions, installation: Installation, client: KubeApiserver, say: Say
) -> ServingCertificate:
    current = (
        ServingCertificate.read(options.cert_dir)
        if options.cert_dir
        else _of_secret(await read(client, _secret_path(installation)))
    )
    fault = current.fault(installation.certificate_names) if current else ""
    certificate = ServingCertificate.kept_or_new(current, installation.certificate_names)
    if current:
        say(f"renewed the certificate: the one there {fault}" if fault else "kept the certificate: it is still good")
    if options.cert_dir:
        certificate.write(options.cert_dir)
        say(f"{CA_FILE}, {CERTIFICATE_FILE} and {KEY_FILE} are in {options.cert_dir}")
    return certificate


def _secret_path(installation: Installation) -> str:
    return f"/api/v1/namespaces/{installation.namespace}/secrets/{installation.secret_name}"


def _of_secret(secret: Manifest | None) -> ServingCertificate | None:
    data = (secret or {}).get("data") or {}
    names = (CA_FILE, CERTIFICATE_FILE, KEY_FILE)
    if not all(data.get(name) for name in names):
        return None
    return ServingCertificate(*(base64.b64decode(data[name]) for name in names))


async def _apply(client: KubeApiserver, manifest: Manifest, say: Say) -> None:
    try:
        await apply(client, manifest)
    except UpstreamError as error:
        raise StartupError(f"{words_for(manifest)} cannot be applied: {error}") from error
    say(f"applied {words_for(manifest)}")


async def _remove_other_modes(
    client: KubeApiserver, installation: Installation, certificate: ServingCertificate, say: Say
) -> None:
    """Delete what only an earlier installation with other flags needed: pods where the server is outside now, rights.

    The Lease goes before the rights to it: without it no replica takes the APIService away any more.
    """
    wanted = {path_of(manifest) for manifest in objects(installation, certificate)}
    for manifest in reversed(objects(_with_everything(installation), certificate)):
        # Who may not read it did not make it either.
        with suppress(UpstreamForbidden):
            found = None if path_of(manifest) in wanted else await read(client, path_of(manifest))
            if found and is_ours(found, installation.name):
                await delete(client, manifest)
                say(f"removed {words_for(manifest)}: not needed any more")


async def _remove_former_apis(client: KubeApiserver, installation: Installation, say: Say) -> None:
    """Delete the APIServices of what an app does not serve any more: it would hold back the deletion of namespaces."""
    (kind,) = [kind for kind in INSTALLED_KINDS if kind.kind == "APIService"]
    for found in await list_ours(client, kind, installation.name):
        if found["metadata"]["name"] not in installation.api_service_names:
            await delete(client, found)
            say(f"removed {words_for(found)}: not served any more")


def _with_everything(installation: Installation) -> Installation:
    more = installation.more or installation.resources
    return replace(installation, external=None, manages_api_service=True, more=more)


def _is_ip_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
