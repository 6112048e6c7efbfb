"""Documents that the fake kube-apiserver makes of others: discovery, bookmarks, metadata alone."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from kubediscovery.kinds import Kind
from kubediscovery.testing.fake_objects import Manifest

_VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def discovery(served: Iterable[Kind], path: str) -> Manifest:
    """Aggregated discovery of ``/api`` or ``/apis``."""
    kinds = sorted(
        (kind for kind in served if bool(kind.group) is (path == "/apis")),
        key=lambda kind: (kind.group, kind.version),
    )
    groups = [
        {
            "metadata": {"name": group} if group else {},
            "versions": [
                {"version": version, "freshness": "Current", "resources": [_resource(kind) for kind in of_version]}
                for version, of_version in groupby(of_group, key=lambda kind: kind.version)
            ],
        }
        for group, of_group in groupby(kinds, key=lambda kind: kind.group)
    ]
    return {"apiVersion": "apidiscovery.k8s.io/v2", "kind": "APIGroupDiscoveryList", "items": groups}


def _resource(kind: Kind) -> Manifest:
    return {
        "resource": kind.resource,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.singular,
        "verbs": _VERBS,
    }


def whole(manifest: Manifest) -> Manifest:
    """The object as it is."""
    return manifest


def partial(manifest: Manifest) -> Manifest:
    """Its metadata alone."""
    return {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": manifest["metadata"]}


def bookmark(kind: Kind, version: int) -> Manifest:
    """The event that says up to which version all has been told."""
    metadata = {"resourceVersion": str(version), "creationTimestamp": None}
    return {"type": "BOOKMARK", "object": {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata}}
