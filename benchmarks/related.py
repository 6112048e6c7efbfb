"""What relations add to a tree: both are built, put together and written anew each time, in this process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec

from benchmarks.answers import Member, members
from benchmarks.context import Context
from benchmarks.figures import AtMostTimes, Figure, Result, WrongAnswerError
from benchmarks.percentiles import percentile
from kubediscovery.api import ApiGroup
from kubediscovery.built_in import KUBERNETES_KINDS
from kubediscovery.compositions import Compositions
from kubediscovery.config import API_VERSION, DEFAULT_GROUP
from kubediscovery.drawing import DEFAULT, Drawing
from kubediscovery.kinds import Kinds
from kubediscovery.objects import Object
from kubediscovery.relations import Relations
from kubediscovery.scenery import make
from kubediscovery.sight import Sight
from kubediscovery.snapshot import Manifests, fill
from kubediscovery.store import Store

DEPLOYMENTS, PODS, NAMESPACES, NODES = 1000, 10, 20, 100
_ROUNDS, _CHECKED = 3, 20
_CREATED = "2026-01-01T00:00:00Z"

Manifest = dict[str, Any]


def related(context: Context) -> Result:
    """All Deployments in turn, with nothing kept from one to the next."""
    store = _filled()
    roots = [item for item in store.roots() if item.kind.kind == "Deployment"]
    context.say(f"{sum(map(store.count, store.kinds)):,} objects")
    everything = Drawing(relations=Relations().names)
    alone, beside = (_Measured(store, drawing) for drawing in (DEFAULT, everything))
    if any(alone.members(root) != beside.members(root) for root in roots[:_CHECKED]):
        raise WrongAnswerError("a tree with relations has other objects than one without")
    for _ in range(_ROUNDS):
        alone.begin()
        beside.begin()
        # In turn, so that whatever else the machine does happens to both; never the same one, which would be at hand.
        for root, other in zip(roots, reversed(roots), strict=True):
            alone.measure(root)
            beside.measure(other)
    return Result(
        title=f"One tree with all relations among {DEPLOYMENTS:,} Deployments of {PODS} Pods",
        notes=(
            "Each Deployment has a Service, EndpointSlice, Ingress, autoscaler, disruption budget and NetworkPolicy.",
            f"Its Pods have two ConfigMaps, a Secret, a ServiceAccount and one of {NODES} Nodes.",
            f"Trees of all Deployments are built and encoded {_ROUNDS} times, with and without in turn; none is kept.",
            f"Mean length of a tree: {alone.mean_bytes:,.0f} bytes, with all relations {beside.mean_bytes:,.0f} bytes.",
        ),
        figures=tuple(
            Figure(
                f"a tree with all relations, built and encoded, p{percent}",
                "ms",
                percentile(beside.milliseconds, percent),
                "the tree of owners",
                percentile(alone.milliseconds, percent),
                AtMostTimes(3) if percent == 50 else None,
            )
            for percent in (50, 99)
        ),
    )


class _Measured:
    def __init__(self, store: Store, drawing: Drawing) -> None:
        self._store, self._drawing = store, drawing
        self._sight = Sight(None, frozenset(store.kinds), all=True)
        self.milliseconds: list[float] = []
        self._bytes = 0
        self.begin()

    @property
    def mean_bytes(self) -> float:
        return self._bytes / len(self.milliseconds)

    def begin(self) -> None:
        """With nothing that is known from before."""
        self._compositions = Compositions(ApiGroup(DEFAULT_GROUP, API_VERSION, self._store.kinds), self._store)

    def members(self, root: Object) -> frozenset[Member]:
        """What the tree has, without what is related."""
        return members(msgspec.json.decode(self._written(root)))

    def _written(self, root: Object) -> bytes:
        return msgspec.json.encode(self._compositions.compose(root, self._sight, self._drawing))

    def measure(self, root: Object) -> None:
        started = time.perf_counter()
        written = self._written(root)
        self.milliseconds.append((time.perf_counter() - started) * 1000)
        self._bytes += len(written)


def _filled() -> Store:
    store = Store(Kinds(KUBERNETES_KINDS))
    manifests = Manifests(store.kinds)
    objects: list[Object] = []
    for manifest in _manifests():
        kind = store.kinds.by_api_version(manifest["apiVersion"], manifest["kind"])
        assert kind is not None, manifest["kind"]
        objects.append(manifests.decode(kind, msgspec.json.encode(manifest)))
    fill(store, objects)
    return store


def _manifests() -> Iterator[Manifest]:
    for number in range(NODES):
        yield _made("v1", "Node", "", f"node-{number:03d}")
    for number in range(NAMESPACES):
        yield _made("v1", "ServiceAccount", f"team-{number:03d}", "default")
        yield _made("v1", "ConfigMap", f"team-{number:03d}", "kube-root-ca.crt")
    for number in range(DEPLOYMENTS):
        yield from _application(number, f"team-{number % NAMESPACES:03d}", f"service-{number:05d}")


def _application(number: int, namespace: str, name: str) -> Iterator[Manifest]:
    labels = {"app.kubernetes.io/name": name}
    selector = {"matchLabels": labels}
    made = partial(_named, namespace, name)
    deployment = made("apps/v1", "Deployment", spec={"replicas": PODS, "selector": selector})
    yield deployment
    replicas = _made("apps/v1", "ReplicaSet", namespace, f"{name}-1", deployment, spec={"replicas": PODS})
    yield replicas
    pods = [f"{name}-1-{index}" for index in range(PODS)]
    for index, pod in enumerate(pods):
        yield _made("v1", "Pod", namespace, pod, replicas, spec=_pod(name, (number * PODS + index) % NODES))
    yield made("v1", "ConfigMap")
    yield made("v1", "Secret")
    yield made("v1", "Service", spec={"selector": labels})
    endpoints = [{"targetRef": {"kind": "Pod", "namespace": namespace, "name": pod}} for pod in pods]
    sliced = made("discovery.k8s.io/v1", "EndpointSlice", endpoints=endpoints)
    sliced["metadata"]["labels"] = {"kubernetes.io/service-name": name}
    yield sliced
    backend = {"service": {"name": name, "port": {"number": 80}}}
    yield made("networking.k8s.io/v1", "Ingress", spec={"defaultBackend": backend})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    yield made("autoscaling/v2", "HorizontalPodAutoscaler", spec={"scaleTargetRef": target})
    yield made("policy/v1", "PodDisruptionBudget", spec={"selector": selector})
    yield made("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": selector})


def _pod(name: str, node: int) -> Manifest:
    return {
        "nodeName": f"node-{node:03d}",
        "serviceAccountName": "default",
        "containers": [
            {"name": "server", "image": f"{name}:1", "envFrom": [{"configMapRef": {"name": name}}]},
            {"name": "proxy", "image": "proxy:1", "envFrom": [{"secretRef": {"name": name}}]},
        ],
        "volumes": [{"name": "root", "configMap": {"name": "kube-root-ca.crt"}}],
    }


def _named(namespace: str, name: str, version: str, kind: str, **body: Any) -> Manifest:
    return _made(version, kind, namespace, name, **body)


def _made(version: str, kind: str, namespace: str, name: str, owner: Manifest | None = None, **body: Any) -> Manifest:
    return make(kind, namespace, name, _CREATED, owner=owner, **body) | {"apiVersion": version}
