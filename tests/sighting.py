"""Documents as kube-apiserver sends them, and what is kept of them, made up for tests."""

from __future__ import annotations

from typing import Any

import msgspec

from kubediscovery.sightings import Sighting, glimpse, sighting
from kubediscovery.versions import Origin

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def deployment(image: str = "nginx:1", generation: int = 1, **fields: Any) -> dict[str, Any]:
    """A Deployment; ``fields`` are of its metadata."""
    metadata: dict[str, Any] = {
        "name": "web",
        "namespace": "shop",
        "uid": "uid-web",
        "generation": generation,
        "resourceVersion": str(generation * 10),
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"app": "web"},
        "annotations": {"deployment.kubernetes.io/revision": str(generation), "note": "kept", LAST_APPLIED: "{}"},
        "managedFields": [
            {
                "manager": "kubectl-set",
                "operation": "Update",
                "time": "2026-01-02T00:00:00Z",
                "fieldsV1": {"f:spec": {}},
            },
            {"manager": "kube-controller-manager", "time": "2026-01-03T00:00:00Z", "subresource": "status"},
        ],
    }
    template = {"spec": {"containers": [{"name": "nginx", "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**metadata, **fields},
        "spec": {"replicas": 1, "template": template},
        "status": {"replicas": 1},
    }


def sighted(
    image: str = "nginx:1", generation: int = 1, *, origin: Origin = Origin.CACHE, now: float = 0.0, **fields: Any
) -> Sighting:
    """What is kept of such a Deployment."""
    return sighting(glimpse(msgspec.json.encode(deployment(image, generation, **fields))), origin, now=now)
