"""Trees: pure functions of the store, a root, what the caller may see, and what is to be drawn."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from kubediscovery.collection import collected_with
from kubediscovery.drawing import DEFAULT, MAX_DEPTH, Direction, Drawing
from kubediscovery.growth import Growth
from kubediscovery.health import Health, worst
from kubediscovery.inactive import without_inactive
from kubediscovery.kinds import Kind
from kubediscovery.leaves import Leaves
from kubediscovery.nodes import Node, controls, node_of, order
from kubediscovery.objects import Object, PodState
from kubediscovery.pruning import prune
from kubediscovery.related import Place, Relating
from kubediscovery.sight import Sight
from kubediscovery.store import Store
from kubediscovery.upward import owners_of, users_of, uses_of


class Tree(msgspec.Struct):
    """A tree and what holds of all of it; ``cut`` are the kinds of what lies deeper than :data:`MAX_DEPTH`.

    ``members`` are the objects that health, version and pods are of, each once, the root first: all that it owns, or
    in another direction all that the tree has, whatever of them is drawn. What is related beside them is none.
    ``size`` counts the objects that it was built from.
    """

    root: Node
    health: Health
    version: int
    pods: int
    ready_pods: int
    cut: frozenset[Kind]
    members: tuple[Object, ...]
    size: int


class HasChildren(Protocol):
    """What a tree of owners is read from."""

    def children(self, owner: Object) -> list[Object]:
        """What ``owner`` owns, each once."""
        ...

    def losses(self, owner: Object) -> Mapping[Kind, int]:
        """The resource versions at which ``owner`` last lost a child, by the child's kind."""
        ...

    def is_leaf(self, item: Object) -> bool:
        """Whether the object certainly owns nothing, and has lost nothing."""
        ...


def build_tree(
    store: Store, root: Object, sight: Sight, drawing: Drawing = DEFAULT, leaves: Leaves | None = None
) -> Tree:
    """The tree that is to be drawn of ``root``, as far as it may be seen.

    Depth, kinds and what is inactive change what is drawn, not what is said of the whole. A tree that comes to what
    the root does not own has the version of the last change of any object that may be seen: it does not tell what has
    left it. For any other see :func:`owner_tree`. ``leaves`` are shared with other trees of the store.
    """
    grow = _GROWING.get(drawing.direction)
    if grow is None and not drawing.relations and not drawing.narrows:
        return owner_tree(store, root, sight)
    levels = min(drawing.depth + 1, MAX_DEPTH)
    if grow is not None:
        drawn = grow(store, root, sight, drawing, levels)
        whole = drawn if levels == MAX_DEPTH else grow(store, root, sight, drawing, MAX_DEPTH)
    else:
        drawn = _walk(store, root, sight, levels, hide_inactive=drawing.hide_inactive)
        is_whole = levels == MAX_DEPTH and not drawing.hide_inactive
        whole = drawn if is_whole else _walk(store, root, sight, MAX_DEPTH)
    tree = _summarised(drawn.top, whole)
    if drawing.relations and drawing.direction not in _RELATED:
        relating = Relating(store, sight, drawing.relations, levels, leaves or Leaves())
        _relate(relating, levels, drawn, tree)
    if drawing.reaches_out:
        tree.version = max(tree.version, _latest(store, sight))
    if not drawing.kinds.is_everything:
        prune(tree.root, drawing.kinds, store.kinds)
    return tree


def owner_tree(store: HasChildren, root: Object, sight: Sight) -> Tree:
    """The tree of all that ``root`` owns, directly or through others, as far as it may be seen.

    What may not be seen is left out with all below it. An object with several owners appears under each of them; what
    it owns in turn stands where it appears first, in depth-first order, so that neither cycles nor ladders of shared
    owners make the tree larger than the number of its edges. Children are sorted by kind, namespace and name.

    Its version is the highest among what it was built from and what has left it, so that it never stays the same when
    the tree does not.
    """
    grown = _walk(store, root, sight, MAX_DEPTH)
    return _summarised(grown.top, grown)


_Grow = Callable[[Store, Object, Sight, Drawing, int], Growth]
_GROWING: Mapping[Direction, _Grow] = {
    Direction.OWNERS: lambda store, root, sight, _, levels: owners_of(store, root, sight, levels),
    Direction.USERS: lambda store, root, sight, drawing, levels: users_of(
        store, root, sight, drawing.relations, levels
    ),
    Direction.USES: lambda store, root, sight, drawing, levels: uses_of(store, root, sight, drawing.relations, levels),
    Direction.COLLECTED: lambda store, root, sight, _, levels: collected_with(store, root, sight, levels),
}

# Their trees are made of relations.
_RELATED = frozenset((Direction.USERS, Direction.USES))


def _walk(store: HasChildren, root: Object, sight: Sight, levels: int, *, hide_inactive: bool = False) -> Growth:
    kinds, is_leaf = kinds_below(root, sight), store.is_leaf
    top = node_of(root)
    seen: dict[str, tuple[Object, Health]] = {root.uid: (root, top.health)}
    cut: dict[str, Kind] = {}
    expanded: set[str] = set()
    lost = 0
    stack = [(root, top, 1)]
    while stack:
        owner, node, depth = stack.pop()
        if owner.uid in expanded:
            continue
        if losses := store.losses(owner):
            told = sight.everywhere.union(*(found for _, found in sight.beside)) if kinds is None else kinds
            lost = max(lost, *(version for kind, version in losses.items() if kind in told), 0)
        children = _visible(store.children(owner), sight, kinds)
        if hide_inactive:
            children = without_inactive(owner, children, lambda item: any(map(sight.sees, store.children(item))))
        if not children:
            continue
        children.sort(key=order)
        if depth == levels:
            cut.update((child.uid, child.kind) for child in children)
            continue
        expanded.add(owner.uid)
        hung = node.children
        for child in children:
            below = node_of(child, controller=controls(owner, child))
            seen[child.uid] = (child, below.health)
            hung.append(below)
        # Most of what there is owns nothing, and never did.
        leading = [(child, below, depth + 1) for child, below in zip(children, hung, strict=True) if not is_leaf(child)]
        stack += leading[::-1]
    # What was too deep in one place may stand in another.
    return Growth(top, seen, frozenset(kind for uid, kind in cut.items() if uid not in seen), lost=lost)


def kinds_below(root: Object, sight: Sight) -> frozenset[Kind] | None:
    """The kinds that may be seen wherever the root's own may stand; None where it owns in several namespaces."""
    if not root.kind.namespaced and sight.namespace is not None:
        return None
    return sight.kinds if sight.namespace in (None, root.namespace) else sight.beyond(root.namespace)


def visible_below(store: Store, root: Object, sight: Sight) -> Callable[[Object], list[Object]]:
    """What gives the children of anything that ``root`` owns, as far as they may be seen."""
    kinds = kinds_below(root, sight)
    return lambda owner: _visible(store.children(owner), sight, kinds)


def _visible(children: list[Object], sight: Sight, kinds: frozenset[Kind] | None) -> list[Object]:
    if kinds is None:
        return [child for child in children if sight.sees(child)]
    return [child for child in children if child.kind in kinds]


def _relate(relating: Relating, levels: int, drawn: Growth, tree: Tree) -> None:
    relating.hang(_places(drawn, levels))
    tree.size += len(relating.seen.keys() - drawn.seen.keys())
    if relating.cut:
        tree.cut |= {kind for uid, kind in relating.cut.items() if uid not in drawn.seen and uid not in relating.seen}


def _places(drawn: Growth, levels: int) -> list[Place]:
    """Where each object stands first, in depth-first order, with something that may hang below it if it does so."""
    placed: dict[str, Place] = {}
    deepest: dict[str, Place] = {}
    seen, ways = drawn.seen, [iter([drawn.top])]
    while ways:
        level = len(ways)
        found = placed if level < levels else deepest
        for node in ways[-1]:
            uid = node.uid
            if uid not in found and uid in seen:
                found[uid] = Place(seen[uid][0], node, level)
            if node.children:
                ways.append(iter(node.children))
                break
        else:
            ways.pop()
    return [*placed.values(), *(place for uid, place in deepest.items() if uid not in placed)]


def _latest(store: Store, sight: Sight) -> int:
    """The version of the last change of what may be seen, and may be in a tree with what the request is about."""
    latest, near = store.links.latest, sight.namespace
    if near is None:
        return latest(sight.kinds, None)
    beside = [latest(kinds, name) for name, kinds in sight.beside]
    return max(latest(sight.kinds, near), latest(sight.kinds, ""), latest(sight.everywhere, None), *beside)


def _summarised(top: Node, grown: Growth) -> Tree:
    members, healths, version, pods, ready = [], {Health.MISSING} if grown.missing else set(), grown.lost, 0, 0
    for item, health in grown.seen.values():
        members.append(item)
        healths.add(health)
        if item.resource_version > version:
            version = item.resource_version
        state = item.state
        if type(state) is PodState:
            pods += 1
            ready += state.is_ready
    return Tree(
        root=top,
        health=worst(healths),
        version=version,
        pods=pods,
        ready_pods=ready,
        cut=grown.cut,
        members=tuple(members),
        size=len(members),
    )
