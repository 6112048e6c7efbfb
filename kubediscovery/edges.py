"""The relations that lead from an object to others and back, as far as somebody may see both ends."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kubediscovery.kinds import Kind
from kubediscovery.naming import namespace_of
from kubediscovery.objects import EventState, Object, Reference
from kubediscovery.relations import CLAIM_TEMPLATE, EVENT, GroupKind
from kubediscovery.sight import Sight
from kubediscovery.store import Store

LATEST_EVENTS = 5
_NONE: frozenset[str] = frozenset()


class Edge(NamedTuple):
    """A relation, and the object at its other end."""

    relation: str
    item: Object


class Edges:
    """Reads relations from a store for as long as nothing in it changes; lists have each edge once, in no order."""

    def __init__(self, store: Store, sight: Sight) -> None:
        self._store = store
        self._links = store.links
        self._sight = sight
        self._relations = store.links.relations
        #: Whether there is any Event.
        self.tells = store.links.tells
        self._node = store.kinds.by_group_kind("", "Node")
        # By a kind: what names objects of it, and whether anything leads to them.
        self._naming_kinds: dict[tuple[Kind, frozenset[str]], tuple[str, ...]] = {}
        self._reached: dict[tuple[Kind, frozenset[str]], bool] = {}
        # Siblings share their labels: what selects one of them selects all.
        self._selecting: dict[tuple[str, int], list[tuple[str, GroupKind, Object]]] = {}

    def leading_from(self, item: Object, among: frozenset[str]) -> list[Edge]:
        """Where some relations lead from an object."""
        if not among:
            return []
        return _each_once([*self._meant(item, item.named, among, against=False), *self.led_to(item, among)])

    def leading_to(self, item: Object, among: frozenset[str]) -> list[Edge]:
        """From where some relations lead to an object."""
        if not among:
            return []
        against = self._meant(item, item.named, among, against=True)
        return _each_once([*self.selecting(item, among), *self.naming(item, among), *against])

    def may_lead_to(self, item: Object, among: frozenset[str]) -> bool:
        """Whether any of some relations could lead to an object of its kind."""
        key = item.kind, among
        found = self._reached.get(key)
        if found is None:
            group_kind, rules = _group_kind(item), self._relations
            may = group_kind in rules.selected or group_kind in rules.naming
            found = self._reached[key] = may or not self._links.naming(item).isdisjoint(among)
        return found

    def led_to(self, item: Object, among: frozenset[str]) -> list[Edge]:
        """Where some relations lead from an object that it does not name itself."""
        against = self._relations.named_by.get(_group_kind(item), _NONE) & among
        found = [Edge(name, other) for name in against for other in self._each(self._links.referrers(name, item))]
        return _each_once([*found, *self._selected_by(item, among)])

    def naming(self, item: Object, among: frozenset[str]) -> list[Edge]:
        """What names an object in some relations."""
        key = item.kind, among
        relations = self._naming_kinds.get(key)
        if relations is None:
            against = self._relations.named_by.get(_group_kind(item), _NONE)
            relations = self._naming_kinds[key] = tuple((self._links.naming(item) & among) - against)
        return [Edge(name, found) for name in relations for found in self._each(self._links.referrers(name, item))]

    def named(self, item: Object, among: frozenset[str], *, against: bool = False) -> list[Edge]:
        """What the references mean that an object shares with its siblings, drawn with them, or ``against`` them."""
        return _each_once(list(self._meant(item, item.references, among, against=against)))

    def selecting(self, item: Object, among: frozenset[str]) -> list[Edge]:
        """What selects an object by its labels."""
        group_kind = _group_kind(item)
        if group_kind not in self._relations.selected:
            return []
        key = item.namespace, id(item.labels)
        found = self._selecting.get(key)
        if found is None:
            found = self._selecting[key] = list(self._matching(item, dict(item.labels)))
        return [Edge(name, other) for name, selected, other in found if name in among and selected == group_kind]

    def node(self, name: str) -> Object | None:
        """The Node of this name."""
        return self._seen(self._store.find(self._node, "", name)) if self._node is not None else None

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
        self, item: Object, references: tuple[Reference, ...], among: frozenset[str], *, against: bool
    ) -> Iterator[Edge]:
        """What references mean whose edges are drawn with them, or ``against`` them."""
        for reference in references:
            relation = reference.relation
            if relation in among:
                is_reversed = self._relations.is_reversed(relation, (reference.group, reference.kind))
                if is_reversed is against:
                    yield from self._found(item, reference)

    def _found(self, item: Object, reference: Reference) -> Iterator[Edge]:
        kind = self._store.kinds.by_group_kind(reference.group, reference.kind)
        if kind is None:
            return
        if reference.relation == CLAIM_TEMPLATE:
            for claim in self._each(self._links.numbered(item.namespace, reference.name)):
                yield Edge(reference.relation, claim)
            return
        namespace = namespace_of(reference, item.namespace) if kind.namespaced else ""
        found = self._seen(self._store.find(kind, namespace, reference.name))
        if found is not None:
            yield Edge(reference.relation, found)

    def _selected_by(self, item: Object, among: frozenset[str]) -> Iterator[Edge]:
        relation, selected = self._relations.selects.get(_group_kind(item), ("", ("", "")))
        kind = self._store.kinds.by_group_kind(*selected)
        if item.selector is None or relation not in among or kind is None:
            return
        verdicts: dict[int, bool] = {}
        for found in self._store.objects(kind, item.namespace):
            verdict = verdicts.get(id(found.labels))
            if verdict is None:
                verdict = verdicts[id(found.labels)] = item.selector.matches(dict(found.labels))
            if verdict and self._sight.sees(found):
                yield Edge(relation, found)

    def _matching(self, item: Object, labels: dict[str, str]) -> Iterator[tuple[str, GroupKind, Object]]:
        for found in self._each(self._links.selecting(item)):
            rule, selector = self._relations.selects.get(_group_kind(found)), found.selector
            if rule is not None and selector is not None and selector.matches(labels):
                yield *rule, found

    def _each(self, uids: Iterable[str]) -> list[Object]:
        get, sees = self._store.get, self._sight.sees
        return [found for found in map(get, uids) if found is not None and sees(found)]

    def _seen(self, item: Object | None) -> Object | None:
        return item if item is not None and self._sight.sees(item) else None


def _each_once(edges: list[Edge]) -> list[Edge]:
    if len(edges) < 2:
        return edges
    # An object is there once: its UID says which it is.
    return list({(edge.relation, edge.item.uid): edge for edge in edges}.values())


def _group_kind(item: Object) -> GroupKind:
    return item.kind.group, item.kind.kind
