"""What ``install --manage-apiservice`` adds: the Lease that replicas share, and rights to it and to the APIServices.

Without the option none of this is installed. RBAC cannot limit the verb create to a name: with the option the server
may create any APIService, and get, change and delete only its own.
"""

from collections.abc import Sequence

from kubediscovery.presence import LEASE_SECONDS, lease_name
from kubediscovery.roles import binding, cluster_role, role
from kubediscovery.workload import NAME, Manifest, metadata


def management(namespace: str, api_service_names: Sequence[str], product: str = NAME) -> tuple[Manifest, ...]:
    """The objects, for servers of the product in that namespace."""
    over_api_services, over_lease, lease = f"{product}:apiservice", f"{product}:replicas", lease_name(product)
    api_services = {"apiGroups": ["apiregistration.k8s.io"], "resources": ["apiservices"]}
    named = api_services | {"resourceNames": [*api_service_names], "verbs": ["get", "patch", "delete"]}
    leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [lease]}
    return (
        cluster_role(over_api_services, [named, api_services | {"verbs": ["create"]}], product=product),
        binding(namespace, over_api_services, "ClusterRole", over_api_services, product=product),
        role(namespace, over_lease, [leases | {"verbs": ["get", "update"]}], product),
        binding(namespace, over_lease, "Role", over_lease, namespace=namespace, product=product),
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata(namespace, lease, product),
            "spec": {"leaseDurationSeconds": LEASE_SECONDS},
        },
    )


def management_arguments(namespace: str) -> list[str]:
    """The server's flags, beside its name."""
    return ["--manage-apiservice", f"--namespace={namespace}"]
