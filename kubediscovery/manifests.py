"""What an installation consists of: options in, Kubernetes objects out, as plain dicts in the order of applying them.

Nothing here talks to a cluster. The pod that serves is in :mod:`kubediscovery.workload`.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from kubediscovery.access import UsersRule, access
from kubediscovery.api import GroupVersion
from kubediscovery.cert_manager import certificates
from kubediscovery.config import API_VERSION, CERTIFICATE_FILE, DEFAULT_GROUP, KEY_FILE, SECURE_PORT
from kubediscovery.granted import BY_DEFAULT, GroupResource
from kubediscovery.kinds import Kind
from kubediscovery.management import management, management_arguments
from kubediscovery.serving_certificate import CA_FILE, ServingCertificate
from kubediscovery.size import DEFAULT_SIZE, Size
from kubediscovery.workload import (
    IMAGE,
    NAME,
    Manifest,
    deployment,
    disruption_budget,
    labels_of,
    metadata,
    network_policy,
    priority_class,
    selector_of,
)

# The kinds that an installation can hold, in the order of applying; uninstalling goes backwards.
INSTALLED_KINDS = (
    Kind("", "v1", "namespaces", "Namespace", "namespace", namespaced=False),
    Kind("", "v1", "serviceaccounts", "ServiceAccount", "serviceaccount"),
    Kind("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", "clusterrole", namespaced=False),
    Kind(
        "rbac.authorization.k8s.io",
        "v1",
        "clusterrolebindings",
        "ClusterRoleBinding",
        "clusterrolebinding",
        namespaced=False,
    ),
    Kind("rbac.authorization.k8s.io", "v1", "roles", "Role", "role"),
    Kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", "rolebinding"),
    Kind("coordination.k8s.io", "v1", "leases", "Lease", "lease"),
    Kind("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", "priorityclass", namespaced=False),
    Kind("", "v1", "secrets", "Secret", "secret"),
    Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", "networkpolicy"),
    Kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "poddisruptionbudget"),
    Kind("apps", "v1", "deployments", "Deployment", "deployment"),
    Kind("", "v1", "services", "Service", "service"),
    Kind("apiregistration.k8s.io", "v1", "apiservices", "APIService", "apiservice", namespaced=False),
)


@dataclass(frozen=True, slots=True)
class External:
    """A server outside the cluster: ``host`` is a DNS name as kube-apiserver resolves it, ``port`` where it listens."""

    host: str
    port: int = SECURE_PORT


@dataclass(frozen=True, slots=True)
class Installation:
    """What is installed where.

    ``resources`` is what the server may read, ``more`` what it may read beside that. ``makes_namespace`` is False where
    the namespace is somebody else's.
    ``manages_api_service`` says that the server takes the APIService away when its last replica stops. ``size`` is what
    each of its pods asks for.

    A server of somebody's own subresources has a ``name``, group and ``version`` of its own, by which everything is
    called; ``app`` is what it serves, as module:registry, and ``users`` are the rights that come with it. ``others`` is
    what it serves beside the first group and version.
    """

    namespace: str = NAME
    image: str = IMAGE
    api_group: str = DEFAULT_GROUP
    external: External | None = None
    resources: tuple[GroupResource, ...] = BY_DEFAULT
    more: tuple[GroupResource, ...] = ()
    makes_namespace: bool = True
    manages_api_service: bool = False
    size: Size = DEFAULT_SIZE
    name: str = NAME
    version: str = API_VERSION
    app: str = ""
    users: tuple[UsersRule, ...] = ()
    others: tuple[GroupVersion, ...] = ()

    @property
    def apis(self) -> tuple[GroupVersion, ...]:
        """All groups and versions that are served, each with an APIService."""
        return GroupVersion(self.api_group, self.version), *self.others

    @property
    def api_service_names(self) -> tuple[str, ...]:
        """The names that Kubernetes demands: version and group."""
        return tuple(f"{api.version}.{api.group}" for api in self.apis)

    @property
    def secret_name(self) -> str:
        """Where the certificate is."""
        return f"{self.name}-tls"

    @property
    def certificate_names(self) -> tuple[str, ...]:
        """The DNS names that the serving certificate must be for; kube-aggregator asks for the first."""
        service = f"{self.name}.{self.namespace}.svc"
        return (service, f"{service}.cluster.local", *([self.external.host] if self.external else []))


def objects(installation: Installation, certificate: ServingCertificate) -> tuple[Manifest, ...]:
    """Everything there is to apply, in order; a server outside the cluster keeps its certificate in files."""
    trust = {"caBundle": _base64(certificate.ca)}
    served = (
        (_external_service(installation, installation.external),)
        if installation.external
        else (priority_class(installation.name), _secret(installation, certificate), *_served_in_cluster(installation))
    )
    managing = management(installation.namespace, installation.api_service_names, installation.name)
    added = managing if installation.manages_api_service else ()
    # Each kind where the others of it are: what others need comes first.
    order = [kind.kind for kind in INSTALLED_KINDS]
    everything = (*_rights(installation), *added, *served, *api_services(installation, trust))
    return tuple(sorted(everything, key=lambda manifest: order.index(manifest["kind"])))


def objects_with_cert_manager(installation: Installation) -> tuple[Manifest, ...]:
    """The same with a certificate that cert-manager makes, renews, and injects into the APIService."""
    name, namespace, serving = installation.name, installation.namespace, installation.secret_name
    served = (
        priority_class(name),
        *certificates(name, namespace, serving, installation.certificate_names),
        *_served_in_cluster(installation),
    )
    annotations = {"cert-manager.io/inject-ca-from": f"{namespace}/{serving}"}
    return (*_rights(installation), *served, *api_services(installation, {}, annotations))


def to_yaml(manifests: Iterable[Manifest]) -> str:
    """One stream of YAML documents, for ``kubectl apply -f -``."""
    return yaml.dump_all(manifests, Dumper=_Dumper, sort_keys=False, explicit_start=True, width=1_000_000)


def api_services(
    installation: Installation, trust: Manifest, annotations: dict[str, str] | None = None
) -> tuple[Manifest, ...]:
    """Where kube-apiserver sends each group's requests; with a priority that leaves ``kubectl get pods`` alone."""
    service = {
        "namespace": installation.namespace,
        "name": installation.name,
        "port": installation.external.port if installation.external else 443,
    }
    return tuple(
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {
                "name": name,
                "labels": labels_of(installation.name),
                **({"annotations": annotations} if annotations else {}),
            },
            "spec": {
                "group": api.group,
                "version": api.version,
                "groupPriorityMinimum": 100,
                "versionPriority": 15,
                "service": service,
                **trust,
            },
        }
        for name, api in zip(installation.api_service_names, installation.apis, strict=True)
    )


def _rights(installation: Installation) -> tuple[Manifest, ...]:
    return (
        *([_namespace(installation)] if installation.makes_namespace else []),
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata(installation.namespace, installation.name, installation.name),
            "automountServiceAccountToken": False,
        },
        *access(
            installation.name,
            installation.namespace,
            installation.api_group,
            (installation.resources, installation.more),
            installation.users,
        ),
    )


def _namespace(installation: Installation) -> Manifest:
    enforced = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": installation.namespace, "labels": labels_of(installation.name) | enforced},
    }


def _secret(installation: Installation, certificate: ServingCertificate) -> Manifest:
    content = {CA_FILE: certificate.ca, CERTIFICATE_FILE: certificate.certificate, KEY_FILE: certificate.key}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(installation.namespace, installation.secret_name, installation.name),
        "type": "kubernetes.io/tls",
        "data": {name: _base64(value) for name, value in content.items()},
    }


def _served_in_cluster(installation: Installation) -> tuple[Manifest, ...]:
    namespace, name = installation.namespace, installation.name
    return (
        network_policy(namespace, name),
        disruption_budget(namespace, name),
        deployment(
            namespace,
            installation.image,
            DEFAULT_GROUP if installation.app else installation.api_group,
            installation.secret_name,
            serving_arguments(installation),
            product=name,
            size=installation.size,
        ),
        _service(
            installation,
            {
                "selector": selector_of(name),
                "ports": [{"name": "https", "port": 443, "targetPort": "https", "appProtocol": "https"}],
            },
        ),
    )


def serving_arguments(installation: Installation) -> list[str]:
    """What ``serve`` is told beside what it is always told; its name, lest an app that is added to it give it one."""
    is_told_apart = bool(installation.app) or not installation.external
    return [
        *([f"--app={installation.app}"] if installation.app else []),
        *([f"--name={installation.name}"] if is_told_apart else []),
        *(management_arguments(installation.namespace) if installation.manages_api_service else []),
    ]


def _external_service(installation: Installation, external: External) -> Manifest:
    ports = [{"name": "https", "port": external.port}]
    return _service(installation, {"type": "ExternalName", "externalName": external.host, "ports": ports})


def _service(installation: Installation, spec: Manifest) -> Manifest:
    named = metadata(installation.namespace, installation.name, installation.name)
    return {"apiVersion": "v1", "kind": "Service", "metadata": named, "spec": spec}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        """Objects share their labels; each document must stand alone all the same."""
        return True
