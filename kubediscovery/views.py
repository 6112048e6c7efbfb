"""What a watch shows: the trees that a caller selects, as the caller may see them, and how changes show in them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from kubediscovery.composition import Composition, composition_name
from kubediscovery.compositions import Compositions, Target
from kubediscovery.drawing import DEFAULT, Drawing
from kubediscovery.effects import Affected, Effects, in_order
from kubediscovery.errors import Expired
from kubediscovery.journal import Change
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


class WatchEvent:
    """One event, encoded once for all who want it in the same representation.

    What it shows is made when it is first asked for, which is to be in the same step: nobody may.
    """

    __slots__ = ("_lines", "_made", "_shown", "type", "uid")

    def __init__(self, type_: EventType, uid: str, shown: "Callable[[], Composition] | _Shown") -> None:
        self.type = type_
        self.uid = uid
        self._shown = shown
        self._made: Composition | None = None
        self._lines: dict[tuple[Representation, bool], bytes] = {}

    @property
    def composition(self) -> Composition:
        """What it shows."""
        if self._made is None:
            self._made = self._shown()
        return self._made

    def line(self, representation: Representation, *, columns: bool) -> bytes:
        """The event as a line; ``columns`` asks for a Table's column definitions."""
        key = (representation, columns)
        found = self._lines.get(key)
        if found is None:
            found = self._lines[key] = _line(self.type, self._content(representation, columns=columns))
        return found

    def _content(self, representation: Representation, *, columns: bool) -> bytes:
        if isinstance(self._shown, _Shown) and not representation.media_type.as_kind:
            return self._shown.written()
        return encode(transform(self.composition, representation, datetime.now(UTC), columns=columns), _AS_JSON)


class _Shown(NamedTuple):
    """A composition that a view shows, as it is in the store now."""

    view: "View"
    item: Object

    def __call__(self) -> Composition:
        return self.view.compositions.compose(self.item, self.view.sight, self.view.selection.drawing)

    def written(self) -> bytes:
        """As JSON, which a list can use again, and other views of the same."""
        return self.view.compositions.written(self.item, self.view.sight, self.view.selection.drawing)


def line_of(type_: str, content: object) -> bytes:
    """An event of some type with some object, as a line of JSON."""
    return _line(type_, encode(content, _AS_JSON))


def _line(type_: str, content: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (type_.encode(), content)


class View:
    """The trees of a selection as somebody sees them who may see some kinds; all who watch the same share one."""

    def __init__(self, store: Store, compositions: Compositions, selection: Selection, sight: Sight) -> None:
        self._store = store
        self.compositions = compositions
        self.selection = selection
        self.sight = sight
        self._needs_tree = needs_tree(selection)
        self.present: dict[str, None] = {root.uid: None for root in roots_of(store, selection) if self.shows(root)}

    @property
    def one_name(self) -> tuple[str, str] | None:
        """Namespace and name of the only composition that it can show; None where there may be several."""
        return _one_name(self.selection)

    def shows(self, item: Object) -> bool:
        """Whether the composition of an object is among those that this shows."""
        if not self._may_show(item) or not (self.selection.target.kind or self._store.is_root(item)):
            return False
        if not self._matches_labels(item) or not self._matches_lasting(item):
            return False
        return not self._needs_tree or self.selection.fields.matches(
            self.compositions.fields(item, self.sight, self.selection.drawing)
        )

    def initial(self) -> Iterator[WatchEvent | None]:
        """What is present at the first step, each as it is when its turn comes; None for what is not shown any more."""
        return (self.renewed(EventType.ADDED, uid) for uid in list(self.present))

    def renewed(self, type_: EventType, uid: str) -> WatchEvent | None:
        """An event of the object as it is now; None where it is not shown any more."""
        item = self._store.get(uid)
        return self._shown(type_, item) if item is not None and self.shows(item) else None

    def event(self, affected: Affected) -> WatchEvent | None:
        """How a change shows; None where it does not. To be asked for each change, in their order."""
        uid = affected.last.uid
        was_present = uid in self.present
        if affected.item is not None and self.shows(affected.item):
            self.present[uid] = None
            return self._shown(EventType.MODIFIED if was_present else EventType.ADDED, affected.item)
        if not was_present:
            return None
        del self.present[uid]
        return self._deletion(affected)

    def effects(self, changes: Sequence[Change]) -> "Effects":
        """What gathers in whose trees the changes show, to be told of each of them."""
        return Effects(self._store, changes, self.sight.kinds)

    def replay(self, effects: "Effects") -> Iterator[WatchEvent | None]:
        """What has changed for somebody who knows how it was before the changes, or amid them; None for nothing.

        Whatever may have been shown, and is not now, is told as gone: to who never had it that is nothing new. Raises
        :class:`Expired` where that would tell of what he may not see.
        """
        found = effects.settled()
        for affected in in_order(self._store, found.values()):
            item = self._store.get(affected.last.uid)
            if item is not None and self.shows(item):
                yield self._shown(EventType.ADDED if affected.came else EventType.MODIFIED, item)
            elif self._may_have_shown(affected, found):
                yield self._deletion(affected)
            else:
                yield None

    def _shown(self, type_: EventType, item: Object) -> WatchEvent:
        return WatchEvent(type_, item.uid, _Shown(self, item))

    def _may_show(self, item: Object) -> bool:
        target = self.selection.target
        if item.kind not in self.sight.kinds if target.kind is None else item.kind != target.kind:
            return False
        return target.namespace in (None, item.namespace)

    def _matches_labels(self, item: Object) -> bool:
        labels = self.selection.labels
        return not labels.terms or labels.matches(dict(item.labels))

    def _matches_lasting(self, item: Object) -> bool:
        fields = self.selection.fields
        if not fields.terms:
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
        composition = self.compositions.compose(affected.last, self.sight, self.selection.drawing)
        # As in Kubernetes, a deletion has the version at which it happened: a watch can go on from there.
        version = affected.went or max(affected.version, int(composition.metadata.resource_version))
        metadata = msgspec.structs.replace(composition.metadata, resource_version=str(version))
        deleted = msgspec.structs.replace(composition, metadata=metadata)
        return WatchEvent(EventType.DELETED, affected.last.uid, lambda: deleted)


def roots_of(store: Store, selection: Selection) -> Iterator[Object]:
    """Where what is selected may be found, as it is now."""
    target, name = selection.target, _one_name(selection)
    if target.kind is None:
        return iter(list(store.roots(target.namespace)))
    if name is not None:
        named = store.find(target.kind, name[0], name[1].removeprefix(f"{target.kind.group_resource}."))
        return iter([named] if named is not None else [])
    return iter(list(store.objects(target.kind, target.namespace)))


def _one_name(selection: Selection) -> tuple[str, str] | None:
    name, namespace = selection.fields.exact("metadata.name"), selection.target.namespace
    return (namespace, name) if name and namespace is not None else None


def needs_tree(selection: Selection) -> bool:
    """Whether a tree has to be looked at to say if it is selected."""
    return any(found.key not in _LASTING_FIELDS for found in selection.fields.requirements)
