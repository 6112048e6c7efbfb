"""Discovery documents, legacy and aggregated, made once for each set of kinds: complete before any cache is.

The shapes are those of k8s.io/apimachinery, pkg/apis/meta/v1 (APIGroupList, APIGroup, APIResourceList) and of
k8s.io/api, apidiscovery/v2 (APIGroupDiscoveryList).
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from kubediscovery.api import ApiGroup, Resource


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
    """All discovery documents of one API group."""

    def __init__(self, api: ApiGroup) -> None:
        resources = list(api.resources())
        group = _group(api)
        self.groups = Document.of({"kind": "APIGroupList", "apiVersion": "v1", "groups": [group]})
        self.group = Document.of({"kind": "APIGroup", "apiVersion": "v1", **group})
        self.resources = Document.of(
            {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": api.api_version,
                "resources": [_legacy(resource) for resource in resources],
            }
        )
        # Clients that find no core group at /api give up on the server: an empty one is served beside the real group.
        self.core = Document.of({"kind": "APIVersions", "versions": [], "serverAddressByClientCIDRs": []})
        self.aggregated = {version: _aggregated(api, resources, version) for version in ("v2", "v2beta1")}
        self.aggregated_core = {version: _aggregated_list([], version) for version in ("v2", "v2beta1")}


def _group(api: ApiGroup) -> dict[str, Any]:
    version = {"groupVersion": api.api_version, "version": api.version}
    return {"name": api.group, "versions": [version], "preferredVersion": version}


def _legacy(resource: Resource) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": resource.name,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": resource.verbs,
    }
    return entry | ({"shortNames": resource.short_names} if resource.short_names else {})


def _aggregated(api: ApiGroup, resources: list[Resource], version: str) -> Document:
    entries = list(_nested(api, resources))
    versions = [{"version": api.version, "resources": entries, "freshness": "Current"}]
    return _aggregated_list([{"metadata": {"name": api.group}, "versions": versions}], version)


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


def _nested(api: ApiGroup, resources: list[Resource]) -> Iterator[dict[str, Any]]:
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
            "responseKind": _response_kind(api, resource),
            "scope": "Namespaced" if resource.namespaced else "Cluster",
            "singularResource": resource.singular,
            "verbs": resource.verbs,
        }
        if resource.short_names:
            entry["shortNames"] = resource.short_names
        if below:
            entry["subresources"] = [_subresource(api, found) for found in below]
        yield entry


def _subresource(api: ApiGroup, resource: Resource) -> dict[str, Any]:
    return {
        "subresource": resource.name.partition("/")[2],
        "responseKind": _response_kind(api, resource),
        "verbs": resource.verbs,
    }


def _response_kind(api: ApiGroup, resource: Resource) -> dict[str, str]:
    return {"group": api.group, "version": api.version, "kind": resource.kind}
