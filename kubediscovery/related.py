"""What relations lead to, hung beside what is owned."""

from collections import deque
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

from kubediscovery.drawing import MAX_DEPTH
from kubediscovery.edges import Edge, Edges
from kubediscovery.kinds import Kind
from kubediscovery.nodes import Event, Node, event_of, node_of, order
from kubediscovery.objects import Object, PodState, Reference
from kubediscovery.relations import EVENT, NODE_RELATION, RELEASE
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

    From what is owned all relations are followed, backwards those that are attached. What is reached backwards leads
    on backwards, what is reached forwards only as its rule says (see :mod:`kubediscovery.relations`). Where an object
    stands again nothing hangs from it: the nodes for that are made once, and shared.
    """

    def __init__(self, store: Store, sight: Sight, relations: frozenset[str], levels: int) -> None:
        rules = store.links.relations
        self._edges = Edges(store, sight)
        self._levels = levels
        self._followed = relations - {EVENT, RELEASE}
        self._attached = self._followed & rules.attached
        self._then = {name: rules.then.get(name, frozenset()) & self._followed for name in self._followed}
        self._tells, self._releases = EVENT in relations, RELEASE in relations
        # By UID: the relations that have been followed from there, and whether it was left backwards.
        self._forward: dict[str, frozenset[str]] = {}
        self._backward: set[str] = set()
        self._bare: dict[tuple[str, str, bool], _Hung] = {}
        # By namespace and identity of what siblings have in common: what hangs from all but the first of them.
        self._named_again: dict[tuple[str, int], list[_Hung]] = {}
        self._nodes: dict[str, list[_Hung]] = {}
        self._queue: deque[_Task] = deque()
        #: What hangs from the places, by UID.
        self.seen: dict[str, Object] = {}
        #: The kinds of what lies too deep, by UID.
        self.cut: dict[str, Kind] = {}

    def hang(self, places: Iterable[Place]) -> None:
        """Add to the nodes of what is owned, each of which is given once."""
        for place in places:
            self._forward[place.item.uid] = self._followed
            self._backward.add(place.item.uid)
            self._queue.append(_Task(place, self._followed, self._attached))
            if self._tells:
                place.node.events = self._events(place.item)
        releases: set[str] = set()
        for place, _, _ in list(self._queue) if self._releases else ():
            if place.item.release and place.item.release not in releases and place.level < self._levels:
                releases.add(place.item.release)
                others = self._edges.released_with(place.item)
                place.node.related = [self._again(Edge(RELEASE, other), incoming=False)[1] for other in others]
        while self._queue:
            self._follow(self._queue.popleft())

    def _follow(self, task: _Task) -> None:
        (item, node, level), forward, backward = task
        if level == self._levels:
            self._cut(item, forward, backward)
            return
        hung = [(_place(found), found) for found in node.related]
        references: tuple[Reference, ...] | None = None
        if isinstance(item.state, PodState) and forward is self._followed:
            references = ()
            hung += self._named_by_pod(item, level)
        hung += self._hung(self._edges.leading_from(item, forward, references), level, incoming=False)
        hung += self._hung(self._edges.leading_to(item, backward), level, incoming=True)
        hung.sort(key=_FIRST)
        node.related = [found for _, found in hung]

    def _cut(self, item: Object, forward: frozenset[str], backward: frozenset[str]) -> None:
        if self._levels == MAX_DEPTH:
            edges = (*self._edges.leading_from(item, forward), *self._edges.leading_to(item, backward))
            self.cut.update((edge.item.uid, edge.item.kind) for edge in edges)

    def _named_by_pod(self, pod: Object, level: int) -> list[_Hung]:
        key = pod.namespace, id(pod.references)
        found = self._named_again.get(key)
        if found is None:
            edges = self._edges.named(pod, self._followed)
            found = self._hung(edges, level, incoming=False)
            self._named_again[key] = [self._again(edge, incoming=False) for edge in edges]
        return [*found, *self._on_node(pod)]

    def _on_node(self, pod: Object) -> list[_Hung]:
        name = pod.state.node if isinstance(pod.state, PodState) and NODE_RELATION in self._followed else ""
        found = self._nodes.get(name)
        if found is None:
            item = self._edges.node(name) if name else None
            found = [self._again(Edge(NODE_RELATION, item), incoming=False)] if item is not None else []
            self._nodes[name] = found
        return found

    def _hung(self, edges: list[Edge], level: int, *, incoming: bool) -> list[_Hung]:
        """The nodes at the other ends; what is there for the first time will lead on."""
        # Which place is the first must not depend on the order in which things came.
        ordered = sorted(edges, key=_order) if len(edges) > 1 else edges
        return [self._first(edge, level, incoming=incoming) for edge in ordered]

    def _first(self, edge: Edge, level: int, *, incoming: bool) -> _Hung:
        uid, nothing = edge.item.uid, frozenset[str]()
        forward = nothing if incoming else self._then[edge.relation] - self._forward.get(uid, nothing)
        backward = self._attached if incoming and uid not in self._backward else nothing
        if not forward and not backward:
            return self._again(edge, incoming=incoming)
        self._forward[uid] = self._forward.get(uid, nothing) | forward
        if backward:
            self._backward.add(uid)
        node = self._node(edge, incoming=incoming)
        self._queue.append(_Task(Place(edge.item, node, level + 1), forward, backward))
        self.seen[uid] = edge.item
        return _place(node), node

    def _again(self, edge: Edge, *, incoming: bool) -> _Hung:
        key = edge.item.uid, edge.relation, incoming
        found = self._bare.get(key)
        if found is None:
            node = self._node(edge, incoming=incoming)
            found = self._bare[key] = _place(node), node
            self.seen[edge.item.uid] = edge.item
        return found

    def _node(self, edge: Edge, *, incoming: bool) -> Node:
        node = node_of(edge.item, relation=edge.relation, incoming=incoming or None)
        if self._tells:
            node.events = self._events(edge.item)
        return node

    def _events(self, item: Object) -> list[Event] | None:
        return [event_of(found) for found in self._edges.events(item)] or None


_FIRST = itemgetter(0)


def _place(node: Node) -> tuple[str, ...]:
    return node.relation, node.kind, node.namespace, node.name, node.api_version, "1" if node.incoming else ""


def _order(edge: Edge) -> tuple[str, ...]:
    return edge.relation, *order(edge.item)
