"""Nodes of what many objects use, made once for all trees that they stand in."""

from typing import NamedTuple

from kubediscovery.nodes import Node, node_of
from kubediscovery.objects import Object
from kubediscovery.recent import Recent

# At half a kilobyte each; the nodes and accounts of a large cluster are fewer.
_MOST = 4_096


# What a node is sorted by among its siblings, with the node.
Hung = tuple[tuple[str, ...], Node]


class _Leaf(NamedTuple):
    item: Object
    hung: Hung


class Leaves:
    """Nodes that nothing hangs from and nothing is ever written to, each kept while its object is the same."""

    def __init__(self) -> None:
        self._kept: Recent[tuple[str, str], _Leaf] = Recent(_MOST)

    def leaf(self, item: Object, relation: str) -> Hung:
        """The node of what a relation leads to; whoever has more to say there writes it to a copy."""
        key = item.uid, relation
        found = self._kept.get(key)
        # Another version of an object is another value.
        if found is None or found.item is not item:
            found = _Leaf(item, hung_at(node_of(item, relation=relation)))
            self._kept.keep(key, found)
        return found.hung


def hung_at(node: Node) -> Hung:
    """A node with its place among its siblings: by relation, kind, namespace and name."""
    return (node.relation, node.kind, node.namespace, node.name, node.api_version, "1" if node.incoming else ""), node
