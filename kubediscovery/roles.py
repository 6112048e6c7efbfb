"""Roles and their bindings to the server's service account."""

from collections.abc import Mapping

from kubediscovery.workload import NAME, Manifest, labels_of, metadata

_API_VERSION = "rbac.authorization.k8s.io/v1"


def cluster_role(
    name: str, rules: list[Manifest], *, labels: Mapping[str, str] | None = None, product: str = NAME
) -> Manifest:
    """A ClusterRole; its labels may make it a part of others."""
    return {
        "apiVersion": _API_VERSION,
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": {**labels_of(product), **(labels or {})}},
        "rules": rules,
    }


def aggregate_role(name: str, label: str, product: str = NAME) -> Manifest:
    """A ClusterRole that is the sum of all that have the label; kube-controller-manager writes its rules."""
    return {
        "apiVersion": _API_VERSION,
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": labels_of(product)},
        "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {label: "true"}}]},
    }


def role(namespace: str, name: str, rules: list[Manifest], product: str = NAME) -> Manifest:
    """A Role in a namespace."""
    named = metadata(namespace, name, product)
    return {"apiVersion": _API_VERSION, "kind": "Role", "metadata": named, "rules": rules}


def binding(
    account_namespace: str, name: str, kind: str, role: str, *, namespace: str = "", product: str = NAME
) -> Manifest:
    """Gives the role to the service account in ``account_namespace``: in a namespace, or in all without one."""
    return {
        "apiVersion": _API_VERSION,
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": metadata(namespace, name, product),
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": product, "namespace": account_namespace}],
    }
