"""What the fields of Kubernetes's own kinds name, pods apart; the relations are those of the rules about them.

Each function takes what was decoded of one kind, in either encoding. Empty names are left out by who asks.
"""

from collections.abc import Iterator
from typing import Any

from kubediscovery import schema, schema_cluster, schema_network, schema_storage
from kubediscovery.objects import Reference
from kubediscovery.readings import group_of

SERVICE_LABEL = "kubernetes.io/service-name"
ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name"
_STORAGE, _RBAC = "storage.k8s.io", "rbac.authorization.k8s.io"
# Provisioners with this prefix are no drivers (k8s.io/kubernetes, pkg/volume/plugins.go and storage docs).
_IN_TREE = "kubernetes.io/"


def of_endpoint_slice(raw: schema_network.EndpointSlice) -> Iterator[Reference]:
    """The Service by the label, the pods by the endpoints."""
    yield Reference("endpoints", "", "Service", raw.metadata.labels.get(SERVICE_LABEL, ""))
    for endpoint in raw.endpoints:
        yield _of_object("endpoints", endpoint.target_ref)


def of_ingress(raw: schema_network.Ingress) -> Iterator[Reference]:
    """Services and other backends, the class and the certificates."""
    spec = raw.spec
    yield Reference("ingressClass", "networking.k8s.io", "IngressClass", spec.ingress_class_name)
    yield from _of_backend(spec.default_backend)
    for rule in spec.rules:
        for path in rule.ingress_rule_value.http.paths:
            yield from _of_backend(path.backend)
    for tls in spec.tls:
        yield Reference("tls", "", "Secret", tls.secret_name)


def _of_backend(backend: schema_network.IngressBackend) -> Iterator[Reference]:
    yield Reference("ingress", "", "Service", backend.service.name)
    resource = backend.resource
    yield Reference("ingress", resource.api_group, resource.kind, resource.name)


def of_autoscaler(raw: schema_cluster.HorizontalPodAutoscaler) -> Iterator[Reference]:
    """What is scaled, of whatever kind."""
    target = raw.spec.scale_target_ref
    yield Reference("scale", group_of(target.api_version), target.kind, target.name)


def of_claim(raw: schema_storage.PersistentVolumeClaim) -> Iterator[Reference]:
    """The volume and the class."""
    yield Reference("volume", "", "PersistentVolume", raw.spec.volume_name)
    yield Reference("storageClass", _STORAGE, "StorageClass", raw.spec.storage_class_name)


def of_volume(raw: schema_storage.PersistentVolume) -> Iterator[Reference]:
    """The class, the driver and its Secrets."""
    yield Reference("storageClass", _STORAGE, "StorageClass", raw.spec.storage_class_name)
    csi = raw.spec.persistent_volume_source.csi
    yield _driver(csi.driver)
    for secret in (
        csi.controller_publish_secret_ref,
        csi.node_stage_secret_ref,
        csi.node_publish_secret_ref,
        csi.controller_expand_secret_ref,
        csi.node_expand_secret_ref,
    ):
        yield Reference("secret", "", "Secret", secret.name, secret.namespace or None)


def of_storage_class(raw: schema_storage.StorageClass) -> Iterator[Reference]:
    """The driver, unless volumes are provisioned otherwise."""
    if not raw.provisioner.startswith(_IN_TREE):
        yield _driver(raw.provisioner)


def of_attachment(raw: schema_storage.VolumeAttachment) -> Iterator[Reference]:
    """The volume, the node and the driver."""
    yield Reference("attachment", "", "PersistentVolume", raw.spec.source.persistent_volume_name)
    yield Reference("attachment", "", "Node", raw.spec.node_name)
    if not raw.spec.attacher.startswith(_IN_TREE):
        yield _driver(raw.spec.attacher)


def _driver(name: str) -> Reference:
    return Reference("csiDriver", _STORAGE, "CSIDriver", name)


def of_binding(raw: schema_cluster.RoleBinding) -> Iterator[Reference]:
    """The role, and the ServiceAccounts among the subjects: users and groups are no objects."""
    yield Reference("role", _RBAC, raw.role_ref.kind, raw.role_ref.name)
    for subject in raw.subjects:
        if subject.kind == "ServiceAccount":
            yield Reference("subject", "", "ServiceAccount", subject.name, subject.namespace or None)


def of_webhooks(raw: schema_cluster.WebhookConfiguration) -> Iterator[Reference]:
    """The Services that are called."""
    for webhook in raw.webhooks:
        yield _of_service("webhook", webhook.client_config.service)


def of_definition(raw: schema_cluster.CustomResourceDefinition) -> Iterator[Reference]:
    """The Service that converts."""
    yield _of_service("webhook", raw.spec.conversion.webhook.client_config.service)


def of_api_service(raw: schema_cluster.APIService) -> Iterator[Reference]:
    """The Service behind it, none where kube-apiserver serves it itself."""
    yield _of_service("apiService", raw.spec.service)


def _of_service(relation: str, service: schema.ServiceReference) -> Reference:
    return Reference(relation, "", "Service", service.name, service.namespace or None)


def of_account(raw: schema_cluster.ServiceAccount) -> Iterator[Reference]:
    """Its Secrets."""
    found: list[Any] = [*raw.secrets, *raw.image_pull_secrets]
    for secret in found:
        yield Reference("tokenSecret", "", "Secret", secret.name)


def of_secret(raw: schema.PartialObjectMetadata) -> Iterator[Reference]:
    """The ServiceAccount that a token is of (k8s.io/api, core/v1/types.go, ServiceAccountNameKey)."""
    yield Reference("tokenSecret", "", "ServiceAccount", raw.metadata.annotations.get(ACCOUNT_ANNOTATION, ""))


def of_core_event(raw: schema_cluster.CoreEvent) -> Iterator[Reference]:
    """What it regards."""
    yield _of_object("event", raw.involved_object)


def of_event(raw: schema_cluster.Event) -> Iterator[Reference]:
    """What it regards."""
    yield _of_object("event", raw.regarding)


def _of_object(relation: str, target: schema.ObjectReference) -> Reference:
    return Reference(relation, group_of(target.api_version), target.kind, target.name, target.namespace or None)
