"""What a watch shows: the trees that a caller selects, as the caller may see them, and how changes show in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from kubediscovery.compositions import Composition, Compositions, Target, composition_name, fields_of
from kubediscovery.drawing import DEFAULT, Drawing
from kubediscovery.errors import Expired
from kubediscovery.journal import Change
from kubediscovery.kinds import Kind
from kubediscovery.negotiation import PLAIN, Representation
from kubediscovery.objects import EventType, Object
from kubediscovery.representation import encode, transform
from kubediscovery.selectors import Selector
from kubediscovery.sight import Sight
from kubediscovery.store import Store, may_own

# Fields whose former value can be told from an object's former state.
_LASTING_FIELDS = frozenset(("metadata.name", "metadata.namespace", "root.kind"))
_AS_JSON = Representation(PLAIN)


@dataclass(frozen=True, slots=True)
class Selection:
    """What a watch is about."""

    target: Target
    labels: Selector
    fields: Selector
    drawing: Drawing = DEFAULT


@dataclass(slots=True)
class Affected:
    """An object whose tree some changes touched.

    ``item`` is its present state, None if it is gone; ``last`` the last one that is known; ``former`` are those that
    the changes tell of. ``version`` is the highest of the changes; ``came`` and ``went`` are those at which it did, 0
    where it was there before them, or is there now. It is not ``certain`` where its former owners and labels may have
    been others, and not ``steady`` where it was away in between.
    """

    item: Object | None
    last: Object
    former: list[Object] = field(default_factory=list)
    version: int = 0
    came: int = 0
    went: int = 0
    certain: bool = True
    steady: bool = True


class WatchEvent:
    """One event, encoded once for all who want it in the same representation."""

    __slots__ = ("_lines", "composition", "type")

    def __init__(self, type_: EventType, composition: Composition) -> None:
        self.type = type_
        self.composition = composition
        self._lines: dict[tuple[Representation, bool], bytes] = {}

    def line(self, representation: Representation, *, columns: bool) -> bytes:
        """The event as a line; ``columns`` asks for a Table's column definitions."""
        key = (representation, columns)
        found = self._lines.get(key)
        if found is None:
            content = transform(self.composition, representation, datetime.now(UTC), columns=columns)
            found = self._lines[key] = line_of(self.type, content)
        return found


def line_of(type_: str, content: object) -> bytes:
    """An event of some type with some object, as a line of JSON."""
    return b'{"type":"' + type_.encode() + b'","object":' + encode(content, _AS_JSON) + b"}\n"


class View:
    """The trees of a selection as somebody sees them who may see some kinds; all who watch the same share one."""

    def __init__(self, store: Store, compositions: Compositions, selection: Selection, sight: Sight) -> None:
        self._store = store
        self._compositions = compositions
        self.selection = selection
        self.sight = sight
        self._needs_tree = any(found.key not in _LASTING_FIELDS for found in selection.fields.requirements)
        self.present: dict[str, None] = {root.uid: None for root in self._roots() if self.composition(root) is not None}

    @property
    def one_name(self) -> tuple[str, str] | None:
        """Namespace and name of the only composition that it can show; None where there may be several."""
        name, namespace = self.selection.fields.exact("metadata.name"), self.selection.target.namespace
        return (namespace, name) if name and namespace is not None else None

    def composition(self, item: Object) -> Composition | None:
        """The composition of an object, None if this does not show it."""
        if not self._may_show(item) or not (self.selection.target.kind or self._store.is_root(item)):
            return None
        return self._matching(item)

    def initial(self) -> Iterator[WatchEvent]:
        """What is present at the first step, each as it is when its turn comes."""
        return filter(None, (self.renewed(EventType.ADDED, uid) for uid in list(self.present)))

    def renewed(self, type_: EventType, uid: str) -> WatchEvent | None:
        """An event of the object as it is now; None where it is not shown any more."""
        item = self._store.get(uid)
        composition = self.composition(item) if item is not None else None
        return WatchEvent(type_, composition) if composition is not None else None

    def event(self, affected: Affected) -> WatchEvent | None:
        """How a change shows; None where it does not. To be asked for each change, in their order."""
        uid = affected.last.uid
        was_present = uid in self.present
        composition = self.composition(affected.item) if affected.item is not None else None
        if composition is not None:
            self.present[uid] = None
            return WatchEvent(EventType.MODIFIED if was_present else EventType.ADDED, composition)
        if not was_present:
            return None
        del self.present[uid]
        return self._deletion(affected)

    def replay(self, changes: Sequence[Change]) -> Iterator[WatchEvent]:
        """What has changed for somebody who knows how it was before the changes, or amid them.

        Whatever may have been shown, and is not now, is told as gone: to who never had it that is nothing new. Raises
        :class:`Expired` where that would tell of what he may not see.
        """
        found = affected_by(self._store, changes, self.sight.kinds)
        for affected in in_order(self._store, found.values()):
            composition = self.composition(affected.item) if affected.item is not None else None
            if composition is not None:
                yield WatchEvent(EventType.ADDED if affected.came else EventType.MODIFIED, composition)
            elif self._may_have_shown(affected, found):
                yield self._deletion(affected)

    def _roots(self) -> Iterator[Object]:
        target = self.selection.target
        name = self.one_name
        if target.kind is None:
            return self._store.roots(target.namespace)
        if name is not None:
            named = self._store.find(target.kind, name[0], name[1].removeprefix(f"{target.kind.group_resource}."))
            return iter([named] if named is not None else [])
        return self._store.objects(target.kind, target.namespace)

    def _may_show(self, item: Object) -> bool:
        target = self.selection.target
        if item.kind not in self.sight.kinds if target.kind is None else item.kind != target.kind:
            return False
        return target.namespace in (None, item.namespace)

    def _matching(self, item: Object) -> Composition | None:
        if not self._matches_labels(item) or not self._matches_lasting(item):
            return None
        composition = self._compositions.compose(item, self.sight, self.selection.drawing)
        if self._needs_tree and not self.selection.fields.matches(fields_of(composition)):
            return None
        return composition

    def _matches_labels(self, item: Object) -> bool:
        labels = self.selection.labels
        return not labels.requirements or labels.matches(dict(item.labels))

    def _matches_lasting(self, item: Object) -> bool:
        fields = self.selection.fields
        if not fields.requirements:
            return True
        values = {
            "metadata.name": composition_name(item),
            "metadata.namespace": item.namespace,
            "root.kind": item.kind.kind,
        }
        return all(found.holds(values) for found in fields.requirements if found.key in _LASTING_FIELDS)

    def _may_have_shown(self, affected: Affected, found: Mapping[str, Affected]) -> bool:
        """Whether any of its states was shown, as far as can be known: what fields a tree had then cannot."""
        last = affected.last
        if not self._may_show(last) or not self._matches_lasting(last):
            return False
        if not affected.certain:
            if last.kind not in self.sight.kinds and not self._matches_labels(last):
                # Its name is not for somebody whose right may end at the selector.
                raise Expired("what has left the labelSelector is not known any more, list again")
            return self.selection.target.kind is not None or last.kind.workload
        return any(
            self._matches_labels(state)
            and (self.selection.target.kind or self._may_have_been_root(state, affected, found))
            for state in (*affected.former, last)
        )

    def _may_have_been_root(self, state: Object, affected: Affected, found: Mapping[str, Affected]) -> bool:
        return state.kind.workload and not any(
            self._owned_throughout(reference.uid, state, affected, found) for reference in state.owners
        )

    def _owned_throughout(self, uid: str, child: Object, affected: Affected, found: Mapping[str, Affected]) -> bool:
        """Whether an owner was there before its child was, and as long."""
        owner = found.get(uid)
        if owner is None:
            known = self._store.get(uid)
            return known is not None and may_own(known, child)
        stayed = not owner.went or 0 < affected.went <= owner.went
        return owner.steady and owner.came <= affected.came and stayed and may_own(owner.last, child)

    def _deletion(self, affected: Affected) -> WatchEvent:
        composition = self._compositions.compose(affected.last, self.sight, self.selection.drawing)
        # As in Kubernetes, a deletion has the version at which it happened: a watch can go on from there.
        version = affected.went or max(affected.version, int(composition.metadata.resource_version))
        metadata = msgspec.structs.replace(composition.metadata, resource_version=str(version))
        return WatchEvent(EventType.DELETED, msgspec.structs.replace(composition, metadata=metadata))


def affected_by(store: Store, changes: Sequence[Change], visible: frozenset[Kind]) -> dict[str, Affected]:
    """The objects in whose trees changes show to somebody who may see some kinds, by UID, in the order of the changes.

    A change shows in the changed object's own tree and, through owners of visible kinds, in those of all above it.
    Where an object came or went its children may have become roots, or no roots any more.
    """
    effects = _Effects(store, changes, visible)
    for change in changes:
        effects.add(change)
    return effects.found


def in_order(store: Store, found: Iterable[Affected]) -> list[Affected]:
    """By version, so that who has heard of some knows how far; what is gone before what has taken its name."""

    def when(affected: Affected) -> int:
        last = affected.last
        namesake = store.find(last.kind, last.namespace, last.name) if affected.went else None
        if namesake is None:
            return affected.went or affected.version
        # A deletion that only a list told of has that list's version.
        return min(affected.went, namesake.resource_version - 1)

    return sorted(found, key=when)


class _Effects:
    def __init__(self, store: Store, changes: Sequence[Change], visible: frozenset[Kind]) -> None:
        self._store = store
        self._visible = visible
        # Owners may be gone by now; what they were leads further up all the same.
        self._gone = {change.uid: change.before for change in changes if change.before is not None}
        self._changed: set[str] = set()
        self.found: dict[str, Affected] = {}

    def add(self, change: Change) -> None:
        changed = self._known(change.uid)
        if changed is None:
            return
        affected = self._note(changed, change)
        if change.came:
            affected.steady = change.uid not in self._changed
            affected.came = change.version if affected.steady else affected.came
        if change.before is not None:
            affected.former.append(change.before)
        if affected.item is None:
            affected.went = change.version
        affected.certain = affected.certain and change.certain
        self._changed.add(change.uid)
        if change.kind in self._visible:
            self._climb(changed, change)
        if change.came or change.before is not None:
            for child in self._store.children(changed):
                self._note(child, change)

    def _climb(self, changed: Object, change: Change) -> None:
        seen = {changed.uid}
        stack: list[tuple[Object, Iterable[str]]] = [(changed, change.owners)]
        while stack:
            child, owners = stack.pop()
            for owner in filter(None, map(self._known, owners)):
                if owner.uid in seen or not may_own(owner, child):
                    continue
                seen.add(owner.uid)
                self._note(owner, change)
                if owner.kind in self._visible:
                    stack.append((owner, [reference.uid for reference in owner.owners]))

    def _known(self, uid: str) -> Object | None:
        return self._store.get(uid) or self._gone.get(uid)

    def _note(self, item: Object, change: Change) -> Affected:
        affected = self.found.get(item.uid)
        if affected is None:
            present = self._store.get(item.uid)
            affected = self.found[item.uid] = Affected(present, present or item)
        affected.version = max(affected.version, change.version)
        return affected
