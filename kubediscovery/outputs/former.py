"""Compositions in the JSON of the first kubediscovery, which scripts written for it read.

It is that of github.com/cloud-ark/kubediscovery, ``pkg/discovery/types.go`` (Composition) and ``discovery.go``
(getComposition, GetCompositions, parseMetaData), from 2019 on, with Namespace: always a list, also for one object; the
root is of level 1 and its kind in small letters; ``Children`` is there where there are none. Its other kinds come as
they are, and relations do not.
"""

from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta

from kubediscovery.composition import Composition, CompositionList
from kubediscovery.nodes import Node
from kubediscovery.objects import Object, PodState, StatusState, WorkloadState
from kubediscovery.outputs.graph import compositions_of

Find = Callable[[str], Object | None]


class Former(msgspec.Struct, rename="pascal"):
    """One object of the first kubediscovery's answers; the fields stand in the order in which Go wrote them."""

    level: Annotated[int, Meta(description="How deep the object stands in the tree; 1 is the root.")]
    kind: Annotated[str, Meta(description="Kind of the object; of the root in small letters.")]
    name: Annotated[str, Meta(description="Name of the object.")]
    namespace: Annotated[str, Meta(description="Namespace of the object; empty for cluster-scoped kinds.")]
    status: Annotated[
        str,
        Meta(description="Phase of the object, as in Running, or Ready where all replicas are ready and available."),
    ]
    children: Annotated[list["Former"], Meta(description="What the object owns.")]


def former_of(answer: Composition | CompositionList, find: Find) -> list[Former]:
    """The trees of what is owned; ``find`` gives the object with a UID, from which its status is read."""
    return [_former(composition.root, find) for composition in compositions_of(answer)]


def _former(root: Node, find: Find) -> Former:
    top = _alone(root, 1, find)
    # The first kubediscovery compared in small letters, and answered so with what had been asked for.
    top.kind = top.kind.lower()
    stack = [(root, top)]
    while stack:
        node, above = stack.pop()
        above.children = [_alone(child, above.level + 1, find) for child in node.children]
        stack.extend(zip(node.children, above.children, strict=True))
    return top


def _alone(node: Node, level: int, find: Find) -> Former:
    # Of an owner that is none nothing is known but what the reference says: its UID may be that of anything.
    item = find(node.uid) if node.resource_version else None
    return Former(level, node.kind, node.name, node.namespace, status_of(item) if item is not None else "", [])


def status_of(item: Object) -> str:
    """The phase, and Ready for what has replicas that are all ready and available; otherwise nothing."""
    match item.state:
        case PodState(phase=phase):
            return phase
        case WorkloadState(replicas=replicas, ready=ready, available=available):
            return "Ready" if 0 < replicas == available == ready else ""
        case StatusState(phase=phase):
            return phase
    return ""
