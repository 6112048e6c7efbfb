"""What must hold before an installation is applied, checked without changing anything."""

import asyncio
from collections.abc import Mapping
from typing import Any

from kubediscovery.cluster import KubeApiserver, is_ours, read
from kubediscovery.errors import StartupError, UpstreamForbidden
from kubediscovery.manifests import Installation
from kubediscovery.rights import AUTHENTICATION_CONFIG_MAP, missing_rights
from kubediscovery.workload import Manifest

AGGREGATION_FLAGS = (
    "--requestheader-client-ca-file",
    "--requestheader-allowed-names",
    "--requestheader-username-headers=X-Remote-User",
    "--requestheader-group-headers=X-Remote-Group",
    "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    "--proxy-client-cert-file",
    "--proxy-client-key-file",
)


async def check(client: KubeApiserver, installation: Installation, manifests: tuple[Manifest, ...]) -> None:
    """Raise :class:`StartupError` that names everything which would make the installation fail."""
    missing = await missing_rights(client, manifests)
    if missing:
        raise StartupError("\n  ".join(["you lack rights that installing needs:", *missing]))
    faults = await asyncio.gather(
        _aggregation_fault(client),
        _api_service_fault(client, installation),
        _namespace_fault(client, installation),
        _routing_fault(client, installation),
    )
    found = [fault for fault in faults if fault]
    if found:
        raise StartupError("\n".join(found))


async def _aggregation_fault(client: KubeApiserver) -> str:
    found = await read(client, f"/api/v1/namespaces/kube-system/configmaps/{AUTHENTICATION_CONFIG_MAP}")
    if ((found or {}).get("data") or {}).get("requestheader-client-ca-file"):
        return ""
    return (
        f"kube-apiserver has no aggregation: ConfigMap kube-system/{AUTHENTICATION_CONFIG_MAP} lacks"
        f" requestheader-client-ca-file. Start kube-apiserver with {' '.join(AGGREGATION_FLAGS)}"
    )


async def _api_service_fault(client: KubeApiserver, installation: Installation) -> str:
    listed = await client.request("GET", "/apis/apiregistration.k8s.io/v1/apiservices")
    more, same = (f" --name {installation.name}", "group") if installation.app else ("", "--api-group")
    for item in listed["items"]:
        name, service = item["metadata"]["name"], item["spec"].get("service") or {}
        here = service.get("namespace") == installation.namespace and service.get("name") == installation.name
        ours = is_ours(item, installation.name) or here
        if name in installation.api_service_names and not ours:
            return (
                f"APIService {name} is there already and is not {installation.name}'s: {_whose(item)}."
                f" Delete it, or choose another group{'' if installation.app else ' with --api-group'}"
            )
        # What an app served before and does not serve any more is taken away.
        is_former = name not in installation.api_service_names and not installation.app
        if ours and (is_former or not here):
            return (
                f"{installation.name} is installed already: APIService {name} leads to {_service_words(service)}."
                f" Run `kubediscovery uninstall{more}` first, or install with the same --namespace and {same}"
            )
    return ""


def _whose(api_service: Mapping[str, Any]) -> str:
    metadata = api_service["metadata"]
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    if labels.get("kube-aggregator.kubernetes.io/automanaged"):
        return "kube-apiserver made it for CustomResourceDefinitions of that group"
    # kube-apiserver itself writes the status of every APIService.
    managers = [e.get("manager", "") for e in metadata.get("managedFields") or () if e.get("subresource") != "status"]
    release = annotations.get("meta.helm.sh/release-name")
    owner = (
        (f"Helm release {release}" if release else "")
        or labels.get("app.kubernetes.io/managed-by")
        or next(filter(None, managers), "somebody unnamed")
    )
    return f"it leads to {_service_words(api_service['spec'].get('service') or {})} and is managed by {owner}"


def _service_words(service: Mapping[str, Any]) -> str:
    return f"Service {service.get('namespace')}/{service.get('name')}" if service else "kube-apiserver itself"


async def _namespace_fault(client: KubeApiserver, installation: Installation) -> str:
    found = await read(client, f"/api/v1/namespaces/{installation.namespace}")
    if found is None or found["metadata"].get("deletionTimestamp") is None:
        return ""
    return f"namespace {installation.namespace} is being deleted{deletion_words(found)}: wait until it is gone"


def deletion_words(namespace: Mapping[str, Any]) -> str:
    """What holds a namespace's deletion back, in parentheses, where Kubernetes says so."""
    conditions = (namespace.get("status") or {}).get("conditions") or ()
    messages = [condition["message"] for condition in conditions if condition.get("status") == "True"]
    return f" ({'; '.join(messages)})" if messages else ""


async def _routing_fault(client: KubeApiserver, installation: Installation) -> str:
    """Where kube-apiserver runs in pods that the caller may see, its flags tell whether it takes ExternalName."""
    if not installation.external:
        return ""
    query = {"labelSelector": "component=kube-apiserver"}
    try:
        pods = await client.request("GET", "/api/v1/namespaces/kube-system/pods", query=query)
    except UpstreamForbidden:
        return ""
    flags = {
        flag
        for pod in pods["items"]
        for container in pod["spec"]["containers"]
        for flag in [*(container.get("command") or ()), *(container.get("args") or ())]
    }
    if flags.isdisjoint({"--enable-aggregator-routing", "--enable-aggregator-routing=true"}):
        return ""
    return (
        "kube-apiserver runs with --enable-aggregator-routing=true, and then takes no Service of type ExternalName:"
        " set it to false, or install without --external-name"
    )
