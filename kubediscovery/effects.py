"""In whose trees changes show: in those of all that own what changed, directly or through others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from kubediscovery.journal import Change
from kubediscovery.kinds import Kind
from kubediscovery.objects import Object
from kubediscovery.store import Store, may_own


@dataclass(slots=True)
class Affected:
    """An object whose tree some changes touched.

    ``item`` is its present state, None if it is gone; ``last`` the last one that is known; ``former`` are those that
    the changes tell of. ``version`` is the highest of the changes, ``place`` that of the last among them; ``came`` and
    ``went`` are those at which it did, 0 where it was there before them, or is there now. It is not ``certain`` where
    its former owners and labels may have been others, and not ``steady`` where it was away in between.
    """

    item: Object | None
    last: Object
    former: list[Object] = field(default_factory=list)
    version: int = 0
    place: int = 0
    came: int = 0
    went: int = 0
    certain: bool = True
    steady: bool = True


def affected_by(store: Store, changes: Sequence[Change], visible: frozenset[Kind]) -> dict[str, Affected]:
    """The objects in whose trees changes show to somebody who may see some kinds, by UID, in the order of the changes.

    A change shows in the changed object's own tree and, through owners of visible kinds, in those of all above it.
    Where an object came or went its children may have become roots, or no roots any more.
    """
    effects = Effects(store, changes, visible)
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


class Effects:
    """Gathers in whose trees changes show; time may pass between two of them."""

    def __init__(self, store: Store, changes: Sequence[Change], visible: frozenset[Kind]) -> None:
        self._store = store
        self._visible = visible
        # Owners may be gone by now; what they were leads further up all the same.
        self._gone = {change.uid: change.before for change in changes if change.before is not None}
        self._changed: set[str] = set()
        self._place = -1
        self.found: dict[str, Affected] = {}

    def add(self, change: Change) -> None:
        """Gather one of the changes; to be asked in their order."""
        self._place += 1
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

    def settled(self) -> dict[str, Affected]:
        """The affected objects as they are now, by UID."""
        for uid, affected in self.found.items():
            item = self._store.get(uid)
            if item is not affected.item:
                affected.item, affected.last = item, item or affected.last
        return self.found

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
        affected.version, affected.place = max(affected.version, change.version), self._place
        return affected
