"""How a tree grows, whichever way: each object leads on where it stands first, so that edges bound its size."""

from collections.abc import Callable
from typing import NamedTuple

from kubediscovery.health import Health
from kubediscovery.kinds import Kind
from kubediscovery.nodes import Node, node_of
from kubediscovery.objects import Object


class Limb(NamedTuple):
    """What hangs from an object: a node, and the object that it is of; None for one that is only said to be."""

    item: Object | None
    node: Node


class Growth(NamedTuple):
    """A tree, all objects in it by UID with their health, the first one first, and the kinds of what was too deep.

    ``missing`` says that some node is of no object; ``lost`` is the version at which an object in it last lost a child.
    """

    top: Node
    seen: dict[str, tuple[Object, Health]]
    cut: frozenset[Kind] = frozenset()
    missing: bool = False
    lost: int = 0


def grow(root: Object, below: Callable[[Object], list[Limb]], levels: int) -> Growth:
    """The tree of what hangs from ``root``, in so many levels with that of the root.

    What hangs from several objects stands under each of them, and leads on where it stands first in depth-first order.
    """
    top = node_of(root)
    seen: dict[str, tuple[Object, Health]] = {root.uid: (root, top.health)}
    cut: dict[str, Kind] = {}
    expanded: set[str] = set()
    missing = False
    stack = [(root, top, 1)]
    while stack:
        item, node, level = stack.pop()
        if item.uid in expanded:
            continue
        limbs = below(item)
        if level == levels:
            cut.update((found.uid, found.kind) for found, _ in limbs if found is not None)
            continue
        expanded.add(item.uid)
        node.children = [limb.node for limb in limbs]
        for found, hung in reversed(limbs):
            if found is None:
                missing = True
                continue
            stack.append((found, hung, level + 1))
        seen.update((found.uid, (found, hung.health)) for found, hung in limbs if found is not None)
    return Growth(top, seen, frozenset(kind for uid, kind in cut.items() if uid not in seen), missing)
