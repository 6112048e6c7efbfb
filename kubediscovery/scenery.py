"""The builders of the demo's manifests: objects as kube-apiserver serves them, as far as anybody looks at them.

Times are RFC 3339 texts. What is generated is derived from names: the same call gives the same manifest.
"""

import hashlib
from typing import Any
from uuid import NAMESPACE_URL, uuid5

Manifest = dict[str, Any]

_VERSION = 100_000
_REGISTRY = "registry.example.com/shop"
# The letters of generated names (k8s.io/apimachinery, pkg/util/rand): no vowels, nothing that looks like another.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_API_VERSIONS = {"Pod": "v1", "Job": "batch/v1", "CronJob": "batch/v1"}
_UPDATED = {"Deployment": "updatedReplicas", "ReplicaSet": "fullyLabeledReplicas"}


def make(
    kind: str,
    namespace: str,
    name: str,
    created: str,
    *,
    owner: Manifest | None = None,
    version: int = 0,
    annotations: dict[str, str] | None = None,
    **body: Any,
) -> Manifest:
    """An object, with its owner's labels; ``version`` is counted from the demo's beginning."""
    metadata: Manifest = {
        "name": name,
        "namespace": namespace,
        "uid": str(uuid5(NAMESPACE_URL, f"kubediscovery:{kind}/{namespace}/{name}")),
        "resourceVersion": str(_VERSION + version),
        "generation": 1,
        "creationTimestamp": created,
        "labels": owner["metadata"]["labels"] if owner else {"app.kubernetes.io/name": name},
        "annotations": annotations or {},
    }
    if owner:
        identity = {"kind": owner["kind"], "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
        metadata["ownerReferences"] = [{"apiVersion": owner["apiVersion"], **identity, "controller": True}]
    return {"apiVersion": _API_VERSIONS.get(kind, "apps/v1"), "kind": kind, "metadata": metadata, **body}


def pod_template(image: str) -> Manifest:
    """A pod with one container, called like its image."""
    return {"spec": {"containers": [{"name": image.split(":")[0], "image": f"{_REGISTRY}/{image}"}]}}


def replicated(
    kind: str, image: str, desired: int, *, total: int, updated: int, ready: int, conditions: tuple[Manifest, ...] = ()
) -> Manifest:
    """Spec and status of a Deployment or ReplicaSet; whatever pod is ready is available."""
    counts = {"replicas": total, _UPDATED[kind]: updated, "readyReplicas": ready, "availableReplicas": ready}
    return {
        "spec": {"replicas": desired, "template": pod_template(image)},
        "status": {**counts, "observedGeneration": 1, "conditions": conditions},
    }


def replica_set(deployment: Manifest, revision: int, image: str, created: str, *, pods: int, ready: int) -> Manifest:
    """One revision of a Deployment; it changes whenever the Deployment does."""
    metadata = deployment["metadata"]
    return make(
        "ReplicaSet",
        metadata["namespace"],
        replica_set_name(metadata["name"], image),
        created,
        owner=deployment,
        version=int(metadata["resourceVersion"]) - _VERSION,
        annotations=revision_annotation(revision),
        **replicated("ReplicaSet", image, pods, total=pods, updated=pods, ready=ready),
    )


def replica_set_name(deployment: str, image: str) -> str:
    """A Deployment's name and what stands for the hash of its template."""
    return f"{deployment}-{letters(image, 9)}"


def revision_annotation(revision: int) -> dict[str, str]:
    """What the Deployment's controller notes on the Deployment and its ReplicaSets."""
    return {"deployment.kubernetes.io/revision": str(revision)}


def pod(name: str, namespace: str, image: str, created: str, state: Manifest, **metadata: Any) -> Manifest:
    """A pod; ``state`` is one of :func:`running`, :func:`creating`, :func:`crashing` and :func:`succeeded`."""
    spec = pod_template(image)["spec"]
    container = {**spec["containers"][0], "restartCount": 0, "ready": False, **state["container"]}
    ready = {"type": "Ready", "status": str(container["ready"]), "reason": state["reason"]}
    return make(
        "Pod",
        namespace,
        name,
        created,
        spec={**spec, "nodeName": f"node-{_number(name) % 3 + 1}", "restartPolicy": state["policy"]},
        status={
            "phase": state["phase"],
            "startTime": created,
            "conditions": [{"type": "PodScheduled", "status": "True"}, ready],
            "containerStatuses": [container],
        },
        **metadata,
    )


def running(since: str, policy: str = "Always") -> Manifest:
    """The state of a pod that runs and is ready."""
    container = {"ready": True, "started": True, "state": {"running": {"startedAt": since}}}
    return {"phase": "Running", "reason": "", "policy": policy, "container": container}


def creating() -> Manifest:
    """The state of a pod whose image is being pulled."""
    container = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    return {"phase": "Pending", "reason": "ContainersNotReady", "policy": "Always", "container": container}


def crashing(name: str, restarts: int, ended: str) -> Manifest:
    """The state of a pod whose container ends again and again; ``ended`` is the last time."""
    message = f"back-off 5m0s restarting failed container={name}"
    container = {
        "restartCount": restarts,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": message}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": ended}},
    }
    return {"phase": "Running", "reason": "ContainersNotReady", "policy": "Always", "container": container}


def succeeded(ended: str) -> Manifest:
    """The state of a pod that has done its work."""
    container = {"state": {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": ended}}}
    return {"phase": "Succeeded", "reason": "PodCompleted", "policy": "Never", "container": container}


def condition(kind: str, status: str, reason: str, message: str) -> Manifest:
    """One entry of ``status.conditions``."""
    return {"type": kind, "status": status, "reason": reason, "message": message}


def letters(text: str, length: int) -> str:
    """The generated part of a name: always the same for the same text."""
    number, base = _number(text), len(_LETTERS)
    return "".join(_LETTERS[number // base**place % base] for place in range(length))


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
