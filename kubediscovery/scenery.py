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
_API_VERSIONS = {
    **dict.fromkeys(("Pod", "Service", "ConfigMap", "Event"), "v1"),
    **dict.fromkeys(("Job", "CronJob"), "batch/v1"),
    "EndpointSlice": "discovery.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
}
_UPDATED = {"Deployment": "updatedReplicas", "ReplicaSet": "fullyLabeledReplicas"}
# What Deployments have where nothing else is said (k8s.io/kubernetes, pkg/apis/apps/v1/defaults.go).
_DEADLINE_SECONDS = 600
# A ConfigMap, and the containers whose environment is taken from it.
SETTINGS, _CONFIGURED = "settings", ("web", "payments")
# Labels: of an application, and those by which controllers tell revisions apart.
NAME, _TEMPLATE_HASH, REVISION_HASH = "app.kubernetes.io/name", "pod-template-hash", "controller-revision-hash"


def make(
    kind: str,
    namespace: str,
    name: str,
    created: str,
    *,
    owner: Manifest | None = None,
    version: int = 0,
    annotations: dict[str, str] | None = None,
    labels: dict[str, str] | None = None,
    **body: Any,
) -> Manifest:
    """An object, with its owner's labels and its own; ``version`` is counted from the demo's beginning."""
    metadata: Manifest = {
        "name": name,
        "namespace": namespace,
        "uid": uid_of(kind, namespace, name),
        "resourceVersion": str(_VERSION + version),
        "generation": 1,
        "creationTimestamp": created,
        "labels": {**(owner["metadata"]["labels"] if owner else {NAME: name}), **(labels or {})},
        "annotations": annotations or {},
    }
    if owner:
        identity = {"kind": owner["kind"], "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
        reference = {"apiVersion": owner["apiVersion"], **identity, "controller": True, "blockOwnerDeletion": True}
        metadata["ownerReferences"] = [reference]
    return {"apiVersion": _API_VERSIONS.get(kind, "apps/v1"), "kind": kind, "metadata": metadata, **body}


def uid_of(kind: str, namespace: str, name: str) -> str:
    """The UID of an object, always the same."""
    return str(uuid5(NAMESPACE_URL, f"kubediscovery:{kind}/{namespace}/{name}"))


def pod_template(image: str) -> Manifest:
    """A pod with one container, called like its image."""
    name = image.split(":")[0]
    container: Manifest = {"name": name, "image": f"{_REGISTRY}/{image}"}
    if name in _CONFIGURED:
        container["envFrom"] = [{"configMapRef": {"name": SETTINGS}}]
    return {"spec": {"containers": [container]}}


def selecting(labels: dict[str, str], image: str) -> Manifest:
    """The part of a spec that says which pods are its, and how they are made."""
    return {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, **pod_template(image)}}


def replicated(
    kind: str,
    labels: dict[str, str],
    image: str,
    desired: int,
    *,
    total: int,
    updated: int,
    ready: int,
    conditions: tuple[Manifest, ...] = (),
) -> Manifest:
    """Spec and status of a Deployment or ReplicaSet with pods of these labels; whatever pod is ready is available."""
    counts = {"replicas": total, _UPDATED[kind]: updated, "readyReplicas": ready, "availableReplicas": ready}
    deadline = {"progressDeadlineSeconds": _DEADLINE_SECONDS} if kind == "Deployment" else {}
    return {
        "spec": {"replicas": desired, **deadline, **selecting(labels, image)},
        "status": {**counts, "observedGeneration": 1, "conditions": conditions},
    }


def replica_set(deployment: Manifest, revision: int, image: str, created: str, *, pods: int, ready: int) -> Manifest:
    """One revision of a Deployment; it changes whenever the Deployment does."""
    metadata = deployment["metadata"]
    name = replica_set_name(metadata["name"], image)
    labels = {_TEMPLATE_HASH: name.removeprefix(f"{metadata['name']}-")}
    selected = {**metadata["labels"], **labels}
    return make(
        "ReplicaSet",
        metadata["namespace"],
        name,
        created,
        owner=deployment,
        version=version_of(deployment),
        annotations=revision_annotation(revision),
        labels=labels,
        **replicated("ReplicaSet", selected, image, pods, total=pods, updated=pods, ready=ready),
    )


def version_of(manifest: Manifest) -> int:
    """The resource version, counted from the demo's beginning."""
    return int(manifest["metadata"]["resourceVersion"]) - _VERSION


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
    said = f"containers with unready status: [{container['name']}]" if state["reason"] == "ContainersNotReady" else ""
    ready = [condition(each, str(container["ready"]), state["reason"], said) for each in ("ContainersReady", "Ready")]
    conditions = [condition("PodScheduled", "True", "", ""), condition("Initialized", "True", "", ""), *ready]
    return make(
        "Pod",
        namespace,
        name,
        created,
        spec={**spec, "nodeName": f"node-{_number(name) % 3 + 1}", "restartPolicy": state["policy"]},
        status={
            "phase": state["phase"],
            "startTime": created,
            "conditions": conditions,
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


def event(about: Manifest, reason: str, message: str, count: int, created: str, last: str) -> Manifest:
    """What a kubelet has to say of a pod; it changes whenever the pod does."""
    metadata = about["metadata"]
    named = {key: metadata[key] for key in ("namespace", "name", "uid")}
    return make(
        "Event",
        metadata["namespace"],
        f"{metadata['name']}.{letters(reason, 16)}",
        created,
        version=version_of(about),
        involvedObject={"apiVersion": about["apiVersion"], "kind": about["kind"], **named},
        type="Warning",
        reason=reason,
        message=message,
        count=count,
        firstTimestamp=created,
        lastTimestamp=last,
        source={"component": "kubelet"},
    )


def condition(kind: str, status: str, reason: str, message: str) -> Manifest:
    """One entry of ``status.conditions``."""
    return {"type": kind, "status": status, "reason": reason, "message": message}


def letters(text: str, length: int) -> str:
    """The generated part of a name: always the same for the same text."""
    number, base = _number(text), len(_LETTERS)
    return "".join(_LETTERS[number // base**place % base] for place in range(length))


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
