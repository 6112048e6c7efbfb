"""Discovery documents, legacy and aggregated, made once for each set of kinds: complete before any cache is.

The shapes are those of k8s.io/apimachinery, pkg/apis/meta/v1 (APIGroupList, APIGroup, APIResourceList) and of
k8s.io/api, apidiscovery/v2 (APIGroupDiscoveryList).
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from kubediscovery.api import GroupVersion, Resource
from kubediscovery.served import Served


@dataclass(frozen=True, slots=True)
class Document:
    """Bytes to serve and the quoted SHA-512 by which clients name them."""

    body: bytes
    content_type: str
    etag: str

    @classmethod
    def of(cls, content: object, content_type: str = "application/json") -> "Document":
        """The document of some JSON content."""
        return cls.holding(msgspec.json.encode(content), content_type)

    @classmethod
    def holding(cls, body: bytes, content_type: str) -> "Document":
        """The document that consists of these bytes."""
        return cls(body, content_type, f'"{hashlib.sha512(body).hexdigest().upper()}"')


class Discovery:
    """All discovery documents of a server; ``below`` are those of groups and versions, by what follows ``/apis``."""

    def __init__(self, served: Served) -> None:
        resources = {version: list(served.resources(version)) for version in served.versions}
        groups: dict[str, list[GroupVersion]] = defaultdict(list)
        for version in served.versions:
            groups[version.group].append(version)
        listed = {name: _group(name, versions) for name, versions in groups.items()}
        self.groups = Document.of({"kind": "APIGroupList", "apiVersion": "v1", "groups": [*listed.values()]})
        self.below: dict[tuple[str, ...], Document] = {
            (name,): Document.of({"kind": "APIGroup", "apiVersion": "v1", **group}) for name, group in listed.items()
        } | {(found.group, found.version): _resources(found, resources[found]) for found in served.versions}
        # Clients that find no core group at /api give up on the server: an empty one is served beside the real groups.
        self.core = Document.of({"kind": "APIVersions", "versions": [], "serverAddressByClientCIDRs": []})
        items = [_aggregated(name, versions, resources) for name, versions in groups.items()]
        self.aggregated = {version: _aggregated_list(items, version) for version in ("v2", "v2beta1")}
        self.aggregated_core = {version: _aggregated_list([], version) for version in ("v2", "v2beta1")}


def _group(name: str, versions: list[GroupVersion]) -> dict[str, Any]:
    """The first version that was registered is the preferred one."""
    listed = [{"groupVersion": found.api_version, "version": found.version} for found in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resources(version: GroupVersion, resources: list[Resource]) -> Document:
    return Document.of(
        {
            "kind": "APIResourceList",
            "apiVersion": "v1",
            "groupVersion": version.api_version,
            "resources": [_legacy(resource) for resource in resources],
        }
    )


def _legacy(resource: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": resource.name,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": resource.verbs,
    }
    return entry | ({"shortNames": resource.short_names} if resource.short_names else {})


def _aggregated(
    name: str, versions: list[GroupVersion], resources: Mapping[GroupVersion, list[Resource]]
) -> dict[str, Any]:
    listed = [
        {"version": found.version, "resources": list(_nested(found, resources[found])), "freshness": "Current"}
        for found in versions
    ]
    return {"metadata": {"name": name}, "versions": listed}


def _aggregated_list(items: list[dict[str, Any]], version: str) -> Document:
    return Document.of(
        {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": f"apidiscovery.k8s.io/{version}",
            "metadata": {},
            "items": items,
        },
        f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList",
    )


def _nested(version: GroupVersion, resources: list[Resource]) -> Iterator[dict[str, Any]]:
    """Entries with their subresources below them; a parent stands before its subresources."""
    below_of: dict[str, list[Resource]] = defaultdict(list)
    for resource in resources:
        below_of[resource.name.partition("/")[0]].append(resource)
    for resource in resources:
        if "/" in resource.name:
            continue
        below = [entry for entry in below_of[resource.name] if entry is not resource]
        entry: dict[str, Any] = {
            "resource": resource.name,
            "responseKind": _response_kind(version, resource),
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "singularResource": resource.singular,
            "verbs": resource.verbs,
        }
        if resource.short_names:
            entry["shortNames"] = resource.short_names
        if below:
            entry["subresources"] = [_subresource(version, found) for found in below]
        yield entry


def _subresource(version: GroupVersion, resource: Resource) -> dict[str, Any]:
    return {
        "subresource": resource.name.partition("/")[2],
        "responseKind": _response_kind(version, resource),
        "verbs": resource.verbs,
    }


def _response_kind(version: GroupVersion, resource: Resource) -> dict[str, str]:
    return {"group": version.group, "version": version.version, "kind": resource.kind}
