"""The relations that lead from an object to others and back, as far as somebody may see both ends."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kubediscovery.links import matches, namespace_of
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
    """Reads relations from a store for as long as nothing in it changes."""

    def __init__(self, store: Store, sight: Sight) -> None:
        self._store = store
        self._links = store.links
        self._sight = sight
        self._relations = store.links.relations
        # Siblings share their labels: what selects one of them selects all.
        self._selecting: dict[tuple[str, int], list[tuple[str, GroupKind, Object]]] = {}

    def leading_from(
        self, item: Object, among: frozenset[str], references: tuple[Reference, ...] | None = None
    ) -> list[Edge]:
        """Where some relations lead from an object, each once, in no order.

        ``references`` are those of its own that count, None for all.
        """
        if not among:
            return []
        found = [*self._meant(item, references, among, against=False), *self._selected_by(item, among)]
        for relation in self._relations.named_by.get(_group_kind(item), _NONE) & among:
            found.extend(self._naming(item, relation))
        return list(dict.fromkeys(found)) if len(found) > 1 else found

    def leading_to(self, item: Object, among: frozenset[str]) -> list[Edge]:
        """From where some relations lead to an object, each once, in no order."""
        if not among:
            return []
        found = list(self._selecting_it(item, among))
        for relation in (self._links.naming(item) & among) - self._relations.named_by.get(_group_kind(item), _NONE):
            found.extend(self._naming(item, relation))
        found.extend(self._meant(item, None, among, against=True))
        return list(dict.fromkeys(found)) if len(found) > 1 else found

    def named(self, item: Object, among: frozenset[str]) -> list[Edge]:
        """Where the references alone lead that an object shares with its siblings."""
        return list(dict.fromkeys(self._meant(item, item.references, among, against=False)))

    def node(self, name: str) -> Object | None:
        """The Node of this name."""
        kind = self._store.kinds.by_group_kind("", "Node")
        return self._seen(self._store.find(kind, "", name)) if kind is not None else None

    def events(self, item: Object) -> list[EventState]:
        """The latest Events about the object, newest first."""
        told = [
            (found.name, found.state) for found in self._each(self._told(item)) if isinstance(found.state, EventState)
        ]
        told.sort(key=lambda found: (-found[1].last_seen, found[0]))
        return [state for _, state in told[:LATEST_EVENTS]]

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
        self, item: Object, references: tuple[Reference, ...] | None, among: frozenset[str], *, against: bool
    ) -> Iterator[Edge]:
        """What references mean whose edges are drawn with them, or ``against`` them."""
        for reference in item.named if references is None else references:
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

    def _naming(self, item: Object, relation: str) -> Iterator[Edge]:
        for found in self._each(self._links.referrers(relation, item)):
            yield Edge(relation, found)

    def _selected_by(self, item: Object, among: frozenset[str]) -> Iterator[Edge]:
        relation, selected = self._relations.selects.get(_group_kind(item), ("", ("", "")))
        kind = self._store.kinds.by_group_kind(*selected)
        if item.selector is None or relation not in among or kind is None:
            return
        verdicts: dict[int, bool] = {}
        for found in self._store.objects(kind, item.namespace):
            verdict = verdicts.get(id(found.labels))
            if verdict is None:
                verdict = verdicts[id(found.labels)] = matches(item.selector, found.labels)
            if verdict and self._sight.sees(found):
                yield Edge(relation, found)

    def _selecting_it(self, item: Object, among: frozenset[str]) -> Iterator[Edge]:
        key = item.namespace, id(item.labels)
        found = self._selecting.get(key)
        if found is None:
            found = self._selecting[key] = list(self._matching(item, dict(item.labels)))
        group_kind = _group_kind(item)
        for relation, selected, other in found:
            if relation in among and selected == group_kind:
                yield Edge(relation, other)

    def _matching(self, item: Object, labels: dict[str, str]) -> Iterator[tuple[str, GroupKind, Object]]:
        for found in self._each(self._links.selecting(item)):
            rule, selector = self._relations.selects.get(_group_kind(found)), found.selector
            if rule is not None and selector is not None and selector.matches(labels):
                yield *rule, found

    def _each(self, uids: Iterable[str]) -> Iterator[Object]:
        for uid in uids:
            found = self._seen(self._store.get(uid))
            if found is not None:
                yield found

    def _seen(self, item: Object | None) -> Object | None:
        return item if item is not None and self._sight.sees(item) else None


def _group_kind(item: Object) -> GroupKind:
    return item.kind.group, item.kind.kind
