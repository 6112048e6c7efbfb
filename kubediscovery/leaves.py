"""Nodes of what many objects use, made once for all trees that they stand in."""

from typing import NamedTuple

from kubediscovery.nodes import Node, node_of
from kubediscovery.objects import Object
from kubediscovery.recent import Recent

# At half a kilobyte each; the nodes and accounts of a large cluster are fewer.
_MOST = 4_096


class _Leaf(NamedTuple):
    item: Object
    node: Node


class Leaves:
    """Nodes that nothing hangs from and nothing is ever written to, each kept while its object is the same."""

    def __init__(self) -> None:
        self._kept: Recent[tuple[str, str], _Leaf] = Recent(_MOST)

    def leaf(self, item: Object, relation: str) -> Node:
        """The node of what a relation leads to; whoever has more to say there writes it to a copy."""
        key = item.uid, relation
        found = self._kept.get(key)
        # Another version of an object is another value.
        if found is None or found.item is not item:
            found = _Leaf(item, node_of(item, relation=relation))
            self._kept.keep(key, found)
        return found.node
