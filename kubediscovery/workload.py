"""The pods that serve inside the cluster, and what guards them.

``product`` is what is installed, and what all its objects are called: kubediscovery, or a server of somebody's own
subresources.
"""

from collections.abc import Sequence
from typing import Any

from kubediscovery import __version__
from kubediscovery.config import CERTIFICATE_FILE, KEY_FILE, SECURE_PORT
from kubediscovery.size import DEFAULT_SIZE, Size

Manifest = dict[str, Any]

NAME = "kubediscovery"

TLS_DIRECTORY = "/etc/kubediscovery/tls"

# Neither image tags nor label values may have the plus sign of a local version.
VERSION = __version__.replace("+", "-")
IMAGE = f"ghcr.io/cloud-ark/kubediscovery:{VERSION}"


def called(group: str) -> str:
    """What an app of the group is called where nobody names it: the first label of the group."""
    return group.partition(".")[0]


def selector_of(product: str) -> dict[str, str]:
    """The labels by which a product's pods are found."""
    return {"app.kubernetes.io/name": product, "app.kubernetes.io/component": "server"}


def marks_of(product: str) -> dict[str, str]:
    """The labels by which an installation knows its own objects."""
    return {"app.kubernetes.io/name": product, "app.kubernetes.io/managed-by": NAME}


def labels_of(product: str) -> dict[str, str]:
    """All labels of a product's objects."""
    return selector_of(product) | marks_of(product) | {"app.kubernetes.io/version": VERSION}


LABELS = labels_of(NAME)

# User and group of the image; both are without name or rights.
_USER = 65532

# Of the cluster autoscaler: volumes on the node that may go with the pod.
_EVICTED_WITH = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes"

# Endpoints take seconds to learn that a pod ends; then a request may take its whole 60 s.
_SHUTDOWN_DELAY_SECONDS = 10
_GRACE_SECONDS = _SHUTDOWN_DELAY_SECONDS + 60 + 5


def metadata(namespace: str, name: str, product: str = NAME) -> Manifest:
    """Name, labels, and the namespace where there is one."""
    return {"name": name, **({"namespace": namespace} if namespace else {}), "labels": labels_of(product)}


def priority_class(product: str = NAME) -> Manifest:
    """The highest priority below Kubernetes's own classes, which some clusters allow in kube-system alone."""
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": metadata("", product, product),
        "value": 1_000_000_000,
        "description": f"For {product}: while an aggregated API is down, Kubernetes deletes no namespace.",
    }


def network_policy(namespace: str, product: str = NAME) -> Manifest:
    """Nobody reaches anything but the secure port; kube-apiserver has no label to be picked by."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(namespace, product, product),
        "spec": {
            "podSelector": {"matchLabels": selector_of(product)},
            "policyTypes": ["Ingress"],
            "ingress": [{"ports": [{"protocol": "TCP", "port": SECURE_PORT}]}],
        },
    }


def disruption_budget(namespace: str, product: str = NAME) -> Manifest:
    """One pod at a time may be evicted, a broken one always."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(namespace, product, product),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector_of(product)},
        },
    }


def deployment(
    namespace: str,
    image: str,
    api_group: str,
    secret_name: str,
    more_arguments: Sequence[str] = (),
    *,
    product: str = NAME,
    size: Size = DEFAULT_SIZE,
) -> Manifest:
    """Two replicas that are replaced without a gap; ``more_arguments`` follow those that the server always has."""
    container = _container(product, image, api_group, more_arguments, size)
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(namespace, product, product),
        "spec": {
            "replicas": 2,
            "revisionHistoryLimit": 3,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "selector": {"matchLabels": selector_of(product)},
            "template": {
                # What is in /tmp need not keep an autoscaler from taking a node away.
                "metadata": {"labels": labels_of(product), "annotations": {_EVICTED_WITH: "tmp"}},
                "spec": _pod(product, secret_name, container),
            },
        },
    }


def _pod(product: str, secret_name: str, container: Manifest) -> Manifest:
    return {
        "serviceAccountName": product,
        "automountServiceAccountToken": True,
        "enableServiceLinks": False,
        "priorityClassName": product,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "topologySpreadConstraints": [_spread_over_nodes(product)],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [
            {"name": "tls", "secret": {"secretName": secret_name, "defaultMode": 0o440}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
        ],
    }


def _spread_over_nodes(product: str) -> Manifest:
    # A wish, not a condition: both replicas must also run on a cluster of one node. Zones are not asked for: the
    # scheduler then leaves all nodes without that label out of the count, and nothing is spread.
    return {
        "topologyKey": "kubernetes.io/hostname",
        "maxSkew": 1,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector_of(product)},
        "matchLabelKeys": ["pod-template-hash"],
    }


def _container(product: str, image: str, api_group: str, more_arguments: Sequence[str], size: Size) -> Manifest:
    return {
        "name": product,
        "image": image,
        "args": [
            "serve",
            f"--api-group={api_group}",
            f"--secure-port={SECURE_PORT}",
            f"--tls-cert-file={TLS_DIRECTORY}/{CERTIFICATE_FILE}",
            f"--tls-private-key-file={TLS_DIRECTORY}/{KEY_FILE}",
            f"--shutdown-delay-duration={_SHUTDOWN_DELAY_SECONDS}s",
            *more_arguments,
        ],
        "ports": [{"name": "https", "containerPort": SECURE_PORT}],
        "startupProbe": _probe("/livez", period=2, failures=30),
        "livenessProbe": _probe("/livez", period=10, failures=6),
        "readinessProbe": _probe("/readyz", period=5, failures=2),
        "resources": size.resources(),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [
            {"name": "tls", "mountPath": TLS_DIRECTORY, "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108
        ],
    }


def _probe(path: str, *, period: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "https", "scheme": "HTTPS"},
        "periodSeconds": period,
        "failureThreshold": failures,
        "timeoutSeconds": 5,
    }
