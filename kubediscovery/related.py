"""What relations lead to, hung beside what is owned."""

from bisect import bisect
from collections import deque
from collections.abc import Hashable, Sequence
from copy import copy
from operator import itemgetter
from typing import NamedTuple

from msgspec import Struct

from kubediscovery.drawing import MAX_DEPTH
from kubediscovery.edges import Edge, Edges
from kubediscovery.kinds import Kind
from kubediscovery.leaves import Hung, Leaves, hung_at
from kubediscovery.nodes import Event, Node, event_of, node_of
from kubediscovery.objects import Object, PodState
from kubediscovery.relations import EVENT, NODE_RELATION, POD, RELEASE
from kubediscovery.sight import Sight
from kubediscovery.store import Store


class Place(Struct, frozen=True, gc=False):
    """A node from which something may hang, the object that it is of, and its level; that of the root is 1."""

    item: Object
    node: Node
    level: int


class _Task(Struct, frozen=True, gc=False):
    place: Place
    forward: frozenset[str]
    backward: frozenset[str]


# What siblings have in common: their namespace, the identities of their references and labels, and who names them.
_Common = tuple[str, int, int, Hashable]


class _Shared(NamedTuple):
    """What hangs from siblings in order, and what it is sorted by."""

    order: tuple[tuple[str, ...], ...] = ()
    nodes: tuple[Node, ...] = ()


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
        self._shows_nodes = NODE_RELATION in self._followed
        self._tells, self._releases = EVENT in relations and self._edges.tells, RELEASE in relations
        # By UID: the relations that have been followed from there, and whether it was left backwards.
        self._forward: dict[str, frozenset[str]] = {}
        self._backward: set[str] = set()
        # What shows by itself where it leads.
        self._leading: set[str] = set()
        # By UID and relation: the nodes for where an object stands again.
        self._used: dict[tuple[str, str], Hung] = {}
        self._using: dict[tuple[str, str], Hung] = {}
        # The same where one stands first of those that lead here.
        self._beginnings: dict[tuple[str, str], Node] = {}
        # What hangs from all siblings but the first.
        self._shared: dict[_Common, _Shared] = {}
        self._nodes: dict[str, Hung | None] = {"": None}
        self._queue: deque[_Task] = deque()
        #: What hangs from the places, by UID.
        self.seen: dict[str, Object] = {}
        #: The kinds of what lies too deep, by UID.
        self.cut: dict[str, Kind] = {}

    def hang(self, places: Sequence[Place]) -> None:
        """Add to the nodes of what is owned, each of which is given once."""
        levels = self._levels
        self._forward = dict.fromkeys([place.item.uid for place in places], self._followed)
        self._backward = set(self._forward)
        self._leading = {place.item.uid for place in places if place.level < levels}
        if self._tells:
            for place in places:
                place.node.events = self._events(place.item)
        if self._releases:
            self._hang_releases(places)
        for place in places:
            if type(place.item.state) is PodState and place.level < levels:
                self._follow_sibling(place)
            else:
                self._follow(place, self._followed, self._attached)
        while self._queue:
            task = self._queue.popleft()
            self._follow(task.place, task.forward, task.backward)

    def _hang_releases(self, places: Sequence[Place]) -> None:
        """The others of each release stand at the first that is of it."""
        seen: set[str] = set()
        for place in places:
            release = place.item.release
            if release and release not in seen and place.level < self._levels:
                seen.add(release)
                others = self._edges.released_with(place.item)
                place.node.related = [self._again(other, RELEASE)[1] for other in others]

    def _follow(self, place: Place, forward: frozenset[str], backward: frozenset[str]) -> None:
        item, level = place.item, place.level
        if level == self._levels < MAX_DEPTH:
            return
        leading_from, leading_to = self._edges.leading_from(item, forward), self._edges.leading_to(item, backward)
        if level < self._levels:
            _hang(place.node, [*self._led_to(leading_from, level), *self._led_from(leading_to, level)])
        else:
            self.cut.update([(edge.item.uid, edge.item.kind) for edge in (*leading_from, *leading_to)])

    def _follow_sibling(self, place: Place) -> None:
        """The same for a pod: most of what is said of it is said of its siblings too, and looked up once."""
        pod, node = place.item, place.node
        key = pod.namespace, id(pod.references), id(pod.labels), self._edges.callers(pod, self._attached)
        shared = self._shared.get(key)
        on_node = self._on_node(pod.node) if self._shows_nodes else None
        if shared is None:
            hung = self._hung_from_first(place, key)
        elif self._pods_lead or node.related:
            hung = [*zip(*shared, strict=True), *self._led_to(self._edges.led_to(pod, self._followed), place.level)]
        else:
            nodes = [*shared.nodes]
            if on_node is not None:
                nodes.insert(bisect(shared.order, on_node[0]), on_node[1])
            node.related = nodes
            return
        _hang(node, [*hung, on_node] if on_node is not None else hung)

    def _hung_from_first(self, place: Place, key: _Common) -> list[Hung]:
        """What hangs from the first of some siblings; for the others it is kept as it hangs from them."""
        pod, level, edges = place.item, place.level, self._edges
        named, naming = edges.named(pod, self._followed), edges.naming(pod, self._attached)
        others = [*edges.named(pod, self._attached, against=True), *edges.selecting(pod, self._attached)]
        hung = [*self._led_to(named, level), *self._led_from(others, level)]
        if self._pods_lead:
            hung += self._led_to(edges.led_to(pod, self._followed), level)
        hung += self._led_from(naming, level)
        again = [self._again(edge.item, edge.relation) for edge in named]
        again += [self._back_again(edge) for edge in (*others, *naming) if edge.item.uid not in self._leading]
        again.sort(key=_ORDER)
        self._shared[key] = _Shared(*zip(*again, strict=True)) if again else _Shared()
        return hung

    def _on_node(self, name: str) -> Hung | None:
        if name not in self._nodes:
            item = self._edges.node(name)
            self._nodes[name] = self._again(item, NODE_RELATION) if item is not None else None
        return self._nodes[name]

    def _led_to(self, edges: list[Edge], level: int) -> list[Hung]:
        """The nodes at the ends of edges that lead away; what is new leads on as its rule says."""
        hung: list[Hung] = []
        leading = []
        for edge in edges:
            if self._then[edge.relation]:
                leading.append(edge)
            else:
                hung.append(self._again(edge.item, edge.relation))
        for edge in _sorted(leading):
            gone = self._forward.get(edge.item.uid, _NONE)
            forward = self._then[edge.relation] - gone
            if forward:
                self._forward[edge.item.uid] = gone | forward
                hung.append(self._first(edge, level, forward, _NONE))
            else:
                hung.append(self._again(edge.item, edge.relation))
        return hung

    def _led_from(self, edges: list[Edge], level: int) -> list[Hung]:
        """The nodes at the beginnings of edges that lead here, but of those that show by themselves where they lead."""
        hung: list[Hung] = []
        leading = []
        for edge in edges:
            if edge.item.uid in self._leading:
                continue
            if edge.item.uid not in self._backward and self._edges.may_lead_to(edge.item, self._attached):
                leading.append(edge)
            else:
                hung.append(self._back_again(edge))
        for edge in _sorted(leading):
            if edge.item.uid not in self._backward:
                self._backward.add(edge.item.uid)
                hung.append(self._first(edge, level, _NONE, self._attached))
            else:
                hung.append(self._back_again(edge))
        return hung

    def _first(self, edge: Edge, level: int, forward: frozenset[str], backward: frozenset[str]) -> Hung:
        node = self._node(edge, incoming=True if backward else None)
        if backward:
            self._beginnings[edge.item.uid, edge.relation] = node
        self._queue.append(_Task(Place(edge.item, node, level + 1), forward, backward))
        self.seen[edge.item.uid] = edge.item
        return hung_at(node)

    def _again(self, item: Object, relation: str) -> Hung:
        self.seen[item.uid] = item
        found = self._leaves.leaf(item, relation)
        return self._telling(item, relation, found) if self._tells else found

    def _telling(self, item: Object, relation: str, leaf: Hung) -> Hung:
        key = item.uid, relation
        found = self._used.get(key)
        if found is None:
            order, node = leaf
            events = self._events(item)
            if events:
                node = copy(node)
                node.events = events
            found = self._used[key] = order, node
        return found

    def _back_again(self, edge: Edge) -> Hung:
        key = edge.item.uid, edge.relation
        found = self._using.get(key)
        if found is None:
            first = self._beginnings.get(key)
            node = copy(first) if first is not None else self._node(edge, incoming=True)
            node.related = []
            found = self._using[key] = hung_at(node)
            self.seen[edge.item.uid] = edge.item
        return found

    def _node(self, edge: Edge, *, incoming: bool | None) -> Node:
        node = node_of(edge.item, relation=edge.relation, incoming=incoming)
        if self._tells:
            node.events = self._events(edge.item)
        return node

    def _events(self, item: Object) -> list[Event] | None:
        return [event_of(found) for found in self._edges.events(item)] or None


_ORDER = itemgetter(0)
_NONE: frozenset[str] = frozenset()


def _hang(node: Node, hung: list[Hung]) -> None:
    if node.related:
        hung += [hung_at(found) for found in node.related]
    if hung:
        hung.sort(key=_ORDER)
        node.related = [found for _, found in hung]


def _sorted(edges: list[Edge]) -> list[Edge]:
    """Which place is the first must not depend on the order in which things came."""
    return sorted(edges, key=_place) if len(edges) > 1 else edges


def _place(edge: Edge) -> tuple[str, ...]:
    item = edge.item
    # As siblings are sorted, without a call for each.
    return edge.relation, item.kind.kind, item.namespace, item.name, item.kind.group
