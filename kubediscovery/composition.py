"""The shapes that compositions are answered in, their names, and what field selectors look at of them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from kubediscovery.health import Health
from kubediscovery.kinds import Kind
from kubediscovery.meta import ListMeta, ObjectMeta
from kubediscovery.nodes import Node
from kubediscovery.objects import Object
from kubediscovery.omissions import Omitted
from kubediscovery.outcome import Rollout


class PodCount(msgspec.Struct):
    """The pods in a tree, each counted once."""

    total: Annotated[int, Meta(description="Pods in the tree.")]
    ready: Annotated[int, Meta(description="Pods in the tree whose condition Ready is True.")]


class CompositionStatus(msgspec.Struct, omit_defaults=True):
    """What holds of the whole tree."""

    health: Annotated[
        Health, Meta(description="The worst health of the root and all that it owns, from Healthy to Unknown.")
    ]
    pods: Annotated[
        PodCount | None, Meta(description="The pods in the tree; left out where you may not list pods.")
    ] = None
    omitted: Annotated[
        list[Omitted] | None,
        Meta(description="Resources that this answer says nothing about, whether or not there is anything of them."),
    ] = None
    rollout: Annotated[
        Rollout | None,
        Meta(description="Whether what was asked for has been rolled out, of a workload that rolls out anything."),
    ] = None


class Composition(msgspec.Struct, rename="camel"):
    """What an object is made of and whether it is all right: the tree of all that it owns, as you may see it."""

    kind: Annotated[str, Meta(description="Kind of this object: Composition.")]
    api_version: Annotated[str, Meta(description="Group and version of this object.")]
    metadata: Annotated[
        ObjectMeta,
        Meta(
            description="Metadata of the root object, under a name that also gives its resource and group, as in "
            "deployments.apps.web; the resource version is the newest in the tree."
        ),
    ]
    root: Annotated[Node, Meta(description="The object that was asked for, with all that it owns below it.")]
    status: Annotated[CompositionStatus, Meta(description="What holds of the whole tree.")]


class CompositionList(msgspec.Struct, rename="camel", kw_only=True):
    """Compositions, sorted by namespace and name."""

    kind: Annotated[str, Meta(description="Kind of this list: CompositionList.")] = "CompositionList"
    api_version: Annotated[str, Meta(description="Group and version of this list.")]
    metadata: Annotated[ListMeta, Meta(description="Metadata of the list.")]
    items: Annotated[list[Composition], Meta(description="One composition for each object that was asked for.")]
    omitted: Annotated[
        list[Omitted], Meta(description="Resources of which no root is listed, whether or not there are any.")
    ]


def composition_name(root: Object) -> str:
    """``deployments.apps.web``; ``pods.web-0`` for the core group."""
    return composition_name_of(root.kind, root.name)


def composition_name_of(kind: Kind, name: str) -> str:
    """The same of an object that need not be there."""
    return f"{kind.group_resource}.{name}"


def fields_of(item: Composition) -> dict[str, str]:
    """What field selectors look at."""
    return {
        "metadata.name": item.metadata.name,
        "metadata.namespace": item.metadata.namespace,
        "root.kind": item.root.kind,
        "status.health": item.status.health,
        "status.rollout.state": item.status.rollout.state if item.status.rollout is not None else "",
    }
