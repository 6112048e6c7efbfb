"""What relations lead to, hung beside what is owned."""

from collections import deque
from collections.abc import Iterable
from copy import copy
from operator import itemgetter
from typing import NamedTuple

from kubediscovery.drawing import MAX_DEPTH
from kubediscovery.edges import Edge, Edges
from kubediscovery.kinds import Kind
from kubediscovery.leaves import Leaves
from kubediscovery.nodes import Event, Node, event_of, node_of, order
from kubediscovery.objects import Object, PodState
from kubediscovery.relations import EVENT, NODE_RELATION, POD, RELEASE
from kubediscovery.sight import Sight
from kubediscovery.store import Store


class Place(NamedTuple):
    """A node from which something may hang, the object that it is of, and its level; that of the root is 1."""

    item: Object
    node: Node
    level: int


class _Task(NamedTuple):
    place: Place
    forward: frozenset[str]
    backward: frozenset[str]


# A node with what it is sorted by among its siblings.
_Hung = tuple[tuple[str, ...], Node]


class Relating:
    """Hangs related objects from the places of one tree.

    From what is owned all relations are followed, and backwards those that are attached, unless from what is owned too:
    that shows by itself where it leads. What is reached backwards leads on backwards, what is reached forwards only as
    its rule says (see :mod:`kubediscovery.relations`). Where an object stands again nothing hangs from it: the nodes
    for that are made once, and shared, those of what is used among all trees that have the same ``leaves``.
    """

    def __init__(self, store: Store, sight: Sight, relations: frozenset[str], levels: int, leaves: Leaves) -> None:
        rules = store.links.relations
        self._edges = Edges(store, sight)
        self._leaves = leaves
        self._levels = levels
        self._followed, self._attached, self._then = rules.ways(relations)
        self._pods_lead = POD in rules.named_by or POD in rules.selects
        self._tells, self._releases = EVENT in relations and self._edges.tells, RELEASE in relations
        # By UID: the relations that have been followed from there, and whether it was left backwards.
        self._forward: dict[str, frozenset[str]] = {}
        self._backward: set[str] = set()
        # What shows by itself where it leads.
        self._leading: set[str] = set()
        self._bare: dict[tuple[str, str, bool], _Hung] = {}
        # By what siblings have in common: what hangs from all but the first of them.
        self._shared: dict[tuple[str, int, int], list[_Hung]] = {}
        self._nodes: dict[str, _Hung | None] = {}
        self._queue: deque[_Task] = deque()
        #: What hangs from the places, by UID.
        self.seen: dict[str, Object] = {}
        #: The kinds of what lies too deep, by UID.
        self.cut: dict[str, Kind] = {}

    def hang(self, places: Iterable[Place]) -> None:
        """Add to the nodes of what is owned, each of which is given once."""
        owned = list(places)
        for item, node, level in owned:
            if level < self._levels:
                self._leading.add(item.uid)
            self._forward[item.uid] = self._followed
            self._backward.add(item.uid)
            if self._tells:
                node.events = self._events(item)
        if self._releases:
            self._hang_releases(owned)
        for place in owned:
            if isinstance(place.item.state, PodState) and place.level < self._levels:
                self._follow_sibling(place)
            else:
                self._follow(_Task(place, self._followed, self._attached))
        while self._queue:
            self._follow(self._queue.popleft())

    def _hang_releases(self, places: Iterable[Place]) -> None:
        """The others of each release stand at the first that is of it."""
        seen: set[str] = set()
        for item, node, level in places:
            if item.release and item.release not in seen and level < self._levels:
                seen.add(item.release)
                others = self._edges.released_with(item)
                node.related = [self._again(Edge(RELEASE, other), incoming=False)[1] for other in others]

    def _follow(self, task: _Task) -> None:
        (item, node, level), forward, backward = task
        if level == self._levels:
            self._cut(item, forward, backward)
            return
        hung = [(_place(found), found) for found in node.related]
        hung += self._hung(self._edges.leading_from(item, forward), level, incoming=False)
        hung += self._hung(self._edges.leading_to(item, backward), level, incoming=True)
        hung.sort(key=_FIRST)
        node.related = [found for _, found in hung]

    def _cut(self, item: Object, forward: frozenset[str], backward: frozenset[str]) -> None:
        if self._levels == MAX_DEPTH:
            edges = (*self._edges.leading_from(item, forward), *self._edges.leading_to(item, backward))
            self.cut.update((edge.item.uid, edge.item.kind) for edge in edges)

    def _follow_sibling(self, place: Place) -> None:
        """The same for a pod: most of what is said of it is said of its siblings too, and looked up once."""
        pod, node, level = place
        key = pod.namespace, id(pod.references), id(pod.labels)
        hung = self._shared.get(key)
        hung = hung.copy() if hung is not None else self._shared_from(pod, level, key)
        on_node = self._on_node(pod)
        if on_node is not None:
            hung.append(on_node)
        if node.related:
            hung += [(_place(found), found) for found in node.related]
        if self._pods_lead:
            hung += self._hung(self._edges.led_to(pod, self._followed), level, incoming=False)
        hung += self._hung(self._edges.naming(pod, self._attached), level, incoming=True)
        hung.sort(key=_FIRST)
        node.related = [found for _, found in hung]

    def _shared_from(self, pod: Object, level: int, key: tuple[str, int, int]) -> list[_Hung]:
        """What hangs from the first of some siblings; for the others it is kept as it hangs from them."""
        named = self._edges.named(pod, self._followed)
        against = self._edges.named(pod, self._attached, against=True)
        others = [*against, *self._edges.selecting(pod, self._attached)]
        hung = self._hung(named, level, incoming=False) + self._hung(others, level, incoming=True)
        again = [self._again(edge, incoming=False) for edge in named]
        again += [self._again(edge, incoming=True) for edge in others if edge.item.uid not in self._leading]
        self._shared[key] = sorted(again, key=_FIRST)
        return hung

    def _on_node(self, pod: Object) -> _Hung | None:
        name = pod.state.node if isinstance(pod.state, PodState) and NODE_RELATION in self._followed else ""
        if name not in self._nodes:
            item = self._edges.node(name) if name else None
            self._nodes[name] = self._again(Edge(NODE_RELATION, item), incoming=False) if item is not None else None
        return self._nodes[name]

    def _hung(self, edges: list[Edge], level: int, *, incoming: bool) -> list[_Hung]:
        """The nodes at the other ends but those that lead here by themselves; what is new will lead on."""
        # Which place is the first must not depend on the order in which things came.
        ordered = sorted(edges, key=_order) if len(edges) > 1 else edges
        skipped = self._leading if incoming else _NONE
        return [self._first(edge, level, incoming=incoming) for edge in ordered if edge.item.uid not in skipped]

    def _first(self, edge: Edge, level: int, *, incoming: bool) -> _Hung:
        uid, forward, backward = edge.item.uid, _NONE, _NONE
        if not incoming and (then := self._then[edge.relation]):
            forward = then - self._forward.get(uid, _NONE)
            self._forward[uid] = self._forward.get(uid, _NONE) | forward
        elif incoming and uid not in self._backward and self._edges.may_lead_to(edge.item, self._attached):
            backward = self._attached
            self._backward.add(uid)
        if not forward and not backward:
            return self._again(edge, incoming=incoming)
        node = self._node(edge, incoming=incoming)
        self._queue.append(_Task(Place(edge.item, node, level + 1), forward, backward))
        self.seen[uid] = edge.item
        return _place(node), node

    def _again(self, edge: Edge, *, incoming: bool) -> _Hung:
        key = edge.item.uid, edge.relation, incoming
        found = self._bare.get(key)
        if found is None:
            node = self._node(edge, incoming=True) if incoming else self._leaf(edge)
            found = self._bare[key] = _place(node), node
            self.seen[edge.item.uid] = edge.item
        return found

    def _node(self, edge: Edge, *, incoming: bool) -> Node:
        node = node_of(edge.item, relation=edge.relation, incoming=incoming or None)
        if self._tells:
            node.events = self._events(edge.item)
        return node

    def _leaf(self, edge: Edge) -> Node:
        node = self._leaves.leaf(edge.item, edge.relation)
        events = self._events(edge.item) if self._tells else None
        if events:
            node = copy(node)
            node.events = events
        return node

    def _events(self, item: Object) -> list[Event] | None:
        return [event_of(found) for found in self._edges.events(item)] or None


_FIRST = itemgetter(0)
_NONE: frozenset[str] = frozenset()


def _place(node: Node) -> tuple[str, ...]:
    return node.relation, node.kind, node.namespace, node.name, node.api_version, "1" if node.incoming else ""


def _order(edge: Edge) -> tuple[str, ...]:
    return edge.relation, *order(edge.item)
