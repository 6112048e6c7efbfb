"""The subresource ``podmetrics``: what the pods of a tree use of CPU and memory, summed up the tree.

The figures are those of metrics.k8s.io (k8s.io/metrics, pkg/apis/metrics/v1beta1), which metrics-server or another
serves; without one there are none, and the answer says so. They are read with this server's right to list them, and
shown to who has that right too.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from kubediscovery.nodes import Node
from kubediscovery.omissions import Omitted
from kubediscovery.registry import Registry
from kubediscovery.samples import GROUP, RESOURCE, VERSION, Absent, Sample, Samples
from kubediscovery.subresource import Column, SubresourceRequest

_POD = ("v1", "Pod")
_HIDDEN = "you may not list this resource"


class Consumer(Struct, omit_defaults=True, rename="camel"):
    """One object that has pods, and what they use."""

    api_version: Annotated[str, Meta(description="Group and version of the object, as in apps/v1.")]
    kind: Annotated[str, Meta(description="Kind of the object, as in Deployment.")]
    name: Annotated[str, Meta(description="Name of the object.")]
    uid: Annotated[str, Meta(description="UID of the object.")]
    pods: Annotated[int, Meta(description="Pods at or below the object, each counted once.")]
    measured: Annotated[
        int, Meta(description="How many of these pods there are figures of; cpu and memory are theirs.")
    ]
    namespace: Annotated[str, Meta(description="Namespace of the object; left out for cluster-scoped kinds.")] = ""
    cpu: Annotated[str | None, Meta(description="CPU that the pods use, as in 250m of a core.")] = None
    memory: Annotated[str | None, Meta(description="Memory that the pods use, as in 120Mi.")] = None
    children: Annotated[
        list["Consumer"],
        Meta(description="What it owns that has pods; what stands a second time has its children under the first."),
    ] = []


class PodUsage(Struct, omit_defaults=True):
    """What the pods of an object use, and of all that it owns."""

    root: Annotated[Consumer, Meta(description="The object, with all of the tree that has pods below it.")]
    sampled: Annotated[
        str | None,
        Meta(description="When the oldest of the figures was taken.", extra_json_schema={"format": "date-time"}),
    ] = None
    omitted: Annotated[
        list[Omitted] | None, Meta(description="Why there are no figures, or not of all pods that may be seen.")
    ] = None


class PodMetrics:
    """Answers with the figures of the last seconds: the pods of a namespace are asked for once for all its trees."""

    def __init__(self) -> None:
        self._samples = Samples()

    async def get(self, request: SubresourceRequest[Any]) -> PodUsage:
        """The tree of who uses what."""
        root = request.composition.root
        found: dict[tuple[str, str], Sample] = {}
        omitted: dict[Omitted, None] = {}
        for namespace in sorted({node.namespace for node in _pods(root)}):
            if not await request.may("list", RESOURCE, group=GROUP, version=VERSION, namespace=namespace):
                omitted[_omitted("Forbidden", f"{_HIDDEN} in {namespace}")] = None
                continue
            try:
                samples = await self._samples.of(request.around.client, namespace)
            except Absent as error:
                omitted[_omitted(error.reason, str(error))] = None
                continue
            found |= {(namespace, name): sample for name, sample in samples.items()}
        tree = _Tree(root, found)
        return PodUsage(tree.top, min(tree.times, default=None), [*omitted] or None)


def register(registry: Registry) -> None:
    """Register it for all kinds: what has no pods has an empty sum."""
    registry.subresource(
        "podmetrics",
        on="*",
        returns=PodUsage,
        columns=[
            Column("CPU", "string", lambda found: found.root.cpu, description="CPU that the pods use."),
            Column("Memory", "string", lambda found: found.root.memory, description="Memory that the pods use."),
            Column("Pods", "string", _measured, description="Pods that there are figures of, of all."),
        ],
    )(PodMetrics)


class _Tree:
    """What is used at each place of a composition."""

    def __init__(self, root: Node, samples: Mapping[tuple[str, str], Sample]) -> None:
        self._samples = samples
        # By UID: the pods at or below an object, and the figures of a pod.
        self._below: dict[str, frozenset[str]] = {}
        self._figures: dict[str, Sample] = {}
        self.times: list[str] = []
        self.top = self._consumer(root)

    def _consumer(self, node: Node) -> Consumer:
        """A node's place; trees are not deeper than any reader of JSON bears."""
        children = [self._consumer(child) for child in node.children]
        if node.uid not in self._below or children:
            pods = frozenset(self._own(node)).union(*(self._below[child.uid] for child in children))
            self._below[node.uid] = pods
        pods = self._below[node.uid]
        figures = [self._figures[uid] for uid in pods if uid in self._figures]
        total = sum_of(figures) if figures else None
        return Consumer(
            api_version=node.api_version,
            kind=node.kind,
            name=node.name,
            uid=node.uid,
            namespace=node.namespace,
            pods=len(pods),
            measured=len(figures),
            cpu=total.cpu_text if total is not None else None,
            memory=total.memory_text if total is not None else None,
            children=[child for child in children if child.pods],
        )

    def _own(self, node: Node) -> Iterator[str]:
        if (node.api_version, node.kind) != _POD:
            return
        yield node.uid
        sample = self._samples.get((node.namespace, node.name))
        # What was measured before the pod began was another of its name, as StatefulSets have them.
        if sample is not None and not sample.is_before(node.creation_timestamp):
            self._figures[node.uid] = sample
            self.times += [sample.time] if sample.time else []


def sum_of(samples: Iterable[Sample]) -> Sample:
    """All of them together."""
    cpu = memory = 0
    for sample in samples:
        cpu, memory = cpu + sample.cpu, memory + sample.memory
    return Sample(cpu, memory)


def _pods(root: Node) -> Iterator[Node]:
    stack = [root]
    while stack:
        node = stack.pop()
        if (node.api_version, node.kind) == _POD:
            yield node
        stack.extend(node.children)


def _omitted(reason: str, message: str) -> Omitted:
    return Omitted(RESOURCE, reason, message, GROUP)


def _measured(found: PodUsage) -> str:
    return f"{found.root.measured}/{found.root.pods}"
