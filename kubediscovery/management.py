"""What ``install --manage-apiservice`` adds: the Lease that replicas share, and the rights to it and to the APIService.

Without the option none of this is installed. RBAC cannot limit the verb create to a name: with the option the server
may create any APIService, and get, change and delete only its own.
"""

from kubediscovery.presence import LEASE_NAME, LEASE_SECONDS
from kubediscovery.roles import binding, cluster_role, role
from kubediscovery.workload import NAME, Manifest, metadata

_OVER_API_SERVICE = f"{NAME}:apiservice"
_OVER_LEASE = f"{NAME}:replicas"


def management(namespace: str, api_service_name: str) -> tuple[Manifest, ...]:
    """The objects, for a server in that namespace."""
    api_services = {"apiGroups": ["apiregistration.k8s.io"], "resources": ["apiservices"]}
    lease = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [LEASE_NAME]}
    named = api_services | {"resourceNames": [api_service_name], "verbs": ["get", "patch", "delete"]}
    return (
        cluster_role(_OVER_API_SERVICE, [named, api_services | {"verbs": ["create"]}]),
        binding(namespace, _OVER_API_SERVICE, "ClusterRole", _OVER_API_SERVICE),
        role(namespace, _OVER_LEASE, [lease | {"verbs": ["get", "update"]}]),
        binding(namespace, _OVER_LEASE, "Role", _OVER_LEASE, namespace=namespace),
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata(namespace, LEASE_NAME),
            "spec": {"leaseDurationSeconds": LEASE_SECONDS},
        },
    )


def management_arguments(namespace: str) -> list[str]:
    """The server's flags."""
    return ["--manage-apiservice", f"--namespace={namespace}"]
