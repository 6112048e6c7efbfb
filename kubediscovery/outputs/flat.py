"""Compositions as a flat list of nodes: every object once, with what leads to it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from kubediscovery.composition import Composition, CompositionList, CompositionStatus
from kubediscovery.meta import ListMeta, ObjectMeta
from kubediscovery.nodes import Facts
from kubediscovery.omissions import Omitted
from kubediscovery.outputs.graph import compositions_of, graph_of


class Parent(msgspec.Struct, omit_defaults=True):
    """What leads to a node: an object that owns it, or one that a relation connects it with."""

    uid: Annotated[str, Meta(description="UID of the node that this one hangs from.")]
    relation: Annotated[
        str, Meta(description="Name of the relation that leads here, as in configMap; left out for ownership.")
    ] = ""
    controller: Annotated[
        bool | None, Meta(description="Whether an owner is the controller, rather than one of the owners.")
    ] = None
    incoming: Annotated[
        bool | None, Meta(description="Of a relation: whether it is this node that refers to the parent.")
    ] = None


class FlatNode(Facts, kw_only=True):
    """One object of a composition, with what leads to it instead of what is below it."""

    parents: Annotated[
        list[Parent], Meta(description="What leads to the object; empty for the root of a composition alone.")
    ]


class NodesRoot(msgspec.Struct):
    """A composition whose nodes are listed: its metadata and status, and which node is its root."""

    metadata: Annotated[ObjectMeta, Meta(description="Metadata of the composition; the UID is that of its root.")]
    status: Annotated[CompositionStatus, Meta(description="What holds of the whole tree.")]


class CompositionNodes(msgspec.Struct, rename="camel", kw_only=True):
    """The objects of one composition, or of several, without nesting."""

    kind: Annotated[str, Meta(description="Kind of this object: CompositionNodes.")] = "CompositionNodes"
    api_version: Annotated[str, Meta(description="Group and version of this object.")]
    metadata: Annotated[ListMeta, Meta(description="Metadata of the list, or the version of the one composition.")]
    compositions: Annotated[
        list[NodesRoot], Meta(description="The compositions whose nodes are listed, sorted by namespace and name.")
    ]
    nodes: Annotated[
        list[FlatNode],
        Meta(description="Every object of the compositions once, in the order in which their trees show it first."),
    ]
    omitted: Annotated[
        list[Omitted], Meta(description="Resources of which no root is listed, whether or not there are any.")
    ]


def nodes_of(answer: Composition | CompositionList) -> CompositionNodes:
    """The nodes of an answer: its trees can be built from them again."""
    graph = graph_of(answer)
    parents: dict[str, list[Parent]] = {key: [] for key in graph.nodes}
    for edge in graph.edges:
        parents[edge.below].append(Parent(edge.above, edge.relation, edge.controller, edge.incoming))
    whole = answer if isinstance(answer, CompositionList) else None
    return CompositionNodes(
        api_version=answer.api_version,
        metadata=whole.metadata if whole else ListMeta(resource_version=answer.metadata.resource_version),
        compositions=[NodesRoot(found.metadata, found.status) for found in compositions_of(answer)],
        nodes=[
            FlatNode(**{name: getattr(node, name) for name in Facts.__struct_fields__}, parents=parents[key])
            for key, node in graph.nodes.items()
        ],
        omitted=whole.omitted if whole else [],
    )
