"""The relations that lead from an object to others and back, as far as somebody may see both ends."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from kubediscovery.links import Lines
from kubediscovery.naming import Referrers, namespace_of
from kubediscovery.objects import EventState, Object, Reference
from kubediscovery.relations import CLAIM_TEMPLATE, EVENT, GroupKind
from kubediscovery.sight import Sight
from kubediscovery.store import Store

LATEST_EVENTS = 5
_NONE: frozenset[str] = frozenset()


class Edge(Struct, frozen=True, gc=False):
    """A relation, and the object at its other end."""

    relation: str
    item: Object


class Edges:
    """Reads relations from a store for as long as nothing in it changes; lists have each edge once, in no order."""

    def __init__(self, store: Store, sight: Sight) -> None:
        self._store = store
        self._links = store.links
        self._sight = sight
        # What may be seen wherever it is; None where that depends on the namespace.
        self._kinds = sight.kinds if sight.namespace is None else None
        self._relations = store.links.relations
        #: Whether there is any Event.
        self.tells = store.links.tells
        self._node = store.kinds.by_group_kind("", "Node")
        # By namespace and relations: who names its pods.
        self._callers: dict[tuple[str, frozenset[str]], list[Mapping[str, Referrers]]] = {}
        # Siblings share their labels: what selects one of them selects all.
        self._selecting: dict[tuple[str, int], list[tuple[str, GroupKind, Object]]] = {}

    def leading_from(self, item: Object, among: frozenset[str]) -> list[Edge]:
        """Where some relations lead from an object."""
        if not among:
            return []
        named, led = self._meant(item, item.named, among), self.led_to(item, among)
        return _each_once([*named, *led]) if led else named

    def leading_to(self, item: Object, among: frozenset[str]) -> list[Edge]:
        """From where some relations lead to an object."""
        if not among:
            return []
        lines = self._links.lines(item.kind, among)
        found = self._naming(item, lines)
        if lines.is_selected:
            found += self.selecting(item, among)
        if lines.names_back:
            found += self._meant(item, item.named, among, against=True)
        return _each_once(found)

    def may_lead_to(self, item: Object, among: frozenset[str]) -> bool:
        """Whether any of some relations could lead to an object of its kind."""
        return self._links.lines(item.kind, among).lead_here

    def led_to(self, item: Object, among: frozenset[str]) -> list[Edge]:
        """Where some relations lead from an object that it does not name itself."""
        lines = self._links.lines(item.kind, among)
        if not lines.against and (lines.selects is None or item.selector is None):
            return []
        found = [Edge(name, other) for name in lines.against for other in self._each(self._links.referrers(name, item))]
        return _each_once([*found, *self._selected_by(item, lines)])

    def naming(self, item: Object, among: frozenset[str]) -> list[Edge]:
        """What names an object in some relations."""
        return self._naming(item, self._links.lines(item.kind, among))

    def callers(self, pod: Object, among: frozenset[str]) -> Hashable:
        """Something that is the same for all pods of a namespace which the same others name in some relations."""
        places = self._callers.get((pod.namespace, among))
        if places is None:
            naming = self._links.lines(pod.kind, among).naming
            places = [self._links.place(name, pod.kind, pod.namespace) for name in naming]
            self._callers[pod.namespace, among] = places
        name = pod.name
        found = [place.get(name) for place in places]
        return tuple([frozenset(each) if type(each) is set else each for each in found])

    def named(self, item: Object, among: frozenset[str], *, against: bool = False) -> list[Edge]:
        """What the references mean that an object shares with its siblings, drawn with them, or ``against`` them."""
        if against and not self._links.lines(item.kind, among).names_back:
            return []
        return self._meant(item, item.references, among, against=against)

    def selecting(self, item: Object, among: frozenset[str]) -> list[Edge]:
        """What selects an object by its labels."""
        if not self._links.lines(item.kind, among).is_selected:
            return []
        group_kind = _group_kind(item)
        key = item.namespace, id(item.labels)
        found = self._selecting.get(key)
        if found is None:
            found = self._selecting[key] = self._matching(item, dict(item.labels))
        return [Edge(name, other) for name, selected, other in found if name in among and selected == group_kind]

    def node(self, name: str) -> Object | None:
        """The Node of this name."""
        found = self._store.find(self._node, "", name) if self._node is not None else None
        return found if found is not None and self._sees(found) else None

    def events(self, item: Object) -> list[EventState]:
        """The latest Events about the object, newest first."""
        told = {found.uid: found for found in self._each(self._told(item))}.values()
        states = [(found.name, found.state) for found in told if isinstance(found.state, EventState)]
        states.sort(key=lambda found: (-found[1].last_seen, found[0]))
        return [state for _, state in states[:LATEST_EVENTS]]

    def released_with(self, item: Object) -> list[Object]:
        """The other objects of its Helm release."""
        others = self._links.released(item.release) if item.release else ()
        return [found for found in self._each(others) if found.uid != item.uid]

    def _told(self, item: Object) -> Iterator[str]:
        yield from self._links.events(item.uid)
        for uid in self._links.referrers(EVENT, item):
            event = self._store.get(uid)
            # The kubelet gives a Node's name for its UID; what is read from a file may have none.
            if event is not None and isinstance(event.state, EventState) and event.state.about in ("", item.name):
                yield uid

    def _meant(
        self, item: Object, references: tuple[Reference, ...], among: frozenset[str], *, against: bool = False
    ) -> list[Edge]:
        """What references mean whose edges are drawn with them, or ``against`` them."""
        if not references:
            return []
        found: list[Edge] = []
        named_by = self._relations.named_by
        for reference in references:
            relation = reference.relation
            if relation in among:
                is_reversed = relation in named_by.get((reference.group, reference.kind), _NONE)
                if is_reversed is against:
                    found += [Edge(relation, other) for other in self._found(item, reference)]
        return _each_once(found)

    def _found(self, item: Object, reference: Reference) -> Sequence[Object]:
        kind = self._store.kinds.by_group_kind(reference.group, reference.kind)
        if kind is None:
            return ()
        if reference.relation == CLAIM_TEMPLATE:
            return self._each(self._links.numbered(item.namespace, reference.name))
        namespace = namespace_of(reference, item.namespace) if kind.namespaced else ""
        found = self._store.find(kind, namespace, reference.name)
        return (found,) if found is not None and self._sees(found) else ()

    def _naming(self, item: Object, lines: Lines) -> list[Edge]:
        referrers, each = self._links.referrers, self._each
        return [Edge(name, found) for name in lines.naming for found in each(referrers(name, item))]

    def _selected_by(self, item: Object, lines: Lines) -> Iterator[Edge]:
        if item.selector is None or lines.selects is None:
            return
        relation, selected = lines.selects
        kind = self._store.kinds.by_group_kind(*selected)
        if kind is None:
            return
        verdicts: dict[int, bool] = {}
        for found in self._store.objects(kind, item.namespace):
            verdict = verdicts.get(id(found.labels))
            if verdict is None:
                verdict = verdicts[id(found.labels)] = item.selector.matches(dict(found.labels))
            if verdict and self._sees(found):
                yield Edge(relation, found)

    def _matching(self, item: Object, labels: dict[str, str]) -> list[tuple[str, GroupKind, Object]]:
        matching = []
        for found in self._each(self._links.selecting(item)):
            rule, selector = self._relations.selects.get(_group_kind(found)), found.selector
            if rule is not None and selector is not None and selector.matches(labels):
                matching.append((*rule, found))
        return matching

    def _each(self, uids: Iterable[str]) -> list[Object]:
        get, kinds = self._store.get, self._kinds
        if kinds is not None:
            return [found for found in map(get, uids) if found is not None and found.kind in kinds]
        return [found for found in map(get, uids) if found is not None and self._sight.sees(found)]

    def _sees(self, item: Object) -> bool:
        return item.kind in self._kinds if self._kinds is not None else self._sight.sees(item)


def _each_once(edges: list[Edge]) -> list[Edge]:
    # An object is there once: its UID says which it is.
    if len({edge.item.uid for edge in edges}) == len(edges):
        return edges
    return list({(edge.relation, edge.item.uid): edge for edge in edges}.values())


def _group_kind(item: Object) -> GroupKind:
    return item.kind.group, item.kind.kind
