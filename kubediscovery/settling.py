"""Waiting until what was applied works."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from kubediscovery.cluster import POLL_SECONDS, KubeApiserver, read
from kubediscovery.config import SERVER_ROLE
from kubediscovery.errors import StartupError, UpstreamForbidden
from kubediscovery.manifests import Installation
from kubediscovery.workload import Manifest

Say = Callable[[str], None]

API_SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"

# How long kube-controller-manager may take to sum up roles, and how often that is looked at.
RIGHTS_SECONDS, _RIGHTS_POLL = 10.0, 0.1


async def wait_for_rights(client: KubeApiserver, say: Say, *, seconds: float = RIGHTS_SECONDS) -> None:
    """Until kube-controller-manager has summed up what the server may read: it would begin with refusals."""
    until = asyncio.get_running_loop().time() + seconds
    path = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{SERVER_ROLE}"
    # Who may make roles need not be allowed to read them.
    with suppress(UpstreamForbidden):
        while not ((await read(client, path)) or {}).get("rules"):
            if asyncio.get_running_loop().time() >= until:
                say(f"ClusterRole {SERVER_ROLE} has no rules yet: kube-controller-manager gives it those of others")
                return
            await asyncio.sleep(_RIGHTS_POLL)


async def wait_until_available(client: KubeApiserver, installation: Installation, seconds: float, say: Say) -> None:
    """Until kube-apiserver reaches the server; raises :class:`StartupError` that says what it is waiting for."""
    until = asyncio.get_running_loop().time() + seconds
    for name in installation.api_service_names:
        said = ""
        while not (found := availability(await read(client, f"{API_SERVICES}/{name}")))[0]:
            _, message = found
            if message != said:
                say(f"waiting for APIService {name}: {message}")
                said = message
            if asyncio.get_running_loop().time() >= until:
                raise StartupError(_not_available(installation, name, message, seconds))
            await asyncio.sleep(POLL_SECONDS)
    say(f"{installation.name} answers. Try: kubectl get --raw '{first_path(installation)}'")


def availability(api_service: Manifest | None) -> tuple[bool, str]:
    """Whether kube-apiserver has reached the server behind it, and what it says of that."""
    conditions: list[dict[str, Any]] = ((api_service or {}).get("status") or {}).get("conditions") or []
    for condition in conditions:
        if condition["type"] == "Available":
            return condition["status"] == "True", condition.get("message") or condition.get("reason", "")
    return False, "kube-apiserver has not looked at it yet"


def _not_available(installation: Installation, name: str, message: str, seconds: float) -> str:
    kubectl = f"kubectl --namespace {installation.namespace}"
    return (
        f"everything is applied, but APIService {name} is not available after {seconds:g} s:"
        f" {message}\nLook at: {kubectl} get pods,endpointslices\n         {kubectl} describe deployment,pods"
        f"\n         {kubectl} logs deployment/{installation.name}"
    )


def first_path(installation: Installation) -> str:
    """What to ask first: of somebody's own subresources, which there are."""
    path = f"/apis/{installation.api_group}/{installation.version}"
    return path if installation.app else f"{path}/namespaces/default/deployments/*/compositions"
