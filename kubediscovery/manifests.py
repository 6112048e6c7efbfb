"""What an installation consists of: options in, Kubernetes objects out, as plain dicts in the order of applying them.

Nothing here talks to a cluster. The pod that serves is in :mod:`kubediscovery.workload`.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import yaml

from kubediscovery.config import (
    AGGREGATION_LABEL,
    API_VERSION,
    CERTIFICATE_FILE,
    DEFAULT_GROUP,
    KEY_FILE,
    SECURE_PORT,
    SERVER_ROLE,
)
from kubediscovery.granted import BY_DEFAULT, GroupResource, reading_rules
from kubediscovery.kinds import Kind
from kubediscovery.management import management, management_arguments
from kubediscovery.roles import aggregate_role, binding, cluster_role
from kubediscovery.serving_certificate import CA_FILE, ServingCertificate
from kubediscovery.workload import (
    IMAGE,
    LABELS,
    NAME,
    SELECTOR,
    Manifest,
    deployment,
    disruption_budget,
    metadata,
    network_policy,
    priority_class,
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

SECRET_NAME = f"{NAME}-tls"
_TO_VIEWERS = {f"rbac.authorization.k8s.io/aggregate-to-{role}": "true" for role in ("view", "edit", "admin")}


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
    ``manages_api_service`` says that the server takes the APIService away when its last replica stops.
    """

    namespace: str = NAME
    image: str = IMAGE
    api_group: str = DEFAULT_GROUP
    external: External | None = None
    resources: tuple[GroupResource, ...] = BY_DEFAULT
    more: tuple[GroupResource, ...] = ()
    makes_namespace: bool = True
    manages_api_service: bool = False

    @property
    def api_service_name(self) -> str:
        """The name that Kubernetes demands: version and group."""
        return f"{API_VERSION}.{self.api_group}"

    @property
    def certificate_names(self) -> tuple[str, ...]:
        """The DNS names that the serving certificate must be for; kube-aggregator asks for the first."""
        service = f"{NAME}.{self.namespace}.svc"
        return (service, f"{service}.cluster.local", *([self.external.host] if self.external else []))


def objects(installation: Installation, certificate: ServingCertificate) -> tuple[Manifest, ...]:
    """Everything there is to apply, in order; a server outside the cluster keeps its certificate in files."""
    trust = {"caBundle": _base64(certificate.ca)}
    served = (
        (_external_service(installation, installation.external),)
        if installation.external
        else (priority_class(), _secret(installation, certificate), *_served_in_cluster(installation))
    )
    managing = management(installation.namespace, installation.api_service_name)
    added = managing if installation.manages_api_service else ()
    # Each kind where the others of it are: what others need comes first.
    order = [kind.kind for kind in INSTALLED_KINDS]
    everything = (*_rights(installation), *added, *served, api_service(installation, trust))
    return tuple(sorted(everything, key=lambda manifest: order.index(manifest["kind"])))


def objects_with_cert_manager(installation: Installation) -> tuple[Manifest, ...]:
    """The same with a certificate that cert-manager makes, renews, and injects into the APIService."""
    ca, serving = f"{NAME}-ca", SECRET_NAME
    names = list(installation.certificate_names)
    served = (
        priority_class(),
        _cert_manager(installation, "Issuer", f"{NAME}-self-signed", {"selfSigned": {}}),
        _cert_manager(
            installation,
            "Certificate",
            ca,
            {
                "secretName": ca,
                "commonName": ca,
                "isCA": True,
                "duration": "87600h",
                "privateKey": {"algorithm": "ECDSA", "size": 256},
                "issuerRef": {"kind": "Issuer", "name": f"{NAME}-self-signed"},
            },
        ),
        _cert_manager(installation, "Issuer", ca, {"ca": {"secretName": ca}}),
        _cert_manager(
            installation,
            "Certificate",
            serving,
            {
                "secretName": serving,
                "dnsNames": names,
                "usages": ["digital signature", "server auth"],
                "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
                "issuerRef": {"kind": "Issuer", "name": ca},
            },
        ),
        *_served_in_cluster(installation),
    )
    annotations = {"cert-manager.io/inject-ca-from": f"{installation.namespace}/{serving}"}
    return (*_rights(installation), *served, api_service(installation, {}, annotations))


def to_yaml(manifests: Iterable[Manifest]) -> str:
    """One stream of YAML documents, for ``kubectl apply -f -``."""
    return yaml.dump_all(manifests, Dumper=_Dumper, sort_keys=False, explicit_start=True, width=1_000_000)


def api_service(installation: Installation, trust: Manifest, annotations: dict[str, str] | None = None) -> Manifest:
    """Where kube-apiserver sends the group's requests; with a priority that leaves ``kubectl get pods`` alone."""
    external = installation.external
    return {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {
            "name": installation.api_service_name,
            "labels": LABELS,
            **({"annotations": annotations} if annotations else {}),
        },
        "spec": {
            "group": installation.api_group,
            "version": API_VERSION,
            "groupPriorityMinimum": 100,
            "versionPriority": 15,
            "service": {
                "namespace": installation.namespace,
                "name": NAME,
                "port": external.port if external else 443,
            },
            **trust,
        },
    }


def _rights(installation: Installation) -> tuple[Manifest, ...]:
    account, reader = installation.namespace, "extension-apiserver-authentication-reader"
    return (
        *([_namespace(installation)] if installation.makes_namespace else []),
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata(installation.namespace, NAME),
            "automountServiceAccountToken": False,
        },
        aggregate_role(SERVER_ROLE, AGGREGATION_LABEL),
        _reading_role("built-in", installation.resources),
        *([_reading_role("more", installation.more)] if installation.more else []),
        cluster_role(f"{NAME}:view", _viewer_rules(installation.api_group), labels=_TO_VIEWERS),
        binding(account, SERVER_ROLE, "ClusterRole", SERVER_ROLE),
        binding(account, f"{NAME}:auth-delegator", "ClusterRole", "system:auth-delegator"),
        binding(account, f"{NAME}:auth-reader", "Role", reader, namespace="kube-system"),
    )


def _namespace(installation: Installation) -> Manifest:
    enforced = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": installation.namespace, "labels": LABELS | enforced},
    }


def _reading_role(what: str, resources: Iterable[GroupResource]) -> Manifest:
    return cluster_role(f"{SERVER_ROLE}-{what}", reading_rules(resources), labels={AGGREGATION_LABEL: "true"})


def _viewer_rules(api_group: str) -> list[Manifest]:
    # Asking is open to whoever may view; what they are shown is still checked kind by kind.
    return [
        {"apiGroups": [api_group], "resources": ["compositions"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [api_group], "resources": ["lint"], "verbs": ["list"]},
        {"apiGroups": [api_group], "resources": ["*/compositions"], "verbs": ["get", "watch"]},
    ]


def _secret(installation: Installation, certificate: ServingCertificate) -> Manifest:
    content = {CA_FILE: certificate.ca, CERTIFICATE_FILE: certificate.certificate, KEY_FILE: certificate.key}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(installation.namespace, SECRET_NAME),
        "type": "kubernetes.io/tls",
        "data": {name: _base64(value) for name, value in content.items()},
    }


def _served_in_cluster(installation: Installation) -> tuple[Manifest, ...]:
    namespace = installation.namespace
    return (
        network_policy(namespace),
        disruption_budget(namespace),
        deployment(namespace, installation.image, installation.api_group, SECRET_NAME, _more_arguments(installation)),
        _service(
            installation,
            {
                "selector": SELECTOR,
                "ports": [{"name": "https", "port": 443, "targetPort": "https", "appProtocol": "https"}],
            },
        ),
    )


def _more_arguments(installation: Installation) -> list[str]:
    return management_arguments(installation.namespace) if installation.manages_api_service else []


def _external_service(installation: Installation, external: External) -> Manifest:
    ports = [{"name": "https", "port": external.port}]
    return _service(installation, {"type": "ExternalName", "externalName": external.host, "ports": ports})


def _service(installation: Installation, spec: Manifest) -> Manifest:
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata(installation.namespace, NAME), "spec": spec}


def _cert_manager(installation: Installation, kind: str, name: str, spec: Manifest) -> Manifest:
    return {
        "apiVersion": "cert-manager.io/v1",
        "kind": kind,
        "metadata": metadata(installation.namespace, name),
        "spec": spec,
    }


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        """Objects share their labels; each document must stand alone all the same."""
        return True
