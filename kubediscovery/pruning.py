"""Trees of some kinds: what leads to an object that is wanted stays, whatever its kind."""

from kubediscovery.drawing import KindFilter
from kubediscovery.kinds import Kind, Kinds
from kubediscovery.nodes import Node


def prune(root: Node, wanted: KindFilter, kinds: Kinds) -> None:
    """Take from a tree what is of no wanted kind and leads to nothing of one; the root stays."""
    _Pruning(wanted, kinds).stays(root)


class _Pruning:
    def __init__(self, wanted: KindFilter, kinds: Kinds) -> None:
        self._wanted = wanted
        self._kinds = kinds
        self._passing: dict[tuple[str, str], bool] = {}

    def stays(self, node: Node) -> bool:
        """Whether the node is wanted or leads to one that is; what does not is taken from it."""
        # Nodes from which nothing hangs may be shared: they are never written to.
        if node.children:
            node.children = [child for child in node.children if self.stays(child)]
        if node.related:
            node.related = [other for other in node.related if self.stays(other)]
        return bool(node.children or node.related) or self._passes(node)

    def _passes(self, node: Node) -> bool:
        key = node.api_version, node.kind
        found = self._passing.get(key)
        if found is None:
            kind = self._kinds.by_api_version(*key) or _unknown(*key)
            found = self._passing[key] = self._wanted.passes(kind)
        return found


def _unknown(api_version: str, kind: str) -> Kind:
    group, _, version = api_version.rpartition("/")
    return Kind(group, version, "", kind, "")
