"""Objects for tests, as a cluster would have them: manifests that are whole enough to be judged healthy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubediscovery.testing.fake_objects import Manifest

_CREATED = "2026-01-01T00:00:00Z"


def sample(
    api_version: str,
    kind: str,
    name: str,
    namespace: str = "default",
    *,
    owner: Manifest | None = None,
    labels: Mapping[str, str] | None = None,
    **fields: Any,
) -> Manifest:
    """An object of any kind, with an ``owner`` as its controller; ``fields`` are those beside the metadata.

    Its UID follows from what it is called, so that references to it can be made before it is put into a cluster.
    """
    metadata: Manifest = {
        "name": name,
        "namespace": namespace,
        "uid": f"{kind}.{namespace}.{name}".lower(),
        "labels": dict(labels or {}),
        "creationTimestamp": _CREATED,
    }
    if owner is not None:
        metadata["ownerReferences"] = [owner_reference(owner)]
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def owner_reference(owner: Manifest, *, controller: bool = True) -> Manifest:
    """A reference to an object that has a UID."""
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": controller,
    }


def pod(
    name: str,
    namespace: str = "default",
    *,
    image: str = "nginx:1.27",
    owner: Manifest | None = None,
    ready: bool = True,
) -> Manifest:
    """A running pod with one container, called ``main``."""
    status: Manifest = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": str(ready)}],
        "containerStatuses": [
            {
                "name": "main",
                "image": image,
                "imageID": "",
                "ready": ready,
                "restartCount": 0,
                "state": {"running": {"startedAt": _CREATED}},
            }
        ],
    }
    labels = owner["metadata"]["labels"] if owner else {}
    spec = {"nodeName": "node-1", "containers": [{"name": "main", "image": image}]}
    return sample("v1", "Pod", name, namespace, owner=owner, labels=labels, spec=spec, status=status)


def deployment(
    name: str, namespace: str = "default", *, image: str = "nginx:1.27", replicas: int = 2
) -> list[Manifest]:
    """A Deployment that is rolled out, its ReplicaSet and its pods: ``web``, ``web-1``, ``web-1-a`` and so on."""
    labels = {"app": name}
    counts: Manifest = dict.fromkeys(("replicas", "readyReplicas", "availableReplicas"), replicas)
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": image}]}},
    }
    available = {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}
    progressing = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
    status = {**counts, "updatedReplicas": replicas, "observedGeneration": 1, "conditions": [available, progressing]}
    top = sample("apps/v1", "Deployment", name, namespace, labels=labels, spec=spec, status=status)
    middle = sample(
        "apps/v1",
        "ReplicaSet",
        f"{name}-1",
        namespace,
        owner=top,
        labels=labels,
        spec=spec,
        status={**counts, "fullyLabeledReplicas": replicas, "observedGeneration": 1},
    )
    revision = {"deployment.kubernetes.io/revision": "1"}
    top["metadata"]["annotations"] = middle["metadata"]["annotations"] = revision
    letters = [f"{name}-1-{chr(ord('a') + number)}" for number in range(replicas)]
    return [top, middle, *(pod(each, namespace, image=image, owner=middle) for each in letters)]


def custom_resource_definition(
    kind: str, *, group: str, plural: str = "", version: str = "v1", namespaced: bool = True
) -> Manifest:
    """A definition by which the fake cluster serves a kind: put it before the first object of that kind."""
    plural = plural or f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced" if namespaced else "Cluster",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [
                {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}},
            ],
        },
    }
