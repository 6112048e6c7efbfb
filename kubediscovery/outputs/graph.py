"""The trees of an answer as one graph: every object once, and what leads from one to another."""

from collections.abc import Iterator
from typing import NamedTuple

from kubediscovery.composition import Composition, CompositionList
from kubediscovery.nodes import Node
from kubediscovery.relations import OWNER

_PLACE = "{0.api_version}/{0.kind}/{0.namespace}/{0.name}"


class Step(NamedTuple):
    """One place in a tree: a node, the one that it hangs from (None for the root), and whether more hang after it.

    ``lasts`` tells this of each level from below the root down to the node itself.
    """

    node: Node
    parent: Node | None
    lasts: tuple[bool, ...] = ()


class Edge(NamedTuple):
    """``below`` hangs from ``above``, by ownership or by the relation of this name."""

    above: str
    below: str
    relation: str
    controller: bool | None
    incoming: bool | None

    @property
    def owns(self) -> bool:
        """Whether one of the two owns the other."""
        return self.relation in ("", OWNER)

    @property
    def ends(self) -> tuple[str, str]:
        """Where an arrow begins and ends: from owners to what they own, from what refers to what it refers to."""
        is_upward = self.incoming or self.relation == OWNER
        return (self.below, self.above) if is_upward else (self.above, self.below)


class Graph(NamedTuple):
    """Objects by their keys, in the order of the trees, and their edges, each once."""

    nodes: dict[str, Node]
    edges: tuple[Edge, ...]


def compositions_of(answer: Composition | CompositionList) -> list[Composition]:
    """One or many, as many."""
    return answer.items if isinstance(answer, CompositionList) else [answer]


def walk(root: Node) -> Iterator[Step]:
    """Every place of a tree from its root on, depth first: what a node owns stands before what else it leads to."""
    stack = [Step(root, None)]
    while stack:
        step = stack.pop()
        yield step
        below = [*step.node.children, *step.node.related]
        last = len(below) - 1
        stack.extend(Step(below[number], step.node, (*step.lasts, number == last)) for number in range(last, -1, -1))


def key_of(node: Node) -> str:
    """What tells a node from all others: its UID or, of an object that is missing, what is said of it."""
    return node.uid or _PLACE.format(node)


def graph_of(answer: Composition | CompositionList) -> Graph:
    """All trees of an answer together."""
    nodes: dict[str, Node] = {}
    edges: dict[Edge, None] = {}
    for composition in compositions_of(answer):
        for node, parent, _ in walk(composition.root):
            nodes.setdefault(key_of(node), node)
            if parent is not None:
                edge = Edge(key_of(parent), key_of(node), node.relation, node.controller, node.incoming)
                edges[edge] = None
    return Graph(nodes, tuple(edges))
